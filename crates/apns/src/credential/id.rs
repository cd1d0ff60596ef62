//! The two ids of ten characters.

use std::fmt;
use std::str::FromStr;

use reveille_payload::check_text;

use crate::InvalidValue;
use crate::text::serde_as_text;

const LEN: usize = 10;

macro_rules! ten_characters {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Returns the ten characters.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            /// # Errors
            /// [`InvalidValue`] unless it is ten letters and digits.
            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                if text.len() != LEN {
                    return Err(InvalidValue::Length { what: $what, expected: LEN, length: text.len() });
                }
                check_text($what, text, LEN, "letters and digits", |byte| byte.is_ascii_alphanumeric())?;
                Ok(Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        serde_as_text!($name);
    };
}

ten_characters!(
    /// The developer team's id, which becomes the token's `iss`: ten characters, for
    /// [`ProviderKey`](super::ProviderKey). Apple shows it under "Membership details".
    TeamId,
    "team id"
);
ten_characters!(
    /// The key's id, which becomes the token's `kid`: ten characters, for [`ProviderKey`](super::ProviderKey). It is
    /// part of the name of the `.p8` file, `AuthKey_XXXXXXXXXX.p8`.
    KeyId,
    "key id"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_letters_and_digits() {
        assert_eq!("ABC123DEFG".parse::<KeyId>().unwrap().as_str(), "ABC123DEFG");
        insta::assert_snapshot!("ABC".parse::<TeamId>().unwrap_err(), @"team id must be 10 characters, got 3");
        insta::assert_snapshot!("ABC123DEF\"".parse::<KeyId>().unwrap_err(), @"key id has a character at byte 9 that is not allowed; allowed: letters and digits");
    }
}
