//! What [`GatewaySettings`](crate::GatewaySettings) are made of, and why some cannot work.

use reveille_conversation as conversation;
use reveille_digest::options::InvalidPolicy;
use thiserror::Error;

pub(crate) mod all;
mod retry;

pub use retry::Retry;

/// Why a gateway cannot be made: the error of [`Gateway::new`](crate::Gateway::new). Check rules and settings with it before they become an input.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidGateway {
    /// A rule.
    #[error(transparent)]
    Rules(#[from] conversation::rules::InvalidRule),
    /// A setting.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// The digest's policy.
    #[error(transparent)]
    Digests(#[from] InvalidPolicy),
}

/// Settings that cannot work: the error of [`Gateway::new`](crate::Gateway::new), which names the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidSettings {
    /// The digest's policy.
    #[error(transparent)]
    Digests(#[from] InvalidPolicy),
    /// A job needs the text of a message.
    #[error("digests.collect is Totals: a notification needs at least the latest message")]
    NothingKept,
    /// What was delivered is not kept, so nobody could write a reminder.
    #[error("digests.reminders must be empty, found {given}")]
    Reminders {
        /// How many.
        given: usize,
    },
    /// A class whose attempts cannot be made.
    #[error("the retries of class {class} need at least one attempt and a cap that is not below the base")]
    Retry {
        /// Which.
        class: u8,
    },
    /// A page for which there is never room, or that has nobody.
    #[error(
        "a page of an audience must have from 1 to {jobs} people, found {page}: as many jobs may be under way"
    )]
    Page {
        /// How many people.
        page: u16,
        /// How many jobs.
        jobs: u32,
    },
    /// A bound or a period of delivery.
    #[error(transparent)]
    Delivery(#[from] reveille_delivery::InvalidSettings),
}
