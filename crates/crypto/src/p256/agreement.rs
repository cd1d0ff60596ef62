//! ECDH on P-256.

use std::fmt::{self, Debug};

use reveille_core::Secret;

use super::P256_PUBLIC_KEY_LEN;
use crate::{CryptoError, EcPrivateKey, KeyError, P256PublicKey};

/// Key generation and agreement on P-256 (ECDH, NIST SP 800-56A §5.7.1.2), a capability of a
/// [`CryptoProvider`](crate::CryptoProvider). Web Push needs one agreement for each message.
pub trait P256: Debug + Send + Sync {
    /// Generates a private key; its public key comes with it.
    ///
    /// # Errors
    /// [`CryptoError`] if the random source fails.
    fn generate(&self) -> Result<EcPrivateKey, CryptoError>;

    /// Generates a key pair, agrees with `peer` and forgets the private key: the whole sender side of RFC 8291 §3.1.
    /// The private key never leaves the backend.
    ///
    /// # Errors
    /// [`CryptoError`] if the random source fails or the agreement gives the identity.
    fn agree_ephemeral(&self, peer: &P256PublicKey) -> Result<EphemeralAgreement, CryptoError>;

    /// [`agree_ephemeral`](Self::agree_ephemeral) with each peer, each with a key pair of its own; appends one
    /// agreement per peer to `out`, in order. A backend that is faster on many at once overrides it.
    ///
    /// # Errors
    /// As for one; `out` is then as it was before.
    fn agree_ephemeral_many(
        &self,
        peers: &[&P256PublicKey],
        out: &mut Vec<EphemeralAgreement>,
    ) -> Result<(), CryptoError> {
        let before = out.len();
        out.reserve(peers.len());
        for peer in peers {
            match self.agree_ephemeral(peer) {
                Ok(agreement) => out.push(agreement),
                Err(error) => {
                    out.truncate(before);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Loads a key that agrees more than once: the receiver's side. Some backends cannot.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] where the backend has only ephemeral keys; otherwise as
    /// [`Es256::load`](crate::Es256::load).
    fn load_agreement_key(&self, private: &EcPrivateKey) -> Result<Box<dyn AgreementKey>, KeyError>;
}

/// A long-lived key for agreements, for whoever receives: [`P256::load_agreement_key`] gives it. A sender needs none.
pub trait AgreementKey: Debug + Send + Sync {
    /// The public half.
    fn public_key(&self) -> &P256PublicKey;

    /// The x-coordinate of the shared point.
    ///
    /// # Errors
    /// [`CryptoError`] if the agreement gives the identity.
    fn agree(&self, peer: &P256PublicKey) -> Result<SharedSecret, CryptoError>;
}

/// The x-coordinate of the shared point, 32 bytes; wiped when dropped.
pub type SharedSecret = Secret<[u8; 32]>;

/// What one ephemeral agreement leaves behind: the public key that is sent, and the secret that both sides have.
/// [`P256::agree_ephemeral`] makes it; the private key is gone by then.
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct EphemeralAgreement {
    /// The ephemeral public key, uncompressed (0x04 ‖ x ‖ y). The backend vouches that it is on the curve.
    pub public_key: [u8; P256_PUBLIC_KEY_LEN],
    /// The shared secret.
    pub shared_secret: SharedSecret,
}

impl Debug for EphemeralAgreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EphemeralAgreement").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_secret_is_not_printed() {
        let agreement = EphemeralAgreement { public_key: [4; 65], shared_secret: Secret::new([7; 32]) };
        assert_eq!(format!("{agreement:?}"), "EphemeralAgreement { .. }");
    }
}
