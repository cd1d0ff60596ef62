//! The contract of a backend.

use reveille_crypto_ring::PROVIDER;

reveille_testkit::compliance_tests!(PROVIDER);
