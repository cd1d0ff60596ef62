//! One lane: what waits in it, and how fast it may go.

use std::time::Duration;

use reveille_core::UnixTime;

use super::queue::Class;
use super::settings::{LaneSettings, ServiceId};
use super::{Breaker, LaneId, Level, Rate, Streams};
use crate::Priority;

/// What a request costs at the foot of a ramp, in thousandths: ten times as much.
const RAMP_FOOT: u64 = 10_000;

pub(super) const CLASSES: [Priority; 3] = [Priority::Urgent, Priority::Normal, Priority::Low];

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) id: LaneId,
    pub(super) service: ServiceId,
    pub(super) settings: LaneSettings,
    classes: [Option<Box<Class>>; 3],
    pub(super) waiting: u32,
    pub(super) in_flight: u32,
    /// Which classes are in the rings.
    pub(super) in_rings: u8,
    /// It is not looked at before: a time of the blocked set, or `MAX` while it waits for a report.
    pub(super) blocked: Option<UnixTime>,
    level: Level,
    leased: Option<(Rate, UnixTime)>,
    ramp_from: UnixTime,
    last_left: UnixTime,
    pub(super) breaker: Breaker,
    pub(super) streams: Streams,
}

impl Lane {
    pub(super) fn new(id: LaneId, service: ServiceId, settings: LaneSettings, seed: u64) -> Self {
        Self {
            id,
            service,
            settings,
            classes: [None, None, None],
            waiting: 0,
            in_flight: 0,
            in_rings: 0,
            blocked: None,
            level: Level::EMPTY,
            leased: None,
            ramp_from: UnixTime::EPOCH,
            last_left: UnixTime::EPOCH,
            breaker: Breaker::new(settings.breaker, seed ^ id.to_bits()),
            streams: Streams::default(),
        }
    }

    pub(super) fn class(&mut self, priority: Priority) -> &mut Class {
        let [urgent, normal, low] = &mut self.classes;
        let class = match priority {
            Priority::Urgent => urgent,
            Priority::Normal => normal,
            Priority::Low => low,
        };
        class.get_or_insert_default()
    }

    /// The classes that have something.
    pub(super) fn waiting_classes(&self) -> impl Iterator<Item = Priority> + use<'_> {
        let has = |class: &Option<Box<Class>>| class.as_ref().is_some_and(|class| !class.is_empty());
        CLASSES
            .into_iter()
            .zip(&self.classes)
            .filter(move |(_, class)| has(class))
            .map(|(priority, _)| priority)
    }

    /// A share of the service's limit, leased until then.
    pub(super) const fn lease(&mut self, rate: Rate, until: UnixTime) {
        self.leased = Some((rate, until));
    }

    fn rate(&self, now: UnixTime) -> Rate {
        match self.leased {
            Some((rate, until)) if now < until => rate,
            _ => self.settings.rate,
        }
    }

    /// What a request costs, in thousandths: more, while the ramp is climbed.
    fn cost(&mut self, now: UnixTime) -> u32 {
        let ramp = self.settings.ramp;
        if ramp == 0 {
            return 1_000;
        }
        let silent = reveille_core::millis(now.since(self.last_left)) >= ramp;
        if silent || now < self.ramp_from {
            self.ramp_from = now;
        }
        let climbed = reveille_core::millis(now.since(self.ramp_from)).max(1);
        (ramp.saturating_mul(1_000) / climbed).clamp(1_000, RAMP_FOOT) as u32
    }

    /// Takes one of the lane's rate.
    pub(super) fn take(&mut self, now: UnixTime) -> Result<(), UnixTime> {
        let cost = self.cost(now);
        let rate = self.rate(now);
        self.level.take_scaled(&rate, cost, now)?;
        self.last_left = now;
        Ok(())
    }

    pub(super) fn refund(&mut self, now: UnixTime) {
        let rate = self.rate(now);
        self.level.refund(&rate, now);
    }

    pub(super) fn has_room(&self) -> bool {
        !self.streams.is_empty() || self.in_flight < self.settings.in_flight
    }

    /// Whether it may be forgotten: nothing in it would be missed.
    pub(super) fn is_idle(&self, now: UnixTime) -> bool {
        self.waiting == 0
            && self.in_flight == 0
            && self.streams.is_empty()
            && self.leased.is_none_or(|(_, until)| until <= now)
            && self.breaker.peek(now).is_ok()
            && now.since(self.last_left) >= Duration::from_millis(self.settings.ramp.max(600_000))
    }
}
