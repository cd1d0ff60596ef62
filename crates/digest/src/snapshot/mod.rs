//! An engine as bytes, and back.

mod catch_up;
mod codec;
mod read;
mod write;

use thiserror::Error;

pub use catch_up::{CatchUp, Overdue};
pub use codec::Codec;
#[doc(hidden)]
pub use write::with_check_sum;

/// The format that this version writes. It reads this one only; a change of the format raises it.
const VERSION: u8 = 1;
const MAGIC: [u8; 4] = *b"RVDG";

/// There are outputs that nobody has polled: they would be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{waiting} outputs wait to be polled: a snapshot would lose them")]
pub struct Undrained {
    /// How many.
    pub waiting: usize,
}

/// Why bytes are not an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// It is not a snapshot of an engine.
    #[error("this is not a digest snapshot")]
    NotASnapshot,
    /// It is of a version that is not known here.
    #[error("the snapshot has version {given}: this library reads version {expected}")]
    Version {
        /// What it has.
        given: u8,
        /// What is read.
        expected: u8,
    },
    /// It was cut or changed.
    #[error("the snapshot is damaged near byte {at}")]
    Damaged {
        /// Where that was noticed.
        at: usize,
    },
    /// It holds more than the limits allow.
    #[error("the snapshot holds {given} keys: limits.windows is {limit}")]
    TooLarge {
        /// Keys in it.
        given: u64,
        /// Keys allowed.
        limit: u32,
    },
    /// The policy cannot work.
    #[error(transparent)]
    Policy(#[from] crate::InvalidPolicy),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let all = [
            RestoreError::NotASnapshot,
            RestoreError::Version { given: 9, expected: VERSION },
            RestoreError::Damaged { at: 17 },
            RestoreError::TooLarge { given: 9, limit: 3 },
        ];
        insta::assert_snapshot!(all.map(|e| e.to_string()).join("\n"), @r"
        this is not a digest snapshot
        the snapshot has version 9: this library reads version 1
        the snapshot is damaged near byte 17
        the snapshot holds 9 keys: limits.windows is 3
        ");
        insta::assert_snapshot!(Undrained { waiting: 2 }, @"2 outputs wait to be polled: a snapshot would lose them");
    }
}
