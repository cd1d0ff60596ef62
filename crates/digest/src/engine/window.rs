//! A window: what it waits for, and how it is let go. [`Wait`] names the states, `Hot::deadline` gives each its time,
//! and [`Engine::let_go`] is the way out of a window whose time has come. An event goes out at once, by [`Engine::flush`],
//! where it opens a window under a leading edge that nothing holds, or is urgent and takes what is pending along.
//!
//! ```text
//!            event                    deadline, and nothing holds it
//!   Idle ───────────► Open ──────────────────────────────────────────► flush
//!     ▲                 │ deadline, but                                  ▲
//!     │                 ├──► InFlight ───(answer)──► Turn ───────────────┤
//!     │ emptied         ├──► Refractory, Quiet ──(end; asked again)──────┤
//!     └─────────────────┤                                                │
//!                       └──◄ Held, Turn ◄─(held, failed, catch-up)───────┘
//! ```

use crate::batch::Select;
use crate::quiet::AtEnd;
use crate::store::record::{Wait, flag};
use crate::time::{NEVER, after, point, span};
use crate::{Engine, Fate, Generation, Host, Lane};

/// What became of a window whose time had come.
pub(crate) enum Flushed {
    Sent(Generation),
    Waits,
    Dropped(Fate),
}

/// Why a flush has to wait.
pub(crate) enum Hold {
    Until(Wait, u64),
    /// It does not wait, it is dropped.
    Drop,
}

impl<H: Host> Engine<H> {
    /// The window's time has come: it goes, or it waits for something else.
    pub(crate) fn let_go(&mut self, index: u32, now: u64) -> Flushed {
        self.drop_useless(index, now);
        if self.store.hot(index).is_none_or(|hot| hot.total == 0) {
            self.wait_for(index, Wait::Idle, NEVER);
            return Flushed::Dropped(Fate::Expired);
        }
        match self.hold(index, now) {
            None => Flushed::Sent(self.flush(index, now)),
            Some(Hold::Until(wait, end)) => {
                self.wait_for(index, wait, end);
                Flushed::Waits
            }
            Some(Hold::Drop) => {
                self.drop_pending(index, Select::All, Fate::Quiet);
                self.wait_for(index, Wait::Idle, NEVER);
                self.tell_unread(index);
                Flushed::Dropped(Fate::Quiet)
            }
        }
    }

    /// What forbids a flush now: an unanswered digest, the refractory period, the calendar. In this order.
    pub(crate) fn hold(&self, index: u32, now: u64) -> Option<Hold> {
        if let Some(extra) = self.store.extra(index) {
            if extra.digest_in_flight() {
                return Some(Hold::Until(Wait::InFlight, NEVER));
            }
            let until = extra.paces().refractory_until;
            if now < until {
                return Some(Hold::Until(Wait::Refractory, until));
            }
        }
        let class = self.store.hot(index).map_or(0, |hot| hot.class);
        self.quiet(index, class, now)
    }

    /// What the calendar says.
    pub(crate) fn quiet(&self, index: u32, class: u8, now: u64) -> Option<Hold> {
        let key = self.store.key(index)?;
        let quiet = self.host.quiet(&self.calendar, key, class, crate::time::wall(now))?;
        if quiet.then == AtEnd::Drop {
            return Some(Hold::Drop);
        }
        let end = match point(quiet.until) {
            NEVER => NEVER,
            until => {
                let spread = self.seed.spread(key, quiet.until, self.policy.spread);
                until.saturating_add(span(spread)).clamp(now.saturating_add(1), NEVER - 1)
            }
        };
        Some(Hold::Until(Wait::Quiet, end))
    }

    /// Sends what is pending and closes the window; under a leading edge the next one opens.
    pub(crate) fn flush(&mut self, index: u32, now: u64) -> Generation {
        let batch = self.store.take_pending(index);
        let generation = self.send(index, Lane::Digest, batch, 0, now);
        self.wait_for(index, Wait::Idle, NEVER);
        if self.policy.leading {
            self.wait_for(index, Wait::Open, after(now, self.derived.max_wait));
        }
        self.start_refractory(index, now);
        self.start_reminders(index, now);
        generation
    }

    /// Nothing is pending any more, though the window's time has not come. Under a leading edge it stays: it is what keeps
    /// the next notification at its distance.
    pub(crate) fn emptied(&mut self, index: u32) {
        let leading = self.policy.leading;
        if self.store.hot(index).is_some_and(|hot| hot.total == 0 && !(leading && hot.wait == Wait::Open)) {
            self.wait_for(index, Wait::Idle, NEVER);
        }
    }

    pub(crate) fn wait_for(&mut self, index: u32, wait: Wait, end: u64) {
        if let Some(hot) = self.store.hot_mut(index) {
            hot.wait_for(wait, end);
        }
    }

    /// A class came that is higher than what waits for the end of the quiet. If it may pass, all goes after an ordinary
    /// wait, so that its burst is one notification; never later than it would have gone.
    pub(crate) fn raise(&mut self, index: u32, class: u8, now: u64) {
        let answer = self.quiet(index, class, now);
        let turn = after(now, self.derived.wait);
        let Some(hot) = self.store.hot_mut(index) else { return };
        match answer {
            None => hot.wait_for(Wait::Turn, hot.end.min(turn)),
            Some(Hold::Until(_, end)) => hot.end = hot.end.min(end),
            Some(Hold::Drop) => {}
        }
    }

    /// No digest is in flight any more: what waited for it goes now.
    pub(crate) fn release(&mut self, index: u32, now: u64) {
        let busy = self.store.extra(index).is_some_and(|extra| extra.digest_in_flight());
        if !busy && self.store.hot(index).is_some_and(|hot| hot.wait == Wait::InFlight) {
            self.wait_for(index, Wait::Turn, now);
        }
    }

    fn start_refractory(&mut self, index: u32, now: u64) {
        if let Some(paces) = self.store.extra_there(index).and_then(|extra| extra.paces.as_deref_mut()) {
            paces.before = (paces.refractory_level, paces.notified_at);
        }
        let Some(refractory) = self.policy.refractory else { return };
        let Some(extra) = self.store.extra_mut(index) else { return };
        let paces = extra.paces_mut();
        let level = match paces.notified_at {
            NEVER => 0,
            last => {
                let since = std::time::Duration::from_millis(now.saturating_sub(last));
                refractory.next_level(paces.refractory_level, since)
            }
        };
        paces.refractory_level = level;
        paces.notified_at = now;
        paces.refractory_until = after(now, span(refractory.period(level)));
    }

    /// The digest that went out last was held: what began with it is as if it had not gone.
    pub(crate) fn undo_refractory(&mut self, index: u32, now: u64) {
        let refractory = self.policy.refractory;
        let paces = self.store.extra_there(index).and_then(|extra| extra.paces.as_deref_mut());
        let Some(paces) = paces else { return };
        (paces.refractory_level, paces.notified_at) = paces.before;
        let until = match (refractory, paces.before) {
            (None, _) | (_, (_, NEVER)) => 0,
            (Some(refractory), (level, at)) => after(at, span(refractory.period(level))),
        };
        paces.refractory_until = if until > now { until } else { 0 };
    }

    /// Drops pending events that are of no use any more.
    pub(crate) fn drop_useless(&mut self, index: u32, now: u64) {
        let perishes = self.store.hot(index).is_some_and(|hot| hot.has(flag::KEPT | flag::PERISHES));
        if perishes || self.policy.useful_for.is_some() {
            let dropped = self.drop_pending(index, self.useless(now), Fate::Expired);
            if dropped > 0 {
                self.tell_unread(index);
            }
        }
    }

    pub(crate) fn useless(&self, now: u64) -> Select {
        let before = self.policy.useful_for.map_or(0, |useful| now.saturating_sub(span(useful)));
        Select::Useless { now, before }
    }
}
