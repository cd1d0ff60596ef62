//! One file per area.

pub mod resume;
pub mod vapid;
pub mod webpush;
