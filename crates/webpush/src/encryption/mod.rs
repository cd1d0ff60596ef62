//! Message encryption for Web Push (RFC 8291) over the content coding `aes128gcm` (RFC 8188).

mod content_coding;
mod key_schedule;
mod seal;

pub(crate) use content_coding::decrypt_content;
pub(crate) use key_schedule::input_keying_material;
pub use seal::{MAX_BODY, seal_with};
