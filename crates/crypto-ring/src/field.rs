//! The field of P-256 in constant time: no branch and no index depends on a number.
//!
//! p = 2²⁵⁶ − 2²²⁴ + 2¹⁹² + 2⁹⁶ − 1 (SP 800-186 §3.2.1.3), numbers in Montgomery form with R = 2²⁵⁶.

use subtle::{Choice, ConditionallySelectable as _};

/// Four 64-bit limbs, least significant first.
pub(crate) type Limbs = [u64; 4];

pub(crate) const P: Limbs = [0xffff_ffff_ffff_ffff, 0x0000_0000_ffff_ffff, 0, 0xffff_ffff_0000_0001];
/// R² mod p: a product with it brings a number into Montgomery form.
const R2: Limbs =
    [0x0000_0000_0000_0003, 0xffff_fffb_ffff_ffff, 0xffff_ffff_ffff_fffe, 0x0000_0004_ffff_fffd];

/// A number below p.
#[derive(Clone, Copy)]
pub(crate) struct Element(Limbs);

impl Element {
    pub(crate) const ZERO: Self = Self([0; 4]);

    pub(crate) fn new(limbs: Limbs) -> Self {
        Self(limbs).mul(Self(R2))
    }

    pub(crate) fn to_be_bytes(self) -> [u8; 32] {
        let Self(limbs) = self.mul(Self([1, 0, 0, 0]));
        let mut out = [0; 32];
        for (chunk, limb) in out.rchunks_exact_mut(8).zip(limbs) {
            chunk.copy_from_slice(&limb.to_be_bytes());
        }
        out
    }

    pub(crate) fn add(self, other: Self) -> Self {
        let (sum, carry) = add(self.0, other.0);
        reduce_once(sum, carry)
    }

    pub(crate) fn sub(self, other: Self) -> Self {
        let (difference, borrow) = subtract(self.0, other.0);
        Self(select(difference, add(difference, P).0, borrow))
    }

    /// Montgomery product a·b·R⁻¹ mod p. Since p ≡ −1 mod 2⁶⁴, the reduction factor of each round is the lowest limb.
    pub(crate) fn mul(self, other: Self) -> Self {
        let mut t = [0; 5];
        for w in other.0 {
            let (sum, carry_a) = accumulate(t, self.0, w);
            let [lowest, ..] = sum;
            let ([_, r1, r2, r3, r4], carry_b) = accumulate(sum, P, lowest);
            t = [r1, r2, r3, r4, carry_a + carry_b];
        }
        let [t0, t1, t2, t3, top] = t;
        reduce_once([t0, t1, t2, t3], top)
    }

    /// a⁻¹ = a^(p−2), and 0 for 0. The exponent is public.
    pub(crate) fn invert(self) -> Self {
        let [low, rest @ ..] = P;
        let [a, b, c] = rest;
        let mut result = Self::new([1, 0, 0, 0]);
        for limb in [c, b, a, low - 2] {
            for bit in (0..64).rev() {
                result = result.mul(result);
                if limb >> bit & 1 == 1 {
                    result = result.mul(self);
                }
            }
        }
        result
    }

    /// `a`, or `b` if `choice`.
    pub(crate) fn select(a: Self, b: Self, choice: Choice) -> Self {
        Self(zip(a.0, b.0, |a, b| u64::conditional_select(&a, &b, choice)))
    }
}

fn zip(a: Limbs, b: Limbs, mut f: impl FnMut(u64, u64) -> u64) -> Limbs {
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a, b);
    [f(a0, b0), f(a1, b1), f(a2, b2), f(a3, b3)]
}

/// `a` if `bit` is 0, `b` if it is 1.
fn select(a: Limbs, b: Limbs, bit: u64) -> Limbs {
    let choice = Choice::from((bit & 1) as u8);
    zip(a, b, |a, b| u64::conditional_select(&a, &b, choice))
}

/// The sum, and the bit above it.
fn add(a: Limbs, b: Limbs) -> (Limbs, u64) {
    let mut carry = 0;
    let out = zip(a, b, |a, b| {
        let wide = u128::from(a) + u128::from(b) + u128::from(carry);
        carry = (wide >> 64) as u64;
        wide as u64
    });
    (out, carry)
}

/// `a − b`, and 1 if that borrows.
fn subtract(a: Limbs, b: Limbs) -> (Limbs, u64) {
    let mut borrow = 0;
    let out = zip(a, b, |a, b| {
        let wide = u128::from(a).wrapping_sub(u128::from(b)).wrapping_sub(u128::from(borrow));
        borrow = (wide >> 64) as u64 & 1;
        wide as u64
    });
    (out, borrow)
}

/// a mod p for a below 2p; `top` is the bit above the limbs.
fn reduce_once(a: Limbs, top: u64) -> Element {
    let (reduced, borrow) = subtract(a, P);
    Element(select(reduced, a, borrow & (top ^ 1)))
}

/// `t + a·w` in five limbs and a carry.
fn accumulate([t0, t1, t2, t3, t4]: [u64; 5], [a0, a1, a2, a3]: Limbs, w: u64) -> ([u64; 5], u64) {
    let (r0, carry) = multiply_add(t0, a0, w, 0);
    let (r1, carry) = multiply_add(t1, a1, w, carry);
    let (r2, carry) = multiply_add(t2, a2, w, carry);
    let (r3, carry) = multiply_add(t3, a3, w, carry);
    let (r4, overflow) = t4.overflowing_add(carry);
    ([r0, r1, r2, r3, r4], u64::from(overflow))
}

/// The low and high halves of t + a·w + carry, which fits 128 bits.
fn multiply_add(t: u64, a: u64, w: u64, carry: u64) -> (u64, u64) {
    let wide = u128::from(t) + u128::from(a) * u128::from(w) + u128::from(carry);
    (wide as u64, (wide >> 64) as u64)
}
