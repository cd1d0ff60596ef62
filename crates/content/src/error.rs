//! Why something is not written.

use reveille_conversation::content::InvalidTexts;
use reveille_conversation::{Channel, Kind};
use reveille_payload::TooLarge;
use thiserror::Error;

/// Why a push cannot be written; returned by all functions of [`Templates`](crate::Templates). No text of it holds a token, a name or what somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidContent {
    /// Its time is over: a late ring is not shown (B5).
    #[error("{kind}: it was of use until {not_after_ms} ms, and it is {now_ms} ms")]
    Late {
        /// What.
        kind: Kind,
        /// When it ended.
        not_after_ms: u64,
        /// What time it is.
        now_ms: u64,
    },
    /// The rules do not send it on this channel (E5).
    #[error("{kind}: the rules do not send it by {channel}")]
    Channel {
        /// What.
        kind: Kind,
        /// The channel that was asked for.
        channel: Channel,
    },
    /// Only a call may ring as VoIP (B1).
    #[error("{kind}: only a call may be sent as VoIP")]
    NotACall {
        /// What was to ring.
        kind: Kind,
    },
    /// It is no absolute https URL, or has more than scheme, host and path.
    #[error("origin: expected an absolute https URL without query and fragment, found another text")]
    Origin,
    /// A setting that is empty.
    #[error("{name}: expected a name, found an empty text")]
    Empty {
        /// Which.
        name: &'static str,
    },
    /// The texts cannot be used.
    #[error(transparent)]
    Texts(#[from] InvalidTexts),
    /// There is no text for it, in English neither.
    #[error("no text with the key {key:?}")]
    NoText {
        /// The key that was looked for.
        key: String,
    },
    /// It does not fit, whatever is cut (C5).
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// A rule of Apple's.
    #[error("APNs: {0}")]
    Apns(#[from] reveille_apns::Error),
    /// A rule of Google's.
    #[error("FCM: {0}")]
    Fcm(#[from] reveille_fcm::Error),
    /// A rule of Web Push.
    #[error("Web Push: {0}")]
    WebPush(#[from] reveille_webpush::Error),
}
