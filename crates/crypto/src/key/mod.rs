//! Private keys in the formats people keep them in. Parsing needs no backend; a backend then loads the result.

pub(crate) mod ec_private;
mod invalid;
mod jwk;
mod pem;
pub(crate) mod rsa;

/// Named: explicit parameters, which could be of any curve, are not read.
const EXPECTED_EC: &str = "EC on the named curve P-256";

pub use invalid::InvalidKey;
