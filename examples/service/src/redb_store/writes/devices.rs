//! Devices, and what finds them.

use redb::ReadableTable;
use reveille_gateway::store::DeviceWrite;
use reveille_registry::{Change, Conflict, Device, DeviceKey};

use super::{Write, Writes};
use crate::redb_store::failure::damaged;
use crate::redb_store::reads::{device, hash};

impl Writes<'_> {
    pub(in crate::redb_store) fn put_device(&mut self, write: &DeviceWrite) -> Write<Result<(), Conflict>> {
        let old = self.device(&write.key)?;
        let (expected, found) = (write.decision.expected, old.as_ref().map(|(_, device)| device.revision));
        if expected != found {
            return Ok(Err(Conflict { expected, found }));
        }
        match &write.decision.change {
            Change::Keep => {}
            Change::Put(new) => {
                self.forget(&write.key, old)?;
                self.remember(write, new)?;
            }
            Change::Purge => self.forget(&write.key, old)?,
            // A change that this release does not know must not look as if it were made.
            _ => return Err(redb::Error::Unsupported),
        }
        Ok(Ok(()))
    }

    fn device(&self, key: &DeviceKey) -> Write<Option<(u128, Device)>> {
        let Some(owner) = self.0.owners.get((&*key.app, &*key.device))? else { return Ok(None) };
        let row = self.0.devices.get((owner.value(), &*key.app, &*key.device))?;
        row.map(|row| Ok((row.value().0, device(row.value().2)?))).transpose()
    }

    fn remember(&mut self, write: &DeviceWrite, new: &Device) -> Write<()> {
        let (app, name, id) = (&*write.key.app, &*write.key.device, write.id.to_bits());
        let json = serde_json::to_vec(new).map_err(|_| damaged("a device"))?;
        self.0.devices.insert((&*new.owner, app, name), (id, new.revision, &*json))?;
        self.0.owners.insert((app, name), &*new.owner)?;
        self.0.ids.insert(id, (app, name))?;
        for token in &new.tokens {
            self.0.tokens.insert((hash(app, &token.value), app, name), ())?;
        }
        Ok(())
    }

    /// Takes a record out, and whatever finds it.
    pub(super) fn forget(&mut self, key: &DeviceKey, old: Option<(u128, Device)>) -> Write<()> {
        let Some((id, old)) = old else { return Ok(()) };
        let (app, name) = (&*key.app, &*key.device);
        self.0.devices.remove((&*old.owner, app, name))?;
        self.0.owners.remove((app, name))?;
        self.0.ids.remove(id)?;
        for token in &old.tokens {
            self.0.tokens.remove((hash(app, &token.value), app, name))?;
        }
        Ok(())
    }
}
