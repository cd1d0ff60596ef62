//! Whose turn it is.

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Duration;

use reveille_core::UnixTime;

use super::lane::CLASSES;
use super::queue::{Entry, Place, whole};
use super::take::Stop;
use super::until::STEP;
use super::{Held, Leave, Pacer};
use crate::index::NONE;
use crate::{HeldBy, Priority};

/// What goes back from a lane that is stopped, at once.
const RETURNED_AT_ONCE: usize = 256;
/// After this, the next of them go back.
const A_MOMENT: Duration = Duration::from_millis(1);
/// Each so many turns, the lowest class has the first word.
const LOW_TURN: u32 = 16;
/// For so many turns memory is read ahead at once.
const LOOK_AHEAD: usize = 16;

impl<T> Pacer<T> {
    /// The next request that may leave; `None` if none may before [`next_wakeup`](Self::next_wakeup). Call it until then.
    pub fn next(&mut self, now: UnixTime) -> Option<Leave<T>> {
        if now + STEP < self.latest {
            self.step_back(now);
            self.latest = now;
        }
        self.latest = self.latest.max(now);
        while let Some((_, at)) = self.blocked.first().copied().filter(|(until, _)| *until <= now) {
            self.unblock(at);
        }
        self.global_until = None;
        loop {
            if let Some(global) = &self.settings.global
                && let Err(until) = self.global.peek(global, now)
            {
                self.global_until = Some(until);
                return None;
            }
            let (at, priority) = self.turn()?;
            if let Some(leave) = self.try_lane(at, priority, now) {
                return Some(leave);
            }
        }
    }

    /// Whose turn it is.
    fn turn(&mut self) -> Option<(u32, Priority)> {
        self.turns = self.turns.wrapping_add(1);
        let mut order = [0, 1, 2];
        if self.turns.is_multiple_of(LOW_TURN) {
            order.reverse();
        }
        for class in order {
            while self.rings.get(class).is_some_and(|ring| !ring.is_empty()) {
                self.look_ahead(class);
                let Some(at) = self.rings.get_mut(class).and_then(VecDeque::pop_front) else { break };
                let Some(lane) = self.lanes.get_mut(at as usize) else { continue };
                lane.in_rings &= !(1 << class);
                if lane.blocked.is_none()
                    && let Some(priority) = CLASSES.get(class)
                {
                    return Some((at, *priority));
                }
            }
        }
        None
    }

    /// Reads a little of what the next turns of a class will look at: of many at a time, since memory answers ten questions
    /// nearly as fast as one. With a million requests in ten thousand lanes, nothing else takes longer.
    #[inline]
    fn look_ahead(&mut self, class: usize) {
        match self.ahead.get_mut(class) {
            Some(0) => self.look_ahead_afresh(class),
            Some(turns) => *turns -= 1,
            None => {}
        }
    }

    #[cold]
    fn look_ahead_afresh(&mut self, class: usize) {
        let Some((ring, ahead)) = self.rings.get(class).zip(self.ahead.get_mut(class)) else { return };
        *ahead = ring.len().clamp(1, LOOK_AHEAD) - 1;
        // First the lanes, then their requests, then what those are known by.
        let (mut heads, mut names, mut read) = ([NONE; LOOK_AHEAD], [(0, 0); LOOK_AHEAD], 0);
        for (head, at) in heads.iter_mut().zip(ring) {
            let Some(lane) = self.lanes.get(*at as usize) else { continue };
            read ^= lane.touch();
            *head = lane.ahead().unwrap_or(NONE);
        }
        for (name, head) in names.iter_mut().zip(heads) {
            let Some(Place { entry, .. }) = self.places.get(head) else { continue };
            read ^= entry.touch() ^ u64::from(self.places.next(head));
            *name = (entry.tag, entry.device);
        }
        for (tag, device) in names {
            read ^= self.by_leg.touch_place(tag);
            read ^= self.devices.as_ref().map_or(0, |devices| devices.rate.touch(device));
        }
        black_box(read);
    }

    fn try_lane(&mut self, at: u32, priority: Priority, now: UnixTime) -> Option<Leave<T>> {
        let lane = self.lanes.get_mut(at as usize)?;
        let ordered = lane.ordered;
        let order = &self.order;
        let free = |entry: &Entry| !ordered || order.is_free(at, entry.conversation, whole(entry.leg), now);
        let Some((list, place)) = lane.peek(priority, &mut self.places, free) else {
            // Empty, or every conversation of it is under way.
            if ordered && lane.waiting > 0 {
                let until = self.order.next_free(at, now);
                self.block(at, until);
            }
            return None;
        };
        let entry = self.places.get(place)?.entry;
        match self.try_entry(at, &entry, priority, ordered, now) {
            Ok(ticket) => {
                if let Some(lane) = self.lanes.get(at as usize) {
                    self.counting.left(lane.service, entry.came, now);
                }
                let content = self.take_out(at, priority, list, place, &entry)?;
                self.ring(at);
                Some(Leave { connection: ticket.connection, ticket, content })
            }
            Err(Stop::Park(until)) => {
                self.block(at, until);
                None
            }
            Err(Stop::Lane(until, by)) => {
                let mut look_again = until;
                if until > now + self.settings.hold && !ordered && self.return_some(at, until, by) {
                    look_again = now + A_MOMENT;
                }
                self.block(at, look_again);
                None
            }
            Err(Stop::Request(until, by)) => {
                if ordered && until < entry.not_after {
                    self.order.hold(at, entry.conversation, until);
                } else if let Some(content) = self.take_out(at, priority, list, place, &entry) {
                    let until = until.min(entry.not_after);
                    self.held.push_back(Held { leg: whole(entry.leg), until, by, content });
                }
                self.ring(at);
                None
            }
        }
    }

    fn take_out(&mut self, at: u32, priority: Priority, list: usize, place: u32, entry: &Entry) -> Option<T> {
        self.lanes.get_mut(at as usize)?.pop(priority, list, self.places.next(place));
        let content = self.places.get_mut(place)?.content.take();
        self.places.release(place);
        self.forget(place, entry);
        content
    }

    /// The lane is stopped for long: what waits in it goes back, a part at a time; `true` if there is more.
    fn return_some(&mut self, at: u32, until: UnixTime, by: HeldBy) -> bool {
        for _ in 0..RETURNED_AT_ONCE {
            if self.return_first(at, until, by).is_none() {
                return false;
            }
        }
        self.lanes.get(at as usize).is_some_and(|lane| lane.waiting > 0)
    }

    fn return_first(&mut self, at: u32, until: UnixTime, by: HeldBy) -> Option<()> {
        let lane = self.lanes.get_mut(at as usize)?;
        let priority = lane.first_class()?;
        let (list, place) = lane.peek(priority, &mut self.places, |_| true)?;
        let entry = self.places.get(place)?.entry;
        let content = self.take_out(at, priority, list, place, &entry)?;
        self.held.push_back(Held { leg: whole(entry.leg), until: until.min(entry.not_after), by, content });
        Some(())
    }
}
