//! What several examples share: clocks, a local push service with a receiver, and whoever else is made up.

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

pub mod clock;
pub mod fast_clock;
pub mod local_push;
pub mod platform;
pub mod prometheus;
pub mod twins;
