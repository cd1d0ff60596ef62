#![doc = include_str!("../README.md")]

mod answer;
mod app;
mod credentials;
mod message;
mod person;
mod pick;
mod resume;
mod sent;
mod unwritten;
mod write;
mod writer;

pub use answer::{Answered, DeviceEffect};
pub use app::App;
pub use credentials::{Credential, Fetch, SignatureRefused, WriterOutput};
pub use person::{Person, Preferences, Quiet};
pub use pick::{Answer, Choice, Picked, Skip};
pub use resume::{ResumeTokens, TokensForKind};
pub use sent::{Ready, Sent, Way};
pub use unwritten::Unwritten;
pub use write::{Leg, Written};
pub use writer::Writer;
