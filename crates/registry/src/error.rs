//! One error for all of this crate.

use thiserror::Error;

use crate::support::InvalidVersion;
use crate::{Conflict, InvalidSettings};

/// Everything that this crate can refuse, for functions that want one `?` for all of it; each small error turns into it.
/// The texts are those of the errors inside.
///
/// ```
/// use reveille_registry::Error;
/// use reveille_registry::support::Version;
/// use reveille_registry::suspicion::SuspicionPolicy;
///
/// fn settings(ios: &str, answers: u32) -> Result<(Version, SuspicionPolicy), Error> {
///     Ok((ios.parse()?, SuspicionPolicy::default().with_answers(answers)?))
/// }
/// assert!(settings("16.4", 3).is_ok());
/// assert!(matches!(settings("new", 3), Err(Error::Version(_))));
/// assert!(matches!(settings("16.4", 0), Err(Error::Settings(_))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum Error {
    /// A text is no version of a system.
    Version(#[from] InvalidVersion),
    /// A setting is out of its range.
    Settings(#[from] InvalidSettings),
    /// Somebody was faster.
    Conflict(#[from] Conflict),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_becomes_the_one_with_its_own_words() {
        let conflict = Conflict { expected: Some(1), found: None };
        assert_eq!(Error::from(InvalidVersion).to_string(), InvalidVersion.to_string());
        let settings = crate::RegistryPolicy::default().with_devices(0).unwrap_err();
        assert_eq!(Error::from(settings).to_string(), settings.to_string());
        assert_eq!(Error::from(conflict).to_string(), conflict.to_string());
    }
}
