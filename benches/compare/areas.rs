//! One file per area.

pub mod digest;
pub mod vapid;
pub mod webpush;
