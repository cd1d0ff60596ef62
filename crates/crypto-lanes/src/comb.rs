use core::arch::x86_64::{
    __m512i, __mmask8, _mm512_cmplt_epi64_mask, _mm512_mask_mov_epi64, _mm512_mask_sub_epi64,
    _mm512_permutex2var_epi64, _mm512_set1_epi64, _mm512_and_si512, _mm512_test_epi64_mask,
};

use crate::boundary::{Words, load};
use crate::field::{Fe, ONE};
use crate::point::Jacobian;
use crate::window::Bits;

const WINDOWS: usize = 37;
const ENTRIES: usize = 64;

/// One 64-bit word of all entries of a window
type Column = [u64; ENTRIES];

static TABLE: [[Column; 10]; WINDOWS] = words(include_bytes!("comb/table.bin"));

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time: an index out of range does not compile")]
const fn words(bytes: &[u8; WINDOWS * 10 * ENTRIES * 8]) -> [[Column; 10]; WINDOWS] {
    let (words, _) = bytes.as_chunks::<8>();
    let mut table = [[[0; ENTRIES]; 10]; WINDOWS];
    let mut at = 0;
    while at < words.len() {
        table[at / (10 * ENTRIES)][at / ENTRIES % 10][at % ENTRIES] = u64::from_le_bytes(words[at]);
        at += 1;
    }
    table
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn pick(limbs: &[u64; 64], at: __m512i, bit4: __mmask8, bit5: __mmask8) -> __m512i {
    let (vectors, _) = limbs.as_chunks::<8>();
    let [v0, v1, v2, v3, v4, v5, v6, v7] = vectors else { return at };
    let pair = |a: &Words, b: &Words| _mm512_permutex2var_epi64(load(a), at, load(b));
    let low = _mm512_mask_mov_epi64(pair(v0, v1), bit4, pair(v2, v3));
    let high = _mm512_mask_mov_epi64(pair(v4, v5), bit4, pair(v6, v7));
    _mm512_mask_mov_epi64(low, bit5, high)
}

/// k·G; odd k, of which the lowest bit is not looked at.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn multiply(scalars: &[Words; 4]) -> Jacobian {
    let mut bits = Bits::new(scalars);
    let mut q = None;
    let mut flip = 0;
    for window in TABLE.iter().rev() {
        let digit = match q {
            None => {
                let top = bits.take::<3, 61>();
                core::arch::x86_64::_mm512_or_si512(top, _mm512_set1_epi64(64))
            }
            Some(_) => bits.take::<7, 57>(),
        };
        let negative = _mm512_cmplt_epi64_mask(digit, _mm512_set1_epi64(64));
        let at = _mm512_and_si512(digit, _mm512_set1_epi64(63));
        let at = _mm512_mask_sub_epi64(at, negative, _mm512_set1_epi64(63), digit);
        let bit4 = _mm512_test_epi64_mask(at, _mm512_set1_epi64(16));
        let bit5 = _mm512_test_epi64_mask(at, _mm512_set1_epi64(32));
        let [x0, x1, x2, x3, x4, y0, y1, y2, y3, y4] = window.each_ref().map(|limbs| pick(limbs, at, bit4, bit5));
        let (x, y): (Fe<16>, Fe<16>) = (Fe([x0, x1, x2, x3, x4]), Fe([y0, y1, y2, y3, y4]));
        q = Some(match q {
            None => Jacobian { x: x.widen(), y: y.factor().widen(), z: Fe::<48>::splat(ONE).factor() },
            Some(q) => {
                let lanes = negative ^ flip;
                flip ^= 0xff;
                q.minus_add(&x.factor().widen(), &y.widen::<18>().negate_where::<32>(lanes))
            }
        });
    }
    q.unwrap_or(Jacobian { x: Fe::splat(ONE), y: Fe::<40>::splat(ONE).factor(), z: Fe::<48>::splat(ONE).factor() })
}
