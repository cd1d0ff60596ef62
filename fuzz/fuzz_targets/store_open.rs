//! Whatever a store gives back: sealed texts and wishes. Nothing panics, nothing that was not sealed opens, and what is read
//! is written again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_core::Secret;
use reveille_crypto_rustcrypto::PROVIDER;
use reveille_gateway::store::seal::{Place, SealKeyId, Sealer};
use reveille_gateway::store::{ShardId, Wishes};

fuzz_target!(|bytes: &[u8]| {
    let sealer = Sealer::new(PROVIDER, SealKeyId(1), Secret::new([7; 32]));
    let place = Place::Entry(ShardId(1), 2);
    assert!(sealer.open(place, bytes).is_err(), "nobody has the key");
    let sealed = sealer.seal(place, bytes).expect("short enough");
    assert_eq!(sealer.open(place, &sealed).as_deref(), Ok(bytes));
    if let Ok(wishes) = Wishes::from_json(bytes) {
        assert_eq!(Wishes::from_json(wishes.to_json().as_bytes()), Ok(wishes));
    }
});
