//! One error for all of this crate.

use thiserror::Error;

use crate::Unwritten;
use crate::credential::SignatureRefused;

/// Everything that this crate can refuse, for functions that want one `?` for all of it; each small error turns into it.
/// The texts are those of the errors inside.
///
/// ```
/// use reveille_writer::credential::{Credential, SignatureRefused};
/// use reveille_writer::{Error, Unwritten};
///
/// let refused = Error::from(SignatureRefused::NoCredential { credential: Credential::Fcm(0) });
/// assert_eq!(refused.to_string(), "no such credential: Fcm(0)");
/// assert!(matches!(Error::from(Unwritten::Late), Error::Unwritten(Unwritten::Late)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum Error {
    /// A signature from elsewhere is not used.
    Signature(#[from] SignatureRefused),
    /// No request can be made of a leg.
    Unwritten(#[from] Unwritten),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Credential;

    #[test]
    fn each_becomes_the_one_with_its_own_words() {
        let refused = SignatureRefused::NoCredential { credential: Credential::Apns(3) };
        assert_eq!(Error::from(refused).to_string(), refused.to_string());
        assert_eq!(Error::from(Unwritten::NoToken).to_string(), Unwritten::NoToken.to_string());
    }
}
