//! What no conversation has: people who log out, queues, and what an operator wants of dead letters and of digests.

use std::time::Duration;

use reveille_conversation::event::{PersonChange, PersonEvent, Presence, QueueChange, QueueEvent, Wait};
use reveille_delivery::dead::DeadId;
use reveille_gateway::{Command, Input};

use super::desk::QUEUE;
use super::next::Next;
use super::node::Done;
use super::people::text;
use super::script::Scripted;
use super::world::{SHARDS, World, shard_of};

/// Somebody, or the operator, does something once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    Presence,
    LoggedOut,
    Queue,
    Flush,
    /// All that died so far may live again.
    Redrive,
    Discard,
}

impl Operator {
    const ALL: [Self; 6] =
        [Self::Presence, Self::LoggedOut, Self::Queue, Self::Flush, Self::Redrive, Self::Discard];
}

impl World {
    pub(super) fn plan_operator(&mut self, span: u64) {
        for _ in 0..=span / 60_000 {
            let what = Operator::ALL.get(self.draw.index(Operator::ALL.len())).copied();
            if let Some(what) = what {
                self.sometime(span, Next::Operator(what));
            }
        }
    }

    pub(super) fn operate(&mut self, what: Operator) {
        if self.node.is_none() {
            return self.after(Duration::from_secs(1), Next::Operator(what));
        }
        let (person, at) = (self.draw.index(self.people.regulars), self.now());
        let Some(id) = self.people.people.get(person).map(|person| person.id.clone()) else { return };
        let every_shard = 0..SHARDS;
        let (input, shards, done) = match what {
            Operator::Presence => {
                let away = self.draw.per_mille(500);
                let what = PersonChange::Presence(if away { Presence::Away } else { Presence::Available });
                (Input::Person(PersonEvent { person: id, at, what }), every_shard, None)
            }
            Operator::LoggedOut => {
                let known = self.people.people.get(person).and_then(|person| person.devices.first());
                let device = known.filter(|_| self.draw.per_mille(300)).map(|known| known.name.clone());
                let number = self.oracle.logs_out(&id, device.as_ref());
                if device.is_some() {
                    self.people.logs_out(person, self.truth);
                }
                let what = PersonChange::LoggedOut(device);
                (Input::Person(PersonEvent { person: id, at, what }), every_shard, Some(number))
            }
            Operator::Queue => {
                let wait = QueueChange::EstimatedWait(Wait { wait_ms: self.draw.below(1_800_000) });
                let what = if self.draw.per_mille(700) { wait } else { QueueChange::Closing };
                (Input::Queue(QueueEvent { queue: text(QUEUE), at, what }), every_shard, None)
            }
            Operator::Flush => {
                let number = self.draw.index(self.script.len());
                let Some(Scripted { event, .. }) = self.script.get(number) else { return };
                let (conversation, shard) =
                    (event.conversation.clone(), shard_of(self.seed, &event.conversation));
                let flush = Command::Flush { person: id, conversation };
                (Input::Command(flush), shard..shard + 1, None)
            }
            Operator::Redrive => {
                self.oracle.redriven_at(self.truth);
                let (every, until) = (Duration::from_millis(100), at + Duration::from_secs(3_600));
                let redrive = Command::Redrive { from: super::world::START, to: at, every, until };
                (Input::Command(redrive), every_shard, None)
            }
            Operator::Discard => {
                let shard = self.draw.index(SHARDS);
                let letter = DeadId::from_bits(self.draw.below(4));
                (Input::Command(Command::Discard(letter)), shard..shard + 1, None)
            }
        };
        for shard in shards {
            for input in self.meddle.input(input.clone()) {
                let Some(cell) = self.node.as_mut().and_then(|node| node.cells.get_mut(shard)) else {
                    return;
                };
                let ticket = cell.admit(input);
                cell.tickets.extend(done.map(|number| (ticket, Done::LoggedOut { number, shard })));
            }
            self.schedule(shard);
        }
    }
}
