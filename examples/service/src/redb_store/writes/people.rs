//! What belongs to persons: wishes, counts, letters, what is live, and the end of all of it.

use redb::ReadableTable;
use reveille_conversation::id::PersonId;
use reveille_delivery::dead::DeadId;
use reveille_gateway::store::{Erased, Letter, LetterKey, ShardId, Subject};
use reveille_registry::Conflict;

use super::{Write, Writes};
use crate::redb_store::reads::subject_key;

impl Writes<'_> {
    pub(in crate::redb_store) fn put_wishes(
        &mut self,
        person: &str,
        expected: Option<u64>,
        json: Option<&[u8]>,
    ) -> Write<Result<u64, Conflict>> {
        put_versioned(&mut self.tables.wishes, person, expected, json)
    }

    pub(in crate::redb_store) fn put_secret(
        &mut self,
        name: &str,
        expected: Option<u64>,
        bytes: Option<&[u8]>,
    ) -> Write<Result<u64, Conflict>> {
        put_versioned(&mut self.tables.secrets, name, expected, bytes)
    }

    pub(super) fn add_to_badge(&mut self, person: &PersonId, change: i64) -> Write<()> {
        let before = self.tables.badges.get(person.as_str())?.map_or(0, |row| row.value());
        // A sum of 0 is kept: it says that all is read, and no row says that nobody counts.
        self.tables.badges.insert(person.as_str(), before.saturating_add(change))?;
        Ok(())
    }

    pub(super) fn set_live(&mut self, subject: &Subject, shard: ShardId, is_live: bool) -> Write<()> {
        let Some((kind, id)) = subject_key(subject) else { return Err(redb::Error::Unsupported) };
        if is_live {
            self.tables.live.insert((kind, id, shard.0), ())?;
        } else {
            self.tables.live.remove((kind, id, shard.0))?;
        }
        Ok(())
    }

    pub(super) fn put_letter(&mut self, letter: &Letter) -> Write<()> {
        self.remove_letter(letter.key)?;
        let (shard, number) = (letter.key.shard.0, letter.key.letter.to_bits());
        let (person, died) = (letter.person.as_str(), letter.died.as_millis());
        self.tables.letters.insert((shard, number), (letter.job.to_bits(), died, person, &*letter.bytes))?;
        self.tables.letters_of.insert((person, shard, number), ())?;
        Ok(())
    }

    pub(in crate::redb_store) fn remove_letter(&mut self, key: LetterKey) -> Write<bool> {
        let (shard, number) = (key.shard.0, key.letter.to_bits());
        let Some(row) = self.tables.letters.remove((shard, number))? else { return Ok(false) };
        self.tables.letters_of.remove((row.value().2, shard, number))?;
        Ok(true)
    }

    pub(in crate::redb_store) fn erase(&mut self, person: &str) -> Write<Erased> {
        let mut erased = Erased { devices: self.forget_devices(person)?, ..Erased::default() };
        for letter in self.letters_of(person)? {
            erased.letters += usize::from(self.remove_letter(letter)?);
        }
        erased.wishes = self.tables.wishes.remove(person)?.is_some();
        self.tables.badges.remove(person)?;
        Ok(erased)
    }

    fn letters_of(&self, person: &str) -> Write<Vec<LetterKey>> {
        let rows = self.tables.letters_of.range((person, 0, 0)..=(person, u8::MAX, u64::MAX))?;
        rows.map(|row| {
            let (key, _) = row?;
            let (_, shard, letter) = key.value();
            Ok(LetterKey { shard: ShardId(shard), letter: DeadId::from_bits(letter) })
        })
        .collect()
    }
}

fn put_versioned(
    table: &mut redb::Table<'_, &'static str, (u64, &'static [u8])>,
    name: &str,
    expected: Option<u64>,
    bytes: Option<&[u8]>,
) -> Write<Result<u64, Conflict>> {
    let found = table.get(name)?.map(|row| row.value().0);
    if found != expected {
        return Ok(Err(Conflict { expected, found }));
    }
    let revision = found.unwrap_or(0).saturating_add(1);
    match bytes {
        Some(bytes) => drop(table.insert(name, (revision, bytes))?),
        None => drop(table.remove(name)?),
    }
    Ok(Ok(revision))
}
