//! The store of one machine: it keeps every promise of the trait, also on a disk that forgets.

mod conformance;
mod crashes;
mod files;
mod sealed;
mod trouble;

use reveille_core::Secret;
use reveille_crypto_ring::PROVIDER;
use reveille_example_service::redb_store::RedbSettings;
use reveille_gateway::store::seal::{SealKeyId, Sealer};

/// A key by its number.
fn sealer(number: u8) -> Sealer {
    Sealer::new(PROVIDER, SealKeyId(number.into()), Secret::new([number; 32]))
}

fn sealed() -> RedbSettings {
    RedbSettings::new(sealer(1))
}
