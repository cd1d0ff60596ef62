//! One file per area.

pub mod apns;
pub mod vapid;
pub mod webpush;
