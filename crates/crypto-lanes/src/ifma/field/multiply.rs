//! Products and their Montgomery reduction.

use core::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_srai_epi64,
};

use super::{Factor, Limbs, P, Sum};

/// Ten columns: the one of weight 2⁵²ⁱ holds the sum of what partial products have there.
type Columns = [__m512i; 10];

/// a·b / 2²⁶⁰ mod p.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(in crate::ifma) fn mul<const A: u32, const B: u32, const C: u32>(a: &Factor<A>, b: &Factor<B>) -> Sum<C> {
    const { assert!(reduced(A * B) <= C) };
    Sum(reduce(product(&a.0, &b.0, [_mm512_setzero_si512(); 10])))
}

/// (a·b + c·d) / 2²⁶⁰ mod p, with one reduction.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(in crate::ifma) fn mul_add<const A: u32, const B: u32, const C: u32, const D: u32, const E: u32>(
    a: &Factor<A>,
    b: &Factor<B>,
    c: &Factor<C>,
    d: &Factor<D>,
) -> Sum<E> {
    const { assert!(reduced(A * B + C * D) <= E) };
    let sum = product(&a.0, &b.0, [_mm512_setzero_si512(); 10]);
    Sum(reduce(product(&c.0, &d.0, sum)))
}

/// a² / 2²⁶⁰ mod p.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(in crate::ifma) fn square<const A: u32, const C: u32>(a: &Factor<A>) -> Sum<C> {
    const { assert!(reduced(A * A) <= C) };
    Sum(reduce(own_product(&a.0)))
}

/// The bound of a reduction, in sixteenths of p, for columns below B/256 · p²: it returns (columns + m·p) / 2²⁶⁰ with m < 2²⁶⁰,
/// and B/256 · p² / 2²⁶⁰ < B/256 · p/16.
const fn reduced(b: u32) -> u32 {
    b.div_ceil(256) + 16
}

/// c + a·b. Row by row: the low half of aᵢ·bⱼ belongs to column i + j, the high half to the next.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn product(a: &Limbs, b: &Limbs, columns: Columns) -> Columns {
    let lo = |column, x, y| _mm512_madd52lo_epu64(column, x, y);
    let hi = |column, x, y| _mm512_madd52hi_epu64(column, x, y);
    let row = |[c0, c1, c2, c3, c4, c5]: [__m512i; 6], a| {
        let [b0, b1, b2, b3, b4] = *b;
        let (c0, c1, c2, c3, c4) =
            (lo(c0, a, b0), lo(c1, a, b1), lo(c2, a, b2), lo(c3, a, b3), lo(c4, a, b4));
        [c0, hi(c1, a, b0), hi(c2, a, b1), hi(c3, a, b2), hi(c4, a, b3), hi(c5, a, b4)]
    };
    let [a0, a1, a2, a3, a4] = *a;
    let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9] = columns;
    let [c0, c1, c2, c3, c4, c5] = row([c0, c1, c2, c3, c4, c5], a0);
    let [c1, c2, c3, c4, c5, c6] = row([c1, c2, c3, c4, c5, c6], a1);
    let [c2, c3, c4, c5, c6, c7] = row([c2, c3, c4, c5, c6, c7], a2);
    let [c3, c4, c5, c6, c7, c8] = row([c3, c4, c5, c6, c7, c8], a3);
    let [c4, c5, c6, c7, c8, c9] = row([c4, c5, c6, c7, c8, c9], a4);
    [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9]
}

/// a². What is not on the diagonal is there twice: the columns are doubled, not the limbs, which would have 53 bits.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn own_product(a: &Limbs) -> Columns {
    let lo = |column, x, y| _mm512_madd52lo_epu64(column, x, y);
    let hi = |column, x, y| _mm512_madd52hi_epu64(column, x, y);
    let twice = |column| _mm512_add_epi64(column, column);
    let none = _mm512_setzero_si512();
    let [a0, a1, a2, a3, a4] = *a;
    let c1 = lo(none, a0, a1);
    let c2 = hi(lo(none, a0, a2), a0, a1);
    let c3 = hi(lo(lo(none, a0, a3), a1, a2), a0, a2);
    let c4 = hi(hi(lo(lo(none, a0, a4), a1, a3), a0, a3), a1, a2);
    let c5 = hi(hi(lo(lo(none, a1, a4), a2, a3), a0, a4), a1, a3);
    let c6 = hi(hi(lo(none, a2, a4), a1, a4), a2, a3);
    let c7 = hi(lo(none, a3, a4), a2, a4);
    let c8 = hi(none, a3, a4);
    [
        lo(none, a0, a0),
        hi(twice(c1), a0, a0),
        lo(twice(c2), a1, a1),
        hi(twice(c3), a1, a1),
        lo(twice(c4), a2, a2),
        hi(twice(c5), a2, a2),
        lo(twice(c6), a3, a3),
        hi(twice(c7), a3, a3),
        lo(twice(c8), a4, a4),
        hi(none, a4, a4),
    ]
}

/// Montgomery's reduction (Mathematics of Computation 44 (1985), 519–521), limb by limb.
///
/// ```text
/// for i = 0 to 4:
///     m = c[i] · (−p⁻¹ mod 2⁵²) mod 2⁵² = c[i] mod 2⁵²     because p ≡ −1 mod 2⁵²
///     columns += m · p · 2⁵²ⁱ                               after which c[i] is divisible by 2⁵²
///     c[i + 1] += c[i] >> 52
/// return c[5] … c[9]
/// ```
///
/// m·p = m·2²⁵⁶ − m·2²²⁴ + m·2¹⁹² + m·2⁹⁶ − m. The last term clears the low 52 bits of c\[i\], which need no instruction: what is
/// carried on is `c[i] >> 52` either way. 2⁹⁶ is 2⁴⁴ in the next limb, 2¹⁹² is 2³⁶ in limb 3, the rest is in limb 4. The
/// multiplier takes c\[i\] for m as it is.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn reduce(columns: Columns) -> Limbs {
    let lo = |column, x, y| _mm512_madd52lo_epu64(column, x, y);
    let hi = |column, x, y| _mm512_madd52hi_epu64(column, x, y);
    let [.., limb3, limb4] = P;
    let (p1, p3, p4) = (_mm512_set1_epi64(1 << 44), _mm512_set1_epi64(limb3), _mm512_set1_epi64(limb4));
    let round = |[m, c1, c2, c3, c4, c5]: [__m512i; 6]| {
        let (c1, c2) = (lo(c1, m, p1), hi(c2, m, p1));
        let (c3, c4) = (lo(c3, m, p3), hi(c4, m, p3));
        let (c4, c5) = (lo(c4, m, p4), hi(c5, m, p4));
        [_mm512_add_epi64(c1, _mm512_srai_epi64::<52>(m)), c2, c3, c4, c5]
    };
    let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9] = columns;
    let [c1, c2, c3, c4, c5] = round([c0, c1, c2, c3, c4, c5]);
    let [c2, c3, c4, c5, c6] = round([c1, c2, c3, c4, c5, c6]);
    let [c3, c4, c5, c6, c7] = round([c2, c3, c4, c5, c6, c7]);
    let [c4, c5, c6, c7, c8] = round([c3, c4, c5, c6, c7, c8]);
    let [c5, c6, c7, c8, c9] = round([c4, c5, c6, c7, c8, c9]);
    [c5, c6, c7, c8, c9]
}
