//! What the compiler cannot check: all `unsafe` code of the workspace.
#![allow(unsafe_code, reason = "vector loads and stores, and the call into code for one kind of processor")]

use core::arch::x86_64::{__m512i, _mm512_loadu_si512, _mm512_storeu_si512};

use reveille_crypto::CryptoError;

use super::agree::{self, Group};

/// Eight 64-bit words, one per lane: a vector in memory.
pub(super) type Words = [u64; 8];

/// Proof that this processor has AVX-512 F and IFMA; there is no way to one but [`Ifma::detect`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ifma(());

impl Ifma {
    /// Asks the processor. The standard library asks once and remembers.
    pub(crate) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
        found.then_some(Self(()))
    }

    /// [`agree::all`].
    pub(super) fn agree(self, groups: &mut [Group]) -> Result<(), CryptoError> {
        // SAFETY: `self` exists only where the processor has the two features `agree::all` is compiled for.
        unsafe { agree::all(groups) }
    }

    /// Calls a test's function that is compiled for the two features and has no other precondition.
    #[cfg(test)]
    pub(super) fn run<A, R>(self, work: unsafe fn(A) -> R, argument: A) -> R {
        // SAFETY: as above.
        unsafe { work(argument) }
    }
}

/// Eight words into a register.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(words: &Words) -> __m512i {
    // SAFETY: the reference is to 64 readable bytes, and this load needs no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

/// A register into eight words.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store(register: __m512i) -> Words {
    let mut words = [0; 8];
    // SAFETY: the reference is to 64 writable bytes, and this store needs no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), register) };
    words
}
