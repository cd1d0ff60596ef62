//! How an engine behaves: one policy for all its keys.

use std::time::Duration;

use thiserror::Error;

use crate::options::Window;

/// How events become notifications. One engine has one policy; where customers and agents differ, use two engines.
///
/// Start with [`Policy::fixed`] or [`Policy::sliding`] and change fields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// When a window closes. Default: 30 s after its first event.
    pub window: Window,
    /// The first event goes out at once; the window collects what follows, and the next notification comes at the
    /// window's end, if anything came. After it, another window starts: at most one notification per window.
    pub leading: bool,
    /// A window with this many events is flushed at once, unless something holds it (quiet, in flight, refractory):
    /// then it grows on.
    pub max_items: Option<u32>,
    /// A window is flushed before an event with which it would exceed this many bytes, unless something holds it: a
    /// notification can be larger, and so can a single event.
    pub max_bytes: Option<u32>,
    /// What is kept of the events.
    pub collect: Collect,
    /// Which of the kept events come as samples with the notification.
    pub keep: Keep,
    /// Distinct actors are counted exactly up to this many; beyond it is "this many and more". At least 1.
    pub actors: u8,
    /// What an urgent event does to what is pending.
    pub urgent: Urgent,
    /// The least time between two notifications of a key.
    pub refractory: Option<Refractory>,
    /// While something delivered stays unread, remind after each of these, one after the other. At most 16.
    pub reminders: Vec<Duration>,
    /// Events whose id was seen within this time are duplicates. Default: 5 s.
    pub dedup: Option<Duration>,
    /// A flushed batch stays in flight until it is answered, this long at most; then it counts as failed.
    /// `None`: a flush counts as delivered at once. [`Duration::MAX`]: somebody above answers for certain. Default: 60 s.
    pub ack_timeout: Option<Duration>,
    /// How often in a row a key's batch may fail and come back before its events are given up as expired. 0 where
    /// somebody above tracks attempts (see [`Policy::answered_above`]).
    pub attempts: u8,
    /// Events older than this when their time comes are of no use any more: they expire. An event can say it for itself
    /// ([`Event::useful_until`](crate::Event)).
    pub useful_for: Option<Duration>,
    /// At the end of a quiet time, flushes are spread over this span: nobody wants all of them at 07:00:00.
    pub spread: Duration,
    /// How long a key is remembered after its last event or answer: its watermark (a read may come before the
    /// event) and what was delivered (a cancel may come after it); and how long the id of a cancelled event is
    /// (a cancel may come before the event). Default: 1 h.
    pub remember: Duration,
    /// A clock that steps back by no more than this just stands still; beyond it, all pending spans move back
    /// with the clock. Default: 60 s.
    pub clock_tolerance: Duration,
}

/// What a window keeps of its events: this decides how much memory a key takes, and how exactly reads and cancels work.
/// Set it in [`Policy::collect`]; keep the default, [`Items`](Self::Items), unless memory is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Collect {
    /// Counts, first and last times, actors. The smallest memory: a read or a cancel can take back all of a window's
    /// events or none of them, because nobody knows which is which.
    Totals,
    /// Counts, and the last event as the only sample ("several messages notify once, about the last").
    Latest,
    /// Every event, up to [`Limits::items`]: reads and cancels are exact.
    Items,
}

/// Which events a notification shows. Under [`Collect::Latest`] it is always the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Keep {
    /// The oldest ones.
    First(u16),
    /// The newest ones, oldest first.
    Last(u16),
    /// Those of the highest rank, highest first; the older one first among equals.
    Top(u16),
}

/// What an urgent event does to the events of its key that wait: it goes ahead of them, or it takes them along. Set it
/// in [`Policy::urgent`]; use [`Overtake`](Self::Overtake), the default, for calls, because a ring should not be part of
/// a digest of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Urgent {
    /// It goes out alone, under a collapse id of its own; what is pending stays pending.
    Overtake,
    /// It takes with it all that is pending.
    Flush,
}

/// The least time between two notifications of a key; it doubles (or whatever `factor` says) with each one, and goes
/// back by one step for every `decay` without one. Urgent events pass.
///
/// ```text
/// flush      flush                flush                                    flush
///   |-- 10 s -->|------ 20 s ------>|--------------- 40 s ----------------->|
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Refractory {
    /// After a first notification.
    pub first: Duration,
    /// By how much it grows.
    pub factor: u8,
    /// The longest.
    pub max: Duration,
    /// How long without a notification takes one step back. Zero: never.
    pub decay: Duration,
    /// What happens to events that come meanwhile.
    pub excess: Excess,
}

impl Refractory {
    /// The period at a level, in milliseconds: `min(first * factor^level, max)`.
    #[must_use]
    pub fn period(&self, level: u8) -> Duration {
        let (first, max) = (reveille_core::millis(self.first), reveille_core::millis(self.max));
        let grown = first.saturating_mul(u64::from(self.factor).saturating_pow(u32::from(level)));
        Duration::from_millis(grown.min(max))
    }

    /// The level after a notification, given the last level and the time since: one more, and one less for every
    /// `decay`. After a long silence it is that of a first notification again.
    #[must_use]
    pub fn next_level(&self, level: u8, since: Duration) -> u8 {
        let steps = since.as_millis().checked_div(self.decay.as_millis()).unwrap_or(0);
        level.saturating_add(1).saturating_sub(u8::try_from(steps).unwrap_or(u8::MAX))
    }
}

/// What happens to events that come during the refractory period of their key. Choose it in [`Refractory::excess`]:
/// hold them for the next notification, or drop them if they are of no use later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Excess {
    /// They are collected and go out when it ends.
    Hold,
    /// They are dropped, and counted as [`Fate::Throttled`](crate::Fate).
    Drop,
}

impl Policy {
    /// A fixed window, all else by default.
    #[must_use]
    pub fn fixed(wait: Duration) -> Self {
        Self {
            window: Window::Fixed { wait },
            leading: false,
            max_items: None,
            max_bytes: None,
            collect: Collect::Items,
            keep: Keep::Last(5),
            actors: 5,
            urgent: Urgent::Overtake,
            refractory: None,
            reminders: Vec::new(),
            dedup: Some(Duration::from_secs(5)),
            ack_timeout: Some(Duration::from_secs(60)),
            attempts: 3,
            useful_for: None,
            spread: Duration::ZERO,
            remember: Duration::from_secs(3600),
            clock_tolerance: Duration::from_secs(60),
        }
    }

    /// A sliding window, all else by default.
    #[must_use]
    pub fn sliding(quiet: Duration, max_wait: Duration) -> Self {
        Self { window: Window::Sliding { quiet, max_wait }, ..Self::default() }
    }

    /// Only a debounce: totals, no deduplication, no acknowledgement, nothing remembered. The leanest engine.
    #[must_use]
    pub fn lean(window: Window) -> Self {
        Self {
            window,
            collect: Collect::Totals,
            actors: 1,
            dedup: None,
            ack_timeout: None,
            remember: Duration::ZERO,
            ..Self::default()
        }
    }

    /// For an engine under a layer that tracks attempts itself (time-outs, retries, back-off): a batch is in flight until
    /// that layer says how it ended, and a failure is final.
    #[must_use]
    pub fn answered_above(mut self) -> Self {
        (self.ack_timeout, self.attempts) = (Some(Duration::MAX), 0);
        self
    }

    /// Checks what the types cannot. [`Engine`](crate::Engine) does it for you.
    ///
    /// # Errors
    /// [`InvalidPolicy`] says which field cannot work.
    pub fn check(&self) -> Result<(), InvalidPolicy> {
        if self.actors == 0 {
            return Err(InvalidPolicy::Actors);
        }
        if self.max_items == Some(0) || self.max_bytes == Some(0) {
            return Err(InvalidPolicy::ZeroCap);
        }
        if self.reminders.len() > 16 {
            return Err(InvalidPolicy::Reminders { given: self.reminders.len() });
        }
        Ok(())
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::fixed(Duration::from_secs(30))
    }
}

/// How much an engine may hold, so that its memory is bounded. Begin with the default (about a million keys), change
/// fields where you have more or less memory, and give it to [`Engine::new`](crate::Engine::new).
///
/// Only `windows` and `outputs` refuse anything, and only at admission ([`Error::Full`](crate::Error)). Over the others
/// nothing is refused and nothing is lost: the event is counted, without its text, or the oldest memory goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Keys with something pending, in flight, in a refractory period, or to be reminded of. A key that only waits for its
    /// reminder is as good as another: it makes a new key [`Full`](crate::Error), because a reminder that was promised is not
    /// dropped for an event that can still be refused.
    pub windows: u32,
    /// Keys that are only remembered; the least recent goes.
    pub memories: u32,
    /// Events kept one by one, pending and in flight. An urgent event that goes out alone is kept in any case.
    pub items: u64,
    /// The same of a single key: at most this many, and at most an eighth of `items`. Its newest events stay.
    pub items_per_key: u32,
    /// Events kept one by one that were delivered; with the least recent memory go its events. Where there is no memory to
    /// go, because every key has something to do, the key whose notification was just delivered keeps only its counts.
    pub delivered: u64,
    /// Sum of [`Event::bytes`](crate::Event) of the events that are kept, pending and in flight. Of what is pending of a single
    /// key an eighth of it is kept, the newest; an event that alone is larger keeps no text, nor do those before it.
    pub bytes: u64,
    /// Event ids kept for deduplication and for cancels that came first, more or less; the oldest go.
    pub ids: u32,
    /// Outputs that wait to be polled.
    pub outputs: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            windows: 1 << 20,
            memories: 1 << 20,
            items: 1 << 22,
            items_per_key: 1 << 12,
            delivered: 1 << 22,
            bytes: 1 << 30,
            ids: 1 << 22,
            outputs: 1 << 12,
        }
    }
}

impl Limits {
    /// How many events one key may keep.
    pub(crate) fn per_key(&self) -> usize {
        let share = usize::try_from(self.items / 8).unwrap_or(usize::MAX).max(1);
        share.min(self.items_per_key as usize)
    }
}

/// Why a [`Policy`] cannot work: the error of [`Policy::check`], of [`Engine::new`](crate::Engine::new) and of
/// [`Engine::set_policy`](crate::Engine::set_policy). Its text names the field and what the field may be; show it to
/// whoever wrote the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidPolicy {
    /// At least one actor has to be counted.
    #[error("policy.actors is 0: it must be from 1 to 255")]
    Actors,
    /// A cap of nothing.
    #[error("policy.max_items and policy.max_bytes must be at least 1; use None for no cap")]
    ZeroCap,
    /// A ladder without end.
    #[error("policy.reminders has {given} steps: at most 16 are allowed")]
    Reminders {
        /// How many.
        given: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refractory_period_grows_and_decays_all_the_way_back() {
        let secs = Duration::from_secs;
        let refractory =
            Refractory { first: secs(10), factor: 2, max: secs(60), decay: secs(100), excess: Excess::Hold };
        let periods = [0, 1, 2, 3, 255].map(|level| refractory.period(level).as_secs());
        assert_eq!(periods, [10, 20, 40, 60, 60]);
        for (level, since, next) in [
            (0, 99, 1),
            (0, 100, 0),
            (0, 10_000, 0),
            (3, 99, 4),
            (3, 100, 3),
            (3, 299, 2),
            (3, 400, 0),
            (255, 0, 255),
        ] {
            assert_eq!(refractory.next_level(level, secs(since)), next, "{level} after {since} s");
        }
        let never = Refractory { decay: Duration::ZERO, ..refractory };
        assert_eq!(never.next_level(3, secs(1_000_000)), 4);
    }
}
