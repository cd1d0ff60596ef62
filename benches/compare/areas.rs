//! One file per area.

pub mod apns;
pub mod conversation;
pub mod delivery;
pub mod digest;
pub mod fcm;
pub mod gateway;
pub mod resume;
pub mod vapid;
pub mod webpush;
