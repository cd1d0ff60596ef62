#![doc = include_str!("../README.md")]

#[cfg(target_arch = "x86_64")]
mod ifma;
mod lanes;

pub use lanes::Lanes;

/// How many agreements are made at a time.
const LANES: usize = 8;
