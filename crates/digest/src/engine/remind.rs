//! Reminders: what was delivered and is unread is sent once more, and once more.

use super::send::summary;
use super::window::Hold;
use crate::time::{NEVER, after, span};
use crate::{Engine, Host, Lane, Notify, Output};

impl<H: Host> Engine<H> {
    /// A digest went out: the ladder begins anew.
    pub(crate) fn start_reminders(&mut self, index: u32, now: u64) {
        let Some(first) = self.policy.reminders.first() else { return };
        let at = after(now, span(*first));
        if let Some(extra) = self.store.extra_mut(index) {
            let paces = extra.paces_mut();
            (paces.remind_at, paces.remind_step, paces.remind_held) = (at, 0, false);
        }
    }

    /// Sends what is delivered and unread once more, or waits for the end of a quiet time: what is of use tonight is of
    /// use in the morning, whatever the calendar does to new events.
    pub(crate) fn remind(&mut self, index: u32, now: u64) {
        let unread = self.unread_of(index);
        let class = self.store.extra(index).map_or(0, |extra| extra.delivered.sums().class);
        let hold = self.quiet(index, class, now);
        let until = match hold {
            None => None,
            Some(Hold::Until(_, until)) => Some(until),
            Some(Hold::Drop) => Some(self.quiet_until(index, class, now)),
        };
        let Some(extra) = self.store.extra_mut(index) else { return };
        if let Some(until) = until {
            let paces = extra.paces_mut();
            (paces.remind_at, paces.remind_held) = (until, true);
            return;
        }
        let paces = extra.paces_mut();
        let next = self.policy.reminders.get(usize::from(paces.remind_step) + 1);
        paces.remind_held = false;
        paces.remind_at = next.map_or(NEVER, |next| after(now, span(*next)));
        paces.remind_step = paces.remind_step.saturating_add(1);
        let reminder = Some(paces.remind_step);
        extra.told = unread;
        let (sums, actors) = (extra.delivered.sums(), extra.delivered.actors(self.policy.actors));
        let ids = extra.delivered.kept().iter().map(|told| told.id).collect();
        let (generation, lane) = (self.next_generation(), Lane::Digest);
        let Some(key) = self.store.key(index).cloned() else { return };
        self.outputs.push_back(Output::Notify(Notify {
            key,
            generation,
            collapse_id: self.collapse_id(index, lane),
            lane,
            reminder,
            class: sums.class,
            summary: summary(&sums, actors, unread),
            // The events have lost their payloads: there is nothing to show and nothing to fold.
            samples: Vec::new(),
            ids,
            fold: H::Fold::default(),
        }));
    }

    fn quiet_until(&self, index: u32, class: u8, now: u64) -> u64 {
        let key = self.store.key(index);
        let quiet = key.and_then(|key| self.host.quiet(&self.calendar, key, class, crate::time::wall(now)));
        match quiet.map_or(NEVER, |quiet| crate::time::point(quiet.until)) {
            NEVER => NEVER,
            until => until.max(now.saturating_add(1)),
        }
    }
}
