//! A stack without remains of secrets.

use std::hint::black_box;

use zeroize::Zeroize as _;

/// Words of 8 bytes, which are wiped one by one: 64 KiB, more than any key is loaded with, in a debug build too.
const WORDS: usize = 8 * 1_024;

/// Calls `f`, then overwrites the 64 KiB of stack that it had below it.
///
/// Moving a value leaves a copy where it was, and parsers and backends move scalars about in frames that nobody wipes. For
/// a backend that loads or generates a key; let the result hold its secrets on the heap.
///
/// ```
/// assert_eq!(reveille_crypto::with_wiped_stack(|| 2 + 2), 4);
/// ```
pub fn with_wiped_stack<T>(f: impl FnOnce() -> T) -> T {
    let out = call(f);
    wipe();
    out
}

/// Its frame, and those of all that it calls, lie where [`wipe`]'s will.
#[inline(never)]
fn call<T>(f: impl FnOnce() -> T) -> T {
    f()
}

#[inline(never)]
fn wipe() {
    let mut stack = [0_u64; WORDS];
    black_box(&mut stack).zeroize();
}
