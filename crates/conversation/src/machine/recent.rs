//! Events that came a moment ago.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

/// Hashes of events, for as long as a window. A duplicate does not extend it; exactly its length is outside (B6).
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Recent {
    /// In the order of arrival. Windows may differ, so what is over is found in the map.
    queue: VecDeque<(UnixTime, u64)>,
    until: BTreeMap<u64, UnixTime>,
}

impl Recent {
    /// Whether it is new; if so, it is remembered. Over the bound the oldest is forgotten.
    pub(super) fn admit(&mut self, event: u64, window: Duration, most: u32, now: UnixTime) -> bool {
        while let Some((until, oldest)) = self.queue.front().copied() {
            if until > now && self.queue.len() < most as usize {
                break;
            }
            self.queue.pop_front();
            if self.until.get(&oldest) == Some(&until) {
                self.until.remove(&oldest);
            }
        }
        if self.until.get(&event).is_some_and(|until| *until > now) {
            return false;
        }
        if most > 0 && !window.is_zero() {
            self.until.insert(event, now + window);
            self.queue.push_back((now + window, event));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_may_differ_and_the_bound_holds() {
        let (mut recent, at) = (Recent::default(), UnixTime::from_secs);
        let secs = Duration::from_secs;
        assert!(recent.admit(1, secs(60), 3, at(100)));
        assert!(recent.admit(2, secs(5), 3, at(100)));
        assert!(!recent.admit(2, secs(5), 3, at(104)));
        assert!(recent.admit(2, secs(5), 3, at(105)), "although an entry before it is still held");
        for event in 10..20 {
            assert!(recent.admit(event, secs(60), 3, at(107)));
            assert!(recent.queue.len() <= 3 && recent.until.len() <= 3);
        }
    }
}
