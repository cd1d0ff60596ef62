//! What a store holds, in the plainest form: no index, no format, no durability. Everything is found by looking at all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_delivery::DeviceId;
use reveille_gateway::Epoch;
use reveille_gateway::store::{
    Claim, Committed, DeviceWrite, Effects, Entry, Erased, Held, Letter, LetterKey, Loaded, Lost, Part,
    Person, Refused, ShardId, Snapshot, Subject, TokenAnswer, Versioned, Wishes,
};
use reveille_registry::{Change, Conflict, Device, DeviceKey, TokenValue};
use reveille_resume::store::StoreCommand;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Data {
    shards: BTreeMap<ShardId, Shard>,
    devices: BTreeMap<DeviceKey, (DeviceId, Device)>,
    wishes: BTreeMap<PersonId, Versioned<Wishes>>,
    badges: BTreeMap<PersonId, i64>,
    live: BTreeSet<(Subject, ShardId)>,
    letters: BTreeMap<LetterKey, Letter>,
    uses: BTreeMap<String, (UnixTime, String)>,
    secrets: BTreeMap<String, Versioned<Bytes>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Shard {
    epoch: Epoch,
    owner: Option<String>,
    until: UnixTime,
    lease: Duration,
    next: u64,
    done: u64,
    log: Vec<Entry>,
    /// The newest first.
    snapshots: Vec<Snapshot>,
}

impl Default for Shard {
    fn default() -> Self {
        let (owner, until, lease) = (None, UnixTime::EPOCH, Duration::ZERO);
        let (log, snapshots) = (Vec::new(), Vec::new());
        Self { epoch: Epoch(0), owner, until, lease, next: 1, done: 0, log, snapshots }
    }
}

impl Shard {
    fn check(&self, claim: Claim) -> Result<(), Refused> {
        let is_owner = self.owner.is_some() && self.epoch == claim.epoch;
        if is_owner { Ok(()) } else { Err(Refused::Stale { epoch: self.epoch }) }
    }
}

/// Leases and logs.
impl Data {
    fn shard(&mut self, shard: ShardId) -> &mut Shard {
        self.shards.entry(shard).or_default()
    }

    pub(super) fn claim(
        &mut self,
        id: ShardId,
        owner: &str,
        lease: Duration,
        now: UnixTime,
    ) -> Result<Claim, Held> {
        let shard = self.shard(id);
        let remaining = shard.until.since(now).min(shard.lease);
        if !remaining.is_zero() && shard.owner.as_deref().is_some_and(|other| other != owner) {
            return Err(Held { shard: id, remaining });
        }
        shard.epoch = Epoch(shard.epoch.0.saturating_add(1));
        (shard.owner, shard.until, shard.lease) = (Some(owner.to_owned()), now + lease, lease);
        Ok(Claim { shard: id, epoch: shard.epoch })
    }

    pub(super) fn renew(&mut self, claim: Claim, lease: Duration, now: UnixTime) -> Result<(), Lost> {
        let shard = self.shard(claim.shard);
        shard.check(claim).map_err(|_| Lost { shard: claim.shard, epoch: shard.epoch })?;
        (shard.until, shard.lease) = (now + lease, lease);
        Ok(())
    }

    pub(super) fn release(&mut self, claim: Claim) {
        let shard = self.shard(claim.shard);
        if shard.check(claim).is_ok() {
            (shard.owner, shard.epoch) = (None, Epoch(shard.epoch.0.saturating_add(1)));
        }
    }

    pub(super) fn part(&mut self, part: &Part, now: UnixTime) -> Result<Committed, Refused> {
        let shard = self.shard(part.claim.shard);
        shard.check(part.claim)?;
        let (mut next, done) = (shard.next, shard.done);
        if let Some(entry) = &part.entry {
            if entry.number != next || entry.next <= entry.number {
                return Err(Refused::Number { next, given: entry.number });
            }
            next = entry.next;
        }
        let effects = part.effects.as_ref().filter(|effects| effects.upto > done);
        if let Some(effects) = effects {
            if effects.after != done || effects.upto >= next {
                return Err(Refused::Effects { done, given: effects.after });
            }
            shard.done = effects.upto;
        }
        shard.next = next;
        shard.log.extend(part.entry.clone());
        Ok(effects.map(|effects| self.effects(part.claim.shard, effects, now)).unwrap_or_default())
    }

    fn effects(&mut self, shard: ShardId, effects: &Effects, now: UnixTime) -> Committed {
        let mut committed = Committed::default();
        for write in &effects.devices {
            if let Err(conflict) = self.put_device(write) {
                committed.conflicts.push((write.key.clone(), conflict));
            }
        }
        for letter in &effects.letters {
            self.letters.insert(letter.key, letter.clone());
        }
        for letter in &effects.discarded {
            self.letters.remove(&LetterKey { shard, letter: *letter });
        }
        for (subject, is_live) in &effects.live {
            let row = (subject.clone(), shard);
            if *is_live {
                self.live.insert(row)
            } else {
                self.live.remove(&row)
            };
        }
        for (person, change) in &effects.badges {
            let badge = self.badges.entry(person.clone()).or_default();
            *badge = badge.saturating_add(*change);
        }
        for command in &effects.tokens {
            self.token(command, now);
        }
        committed
    }

    pub(super) fn save(&mut self, claim: Claim, snapshot: &Snapshot) -> Result<(), Refused> {
        let shard = self.shard(claim.shard);
        shard.check(claim)?;
        let newest = shard.snapshots.first().map_or(0, |newest| newest.next);
        if snapshot.next > shard.next || snapshot.next < newest {
            return Err(Refused::Number { next: shard.next, given: snapshot.next });
        }
        shard.snapshots.retain(|kept| kept.next != snapshot.next);
        shard.snapshots.insert(0, snapshot.clone());
        shard.snapshots.truncate(2);
        if let [_, older] = shard.snapshots.as_slice() {
            let older = older.next;
            shard.log.retain(|entry| entry.next > older);
        }
        Ok(())
    }

    pub(super) fn load(&self, shard: ShardId) -> Loaded {
        let Some(shard) = self.shards.get(&shard) else { return Loaded { next: 1, ..Loaded::default() } };
        let snapshots = shard.snapshots.iter().map(|snapshot| snapshot.next).collect();
        Loaded { epoch: shard.epoch, next: shard.next, done: shard.done, snapshots }
    }

    pub(super) fn snapshot(&self, shard: ShardId, next: u64) -> Option<Bytes> {
        let mut snapshots = self.shards.get(&shard)?.snapshots.iter();
        snapshots.find(|snapshot| snapshot.next == next).map(|snapshot| snapshot.bytes.clone())
    }

    pub(super) fn entries(&self, shard: ShardId, from: u64, bytes: usize) -> Vec<Entry> {
        let (mut all, mut size) = (Vec::new(), 0_usize);
        let log = self.shards.get(&shard).map(|shard| shard.log.as_slice()).unwrap_or_default();
        for entry in log.iter().filter(|entry| entry.next > from) {
            size = size.saturating_add(entry.bytes.len());
            if !all.is_empty() && size > bytes {
                break;
            }
            all.push(entry.clone());
        }
        all
    }
}

/// Devices and persons.
impl Data {
    pub(super) fn put_device(&mut self, write: &DeviceWrite) -> Result<(), Conflict> {
        let found = self.devices.get(&write.key).map(|(_, device)| device.revision);
        let expected = write.decision.expected;
        if found != expected {
            return Err(Conflict { expected, found });
        }
        match &write.decision.change {
            Change::Put(device) => {
                self.devices.insert(write.key.clone(), (write.id, (**device).clone()));
            }
            Change::Purge => {
                self.devices.remove(&write.key);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn person(&self, person: &PersonId) -> Person {
        let devices = self.devices.values().map(|(_, device)| device);
        Person {
            devices: devices.filter(|device| device.owner == person.as_str()).cloned().collect(),
            wishes: self.wishes.get(person).cloned(),
            badge: self.badges.get(person).map(|sum| u32::try_from((*sum).max(0)).unwrap_or(u32::MAX)),
        }
    }

    pub(super) fn device(&self, key: &DeviceKey) -> Option<Device> {
        self.devices.get(key).map(|(_, device)| device.clone())
    }

    pub(super) fn device_by_id(&self, id: DeviceId) -> Option<Device> {
        self.devices.values().find(|(of, _)| *of == id).map(|(_, device)| device.clone())
    }

    pub(super) fn devices_with(&self, app: &str, token: &TokenValue) -> Vec<Device> {
        let of_app = self.devices.iter().filter(|(key, _)| key.app == app).map(|(_, (_, device))| device);
        let with = of_app.filter(|device| device.tokens.iter().any(|one| one.value == *token));
        with.cloned().collect()
    }

    pub(super) fn devices(&self, after: Option<&DeviceKey>, limit: usize) -> Vec<Device> {
        let behind = self.devices.iter().filter(|(key, _)| after.is_none_or(|after| *key > after));
        behind.take(limit).map(|(_, (_, device))| device.clone()).collect()
    }

    pub(super) fn put_wishes(
        &mut self,
        person: &PersonId,
        expected: Option<u64>,
        wishes: Option<&Wishes>,
    ) -> Result<u64, Conflict> {
        put_versioned(&mut self.wishes, person.clone(), expected, wishes.cloned())
    }

    pub(super) fn live(&self, subject: &Subject) -> Vec<ShardId> {
        self.live.iter().filter(|(of, _)| of == subject).map(|(_, shard)| *shard).collect()
    }

    pub(super) fn erase(&mut self, person: &PersonId) -> Erased {
        let (devices, letters) = (self.devices.len(), self.letters.len());
        self.devices.retain(|_, (_, device)| device.owner != person.as_str());
        self.letters.retain(|_, letter| letter.person != *person);
        self.badges.remove(person);
        let wishes = self.wishes.remove(person).is_some();
        Erased { devices: devices - self.devices.len(), letters: letters - self.letters.len(), wishes }
    }
}

/// Letters, tokens, secrets.
impl Data {
    pub(super) fn letters(&self, after: Option<LetterKey>, limit: usize) -> Vec<Letter> {
        let behind = self.letters.values().filter(|letter| after.is_none_or(|after| letter.key > after));
        behind.take(limit).cloned().collect()
    }

    pub(super) fn remove_letters(&mut self, letters: &[LetterKey]) -> usize {
        letters.iter().filter(|key| self.letters.remove(key).is_some()).count()
    }

    pub(super) fn token(&mut self, command: &StoreCommand, now: UnixTime) -> TokenAnswer {
        let held =
            |key: &String| self.uses.get(key).filter(|(end, _)| *end > now).map(|(_, value)| value.clone());
        let after = |ms: u64| UnixTime::from_millis(now.as_millis().saturating_add(ms));
        match command {
            StoreCommand::SetIfAbsent { key, value, expires_in_ms } => {
                if let Some(held) = held(key) {
                    return TokenAnswer::Held(held);
                }
                self.uses.insert(key.clone(), (after(*expires_in_ms), value.clone()));
            }
            StoreCommand::Replace { key, expected, value, expires_in_ms } => {
                if !held(key).is_some_and(|held| held == *expected || held == *value) {
                    return TokenAnswer::Refused;
                }
                self.uses.insert(key.clone(), (after(*expires_in_ms), value.clone()));
            }
            StoreCommand::Delete { key, expected } => {
                if held(key).as_ref() != Some(expected) {
                    return TokenAnswer::Refused;
                }
                self.uses.remove(key);
            }
        }
        TokenAnswer::Done
    }

    pub(super) fn sweep(&mut self, limit: usize, now: UnixTime) -> usize {
        let over = self.uses.iter().filter(|(_, (end, _))| *end <= now);
        let mut over: Vec<_> = over.map(|(key, (end, _))| (*end, key.clone())).collect();
        over.sort();
        over.truncate(limit);
        over.iter().for_each(|(_, key)| drop(self.uses.remove(key)));
        over.len()
    }

    pub(super) fn secret(&self, name: &str) -> Option<Versioned<Bytes>> {
        self.secrets.get(name).cloned()
    }

    pub(super) fn secrets(&self) -> Vec<String> {
        self.secrets.keys().cloned().collect()
    }

    pub(super) fn put_secret(
        &mut self,
        name: &str,
        expected: Option<u64>,
        bytes: Option<&Bytes>,
    ) -> Result<u64, Conflict> {
        put_versioned(&mut self.secrets, name.to_owned(), expected, bytes.cloned())
    }
}

fn put_versioned<K: Ord, V>(
    all: &mut BTreeMap<K, Versioned<V>>,
    key: K,
    expected: Option<u64>,
    value: Option<V>,
) -> Result<u64, Conflict> {
    let found = all.get(&key).map(|kept| kept.revision);
    if found != expected {
        return Err(Conflict { expected, found });
    }
    let revision = found.unwrap_or(0).saturating_add(1);
    match value {
        Some(value) => drop(all.insert(key, Versioned { revision, value })),
        None => drop(all.remove(&key)),
    }
    Ok(revision)
}
