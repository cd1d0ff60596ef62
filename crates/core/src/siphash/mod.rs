//! SipHash (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012), keyed: nobody without the key can choose
//! inputs that collide. Two shapes, each for what a general hasher is too slow at. No table, no branch on a secret.

mod one_three;
mod two_four;

pub use one_three::{Halfway, Sip13};
pub use two_four::SipHash24;

/// One round over the four words of the state.
#[inline(always)]
const fn round([mut a, mut b, mut c, mut d]: [u64; 4]) -> [u64; 4] {
    a = a.wrapping_add(b);
    b = b.rotate_left(13) ^ a;
    a = a.rotate_left(32);
    c = c.wrapping_add(d);
    d = d.rotate_left(16) ^ c;
    a = a.wrapping_add(d);
    d = d.rotate_left(21) ^ a;
    c = c.wrapping_add(b);
    b = b.rotate_left(17) ^ c;
    c = c.rotate_left(32);
    [a, b, c, d]
}
