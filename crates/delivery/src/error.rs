//! One error for all of this crate.

use thiserror::Error;

use crate::pacer::InvalidRate;
use crate::{InvalidInput, InvalidSettings, NotAdmitted, RestoreError};

/// Everything that this crate can refuse, for functions that want one `?` for all of it; each small error turns into it.
/// The texts are those of the errors inside.
///
/// ```
/// use reveille_delivery::pacer::Rate;
/// use reveille_delivery::retry::RetryPolicy;
/// use reveille_delivery::Error;
/// use std::time::Duration;
///
/// fn settings(attempts: u8) -> Result<(RetryPolicy, Rate), Error> {
///     let retries = RetryPolicy::default().with_attempts(attempts)?;
///     Ok((retries, Rate::new(500, Duration::from_secs(1), 50)?))
/// }
/// assert!(settings(3).is_ok());
/// assert!(matches!(settings(0), Err(Error::Settings(_))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum Error {
    /// A job is over a bound.
    NotAdmitted(#[from] NotAdmitted),
    /// A setting is out of its range.
    Settings(#[from] InvalidSettings),
    /// A rate is out of range.
    Rate(#[from] InvalidRate),
    /// Bytes are not an input.
    Input(#[from] InvalidInput),
    /// Bytes are not a snapshot.
    Restore(#[from] RestoreError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_becomes_the_one_with_its_own_words() {
        let full = NotAdmitted::Jobs { waiting: 2, bound: 2 };
        let retry = crate::retry::RetryPolicy::default().with_attempts(0).unwrap_err();
        let (rate, input) = (InvalidRate::Nothing { count: 0, burst: 1 }, InvalidInput::Damaged { at: 7 });
        assert_eq!(Error::from(full).to_string(), full.to_string());
        assert_eq!(Error::from(retry).to_string(), retry.to_string());
        assert_eq!(Error::from(rate).to_string(), rate.to_string());
        assert_eq!(Error::from(input).to_string(), input.to_string());
        assert_eq!(
            Error::from(RestoreError::NotASnapshot).to_string(),
            RestoreError::NotASnapshot.to_string()
        );
    }
}
