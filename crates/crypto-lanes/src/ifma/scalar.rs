//! Private keys: numbers in [1, n − 1], four limbs of 64 bits, least significant first.

use core::hint::black_box;

use reveille_crypto::{CryptoError, SecureRandom};
use zeroize::Zeroizing;

pub(super) type Scalar = [u64; 4];

/// n, the order of the curve (SP 800-186 §3.2.1.3).
pub(super) const ORDER: Scalar =
    [0xf3b9_cac2_fc63_2551, 0xbce6_faad_a717_9e84, 0xffff_ffff_ffff_ffff, 0xffff_ffff_0000_0000];

/// How often a key is drawn before the random source is thought to be broken: each draw fails in one case of 2³².
const DRAWS: u32 = 64;

/// A uniform key from `drawn`, or, if that is 0 or not below n, from further draws (FIPS 186-5 A.2.2). That one was
/// thrown away may be seen; it says nothing about the one that was taken.
pub(super) fn sample(drawn: &[u8; 32], random: &dyn SecureRandom) -> Result<Zeroizing<Scalar>, CryptoError> {
    let mut bytes = Zeroizing::new(*drawn);
    for _ in 0..DRAWS {
        let key = Zeroizing::new(from_be_bytes(&bytes));
        if is_key(&key) {
            return Ok(key);
        }
        random.fill(bytes.as_mut())?;
    }
    Err(CryptoError)
}

/// The odd one of k and n − k, and 1 if it is the latter.
pub(super) fn odd(key: &Scalar) -> (Zeroizing<Scalar>, u8) {
    let [low, ..] = key;
    // So that the compiler does not make a branch of it.
    let even = black_box((low & 1) ^ 1);
    let (mut out, _) = subtract(&ORDER, key);
    for (negated, limb) in out.iter_mut().zip(key) {
        *negated ^= even.wrapping_sub(1) & (*negated ^ limb);
    }
    (out, even as u8)
}

pub(super) fn from_be_bytes(bytes: &[u8; 32]) -> Scalar {
    let mut limbs = [0; 4];
    for (limb, word) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0.iter().rev()) {
        *limb = u64::from_be_bytes(*word);
    }
    limbs
}

fn is_key(key: &Scalar) -> bool {
    let (_, borrow) = subtract(key, &ORDER);
    let any = key.iter().fold(0, |any, limb| any | limb);
    (borrow == 1) & (any != 0)
}

/// a − b and its borrow.
fn subtract(a: &Scalar, b: &Scalar) -> (Zeroizing<Scalar>, u64) {
    let (mut out, mut borrow) = (Zeroizing::new([0; 4]), 0);
    for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
        let wide = u128::from(*a).wrapping_sub(u128::from(*b) + u128::from(borrow));
        *out = wide as u64;
        borrow = (wide >> 64) as u64 & 1;
    }
    (out, borrow)
}
