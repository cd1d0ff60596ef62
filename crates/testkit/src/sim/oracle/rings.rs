//! Rings come at once, never after their cancel, and every one that was heard is taken back.

use std::time::Duration;

use reveille_conversation::Kind;
use reveille_conversation::event::{Event, What};
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_core::UnixTime;

use super::super::people::Known;
use super::super::services::Service;
use super::super::wire::{End, Record};
use super::{AT_ONCE, Case, Oracle, is_reachable};

/// Nothing that hurries waits longer for its turn, whatever else waits.
const TURN: Duration = Duration::from_secs(3);
/// So long after a failure a service may be left alone, and a credential that was refused.
const BREATH: Duration = Duration::from_secs(150);
const REFUSED: Duration = Duration::from_secs(3_700);

impl Oracle {
    pub(super) fn rings(&self, case: &Case<'_>) -> Vec<String> {
        let mut found = Vec::new();
        for (number, seq, at, event) in self.happened(case) {
            let What::CallOffered(offer) = &event.what else { continue };
            let Some(person) = case.people.find(&offer.person) else { continue };
            if self.changes.excuse(at) {
                continue;
            }
            let gone = self.logged_out_after(&offer.person, seq);
            let cancel = cancel_of(case, event, &offer.person).into_iter().chain(gone).min();
            let logs_out = self.logged_out_between(&offer.person, at - AT_ONCE, at + AT_ONCE);
            let at_once = self.is_undisturbed(at) && at.since(event.at) < AT_ONCE && !logs_out;
            for known in &person.devices {
                let records = case.records(known.device, &event.conversation);
                let shown =
                    |record: &&&Record| record.seen.kind == Kind::IncomingCall && !record.seen.takes_back;
                let (mut rings, name) = (records.iter().filter(shown).peekable(), &known.name);
                let cancelled_soon = cancel.is_some_and(|(_, cancelled)| cancelled <= at + AT_ONCE);
                let has_to_ring = at_once
                    && !cancelled_soon
                    && is_reachable(known, seq, at)
                    && self.is_well(known.service, at);
                match rings.peek() {
                    _ if !has_to_ring => {}
                    None => found.push(format!("lost: event-{number} did not ring {name}")),
                    Some(first) if first.at.since(at) > TURN => {
                        let waited = first.at.since(at);
                        found.push(format!("held up: event-{number} rang {name} after {waited:?}"));
                    }
                    Some(_) => {}
                }
                let mut heard = None;
                for ring in rings.filter(|ring| ring.started) {
                    // A backup does not know what rang since.
                    let forgotten = Self::any_between(&self.restores, ring.at, UnixTime::MAX);
                    if ring.end == End::Accepted && !forgotten {
                        heard = Some(ring.seq);
                    }
                    if cancel.is_some_and(|cancel| {
                        ring.seq > cancel.0 && !self.are_apart_by_a_step(cancel, (seq, at))
                    }) {
                        found.push(format!("late: event-{number} rang {name} after its cancel"));
                    }
                }
                // One that came before the ring did takes nothing back.
                let taken_back = |rang: u64| {
                    let after = records.iter().filter(|record| record.seen.takes_back && record.seq > rang);
                    after.map(|record| record.job.leg).any(|leg| self.is_settled(records, leg))
                };
                let spared = spared(case, &event.conversation, known);
                if heard.is_some_and(|rang| !taken_back(rang)) && !spared && is_reachable(known, seq, at) {
                    found.push(format!("stuck: event-{number} rings on at {name}"));
                }
            }
        }
        found
    }

    /// The clock was set between a ring and its cancel: which of them came first cannot be told any more.
    fn are_apart_by_a_step(&self, cancel: (u64, UnixTime), offer: (u64, UnixTime)) -> bool {
        Self::any_between(&self.steps, cancel.1.min(offer.1), cancel.1.max(offer.1))
    }

    pub(super) fn is_undisturbed(&self, at: UnixTime) -> bool {
        !self
            .disturbances
            .iter()
            .chain(&self.skewed)
            .any(|disturbed| *disturbed + Duration::from_secs(30) >= at && *disturbed <= at + AT_ONCE)
    }

    /// Its answers were good for a while: nobody has a reason to leave it alone.
    pub(super) fn is_well(&self, service: Service, at: UnixTime) -> bool {
        let of = |record: &&Record| record.lane.is_some_and(|(known, _)| known == service);
        !self.records.iter().filter(of).any(|record| {
            let span = if record.refused_us { REFUSED } else { BREATH };
            let well = record.end == End::Accepted && !record.silent;
            !well && record.at <= at + AT_ONCE && record.at + span >= at
        })
    }
}

/// The first committed event after which this person must not be rung by this offer.
fn cancel_of(case: &Case<'_>, offered: &Event, person: &PersonId) -> Option<(u64, UnixTime)> {
    let cancels = case.committed(&offered.conversation).filter(|(_, _, event)| match &event.what {
        What::CallEnded(_) | What::CallAnswered(_) => true,
        What::CallWithdrawn(withdrawn) => withdrawn.person == *person,
        What::CallDeclined(declined) => declined.person == *person,
        // Whoever is offered it in the moment when it is over for the others may be of the next group.
        What::CallTimedOut(timed_out) => {
            timed_out.person.as_ref().map_or(event.at > offered.at, |whom| whom == person)
        }
        _ => false,
    });
    cancels.map(|(seq, at, _)| (seq, at)).min()
}

/// Whoever answered or declined knows.
fn spared(case: &Case<'_>, there: &ConversationId, known: &Known) -> bool {
    case.events(there).any(|(_, _, what)| match what {
        What::CallAnswered(answered) => answered.device.as_ref() == Some(&known.name),
        What::CallDeclined(declined) => declined.device.as_ref() == Some(&known.name),
        _ => false,
    })
}
