//! A machine as bytes, and back.

use std::collections::BTreeMap;

use reveille_core::{Machine, UnixTime};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::names::Names;
use super::recent::Recent;
use super::state::Conversation;
use super::store::{Saved, Store};
use super::{Conversations, Seed};
use crate::event::Presence;
use crate::id::PersonId;
use crate::rules::Rules;

/// The format that this version writes. It reads this one only; a change of the format raises it.
const VERSION: u8 = 2;
const MAGIC: [u8; 4] = *b"RVCV";

/// Why bytes are not a snapshot: the error of [`Conversations::restore`]. Begin with an older snapshot and replay the
/// log, or begin with an empty machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// It is not a snapshot of this machine.
    #[error("this is not a snapshot of conversations")]
    NotASnapshot,
    /// It is of a version that is not known here.
    #[error("the snapshot has version {given}: this library reads version {VERSION}")]
    Version {
        /// What it has.
        given: u8,
    },
    /// It was cut or changed.
    #[error("the snapshot is damaged")]
    Damaged,
}

#[derive(Serialize)]
struct Out<'a> {
    rules: &'a Rules,
    now: UnixTime,
    conversations: Saved<&'a Conversation>,
    timers: Vec<(UnixTime, u32)>,
    recent: &'a Recent,
    names: &'a Names,
    presence: &'a BTreeMap<PersonId, (Presence, UnixTime)>,
}

#[derive(Deserialize)]
struct In {
    rules: Rules,
    now: UnixTime,
    conversations: Saved<Conversation>,
    timers: Vec<(UnixTime, u32)>,
    recent: Recent,
    names: Names,
    presence: BTreeMap<PersonId, (Presence, UnixTime)>,
}

impl Conversations {
    /// Appends all that is remembered, rules included, the seed not. Outputs that wait are discarded: a drain leaves none.
    pub fn snapshot(&mut self, out: &mut Vec<u8>) {
        while self.next_output().is_some() {}
        self.write_snapshot(out);
    }

    /// The same between two inputs, when no output waits.
    pub fn write_snapshot(&self, out: &mut Vec<u8>) {
        let saved = Out {
            rules: &self.desk.rules,
            now: self.desk.now,
            conversations: self.store.save(),
            timers: self.desk.timers.iter().copied().collect(),
            recent: &self.desk.recent,
            names: &self.desk.names,
            presence: &self.desk.presence,
        };
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        let start = out.len();
        // Writing to a vector cannot fail; if it did, the snapshot would read as damaged.
        match postcard::to_extend(&saved, std::mem::take(out)) {
            Ok(bytes) => *out = bytes,
            Err(_) => out.truncate(start),
        }
    }

    /// Reads what [`snapshot`](Self::snapshot) wrote. The seed has to be the same.
    ///
    /// # Errors
    /// [`RestoreError`] if it is something else, of another version, cut or changed. A check sum belongs to who keeps it;
    /// changed bytes that happen to be well-formed give another state, never a panic.
    pub fn restore(bytes: &[u8], seed: Seed) -> Result<Self, RestoreError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(RestoreError::NotASnapshot)?;
        let (version, rest) = rest.split_first().ok_or(RestoreError::Damaged)?;
        if *version != VERSION {
            return Err(RestoreError::Version { given: *version });
        }
        let (saved, rest) = postcard::take_from_bytes::<In>(rest).map_err(|_| RestoreError::Damaged)?;
        if !rest.is_empty() {
            return Err(RestoreError::Damaged);
        }
        let mut machine = Self::new(saved.rules, seed).map_err(|_| RestoreError::Damaged)?;
        machine.desk.now = saved.now;
        machine.store = Store::load(seed, saved.conversations).ok_or(RestoreError::Damaged)?;
        machine.desk.timers = saved.timers.into_iter().collect();
        let desk = &mut machine.desk;
        (desk.recent, desk.names, desk.presence) = (saved.recent, saved.names, saved.presence);
        machine.index();
        Ok(machine)
    }

    /// What follows from the conversations.
    fn index(&mut self) {
        for (slot, there) in self.store.iter() {
            for member in &there.members {
                if member.live.as_deref().is_some_and(|live| live.ring.is_open()) {
                    self.desk.ringing.insert(&member.id, slot);
                }
            }
            let Some(extra) = &there.extra else { continue };
            if let Some(callback) = &extra.callback
                && callback.state != crate::callback::State::Over
                && let Some(queue) = &callback.queue
            {
                self.desk.waiting.entry(queue.clone()).or_default().insert(there.id.clone());
            }
            for (_, key) in extra.held.iter().flat_map(|held| &held.missing) {
                self.desk.names.asked.entry(key.clone()).or_default().insert(slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_errors() {
        let all = [RestoreError::NotASnapshot, RestoreError::Version { given: 9 }, RestoreError::Damaged];
        insta::assert_snapshot!(all.map(|error| error.to_string()).join("\n"), @"
        this is not a snapshot of conversations
        the snapshot has version 9: this library reads version 2
        the snapshot is damaged
        ");
    }
}
