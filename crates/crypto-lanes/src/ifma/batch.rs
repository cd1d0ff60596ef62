//! From peers' keys and random bytes to agreements.

use reveille_core::Secret;
use reveille_crypto::p256::{EphemeralAgreement, P256_PUBLIC_KEY_LEN};
use reveille_crypto::{CryptoError, P256PublicKey, SecureRandom};
use zeroize::{Zeroize as _, Zeroizing};

use super::agree::{GROUPS, Group};
use super::boundary::Ifma;
use super::{encode, scalar};

const LANES: usize = 8;
/// What shares an inversion and a request for random bytes.
const CHUNK: usize = GROUPS * LANES;

/// The whole of an `agree_ephemeral_many`, but for `out` after an error.
pub(crate) fn agree_many(
    ifma: Ifma,
    random: &dyn SecureRandom,
    peers: &[&P256PublicKey],
    out: &mut Vec<EphemeralAgreement>,
) -> Result<(), CryptoError> {
    let mut groups = Vec::new();
    groups.resize_with(peers.len().min(CHUNK).div_ceil(LANES), Group::default);
    let mut drawn = Zeroizing::new([[0; 32]; CHUNK]);
    out.reserve(peers.len());
    for chunk in peers.chunks(CHUNK) {
        let groups = groups.get_mut(..chunk.len().div_ceil(LANES)).ok_or(CryptoError)?;
        let drawn = drawn.get_mut(..chunk.len()).ok_or(CryptoError)?;
        random.fill(drawn.as_flattened_mut())?;
        for ((group, peers), drawn) in groups.iter_mut().zip(chunk.chunks(LANES)).zip(drawn.chunks(LANES)) {
            fill(group, random, peers, drawn)?;
        }
        ifma.agree(groups)?;
        for (group, peers) in groups.iter().zip(chunk.chunks(LANES)) {
            out.extend((0..peers.len()).map(|lane| agreement(group, lane)));
        }
    }
    Ok(())
}

/// One peer and one key per lane. Lanes that are left over get the first peer and the key 1, and nobody reads them.
fn fill(
    group: &mut Group,
    random: &dyn SecureRandom,
    peers: &[&P256PublicKey],
    drawn: &[[u8; 32]],
) -> Result<(), CryptoError> {
    let first = peers.first().ok_or(CryptoError)?;
    group.negated = 0;
    for lane in 0..LANES {
        let [_form, coordinates @ ..] = peers.get(lane).unwrap_or(first).as_bytes();
        let ([x, y], _none) = coordinates.as_chunks::<32>() else { return Err(CryptoError) };
        encode::put(x, lane, &mut group.peer.0);
        encode::put(y, lane, &mut group.peer.1);
        let key = match drawn.get(lane) {
            Some(drawn) => scalar::sample(drawn, random)?,
            None => Zeroizing::new([1, 0, 0, 0]),
        };
        let (odd, negated) = scalar::odd(&key);
        encode::put_scalar(&odd, lane, &mut group.scalars);
        group.negated |= negated << lane;
    }
    Ok(())
}

fn agreement(group: &Group, lane: usize) -> EphemeralAgreement {
    let mut public_key = [4; P256_PUBLIC_KEY_LEN];
    let [_form, coordinates @ ..] = &mut public_key;
    if let ([x, y], _none) = coordinates.as_chunks_mut::<32>() {
        encode::take(&group.public.0, lane, x);
        encode::take(&group.public.1, lane, y);
    }
    let mut x = [0; 32];
    encode::take(&group.shared, lane, &mut x);
    let agreement = EphemeralAgreement { public_key, shared_secret: Secret::new(x) };
    x.zeroize();
    agreement
}
