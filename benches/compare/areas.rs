//! One file per area.

pub mod apns;
pub mod digest;
pub mod vapid;
pub mod webpush;
