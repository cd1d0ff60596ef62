//! Events that came a moment ago.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

/// Hashes of events, for as long as a window. A duplicate does not extend it; exactly its length is outside (B6).
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Recent {
    queue: VecDeque<(UnixTime, u64)>,
    there: BTreeSet<u64>,
}

impl Recent {
    /// Whether it is new; if so, it is remembered. Over the bound the oldest is forgotten.
    pub(super) fn admit(&mut self, event: u64, window: Duration, most: u32, now: UnixTime) -> bool {
        while let Some((at, oldest)) = self.queue.front().copied() {
            if at > now && self.queue.len() <= most as usize {
                break;
            }
            self.queue.pop_front();
            self.there.remove(&oldest);
        }
        if most == 0 || window.is_zero() {
            return true;
        }
        if !self.there.insert(event) {
            return false;
        }
        // Windows may differ: the queue is in the order of arrival, and an entry leaves with those before it.
        self.queue.push_back((now + window, event));
        true
    }
}
