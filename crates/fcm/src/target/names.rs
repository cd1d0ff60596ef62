//! What names a device.

use std::fmt;

use reveille_payload::{InvalidText, check_text};

use crate::message::Text;
use crate::schema::text_value;

/// A device name: whoever has it and a credential can send to the device, so it is never printed.
macro_rules! device_name {
    ($(#[$meta:meta])* $name:ident, $what:literal, $limit:literal) => {
        $(#[$meta])*
        ///
        /// `Debug` shows its length only, and it has no `Display`. It is kept as its text: `Serialize`, `Deserialize`,
        /// `FromStr`.
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The longest accepted, in bytes.
            pub const MAX_LEN: usize = $limit;

            /// Checks it: visible ASCII without `"` and `\`.
            ///
            /// # Errors
            /// [`InvalidText`]: empty, longer than [`MAX_LEN`](Self::MAX_LEN), or with another character.
            pub fn new(text: impl Into<Text>) -> Result<Self, InvalidText> {
                let text = text.into();
                check_text($what, &text, Self::MAX_LEN, "visible ASCII without quote and backslash", is_plain)?;
                Ok(Self(text.into_owned().into_boxed_str()))
            }

            /// The text; the long name is there to be found in a review.
            #[must_use]
            pub const fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

device_name! {
    /// A registration token, as the client SDK's `getToken` gives it; use it as a [`Target`](crate::Target). During
    /// Google's transition FCM also takes a Firebase installation id in its place.
    ///
    /// ```
    /// use reveille_fcm::{RegistrationToken, Target};
    ///
    /// let token = RegistrationToken::new("fV3:APA91b")?;
    /// assert_eq!(format!("{token:?}"), "RegistrationToken(10 bytes)"); // whoever has it can push
    /// assert_eq!(token.expose(), "fV3:APA91b");
    /// let target = Target::from(token);
    /// assert_eq!(target.reach().limit(), 4_096);
    /// # Ok::<(), reveille_fcm::Error>(())
    /// ```
    RegistrationToken, "registration token", 4_096
}
device_name! {
    /// A Firebase installation id: what new apps send to their server in place of a token. Use it as the target of a
    /// message, and to ask for or change topic subscriptions.
    ///
    /// ```
    /// use reveille_fcm::{Fid, Target};
    ///
    /// assert!(matches!(Target::from(Fid::new("dIsVQ2QVRT-TW7L6VfeAMh")?), Target::Fid(_)));
    /// # Ok::<(), reveille_fcm::Error>(())
    /// ```
    Fid, "fid", 512
}
device_name! {
    /// The push token of a Live Activity on Apple devices, for
    /// [`ApnsConfig::with_live_activity_token`](crate::ApnsConfig::with_live_activity_token).
    LiveActivityToken, "live activity token", 4_096
}

text_value! {
    RegistrationToken, InvalidText, expose;
    Fid, InvalidText, expose;
    LiveActivityToken, InvalidText, expose;
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_break_out_of_its_string_is_refused() {
        for text in ["", "a\"b", "a\\b", "a b", "a\nb", "é"] {
            assert!(RegistrationToken::new(text).is_err(), "{text:?}");
        }
        assert!(RegistrationToken::new("x".repeat(4_097)).is_err());
        assert!(RegistrationToken::new("cE8-_x:APA91bF~%/+=").is_ok());
    }

    #[test]
    fn names_are_not_printed() {
        insta::assert_snapshot!(format!("{:?}", LiveActivityToken::new("SECRET").unwrap()), @"LiveActivityToken(6 bytes)");
        insta::assert_snapshot!("SEC RET".parse::<RegistrationToken>().unwrap_err(), @"registration token has a character at byte 3 that is not allowed; allowed: visible ASCII without quote and backslash");
    }
}
