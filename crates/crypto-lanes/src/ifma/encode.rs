//! Between the bytes of one key and the lanes of eight.

use super::boundary::Words;
use super::field::Stored;
use super::scalar::{Scalar, from_be_bytes};

const MASK: u64 = (1 << 52) - 1;

/// Puts a number, 32 bytes, most significant first, into a lane.
pub(super) fn put(bytes: &[u8; 32], lane: usize, to: &mut Stored) {
    let [w0, w1, w2, w3] = from_be_bytes(bytes);
    let limbs = [w0, w0 >> 52 | w1 << 12, w1 >> 40 | w2 << 24, w2 >> 28 | w3 << 36, w3 >> 16];
    put_words(&limbs.map(|limb| limb & MASK), lane, &mut to.0);
}

/// Puts a scalar into a lane.
pub(super) fn put_scalar(scalar: &Scalar, lane: usize, to: &mut [Words; 4]) {
    put_words(scalar, lane, to);
}

fn put_words<const N: usize>(words: &[u64; N], lane: usize, to: &mut [Words; N]) {
    for (word, lanes) in words.iter().zip(to) {
        if let Some(place) = lanes.get_mut(lane) {
            *place = *word;
        }
    }
}

/// The number of a lane, below 2²⁵⁶, as bytes.
pub(super) fn take(from: &Stored, lane: usize, to: &mut [u8; 32]) {
    let [l0, l1, l2, l3, l4] = from.0.each_ref().map(|lanes| lanes.get(lane).copied().unwrap_or_default());
    let words = [l0 | l1 << 52, l1 >> 12 | l2 << 40, l2 >> 24 | l3 << 28, l3 >> 36 | l4 << 16];
    for (word, place) in words.iter().rev().zip(to.as_chunks_mut::<8>().0) {
        *place = word.to_be_bytes();
    }
}
