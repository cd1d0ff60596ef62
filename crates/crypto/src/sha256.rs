//! SHA-256.

use std::fmt::Debug;

/// SHA-256 (FIPS 180-4): used where something long gets a short name, such as a derived collapse id.
///
/// ```
/// use reveille_crypto_ring::PROVIDER;
///
/// assert_eq!(PROVIDER.sha256.digest(&[b"a", b"bc"])[..4], [0xba, 0x78, 0x16, 0xbf]);
/// ```
pub trait Sha256: Debug + Send + Sync {
    /// The hash of the concatenation of `parts`.
    fn digest(&self, parts: &[&[u8]]) -> [u8; 32];
}
