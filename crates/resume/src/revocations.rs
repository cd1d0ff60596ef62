//! Whose tokens are void.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

use crate::{Binding, Bindings, Reason};

/// Revocation by epoch: of a contact, conversation, device or channel, all tokens issued up to a time are void. Use
/// it after a logout or a theft; the verifier is given it.
///
/// Who revokes and who issued may be two nodes with two clocks, so tokens issued up to `leeway` after the epoch are void
/// too: a token for a new login should be issued later than that.
///
/// An entry is needed as long as a token of its time can still be recognised; [`prune`](Self::prune) keeps the list
/// short. What was pruned is remembered as one time, before which nothing is accepted: a clock that jumps ahead for a
/// moment gives no revoked token back. Plain data; serialise it to share it between nodes.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_resume::{Binding, Bindings, Reason, Revocations};
/// use std::time::Duration;
/// let mine = Bindings { contact: "c-1", conversation: "k-1", device: "d-1", channel: "web" };
/// let mut revocations = Revocations::default();
/// revocations.revoke(Binding::Device, "d-1", UnixTime::from_millis(5_000));
/// let leeway = Duration::from_millis(2_000);
/// let refusal = |issued_at| revocations.refusal(&mine, UnixTime::from_millis(issued_at), leeway);
/// assert_eq!(refusal(7_000), Some(Reason::SubjectRevoked(Binding::Device)));
/// assert_eq!(refusal(7_001), None);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocations {
    contact: BTreeMap<String, UnixTime>,
    conversation: BTreeMap<String, UnixTime>,
    device: BTreeMap<String, UnixTime>,
    channel: BTreeMap<String, UnixTime>,
    /// The latest epoch that was forgotten.
    #[serde(default)]
    pruned: Option<UnixTime>,
}

impl Revocations {
    /// Voids the tokens of `id` that were issued at or before `epoch`. An epoch never goes back.
    pub fn revoke(&mut self, binding: Binding, id: &str, epoch: UnixTime) {
        let entry = self.of_mut(binding).entry(id.to_owned()).or_insert(epoch);
        *entry = epoch.max(*entry);
    }

    /// Why tokens of these ids issued at `issued_at` are void: [`Reason::SubjectRevoked`] with the first of the ids, or
    /// [`Reason::TooOld`] for a token from before something that is forgotten. All four ids are always looked up.
    #[must_use]
    pub fn refusal(&self, bindings: &Bindings<'_>, issued_at: UnixTime, leeway: Duration) -> Option<Reason> {
        let void = |epoch: &UnixTime| issued_at <= *epoch + leeway;
        let too_old = self.pruned.as_ref().filter(|epoch| void(epoch)).map(|_| Reason::TooOld);
        bindings.each().into_iter().rev().fold(too_old, |refusal, (binding, id)| {
            let revoked = self.of(binding).get(id).filter(|epoch| void(epoch));
            revoked.map(|_| Reason::SubjectRevoked(binding)).or(refusal)
        })
    }

    /// Forgets the epochs older than `retention` ([`Policy::retention`](crate::Policy::retention)) and says how many.
    /// From then on, tokens issued up to the latest of them (plus leeway) are [`Reason::TooOld`], whosever they are.
    pub fn prune(&mut self, retention: Duration, now: UnixTime) -> usize {
        let before = self.len();
        let mut pruned = self.pruned;
        for binding in Binding::ALL {
            self.of_mut(binding).retain(|_, epoch| {
                let keep = now.since(*epoch) < retention;
                if !keep {
                    pruned = pruned.max(Some(*epoch));
                }
                keep
            });
        }
        self.pruned = pruned;
        before - self.len()
    }

    /// How many epochs are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        Binding::ALL.into_iter().map(|binding| self.of(binding).len()).sum()
    }

    /// Returns whether nothing is revoked.
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
        let refusal = |revocations: &Revocations, at| {
            revocations.refusal(&ids, UnixTime::from_millis(at), Duration::ZERO)
        };
        assert_eq!(refusal(&revocations, 7_000), Some(Reason::SubjectRevoked(Binding::Contact)));
        let retention = Duration::from_secs(310);
        assert_eq!(revocations.prune(retention, UnixTime::from_millis(316_999)), 0);
        assert_eq!(revocations.prune(retention, UnixTime::from_millis(317_000)), 1);
        assert!(revocations.is_empty());
        assert_eq!(refusal(&revocations, 7_000), Some(Reason::TooOld));
        assert_eq!(refusal(&revocations, 7_001), None);
    }

    #[test]
    fn ids_are_not_printed() {
        let mut revocations = Revocations::default();
        revocations.revoke(Binding::Contact, "SECRET", UnixTime::EPOCH);
        insta::assert_snapshot!(format!("{revocations:?}"), @"Revocations { len: 1, .. }");
    }
}
