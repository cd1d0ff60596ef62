//! Compact JWS (RFC 7515 §7.1), without an algorithm inside: what is to be signed, and what was signed.

mod parse;
mod signing;
mod unsigned;

pub use parse::{CompactJws, InvalidJws};
pub use signing::{SigningAlgorithm, SigningId, SigningRequest};
pub use unsigned::UnsignedJws;
