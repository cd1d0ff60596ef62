//! Any calls in any order, beside the model.

#![allow(clippy::redundant_clone, reason = "each call is written once and made twice")]

use std::time::Duration;

use bytes::Bytes;
use reveille_conversation::id::{PersonId, QueueId};
use reveille_core::{Jitter, UnixTime};
use reveille_delivery::dead::DeadId;
use reveille_gateway::Epoch;
use reveille_gateway::store::{
    Claim, DeviceWrite, Effects, Entry, LetterKey, Part, ShardId, Snapshot, Store, Subject, Wishes,
};
use reveille_registry::{DeviceKey, TokenValue};
use reveille_resume::store::StoreCommand;

use super::tools::{LEASE, NOW, id, letter, person, purged, registered, same};
use super::{Home, Outcome};
use crate::store::{MemoryStore, block_on};

/// How many calls one run makes, and how many runs there are.
const CALLS: usize = 400;
const RUNS: u64 = 4;

pub(super) fn random_calls_agree_with_the_model<H: Home>(home: &mut H) -> Outcome {
    let (mut store, model) = (home.open(), MemoryStore::default());
    for run in 0..RUNS {
        let mut draw = Draw { jitter: Jitter::new(run), now: NOW + Duration::from_secs(100_000 * run) };
        for call in 0..CALLS {
            let what = format!("run {run}, call {call}");
            if draw.one_in(50) {
                home.crash(store);
                store = home.open();
                // What leases a crash leaves is the store's to say: they end before the next claim.
                draw.now = home.later(draw.now, LEASE * 2);
            } else if draw.one_in(10) {
                draw.now = home.later(draw.now, LEASE);
            } else if draw.one_in(2) {
                draw.change(&store, &model, &what)?;
            } else {
                draw.question(&store, &model, &what)?;
            }
        }
    }
    Ok(())
}

struct Draw {
    jitter: Jitter,
    now: UnixTime,
}

/// The same call to both: the answers, errors included, are the same.
macro_rules! both {
    ($what:expr, $store:expr, $model:expr, |$each:ident| $call:expr) => {{
        let found = {
            let $each = $store;
            block_on($call)
        };
        let $each = $model;
        same(&format!("{}: {}", $what, stringify!($call)), found, block_on($call))
    }};
}

impl Draw {
    fn one_in(&mut self, many: u64) -> bool {
        self.jitter.up_to_u64(many - 1) == 0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.jitter.up_to_u64(bound - 1)
    }

    fn shard(&mut self) -> ShardId {
        ShardId(self.below(3) as u8)
    }

    fn name(&mut self) -> &'static str {
        ["ann", "anna", "bob"][self.below(3) as usize]
    }

    fn person(&mut self) -> Result<PersonId, String> {
        person(self.name())
    }

    fn subject(&mut self) -> Result<Subject, String> {
        let name = self.name();
        let queue = QueueId::new(name).map_err(|error| error.to_string())?;
        Ok(if self.one_in(2) { Subject::Queue(queue) } else { Subject::Person(person(name)?) })
    }

    fn key(&mut self) -> DeviceKey {
        let app = ["a", "b"][self.below(2) as usize];
        DeviceKey::new(app, ["1", "2", "3"][self.below(3) as usize])
    }

    fn token(&mut self) -> &'static str {
        ["t1", "t2", "t3"][self.below(3) as usize]
    }

    fn bytes(&mut self) -> Bytes {
        let length = self.below(200) as usize;
        vec![self.below(256) as u8; length].into()
    }

    /// The present epoch, mostly.
    fn claim(&mut self, model: &MemoryStore) -> Result<Claim, String> {
        let shard = self.shard();
        let loaded = block_on(model.load(shard)).map_err(|error| error.to_string())?;
        let epoch = if self.one_in(8) { self.below(20) } else { loaded.epoch.0 };
        Ok(Claim { shard, epoch: Epoch(epoch) })
    }

    fn write(&mut self, model: &MemoryStore) -> Result<DeviceWrite, String> {
        let key = self.key();
        let before = block_on(model.device(&key)).map_err(|error| error.to_string())?;
        let (owner, token) = (self.name(), self.token());
        let mut write = match &before {
            Some(device) if self.one_in(5) => purged(device),
            _ => registered(before.as_ref(), &key, owner, token),
        };
        if self.one_in(10) {
            write.decision.expected = Some(self.below(4));
        }
        Ok(write)
    }

    fn effects(&mut self, model: &MemoryStore, shard: ShardId, next: u64) -> Result<Effects, String> {
        let done = block_on(model.load(shard)).map_err(|error| error.to_string())?.done;
        let after = if self.one_in(10) { self.below(9) } else { done };
        let mut effects = Effects::new(after, after.saturating_add(self.below(3)).min(next));
        if self.one_in(2) {
            effects.devices = vec![self.write(model)?];
        }
        if self.one_in(2) {
            let number = self.below(6);
            effects.letters = vec![letter(shard.0, number, self.name())?];
        }
        if self.one_in(4) {
            effects.discarded = vec![DeadId::from_bits(self.below(6))];
        }
        if self.one_in(2) {
            let is_live = self.one_in(2);
            effects.live = vec![(self.subject()?, is_live)];
        }
        if self.one_in(2) {
            let by = self.below(9) as i64 - 4;
            effects.badges = vec![(self.person()?, by)];
        }
        if self.one_in(4) {
            effects.tokens = vec![self.command()];
        }
        Ok(effects)
    }

    fn part(&mut self, model: &MemoryStore) -> Result<Part, String> {
        let claim = self.claim(model)?;
        let loaded = block_on(model.load(claim.shard)).map_err(|error| error.to_string())?;
        let number = if self.one_in(10) { self.below(30) } else { loaded.next };
        let next = number.saturating_add(self.below(4));
        let entry = Entry { number, next, now: self.now, bytes: self.bytes() };
        let mut part = Part::new(claim, entry);
        if self.one_in(4) {
            part.entry = None;
        }
        if self.one_in(2) {
            let end = if part.entry.is_some() { next } else { loaded.next };
            part.effects = Some(self.effects(model, claim.shard, end.saturating_sub(1))?);
        }
        Ok(part)
    }

    fn command(&mut self) -> StoreCommand {
        let key = ["k1", "k2"][self.below(2) as usize].to_owned();
        let expected = ["r.1", "r.2"][self.below(2) as usize].to_owned();
        let expires_in_ms = 1 + self.below(2_000);
        match self.below(3) {
            0 => StoreCommand::SetIfAbsent { key, value: expected, expires_in_ms },
            1 => StoreCommand::Replace { key, expected, value: "c.1".into(), expires_in_ms },
            _ => StoreCommand::Delete { key, expected },
        }
    }

    fn revision(&mut self) -> Option<u64> {
        Some(self.below(4)).filter(|revision| *revision > 0)
    }

    fn change<S: Store>(&mut self, store: &S, model: &MemoryStore, what: &str) -> Outcome {
        let now = self.now;
        match self.below(11) {
            0 => {
                // Both are asked with an owner of their own: whether a crash leaves a lease is not compared.
                let shards = [self.shard(), self.shard()];
                let owner = "suite";
                both!(what, store, model, |each| each.claim(&shards, owner, LEASE, now))
            }
            1 => {
                let claims = [self.claim(model)?];
                both!(what, store, model, |each| each.renew(&claims, LEASE, now))
            }
            2 if self.one_in(3) => {
                let claims = [self.claim(model)?];
                both!(what, store, model, |each| each.release(&claims))
            }
            2..=4 => {
                let mut parts = Vec::new();
                for _ in 0..self.below(4) {
                    parts.push(self.part(model)?);
                }
                both!(what, store, model, |each| each.commit(parts.clone(), now))
            }
            5 => {
                let claim = self.claim(model)?;
                let snapshot = Snapshot { next: self.below(40), bytes: self.bytes() };
                both!(what, store, model, |each| each.save(claim, snapshot.clone()))
            }
            6 => {
                let writes = vec![self.write(model)?, self.write(model)?];
                both!(what, store, model, |each| each.put_devices(writes.clone()))
            }
            7 => {
                let (person, expected) = (self.person()?, self.revision());
                let wishes = if self.one_in(3) { None } else { Some(&Wishes::default()) };
                both!(what, store, model, |each| each.put_wishes(&person, expected, wishes))
            }
            8 if self.one_in(4) => {
                let person = self.person()?;
                both!(what, store, model, |each| each.erase(&person))
            }
            8 => {
                let keys = [LetterKey { shard: self.shard(), letter: DeadId::from_bits(self.below(6)) }];
                both!(what, store, model, |each| each.remove_letters(&keys))
            }
            9 => {
                let command = self.command();
                both!(what, store, model, |each| each.token(&command, now))?;
                let limit = self.below(3) as usize;
                both!(what, store, model, |each| each.sweep(limit, now))
            }
            _ => {
                let (expected, bytes) = (self.revision(), Some(self.bytes()));
                let bytes = bytes.filter(|_| !self.one_in(4));
                let name = self.name();
                both!(what, store, model, |each| each.put_secret(name, expected, bytes.clone()))
            }
        }
    }

    fn question<S: Store>(&mut self, store: &S, model: &MemoryStore, what: &str) -> Outcome {
        let (shard, limit) = (self.shard(), self.below(9) as usize);
        match self.below(10) {
            0 => both!(what, store, model, |each| each.load(shard)),
            1 => {
                let from = self.below(40);
                both!(what, store, model, |each| each.entries(shard, from, limit * 100))
            }
            2 => {
                let next = self.below(40);
                both!(what, store, model, |each| each.snapshot(shard, next))
            }
            3 => {
                let people = [self.person()?, self.person()?];
                both!(what, store, model, |each| each.people(&people))
            }
            4 => {
                let key = self.key();
                both!(what, store, model, |each| each.device(&key))?;
                let id = id(&key);
                both!(what, store, model, |each| each.device_by_id(id))
            }
            5 => {
                let (key, token) = (self.key(), TokenValue::new(self.token()));
                both!(what, store, model, |each| each.devices_with(&key.app, &token))
            }
            6 => {
                let after = if self.one_in(2) { Some(self.key()) } else { None };
                both!(what, store, model, |each| each.devices(after.as_ref(), limit))
            }
            7 => {
                let subject = self.subject()?;
                both!(what, store, model, |each| each.live(&subject))
            }
            8 => {
                let after = LetterKey { shard, letter: DeadId::from_bits(self.below(6)) };
                let after = if self.one_in(2) { Some(after) } else { None };
                both!(what, store, model, |each| each.letters(after, limit))
            }
            _ => {
                let name = self.name();
                both!(what, store, model, |each| each.secret(name))?;
                both!(what, store, model, |each| each.secrets())
            }
        }
    }
}
