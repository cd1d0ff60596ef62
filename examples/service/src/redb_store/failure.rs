//! What redb and the system say, as the trait's errors.

use std::io::ErrorKind;

use reveille_gateway::store::StoreError;

/// An error while nothing had been changed yet.
pub(super) fn certain(error: redb::Error) -> StoreError {
    match error {
        redb::Error::Io(error) => of_io(&error),
        redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => StoreError::InUse,
        redb::Error::DatabaseClosed => StoreError::Closed,
        redb::Error::PreviousIo => StoreError::Unavailable { detail: "an earlier error of the disk".into() },
        redb::Error::UpgradeRequired(format) => {
            StoreError::Foreign { detail: format!("a file of redb in its old format {format}") }
        }
        // Its words are about pages and tables.
        redb::Error::Corrupted(detail) => StoreError::Damaged { detail },
        other => StoreError::Damaged { detail: other.to_string() },
    }
}

pub(super) fn of_io(error: &std::io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => StoreError::Full,
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => StoreError::ReadOnly,
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData => {
            StoreError::Damaged { detail: "it is shorter than it says, or no store".into() }
        }
        // The kind alone: the text may hold a path.
        kind => StoreError::Unavailable { detail: kind.to_string() },
    }
}

/// Texts that cannot be read as what they are in the record.
pub(super) fn damaged(what: &str) -> redb::Error {
    redb::Error::Corrupted(format!("a record of {what} cannot be read"))
}
