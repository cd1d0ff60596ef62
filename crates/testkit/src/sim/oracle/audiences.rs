//! An announcement reaches everybody on its list, each of them once, and nobody after its cancel.

use std::collections::{BTreeMap, BTreeSet};

use reveille_conversation::Kind;
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_delivery::{JobId, LegId};
use reveille_gateway::Target;

use super::super::crowd::News;
use super::super::wire::Record;
use super::{Case, Oracle, is_reachable};

/// What became of announcements, by number.
#[derive(Debug, Default)]
pub(super) struct Announced {
    /// When each was committed for the first time, and what cancels it.
    committed: BTreeMap<usize, (u64, UnixTime)>,
    called_off: BTreeMap<usize, (u64, UnixTime)>,
    /// When the end of its list was last committed.
    read: BTreeMap<usize, UnixTime>,
}

impl Oracle {
    pub(in super::super) fn announced(&mut self, number: usize, seq: u64, at: UnixTime) {
        self.announced.committed.entry(number).or_insert((seq, at));
    }

    pub(in super::super) fn called_off(&mut self, number: usize, seq: u64, at: UnixTime) {
        self.announced.called_off.entry(number).or_insert((seq, at));
    }

    pub(in super::super) fn list_read(&mut self, number: usize, at: UnixTime) {
        self.announced.read.insert(number, at);
    }

    /// A backup does not have it any more: its list is read again from the beginning.
    pub(in super::super) fn not_announced(&mut self, number: usize) {
        self.announced.committed.remove(&number);
    }

    /// Nor the end of its list: the rest is read once more.
    pub(in super::super) fn list_not_read(&mut self, number: usize) {
        self.announced.read.remove(&number);
    }

    pub(in super::super) fn not_called_off(&mut self, number: usize) {
        self.announced.called_off.remove(&number);
    }

    pub(super) fn news(&self) -> impl Iterator<Item = usize> {
        self.announced.committed.keys().copied()
    }

    pub(super) fn audiences(&self, case: &Case<'_>) -> Vec<String> {
        let mut found = Vec::new();
        for (number, news) in case.crowd.news.iter().enumerate() {
            let of_it = |record: &&Record| record.seen.conversation == news.what.conversation;
            let records: Vec<&Record> = self.records.iter().filter(of_it).collect();
            found.extend(self.told_twice(number, &records));
            found.extend(self.told_late(number, &records));
            found.extend(self.left_out(number, news, case));
        }
        found
    }

    /// One job for each way to each person: what follows from it are attempts. A backup forgets whom it has told.
    fn told_twice(&self, number: usize, records: &[&Record]) -> Vec<String> {
        if !self.restores.is_empty() {
            return Vec::new();
        }
        let mut jobs: BTreeMap<(&PersonId, u8), BTreeSet<JobId>> = BTreeMap::new();
        for record in records.iter().filter(|record| record.started) {
            let way = match record.job.target {
                Target::Device(_) => 0,
                Target::Webhook => 1,
                Target::Email => 2,
                _ => 3,
            };
            jobs.entry((&record.job.person, way)).or_default().insert(record.job.job);
        }
        let twice = jobs.into_iter().filter(|(_, jobs)| jobs.len() > 1);
        twice
            .map(|((person, _), _)| format!("twice: news-{number} was announced to {person} again"))
            .collect()
    }

    fn told_late(&self, number: usize, records: &[&Record]) -> Vec<String> {
        let Some((seq, at)) = self.announced.called_off.get(&number) else { return Vec::new() };
        let late = records.iter().filter(|record| record.started && record.seq > *seq);
        let late = late.filter(|record| !Self::any_between(&self.restores, *at, record.at));
        let people: BTreeSet<&PersonId> = late.map(|record| &record.job.person).collect();
        people
            .into_iter()
            .map(|person| format!("late: news-{number} went to {person} after its cancel"))
            .collect()
    }

    /// As with messages: on every device, unless its service would not have it.
    fn left_out(&self, number: usize, news: &News, case: &Case<'_>) -> Vec<String> {
        let Some((seq, at)) = self.announced.committed.get(&number) else { return Vec::new() };
        let end = self.announced.read.get(&number).copied().unwrap_or(UnixTime::MAX);
        let cancelled = self.announced.called_off.contains_key(&number);
        if cancelled || !news.is_for_all() || self.changes.excuse_between(*at, end) {
            return Vec::new();
        }
        let mut lost = Vec::new();
        for person in news.list.iter().filter_map(|person| case.people.find(person)) {
            for known in person.devices.iter().filter(|known| is_reachable(known, *seq, *at)) {
                let records = case.records(known.device, &news.what.conversation);
                let told = |record: &&&Record| record.seen.kind == Kind::NewMessage;
                let legs: BTreeSet<LegId> =
                    records.iter().filter(told).map(|record| record.job.leg).collect();
                if !legs.iter().any(|leg| self.is_settled(records, *leg)) {
                    lost.push(format!("lost: news-{number} never reached {} of {}", known.name, person.id));
                }
            }
        }
        lost
    }
}
