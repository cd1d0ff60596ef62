#![doc = include_str!("../README.md")]

mod escape;
mod fit;
mod shorten;

pub use escape::{escaped_len, write_escaped, write_integer, write_string};
pub use fit::{Cut, FieldSize, Part, TooLarge, fit};
pub use shorten::{ELLIPSIS, shorten};
