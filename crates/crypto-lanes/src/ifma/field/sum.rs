//! Sums, differences and carries.

use core::arch::x86_64::{
    _mm512_add_epi64, _mm512_and_si512, _mm512_set1_epi64, _mm512_slli_epi64, _mm512_srai_epi64,
    _mm512_sub_epi64,
};

use super::{Element, Factor, Limbs, MASK, P, Sum, each};

impl<const B: u32> Sum<B> {
    /// a + b.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn plus<const D: u32, const C: u32>(self, other: Sum<D>) -> Sum<C> {
        const { assert!(B + D <= C) };
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, other.0);
        let add = |a, b| _mm512_add_epi64(a, b);
        Sum([add(a0, b0), add(a1, b1), add(a2, b2), add(a3, b3), add(a4, b4)])
    }

    /// a − b + k·p, with the least k for which it cannot be negative.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn minus<const D: u32, const C: u32>(self, other: Sum<D>) -> Sum<C> {
        const { assert!(B + 16 * D.div_ceil(16) <= C) };
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, other.0);
        let [p0, p1, _zero, p3, p4] = each(P, |limb| _mm512_set1_epi64(i64::from(D.div_ceil(16)) * limb));
        let sub = |a, b, p| _mm512_sub_epi64(_mm512_add_epi64(a, p), b);
        Sum([sub(a0, b0, p0), sub(a1, b1, p1), _mm512_sub_epi64(a2, b2), sub(a3, b3, p3), sub(a4, b4, p4)])
    }

    /// a · N for N of 2, 3 or 4.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn times<const N: u32, const C: u32>(self) -> Sum<C> {
        const { assert!(B * N <= C && 2 <= N && N <= 4) };
        Sum(each(self.0, |a| match N {
            2 => _mm512_add_epi64(a, a),
            3 => _mm512_add_epi64(_mm512_add_epi64(a, a), a),
            _ => _mm512_slli_epi64::<2>(a),
        }))
    }

    /// Takes the multiple of p away that the top limb shows. Nearly reduced: below p + 2²³⁴, which is far below 17/16 · p.
    ///
    /// ```text
    /// q = ⌊(top limb − 2¹⁶) / 2⁴⁸⌋        at least −1, as a ≥ 0
    /// return a − q·p                      = a − q·2²⁵⁶ + q·(2²²⁴ − 2¹⁹² − 2⁹⁶ + 1)
    /// ```
    ///
    /// The top limb, in units of 2²⁰⁸, becomes at least 2¹⁶ and below 2⁴⁸ + 2¹⁶ for q ≥ 0 (and at least 2⁴⁸ − 2⁹ for q = −1). The
    /// other limbs, below 2⁶⁰ in amount, are together below 2⁹ of these units, and q·(2²²⁴ …) is at most 2¹⁰·2²²⁴ and, for
    /// q = −1, above −2¹⁶ units. So the result is not negative.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn settle(self) -> Sum<17> {
        const { assert!(B < 1 << 10) };
        let [a0, a1, a2, a3, a4] = self.0;
        let add = |a, b| _mm512_add_epi64(a, b);
        let sub = |a, b| _mm512_sub_epi64(a, b);
        let q = _mm512_srai_epi64::<48>(sub(a4, _mm512_set1_epi64(1 << 16)));
        let a4 = add(sub(a4, _mm512_slli_epi64::<48>(q)), _mm512_slli_epi64::<16>(q));
        Sum([add(a0, q), sub(a1, _mm512_slli_epi64::<44>(q)), a2, sub(a3, _mm512_slli_epi64::<36>(q)), a4])
    }

    /// Passes the carries on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn factor(self) -> Factor<B> {
        const { assert!(B <= 256) };
        let limbs = carried(self.0);
        #[cfg(debug_assertions)]
        check_bounds(&self.0, &limbs);
        Factor(limbs)
    }

    /// Passes the carries on and cuts the limbs to 52 bits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn element(self) -> Element<B> {
        self.factor().element()
    }
}

impl<const B: u32> Factor<B> {
    /// Cuts the limbs to 52 bits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn element(self) -> Element<B> {
        let mask = _mm512_set1_epi64(MASK);
        Element(each(self.0, |limb| _mm512_and_si512(limb, mask)))
    }

    /// The same with a wider bound.
    #[inline]
    pub(in crate::ifma) const fn widen<const C: u32>(self) -> Factor<C> {
        const { assert!(B <= C && C <= 256) };
        Factor(self.0)
    }
}

impl<const B: u32> Element<B> {
    /// To be added.
    #[inline]
    pub(in crate::ifma) const fn sum(self) -> Sum<B> {
        Sum(self.0)
    }

    /// To be multiplied.
    #[inline]
    pub(in crate::ifma) const fn factor(self) -> Factor<B> {
        Factor(self.0)
    }

    /// The same with a wider bound.
    #[inline]
    pub(in crate::ifma) const fn widen<const C: u32>(self) -> Element<C> {
        const { assert!(B <= C && C <= 256) };
        Element(self.0)
    }
}

/// Each limb's carry, with its sign, into the next; the limbs keep their high bits.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn carried([a0, a1, a2, a3, a4]: Limbs) -> Limbs {
    let carry = |low, high| _mm512_add_epi64(high, _mm512_srai_epi64::<52>(low));
    let a1 = carry(a0, a1);
    let a2 = carry(a1, a2);
    let a3 = carry(a2, a3);
    let a4 = carry(a3, a4);
    [a0, a1, a2, a3, a4]
}

/// What the types promise about limbs, checked in debug builds.
#[cfg(debug_assertions)]
#[target_feature(enable = "avx512f,avx512ifma")]
fn check_bounds(sum: &Limbs, carried: &Limbs) {
    let lanes = |limbs: &Limbs| limbs.map(|limb| crate::ifma::boundary::store(limb).map(u64::cast_signed));
    debug_assert!(lanes(sum).iter().flatten().all(|limb| limb.unsigned_abs() < 1 << 60), "a limb of 60 bits");
    let [.., top] = lanes(carried);
    debug_assert!(top.iter().all(|limb| (0..=MASK).contains(limb)), "negative, or above 2²⁶⁰");
}
