//! All conversations: a slab, and a table that finds them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashTable;
use reveille_core::UnixTime;

use super::Seed;
use super::state::Conversation;
use crate::id::ConversationId;

#[derive(Debug)]
pub(super) struct Store {
    seed: Seed,
    slots: Slots,
    table: HashTable<u32>,
    free: BinaryHeap<Reverse<u32>>,
    /// Where forgetting goes on.
    hand: u32,
}

/// A place, and when what is in it is forgotten.
#[derive(Debug, Default)]
struct Entry {
    conversation: Option<Conversation>,
    forget_at: UnixTime,
}

/// Places in blocks: a conversation lies in its place, which is one cache miss less than a box, and a list that doubles would
/// keep room for as many again.
#[derive(Debug, Default)]
struct Slots {
    blocks: Vec<Vec<Entry>>,
}

const BLOCK: usize = 256;
/// Places that are looked at in one step, if all that is there is over: a fraction of a millisecond.
const AT_ONCE: usize = 4_096;

impl Slots {
    fn len(&self) -> usize {
        let last = self.blocks.last().map_or(0, Vec::len);
        self.blocks.len().saturating_sub(1) * BLOCK + last
    }

    fn get(&self, slot: u32) -> Option<&Entry> {
        self.blocks.get(slot as usize / BLOCK)?.get(slot as usize % BLOCK)
    }

    fn get_mut(&mut self, slot: u32) -> Option<&mut Entry> {
        self.blocks.get_mut(slot as usize / BLOCK)?.get_mut(slot as usize % BLOCK)
    }

    fn push(&mut self, entry: Entry) {
        match self.blocks.last_mut() {
            Some(last) if last.len() < BLOCK => last.push(entry),
            _ => {
                // The first block grows: most machines of a process hold few conversations.
                let room = if self.blocks.is_empty() { 0 } else { BLOCK };
                let mut block = Vec::with_capacity(room);
                block.push(entry);
                self.blocks.push(block);
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.blocks.iter().flatten()
    }
}

/// What a snapshot holds: the places in order, so that new conversations get the same places afterwards.
pub(super) type Saved<T> = (Vec<Option<(UnixTime, T)>>, u32);

impl Store {
    pub(super) fn new(seed: Seed) -> Self {
        Self { seed, slots: Slots::default(), table: HashTable::new(), free: BinaryHeap::new(), hand: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The place of a conversation that is still remembered.
    pub(super) fn find(&self, id: &ConversationId, now: UnixTime) -> Option<u32> {
        let slots = &self.slots;
        let is = |slot: &u32| {
            let entry = slots.get(*slot);
            entry.and_then(|entry| entry.conversation.as_ref()).is_some_and(|there| there.id == *id)
        };
        let slot = *self.table.find(self.seed.place(id), is)?;
        (slots.get(slot)?.forget_at > now).then_some(slot)
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Conversation> {
        self.slots.get(slot)?.conversation.as_ref()
    }

    /// What is there and still remembered.
    pub(super) fn remembered(&self, slot: u32, now: UnixTime) -> Option<&Conversation> {
        let entry = self.slots.get(slot).filter(|entry| entry.forget_at > now);
        entry?.conversation.as_ref()
    }

    /// What is there, and when it is forgotten.
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<(&mut Conversation, &mut UnixTime)> {
        let Entry { conversation, forget_at } = self.slots.get_mut(slot)?;
        Some((conversation.as_mut()?, forget_at))
    }

    fn put(&mut self, slot: u32, conversation: Conversation, forget_at: UnixTime) {
        if let Some(entry) = self.slots.get_mut(slot) {
            *entry = Entry { conversation: Some(conversation), forget_at };
        }
    }

    /// A place for a new conversation; `None` if there are as many as allowed.
    pub(super) fn make(&mut self, id: &ConversationId, most: u32, now: UnixTime) -> Option<u32> {
        self.forget_one(id, now);
        if self.len() >= most as usize {
            return None;
        }
        let hash = self.seed.place(id);
        let slot = if let Some(Reverse(slot)) = self.free.pop() {
            slot
        } else {
            let slot = u32::try_from(self.slots.len()).ok()?;
            self.slots.push(Entry::default());
            slot
        };
        self.put(slot, Conversation::new(id.clone()), UnixTime::MAX);
        self.enter(slot, hash);
        Some(slot)
    }

    fn enter(&mut self, slot: u32, hash: u64) {
        let (slots, seed) = (&self.slots, self.seed);
        let rehash = |slot: &u32| {
            let there = slots.get(*slot).and_then(|entry| entry.conversation.as_ref());
            there.map_or(0, |there| seed.place(&there.id))
        };
        self.table.insert_unique(hash, slot, rehash);
    }

    /// Looks at the next place, and goes on while what it finds is over: memory is freed step by step, and what is late is not
    /// found anyway.
    pub(super) fn sweep(&mut self, now: UnixTime) {
        for _ in 0..AT_ONCE {
            let slot = if (self.hand as usize) < self.slots.len() { self.hand } else { 0 };
            self.hand = slot.wrapping_add(1);
            let over = |entry: &&Entry| entry.conversation.is_some() && entry.forget_at <= now;
            if self.slots.get(slot).filter(over).is_none() {
                break;
            }
            self.remove(slot);
        }
        if self.len() == 0 && self.slots.len() > BLOCK {
            self.give_back();
        }
    }

    /// Nothing is remembered: its memory goes, and places are given out from the first one on again. Few keep theirs.
    fn give_back(&mut self) {
        *self = Self::new(self.seed);
    }

    fn forget_one(&mut self, id: &ConversationId, now: UnixTime) {
        let slots = &self.slots;
        let is = |slot: &u32| {
            let entry = slots.get(*slot);
            entry.is_some_and(|entry| {
                entry.forget_at <= now && entry.conversation.as_ref().is_some_and(|there| there.id == *id)
            })
        };
        if let Some(slot) = self.table.find(self.seed.place(id), is).copied() {
            self.remove(slot);
        }
    }

    pub(super) fn remove(&mut self, slot: u32) {
        let Some(conversation) = self.get(slot) else { return };
        let hash = self.seed.place(&conversation.id);
        if let Ok(entry) = self.table.find_entry(hash, |there| *there == slot) {
            entry.remove();
            if let Some(entry) = self.slots.get_mut(slot) {
                *entry = Entry::default();
            }
            self.free.push(Reverse(slot));
        }
    }

    pub(super) fn save(&self) -> Saved<&Conversation> {
        let slots = self.slots.iter();
        (slots.map(|entry| Some((entry.forget_at, entry.conversation.as_ref()?))).collect(), self.hand)
    }

    /// `None` if a conversation is there twice.
    pub(super) fn load(seed: Seed, (slots, hand): Saved<Conversation>) -> Option<Self> {
        let mut store = Self { hand, ..Self::new(seed) };
        for (slot, saved) in slots.into_iter().enumerate() {
            let slot = u32::try_from(slot).ok()?;
            store.slots.push(Entry::default());
            let Some((forget_at, mut conversation)) = saved else {
                store.free.push(Reverse(slot));
                continue;
            };
            for member in conversation.members.iter_mut() {
                member.looks = member.live.as_ref().is_some_and(|live| !live.views.is_empty());
            }
            let hash = seed.place(&conversation.id);
            let is = |there: &u32| store.get(*there).is_some_and(|there| there.id == conversation.id);
            if store.table.find(hash, is).is_some() {
                return None;
            }
            store.put(slot, conversation, forget_at);
            store.enter(slot, hash);
        }
        Some(store)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Conversation)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(slot, entry)| Some((u32::try_from(slot).ok()?, entry.conversation.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is over goes many at a time, but not past one that is remembered; and with the last one all memory goes.
    #[test]
    fn forgetting_takes_few_steps() {
        let seed = Seed::new([7; 16]);
        let (mut store, early, late) = (Store::new(seed), UnixTime::from_secs(10), UnixTime::from_secs(20));
        for number in 0..1_000 {
            let id = ConversationId::new(&format!("c{number}")).unwrap();
            let slot = store.make(&id, 2_000, UnixTime::EPOCH).unwrap();
            *store.get_mut(slot).unwrap().1 = if number == 600 { late } else { early };
        }
        store.sweep(UnixTime::from_secs(9));
        assert_eq!(store.len(), 1_000);
        store.hand = 0;
        store.sweep(early);
        assert_eq!(store.len(), 400, "up to the one that is remembered");
        store.sweep(early);
        assert_eq!((store.len(), store.slots.len()), (1, 1_000));
        while store.hand != 600 {
            store.sweep(late);
        }
        store.sweep(late);
        assert_eq!((store.len(), store.slots.len(), store.free.len(), store.table.len()), (0, 0, 0, 0));
    }
}
