//! The removed API's JSON (`/fcm/send`, shut down from 2024-07-22) as v1, with a list of what is not the same.

mod convert;
mod errors;
mod notification;

pub use convert::convert;
pub use errors::legacy_error_code;

use std::borrow::Cow;
use std::fmt;

use reveille_payload::{InvalidJson, InvalidText};
use thiserror::Error;

use crate::message::Message;
use crate::target::{InvalidCondition, Target};

/// Why a legacy request cannot be converted at all; the error of [`convert`]. It repeats no value of the request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LegacyError {
    /// Not a JSON object.
    #[error("legacy request: {0}")]
    Json(#[from] InvalidJson),
    /// A field that says where it goes is of another kind.
    #[error("legacy request: {field}: expected {expected}")]
    Kind {
        /// Where it stands.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// None, or more than one, of `to`, `registration_ids` and `condition`.
    #[error("legacy request needs exactly one of to, registration_ids and condition; found {found}")]
    Targets {
        /// How many were found.
        found: usize,
    },
    /// More tokens than the old API took.
    #[error("legacy request has {count} registration_ids, the limit is {limit}")]
    TooManyTargets {
        /// How many tokens were given.
        count: usize,
        /// How many tokens are accepted.
        limit: usize,
    },
    /// A target is malformed.
    #[error("legacy request: {field}: {error}")]
    Target {
        /// Where it stands.
        field: &'static str,
        /// What is wrong with it.
        error: InvalidText,
    },
    /// The condition is malformed.
    #[error("legacy request: {0}")]
    Condition(#[from] InvalidCondition),
}

/// A legacy request in the terms of v1, as [`convert`] returns it: send the message to each of the targets, and show
/// the notes to whoever owns the old request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Converted {
    /// The message, the same for all targets.
    pub message: Message,
    /// The targets; v1 takes one request each.
    pub targets: Vec<Target>,
    /// Whether it is a dry run (`dry_run`).
    pub validate_only: bool,
    /// What is lost or is not the same as before.
    pub notes: Vec<Note>,
}

impl Converted {
    /// The fields that could not be mapped.
    pub fn unmapped(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.lost)
    }
}

/// Something about a field of a legacy request that [`convert`] has to say: it is lost, or v1 means something else by
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// Its path, such as `notification.badge`; cut to 64 bytes per step.
    pub field: String,
    /// Whether it is lost; otherwise it is mapped, but not one to one.
    pub lost: bool,
    /// Why it is lost, or what is different.
    pub why: Cow<'static, str>,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.lost { "not mapped" } else { "changed" };
        write!(f, "{} {what}: {}", self.field, self.why)
    }
}
