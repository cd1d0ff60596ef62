//! What can be asked of the file.

use bytes::Bytes;
use redb::ReadableTable;
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_delivery::dead::DeadId;
use reveille_delivery::{DeviceId, JobId};
use reveille_gateway::Epoch;
use reveille_gateway::store::seal::Sealer;
use reveille_gateway::store::{
    Entry, Letter, LetterKey, Loaded, Person, ShardId, Subject, Versioned, Wishes,
};
use reveille_registry::{Device, DeviceKey, TokenValue};

use super::failure::damaged;
use super::rows;
use super::tables::View;

type Read<T> = Result<T, redb::Error>;

/// What was committed last, all of it at the same moment.
pub(super) struct Reads<'v>(pub(super) &'v View, pub(super) &'v Sealer);

impl Reads<'_> {
    pub(super) fn load(&self, shard: ShardId) -> Read<Loaded> {
        let snapshots = self.0.snapshots()?;
        let kept = snapshots.range((shard.0, 0)..=(shard.0, u64::MAX))?;
        let kept: Vec<u64> = kept.rev().map(|row| Ok(row?.0.value().1)).collect::<Read<_>>()?;
        let shards = self.0.shards()?;
        let Some(row) = shards.get(shard.0)? else {
            return Ok(Loaded { next: 1, ..Loaded::default() });
        };
        let (epoch, next, done, ..) = row.value();
        Ok(Loaded { epoch: Epoch(epoch), next, done, snapshots: kept })
    }

    pub(super) fn snapshot(&self, shard: ShardId, next: u64) -> Read<Option<Bytes>> {
        let row = self.0.snapshots()?.get((shard.0, next))?;
        Ok(row.map(|bytes| Bytes::copy_from_slice(bytes.value())))
    }

    pub(super) fn entries(&self, shard: ShardId, from: u64, bytes: usize) -> Read<Vec<Entry>> {
        let log = self.0.log()?;
        let start = match log.range((shard.0, 0)..=(shard.0, from))?.next_back() {
            Some(row) => {
                // The one that begins before may reach beyond.
                let (key, value) = row?;
                if value.value().0 > from { key.value().1 } else { from }
            }
            None => from,
        };
        let (mut all, mut size) = (Vec::new(), 0_usize);
        for row in log.range((shard.0, start)..=(shard.0, u64::MAX))? {
            let (key, value) = row?;
            let (next, now, group) = value.value();
            size = size.saturating_add(group.len());
            if !all.is_empty() && size > bytes {
                break;
            }
            let (now, bytes) = (UnixTime::from_millis(now), Bytes::copy_from_slice(group));
            all.push(Entry { number: key.value().1, next, now, bytes });
        }
        Ok(all)
    }

    pub(super) fn people(&self, people: &[PersonId]) -> Read<Vec<Person>> {
        let (devices, wishes, badges) = (self.0.devices()?, self.0.wishes()?, self.0.badges()?);
        let of = |person: &PersonId| {
            let name = person.as_str();
            let mut found = Person::default();
            if let Some(row) = devices.get(name)? {
                let rows = rows::open(self.1, name, row.value())?;
                found.devices = rows.into_iter().map(|(_, device)| device).collect();
            }
            if let Some(row) = wishes.get(name)? {
                let (revision, json) = row.value();
                let value = Wishes::from_json(json).map_err(|_| damaged("wishes"))?;
                found.wishes = Some(Versioned { revision, value });
            }
            if let Some(row) = badges.get(name)? {
                found.badge = Some(u32::try_from(row.value().max(0)).unwrap_or(u32::MAX));
            }
            Ok(found)
        };
        people.iter().map(of).collect()
    }

    pub(super) fn device(&self, key: &DeviceKey) -> Read<Option<Device>> {
        self.named(&key.app, &key.device)
    }

    fn named(&self, app: &str, name: &str) -> Read<Option<Device>> {
        let owners = self.0.owners()?;
        let Some(owner) = owners.get((app, name))? else { return Ok(None) };
        self.of(owner.value(), app, name)
    }

    fn of(&self, owner: &str, app: &str, name: &str) -> Read<Option<Device>> {
        let devices = self.0.devices()?;
        let Some(row) = devices.get(owner)? else { return Ok(None) };
        let rows = rows::open(self.1, owner, row.value())?;
        let is_it = |device: &Device| *device.key.app == *app && *device.key.device == *name;
        Ok(rows.into_iter().map(|(_, device)| device).find(is_it))
    }

    pub(super) fn device_by_id(&self, id: DeviceId) -> Read<Option<Device>> {
        let ids = self.0.ids()?;
        let Some(row) = ids.get(id.to_bits())? else { return Ok(None) };
        let (app, name) = row.value();
        self.named(app, name)
    }

    pub(super) fn devices_with(&self, app: &str, token: &TokenValue) -> Read<Vec<Device>> {
        let tokens = self.0.tokens()?;
        let mut found = Vec::new();
        // A key that was replaced is in the hashes of what it sealed.
        for key in self.1.keys() {
            let hash = rows::hash(self.1, key, app, token)?;
            for row in tokens.range((hash, app, "")..)? {
                let (key, _) = row?;
                let (of, in_app, name) = key.value();
                if (of, in_app) != (hash, app) {
                    break;
                }
                let device = self.named(in_app, name)?;
                found.extend(device.filter(|device| device.tokens.iter().any(|one| one.value == *token)));
            }
        }
        Ok(found)
    }

    pub(super) fn devices(&self, after: Option<&DeviceKey>, limit: usize) -> Read<Vec<Device>> {
        let owners = self.0.owners()?;
        let start = after.map_or(("", ""), |key| (key.app.as_str(), key.device.as_str()));
        let mut found = Vec::new();
        for row in owners.range(start..)? {
            let (key, owner) = row?;
            let (app, name) = key.value();
            if after.is_some_and(|after| (app, name) == (after.app.as_str(), after.device.as_str())) {
                continue;
            }
            if found.len() >= limit {
                break;
            }
            found.extend(self.of(owner.value(), app, name)?);
        }
        Ok(found)
    }

    pub(super) fn live(&self, subject: &Subject) -> Read<Vec<ShardId>> {
        let Some((kind, id)) = subject_key(subject) else { return Ok(Vec::new()) };
        let live = self.0.live()?;
        let shards = live.range((kind, id, 0)..=(kind, id, u8::MAX))?;
        shards.map(|row| Ok(ShardId(row?.0.value().2))).collect()
    }

    pub(super) fn letters(&self, after: Option<LetterKey>, limit: usize) -> Read<Vec<Letter>> {
        let letters = self.0.letters()?;
        let start = after.map_or((0, 0), |key| (key.shard.0, key.letter.to_bits()));
        let behind = letters
            .range(start..)?
            .filter(|row| row.as_ref().map_or(true, |(key, _)| after.is_none() || key.value() != start));
        behind
            .take(limit)
            .map(|row| {
                let (key, value) = row?;
                let (shard, letter) = key.value();
                let (job, died, person, bytes) = value.value();
                Ok(Letter {
                    key: LetterKey { shard: ShardId(shard), letter: DeadId::from_bits(letter) },
                    job: JobId::from_bits(job),
                    person: PersonId::new(person).map_err(|_| damaged("a letter"))?,
                    died: UnixTime::from_millis(died),
                    bytes: Bytes::copy_from_slice(bytes),
                })
            })
            .collect()
    }

    pub(super) fn secret(&self, name: &str) -> Read<Option<Versioned<Bytes>>> {
        let row = self.0.secrets()?.get(name)?;
        Ok(row.map(|row| {
            let (revision, bytes) = row.value();
            Versioned { revision, value: Bytes::copy_from_slice(bytes) }
        }))
    }

    pub(super) fn secrets(&self) -> Read<Vec<String>> {
        self.0.secrets()?.iter()?.map(|row| Ok(row?.0.value().to_owned())).collect()
    }
}

/// Kind and id. A kind that is not known here is nowhere.
pub(super) fn subject_key(subject: &Subject) -> Option<(u8, &str)> {
    match subject {
        Subject::Person(person) => Some((1, person.as_str())),
        Subject::Queue(queue) => Some((2, queue.as_str())),
        _ => None,
    }
}
