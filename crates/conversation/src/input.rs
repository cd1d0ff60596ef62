//! What the machine is told, and its encoding in a log.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::event::{Event, PersonEvent, QueueEvent};
use crate::lookup::LookupKey;
use crate::rules::Rules;
use crate::text::Text;

/// One thing that the machine is told: an event, an answer to a look-up, other rules, or that time has passed. Give
/// each one to [`Conversations`](crate::machine::Conversations); write it to your log before, with
/// [`encode`](Self::encode), if you replay logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all inputs are events: a box would be an allocation for each"
)]
pub enum Input {
    /// Something happened in a conversation.
    Event(Event),
    /// Something about a person, in all their conversations here.
    Person(PersonEvent),
    /// Something about a queue, for all callbacks that wait in it here.
    Queue(QueueEvent),
    /// A look-up's answer.
    Answer(Answer),
    /// Other rules from now on. What rings already is not touched.
    Rules(Box<Rules>),
    /// Time passed: give it at [`next_wakeup`](reveille_core::Machine::next_wakeup) if nothing else comes.
    Tick,
}

/// The answer to a [`Lookup`](crate::output::Lookup): the text that was wanted, or that nobody knows it. Give it to the
/// machine as [`Input::Answer`]; a notification that waits for nothing else then leaves at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Answer {
    /// What was asked.
    pub of: LookupKey,
    /// What it is; `None` if nobody knows, so that nothing waits longer.
    pub text: Option<Text>,
}

/// The encoding's version: the first byte of an encoded input.
const VERSION: u8 = 1;

/// Why bytes are not an input: the error of [`Input::decode`]. A log that gives it was written by another version of
/// this library, or is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It is of a version that is not known here.
    #[error("the input has version {given}: this library reads version {VERSION}")]
    Version {
        /// What it has.
        given: u8,
    },
    /// It was cut or changed.
    #[error("the input is damaged")]
    Damaged,
}

impl Input {
    /// Appends the compact form that a log holds: a version byte, then the fields, numbers as LEB128.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        let start = out.len();
        // Writing to a vector cannot fail; if it did, the input would read as damaged.
        if let Ok(bytes) = postcard::to_extend(self, std::mem::take(out)) {
            *out = bytes;
        } else {
            out.truncate(start);
        }
    }

    /// Reads what [`encode`](Self::encode) wrote, to the last byte.
    ///
    /// # Errors
    /// [`DecodeError`] if it is of another version, cut or changed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (version, rest) = bytes.split_first().ok_or(DecodeError::Damaged)?;
        if *version != VERSION {
            return Err(DecodeError::Version { given: *version });
        }
        let (input, rest) = postcard::take_from_bytes::<Self>(rest).map_err(|_| DecodeError::Damaged)?;
        let sound = match &input {
            Self::Rules(rules) => rules.check().is_ok(),
            _ => true,
        };
        if rest.is_empty() && sound { Ok(input) } else { Err(DecodeError::Damaged) }
    }
}

impl From<Event> for Input {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_errors() {
        insta::assert_snapshot!(Input::decode(&[9, 0]).unwrap_err(), @"the input has version 9: this library reads version 1");
        insta::assert_snapshot!(Input::decode(&[1, 77]).unwrap_err(), @"the input is damaged");
    }

    #[test]
    fn a_tick_takes_two_bytes_and_nothing_may_follow() {
        let mut bytes = Vec::new();
        Input::Tick.encode(&mut bytes);
        assert_eq!(bytes.len(), 2);
        assert_eq!(Input::decode(&bytes), Ok(Input::Tick));
        bytes.push(0);
        assert_eq!(Input::decode(&bytes), Err(DecodeError::Damaged));
    }
}
