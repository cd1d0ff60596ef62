//! What single use is counted by.

use std::fmt;

use reveille_crypto::{CryptoError, SecureRandom, Sha256};

/// What an id is derived from: so many texts and numbers.
pub(crate) const PARTS: usize = 8;

/// The 128 bits by which a token is known when its uses are counted. Not a secret once the token is out, but uniformly
/// distributed: the replay set relies on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId([u8; 16]);

impl TokenId {
    /// From 16 bytes that are uniformly distributed.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Straight from the source, nothing kept for later: a forked process and the clone of a machine that had
    /// bytes in store would hand out the same ones.
    pub(crate) fn random(source: &dyn SecureRandom) -> Result<Self, CryptoError> {
        let mut bytes = [0; 16];
        source.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// ```text
    /// first 16 bytes of SHA-256("reveille/resume token id" ‖ for each part: its length in 8 bytes, big-endian ‖ part)
    /// ```
    pub(crate) fn derive(sha256: &dyn Sha256, parts: [&[u8]; PARTS]) -> Self {
        let lengths = parts.map(|part| (part.len() as u64).to_be_bytes());
        let mut input = [b"reveille/resume token id".as_slice(); 1 + 2 * PARTS];
        let pieces = lengths.iter().zip(parts).flat_map(|(length, part)| [length.as_slice(), part]);
        input.iter_mut().skip(1).zip(pieces).for_each(|(place, piece)| *place = piece);
        let hash = sha256.digest(&input);
        Self(std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default()))
    }

    /// Returns the 16 bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// 32 digits, lower case.
impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_hexadecimal() {
        insta::assert_snapshot!(format!("{:?}", TokenId::new([0xA5; 16])), @"TokenId(a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5)");
    }

    #[test]
    fn an_id_made_of_texts_depends_on_where_one_ends() {
        let sha256 = reveille_crypto_ring::PROVIDER.sha256;
        let id = |texts: [&str; PARTS]| TokenId::derive(sha256, texts.map(str::as_bytes));
        assert_eq!(id(["ab", "c", "", "", "", "", "", ""]), id(["ab", "c", "", "", "", "", "", ""]));
        assert_ne!(id(["ab", "c", "", "", "", "", "", ""]), id(["a", "bc", "", "", "", "", "", ""]));
        assert_ne!(id(["ab", "", "c", "", "", "", "", ""]), id(["ab", "c", "", "", "", "", "", ""]));
    }

    /// As it is specified: nodes of two versions give one push one id.
    #[test]
    fn an_id_is_the_hash_that_the_documents_name() {
        let sha256 = reveille_crypto_ring::PROVIDER.sha256;
        let parts = ["push", "contact", "conversation", "device", "web", "at", "for", "0"].map(str::as_bytes);
        let mut bytes = b"reveille/resume token id".to_vec();
        for part in parts {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part);
        }
        assert_eq!(TokenId::derive(sha256, parts).as_bytes()[..], sha256.digest(&[&bytes])[..16]);
    }
}
