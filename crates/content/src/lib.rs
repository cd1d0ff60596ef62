#![doc = include_str!("../README.md")]

mod apns;
mod error;
mod facts;
mod fallback;
mod fcm;
mod found;
mod settings;
mod slip;
mod subject;
mod templates;
mod web_push;

pub use error::InvalidContent;
pub use fallback::Email;
pub use settings::{AndroidForm, ContentSettings};
pub use slip::Slip;
pub use subject::{Subject, call_uuid};
pub use templates::{Templates, Written};
