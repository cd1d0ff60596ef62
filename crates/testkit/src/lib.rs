#![doc = include_str!("../README.md")]

pub mod adversity;
pub mod apns;
#[cfg(feature = "compliance")]
pub mod compliance;
pub mod fcm;
pub mod rfc8291;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "store")]
pub mod store;
pub mod webpush;
