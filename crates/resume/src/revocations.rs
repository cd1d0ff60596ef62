//! Whose tokens are void.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

use crate::{Binding, Bindings};

/// Revocation by epoch: of a contact, conversation, device or channel, all tokens issued up to a time are void.
///
/// A token lives minutes, so an entry is needed for minutes only: [`prune`](Self::prune) keeps the list short.
/// It is plain data; serialise it to share it between nodes.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_resume::{Binding, Bindings, Revocations};
/// let mine = Bindings { contact: "c-1", conversation: "k-1", device: "d-1", channel: "web" };
/// let mut revocations = Revocations::default();
/// revocations.revoke(Binding::Device, "d-1", UnixTime::from_millis(5_000));
/// assert_eq!(revocations.find(&mine, UnixTime::from_millis(5_000)), Some(Binding::Device));
/// assert_eq!(revocations.find(&mine, UnixTime::from_millis(5_001)), None);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocations {
    contact: BTreeMap<String, UnixTime>,
    conversation: BTreeMap<String, UnixTime>,
    device: BTreeMap<String, UnixTime>,
    channel: BTreeMap<String, UnixTime>,
}

impl Revocations {
    /// Voids the tokens of `id` that were issued at or before `epoch`. An epoch never goes back.
    pub fn revoke(&mut self, binding: Binding, id: &str, epoch: UnixTime) {
        let entry = self.of_mut(binding).entry(id.to_owned()).or_insert(epoch);
        *entry = epoch.max(*entry);
    }

    /// The first of these ids of which tokens issued at `issued_at` are void.
    #[must_use]
    pub fn find(&self, bindings: &Bindings<'_>, issued_at: UnixTime) -> Option<Binding> {
        bindings.each().into_iter().find_map(|(binding, id)| {
            self.of(binding).get(id).filter(|epoch| issued_at <= **epoch).map(|_| binding)
        })
    }

    /// Forgets the epochs older than `overlap` ([`Policy::overlap`](crate::Policy::overlap)): the tokens they void
    /// have expired. Says how many.
    pub fn prune(&mut self, overlap: Duration, now: UnixTime) -> usize {
        let before = self.len();
        for binding in Binding::ALL {
            self.of_mut(binding).retain(|_, epoch| now.since(*epoch) < overlap);
        }
        before - self.len()
    }

    /// How many epochs are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        Binding::ALL.into_iter().map(|binding| self.of(binding).len()).sum()
    }

    /// Whether nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    const fn of(&self, binding: Binding) -> &BTreeMap<String, UnixTime> {
        match binding {
            Binding::Contact => &self.contact,
            Binding::Conversation => &self.conversation,
            Binding::Device => &self.device,
            Binding::Channel => &self.channel,
        }
    }

    const fn of_mut(&mut self, binding: Binding) -> &mut BTreeMap<String, UnixTime> {
        match binding {
            Binding::Contact => &mut self.contact,
            Binding::Conversation => &mut self.conversation,
            Binding::Device => &mut self.device,
            Binding::Channel => &mut self.channel,
        }
    }
}

/// How many, not who.
impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_never_go_back_and_are_forgotten_in_time() {
        let mut revocations = Revocations::default();
        for millis in [7_000, 3_000] {
            revocations.revoke(Binding::Contact, "c", UnixTime::from_millis(millis));
        }
        let ids = Bindings { contact: "c", conversation: "", device: "", channel: "" };
        assert_eq!(revocations.find(&ids, UnixTime::from_millis(7_000)), Some(Binding::Contact));
        let overlap = Duration::from_secs(310);
        assert_eq!(revocations.prune(overlap, UnixTime::from_millis(316_999)), 0);
        assert_eq!(revocations.prune(overlap, UnixTime::from_millis(317_000)), 1);
        assert!(revocations.is_empty());
    }

    #[test]
    fn ids_are_not_printed() {
        let mut revocations = Revocations::default();
        revocations.revoke(Binding::Contact, "SECRET", UnixTime::EPOCH);
        insta::assert_snapshot!(format!("{revocations:?}"), @"Revocations { len: 1, .. }");
    }
}
