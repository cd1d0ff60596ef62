//! Nobody is told of messages that they have read, or after they left; and what is shown of what was read is taken back.

use reveille_conversation::Kind;
use reveille_conversation::event::What;
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_core::UnixTime;

use super::super::services::Service;
use super::super::wire::{End, Record};
use super::{Case, Oracle, is_reachable};

/// From a committed event on, whether somebody may be told of messages of a conversation.
#[derive(Clone, Copy, Debug)]
struct Since {
    seq: u64,
    at: UnixTime,
    interest: Interest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interest {
    /// There is something that they have not read, or they have only come.
    Some,
    HasRead,
    HasLeft,
}

impl Oracle {
    pub(super) fn reads(&self, case: &Case<'_>) -> Vec<String> {
        let mut found = Vec::new();
        for there in case.events.keys().copied() {
            for person in &case.people.people {
                let interest = interest(case, there, &person.id);
                for known in &person.devices {
                    let records = case.records(known.device, there);
                    let shows: Vec<&Record> =
                        records.iter().copied().filter(|record| is_show(record)).collect();
                    for record in &shows {
                        if let Some(since) = self.told_in_vain(record, &interest) {
                            let why = if since == Interest::HasLeft { "they left" } else { "it was read" };
                            let (name, id) = (&known.name, &person.id);
                            found.push(format!(
                                "late: a message in {there} was told {name} of {id} after {why}"
                            ));
                        }
                    }
                    let (Some(last), Some(end)) = (shows.last(), interest.last()) else { continue };
                    // A browser stands only a few pushes a day that show nothing.
                    let reachable = is_reachable(known, end.seq, end.at) && known.service != Service::WebPush;
                    // Whoever left keeps what they saw.
                    let left = interest.iter().any(|since| since.interest == Interest::HasLeft);
                    if (end.interest, left) == (Interest::HasRead, false)
                        && last.seq < end.seq
                        && last.end == End::Accepted
                        && !self.changes.excuse(end.at)
                        && !Self::any_between(&self.restores, last.at, UnixTime::MAX)
                        && reachable
                        && !self.is_taken_back(records, last.seq)
                    {
                        found.push(format!("stuck: what was read in {there} is shown on by {}", known.name));
                    }
                }
            }
        }
        found
    }

    /// Whether nobody wanted it any more when it left. A backup may have taken back what it shows.
    fn told_in_vain(&self, record: &Record, interest: &[Since]) -> Option<Interest> {
        let (_, shown, _) = self.shown(record)?;
        let now = interest.iter().rev().find(|since| since.seq < record.seq)?.interest;
        (shown < record.seq && now != Interest::Some).then_some(now)
    }

    fn is_taken_back(&self, records: &[&Record], shown: u64) -> bool {
        let mut after = records.iter().filter(|record| record.seen.takes_back && record.seq > shown);
        after.any(|record| self.is_settled(records, record.job.leg))
    }
}

fn is_show(record: &Record) -> bool {
    record.started && record.seen.kind == Kind::NewMessage && !record.seen.takes_back
}

/// What a person has read, told from the list of events alone.
fn interest(case: &Case<'_>, there: &ConversationId, person: &PersonId) -> Vec<Since> {
    let mut events: Vec<_> = case.events(there).collect();
    events.sort_by_key(|(seq, ..)| *seq);
    let (mut all, mut mark, mut written) = (Vec::new(), 0, Vec::new());
    let (mut left, mut there_is) = (false, false);
    for (seq, at, what) in events {
        match what {
            // What was over may be forgotten, reads included.
            What::StateChanged(_) => return Vec::new(),
            What::MessageSent(message) if message.sender == *person => {
                // Whether who left is there again is the rules' affair.
                (left, there_is) = (false, true);
                mark = mark.max(message.sequence.unwrap_or_default());
            }
            What::MessageSent(message) => written.extend(message.sequence),
            // A stranger's read is none.
            What::ReadUpTo(read) if read.person == *person && there_is => {
                mark = mark.max(read.sequence.unwrap_or(u64::MAX));
            }
            What::Left(gone) | What::GuestSessionEnded(gone) if gone.person == *person => left = true,
            What::Joined(joined) if joined.person == *person => {
                mark = if left { written.iter().copied().fold(mark, u64::max) } else { mark };
                (left, there_is) = (false, true);
            }
            _ => continue,
        }
        let unread = written.iter().any(|sequence| *sequence > mark);
        let interest = match (left, unread) {
            (true, _) => Interest::HasLeft,
            (_, true) => Interest::Some,
            _ if mark == 0 => Interest::Some,
            _ => Interest::HasRead,
        };
        all.push(Since { seq, at, interest });
    }
    all
}
