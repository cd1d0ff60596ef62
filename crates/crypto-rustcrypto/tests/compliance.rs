//! The contract of a backend.

use reveille_crypto_rustcrypto::PROVIDER;

reveille_testkit::compliance_tests!(PROVIDER);
