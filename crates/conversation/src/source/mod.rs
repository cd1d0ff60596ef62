//! Events from the wire: strict in what is used, tolerant of the rest.
//!
//! | source | for | function |
//! |---|---|---|
//! | [`Genesys`] | Genesys Cloud notifications and event streams, `routing.…` events (A2, B1) | [`Genesys::read`] |
//! | [`CloudEvents`] | anything else, in the vocabulary of [`event`](crate::event) | [`CloudEvents::read`], [`read_binary`](CloudEvents::read_binary) |
//! | [`Platform`] | the webhooks of a conversation platform (E) | [`Platform::read`] |
//!
//! What is of an unknown kind is counted, and is no error: platforms add kinds. What is malformed is an error that names
//! the path in the document, never the value.

mod cloud_events;
mod error;
mod genesys;
mod participants;
mod platform;
mod subscription;
mod time;

pub use cloud_events::CloudEvents;
pub use error::SourceError;
pub use genesys::Genesys;
pub use platform::Platform;
pub use subscription::{MissingTopic, missing_topics};

pub(crate) use error::from_json;

use crate::Input;

/// What a document from a source was: returned by [`Genesys::read`], [`Platform::read`] and those of [`CloudEvents`].
/// Give inputs to the machine, and what concerns the connection to the loop that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parsed {
    /// Inputs for the machine; none, if nothing in it concerns anybody.
    Inputs(Vec<Input>),
    /// Of a kind that is not known here. Counted.
    Unknown,
    /// The connection's own affairs, for [`Reconnect`](crate::reconnect::Reconnect): it is alive.
    Heartbeat,
    /// The connection will be closed in about a minute: open another one now.
    ClosingSoon,
}

/// How many documents a reader has seen, and how many it did not know or could not read. Read them for your metrics: if
/// the last two grow, the platform has changed something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// All documents that were read, the malformed ones among them.
    pub documents: u64,
    /// Of an unknown kind.
    pub unknown: u64,
    /// Documents that were refused with an error.
    pub malformed: u64,
}

impl Counts {
    fn count(&mut self, parsed: Result<Parsed, SourceError>) -> Result<Parsed, SourceError> {
        self.documents = self.documents.saturating_add(1);
        match &parsed {
            Ok(Parsed::Unknown) => self.unknown = self.unknown.saturating_add(1),
            Err(_) => self.malformed = self.malformed.saturating_add(1),
            Ok(_) => {}
        }
        parsed
    }
}
