//! Is a point on the curve?
//!
//! y² = x³ − 3x + b over the field of p = 2²⁵⁶ − 2²²⁴ + 2¹⁹² + 2⁹⁶ − 1 (SP 800-186 §3.2.1.3). Here so that a public
//! key can be checked when it is parsed, without a backend and in a fraction of a microsecond. It works on public data only and
//! need not take constant time; all arithmetic on secrets is the backend's.

/// Four 64-bit limbs, least significant first.
type Limbs = [u64; 4];

const P: Limbs = [0xffff_ffff_ffff_ffff, 0x0000_0000_ffff_ffff, 0, 0xffff_ffff_0000_0001];
const B: Limbs = [0x3bce_3c3e_27d2_604b, 0x651d_06b0_cc53_b0f6, 0xb3eb_bd55_7698_86bc, 0x5ac6_35d8_aa3a_93e7];
/// R² mod p with R = 2²⁵⁶: a Montgomery product with it brings a number into Montgomery form.
const R2: Limbs =
    [0x0000_0000_0000_0003, 0xffff_fffb_ffff_ffff, 0xffff_ffff_ffff_fffe, 0x0000_0004_ffff_fffd];

/// Whether the affine coordinates, big-endian, are below p and satisfy the curve's equation.
pub(super) fn is_on_curve(x: &[u8; 32], y: &[u8; 32]) -> bool {
    let (x, y) = (from_be_bytes(x), from_be_bytes(y));
    if !less_than(x, P) || !less_than(y, P) {
        return false;
    }
    let (x, y, b) = (mul(x, R2), mul(y, R2), mul(B, R2));
    let three_x = add(add(x, x), x);
    let right = add(sub(mul(mul(x, x), x), three_x), b);
    mul(y, y) == right
}

fn from_be_bytes(bytes: &[u8; 32]) -> Limbs {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks_exact(8)) {
        *limb = chunk.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    }
    limbs
}

fn less_than(a: Limbs, b: Limbs) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// The low and high halves of t + a·w + carry, which fits 128 bits.
fn multiply_add(t: u64, a: u64, w: u64, carry: u64) -> (u64, u64) {
    let wide = u128::from(t) + u128::from(a) * u128::from(w) + u128::from(carry);
    (wide as u64, (wide >> 64) as u64)
}

/// `t + a·w` in five limbs and a carry.
fn accumulate(t: [u64; 5], a: Limbs, w: u64) -> ([u64; 5], u64) {
    let ([t0, t1, t2, t3, t4], [a0, a1, a2, a3]) = (t, a);
    let (r0, carry) = multiply_add(t0, a0, w, 0);
    let (r1, carry) = multiply_add(t1, a1, w, carry);
    let (r2, carry) = multiply_add(t2, a2, w, carry);
    let (r3, carry) = multiply_add(t3, a3, w, carry);
    let (r4, overflow) = t4.overflowing_add(carry);
    ([r0, r1, r2, r3, r4], u64::from(overflow))
}

/// Montgomery product a·b·R⁻¹ mod p. Since p ≡ −1 mod 2⁶⁴, the reduction factor of each round is the lowest limb itself.
fn mul(a: Limbs, b: Limbs) -> Limbs {
    let mut t = [0; 5];
    for w in b {
        let (sum, carry_a) = accumulate(t, a, w);
        let [lowest, ..] = sum;
        let ([_, r1, r2, r3, r4], carry_b) = accumulate(sum, P, lowest);
        t = [r1, r2, r3, r4, carry_a + carry_b];
    }
    let [t0, t1, t2, t3, top] = t;
    reduce_once([t0, t1, t2, t3], top != 0)
}

/// a mod p for a below 2p; `overflow` is the bit above the limbs.
fn reduce_once(a: Limbs, overflow: bool) -> Limbs {
    if overflow || !less_than(a, P) { subtract(a, P).0 } else { a }
}

fn subtract(a: Limbs, b: Limbs) -> (Limbs, bool) {
    let mut borrow = false;
    let mut out = [0; 4];
    for (out, (a, b)) in out.iter_mut().zip(a.into_iter().zip(b)) {
        let (partial, borrow_a) = a.overflowing_sub(b);
        let (value, borrow_b) = partial.overflowing_sub(u64::from(borrow));
        (*out, borrow) = (value, borrow_a || borrow_b);
    }
    (out, borrow)
}

fn add_limbs(a: Limbs, b: Limbs) -> (Limbs, bool) {
    let mut carry = false;
    let mut out = [0; 4];
    for (out, (a, b)) in out.iter_mut().zip(a.into_iter().zip(b)) {
        let (partial, carry_a) = a.overflowing_add(b);
        let (value, carry_b) = partial.overflowing_add(u64::from(carry));
        (*out, carry) = (value, carry_a || carry_b);
    }
    (out, carry)
}

fn add(a: Limbs, b: Limbs) -> Limbs {
    let (sum, carry) = add_limbs(a, b);
    reduce_once(sum, carry)
}

fn sub(a: Limbs, b: Limbs) -> Limbs {
    let (difference, borrow) = subtract(a, b);
    if borrow { add_limbs(difference, P).0 } else { difference }
}
