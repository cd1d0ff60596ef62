//! Key generation and agreement on P-256.

use std::fmt;
use std::marker::PhantomData;

use p256::elliptic_curve::BatchNormalize;
use p256::elliptic_curve::group::Group as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{NonZeroScalar, ProjectivePoint, PublicKey, SecretKey};
use reveille_core::Secret;
use reveille_crypto::p256::{AgreementKey, EphemeralAgreement, P256_PUBLIC_KEY_LEN, SharedSecret};
use reveille_crypto::{CryptoError, EcPrivateKey, KeyError, P256PublicKey, with_wiped_stack};
use zeroize::Zeroizing;

use crate::NAME;
use crate::random::StaticRandom;

pub(crate) struct P256<R>(PhantomData<fn() -> R>);

impl<R: StaticRandom> P256<R> {
    pub(crate) const INSTANCE: &'static Self = &Self(PhantomData);

    /// A uniform key: 32 random bytes, again in the one case in 2³² that they are not below the group order.
    fn random_key() -> Result<SecretKey, CryptoError> {
        for _ in 0..64 {
            let mut bytes = Zeroizing::new([0; 32]);
            R::INSTANCE.fill(bytes.as_mut())?;
            if let Ok(key) = SecretKey::from_slice(bytes.as_ref()) {
                return Ok(key);
            }
        }
        Err(CryptoError)
    }
}

impl<R> fmt::Debug for P256<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P256")
    }
}

impl<R: StaticRandom> reveille_crypto::P256 for P256<R> {
    fn generate(&self) -> Result<EcPrivateKey, CryptoError> {
        with_wiped_stack(|| {
            let key = Self::random_key()?;
            let bytes = Zeroizing::new(key.to_bytes());
            let private = EcPrivateKey::from_bytes(&bytes).map_err(|_| CryptoError)?;
            Ok(private.with_public_key(to_public_key(&key.public_key())?))
        })
    }

    fn agree_ephemeral(&self, peer: &P256PublicKey) -> Result<EphemeralAgreement, CryptoError> {
        let private = Self::random_key()?.to_nonzero_scalar();
        let shared = agree(&private, peer)?;
        let public = PublicKey::from_secret_scalar(&private);
        Ok(EphemeralAgreement { public_key: to_bytes(&public)?, shared_secret: shared })
    }

    /// The field inversion that brings a point to affine form is shared by all points of the batch.
    fn agree_ephemeral_many(
        &self,
        peers: &[&P256PublicKey],
        out: &mut Vec<EphemeralAgreement>,
    ) -> Result<(), CryptoError> {
        let mut points = Zeroizing::new(Vec::with_capacity(2 * peers.len()));
        for peer in peers {
            let private = Self::random_key()?.to_nonzero_scalar();
            points.push(ProjectivePoint::mul_by_generator(&private));
            points.push(from_public_key(peer)?.to_projective() * *private);
        }
        let affine =
            Zeroizing::new(<ProjectivePoint as BatchNormalize<[_]>>::batch_normalize(points.as_slice()));
        let pairs: Result<Vec<_>, _> = affine.chunks_exact(2).map(from_pair).collect();
        out.extend(pairs?);
        Ok(())
    }

    fn load_agreement_key(&self, private: &EcPrivateKey) -> Result<Box<dyn AgreementKey>, KeyError> {
        with_wiped_stack(|| {
            let key = SecretKey::from_slice(private.expose_scalar())
                .map_err(|_| KeyError::Rejected { backend: NAME, kind: "P-256 private" })?;
            let public_key = to_public_key(&key.public_key())?;
            if private.public_key().is_some_and(|given| *given != public_key) {
                return Err(KeyError::PublicKeyMismatch);
            }
            let loaded: Box<dyn AgreementKey> = Box::new(LoadedKey { key, public_key });
            Ok(loaded)
        })
    }
}

/// The affine forms of an ephemeral public key and of the shared point.
fn from_pair(pair: &[p256::AffinePoint]) -> Result<EphemeralAgreement, CryptoError> {
    let [public, shared] = pair else { return Err(CryptoError) };
    let public = PublicKey::from_affine(*public).map_err(|_| CryptoError)?;
    let shared = PublicKey::from_affine(*shared).map_err(|_| CryptoError)?;
    let shared = Zeroizing::new(to_bytes(&shared)?);
    let x = shared.get(1..33).and_then(|x| x.try_into().ok()).ok_or(CryptoError)?;
    Ok(EphemeralAgreement { public_key: to_bytes(&public)?, shared_secret: Secret::new(x) })
}

struct LoadedKey {
    key: SecretKey,
    public_key: P256PublicKey,
}

impl AgreementKey for LoadedKey {
    fn public_key(&self) -> &P256PublicKey {
        &self.public_key
    }

    fn agree(&self, peer: &P256PublicKey) -> Result<SharedSecret, CryptoError> {
        agree(&self.key.to_nonzero_scalar(), peer)
    }
}

impl fmt::Debug for LoadedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedKey").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}

fn agree(private: &NonZeroScalar, peer: &P256PublicKey) -> Result<SharedSecret, CryptoError> {
    let peer = from_public_key(peer)?;
    let shared = p256::ecdh::diffie_hellman(private, peer.as_affine());
    let x: &[u8] = shared.raw_secret_bytes();
    x.try_into().map(Secret::new).map_err(|_| CryptoError)
}

pub(crate) fn from_public_key(key: &P256PublicKey) -> Result<PublicKey, CryptoError> {
    PublicKey::from_sec1_bytes(key.as_bytes()).map_err(|_| CryptoError)
}

pub(crate) fn to_public_key(key: &PublicKey) -> Result<P256PublicKey, CryptoError> {
    P256PublicKey::from_bytes(&to_bytes(key)?).map_err(|_| CryptoError)
}

fn to_bytes(key: &PublicKey) -> Result<[u8; P256_PUBLIC_KEY_LEN], CryptoError> {
    key.to_sec1_point(false).as_bytes().try_into().map_err(|_| CryptoError)
}
