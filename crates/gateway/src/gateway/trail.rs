//! What became of the latest events: for the question "why did this lead to no push?".

use std::collections::{BTreeMap, VecDeque};

use reveille_conversation::id::{ConversationId, PersonId};
use reveille_conversation::{Kind, Reason};
use reveille_delivery::JobId;
use reveille_digest::Fate;
use serde::{Deserialize, Serialize};

use super::host::Key;
use crate::audience::AnnouncementId;

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
        /// Why, in the digest's words.
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
    /// Entries that wait, by whom, where and for what.
    waiting: BTreeMap<Place, Vec<u64>>,
    /// The event that is being taken in.
    #[serde(skip)]
    current: Option<u128>,
    most: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    event: u128,
    followed: Followed,
    /// Where it is listed as waiting.
    place: Option<Place>,
}

/// Whom it waits for, and whether that is the digest or something else: a name, a hidden agent's turn.
type Place = (Key, bool);

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
        self.push(event, Followed::NotTaken(why), None);
    }

    pub(super) fn suppressed(&mut self, person: Option<&PersonId>, reason: Reason) {
        if let Some(event) = self.current {
            self.push(event, Followed::Suppressed { person: person.cloned(), reason }, None);
        }
    }

    pub(super) fn announced(&mut self, announcement: AnnouncementId) {
        self.push(announcement.to_bits(), Followed::Announced(announcement), None);
    }

    /// Something waits for a name or a turn.
    pub(super) fn waits(&mut self, person: &PersonId, conversation: &ConversationId) {
        let key = Key { person: person.clone(), conversation: conversation.clone() };
        self.wait(key, false);
    }

    /// A message waits for others.
    pub(super) fn collected(&mut self, key: &Key) {
        if self.current.is_some() {
            return self.wait(key.clone(), true);
        }
        // It waited for a name before.
        let Some(numbers) = self.waiting.remove(&(key.clone(), false)) else { return };
        let place = (key.clone(), true);
        for number in &numbers {
            if let Some(entry) = self.entry(*number) {
                entry.place = Some(place.clone());
            }
        }
        self.waiting.entry(place).or_default().extend(numbers);
    }

    fn wait(&mut self, key: Key, digest: bool) {
        let Some(event) = self.current else { return };
        if self.most == 0 {
            return;
        }
        let person = key.person.clone();
        let (place, number) = ((key, digest), self.first.saturating_add(self.entries.len() as u64));
        self.waiting.entry(place.clone()).or_default().push(number);
        self.push(event, Followed::Waits { person }, Some(place));
    }

    pub(super) fn told(&mut self, person: &PersonId, conversation: &ConversationId, kind: Kind, job: JobId) {
        let told = Followed::Told { person: person.clone(), kind, job };
        let key = Key { person: person.clone(), conversation: conversation.clone() };
        if kind == Kind::NewMessage {
            return self.settle(&(key, true), &told);
        }
        match self.current {
            Some(event) => self.push(event, told, None),
            None => self.settle(&(key, false), &told),
        }
    }

    pub(super) fn dropped(&mut self, key: &Key, fate: Fate) {
        let dropped = Followed::Dropped { person: key.person.clone(), fate: format!("{fate:?}") };
        self.settle(&(key.clone(), true), &dropped);
    }

    fn settle(&mut self, place: &Place, how: &Followed) {
        for number in self.waiting.remove(place).unwrap_or_default() {
            if let Some(entry) = self.entry(number) {
                (entry.followed, entry.place) = (how.clone(), None);
            }
        }
    }

    fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.entries.get_mut(at)
    }

    fn push(&mut self, event: u128, followed: Followed, place: Option<Place>) {
        self.entries.push_back(Entry { event, followed, place });
        self.cut();
    }

    fn cut(&mut self) {
        while self.entries.len() > self.most as usize {
            let gone = self.first;
            self.first = self.first.saturating_add(1);
            let Some(place) = self.entries.pop_front().and_then(|entry| entry.place) else { continue };
            if let Some(numbers) = self.waiting.get_mut(&place) {
                numbers.retain(|number| *number != gone);
                if numbers.is_empty() {
                    self.waiting.remove(&place);
                }
            }
        }
    }

    pub(super) fn of(&self, event: u128) -> Vec<Followed> {
        let entries = self.entries.iter().filter(|entry| entry.event == event);
        entries.map(|entry| entry.followed.clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
