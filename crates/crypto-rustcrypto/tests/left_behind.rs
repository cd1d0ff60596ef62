//! Loading and generating a key leaves no copy of it on the stack.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../crypto/tests/memory/mod.rs"]
mod memory;
use memory::Masked;

use reveille_crypto_rustcrypto::PROVIDER;

#[test]
fn nothing_is_left_of_a_key_that_was_loaded_and_generated() {
    let key = PROVIDER.p256.generate().unwrap();
    let scalar = Masked::new(key.expose_scalar());
    let limbs = scalar.reversed();
    assert_eq!((scalar.occurrences(), limbs.occurrences()), (1, 0), "generated");
    let signing = PROVIDER.es256.load(&key).unwrap();
    drop(key);
    // What the backend keeps, it keeps as limbs, once.
    assert_eq!(scalar.occurrences(), 0, "loaded");
    assert!(limbs.occurrences() <= 1, "loaded, limbs");
    signing.sign(b"message").unwrap();
    assert_eq!(scalar.occurrences(), 0, "signed");
    drop(signing);
    assert_eq!(scalar.occurrences(), 0, "dropped");
}
