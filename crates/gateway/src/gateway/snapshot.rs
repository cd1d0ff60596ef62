//! A gateway as bytes, and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use reveille_conversation::Conversations;
use reveille_core::UnixTime;
use reveille_core::log::{Snapshot, check_sum};
use reveille_delivery::{Delivery, JobId, SlotId};
use reveille_digest::{Engine, Generation};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Gateway;
use super::accepted::Accepted;
use super::audiences::Audiences;
use super::counters::Counting;
use super::host::{Host, Key};
use super::jobs::Live;
use super::resume::Handshakes;
use super::timeline::Timeline;
use super::trail::Trail;
use crate::wire::{from_postcard, postcard_into};
use crate::{Epoch, GatewaySettings, Seed};

/// Why bytes are not a gateway, inside the error of [`Shard::restore`](crate::Shard::restore): take the older snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The settings cannot be read, or cannot work.
    #[error("the snapshot's settings are damaged")]
    Settings,
    /// What the gateway itself keeps cannot be read.
    #[error("the snapshot's own part is damaged")]
    Own,
    /// The rules' part.
    #[error("the rules' part: {0}")]
    Rules(#[source] reveille_conversation::RestoreError),
    /// The digest's part.
    #[error("the digest's part: {0}")]
    Digests(#[source] reveille_digest::snapshot::RestoreError),
    /// Delivery's part.
    #[error("delivery's part: {0}")]
    Delivery(#[source] reveille_delivery::RestoreError),
}

#[derive(Serialize, Deserialize)]
struct Own {
    now: UnixTime,
    timeline: Timeline,
    epoch: Epoch,
    generation: u64,
    jobs: Vec<(JobId, UnixTime, SlotId, Option<u64>, u8, bool)>,
    accepted: Accepted,
    handshakes: Handshakes,
    audiences: Audiences,
    trail: Trail,
    counting: Counting,
    told_elsewhere: BTreeMap<Key, u32>,
}

impl Gateway {
    fn own(&self) -> Own {
        debug_assert!(self.is_between_inputs(), "what is not in a snapshot is empty between two inputs");
        let jobs = self.jobs.iter().map(|(job, live)| {
            (*job, live.decided, live.slot, live.batch.map(Generation::to_bits), live.way, live.again)
        });
        let mut jobs: Vec<_> = jobs.collect();
        jobs.sort_unstable_by_key(|(job, ..)| *job);
        Own {
            now: self.now,
            timeline: self.timeline,
            epoch: self.epoch,
            generation: self.generation,
            jobs,
            accepted: self.accepted.clone(),
            handshakes: self.handshakes.clone(),
            audiences: self.audiences.clone(),
            trail: self.trail.clone(),
            counting: self.counting.clone(),
            told_elsewhere: self.told_elsewhere.clone(),
        }
    }

    fn adopt(&mut self, own: Own) -> Option<()> {
        for (job, decided, slot, batch, way, again) in own.jobs {
            // What it says is in delivery's part.
            let made = self.delivery.job(job)?;
            let (content, not_after) = (Arc::new(from_postcard(&made.content)?), made.not_after);
            let batch = batch.map(Generation::from_bits);
            self.jobs.insert(job, Live { content, decided, not_after, slot, batch, way, again });
        }
        (self.now, self.timeline, self.epoch) = (own.now, own.timeline, own.epoch);
        self.generation = own.generation;
        (self.accepted, self.handshakes, self.trail) = (own.accepted, own.handshakes, own.trail);
        (self.counting, self.told_elsewhere) = (own.counting, own.told_elsewhere);
        self.audiences = own.audiences;
        self.accepted.index();
        self.trail.index();
        self.handshakes.index();
        Some(())
    }
}

impl Snapshot for Gateway {
    type Context = Seed;
    type Error = RestoreError;

    const FORMAT: u16 = 8;
    /// Raised with every change of what the machine decides, and with every such change of a crate that it is made of.
    const BEHAVIOUR: u32 = 8;

    fn seed_fingerprint(&self) -> u64 {
        self.seed.fingerprint()
    }

    fn expected_seed(seed: &Seed) -> u64 {
        seed.fingerprint()
    }

    fn settings_digest(&self) -> u64 {
        let mut bytes = Vec::new();
        self.settings.encode(&mut bytes);
        postcard_into(self.rules.rules(), &mut bytes);
        check_sum(&bytes)
    }

    /// Settings, the gateway's own part, rules, digest, delivery; each behind its length.
    fn write(&self, out: &mut Vec<u8>) {
        part(out, |out| self.settings.encode(out));
        part(out, |out| postcard_into(&self.own(), out));
        part(out, |out| self.rules.write_snapshot(out));
        part(out, |out| self.digests.write(out));
        part(out, |out| self.delivery.write_snapshot(out));
    }

    fn read(seed: Seed, mut bytes: &[u8]) -> Result<Self, RestoreError> {
        let rest = &mut bytes;
        let settings = take(rest).and_then(GatewaySettings::decode).ok_or(RestoreError::Settings)?;
        let own: Own = take(rest).and_then(from_postcard).ok_or(RestoreError::Own)?;
        let rules = take(rest).ok_or(RestoreError::Own)?;
        let digests = take(rest).ok_or(RestoreError::Own)?;
        let delivery = take(rest).filter(|_| rest.is_empty()).ok_or(RestoreError::Own)?;
        let rules = Conversations::restore(rules, seed.conversations()).map_err(RestoreError::Rules)?;
        let digests = Engine::read((Host, seed.digests()), digests).map_err(RestoreError::Digests)?;
        let bounds = settings.delivery().map_err(|_| RestoreError::Settings)?;
        let delivery =
            Delivery::read_snapshot(bounds, seed.delivery(), delivery).map_err(RestoreError::Delivery)?;
        let mut gateway =
            Self::new(rules.rules().clone(), settings, seed).map_err(|_| RestoreError::Settings)?;
        (gateway.rules, gateway.digests, gateway.delivery) = (rules, digests, delivery);
        gateway.adopt(own).ok_or(RestoreError::Own)?;
        Ok(gateway)
    }
}

fn part(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 8]);
    write(out);
    let length = (out.len() - at - 8) as u64;
    if let Some(place) = out.get_mut(at..at + 8) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (part, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(part)
}
