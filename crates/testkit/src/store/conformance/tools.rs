//! What cases are made of.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_delivery::DeviceId;
use reveille_delivery::JobId;
use reveille_delivery::dead::DeadId;
use reveille_gateway::store::{
    Claim, Committed, DeviceWrite, Entry, Letter, LetterKey, Part, ShardId, Store,
};
use reveille_registry::{
    Change, Decision, Device, DeviceKey, Event, Platform, Purpose, Registration, RegistryPolicy, Token,
    decide,
};

use super::Outcome;
use crate::store::block_on;

pub(super) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
pub(super) const LEASE: Duration = Duration::from_millis(300);

/// Waits for a store's answer; its error ends the case.
macro_rules! ask {
    ($call:expr) => {
        $crate::store::block_on($call).map_err(|error| format!("{}: {error}", stringify!($call)))?
    };
}

/// The value of an `Ok` that the store should have given.
macro_rules! granted {
    ($answer:expr) => {
        $answer.map_err(|refused| format!("{} was refused: {refused}", stringify!($answer)))?
    };
}
pub(super) use {ask, granted};

pub(super) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}

pub(super) fn holds(what: &str, holds: bool) -> Outcome {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

/// The one answer to a call with one question.
pub(super) fn only<T>(mut answers: Vec<T>) -> Result<T, String> {
    match (answers.pop(), answers.is_empty()) {
        (Some(answer), true) => Ok(answer),
        _ => Err("expected one answer to one question".to_owned()),
    }
}

pub(super) fn claim<S: Store>(store: &S, shard: u8) -> Result<Claim, String> {
    let answers = ask!(store.claim(&[ShardId(shard)], "suite", LEASE, NOW));
    let claim = granted!(only(answers)?);
    same("the shard of a claim", claim.shard, ShardId(shard))?;
    Ok(claim)
}

/// A group of `count` inputs.
pub(super) fn entry(number: u64, count: u64, text: &str) -> Entry {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    Entry { number, next: number + count, now: NOW + Duration::from_millis(number), bytes }
}

/// Commits one part; the answer is the store's.
pub(super) fn commit<S: Store>(
    store: &S,
    part: Part,
) -> Result<Result<Committed, reveille_gateway::store::Refused>, String> {
    only(ask!(store.commit(vec![part], NOW)))
}

/// Commits one group, which has to be taken.
pub(super) fn append<S: Store>(store: &S, claim: Claim, entry: Entry) -> Outcome {
    granted!(commit(store, Part::new(claim, entry))?);
    Ok(())
}

pub(super) fn log<S: Store>(store: &S, shard: u8) -> Result<Vec<Entry>, String> {
    Ok(ask!(store.entries(ShardId(shard), 1, usize::MAX)))
}

pub(super) fn person(name: &str) -> Result<PersonId, String> {
    PersonId::new(name).map_err(|error| error.to_string())
}

pub(super) fn letter(shard: u8, number: u64, whose: &str) -> Result<Letter, String> {
    Ok(Letter {
        key: LetterKey { shard: ShardId(shard), letter: DeadId::from_bits(number) },
        job: JobId::from_bits(u128::from(number) << 77 | 5),
        person: person(whose)?,
        died: NOW,
        bytes: Bytes::from(format!("why {shard} {number}")),
    })
}

/// An id for a device, as the gateway would make one: it only has to be another one for each.
pub(super) fn id(key: &DeviceKey) -> DeviceId {
    let all = key.app.bytes().chain([0xff]).chain(key.device.bytes());
    DeviceId::from_bits(
        all.fold(7, |hash: u128, byte| hash.wrapping_mul(0x0100_0000_0000_0000_0000_013B) ^ u128::from(byte)),
    )
}

pub(super) fn write_of(key: &DeviceKey, decision: Decision) -> DeviceWrite {
    DeviceWrite { key: key.clone(), id: id(key), decision }
}

/// What registering a device with a token for FCM comes to.
pub(super) fn registered(before: Option<&Device>, key: &DeviceKey, owner: &str, token: &str) -> DeviceWrite {
    let tokens = [Token::new(Purpose::FcmToken, token)];
    let registration = Registration::new(key.clone(), owner, Platform::Android, tokens).into();
    write_of(key, decide(before, &Event::Register { registration }, &RegistryPolicy::default(), NOW))
}

/// Deletes a record for good.
pub(super) fn purged(device: &Device) -> DeviceWrite {
    let (change, consequences) = (Change::Purge, Vec::new());
    write_of(&device.key, Decision { expected: Some(device.revision), change, consequences })
}

/// The record that a write puts.
pub(super) fn record(write: &DeviceWrite) -> Result<Device, String> {
    match &write.decision.change {
        Change::Put(device) => Ok((**device).clone()),
        _ => Err("the registry put nothing".to_owned()),
    }
}

/// Writes that have to be taken.
pub(super) fn put<S: Store>(store: &S, writes: Vec<DeviceWrite>) -> Outcome {
    let count = writes.len();
    let answers = block_on(store.put_devices(writes)).map_err(|error| error.to_string())?;
    same("answers to writes of devices", answers.len(), count)?;
    answers.into_iter().try_for_each(|answer| answer.map_err(|conflict| conflict.to_string()))
}
