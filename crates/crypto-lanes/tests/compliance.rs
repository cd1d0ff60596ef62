//! The contract of a backend, with vectors where the processor has them, and without.

use reveille_crypto::CryptoProvider;
use reveille_crypto_lanes::Lanes;

static OVER_RING: Lanes = Lanes::over(reveille_crypto_ring::PROVIDER);
static OVER_RUSTCRYPTO: Lanes = Lanes::over(reveille_crypto_rustcrypto::PROVIDER);
static WITHOUT: Lanes = Lanes::over(reveille_crypto_rustcrypto::PROVIDER).without_vectors();

mod over_ring {
    const PROVIDER: reveille_crypto::CryptoProvider = super::OVER_RING.provider();
    reveille_testkit::compliance_tests!(PROVIDER);
}

/// Everything but `p256` is the backend's below, which tests itself.
fn p256(provider: CryptoProvider) {
    assert!(reveille_testkit::compliance::p256(provider).executed > 0);
}

#[test]
fn p256_over_rustcrypto() {
    p256(OVER_RUSTCRYPTO.provider());
}

#[test]
fn p256_without_vectors() {
    assert!(!WITHOUT.has_vectors());
    p256(WITHOUT.provider());
}
