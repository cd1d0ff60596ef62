//! One file per area.

pub mod digest;
pub mod fcm;
pub mod resume;
pub mod vapid;
pub mod webpush;
