//! One file per area.

pub mod fcm;
pub mod vapid;
pub mod webpush;
