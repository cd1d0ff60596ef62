//! The compact format, version 1: 69 bytes, 92 characters. Specified in `docs/resume-token.md`.

pub(crate) mod key;
mod layout;
mod read;
mod write;

pub use read::shard_of;

/// Characters of a compact token.
pub const COMPACT_LEN: usize = 92;

use crate::error::IssueError;
use crate::profile::{Draft, Opened, sealed::Format};
use crate::{Bindings, CompactKey, KeyId, KeyRing, Reason};

impl Format for CompactKey {
    fn write(&self, id: KeyId, draft: &Draft<'_>) -> Result<String, IssueError> {
        write::token(self, id, draft)
    }

    fn read(keys: &KeyRing<Self>, token: &str, expected: &Bindings<'_>) -> Result<Opened, Reason> {
        read::open(keys, token, expected)
    }
}
