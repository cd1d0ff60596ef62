//! Does a crypto backend keep its contract?
//!
//! [`compliance_tests!`](crate::compliance_tests) makes one test per capability; the functions here are the same for
//! a harness of your own. Each panics with the id of the first case that fails, and returns how many it ran.
// A library of assertions: panicking is how it reports, and the vectors it reads are its own.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod aes_gcm;
mod cases;
mod es256;
mod hkdf_sha256;
mod hmac_sha256;
mod p256;
mod random;
mod reference;
mod rs256;
mod sha256;
mod vectors;

use reveille_crypto::CryptoProvider;

pub use self::aes_gcm::aes_gcm;
pub use self::cases::Cases;
pub use self::es256::es256;
pub use self::hkdf_sha256::hkdf_sha256;
pub use self::hmac_sha256::hmac_sha256;
pub use self::p256::p256;
pub use self::random::random;
pub use self::rs256::rs256;
pub use self::sha256::sha256;

/// Everything, one capability after the other.
///
/// # Panics
/// If the provider does not keep its contract.
pub fn run(provider: CryptoProvider) -> Cases {
    [random, sha256, hmac_sha256, hkdf_sha256, aes_gcm, p256, es256, rs256]
        .into_iter()
        .fold(Cases::default(), |sum, capability| sum + capability(provider))
}

/// One `#[test]` per capability, named after it, for the provider given: a constant or any other expression.
///
/// ```
/// reveille_testkit::compliance_tests!(reveille_crypto_ring::PROVIDER);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! compliance_tests {
    ($provider:expr) => {
        $crate::compliance_tests! {
            @each $provider;
            random sha256 hmac_sha256 hkdf_sha256 aes_gcm p256 es256 rs256
        }
    };
    (@each $provider:expr; $($capability:ident)*) => {
        $(
            #[test]
            fn $capability() {
                assert!($crate::compliance::$capability($provider).executed > 0);
            }
        )*
    };
}
