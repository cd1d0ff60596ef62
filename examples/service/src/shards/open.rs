//! A shard's beginning: the newest snapshot that can be read, and the log behind it.

use reveille_conversation::rules::Rules;
use reveille_core::log::LogEntry;
use reveille_gateway::log::ReplayError;
use reveille_gateway::settings::InvalidGateway;
use reveille_gateway::store::seal::{OpenError, Place};
use reveille_gateway::store::{Claim, ShardId, Store, StoreError};
use reveille_gateway::{Gateway, GatewaySettings, Shard};
use thiserror::Error;

use super::Shared;
use super::effects::Pending;

/// Bytes of the log that are read at once.
const PORTION: usize = 1 << 20;

/// Why a shard cannot be opened. Nothing was changed.
#[derive(Debug, Error)]
pub enum OpenFailure {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log holds something that cannot be opened.
    #[error("entry {number} of the log: {error}")]
    Sealed {
        /// Which.
        number: u64,
        /// Why.
        error: OpenError,
    },
    /// The log does not fit.
    #[error("the log: {0}")]
    Replay(#[from] ReplayError),
    /// No snapshot can be read, and the log does not begin at its beginning.
    #[error("none of {snapshots} snapshots can be read, and the log begins at {begins}")]
    NoBeginning {
        /// How many there are.
        snapshots: usize,
        /// With which input.
        begins: u64,
    },
    /// The log ends before the number that the store names.
    #[error("the log ends at {ends}, and the store says {next}")]
    Short {
        /// Where it ends.
        ends: u64,
        /// Where it should.
        next: u64,
    },
    /// Settings that cannot work.
    #[error(transparent)]
    Settings(#[from] InvalidGateway),
}

/// A shard that was read.
pub(super) struct Opened {
    pub(super) shard: Shard,
    /// What of its outputs the store does not have yet.
    pub(super) pending: Pending,
    /// The number behind the snapshot that it began with.
    pub(super) saved: u64,
}

/// Reads a shard.
pub(super) async fn open<S: Store>(claim: Claim, shared: &Shared<S>) -> Result<Opened, OpenFailure> {
    let id = claim.shard;
    let loaded = shared.store.load(id).await?;
    let mut shard = restore(id, &loaded.snapshots, shared).await?;
    let saved = shard.next_number();
    let mut pending =
        Pending::new(claim, loaded.done, loaded.next.saturating_sub(1), shared.outgoing.is_some());
    while shard.next_number() < loaded.next {
        let entries = shared.store.entries(id, shard.next_number(), PORTION).await?;
        if entries.is_empty() {
            return Err(OpenFailure::Short { ends: shard.next_number(), next: loaded.next });
        }
        for entry in entries {
            let number = entry.number;
            let input = shared.sealer.open(Place::Entry(id, number), &entry.bytes);
            let input = input.map_err(|error| OpenFailure::Sealed { number, error })?;
            let entry = LogEntry { number, now: entry.now, input: &input };
            // One output after the other: what is still wanted of them the machine says again, after the log.
            pending.take_in(shard.replay(&entry)?, shared.clock.now());
            pending.grouped(shard.gateway());
        }
    }
    Ok(Opened { shard, pending, saved })
}

async fn restore<S: Store>(id: ShardId, snapshots: &[u64], shared: &Shared<S>) -> Result<Shard, OpenFailure> {
    for next in snapshots {
        let Some(sealed) = shared.store.snapshot(id, *next).await? else { continue };
        let opened = shared.sealer.open(Place::Snapshot(id, *next), &sealed);
        match opened
            .map_err(|error| error.to_string())
            .and_then(|bytes| Shard::restore(shared.seed, &bytes).map_err(|error| error.to_string()))
        {
            Ok(shard) => return Ok(shard),
            Err(why) => {
                shared.metrics.count("snapshots_unreadable", "all");
                eprintln!(
                    "shard {}: snapshot {next} cannot be read ({why}): an older one, and more of the log",
                    id.0
                );
            }
        }
    }
    // Always the same beginning: what the operator wants otherwise is an input behind it, so that the log alone says how it
    // came about.
    let shard = Shard::new(Gateway::new(Rules::default(), GatewaySettings::default(), shared.seed)?);
    let first = shared.store.entries(id, 1, 1).await?.first().map_or(1, |entry| entry.number);
    if first != 1 || (!snapshots.is_empty() && shared.store.entries(id, 1, 1).await?.is_empty()) {
        return Err(OpenFailure::NoBeginning { snapshots: snapshots.len(), begins: first });
    }
    Ok(shard)
}
