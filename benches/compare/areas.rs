//! One file per area.

pub mod vapid;
pub mod webpush;
