//! One file per area.

pub mod digest;
pub mod resume;
pub mod fcm;
pub mod vapid;
pub mod webpush;
