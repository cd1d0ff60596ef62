//! A shard as files for a desk: `pushtool gateway replay` takes them. It is the production log, so its texts are in them, in clear.

use reveille_core::log::{Snapshot as _, log_append, log_head};
use reveille_gateway::Gateway;
use reveille_gateway::store::seal::{OpenError, Place, Sealer};
use reveille_gateway::store::{ShardId, Store, StoreError};
use thiserror::Error;

/// Bytes of the log that are read at once.
const PORTION: usize = 1 << 20;

/// What [`export`] found.
#[derive(Default)]
pub struct Exported {
    /// The oldest snapshot, from which on there is a log; `None` if the log begins at the beginning.
    pub snapshot: Option<Vec<u8>>,
    /// The log from there on.
    pub log: Vec<u8>,
    /// How many groups are in it.
    pub groups: u64,
}

/// Why a shard cannot be exported.
#[derive(Debug, Error)]
pub enum ExportFailure {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something cannot be opened with this key.
    #[error("{what} {number}: {error}")]
    Sealed {
        /// Entry or snapshot.
        what: &'static str,
        /// Which.
        number: u64,
        /// Why.
        error: OpenError,
    },
}

/// Reads a shard, and changes nothing.
///
/// # Errors
/// [`ExportFailure`]
pub async fn export<S: Store>(store: &S, sealer: &Sealer, shard: ShardId) -> Result<Exported, ExportFailure> {
    let (loaded, mut exported) = (store.load(shard).await?, Exported::default());
    let mut next = 1;
    let begins = store.entries(shard, 1, 1).await?.first().map(|entry| entry.number);
    if begins != Some(1)
        && let Some(oldest) = loaded.snapshots.iter().min().copied()
        && let Some(sealed) = store.snapshot(shard, oldest).await?
    {
        let opened = sealer.open(Place::Snapshot(shard, oldest), &sealed);
        let what = "snapshot";
        exported.snapshot =
            Some(opened.map_err(|error| ExportFailure::Sealed { what, number: oldest, error })?);
        next = oldest;
    }
    log_head(&mut exported.log, Gateway::BEHAVIOUR);
    while next < loaded.next {
        let entries = store.entries(shard, next, PORTION).await?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            let opened = sealer.open(Place::Entry(shard, entry.number), &entry.bytes);
            let (what, number) = ("entry", entry.number);
            let group = opened.map_err(|error| ExportFailure::Sealed { what, number, error })?;
            log_append(&mut exported.log, number, entry.now, &group);
            exported.groups += 1;
            next = entry.next;
        }
    }
    Ok(exported)
}
