//! Judges a run, from the events that were committed and from what the services received.

mod afterwards;
mod audiences;
mod logouts;
mod messages;
mod reads;
mod rest;
mod rings;
mod sent;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reveille_conversation::event::{Event, What};
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_core::UnixTime;
use reveille_delivery::{DeviceId, JobId, LegId};

use super::changes::Changes;
use super::crowd::Crowd;
use super::people::{Known, People};
use super::script::Scripted;
use super::tokens::Tokens;
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
    pub(super) changes: Changes,
    records: Vec<Record>,
    disturbances: Vec<UnixTime>,
    skewed: Vec<UnixTime>,
    steps: Vec<UnixTime>,
    restores: Vec<UnixTime>,
    cuts: Vec<UnixTime>,
    heard: BTreeMap<LegId, Heard>,
    violations: Vec<String>,
    /// By leg: how often a service took it.
    taken: BTreeMap<LegId, usize>,
    /// When a job, or a leg of it, became a dead letter: an operator has it, and it is not lost.
    dead: BTreeMap<JobId, UnixTime>,
    announced: audiences::Announced,
    logouts: Vec<logouts::LoggedOut>,
    /// When dead letters were to live again: their legs may have attempts once more.
    redriven: Vec<UnixTime>,
}

/// When, and by whom, it was committed that a service took something.
#[derive(Clone, Copy, Debug)]
struct Heard {
    process: u32,
    seq: u64,
    at: UnixTime,
}

/// Whether a device was there all the time, by what its service and its own registration say.
fn is_reachable(known: &Known, seq: u64, at: UnixTime) -> bool {
    known.since <= seq && known.is_known_around(at)
}

/// What is looked up again and again while judging.
struct Case<'a> {
    script: &'a [Scripted],
    people: &'a People,
    crowd: &'a Crowd,
    /// Committed events of a conversation: number, place in the order, moment.
    events: BTreeMap<&'a ConversationId, Vec<(usize, u64, UnixTime)>>,
    /// Requests for a device in a conversation.
    places: BTreeMap<(DeviceId, &'a ConversationId), Vec<&'a Record>>,
}

impl<'a> Case<'a> {
    /// What happened in a conversation and is committed, with the moment of the commit.
    fn events(&self, there: &ConversationId) -> impl Iterator<Item = (u64, UnixTime, &'a What)> {
        self.committed(there).map(|(seq, at, event)| (seq, at, &event.what))
    }

    fn committed(&self, there: &ConversationId) -> impl Iterator<Item = (u64, UnixTime, &'a Event)> {
        let (script, events) = (self.script, self.events.get(there).map(Vec::as_slice).unwrap_or_default());
        events.iter().filter_map(move |(number, seq, at)| Some((*seq, *at, &script.get(*number)?.event)))
    }

    fn records(&self, device: DeviceId, there: &'a ConversationId) -> &[&'a Record] {
        self.places.get(&(device, there)).map(Vec::as_slice).unwrap_or_default()
    }

    /// When somebody began to take part.
    fn took_part(&self, there: &ConversationId, person: &PersonId) -> Option<u64> {
        let joins = self.events(there).filter(|(_, _, what)| match what {
            What::Joined(joined) => joined.person == *person,
            What::MessageSent(message) => message.sender == *person,
            _ => false,
        });
        joins.map(|(at, ..)| at).min()
    }
}

impl Oracle {
    /// `skewed`: the clocks of source and process differ, so that the process cannot tell a late ring from a fresh one.
    pub(super) fn committed(&mut self, event: usize, seq: u64, at: UnixTime, skewed: bool) {
        self.committed.entry(event).or_insert((seq, at));
        if skewed {
            self.skewed.push(at);
        }
    }

    /// A backup does not have it any more.
    pub(super) fn uncommitted(&mut self, event: usize) {
        self.committed.remove(&event);
        self.acknowledged.remove(&event);
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

    /// A process ended, or fell asleep: an attempt may be over that never left, or one be made again that did.
    pub(super) fn cut_off(&mut self, at: UnixTime) {
        self.cuts.push(at);
    }

    /// It is in the log that a service took it.
    pub(super) fn heard(&mut self, leg: LegId, process: u32, seq: u64, at: UnixTime) {
        self.heard.entry(leg).or_insert(Heard { process, seq, at });
    }

    /// What was done before may be done again.
    pub(super) fn rolled_back_at(&mut self, at: UnixTime) {
        self.restores.push(at);
    }

    pub(super) fn violated(&mut self, what: &str) {
        self.violations.push(what.to_owned());
    }

    pub(super) fn offered(&mut self, cause: u64, committed: u64) {
        if cause > committed {
            self.violations
                .push(format!("early: a request left for input {cause}, committed were {committed}"));
        }
    }

    pub(super) fn redriven_at(&mut self, at: UnixTime) {
        self.redriven.push(at);
    }

    pub(super) fn dead_lettered(&mut self, job: JobId, at: UnixTime) {
        self.dead.insert(job, at);
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

    pub(super) fn judge(
        mut self,
        script: &[Scripted],
        people: &People,
        crowd: &Crowd,
        tokens: &Tokens,
    ) -> Vec<String> {
        for event in &self.acknowledged {
            if !self.committed.contains_key(event) {
                self.violations.push(format!("lost: event-{event} was acknowledged and is in no log"));
            }
        }
        let mut found = std::mem::take(&mut self.violations);
        let mut events: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (number, (seq, at)) in &self.committed {
            if let Some(scripted) = script.get(*number) {
                events.entry(&scripted.event.conversation).or_default().push((*number, *seq, *at));
            }
        }
        let mut places: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for record in &self.records {
            places.entry((record.seen.device, &record.seen.conversation)).or_default().push(record);
        }
        let case = Case { script, people, crowd, events, places };
        found.extend(self.messages(&case));
        found.extend(self.reads(&case));
        found.extend(self.audiences(&case));
        found.extend(self.forbidden());
        found.extend(self.rings(&case));
        found.extend(self.missed(&case));
        found.extend(self.turns(&case));
        found.extend(self.strays(&case));
        found.extend(self.order());
        found.extend(self.once());
        found.extend(self.rates());
        found.extend(self.told_by_one_job());
        found.extend(self.budget());
        found.extend(tokens.judge(&self.restores));
        found
    }

    /// What was committed: its number in the script, its place in the order, the moment, and what it was.
    fn happened<'a>(
        &'a self,
        case: &Case<'a>,
    ) -> impl Iterator<Item = (usize, u64, UnixTime, &'a Event)> + use<'a> {
        let script = case.script;
        self.committed
            .iter()
            .filter_map(move |(number, (seq, at))| Some((*number, *seq, *at, &script.get(*number)?.event)))
    }

    fn any_between(times: &[UnixTime], from: UnixTime, to: UnixTime) -> bool {
        times.iter().any(|at| (from..=to).contains(at))
    }
}
