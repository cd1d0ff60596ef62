//! Lanes: in memory, chosen by a mask, compared.

use core::arch::x86_64::{
    __m512i, __mmask8, _mm512_cmplt_epi64_mask, _mm512_mask_mov_epi64, _mm512_mask_sub_epi64,
    _mm512_or_si512, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_sub_epi64, _mm512_testn_epi64_mask,
};

use zeroize::Zeroize;

use super::sum::carried;
use super::{Element, Factor, Limbs, P, Sum, each};
use crate::ifma::boundary::{Words, load, store};

/// An element in memory.
#[derive(Clone, Copy, Debug, Default, Zeroize)]
#[repr(align(64))]
pub(in crate::ifma) struct Stored(pub(in super::super) [Words; 5]);

impl Stored {
    /// Whoever loads knows the bound with which it was stored.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn load<const B: u32>(&self) -> Element<B> {
        Element(each(self.0.each_ref(), |words| load(words)))
    }
}

impl Element<16> {
    /// Limbs below 2⁵² of numbers below p.
    pub(in crate::ifma) const fn from_limbs(limbs: [__m512i; 5]) -> Self {
        Self(limbs)
    }
}

impl<const B: u32> Element<B> {
    /// The same number, below p, in all lanes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn splat(limbs: [i64; 5]) -> Self {
        const { assert!(B >= 16) };
        Self(each(limbs, |limb| _mm512_set1_epi64(limb)))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn store(self) -> Stored {
        Stored(each(self.0, |limb| store(limb)))
    }

    /// `other` in the lanes of the mask.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn replaced(self, lanes: __mmask8, other: Self) -> Self {
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, other.0);
        let pick = |a, b| _mm512_mask_mov_epi64(a, lanes, b);
        Self([pick(a0, b0), pick(a1, b1), pick(a2, b2), pick(a3, b3), pick(a4, b4)])
    }

    /// k·p − a in the lanes of the mask, with the least k for which it cannot be negative.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn negated<const C: u32>(self, lanes: __mmask8) -> Factor<C> {
        const { assert!(B.div_ceil(16) * 16 <= C) };
        let [a0, a1, a2, a3, a4] = self.0;
        let [p0, p1, p2, p3, p4] = each(P, |limb| _mm512_set1_epi64(i64::from(B.div_ceil(16)) * limb));
        let negate = |a, p| _mm512_mask_sub_epi64(a, lanes, p, a);
        Sum::<C>([negate(a0, p0), negate(a1, p1), negate(a2, p2), negate(a3, p3), negate(a4, p4)]).factor()
    }

    /// a mod p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn canonical(self) -> Element<16> {
        const { assert!(B <= 32) };
        let less = self.less_p();
        Element(self.0).replaced(!negative(&less), Factor::<16>(less).element())
    }

    /// In which lanes the number is below p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn below_p(self) -> __mmask8 {
        negative(&self.less_p())
    }

    /// a − p, which may be negative, with carries passed on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn less_p(self) -> Limbs {
        let ([a0, a1, a2, a3, a4], [p0, p1, p2, p3, p4]) = (self.0, P);
        let sub = |a, p| _mm512_sub_epi64(a, _mm512_set1_epi64(p));
        carried([sub(a0, p0), sub(a1, p1), sub(a2, p2), sub(a3, p3), sub(a4, p4)])
    }
}

impl Element<16> {
    /// In which lanes the number is 0.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(in crate::ifma) fn zero(self) -> __mmask8 {
        let [a0, a1, a2, a3, a4] = self.0;
        let or = |a, b| _mm512_or_si512(a, b);
        let any = or(or(or(a0, a1), or(a2, a3)), a4);
        _mm512_testn_epi64_mask(any, any)
    }
}

/// In which lanes the top limb is negative.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn negative([.., top]: &Limbs) -> __mmask8 {
    _mm512_cmplt_epi64_mask(*top, _mm512_setzero_si512())
}
