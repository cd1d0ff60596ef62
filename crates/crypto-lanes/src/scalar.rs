//! scalars
use reveille_crypto::{CryptoError, SecureRandom};
use zeroize::Zeroizing;

pub(crate) const N: [u64; 4] = [0xf3b9_cac2_fc63_2551, 0xbce6_faad_a717_9e84, 0xffff_ffff_ffff_ffff, 0xffff_ffff_0000_0000];

pub(crate) type Scalar = [u64; 4];

pub(crate) fn from_be_bytes(bytes: &[u8; 32]) -> Scalar {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks_exact(8)) {
        *limb = chunk.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    }
    limbs
}

fn subtract(a: &Scalar, b: &Scalar) -> (Scalar, u64) {
    let (mut out, mut borrow) = ([0; 4], 0);
    for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
        let wide = u128::from(*a).wrapping_sub(u128::from(*b)).wrapping_sub(u128::from(borrow));
        *out = wide as u64;
        borrow = (wide >> 64) as u64 & 1;
    }
    (out, borrow)
}

/// 1 ≤ k < n
pub(crate) fn is_valid(k: &Scalar) -> bool {
    let (_, below) = subtract(k, &N);
    let [k0, k1, k2, k3] = k;
    below == 1 && (k0 | k1 | k2 | k3) != 0
}

/// The odd one of k and n − k, and whether it is the second.
pub(crate) fn odd(k: &Scalar) -> (Scalar, u64) {
    let (negated, _) = subtract(&N, k);
    let [low, ..] = k;
    let even = (low & 1) ^ 1;
    let mask = even.wrapping_neg();
    let mut out = [0; 4];
    for (out, (k, negated)) in out.iter_mut().zip(k.iter().zip(&negated)) {
        *out = k ^ (mask & (k ^ negated));
    }
    (out, even)
}

pub(crate) fn sample(random: &dyn SecureRandom) -> Result<Scalar, CryptoError> {
    for _ in 0..64 {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut())?;
        let k = from_be_bytes(&bytes);
        if is_valid(&k) {
            return Ok(k);
        }
    }
    Err(CryptoError)
}
