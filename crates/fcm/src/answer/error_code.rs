//! `google.firebase.fcm.v1.ErrorCode`.

use std::borrow::Cow;

/// FCM's own word for what went wrong; [`ErrorBody`](super::ErrorBody) has it. It stands in `details`; `error.status`
/// is Google's general word, not this one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorCode {
    /// `UNSPECIFIED_ERROR`: nothing more is known.
    Unspecified,
    /// `INVALID_ARGUMENT`: the message, or the token's form; see [`classify`](super::classify).
    InvalidArgument,
    /// `UNREGISTERED`: the target is gone.
    Unregistered,
    /// `SENDER_ID_MISMATCH`: the target belongs to another project.
    SenderIdMismatch,
    /// `QUOTA_EXCEEDED`: too fast, for the project, the topic or the device.
    QuotaExceeded,
    /// `UNAVAILABLE`: overloaded.
    Unavailable,
    /// `INTERNAL`: FCM's fault.
    Internal,
    /// `THIRD_PARTY_AUTH_ERROR`: the APNs key or the Web Push credential in the Firebase console.
    ThirdPartyAuthError,
    /// A word that this version does not know.
    Other(String),
}

impl ErrorCode {
    /// From the word, whatever it is. The old name `APNS_AUTH_ERROR` is known.
    #[must_use]
    pub fn new(word: &str) -> Self {
        match word {
            "UNSPECIFIED_ERROR" => Self::Unspecified,
            "INVALID_ARGUMENT" => Self::InvalidArgument,
            "UNREGISTERED" => Self::Unregistered,
            "SENDER_ID_MISMATCH" => Self::SenderIdMismatch,
            "QUOTA_EXCEEDED" => Self::QuotaExceeded,
            "UNAVAILABLE" => Self::Unavailable,
            "INTERNAL" => Self::Internal,
            "THIRD_PARTY_AUTH_ERROR" | "APNS_AUTH_ERROR" => Self::ThirdPartyAuthError,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Returns the word as FCM writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unspecified => "UNSPECIFIED_ERROR",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::Unregistered => "UNREGISTERED",
            Self::SenderIdMismatch => "SENDER_ID_MISMATCH",
            Self::QuotaExceeded => "QUOTA_EXCEEDED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
            Self::ThirdPartyAuthError => "THIRD_PARTY_AUTH_ERROR",
            Self::Other(word) => word,
        }
    }

    pub(crate) fn into_reason(self) -> Cow<'static, str> {
        match self {
            Self::Other(word) => Cow::Owned(word),
            Self::Unspecified => Cow::Borrowed("UNSPECIFIED_ERROR"),
            Self::InvalidArgument => Cow::Borrowed("INVALID_ARGUMENT"),
            Self::Unregistered => Cow::Borrowed("UNREGISTERED"),
            Self::SenderIdMismatch => Cow::Borrowed("SENDER_ID_MISMATCH"),
            Self::QuotaExceeded => Cow::Borrowed("QUOTA_EXCEEDED"),
            Self::Unavailable => Cow::Borrowed("UNAVAILABLE"),
            Self::Internal => Cow::Borrowed("INTERNAL"),
            Self::ThirdPartyAuthError => Cow::Borrowed("THIRD_PARTY_AUTH_ERROR"),
        }
    }
}
