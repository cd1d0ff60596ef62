//! Inverses.

use zeroize::Zeroizing;

use super::field::{Element, Factor, ONE, Stored, Sum, mul, square};

/// How many are inverted at once, at most: two of each of eight groups.
pub(super) const MOST: usize = 16;

/// An operand, whose bound products give back.
type Operand = Factor<18>;

/// Replaces each number by its inverse, for the price of one inversion and three products each (Montgomery's trick).
/// Returns whether none was 0: **one that is 0 would make all of them 0**, which are other people's.
///
/// ```text
/// pᵢ = a₀ ⋯ aᵢ₋₁
/// t = 1/(a₀ ⋯ aₗ)
/// for i = l down to 0:
///     (aᵢ, t) = (t·pᵢ, t·aᵢ)
/// ```
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn invert_all(numbers: &mut [Stored]) -> bool {
    let mut products = Zeroizing::new([Stored::default(); MOST]);
    let mut product: Operand = Element::splat(ONE).factor();
    for (number, before) in numbers.iter().zip(products.iter_mut()) {
        *before = product.element().store();
        product = times(&product, &number.load().factor());
    }
    let mut inverse = invert(&product);
    let one = times(&product, &inverse);
    let difference: Sum<50> = Element::<18>::splat(ONE).sum().minus(one.element().sum());
    for (number, before) in numbers.iter_mut().zip(products.iter()).rev() {
        let own = number.load().factor();
        *number = times(&inverse, &before.load().factor()).element().store();
        inverse = times(&inverse, &own);
    }
    difference.settle().element().canonical().zero() == 0xff
}

/// aᵖ⁻², which is 1/a (Fermat). p − 2 is, from the top: 32 ones, 31 zeros, a one, 96 zeros, 94 ones, 01. xᵢ is a to the power of
/// i ones.
#[target_feature(enable = "avx512f,avx512ifma")]
fn invert(a: &Operand) -> Operand {
    let x2 = times(&squared(a, 1), a);
    let x3 = times(&squared(&x2, 1), a);
    let x6 = times(&squared(&x3, 3), &x3);
    let x12 = times(&squared(&x6, 6), &x6);
    let x15 = times(&squared(&x12, 3), &x3);
    let x30 = times(&squared(&x15, 15), &x15);
    let x32 = times(&squared(&x30, 2), &x2);
    let power = times(&squared(&x32, 32), a);
    let power = times(&squared(&power, 128), &x32);
    let power = times(&squared(&power, 32), &x32);
    let power = times(&squared(&power, 30), &x30);
    times(&squared(&power, 2), a)
}

/// a to the power of 2ᶜᵒᵘⁿᵗ.
#[target_feature(enable = "avx512f,avx512ifma")]
fn squared(a: &Operand, count: u32) -> Operand {
    let mut power = *a;
    for _ in 0..count {
        let next: Sum<18> = square(&power);
        power = next.factor();
    }
    power
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn times(a: &Operand, b: &Operand) -> Operand {
    let product: Sum<18> = mul(a, b);
    product.factor()
}
