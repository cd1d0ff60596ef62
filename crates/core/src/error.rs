//! One error for all of this crate.

use std::convert::Infallible;

use thiserror::Error;

use crate::log::{Gap, LogError, SnapshotError};
use crate::retry_after::InvalidRetryAfter;

/// Everything that this crate can refuse, for functions that want one `?` for all of it; each small error turns into it.
/// The texts are those of the errors inside. `E` is the error of the machine that is restored; leave it out where none is.
///
/// ```
/// use reveille_core::{Error, RetryAfter};
///
/// fn wait(header: &str) -> Result<RetryAfter, Error> {
///     Ok(RetryAfter::parse(header)?)
/// }
/// assert!(wait("120").is_ok());
/// assert!(matches!(wait("soon"), Err(Error::RetryAfter(_))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum Error<E: std::error::Error + 'static = Infallible> {
    /// A header's value cannot be read.
    RetryAfter(#[from] InvalidRetryAfter),
    /// An entry of a log is not the next one.
    Gap(#[from] Gap),
    /// Bytes are not a log.
    Log(#[from] LogError),
    /// Bytes are not a snapshot of this machine.
    Snapshot(#[from] SnapshotError<E>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_becomes_the_one_with_its_own_words() {
        let gap = Gap { expected: 2, given: 4 };
        let damaged = SnapshotError::<Infallible>::Damaged;
        assert_eq!(Error::<Infallible>::from(InvalidRetryAfter).to_string(), InvalidRetryAfter.to_string());
        assert_eq!(Error::<Infallible>::from(gap).to_string(), gap.to_string());
        assert_eq!(Error::<Infallible>::from(LogError::NotALog).to_string(), LogError::NotALog.to_string());
        assert_eq!(Error::from(damaged).to_string(), damaged.to_string());
    }
}
