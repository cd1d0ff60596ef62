//! What follows a call: whoever it rang for in vain is told that they missed it; and whoever asked for a callback, that it is
//! their turn.

use std::collections::BTreeSet;
use std::time::Duration;

use reveille_conversation::Kind;
use reveille_conversation::event::{CallbackMode, Event, What};
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_core::UnixTime;
use reveille_delivery::LegId;

use super::super::wire::{End, Record};
use super::{Case, Oracle, is_reachable};

/// A call has stopped ringing by then, whatever its source says.
const RINGS: Duration = Duration::from_secs(300);
/// A turn is over then: of what a clock says to be later, nobody hears.
const TURN: Duration = Duration::from_secs(300);

impl Oracle {
    pub(super) fn missed(&self, case: &Case<'_>) -> Vec<String> {
        let mut lost = Vec::new();
        for (number, seq, at, event) in self.happened(case) {
            let What::CallOffered(offer) = &event.what else { continue };
            let Some(person) = case.people.find(&offer.person) else { continue };
            let there = &event.conversation;
            let logs_out = self.logged_out_between(&person.id, at - RINGS, at + RINGS);
            if was_taken(case, event, &person.id) || self.is_unclear(at, RINGS) || logs_out {
                continue;
            }
            let rang = |record: &&Record| {
                let ring = record.seen.kind == Kind::IncomingCall && !record.seen.takes_back;
                // Not before a backup came back that does not know it.
                ring && record.started && record.end == End::Accepted && record.seq > seq
            };
            let mut devices = person.devices.iter();
            if !devices.any(|known| case.records(known.device, there).iter().any(rang)) {
                continue;
            }
            for known in person.devices.iter().filter(|known| is_reachable(known, seq, at)) {
                if !self.was_told(case.records(known.device, there), Kind::MissedCall) {
                    lost.push(format!(
                        "lost: missed call event-{number} rang for {} in vain, and {} does not say so",
                        person.id, known.name
                    ));
                }
            }
        }
        lost
    }

    pub(super) fn turns(&self, case: &Case<'_>) -> Vec<String> {
        let mut lost = Vec::new();
        for (number, seq, at, event) in self.happened(case) {
            if event.what != What::CallbackReady || self.is_unclear(at, TURN) || !self.is_undisturbed(at) {
                continue;
            }
            let there = &event.conversation;
            let Some(person) = asked(case, there, seq).and_then(|person| case.people.find(person)) else {
                continue;
            };
            for known in person.devices.iter().filter(|known| is_reachable(known, seq, at)) {
                let records = case.records(known.device, there);
                if self.is_well(known.service, at) && !self.was_told(records, Kind::CallbackReady) {
                    lost.push(format!(
                        "lost: turn event-{number} never reached {} of {}",
                        known.name, person.id
                    ));
                }
            }
        }
        lost
    }

    fn was_told(&self, records: &[&Record], kind: Kind) -> bool {
        let of_it = records.iter().filter(|record| record.seen.kind == kind && !record.seen.takes_back);
        let legs: BTreeSet<LegId> = of_it.map(|record| record.job.leg).collect();
        legs.iter().any(|leg| self.is_settled(records, *leg))
    }

    /// Somebody stopped everything, a backup came back, or the clock was set, before it was over.
    fn is_unclear(&self, at: UnixTime, span: Duration) -> bool {
        let over = at + span;
        self.changes.excuse_between(at, over)
            || Self::any_between(&self.restores, at, UnixTime::MAX)
            || Self::any_between(&self.steps, at - span, over)
    }
}

/// Somebody answered, or this person declined it, or it was taken from them.
fn was_taken(case: &Case<'_>, offered: &Event, person: &PersonId) -> bool {
    case.events(&offered.conversation).any(|(_, _, what)| match what {
        What::CallAnswered(_) => true,
        What::CallDeclined(declined) => declined.person == *person,
        What::CallWithdrawn(withdrawn) => withdrawn.person == *person,
        _ => false,
    })
}

/// Who asked for a callback before, unless something else became of it.
fn asked<'a>(case: &Case<'a>, there: &ConversationId, before: u64) -> Option<&'a PersonId> {
    let mut person = None;
    for (seq, _, what) in case.events(there) {
        match what {
            What::CallbackCreated(created)
                if seq < before && created.push && created.mode == CallbackMode::CallIn =>
            {
                person = Some(&created.person);
            }
            What::CallbackCreated(_) | What::CallbackReady => {}
            _ => return None,
        }
    }
    person
}
