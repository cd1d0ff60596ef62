//! What was sent, whatever it was about: to the right people, in order, once, and not too fast.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use reveille_conversation::Kind;
use reveille_conversation::event::What;
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_delivery::{JobId, LegId};
use reveille_gateway::Target;

use super::super::crowd::News;
use super::super::faults::SHORT_PATIENCE;
use super::super::post::rate;
use super::super::wire::{End, Record};
use super::{Case, Oracle};

impl Oracle {
    /// A push comes to the device of whom it is for, and they have to do with the conversation.
    pub(super) fn strays(&self, case: &Case<'_>) -> Vec<String> {
        let mut found = BTreeSet::new();
        for record in &self.records {
            let (Some(owner), seen) = (&record.seen.owner, &record.seen) else { continue };
            if seen.addressed.as_ref().is_some_and(|addressed| addressed != owner.as_str()) {
                found.insert(format!("stray: what is for {:?} came to {owner}", seen.addressed));
            }
            // A backup forgets events of which something had left.
            let is_listed = |(_, news): (usize, &News)| news.list.contains(owner);
            let known = case.events(&seen.conversation).any(|(_, _, what)| concerns(what, owner))
                || case.crowd.about(&seen.conversation).is_some_and(is_listed);
            if !known && self.restores.is_empty() {
                found.insert(format!("stray: {owner} has nothing to do with {}", seen.conversation));
            }
        }
        found.into_iter().collect()
    }

    /// On a device, under one collapse key, generations never fall. A backup lets go again what it holds, whatever was newer;
    /// what is decided after it is above all that ever left, unless the clock was set as well.
    pub(super) fn order(&self) -> Vec<String> {
        let mut highest = BTreeMap::new();
        let mut found = Vec::new();
        for record in self.records.iter().filter(|record| record.started && record.is_to_device()) {
            let place = (record.seen.device, record.job.collapse);
            let generation = record.seen.generation.unwrap_or(record.job.generation);
            let known = highest.entry(place).or_insert(0);
            let restored = self.restores.iter().filter(|at| **at <= record.at).max();
            let of_the_backup = restored.is_some_and(|at| record.job.decided < *at || !self.steps.is_empty());
            if generation < *known && !of_the_backup {
                found.push(format!("backwards: generation {generation} after {known}"));
            }
            *known = generation.max(*known);
        }
        found
    }

    /// What was taken, and whose answer is in the log, is not sent again; what nothing can take back is sent once at most.
    pub(super) fn once(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut last: BTreeMap<LegId, &Record> = BTreeMap::new();
        for record in self.records.iter().filter(|record| record.started) {
            let leg = record.job.leg;
            let Some(before) = last.insert(leg, record) else { continue };
            if Self::any_between(&self.restores, before.at, record.at) {
                continue;
            }
            if record.job.target == Target::Sms && matches!(before.end, End::Accepted | End::Lost) {
                found.push(format!("twice: a text message at {} and {}", before.at, record.at));
            }
            if let Some(heard) = self.heard.get(&leg)
                && record.seq > heard.seq
                && record.process >= heard.process
                && !Self::any_between(&self.restores, heard.at, record.at)
            {
                found.push(format!(
                    "twice: {leg:?} was known to be taken at {}, and left at {}",
                    heard.at, record.at
                ));
            }
            let unsure = Duration::from_secs(9);
            // What waited for its turn for long is given up before its answer can be there.
            let given_up = record.at.since(before.offered) >= SHORT_PATIENCE;
            if before.end == End::Accepted
                && !given_up
                && record.at.since(before.at) < unsure
                && !Self::any_between(&self.disturbances, before.at, record.at)
            {
                found.push(format!(
                    "twice: attempt {} of {leg:?} was taken at {}, and attempt {} left at {}",
                    before.job.attempt, before.at, record.job.attempt, record.at
                ));
            }
        }
        found
    }

    /// One job tells a device of an event, and one job rings it for an offer. A backup does not know what was told; and what
    /// nobody knows to have arrived is told again, by another job, once its own has failed.
    pub(super) fn told_by_one_job(&self) -> Vec<String> {
        if !self.restores.is_empty() {
            return Vec::new();
        }
        let mut known: BTreeMap<_, BTreeMap<JobId, u64>> = BTreeMap::new();
        let mut found = BTreeSet::new();
        for record in self.records.iter().filter(|record| record.started && record.is_to_device()) {
            let what = match record.shows() {
                _ if record.seen.takes_back => continue,
                Some(text) => text,
                None if record.seen.kind == Kind::IncomingCall => "a ring",
                None => continue,
            };
            let there = &record.seen.conversation;
            let jobs = known.entry((record.seen.device, there, what)).or_default();
            if jobs.iter().any(|(job, heard)| *job != record.job.job && *heard < record.seq) {
                found.insert(format!(
                    "twice: {what} of {there} by another job after it was known to be taken"
                ));
            }
            let heard = self.heard.get(&record.job.leg).map_or(u64::MAX, |heard| heard.seq);
            jobs.entry(record.job.job).and_modify(|known| *known = heard.min(*known)).or_insert(heard);
        }
        found.into_iter().collect()
    }

    /// A leg has three attempts that left, whatever the machine counts; one more for each process that ended in between, and
    /// what failed because of our credential or our haste is no attempt of the leg.
    pub(super) fn budget(&self) -> Vec<String> {
        let mut legs: BTreeMap<LegId, Vec<UnixTime>> = BTreeMap::new();
        for record in self.records.iter().filter(|record| record.started) {
            legs.entry(record.job.leg).or_default().push(record.at);
        }
        let mut found = Vec::new();
        for (leg, left) in legs {
            let (Some(first), Some(last)) = (left.first(), left.last()) else { continue };
            let again = self.cuts.iter().chain(&self.restores).filter(|at| (*first..=*last).contains(*at));
            let lives = 1 + self.redriven.iter().filter(|at| (*first..=*last).contains(*at)).count();
            if left.len() > super::ATTEMPTS * lives + again.count() {
                found.push(format!("budget: {leg:?} left {} times", left.len()));
            }
        }
        found
    }

    /// In no second more left one process, for one lane, than its rate allows.
    pub(super) fn rates(&self) -> Vec<String> {
        let (rate, second) = (rate(), Duration::from_secs(1));
        let most = usize::try_from(rate.most_in(second)).unwrap_or(usize::MAX);
        let mut lanes: BTreeMap<_, VecDeque<_>> = BTreeMap::new();
        let mut found = BTreeSet::new();
        for record in self.records.iter().filter(|record| record.started) {
            let Some(lane) = record.lane else { continue };
            let sent = lanes.entry((record.process, lane)).or_default();
            sent.push_back(record.at);
            while sent.front().is_some_and(|first| record.at.since(*first) >= second) {
                sent.pop_front();
            }
            // A clock that is set gives a pacer another second.
            let from = record.at - second;
            if sent.len() > most && !Self::any_between(&self.steps, from, record.at) {
                found.insert(format!("rate: {} requests in a second, {most} may leave", sent.len()));
            }
        }
        found.into_iter().collect()
    }
}

fn concerns(what: &What, person: &PersonId) -> bool {
    match what {
        What::Joined(joined) => joined.person == *person,
        What::MessageSent(message) => message.sender == *person,
        What::CallOffered(offer) => offer.person == *person,
        What::CallbackCreated(created) => created.person == *person,
        What::Forwarded(handed) | What::Invited(handed) | What::Delegated(handed) => {
            matches!(&handed.to, reveille_conversation::event::Target::Agent(agent) if agent == person)
        }
        _ => false,
    }
}
