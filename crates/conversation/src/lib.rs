#![doc = include_str!("../README.md")]

pub mod callback;
pub mod content;
pub mod event;
mod id;
mod input;
mod machine;
mod output;
mod reason;
pub mod reconnect;
pub mod rules;
pub mod source;
mod text;
mod words;

pub use id::{
    AppId, ConversationId, DeviceId, EventId, InvalidId, MAX_ID, MessageId, OfferId, PersonId, QueueId,
};
pub use input::{Answer, DecodeError, Input};
pub use machine::{Conversations, RestoreError, Ringing, Seed};
pub use output::{
    Arguments, CollapseKey, Episode, Forms, Generation, Intent, Lookup, LookupKey, Note, Noted, Output,
    Suppressed, Takes, Withdraw,
};
pub use reason::Reason;
pub use text::{MAX_TEXT, Text};
pub use words::{
    CallbackMode, CancelForm, Cause, Channel, Channels, Handover, Kind, Media, MessageKind, Presence,
    PresenceFilter, Role, Slot, Urgency,
};
