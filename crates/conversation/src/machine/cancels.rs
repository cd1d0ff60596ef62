//! Cancels that came, for offers that come after them.

use std::time::Duration;

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

use crate::id::OfferId;

/// Cancelled offers that are remembered by name.
const NAMED: usize = 8;

/// Which offers do not ring any more.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Cancels {
    /// Offers without a name, from then or before.
    last: Option<UnixTime>,
    /// Offers with a name as well: this cancel did not say which offer it is about.
    anonymous: Option<UnixTime>,
    /// Offers that a cancel named, the newest last.
    named: Vec<OfferId>,
}

impl Cancels {
    pub(super) fn add(&mut self, offer: Option<&OfferId>, at: UnixTime) {
        self.last = self.last.max(Some(at));
        let Some(offer) = offer else {
            self.anonymous = self.anonymous.max(Some(at));
            return;
        };
        if !self.named.contains(offer) {
            if self.named.len() >= NAMED {
                self.named.remove(0);
            }
            self.named.push(offer.clone());
        }
    }

    /// Whether the cancel of this offer came.
    pub(super) fn cover(&self, offer: Option<&OfferId>, at: UnixTime) -> bool {
        let before = |cancel: Option<UnixTime>| cancel.is_some_and(|cancel| at <= cancel);
        match offer {
            Some(offer) => self.named.contains(offer) || before(self.anonymous),
            None => before(self.last),
        }
    }
}

/// The time of a cancel that took a ring back: it has had its effect, and what is offered in the same moment comes after it.
pub(super) fn after_effect(at: UnixTime) -> UnixTime {
    at - Duration::from_millis(1)
}
