//! One type per push type, and what they have in common.

mod alert;
mod alert_text;
mod checked;
mod data;
mod delivery;
mod device_management;
mod error;
mod file_provider;
mod interruption;
mod live_activity;
mod push;
mod raw;
mod sound;

use serde::{Deserialize, Serialize};

pub use alert::Alert;
pub use alert_text::{AlertContent, AlertText, Localized};
pub use data::{Background, Complication, Controls, Location, PushToTalk, Voip, Widgets};
pub use delivery::Delivery;
pub use device_management::Mdm;
pub use error::InvalidNotification;
pub use file_provider::FileProvider;
pub use interruption::InterruptionLevel;
pub use live_activity::LiveActivity;
pub use push::{DeliveryHeaders, Push};
pub use raw::Raw;
pub use sound::CriticalSound;

pub(crate) use alert_text::write_localized;
pub(crate) use checked::checked_struct;
pub(crate) use delivery::delivery_setters;
pub(crate) use push::{apply_texts, sealed};

/// Any push to a device; in JSON told apart by `push_type`.
///
/// ```
/// use reveille_apns::{Notification, Push as _};
///
/// let json = r#"{"push_type":"alert","alert":{"title":"Hello"},"delivery":{"expiration":"once"}}"#;
/// let push: Notification<'_> = serde_json::from_str(json)?;
/// assert_eq!(push.payload(), br#"{"aps":{"alert":{"title":"Hello"}}}"#);
/// assert_eq!(serde_json::to_string(&push)?, json);
///
/// let wrong = r#"{"push_type":"background","alert":"Hello"}"#;
/// assert!(serde_json::from_str::<Notification<'_>>(wrong).is_err(), "a background push has no alert");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "push_type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Notification<'a> {
    /// See [`Alert`].
    Alert(Box<Alert<'a>>),
    /// See [`Background`].
    Background(Background),
    /// See [`Complication`].
    Complication(Complication),
    /// See [`Controls`].
    Controls(Controls),
    /// See [`FileProvider`].
    FileProvider(FileProvider<'a>),
    /// See [`LiveActivity`].
    LiveActivity(Box<LiveActivity<'a>>),
    /// See [`Location`].
    Location(Location),
    /// See [`Mdm`].
    Mdm(Mdm<'a>),
    /// See [`PushToTalk`].
    PushToTalk(PushToTalk),
    /// See [`Raw`].
    Raw(Raw),
    /// See [`Voip`].
    Voip(Voip),
    /// See [`Widgets`].
    Widgets(Widgets),
}

macro_rules! delegate {
    ($self:ident, $push:ident => $call:expr) => {
        match $self {
            Self::Alert($push) => $call,
            Self::Background($push) => $call,
            Self::Complication($push) => $call,
            Self::Controls($push) => $call,
            Self::FileProvider($push) => $call,
            Self::LiveActivity($push) => $call,
            Self::Location($push) => $call,
            Self::Mdm($push) => $call,
            Self::PushToTalk($push) => $call,
            Self::Raw($push) => $call,
            Self::Voip($push) => $call,
            Self::Widgets($push) => $call,
        }
    };
}

impl sealed::Sealed for Notification<'_> {}

impl Push for Notification<'_> {
    fn push_type(&self) -> crate::PushType {
        delegate!(self, push => push.push_type())
    }

    fn delivery_headers(&self) -> DeliveryHeaders<'_> {
        delegate!(self, push => push.delivery_headers())
    }

    fn write_payload(&self, out: &mut Vec<u8>) {
        delegate!(self, push => push.write_payload(out));
    }

    fn size_hint(&self) -> usize {
        delegate!(self, push => push.size_hint())
    }

    fn parts(&self) -> Vec<reveille_payload::Part<'_>> {
        delegate!(self, push => push.parts())
    }

    fn apply(&mut self, cuts: &[reveille_payload::Cut]) {
        delegate!(self, push => push.apply(cuts));
    }
}

macro_rules! from {
    ($($type:ident $(<$life:lifetime>)?),+) => {
        $(impl<'a> From<$type $(<$life>)?> for Notification<'a> {
            fn from(push: $type $(<$life>)?) -> Self {
                Self::$type(push.into())
            }
        })+
    };
}

from!(
    Alert<'a>,
    Background,
    Complication,
    Controls,
    FileProvider<'a>,
    LiveActivity<'a>,
    Location,
    Mdm<'a>,
    PushToTalk,
    Raw,
    Voip,
    Widgets
);
