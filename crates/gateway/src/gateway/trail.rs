//! What became of the latest events: for the question "why did this lead to no push?".

use std::collections::{HashMap, VecDeque};

use reveille_conversation::id::PersonId;
use reveille_conversation::{CollapseKey, Kind, Reason, Slot};
use reveille_delivery::JobId;
use reveille_digest::Fate;
use serde::{Deserialize, Serialize};

use crate::audience::AnnouncementId;
use crate::hashed::Hashed;

/// Why an event was not taken in, as [`Note::NotTaken`](crate::Note::NotTaken) and [`Followed::NotTaken`] say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Why {
    /// Its source sent it before.
    AlreadyTaken,
    /// It happened so long ago that nobody can say whether it was taken before.
    TooOld,
    /// An announcement for which there was no room.
    NoRoom,
}

/// What followed from an event, for one person: [`Gateway::followed`](crate::Gateway::followed) returns it. Show it to
/// whoever asks why a push did not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Followed {
    /// It came again, or too late.
    NotTaken(Why),
    /// Nobody is told, and why.
    Suppressed {
        /// Who, if it is about one person.
        person: Option<PersonId>,
        /// Why.
        reason: Reason,
    },
    /// It waits: for other messages, for a name, for a person's turn.
    Waits {
        /// Who is told then.
        person: PersonId,
    },
    /// A job came of it; ask [`Gateway::explain`](crate::Gateway::explain) what became of that.
    Told {
        /// Who.
        person: PersonId,
        /// About what.
        kind: Kind,
        /// Which.
        job: JobId,
    },
    /// It is announced to an audience; ask [`Gateway::announcement`](crate::Gateway::announcement) how far that is.
    Announced(AnnouncementId),
    /// It was collected, and nobody is told of it.
    Dropped {
        /// Who would have been.
        person: PersonId,
        /// Why: a [name](Fate::name) of the digest's.
        fate: String,
    },
}

/// The trail of the latest events, bounded in number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trail {
    /// The oldest first.
    entries: VecDeque<Entry>,
    /// The number of the first entry.
    first: u64,
    /// The last entry that waits at each place; each names the one before it. Made again after a restore.
    #[serde(skip)]
    waiting: HashMap<Place, u64, Hashed>,
    /// The event that is being taken in.
    #[serde(skip)]
    current: Option<u128>,
    most: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    event: u128,
    person: Option<PersonId>,
    how: How,
    /// The entry before it that waits at the same place: one that is gone for none.
    #[serde(skip)]
    before: u64,
}

/// [`Followed`] without the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum How {
    NotTaken(Why),
    Suppressed(Reason),
    Waits(Place),
    Told(Kind, JobId),
    Announced(AnnouncementId),
    Dropped(Box<str>),
}

/// For whom and where it waits, and for what: in the two lowest bits.
type Place = u128;

/// What an event waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// A message, for a name.
    Name,
    /// A message, for others.
    Others,
    /// A ring, for a name or a hidden agent's turn.
    Ring,
    /// Anything else.
    Else,
}

impl For {
    /// What this kind waits for before it leaves the rules.
    pub(super) fn of(kind: Option<Kind>) -> Self {
        match kind.map(Kind::slot) {
            Some(Slot::Message) => Self::Name,
            Some(Slot::Call) => Self::Ring,
            _ => Self::Else,
        }
    }
}

/// The collapse key of messages stands for person and conversation.
const fn place(messages: CollapseKey, waits_for: For) -> Place {
    messages.to_bits() & !3 | waits_for as u128
}

/// The number of no entry: that of the first one is 1.
const NONE: u64 = 0;

impl Trail {
    pub(super) fn set_bound(&mut self, most: u32) {
        self.most = most;
        self.cut();
    }

    pub(super) fn enter(&mut self, event: Option<u128>) {
        self.current = event;
    }

    pub(super) fn leave(&mut self) {
        self.current = None;
    }

    pub(super) fn not_taken(&mut self, event: u128, why: Why) {
        self.push(event, None, How::NotTaken(why));
    }

    pub(super) fn suppressed(&mut self, person: Option<&PersonId>, reason: Reason) {
        if let Some(event) = self.current {
            self.push(event, person, How::Suppressed(reason));
        }
    }

    pub(super) fn announced(&mut self, announcement: AnnouncementId) {
        self.push(announcement.to_bits(), None, How::Announced(announcement));
    }

    /// Something waits for a name or a turn.
    pub(super) fn waits(&mut self, person: &PersonId, messages: CollapseKey, waits_for: For) {
        if let Some(event) = self.current {
            self.push(event, Some(person), How::Waits(place(messages, waits_for)));
        }
    }

    pub(super) fn anything_waits(&self, messages: CollapseKey, waits_for: For) -> bool {
        self.waiting.contains_key(&place(messages, waits_for))
    }

    /// What waited has become nothing.
    pub(super) fn suppressed_later(&mut self, messages: CollapseKey, waited_for: For, reason: Reason) {
        self.settle(place(messages, waited_for), &How::Suppressed(reason));
    }

    /// A message waits for others.
    pub(super) fn collected(&mut self, person: &PersonId, messages: CollapseKey) {
        let to = place(messages, For::Others);
        if let Some(event) = self.current {
            return self.push(event, Some(person), How::Waits(to));
        }
        // It waited for a name before. Lists go from the last entry to the first, so these two are sorted into one.
        let Some(last) = self.waiting.remove(&place(messages, For::Name)) else { return };
        let mut numbers = self.listed(last);
        numbers.extend(self.listed(self.waiting.get(&to).copied().unwrap_or(NONE)));
        numbers.sort_unstable();
        self.link(to, numbers.into_iter());
    }

    /// An entry, and those before it at the same place.
    fn listed(&self, last: u64) -> Vec<u64> {
        let known = |number: &u64| self.at(*number).is_some();
        let before = |number: &u64| Some(self.entries.get(self.at(*number)?)?.before).filter(known);
        std::iter::successors(Some(last).filter(known), before).collect()
    }

    /// What follows from the entries, after a restore.
    pub(super) fn index(&mut self) {
        self.waiting.clear();
        for (number, entry) in (self.first()..).zip(&mut self.entries) {
            entry.before = match entry.how {
                How::Waits(place) => self.waiting.insert(place, number).unwrap_or(NONE),
                _ => NONE,
            };
        }
    }

    pub(super) fn told(
        &mut self,
        person: &PersonId,
        messages: impl FnOnce() -> CollapseKey,
        kind: Kind,
        job: JobId,
    ) {
        let told = How::Told(kind, job);
        match self.current {
            _ if kind == Kind::NewMessage => self.settle(place(messages(), For::Others), &told),
            Some(event) => self.push(event, Some(person), told),
            None => self.settle(place(messages(), For::of(Some(kind))), &told),
        }
    }

    /// So many messages are not told: the newest, if they were too many, and the oldest otherwise.
    pub(super) fn dropped(&mut self, messages: CollapseKey, fate: Fate, count: u32) {
        let (to, how) = (place(messages, For::Others), How::Dropped(fate.name().into()));
        let Some(last) = self.waiting.remove(&to) else { return };
        // The newest first.
        let mut stays = self.listed(last);
        let count = stays.len().min(usize::try_from(count).unwrap_or(usize::MAX));
        let newest = matches!(fate, Fate::Throttled | Fate::Duplicate | Fate::Refused);
        let goes: Vec<u64> =
            if newest { stays.drain(..count).collect() } else { stays.split_off(stays.len() - count) };
        for number in goes {
            if let Some(entry) = self.entry(number) {
                (entry.how, entry.before) = (how.clone(), NONE);
            }
        }
        self.link(to, stays.into_iter().rev());
    }

    /// Makes a list of entries, the oldest first.
    fn link(&mut self, place: Place, numbers: impl Iterator<Item = u64>) {
        let mut before = NONE;
        for number in numbers {
            if let Some(entry) = self.entry(number) {
                (entry.how, entry.before) = (How::Waits(place), before);
                before = number;
            }
        }
        if before != NONE {
            self.waiting.insert(place, before);
        }
    }

    fn settle(&mut self, place: Place, how: &How) {
        let mut number = self.waiting.remove(&place).unwrap_or(NONE);
        while let Some(entry) = self.entry(number) {
            entry.how = how.clone();
            number = std::mem::replace(&mut entry.before, NONE);
        }
    }

    /// The number of the first entry.
    const fn first(&self) -> u64 {
        self.first.saturating_add(1)
    }

    /// Where an entry is, if it is not gone.
    fn at(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first())?).ok().filter(|at| *at < self.entries.len())
    }

    fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        let at = self.at(number)?;
        self.entries.get_mut(at)
    }

    fn push(&mut self, event: u128, person: Option<&PersonId>, how: How) {
        if self.most == 0 {
            return;
        }
        let number = self.first().saturating_add(self.entries.len() as u64);
        let before = match how {
            How::Waits(place) => self.waiting.insert(place, number).unwrap_or(NONE),
            _ => NONE,
        };
        self.entries.push_back(Entry { event, person: person.cloned(), how, before });
        self.cut();
    }

    fn cut(&mut self) {
        while self.entries.len() > self.most as usize {
            let gone = self.first();
            self.first = self.first.saturating_add(1);
            if let Some(Entry { how: How::Waits(place), .. }) = self.entries.pop_front()
                && self.waiting.get(&place) == Some(&gone)
            {
                self.waiting.remove(&place);
            }
        }
    }

    pub(super) fn of(&self, event: u128) -> Vec<Followed> {
        let entries = self.entries.iter().filter(|entry| entry.event == event);
        entries.filter_map(Entry::followed).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl Entry {
    fn followed(&self) -> Option<Followed> {
        let person = self.person.clone();
        Some(match &self.how {
            How::NotTaken(why) => Followed::NotTaken(*why),
            How::Suppressed(reason) => Followed::Suppressed { person, reason: *reason },
            How::Waits(_) => Followed::Waits { person: person? },
            How::Told(kind, job) => Followed::Told { person: person?, kind: *kind, job: *job },
            How::Announced(announcement) => Followed::Announced(*announcement),
            How::Dropped(fate) => Followed::Dropped { person: person?, fate: fate.to_string() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Op {
        Event(u128, Vec<(u8, bool)>),
        Told(u8),
        Dropped(u8, u32, bool),
        Named(u8),
        Restored,
    }

    fn op() -> impl Strategy<Value = Op> {
        let person = 0..4_u8;
        prop_oneof![
            4 => (0..40_u128, prop::collection::vec((person.clone(), any::<bool>()), 0..4))
                .prop_map(|(event, who)| Op::Event(event, who)),
            2 => person.clone().prop_map(Op::Told),
            1 => (person.clone(), 1..4_u32, any::<bool>()).prop_map(|(who, count, newest)| Op::Dropped(who, count, newest)),
            1 => person.prop_map(Op::Named),
            1 => Just(Op::Restored),
        ]
    }

    proptest! {
        /// Beside a plain list of who waits for what.
        #[test]
        fn as_a_list(ops in prop::collection::vec(op(), 0..80), most in 1..12_u32) {
            let mut trail = Trail::default();
            trail.set_bound(most);
            let mut list: VecDeque<(u128, u8, Option<bool>, &str)> = VecDeque::new();
            let name = |who: u8| PersonId::new(&format!("p{who}")).unwrap();
            let key = |who: u8| CollapseKey::from_bits(u128::from(who) << 7);
            for op in ops {
                let mut settle = |who: u8, digest: bool, how: &'static str| {
                    for one in list.iter_mut().filter(|one| (one.1, one.2) == (who, Some(digest))) {
                        (one.2, one.3) = (None, how);
                    }
                };
                match op {
                    Op::Event(event, who) => {
                        trail.enter(Some(event));
                        for (who, digest) in who {
                            if digest {
                                trail.collected(&name(who), key(who));
                            } else {
                                trail.waits(&name(who), key(who), For::Name);
                            }
                            list.push_back((event, who, Some(digest), "waits"));
                            if list.len() > most as usize {
                                list.pop_front();
                            }
                        }
                        trail.leave();
                    }
                    Op::Told(who) => {
                        trail.told(&name(who), || key(who), Kind::NewMessage, JobId::from_bits(1));
                        settle(who, true, "told");
                    }
                    Op::Dropped(who, count, newest) => {
                        trail.dropped(key(who), if newest { Fate::Throttled } else { Fate::Expired }, count);
                        let mut all: Vec<_> =
                            list.iter_mut().filter(|one| (one.1, one.2) == (who, Some(true))).collect();
                        if newest {
                            all.reverse();
                        }
                        for one in all.into_iter().take(count as usize) {
                            (one.2, one.3) = (None, "dropped");
                        }
                    }
                    Op::Named(who) => {
                        trail.collected(&name(who), key(who));
                        for one in list.iter_mut().filter(|one| (one.1, one.2) == (who, Some(false))) {
                            one.2 = Some(true);
                        }
                    }
                    Op::Restored => {
                        let bytes = postcard::to_allocvec(&trail).unwrap();
                        let mut again: Trail = postcard::from_bytes(&bytes).unwrap();
                        again.index();
                        trail = again;
                    }
                }
                for event in 0..40 {
                    let told = trail.of(event).into_iter().map(|followed| match followed {
                        Followed::Waits { person } => (person, "waits"),
                        Followed::Told { person, .. } => (person, "told"),
                        Followed::Dropped { person, .. } => (person, "dropped"),
                        _ => (name(99), "what nobody did"),
                    });
                    let known = list.iter().filter(|one| one.0 == event).map(|one| (name(one.1), one.3));
                    prop_assert_eq!(told.collect::<Vec<_>>(), known.collect::<Vec<_>>());
                }
                let waiting: std::collections::BTreeSet<_> =
                    list.iter().filter_map(|one| Some((one.1, one.2?))).collect();
                prop_assert_eq!(trail.waiting.len(), waiting.len(), "nothing is held on to");
            }
        }
    }
}
