//! The field of p = 2²⁵⁶ − 2²²⁴ + 2¹⁹² + 2⁹⁶ − 1 (SP 800-186 §3.2.1.3), eight elements at a time.
//!
//! A number is five limbs of 52 bits, least significant first, each limb a vector of eight lanes; the multiplier of IFMA
//! takes 52 bits. Elements are in Montgomery form: a stands for a·2⁻²⁶⁰ mod p.
//!
//! # Bounds are types
//! Nothing is reduced below p before the end. Instead every type has a parameter `B`: **the number is at least 0 and below
//! B/16 · p in each lane**, and an operation whose result could break the bound of its type does not compile (`const { assert! }`).
//! As B ≤ 256 wherever carries have been passed on, a number is below 16p < 2²⁶⁰ and fits five limbs. What may be done with the
//! limbs is a type, too:
//!
//! | type | limbs | may be |
//! |---|---|---|
//! | [`Sum`] | signed, below 2⁶⁰ in amount, carries not passed on | added, subtracted, settled |
//! | [`Factor`] | right in the low 52 bits, rubbish above | multiplied only: the multiplier does not look above |
//! | [`Element`] | below 2⁵² | all of it, stored |
//!
//! A result's limbs are below 2⁵⁷ when it leaves a reduction (18 partial products of two products, 6 of the reduction and a
//! carry, each below 2⁵²); at most four such numbers are added before carries are passed on, one of them times four: 2⁶⁰.
//! Debug builds check it at every carry, and that the top limb is neither negative nor above 52 bits.

mod lanes;
mod multiply;
mod sum;
#[cfg(test)]
mod tests;

use core::arch::x86_64::__m512i;

pub(super) use lanes::Stored;
pub(super) use multiply::{mul, mul_add, square};

/// Five limbs of 52 bits in eight lanes.
type Limbs = [__m512i; 5];

/// p.
const P: [i64; 5] = [0xf_ffff_ffff_ffff, 0x0fff_ffff_ffff, 0, 0x10_0000_0000, 0xffff_ffff_0000];
/// What is left of a limb when its carry has gone.
const MASK: i64 = (1 << 52) - 1;

/// 2²⁶⁰ mod p: the one of Montgomery form.
pub(super) const ONE: [i64; 5] =
    [0x10, 0xf_0000_0000_0000, 0xf_ffff_ffff_ffff, 0xf_feff_ffff_ffff, 0x0f_ffff];
/// 2⁵²⁰ mod p: a product with it brings a number into Montgomery form.
pub(super) const INTO_FORM: [i64; 5] =
    [0x300, 0xf_ffff_fff0_0000, 0xf_fffe_ffff_fffb, 0xf_dfff_ffff_ffff, 0x4ff_ffff];
/// A product with it brings a number out of Montgomery form.
pub(super) const OUT_OF_FORM: [i64; 5] = [1, 0, 0, 0, 0];
/// The b of the curve's equation, in Montgomery form.
pub(super) const CURVE_B: [i64; 5] =
    [0xd_f622_9c4b_ddfd, 0xc_a884_3090_d89c, 0x2_12ed_6acf_005c, 0x8_3415_a220_abf7, 0xc300_61dd_4874];

/// The same for each of five limbs. `[T; 5]::map` is compiled for any processor: what it calls is in no register there, and in
/// line only if the whole program is optimised at once.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn each<T, U>([a0, a1, a2, a3, a4]: [T; 5], of: impl Fn(T) -> U) -> [U; 5] {
    [of(a0), of(a1), of(a2), of(a3), of(a4)]
}

/// Limbs that were added up: see the module.
#[derive(Clone, Copy)]
pub(super) struct Sum<const B: u32>(Limbs);

/// Limbs that may be multiplied: see the module.
#[derive(Clone, Copy)]
pub(super) struct Factor<const B: u32>(Limbs);

/// Limbs below 2⁵²: see the module.
#[derive(Clone, Copy)]
pub(super) struct Element<const B: u32>(Limbs);
