//! Products with the generator, from a table of its multiples: no doublings.
//!
//! `comb/table.bin` (189,440 bytes) is made by `examples/comb_table.rs` with other people's arithmetic, and made again by
//! `tests/comb_table.rs`. For each of 37 windows j it holds the 64 odd multiples (2i + 1)·2⁷ʲ·G.

use core::arch::x86_64::{
    __m512i, _mm512_mask_mov_epi64, _mm512_permutex2var_epi64, _mm512_set1_epi64, _mm512_test_epi64_mask,
};

use super::boundary::{Words, load};
use super::digits::{Bits, Digit};
use super::field::Element;
use super::point::{Affine, Jacobian};

const WINDOWS: usize = 37;
const ENTRIES: usize = 64;

/// A limb of all entries of a window.
type Column = [u64; ENTRIES];
/// Five limbs of x, five of y.
type Window = [Column; 10];

static TABLE: [Window; WINDOWS] = words(include_bytes!("comb/table.bin"));

#[expect(clippy::indexing_slicing, reason = "at compile time, where an index out of range does not compile")]
const fn words(bytes: &[u8; WINDOWS * 10 * ENTRIES * 8]) -> [Window; WINDOWS] {
    let (words, _none) = bytes.as_chunks::<8>();
    let mut table = [[[0; ENTRIES]; 10]; WINDOWS];
    let mut at = 0;
    while at < words.len() {
        table[at / (10 * ENTRIES)][at / ENTRIES % 10][at % ENTRIES] = u64::from_le_bytes(words[at]);
        at += 1;
    }
    table
}

/// k·G for odd k in [1, n − 1]. That no addition is exceptional: [`digits`](super::digits).
///
/// ```text
/// A = d₃₆·2²⁵²·G
/// for i = 35 down to 0:
///     A = −(A ∓ dᵢ·2⁷ⁱ·G)         the upper sign in the first turn, then the other, and so on
/// return A                        36 turns: the sign is right
/// ```
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn multiply(scalars: &[Words; 4]) -> Jacobian {
    let mut bits = Bits::new(scalars);
    let [lower @ .., top] = &TABLE;
    let mut sum = Jacobian::from_affine(&entry(top, Digit::top_of_seven(&mut bits)));
    let mut inverted = 0;
    for window in lower.iter().rev() {
        let digit = Digit::of_seven(&mut bits);
        let Affine { x, y } = entry(window, digit);
        sum = sum.minus_add(&x.factor(), &y.negated(digit.negative ^ inverted));
        inverted ^= 0xff;
    }
    sum
}

/// |d| times the window's multiple of the generator. All of the window is read, whatever the digits are.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn entry(window: &Window, digit: Digit) -> Affine {
    let [x0, x1, x2, x3, x4, y0, y1, y2, y3, y4] = window;
    let of = |column| pick(column, digit.entry);
    Affine {
        x: Element::from_limbs([of(x0), of(x1), of(x2), of(x3), of(x4)]).widen(),
        y: Element::from_limbs([of(y0), of(y1), of(y2), of(y3), of(y4)]).widen(),
    }
}

/// One of 64 words for each lane. The permutation takes four bits of the entry's number, the two blends the others.
#[inline]
#[target_feature(enable = "avx512f")]
fn pick(column: &Column, entry: __m512i) -> __m512i {
    let (vectors, _none) = column.as_chunks::<8>();
    let [v0, v1, v2, v3, v4, v5, v6, v7] = vectors else { return entry };
    let of_16 = |low: &Words, high: &Words| _mm512_permutex2var_epi64(load(low), entry, load(high));
    let bit4 = _mm512_test_epi64_mask(entry, _mm512_set1_epi64(16));
    let bit5 = _mm512_test_epi64_mask(entry, _mm512_set1_epi64(32));
    let low = _mm512_mask_mov_epi64(of_16(v0, v1), bit4, of_16(v2, v3));
    let high = _mm512_mask_mov_epi64(of_16(v4, v5), bit4, of_16(v6, v7));
    _mm512_mask_mov_epi64(low, bit5, high)
}
