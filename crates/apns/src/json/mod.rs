//! Writing JSON straight into one buffer, and holding JSON that is already written.

mod custom;
mod entries;
mod object;
mod writer;

pub use custom::Custom;
pub use object::JsonObject;
pub(crate) use writer::{ObjectWriter, key, write_str_array};
