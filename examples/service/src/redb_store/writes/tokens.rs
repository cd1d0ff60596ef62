//! Uses of resume tokens.

use redb::ReadableTable;
use reveille_core::UnixTime;
use reveille_gateway::store::TokenAnswer;
use reveille_resume::store::StoreCommand;

use super::{Write, Writes};

impl Writes<'_> {
    pub(in crate::redb_store) fn token(
        &mut self,
        command: &StoreCommand,
        now: UnixTime,
    ) -> Write<TokenAnswer> {
        let now = now.as_millis();
        match command {
            StoreCommand::SetIfAbsent { key, value, expires_in_ms } => {
                if let Some(held) = self.value_of(key, now)? {
                    return Ok(TokenAnswer::Held(held));
                }
                self.set(key, value, now.saturating_add(*expires_in_ms))?;
            }
            StoreCommand::Replace { key, expected, value, expires_in_ms } => {
                let held = self.value_of(key, now)?;
                if !held.is_some_and(|held| held == *expected || held == *value) {
                    return Ok(TokenAnswer::Refused);
                }
                self.set(key, value, now.saturating_add(*expires_in_ms))?;
            }
            StoreCommand::Delete { key, expected } => {
                if self.value_of(key, now)?.as_ref() != Some(expected) {
                    return Ok(TokenAnswer::Refused);
                }
                self.unset(key)?;
            }
        }
        Ok(TokenAnswer::Done)
    }

    /// What is there, unless its time is over.
    fn value_of(&self, key: &str, now: u64) -> Write<Option<String>> {
        let row = self.tables.uses.get(key)?;
        Ok(row.and_then(|row| {
            let (end, value) = row.value();
            (end > now).then(|| value.to_owned())
        }))
    }

    fn set(&mut self, key: &str, value: &str, end: u64) -> Write<()> {
        self.unset(key)?;
        self.tables.uses.insert(key, (end, value))?;
        self.tables.ends.insert((end, key), ())?;
        Ok(())
    }

    fn unset(&mut self, key: &str) -> Write<()> {
        if let Some(row) = self.tables.uses.remove(key)? {
            self.tables.ends.remove((row.value().0, key))?;
        }
        Ok(())
    }

    pub(in crate::redb_store) fn sweep(&mut self, limit: usize, now: UnixTime) -> Write<usize> {
        let over = self.tables.ends.range((0, "")..)?.map_while(|row| {
            let row = row.map(|(key, _)| (key.value().0, key.value().1.to_owned()));
            row.map(|row| (row.0 <= now.as_millis()).then_some(row.1)).transpose()
        });
        let over: Vec<String> = over.take(limit).collect::<Result<_, _>>()?;
        over.iter().try_for_each(|key| self.unset(key))?;
        Ok(over.len())
    }
}
