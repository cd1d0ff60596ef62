//! All that the compiler cannot check: the only `unsafe` of the workspace.
#![allow(unsafe_code, reason = "vector loads and stores, and the one call into code for IFMA")]

use core::arch::x86_64::{__m512i, _mm512_loadu_si512, _mm512_storeu_si512};

use crate::agree::{self, Group};

/// Eight 64-bit words: one vector in memory.
pub(crate) type Words = [u64; 8];

/// Proof that this processor has AVX-512 F and IFMA. There is no other way to one than [`Ifma::detect`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ifma(());

impl Ifma {
    /// Asks the processor; the standard library remembers the answer.
    pub(crate) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
        found.then_some(Self(()))
    }

    /// The agreements, in code for such processors.
    pub(crate) fn agree(self, groups: &mut [Group]) -> Result<(), reveille_crypto::CryptoError> {
        // SAFETY: `self` exists only where the processor has what `agree::all` is compiled for.
        unsafe { agree::all(groups) }
    }
}

/// Eight words into a register.
#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn load(words: &Words) -> __m512i {
    // SAFETY: the reference is to 64 readable bytes, and this load needs no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

/// A register into eight words.
#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn store(register: __m512i) -> Words {
    let mut words = [0; 8];
    // SAFETY: the reference is to 64 writable bytes, and this store needs no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), register) };
    words
}
