//! What must not be asked before a time that a service named.

use std::collections::BTreeMap;
use std::time::Duration;

use reveille_core::UnixTime;

use super::{CredentialId, PlatformId, ServiceId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    Service(ServiceId),
    Credential(CredentialId),
    Platform(CredentialId, PlatformId),
}

/// Ends of pauses by what is paused; none longer than the longest, and no more of them than there is room for.
#[derive(Debug)]
pub(super) struct Pauses<K> {
    longest: Duration,
    room: usize,
    ends: BTreeMap<K, UnixTime>,
    /// None ends later.
    last: UnixTime,
}

impl<K: Ord> Pauses<K> {
    pub(super) const fn new(longest: Duration, room: usize) -> Self {
        Self { longest, room, ends: BTreeMap::new(), last: UnixTime::EPOCH }
    }

    pub(super) fn pause(&mut self, what: K, until: UnixTime, now: UnixTime) {
        let until = until.min(now + self.longest);
        let (longest, end) = (now + self.longest, self.ends.entry(what).or_insert(until));
        *end = if *end <= longest { until.max(*end) } else { until };
        self.last = self.last.max(*end);
        if self.ends.len() > self.room {
            self.ends.retain(|_, end| *end > now);
        }
        while self.ends.len() > self.room {
            self.ends.pop_first();
        }
    }

    pub(super) fn until(&self, what: &K, now: UnixTime) -> Option<UnixTime> {
        if self.is_quiet(now) {
            return None;
        }
        // One that is too far away is from before a step of the clock, and over.
        self.ends.get(what).copied().filter(|end| *end > now && *end <= now + self.longest)
    }

    /// The clock stepped back: what is too far away is over.
    pub(super) fn step_back(&mut self, now: UnixTime) {
        let longest = now + self.longest;
        self.ends.retain(|_, end| *end <= longest);
        self.last = self.last.min(longest);
    }

    /// Whether nothing is paused.
    #[inline]
    pub(super) fn is_quiet(&self, now: UnixTime) -> bool {
        self.last <= now
    }
}
