#![doc = include_str!("../README.md")]

pub mod callback;
pub mod content;
mod error;
pub mod event;
mod few;
pub mod id;
mod input;
mod machine;
mod output;
mod reason;
pub mod reconnect;
pub mod rules;
pub mod source;
pub mod text;
mod words;

/// What the machine asks before it tells somebody something, and the answers.
pub mod lookup {
    pub use crate::input::Answer;
    pub use crate::output::{Lookup, LookupKey, Takes};
}

pub use error::Error;
pub use input::{DecodeError, Input};
pub use machine::{Conversations, RestoreError, Ringing, Seed};
pub use output::{
    Arguments, CollapseKey, Episode, Forms, Generation, Intent, Note, Noted, Output, Suppressed, Withdraw,
};
pub use reason::Reason;
pub use words::{Cause, Channel, Kind, Media, Slot, Urgency};
