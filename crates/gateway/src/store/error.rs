//! Why a store did not do something.

use thiserror::Error;

/// Why a store did not do something: the error of all methods of [`Store`](super::Store). Match on it to decide whether to
/// wait, to stop taking events in, or to call somebody.
///
/// `detail` is the store's own word for operators. It has no token, no endpoint and no text of anybody.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be reached now. Nothing was changed: try again later.
    #[error("the store cannot be reached: {detail}")]
    Unavailable {
        /// The store's word.
        detail: String,
    },
    /// Nobody knows whether the change was made: its answer was lost. Read before you decide what to do.
    #[error("the store did not say whether it made the change: {detail}")]
    Unknown {
        /// The store's word.
        detail: String,
    },
    /// There is no room. Nothing was changed: take nothing in until there is.
    #[error("the store has no room left")]
    Full,
    /// It may be read, but not written. Nothing was changed.
    #[error("the store can only be read")]
    ReadOnly,
    /// What it holds is not what was written there. Nothing was changed: stop, and take a backup.
    #[error("the store is damaged: {detail}")]
    Damaged {
        /// The store's word.
        detail: String,
    },
    /// It is something else than a store of this kind.
    #[error("this is no store of a gateway: {detail}")]
    Foreign {
        /// What it looks like.
        detail: String,
    },
    /// Another release wrote it.
    #[error("the store has format {given}: this release reads format {expected}")]
    Format {
        /// What it has.
        given: u64,
        /// What is read.
        expected: u64,
    },
    /// Another process has it open, and it can be opened once only.
    #[error("another process has the store open")]
    InUse,
    /// It was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether nothing was changed, for certain. If not, [`load`](super::Store::load) the shards that were written to, and
    /// see.
    #[must_use]
    pub const fn is_certain(&self) -> bool {
        !matches!(self, Self::Unknown { .. })
    }

    /// Whether it may pass by itself, so that the same call is worth another try. The others need somebody.
    #[must_use]
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Unknown { .. } | Self::Full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_pinned() {
        let detail = || "connection reset".to_owned();
        let all = [
            StoreError::Unavailable { detail: detail() },
            StoreError::Unknown { detail: detail() },
            StoreError::Full,
            StoreError::ReadOnly,
            StoreError::Damaged { detail: detail() },
            StoreError::Foreign { detail: detail() },
            StoreError::Format { given: 2, expected: 1 },
            StoreError::InUse,
            StoreError::Closed,
        ];
        let line = |error: &StoreError| format!("{error} ({}, {})", error.is_certain(), error.passes());
        insta::assert_snapshot!(all.iter().map(line).collect::<Vec<_>>().join("\n"), @"
        the store cannot be reached: connection reset (true, true)
        the store did not say whether it made the change: connection reset (false, true)
        the store has no room left (true, true)
        the store can only be read (true, false)
        the store is damaged: connection reset (true, false)
        this is no store of a gateway: connection reset (true, false)
        the store has format 2: this release reads format 1 (true, false)
        another process has the store open (true, false)
        the store is closed (true, false)
        ");
    }

    #[test]
    fn texts_of_refusals_are_pinned() {
        use std::time::Duration;

        use crate::Epoch;
        use crate::store::{Held, InvalidWishes, Lost, Refused, ShardId, Wishes};

        let shard = ShardId(7);
        let all = [
            Held { shard, remaining: Duration::from_millis(1_500) }.to_string(),
            Lost { shard, epoch: Epoch(3) }.to_string(),
            Refused::Stale { epoch: Epoch(3) }.to_string(),
            Refused::Number { next: 5, given: 4 }.to_string(),
            Refused::Effects { done: 5, given: 3 }.to_string(),
            Wishes::from_json(br#"{"v":1,"quiet":"secret"}"#).unwrap_err().to_string(),
            Wishes::from_json(br#"{"v":2}"#).unwrap_err().to_string(),
            InvalidWishes { line: 1, column: 2 }.to_string(),
        ];
        insta::assert_snapshot!(all.join("\n"), @"
        shard 7 has another owner, whose lease lasts 1500 ms more
        shard 7 is at epoch 3, which is not this owner's
        the shard is at epoch 3, which is not this owner's
        number 4 does not fit: the log goes on at 5
        effects after 3 do not fit: they are done up to 5
        these are no wishes of a person: line 1, column 23
        these are no wishes of a person: line 1, column 7
        these are no wishes of a person: line 1, column 2
        ");
        insta::assert_snapshot!(Wishes::default().to_json(), @r#"{"v":1,"pauses":{"v":1,"revision":0,"channels":{}}}"#);
    }
}
