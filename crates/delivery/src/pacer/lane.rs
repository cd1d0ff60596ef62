//! One lane: what waits in it, and how fast it may go.

use std::time::Duration;

use reveille_core::{UnixTime, millis};

use super::queue::{Class, Entry, Places};
use super::settings::{LaneSettings, ServiceId};
use super::until::Until;
use super::{Breaker, LaneId, Level, Rate, Streams};
use crate::Priority;

/// What a request costs at the foot of a ramp, in thousandths: ten times as much.
const RAMP_FOOT: u64 = 10_000;

pub(super) const CLASSES: [Priority; 3] = [Priority::Urgent, Priority::Normal, Priority::Low];

/// In the order in which a turn reads it, so that it reads few lines of memory.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Lane {
    level: Level,
    rate: Rate,
    last_left: UnixTime,
    ramp_from: UnixTime,
    /// In milliseconds.
    ramp: u64,
    pub(super) in_flight: u32,
    /// Which classes have something: a bit for each priority.
    waiting_in: u8,
    /// Which classes are in the rings.
    pub(super) in_rings: u8,
    pub(super) ordered: bool,

    pub(super) id: LaneId,
    /// It is not looked at before: a time of the blocked set, or `MAX` while it waits for a report.
    pub(super) blocked: Option<UnixTime>,
    pub(super) waiting: u32,
    most_in_flight: u32,
    pub(super) streams: Streams,
    leased: Option<Box<(Rate, Until)>>,

    /// What waits, by priority. Most has the usual one, so that is no step away.
    normal: Class,
    pub(super) service: ServiceId,
    pub(super) breaker: Breaker,
    urgent: Option<Box<Class>>,
    low: Option<Box<Class>>,
}

impl Lane {
    pub(super) fn new(id: LaneId, service: ServiceId, settings: &LaneSettings, seed: u64) -> Self {
        Self {
            id,
            service,
            rate: settings.rate,
            ramp: settings.ramp,
            most_in_flight: settings.in_flight,
            ordered: settings.ordered,
            normal: Class::default(),
            urgent: None,
            low: None,
            waiting_in: 0,
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

    fn class(&mut self, priority: Priority) -> &mut Class {
        match priority {
            Priority::Urgent => self.urgent.get_or_insert_default(),
            Priority::Normal => &mut self.normal,
            Priority::Low => self.low.get_or_insert_default(),
        }
    }

    /// Something waits from now on.
    pub(super) fn push<T>(
        &mut self,
        places: &mut Places<T>,
        at: u32,
        priority: Priority,
        key: u64,
        in_front: bool,
    ) {
        self.class(priority).push(places, at, key, in_front);
        self.waiting_in |= 1 << priority as u8;
        self.waiting += 1;
    }

    /// What comes first of a priority, and the list that it is in; see [`Class::peek`].
    pub(super) fn peek<T>(
        &mut self,
        priority: Priority,
        places: &mut Places<T>,
        is_free: impl FnMut(&Entry) -> bool,
    ) -> Option<(usize, u32)> {
        let class = self.class(priority);
        let first = class.peek(places, is_free);
        let is_empty = class.is_empty();
        self.note_empty(priority, is_empty);
        first
    }

    /// Takes the first of a list out of it; the one behind it is the first then.
    pub(super) fn pop(&mut self, priority: Priority, list: usize, next: u32) {
        let class = self.class(priority);
        class.pop(list, next);
        let is_empty = class.is_empty();
        self.note_empty(priority, is_empty);
    }

    fn note_empty(&mut self, priority: Priority, is_empty: bool) {
        if is_empty {
            self.waiting_in &= !(1 << priority as u8);
        }
    }

    /// What comes next, most likely, if it has the usual priority.
    #[inline]
    pub(super) fn ahead(&self) -> Option<u32> {
        self.normal.ahead()
    }

    /// Reads a word of each part that a turn needs, so that it comes from memory.
    #[inline]
    pub(super) fn touch(&self) -> u64 {
        let flags = u64::from(self.waiting_in) ^ u64::from(self.in_flight) ^ self.id.to_bits();
        let times = self.last_left.as_millis() ^ self.level.since() ^ self.ramp_from.as_millis();
        flags
            ^ times
            ^ u64::from(self.normal.touch(0))
            ^ self.breaker.touch()
            ^ u64::from(self.streams.is_empty())
    }

    /// A word of each part that a push needs.
    #[inline]
    pub(super) fn touch_end(&self, key: u64) -> (u8, u32) {
        (self.waiting_in, self.normal.touch(key))
    }

    /// The classes that have something and are in no ring.
    #[inline]
    pub(super) const fn not_in_rings(&self) -> u8 {
        self.waiting_in & !self.in_rings
    }

    /// The most urgent class that has something.
    pub(super) fn first_class(&self) -> Option<Priority> {
        CLASSES.get(self.waiting_in.trailing_zeros() as usize).copied()
    }

    /// A share of the service's limit, leased until then.
    pub(super) fn lease(&mut self, rate: Rate, until: UnixTime, now: UnixTime) {
        self.leased = Some(Box::new((rate, Until::new(now, until))));
    }

    fn rate(&self, now: UnixTime) -> Rate {
        match self.leased.as_deref() {
            Some((rate, until)) if until.end(now).is_some() => *rate,
            _ => self.rate,
        }
    }

    /// What a request costs, in thousandths: more, while the ramp is climbed.
    #[inline]
    fn cost(&mut self, now: UnixTime) -> u32 {
        let ramp = self.ramp;
        if ramp == 0 {
            return 1_000;
        }
        let silent = millis(now.since(self.last_left)) >= ramp;
        if silent || now < self.ramp_from {
            self.ramp_from = now;
        }
        let climbed = millis(now.since(self.ramp_from)).max(1);
        if climbed >= ramp {
            return 1_000;
        }
        (ramp.saturating_mul(1_000) / climbed).clamp(1_000, RAMP_FOOT) as u32
    }

    /// Takes one of the lane's rate; gives what it cost.
    #[inline]
    pub(super) fn take(&mut self, now: UnixTime) -> Result<u32, UnixTime> {
        let cost = self.cost(now);
        let rate = self.rate(now);
        self.level.take_scaled(&rate, cost, now)?;
        Ok(cost)
    }

    pub(super) fn refund(&mut self, cost: u32, now: UnixTime) {
        let rate = self.rate(now);
        self.level.refund_scaled(&rate, cost, now);
    }

    /// What was taken leaves.
    #[inline]
    pub(super) const fn leaves(&mut self, now: UnixTime) {
        self.last_left = now;
        self.in_flight += 1;
    }

    pub(super) fn has_room(&self) -> bool {
        !self.streams.is_empty() || self.in_flight < self.most_in_flight
    }

    /// Whether it may be forgotten: nothing in it would be missed.
    pub(super) fn is_idle(&self, now: UnixTime) -> bool {
        // Also if the clock has stepped back.
        let silent = now.since(self.last_left).max(self.last_left.since(now));
        self.waiting == 0
            && self.in_flight == 0
            && self.streams.is_empty()
            && self.leased.as_deref().is_none_or(|(_, until)| until.end(now).is_none())
            && self.breaker.peek(now).is_ok()
            && silent >= Duration::from_millis(self.ramp.max(600_000))
    }
}
