//! What must not be asked before a time that a service named.

use std::collections::BTreeMap;
use std::time::Duration;

use reveille_core::UnixTime;

use super::until::Until;
use super::{CredentialId, PlatformId, ServiceId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    Service(ServiceId),
    Credential(CredentialId),
    Platform(CredentialId, PlatformId),
}

/// Pauses by what is paused; none longer than the longest, and no more of them than there is room for.
#[derive(Debug)]
pub(super) struct Pauses<K> {
    longest: Duration,
    room: usize,
    ends: BTreeMap<K, Until>,
    /// None ends later.
    last: UnixTime,
}

impl<K: Ord> Pauses<K> {
    pub(super) const fn new(longest: Duration, room: usize) -> Self {
        Self { longest, room, ends: BTreeMap::new(), last: UnixTime::EPOCH }
    }

    pub(super) fn pause(&mut self, what: K, until: UnixTime, now: UnixTime) {
        let end = until.min(now + self.longest);
        let known = self.ends.get(&what).and_then(|known| known.end(now));
        let end = known.map_or(end, |known| known.max(end));
        self.ends.insert(what, Until::new(now, end));
        self.last = self.last.max(end);
        if self.ends.len() > self.room {
            self.ends.retain(|_, pause| pause.end(now).is_some());
        }
        while self.ends.len() > self.room {
            self.ends.pop_first();
        }
    }

    pub(super) fn until(&self, what: &K, now: UnixTime) -> Option<UnixTime> {
        if self.is_quiet(now) {
            return None;
        }
        self.ends.get(what)?.end(now)
    }

    /// The clock stepped back: what began later is over.
    pub(super) fn step_back(&mut self, now: UnixTime) {
        self.ends.retain(|_, pause| pause.end(now).is_some());
        self.last = self.last.min(now + self.longest);
    }

    /// Whether nothing is paused.
    #[inline]
    pub(super) fn is_quiet(&self, now: UnixTime) -> bool {
        self.last <= now
    }
}
