//! Judges a run, from the events that were committed and from what the services received.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reveille_conversation::Kind;
use reveille_conversation::event::What;
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_core::UnixTime;
use reveille_delivery::{DeviceId, LegId};
use reveille_gateway::Target;

use super::people::{Known, People};
use super::script::Scripted;
use super::wire::{End, Record};

/// Attempts after which delivery may give up.
const ATTEMPTS: usize = 3;
/// A ring has to be on its way by then, if nothing disturbs it.
const AT_ONCE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Oracle {
    /// By number in the script: when it was committed for the first time.
    committed: BTreeMap<usize, (u64, UnixTime)>,
    acknowledged: BTreeSet<usize>,
    records: Vec<Record>,
    disturbances: Vec<UnixTime>,
    skewed: Vec<UnixTime>,
    steps: Vec<UnixTime>,
    violations: Vec<String>,
    /// By leg: how often a service took it.
    taken: BTreeMap<LegId, usize>,
}

impl Oracle {
    /// `skewed`: the clocks of source and process differ, so that the process cannot tell a late ring from a fresh one.
    pub(super) fn committed(&mut self, event: usize, seq: u64, at: UnixTime, skewed: bool) {
        self.committed.entry(event).or_insert((seq, at));
        if skewed {
            self.skewed.push(at);
        }
    }

    pub(super) fn acknowledged(&mut self, event: usize) {
        self.acknowledged.insert(event);
    }

    /// A crash, a step of the clock, a question without an answer: what is urgent may be late now.
    pub(super) fn disturbed(&mut self, at: UnixTime) {
        self.disturbances.push(at);
    }

    /// The clock was set: what happened before and what happened after cannot be put in order any more.
    pub(super) fn stepped(&mut self, at: UnixTime) {
        self.steps.push(at);
    }

    pub(super) fn offered(&mut self, cause: u64, committed: u64) {
        if cause > committed {
            self.violations
                .push(format!("early: a request left for input {cause}, committed were {committed}"));
        }
    }

    /// Whether a service had taken it before.
    pub(super) fn received(&mut self, record: Record) -> bool {
        let mut again = false;
        if record.started && record.end == End::Accepted {
            let taken = self.taken.entry(record.job.leg).or_default();
            *taken += 1;
            again = *taken > 1;
        }
        self.records.push(record);
        again
    }

    pub(super) fn at_rest(&mut self, open: u64, pending: u64, queued: usize) {
        if open + pending > 0 || queued > 0 {
            self.violations.push(format!("never at rest: {open} jobs, {pending} messages, {queued} to come"));
        }
    }

    pub(super) fn judge(mut self, script: &[Scripted], people: &People) -> Vec<String> {
        for event in &self.acknowledged {
            if !self.committed.contains_key(event) {
                self.violations.push(format!("lost: event-{event} was acknowledged and is in no log"));
            }
        }
        let mut found = std::mem::take(&mut self.violations);
        found.extend(self.messages(script, people));
        found.extend(self.rings(script, people));
        found.extend(self.order());
        found.extend(self.once());
        found
    }

    /// Committed events of a conversation, with the moment of their commit.
    fn events<'a>(
        &'a self,
        script: &'a [Scripted],
        there: &'a ConversationId,
    ) -> impl Iterator<Item = (u64, &'a What)> {
        self.committed.iter().filter_map(move |(number, (seq, _))| {
            let event = &script.get(*number)?.event;
            (event.conversation == *there).then_some((*seq, &event.what))
        })
    }

    /// Every message reached everybody whom it concerns, on every device, or was read, or its service would not have it.
    fn messages(&self, script: &[Scripted], people: &People) -> Vec<String> {
        let mut lost = Vec::new();
        let by_place = self.by_place();
        for (number, (seq, _)) in &self.committed {
            let Some(Scripted { event, .. }) = script.get(*number) else { continue };
            let What::MessageSent(message) = &event.what else { continue };
            let sequence = message.sequence.unwrap_or_default();
            for person in &people.people {
                let there = &event.conversation;
                if person.id == message.sender || !self.takes_part(script, there, &person.id, *seq) {
                    continue;
                }
                if self.has_read(script, there, &person.id, sequence)
                    || self.joined_behind(script, there, &person.id, sequence)
                {
                    continue;
                }
                for known in person.devices.iter().filter(|known| is_reachable(known, people, *seq)) {
                    let place = (known.device.id, there.clone());
                    let records = by_place.get(&place).map(Vec::as_slice).unwrap_or_default();
                    let covers = |record: &&&Record| {
                        let shown = record.shows().and_then(|name| name.strip_prefix("event-")?.parse().ok());
                        let shown = shown.and_then(|number: usize| self.committed.get(&number));
                        record.job.content.kind() == Kind::NewMessage
                            && shown.is_some_and(|(shown, _)| shown >= seq)
                    };
                    let legs: BTreeSet<LegId> =
                        records.iter().filter(covers).map(|record| record.job.leg).collect();
                    if !legs.iter().any(|leg| is_settled(records, *leg)) {
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

    fn by_place(&self) -> BTreeMap<(DeviceId, ConversationId), Vec<&Record>> {
        let mut places: BTreeMap<_, Vec<&Record>> = BTreeMap::new();
        for record in &self.records {
            let place = (record.job.target.id(), record.job.conversation.clone());
            places.entry(place).or_default().push(record);
        }
        places
    }

    fn takes_part(&self, script: &[Scripted], there: &ConversationId, person: &PersonId, seq: u64) -> bool {
        self.events(script, there).any(|(at, what)| {
            at < seq
                && match what {
                    What::Joined(joined) => joined.person == *person,
                    What::MessageSent(message) => message.sender == *person,
                    _ => false,
                }
        })
    }

    /// Whoever joins begins behind the messages that are there.
    fn joined_behind(
        &self,
        script: &[Scripted],
        there: &ConversationId,
        person: &PersonId,
        sequence: u64,
    ) -> bool {
        let joins = self.events(script, there).filter(|(_, what)| match what {
            What::Joined(joined) => joined.person == *person,
            What::MessageSent(message) => message.sender == *person,
            _ => false,
        });
        let Some(joined) = joins.map(|(at, _)| at).min() else { return false };
        self.events(script, there).any(|(at, what)| match what {
            What::MessageSent(message) => at < joined && message.sequence >= Some(sequence),
            _ => false,
        })
    }

    fn has_read(
        &self,
        script: &[Scripted],
        there: &ConversationId,
        person: &PersonId,
        sequence: u64,
    ) -> bool {
        self.events(script, there).any(|(_, what)| match what {
            What::ReadUpTo(read) => {
                read.person == *person && read.sequence.is_none_or(|read| read >= sequence)
            }
            What::MessageSent(message) => message.sender == *person && message.sequence >= Some(sequence),
            _ => false,
        })
    }

    /// Rings come at once, never after their cancel, and every one that was heard is taken back.
    fn rings(&self, script: &[Scripted], people: &People) -> Vec<String> {
        let mut found = Vec::new();
        let by_place = self.by_place();
        for (number, (seq, at)) in &self.committed {
            let Some(Scripted { event, .. }) = script.get(*number) else { continue };
            let What::CallOffered(offer) = &event.what else { continue };
            let Some(person) = people.find(&offer.person) else { continue };
            let cancel = self.cancel_of(script, &event.conversation, &offer.person);
            let at_once = self.is_undisturbed(*at) && at.since(event.at) < AT_ONCE;
            for known in &person.devices {
                let place = (known.device.id, event.conversation.clone());
                let records = by_place.get(&place).map(Vec::as_slice).unwrap_or_default();
                let shown = |record: &&&Record| {
                    record.job.content.kind() == Kind::IncomingCall && !record.job.content.takes_back()
                };
                let (mut rings, name) = (records.iter().filter(shown).peekable(), &known.name);
                let cancelled_soon = cancel.is_some_and(|(_, cancelled)| cancelled <= *at + AT_ONCE);
                if rings.peek().is_none() && at_once && !cancelled_soon && is_reachable(known, people, *seq) {
                    found.push(format!("lost: event-{number} did not ring {name}"));
                }
                let mut heard = false;
                for ring in rings.filter(|ring| ring.started) {
                    heard |= ring.end == End::Accepted;
                    if cancel.is_some_and(|cancel| {
                        ring.seq > cancel.0 && !self.are_apart_by_a_step(cancel, (*seq, *at))
                    }) {
                        found.push(format!("late: event-{number} rang {name} after its cancel"));
                    }
                }
                let taken_back = records.iter().any(|record| record.job.content.takes_back());
                let spared = self.spared(script, &event.conversation, known);
                if heard && !taken_back && !spared && is_reachable(known, people, *seq) {
                    found.push(format!("stuck: event-{number} rings on at {name}"));
                }
            }
        }
        found
    }

    /// The clock was set between a ring and its cancel: which of them came first cannot be told any more.
    fn are_apart_by_a_step(&self, cancel: (u64, UnixTime), offer: (u64, UnixTime)) -> bool {
        let (from, to) = (cancel.1.min(offer.1), cancel.1.max(offer.1));
        self.steps.iter().any(|step| (from..=to).contains(step))
    }

    /// The first committed event after which this person must not be rung.
    fn cancel_of(
        &self,
        script: &[Scripted],
        there: &ConversationId,
        person: &PersonId,
    ) -> Option<(u64, UnixTime)> {
        self.committed
            .iter()
            .filter(|(number, _)| {
                script.get(**number).is_some_and(|one| {
                    one.event.conversation == *there
                        && match &one.event.what {
                            What::CallEnded(_) | What::CallAnswered(_) => true,
                            What::CallWithdrawn(withdrawn) => withdrawn.person == *person,
                            What::CallDeclined(declined) => declined.person == *person,
                            _ => false,
                        }
                })
            })
            .map(|(_, at)| *at)
            .min()
    }

    /// Whoever answered or declined knows.
    fn spared(&self, script: &[Scripted], there: &ConversationId, known: &Known) -> bool {
        self.events(script, there).any(|(_, what)| match what {
            What::CallAnswered(answered) => answered.device.as_ref() == Some(&known.name),
            What::CallDeclined(declined) => declined.device.as_ref() == Some(&known.name),
            _ => false,
        })
    }

    fn is_undisturbed(&self, at: UnixTime) -> bool {
        !self
            .disturbances
            .iter()
            .chain(&self.skewed)
            .any(|disturbed| *disturbed + Duration::from_secs(30) >= at && *disturbed <= at + AT_ONCE)
    }

    /// On a device, under one collapse key, generations never fall.
    fn order(&self) -> Vec<String> {
        let mut highest = BTreeMap::new();
        let mut found = Vec::new();
        for record in self.records.iter().filter(|record| record.started && is_device(record)) {
            let place = (record.job.target.id(), record.job.collapse);
            let known = highest.entry(place).or_insert(0);
            if record.job.generation < *known {
                found.push(format!("backwards: generation {} after {known}", record.job.generation));
            }
            *known = record.job.generation.max(*known);
        }
        found
    }

    /// What was taken, and whose answer is in the log, is not sent again; what nothing can take back is sent once at most.
    fn once(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut last: BTreeMap<LegId, &Record> = BTreeMap::new();
        for record in self.records.iter().filter(|record| record.started) {
            let leg = record.job.leg;
            if let Some(before) = last.insert(leg, record) {
                if record.job.target == Target::Sms && matches!(before.end, End::Accepted | End::Lost) {
                    found.push(format!("twice: a text message at {} and {}", before.at, record.at));
                }
                let unsure = Duration::from_secs(9);
                if before.end == End::Accepted
                    && record.at.since(before.at) < unsure
                    && self.no_crash(before.at, record.at)
                {
                    found.push(format!(
                        "twice: attempt {} of {:?} was taken at {}, and attempt {} left at {}",
                        before.job.attempt, leg, before.at, record.job.attempt, record.at
                    ));
                }
            }
        }
        found
    }

    fn no_crash(&self, from: UnixTime, to: UnixTime) -> bool {
        !self.disturbances.iter().any(|at| (from..=to).contains(at))
    }
}

fn is_device(record: &Record) -> bool {
    matches!(record.job.target, Target::Device(_))
}

/// Whether a leg came to an end that a gateway may leave it at.
fn is_settled(records: &[&Record], leg: LegId) -> bool {
    let attempts = records.iter().filter(|record| record.job.leg == leg);
    let ends: Vec<End> = attempts.map(|record| record.end).collect();
    ends.contains(&End::Accepted) || ends.contains(&End::Refused) || ends.len() >= ATTEMPTS
}

/// Whether a device was there all the time.
fn is_reachable(known: &Known, people: &People, seq: u64) -> bool {
    known.since <= seq && known.until.is_none() && !people.gone.contains(&known.device.id)
}
