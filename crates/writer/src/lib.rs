#![doc = include_str!("../README.md")]

mod answer;
mod app;
mod credentials;
mod error;
mod invisible;
mod languages;
mod message;
mod metrics;
mod person;
mod pick;
mod resume;
mod sent;
mod unwritten;
mod write;
mod writer;

/// What a writer's keys and accounts ask for: signatures from elsewhere, access tokens.
pub mod credential {
    pub use crate::credentials::{Credential, Fetch, SignatureRefused, WriterOutput};
}

/// What is said about each device of a person: why it is told or not, and what an answer says of it.
pub mod device {
    pub use crate::answer::DeviceEffect;
    pub use crate::pick::{Choice, Skip};
}

/// When a person is to be left alone, and what they do not want.
pub mod wishes {
    pub use crate::person::{Preferences, Quiet};
}

pub use answer::Answered;
pub use app::App;
pub use error::Error;
pub use invisible::Invisible;
pub use languages::Languages;
pub use person::Person;
pub use pick::{Answer, Picked};
pub use resume::{ResumeTokens, TokensForKind};
pub use sent::{Ready, Sent, Way};
pub use unwritten::Unwritten;
pub use write::{Leg, Written};
pub use writer::Writer;
