//! Devices, and what finds them.

use std::ops::Bound;

use redb::ReadableTable;
use reveille_gateway::store::DeviceWrite;
use reveille_gateway::store::seal::{SealKeyId, Sealer};
use reveille_registry::{Change, Conflict, Device, DeviceKey};

use super::{Write, Writes};
use crate::redb_store::rows::{self, Row};

impl Writes<'_> {
    pub(in crate::redb_store) fn put_device(&mut self, write: &DeviceWrite) -> Write<Result<(), Conflict>> {
        let owner = self.owner(&write.key)?;
        let mut rows = match &owner {
            Some(owner) => self.rows(owner)?,
            None => Vec::new(),
        };
        let at = rows.iter().position(|(_, device)| device.key == write.key);
        let found = at.and_then(|at| rows.get(at)).map(|(_, device)| device.revision);
        let expected = write.decision.expected;
        if expected != found {
            return Ok(Err(Conflict { expected, found }));
        }
        if !matches!(write.decision.change, Change::Keep | Change::Put(_) | Change::Purge) {
            // A change that this release does not know must not look as if it were made.
            return Err(redb::Error::Unsupported);
        }
        if matches!(write.decision.change, Change::Keep) {
            return Ok(Ok(()));
        }
        let old = at.map(|at| rows.remove(at));
        if let Some(old) = &old {
            self.unindex(old)?;
        }
        let new =
            if let Change::Put(new) = &write.decision.change { Some(new.as_ref().clone()) } else { None };
        match (owner, new) {
            (Some(owner), Some(new)) if *owner == *new.owner => {
                let new = (write.id.to_bits(), new);
                self.index(&new)?;
                add(&mut rows, new);
                self.put_rows(&owner, &rows)?;
            }
            (owner, new) => {
                if let Some(owner) = owner {
                    self.put_rows(&owner, &rows)?;
                }
                if let Some(new) = new {
                    let owner = new.owner.clone();
                    let mut rows = self.rows(&owner)?;
                    let new = (write.id.to_bits(), new);
                    self.index(&new)?;
                    add(&mut rows, new);
                    self.put_rows(&owner, &rows)?;
                }
            }
        }
        Ok(Ok(()))
    }

    fn owner(&self, key: &DeviceKey) -> Write<Option<String>> {
        let row = self.tables.owners.get((&*key.app, &*key.device))?;
        Ok(row.map(|row| row.value().to_owned()))
    }

    /// The devices of a person. What an older key has sealed is found by that key's hashes: these are replaced, since whoever
    /// changes a row seals it with the current key.
    pub(super) fn rows(&mut self, person: &str) -> Write<Vec<Row>> {
        let (rows, key) = {
            let Some(row) = self.tables.devices.get(person)? else { return Ok(Vec::new()) };
            (rows::open(self.sealer, person, row.value())?, Sealer::key_of(row.value()))
        };
        if let Some(key) = key.filter(|key| *key != self.sealer.current()) {
            for (_, device) in &rows {
                self.tokens_of(device, key, false)?;
                self.tokens_of(device, self.sealer.current(), true)?;
            }
        }
        Ok(rows)
    }

    fn put_rows(&mut self, person: &str, rows: &[Row]) -> Write<()> {
        if rows.is_empty() {
            self.tables.devices.remove(person)?;
        } else {
            self.tables.devices.insert(person, &*rows::seal(self.sealer, person, rows)?)?;
        }
        Ok(())
    }

    fn index(&mut self, (id, new): &Row) -> Write<()> {
        let (app, name) = (&*new.key.app, &*new.key.device);
        self.tables.owners.insert((app, name), &*new.owner)?;
        self.tables.ids.insert(*id, (app, name))?;
        self.tokens_of(new, self.sealer.current(), true)
    }

    /// Takes out whatever finds a record.
    fn unindex(&mut self, (id, old): &Row) -> Write<()> {
        self.tables.owners.remove((&*old.key.app, &*old.key.device))?;
        self.tables.ids.remove(*id)?;
        self.tokens_of(old, self.sealer.current(), false)
    }

    fn tokens_of(&mut self, device: &Device, key: SealKeyId, is_there: bool) -> Write<()> {
        let (app, name) = (&*device.key.app, &*device.key.device);
        for token in &device.tokens {
            let hash = rows::hash(self.sealer, key, app, &token.value)?;
            if is_there {
                self.tables.tokens.insert((hash, app, name), ())?;
            } else {
                self.tables.tokens.remove((hash, app, name))?;
            }
        }
        Ok(())
    }

    /// All devices of a person are forgotten; how many there were.
    pub(super) fn forget_devices(&mut self, person: &str) -> Write<usize> {
        let rows = self.rows(person)?;
        rows.iter().try_for_each(|row| self.unindex(row))?;
        self.put_rows(person, &[])?;
        Ok(rows.len())
    }

    pub(in crate::redb_store) fn reseal(&mut self, after: &str, limit: usize) -> Write<Option<String>> {
        let (mut old, mut last) = (Vec::new(), None);
        for row in self.tables.devices.range::<&str>((Bound::Excluded(after), Bound::Unbounded))?.take(limit)
        {
            let (person, sealed) = row?;
            if Sealer::key_of(sealed.value()) != Some(self.sealer.current()) {
                old.push(person.value().to_owned());
            }
            last = Some(person.value().to_owned());
        }
        for person in old {
            let rows = self.rows(&person)?;
            self.put_rows(&person, &rows)?;
        }
        Ok(last)
    }
}

/// In the order of their names.
fn add(rows: &mut Vec<Row>, new: Row) {
    let at = rows.partition_point(|(_, device)| device.key < new.1.key);
    rows.insert(at, new);
}
