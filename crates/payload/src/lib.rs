#![doc = include_str!("../README.md")]

mod error;
mod escape;
mod fit;
mod limit;
mod object;
mod read;
mod shorten;
mod text;
mod writer;

pub use error::Error;
pub use escape::{escaped_len, write_escaped, write_integer, write_string};
pub use fit::{Cut, FieldSize, Part, TooLarge, fit};
pub use limit::SizeLimit;
pub use object::{JsonInto, JsonObject};
pub use read::{InvalidJson, from_json};
pub use shorten::{ELLIPSIS, shorten};
pub use text::{InvalidText, check_text};
pub use writer::{ObjectWriter, WriteJson};
