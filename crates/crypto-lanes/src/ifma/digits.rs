//! Scalars as signed odd digits, and why no addition meets an exceptional case.
//!
//! # The digits
//! An odd k < 2²⁵⁶ is k = Σ dᵢ·2ʷⁱ with odd dᵢ, |dᵢ| < 2ʷ (Okeya and Takagi, CT-RSA 2003; Joye and Tunstall, AFRICACRYPT 2009):
//! as Σ (2ʷ − 1)·2ʷⁱ over i < D is 2ʷᴰ − 1, and (k + 2ʷᴰ − 1)/2 = 2ʷᴰ⁻¹ + ⌊k/2⌋ =: Σ uᵢ·2ʷⁱ, it is dᵢ = 2uᵢ − (2ʷ − 1). So the
//! digits are read off the bits of k above the lowest, with a one set above them; nothing is computed, no digit is
//! zero, and dᵢ is negative where uᵢ < 2ʷ⁻¹. A table holds the odd multiples 1, 3, … 2ʷ − 1; |dᵢ| is its entry uᵢ − 2ʷ⁻¹ or
//! 2ʷ⁻¹ − 1 − uᵢ. Of k and n − k, one is odd.
//!
//! * Windows of 5 (peers): D = 52. The 255 bits above the lowest are the 51 lower digits; the top digit is 1.
//! * Windows of 7 (generator): D = 37. The 36 lower digits take 252 bits; the top digit has the 3 that are left.
//!
//! # No exceptional addition
//! Both products go from the top digit down. With kᵢ := Σ_{j ≥ i} dⱼ·2ʷ⁽ʲ⁻ⁱ⁾ the additions are kᵢ·B = (2ʷ·kᵢ₊₁)·B + dᵢ·B for a point B
//! of order n (P, or 2ʷⁱ·G; a multiple of G by a power of two has order n, too). One is exceptional only if
//! 2ʷ·kᵢ₊₁ ≡ 0 or ±dᵢ mod n, that is if kᵢ₊₁ ≡ 0, kᵢ ≡ 0, or kᵢ ≡ 2dᵢ.
//!
//! kᵢ is odd, and k/2ʷⁱ − 1 < kᵢ < k/2ʷⁱ + 1, as what is below it is less than 2ʷⁱ. So 1 ≤ kᵢ < n for all i ≥ 1, and k₀ = k is in
//! [1, n − 1]: **none is 0 mod n**. For kᵢ ≡ 2dᵢ: equal they are not, as one is odd and the other even. For i ≥ 1
//! kᵢ < n/32 + 1, so that they differ by less than n. For i = 0 there is left k = n + 2d₀ with a negative d₀ = −a; then
//! the lowest w + 1 bits, which determine d₀, say
//!
//! ```text
//! k ≡ d₀ + 2ʷ  and  k = n − 2a,  so  a ≡ n − 2ʷ  mod 2ʷ⁺¹  with  1 ≤ a < 2ʷ.
//! ```
//!
//! For n ≡ 17 mod 64 and w = 5 that is a ≡ 49, for n ≡ 81 mod 256 and w = 7 a ≡ 209: no such a exists, which
//! [`has_no_exception`] states once more. (For w = 4, 6 and 8 there is one: k = n − 2, n − 34 and n − 162.)
//!
//! Whoever adds windows from the bottom, or changes a width, has to prove this again.

use core::arch::x86_64::{
    __m512i, __mmask8, _mm512_and_si512, _mm512_cmplt_epi64_mask, _mm512_mask_sub_epi64, _mm512_or_si512,
    _mm512_set1_epi64, _mm512_slli_epi64, _mm512_srli_epi64,
};

use super::boundary::{Words, load};
use super::scalar::ORDER;

const _: () = assert!(has_no_exception(5) && has_no_exception(7));

/// Whether no k makes the last addition of windows of `width` bits exceptional: see the module.
const fn has_no_exception(width: u32) -> bool {
    let [low, ..] = ORDER;
    let a = low.wrapping_sub(1 << width) % (1 << (width + 1));
    // An even a is no digit; neither is one of 2ʷ or more.
    a.is_multiple_of(2) || a >= 1 << width
}

/// One digit of eight scalars.
#[derive(Clone, Copy)]
pub(super) struct Digit {
    /// The number of the table's entry for |d|.
    pub(super) entry: __m512i,
    /// Where d is negative.
    pub(super) negative: __mmask8,
}

impl Digit {
    /// From u, for a window of `WIDTH` bits.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new<const WIDTH: u32>(u: __m512i) -> Self {
        let half = 1_i64 << (WIDTH - 1);
        let last = _mm512_set1_epi64(half - 1);
        let negative = _mm512_cmplt_epi64_mask(u, _mm512_set1_epi64(half));
        Self { entry: _mm512_mask_sub_epi64(_mm512_and_si512(u, last), negative, last, u), negative }
    }

    /// The top digit for the generator, which is positive: the one above the scalar and the next three bits.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn top_of_seven(bits: &mut Bits) -> Self {
        Self { entry: bits.take::<3, 61>(), negative: 0 }
    }

    /// The next digit for a peer.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn of_five(bits: &mut Bits) -> Self {
        Self::new::<5>(bits.take::<5, 59>())
    }

    /// The next digit for the generator.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn of_seven(bits: &mut Bits) -> Self {
        Self::new::<7>(bits.take::<7, 57>())
    }
}

/// What is left of the bits of eight scalars, read from the top.
pub(super) struct Bits([__m512i; 4]);

impl Bits {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn new(scalars: &[Words; 4]) -> Self {
        let [s0, s1, s2, s3] = scalars;
        Self([load(s0), load(s1), load(s2), load(s3)])
    }

    /// The next `N` bits, as a number.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn take<const N: u32, const REST: u32>(&mut self) -> __m512i {
        const { assert!(N + REST == 64) };
        let [s0, s1, s2, s3] = self.0;
        let join = |high, low| _mm512_or_si512(_mm512_slli_epi64::<N>(high), _mm512_srli_epi64::<REST>(low));
        self.0 = [_mm512_slli_epi64::<N>(s0), join(s1, s0), join(s2, s1), join(s3, s2)];
        _mm512_srli_epi64::<REST>(s3)
    }
}
