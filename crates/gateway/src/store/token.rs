//! What a store says about a resume token's use.

use reveille_resume::store::{StoreChange, StoreReply};

/// What a store said to a [`StoreCommand`](reveille_resume::store::StoreCommand): returned by
/// [`Store::token`](super::Store::token). Give [`reply`](Self::reply) or [`change`](Self::change) on.
///
/// ```
/// use reveille_gateway::store::TokenAnswer;
/// use reveille_resume::store::{StoreChange, StoreReply};
///
/// assert_eq!(TokenAnswer::Held("r.1.5".into()).reply(), StoreReply::Held("r.1.5"));
/// assert_eq!(TokenAnswer::Done.change(), StoreChange::Done);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "users match all of it: there is nothing else")]
pub enum TokenAnswer {
    /// To `SetIfAbsent`: there was nothing, it is ours. To the others: it was done.
    Done,
    /// To `SetIfAbsent`: there was this value.
    Held(String),
    /// To `Replace` and `Delete`: the value was another one, or gone.
    Refused,
}

impl TokenAnswer {
    /// As the answer to `SetIfAbsent`, for [`ExternalStore::settle`](reveille_resume::ExternalStore::settle).
    #[must_use]
    pub fn reply(&self) -> StoreReply<'_> {
        match self {
            Self::Done => StoreReply::Stored,
            Self::Held(value) => StoreReply::Held(value),
            Self::Refused => StoreReply::Unavailable,
        }
    }

    /// As the answer to `Replace` and `Delete`: [`StoreChange::committed`] says what it means.
    #[must_use]
    pub const fn change(&self) -> StoreChange {
        match self {
            Self::Done => StoreChange::Done,
            Self::Held(_) | Self::Refused => StoreChange::Refused,
        }
    }
}
