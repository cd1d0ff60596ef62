//! When what happens: arrivals from the script, all else somewhere in their span.

use std::time::Duration;

use reveille_core::UnixTime;

use super::Faults;
use super::next::Next;
use super::services::Service;
use super::wire::Weather;
use super::world::{START, World};

impl World {
    pub(super) fn plan_all(&mut self) {
        let mut last = START;
        let arrivals: Vec<_> = self
            .script
            .iter()
            .enumerate()
            .flat_map(|(number, scripted)| scripted.arrives.iter().map(move |at| (number, *at)))
            .collect();
        for (number, at) in arrivals {
            last = last.max(at);
            self.at(at, Next::Arrive(number));
        }
        self.plan_news();
        if self.plan.faults == Faults::None {
            return;
        }
        let span = last.since(START).as_millis() as u64;
        let hell = self.plan.faults == Faults::Hell;
        let someone = |world: &mut Self| world.draw.index(world.people.regulars);
        for _ in 0..span / 120_000 {
            let who = someone(self);
            self.sometime(span, Next::Register(who));
        }
        for _ in 0..span / 60_000 {
            let (who, wait) = (someone(self), self.draw.ms(1_000, 90_000));
            self.sometime(span, Next::Pause(who, wait));
        }
        for _ in 0..span / 240_000 {
            let (rotates, forgets) = (someone(self), someone(self));
            self.sometime(span, Next::Rotate(rotates));
            self.sometime(span, Next::Forget(forgets));
        }
        for _ in 0..=span / 600_000 {
            self.sometime(span, Next::Change);
            self.sometime(span, Next::Revoke);
            let slow = Service::ALL.get(self.draw.index(3)).copied();
            let weathers = [
                Weather { storm: true, ..Weather::default() },
                Weather { slow, ..Weather::default() },
                Weather { not_found: hell, ..Weather::default() },
            ];
            for weather in weathers {
                let at = self.sometime(span, Next::Weather(weather));
                let over = at + self.draw.ms(1_000, 30_000);
                self.at(over, Next::Weather(Weather::default()));
            }
        }
        self.plan_operator(span);
        if !hell {
            return;
        }
        // Some runs lose their stores without losing their clocks.
        let (backup, steps) = (self.draw.per_mille(300), self.draw.per_mille(700));
        for _ in 0..if steps { span / 300_000 + 1 } else { 0 } {
            let error = match self.draw.below(5) {
                0 | 1 => 0,
                2 => self.draw.below(30_000) as i64 - 15_000,
                // A jump over an hour is longer than ids of events and rung devices are remembered.
                3 => self.draw.below(1_500_000) as i64,
                _ => -(self.draw.below(1_500_000) as i64),
            };
            self.sometime(span, Next::SetClock(error));
        }
        for _ in 0..=span / 400_000 {
            self.sometime(span, Next::Sleep);
        }
        if backup {
            let ago = self.draw.ms(10_000, 600_000);
            self.sometime(span, Next::Backup(ago));
        }
        // A clock that stays wrong keeps every credential wrong.
        self.at(last + Duration::from_secs(120), Next::SetClock(0));
    }

    pub(super) fn sometime(&mut self, span: u64, next: Next) -> UnixTime {
        let at = START + self.draw.ms(0, span);
        self.at(at, next);
        at
    }
}
