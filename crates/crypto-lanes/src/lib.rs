#![doc = include_str!("../README.md")]

#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(not(target_arch = "x86_64"))]
#[path = "elsewhere.rs"]
mod ifma;
mod lanes;

pub use lanes::Lanes;
