//! Whom the last push did not reach, and who is reached again. Kept in memory: who forgets it tells of no recovery.

use std::collections::{BTreeMap, BTreeSet};

use reveille_conversation::id::PersonId;
use reveille_delivery::{Fate, JobId};
use reveille_gateway::{Note, Output};

/// Persons of one shard, and their jobs under way.
const MOST: usize = 10_000;

#[derive(Default)]
pub(crate) struct Recovery {
    failed: BTreeSet<PersonId>,
    /// Pushes to them that are under way.
    jobs: BTreeMap<JobId, PersonId>,
}

impl Recovery {
    /// Looks at every output, also at those that are replayed. Gives who was reached again.
    pub(crate) fn look(&mut self, output: &Output) -> Option<PersonId> {
        match output {
            Output::Note(Note::PushFailed { person, .. }) if self.failed.len() < MOST => {
                self.failed.insert(person.clone());
                None
            }
            Output::Note(Note::Begun { job, person, .. }) => {
                if self.failed.contains(person) && self.jobs.len() < MOST {
                    self.jobs.insert(*job, person.clone());
                }
                None
            }
            // It is no push.
            Output::FallBack(job) => {
                self.jobs.remove(&job.job);
                None
            }
            Output::Note(Note::Settled { job, fate }) => {
                let person = self.jobs.remove(job)?;
                (*fate == Fate::Accepted && self.failed.remove(&person)).then_some(person)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_conversation::Kind;

    #[test]
    fn the_first_push_that_arrives_after_a_failure() {
        let kate: PersonId = "kate".parse().unwrap();
        let job = JobId::from_bits;
        let begun = |id| {
            let (person, conversation) = (kate.clone(), "c".parse().unwrap());
            Output::Note(Note::Begun { job: job(id), person, conversation, kind: Kind::NewMessage })
        };
        let settled = |id, fate| Output::Note(Note::Settled { job: job(id), fate });
        let failed = |id| {
            let (person, conversation, kind) = (kate.clone(), "c".parse().unwrap(), Kind::NewMessage);
            let fate = Fate::Gone;
            Output::Note(Note::PushFailed { job: job(id), person, conversation, kind, fate, instead: None })
        };
        let mut recovery = Recovery::default();
        let told: Vec<_> = [
            begun(1),
            settled(1, Fate::Accepted),
            begun(2),
            settled(2, Fate::Gone),
            failed(2),
            begun(3),
            settled(3, Fate::GaveUp),
            failed(3),
            begun(4),
            settled(4, Fate::Accepted),
            begun(5),
            settled(5, Fate::Accepted),
        ]
        .iter()
        .enumerate()
        .filter_map(|(at, output)| recovery.look(output).map(|_| at))
        .collect();
        assert_eq!(told, [9], "once, and not before a failure");
    }
}
