//! What rings for whom.

use hashbrown::HashTable;

use super::Seed;
use crate::few::Few;
use crate::id::PersonId;

/// The places of the conversations that ring for each person: rings come and go quickly, and a person has few.
#[derive(Debug)]
pub(super) struct Rung {
    seed: Seed,
    people: HashTable<(PersonId, Few<u32, 4>)>,
}

impl Rung {
    pub(super) fn new(seed: Seed) -> Self {
        Self { seed, people: HashTable::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.people.len()
    }

    /// Growing. Nothing may depend on it but what is there: a conversation that is forgotten leaves its place in it.
    pub(super) fn of(&self, person: &PersonId) -> &[u32] {
        let found = self.people.find(self.seed.person(person), |(known, _)| known == person);
        found.map(|(_, slots)| &**slots).unwrap_or_default()
    }

    pub(super) fn insert(&mut self, person: &PersonId, slot: u32) {
        let seed = self.seed;
        let entry = self.people.entry(
            seed.person(person),
            |(known, _)| known == person,
            |(known, _)| seed.person(known),
        );
        let mut entry = entry.or_insert_with(|| (person.clone(), Few::default()));
        let (_, slots) = entry.get_mut();
        if let Err(at) = slots.binary_search(&slot) {
            slots.insert(at, slot);
        }
    }

    pub(super) fn remove(&mut self, person: &PersonId, slot: u32) {
        let found = self.people.find_entry(self.seed.person(person), |(known, _)| known == person);
        let Ok(mut entry) = found else { return };
        let (_, slots) = entry.get_mut();
        if let Ok(at) = slots.binary_search(&slot) {
            slots.remove(at);
        }
        if slots.is_empty() {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_grow_and_nobody_stays_for_nothing() {
        let (kate, paul) = ("kate".parse().unwrap(), "paul".parse().unwrap());
        let mut rung = Rung::new(Seed::new([7; 16]));
        for slot in [5, 3, 9, 3, 1, 7, 8] {
            rung.insert(&kate, slot);
        }
        rung.insert(&paul, 3);
        assert_eq!((rung.of(&kate), rung.of(&paul)), (&[1, 3, 5, 7, 8, 9][..], &[3][..]));
        rung.remove(&paul, 4);
        for slot in [9, 1, 5, 3, 8] {
            rung.remove(&kate, slot);
        }
        assert_eq!((rung.of(&kate), rung.len()), (&[7][..], 2));
        rung.remove(&paul, 3);
        rung.remove(&kate, 7);
        assert_eq!((rung.of(&kate), rung.len()), (&[][..], 0));
    }
}
