//! Why a token does not resume, and whether that is fraud.

use std::fmt;

use crate::{Binding, Mismatch};

/// Why a token does not resume. Log it, and show it to your fraud desk; the client learns none of it.
///
/// The variants stand in the order in which they are tested: a token with several faults gets the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// There was no token: a cold start of the app.
    Absent,
    /// Wrong length, alphabet or structure.
    Malformed,
    /// A version of the compact format that this build does not know.
    UnknownVersion,
    /// The header names another algorithm than the one the key is for, `none` included.
    WrongAlgorithm,
    /// The header names another type than [`TOKEN_TYPE`](crate::jose::TOKEN_TYPE): a JWT made for something else.
    WrongType,
    /// No key with this id, or no longer.
    UnknownKey,
    /// The MAC, the signature or the tag is wrong: forged, damaged, or made with another key of the same id.
    Forged,
    /// Genuine, but presented for other ids than it was issued for.
    WrongBinding(Mismatch),
    /// Made with a key at or after the time from which that key is revoked, or, by its own account, after everybody had
    /// stopped using a compromised key.
    KeyRevoked,
    /// Made with a compromised key: by whom, nobody can tell.
    KeyCompromised,
    /// The contact, conversation, device or channel was revoked after the token was issued.
    SubjectRevoked(Binding),
    /// So old that it may have been revoked by something that is forgotten since.
    TooOld,
    /// Issued further in the future than the leeway allows.
    NotYetValid,
    /// Its time is over: see [`Verdict::Expired`](crate::Verdict::Expired).
    Expired,
    /// Its shard belongs to another replay set: ask the node that owns it.
    WrongShard,
    /// It was used before, by another attempt.
    Replayed,
    /// The same attempt of the same client that used it, later than its lease.
    RepeatedAttempt,
    /// Another attempt holds it at this moment and has neither committed nor aborted.
    InUse,
    /// Issued before the replay set began to know all uses.
    ColdStart,
    /// The replay set is full, or would have to remember the token for more than 97 days.
    Full,
    /// The shared store did not answer.
    StoreUnavailable,
}

impl Reason {
    /// Whether somebody should look at it: a genuine token in the wrong hands, used twice, or made with a stolen key.
    ///
    /// A forged token is not: anybody can send rubbish in anybody's name, and so raise alarms about a stranger.
    #[must_use]
    pub const fn is_fraud(self) -> bool {
        match self {
            Self::WrongBinding(_) | Self::KeyRevoked | Self::Replayed => true,
            Self::Absent
            | Self::Malformed
            | Self::UnknownVersion
            | Self::WrongAlgorithm
            | Self::WrongType
            | Self::UnknownKey
            | Self::Forged
            | Self::KeyCompromised
            | Self::SubjectRevoked(_)
            | Self::TooOld
            | Self::NotYetValid
            | Self::Expired
            | Self::WrongShard
            | Self::RepeatedAttempt
            | Self::InUse
            | Self::ColdStart
            | Self::Full
            | Self::StoreUnavailable => false,
        }
    }

    /// A stable `snake_case` name. A wrong binding is named after the first id that differs: `wrong_device`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Malformed => "malformed",
            Self::UnknownVersion => "unknown_version",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::WrongType => "wrong_type",
            Self::UnknownKey => "unknown_key",
            Self::Forged => "forged",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::WrongBinding(mismatch) => match mismatch.first() {
                Some(Binding::Contact) | None => "wrong_contact",
                Some(Binding::Conversation) => "wrong_conversation",
                Some(Binding::Device) => "wrong_device",
                Some(Binding::Channel) => "wrong_channel",
            },
            Self::KeyRevoked => "key_revoked",
            Self::KeyCompromised => "key_compromised",
            Self::SubjectRevoked(_) => "subject_revoked",
            Self::TooOld => "too_old",
            Self::WrongShard => "wrong_shard",
            Self::Replayed => "replayed",
            Self::RepeatedAttempt => "repeated_attempt",
            Self::InUse => "in_use",
            Self::ColdStart => "cold_start",
            Self::Full => "full",
            Self::StoreUnavailable => "store_unavailable",
        }
    }
}

/// The [`name`](Reason::name).
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
