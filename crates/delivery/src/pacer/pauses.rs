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
}

impl<K: Ord> Pauses<K> {
    pub(super) const fn new(longest: Duration, room: usize) -> Self {
        Self { longest, room, ends: BTreeMap::new() }
    }

    pub(super) fn pause(&mut self, what: K, until: UnixTime, now: UnixTime) {
        let until = until.min(now + self.longest);
        let end = self.ends.entry(what).or_insert(until);
        *end = until.max((*end).min(now + self.longest));
        if self.ends.len() > self.room {
            self.ends.retain(|_, end| *end > now);
        }
        while self.ends.len() > self.room {
            self.ends.pop_first();
        }
    }

    pub(super) fn until(&self, what: &K, now: UnixTime) -> Option<UnixTime> {
        // One that is too far away is from before a step of the clock.
        let end = (*self.ends.get(what)?).min(now + self.longest);
        (end > now).then_some(end)
    }
}
