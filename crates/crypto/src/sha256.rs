//! SHA-256.

use std::fmt::Debug;

/// SHA-256 (FIPS 180-4): used where something long gets a short name, such as a derived collapse id.
pub trait Sha256: Debug + Send + Sync {
    /// The hash of the concatenation of `parts`.
    fn digest(&self, parts: &[&[u8]]) -> [u8; 32];
}
