use crate::field::{Factor, Fe, ONE, Stored, Sum, mul, square};
use zeroize::Zeroizing;

type F = Factor<18>;

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn times(a: &F, b: &F) -> F {
    let c: Sum<18> = mul(a, b);
    c.factor()
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn squarings(a: &F, count: u32) -> F {
    let mut a = *a;
    for _ in 0..count {
        let c: Sum<18> = square(&a);
        a = c.factor();
    }
    a
}

/// 1/a
#[target_feature(enable = "avx512f,avx512ifma")]
fn invert(a: &F) -> F {
    let x2 = times(&squarings(a, 1), a);
    let x3 = times(&squarings(&x2, 1), a);
    let x6 = times(&squarings(&x3, 3), &x3);
    let x12 = times(&squarings(&x6, 6), &x6);
    let x15 = times(&squarings(&x12, 3), &x3);
    let x30 = times(&squarings(&x15, 15), &x15);
    let x32 = times(&squarings(&x30, 2), &x2);
    let high = times(&squarings(&x32, 32), a);
    let high = times(&squarings(&high, 128), &x32);
    let high = times(&squarings(&high, 32), &x32);
    let high = times(&squarings(&high, 30), &x30);
    times(&squarings(&high, 2), a)
}

pub(crate) const MOST: usize = 16;

#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn invert_all(values: &mut [Stored]) {
    let mut products = Zeroizing::new([Stored::default(); MOST]);
    let mut product: F = Fe::splat(ONE).factor();
    for (value, before) in values.iter().zip(products.iter_mut()) {
        *before = product.masked().store();
        product = times(&product, &value.load().factor());
    }
    let mut inverse = invert(&product);
    for (value, before) in values.iter_mut().zip(products.iter()).rev() {
        let own = value.load().factor();
        *value = times(&inverse, &before.load().factor()).masked().store();
        inverse = times(&inverse, &own);
    }
}
