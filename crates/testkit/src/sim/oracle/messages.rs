//! Messages reach everybody whom they concern, and nobody else.

use std::collections::BTreeSet;

use reveille_conversation::Kind;
use reveille_conversation::event::What;
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_delivery::LegId;

use super::super::wire::{End, Record};
use super::{ATTEMPTS, Case, Oracle, is_reachable};

impl Oracle {
    /// Every message reached everybody whom it concerns, on every device, or was read, or its service would not have it.
    pub(super) fn messages(&self, case: &Case<'_>) -> Vec<String> {
        let mut lost = Vec::new();
        for (number, seq, at, event) in self.happened(case) {
            let What::MessageSent(message) = &event.what else { continue };
            if self.changes.excuse(at) {
                continue;
            }
            let sequence = message.sequence.unwrap_or_default();
            for person in &case.people.people {
                let there = &event.conversation;
                if person.id == message.sender
                    || case.took_part(there, &person.id).is_none_or(|joined| joined >= seq)
                    || has_read(case, there, &person.id, sequence)
                    || left_or_looked(case, there, &person.id)
                    || joined_behind(case, there, &person.id, sequence)
                {
                    continue;
                }
                for known in person.devices.iter().filter(|known| is_reachable(known, seq, at)) {
                    let records = case.records(known.device, there);
                    let covers = |record: &&&Record| {
                        record.seen.kind == Kind::NewMessage
                            && self.shown(record).is_some_and(|(_, shown, _)| shown >= seq)
                    };
                    let legs: BTreeSet<LegId> =
                        records.iter().filter(covers).map(|record| record.job.leg).collect();
                    if !legs.iter().any(|leg| self.is_settled(records, *leg)) {
                        lost.push(format!(
                            "lost: event-{number} never reached {} of {}",
                            known.name, person.id
                        ));
                    }
                }
            }
        }
        lost
    }

    /// What was committed under the kill switch is told nobody.
    pub(super) fn forbidden(&self) -> Vec<String> {
        // Before a backup came back, it may have been allowed.
        let shown = self.records.iter().filter_map(|record| {
            self.shown(record).filter(|(_, seq, at)| record.seq > *seq && self.changes.forbids(*seq, *at))
        });
        let wrong: BTreeSet<usize> = shown.map(|(number, ..)| number).collect();
        wrong.into_iter().map(|number| format!("forbidden: event-{number} was told")).collect()
    }

    /// Whether a leg came to an end that a gateway may leave it at. With a crash, or a clock that jumps, an attempt may be
    /// over that never came to the wire: then of those that did the last one failed, or the job is among the dead letters.
    pub(super) fn is_settled(&self, records: &[&Record], leg: LegId) -> bool {
        let attempts = || records.iter().filter(|record| record.job.leg == leg);
        if attempts().any(|record| matches!(record.end, End::Accepted | End::Refused)) {
            return true;
        }
        let (Some(first), Some(last)) = (attempts().next(), attempts().next_back()) else { return false };
        let over_by = |end| {
            let between = self.cuts.iter().chain(&self.steps).filter(|at| (first.at..=end).contains(*at));
            attempts().count() + between.count() >= ATTEMPTS
        };
        let dead = self.dead.get(&last.job.job).copied();
        (usize::from(last.job.attempt) == ATTEMPTS && over_by(last.at)) || dead.is_some_and(over_by)
    }

    /// The committed event whose text it shows.
    pub(super) fn shown(&self, record: &Record) -> Option<(usize, u64, reveille_core::UnixTime)> {
        let number = record.shows()?.strip_prefix("event-")?.parse().ok()?;
        self.committed.get(&number).map(|(seq, at)| (number, *seq, *at))
    }
}

/// Whoever joins begins behind the messages that are there.
fn joined_behind(case: &Case<'_>, there: &ConversationId, person: &PersonId, sequence: u64) -> bool {
    let Some(joined) = case.took_part(there, person) else { return false };
    case.events(there).any(|(at, _, what)| match what {
        What::MessageSent(message) => at < joined && message.sequence >= Some(sequence),
        _ => false,
    })
}

/// Whoever left is told nothing more, and what was collected is dropped, as it is for all when it ends; whoever looks at it sees
/// it.
fn left_or_looked(case: &Case<'_>, there: &ConversationId, person: &PersonId) -> bool {
    case.events(there).any(|(_, _, what)| match what {
        What::Left(left) => left.person == *person,
        What::Viewing(viewing) => viewing.person == *person,
        What::GuestSessionEnded(left) => left.person == *person,
        What::StateChanged(_) => true,
        _ => false,
    })
}

fn has_read(case: &Case<'_>, there: &ConversationId, person: &PersonId, sequence: u64) -> bool {
    case.events(there).any(|(_, _, what)| match what {
        What::ReadUpTo(read) => read.person == *person && read.sequence.is_none_or(|read| read >= sequence),
        What::MessageSent(message) => message.sender == *person && message.sequence >= Some(sequence),
        _ => false,
    })
}
