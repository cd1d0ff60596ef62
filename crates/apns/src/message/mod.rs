//! What is pushed: one type per push type, and what they have in common.
//!
//! # A ring and its cancel
//!
//! A call that rings is worth nothing once it is answered elsewhere, so the two are sent as a pair. They share a collapse
//! id, and the ring has an end: whichever arrives last is the one that is shown, and neither arrives late.
//!
//! ```
//! use std::time::Duration;
//! use reveille_apns::message::InterruptionLevel;
//! use reveille_apns::{Alert, CollapseId, Expiration, Priority, Push as _};
//! use reveille_core::UnixTime;
//!
//! let now = UnixTime::from_secs(1_700_000_000);
//! let slot: CollapseId = "call-c-17".parse()?;
//! let until = Expiration::At(now + Duration::from_secs(30));
//! let ring = Alert::new("Inbound call", "From +1 555 0100 | Queue: Support")
//!     .with_sound("ringtone.caf")
//!     .with_category("INCOMING_CALL")
//!     .with_interruption_level(InterruptionLevel::TimeSensitive)?
//!     .with_custom("conversationId", "c-17")?
//!     .with_priority(Priority::Immediate)
//!     .with_collapse_id(slot.clone())
//!     .with_expiration(until);
//! let cancel = Alert::new("Call answered", "By Agent Jones")
//!     .with_interruption_level(InterruptionLevel::Passive)?
//!     .with_custom("conversationId", "c-17")?
//!     .with_custom("action", "cancel_ring")?
//!     .with_collapse_id(slot)
//!     .with_expiration(until);
//! assert_eq!(ring.delivery_headers().collapse_id, cancel.delivery_headers().collapse_id);
//! # Ok::<(), reveille_apns::Error>(())
//! ```
//!
//! What Apple allows decides the form of the cancel:
//!
//! | the ring was | cancel it with | because |
//! |---|---|---|
//! | [`Alert`] | an [`Alert`] with the same collapse id, passive, without sound | it replaces the ring on the screen, and in Apple's store if that was not delivered yet |
//! | [`Alert`], and the app is to clean up by itself | a [`Background`] push besides | the system lets two or three an hour through and may delay them: never the only cancel |
//! | [`Voip`] | another [`Voip`] push with the call's id, [`Expiration::Once`] | the app must report a call to CallKit for *every* VoIP push: it reports this one, and ends it and the ringing one at once. Cheaper: let the app, once it rings, learn of the end over its own connection |
//! | an FCM data message to Android | see the FCM crate | |
//!
//! A ring that was never sent needs no cancel; one whose fate is unknown does. Do not send a ring after its cancel:
//! collapse ids do not know the order of your requests.

mod alert;
mod alert_text;
mod apns_id;
mod checked;
mod collapse_id;
mod custom;
mod data;
mod delivery;
mod device_management;
mod entries;
mod error;
mod expiration;
mod fcm_parts;
mod file_provider;
mod fit;
mod fraction;
mod interruption;
mod priority;
mod push;
mod push_type;
mod raw;
mod sound;

use reveille_core::UnixTime;
use reveille_payload::InvalidJson;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use alert::Alert;
pub use alert_text::{AlertContent, AlertText, Localized};
pub use apns_id::ApnsId;
pub use collapse_id::CollapseId;
pub use custom::Custom;
pub use data::{Background, Complication, Controls, Location, PushToTalk, Voip, Widgets};
pub use delivery::Delivery;
pub use device_management::Mdm;
pub use error::InvalidNotification;
pub use expiration::Expiration;
pub use fcm_parts::FcmParts;
pub use file_provider::FileProvider;
pub use fit::{Cuttable, Sacrifice};
pub use fraction::{Finite, Fraction};
pub use interruption::InterruptionLevel;
pub use priority::{BackgroundPriority, Priority, PriorityChoice, WakingPriority};
pub use push::{DeliveryHeaders, Push};
pub use push_type::{OtherPushType, PushType};
pub use raw::Raw;
pub use reveille_payload::{Cut, FieldSize, JsonObject, SizeLimit, TooLarge};
pub use sound::CriticalSound;

pub(crate) use alert_text::write_localized;
pub(crate) use checked::checked_struct;
pub(crate) use delivery::delivery_setters;
pub(crate) use expiration::looks_like_seconds;
pub(crate) use fit::{by_class, decide, too_large};
pub(crate) use push::{apply_keys, apply_texts, check_custom, check_other, cuttable, insert_all, sealed};

use crate::live_activity::LiveActivity;
use crate::text::Version1;

/// Any push to a device: what a queue keeps, and what code takes that does not care which kind it is.
///
/// JSON form, version 1: an object with `v` (1; may be left out when it is read), `push_type`, and beside them the members
/// that stand in the docs of each type. Unknown members are refused, times are Unix milliseconds.
///
/// ```
/// use reveille_apns::{Notification, Push as _};
///
/// let json = br#"{"v":1,"push_type":"alert","alert":{"title":"Hello"},"delivery":{"expiration":"once"}}"#;
/// let push = Notification::from_json(json)?;
/// assert_eq!(push.payload(), br#"{"aps":{"alert":{"title":"Hello"}}}"#);
/// assert_eq!(serde_json::to_vec(&push)?, json);
///
/// let wrong = Notification::from_json(br#"{"push_type":"alert","alert":{"title":3}}"#).unwrap_err();
/// assert_eq!(wrong.to_string(), "JSON at alert.title: expected a string, found a number");
/// assert!(Notification::from_json(br#"{"push_type":"background","alert":"Hello"}"#).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "push_type", rename_all = "lowercase", remote = "Self")]
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
    fn push_type(&self) -> PushType {
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

    fn cuttable(&self) -> Vec<Cuttable<'_>> {
        delegate!(self, push => push.cuttable())
    }

    fn apply(&mut self, cuts: &[(Sacrifice, &Cut)]) {
        delegate!(self, push => push.apply(cuts));
    }

    fn times(&self) -> Vec<(&'static str, UnixTime)> {
        delegate!(self, push => push.times())
    }
}

/// The form that is kept: the version, and the notification beside it.
#[derive(Serialize, Deserialize)]
struct Kept<N> {
    #[serde(default)]
    v: Version1,
    #[serde(flatten)]
    notification: N,
}

/// Lends the derived implementations to [`Kept`].
struct Derived<N>(N);

impl Serialize for Derived<&Notification<'_>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Notification::serialize(self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Derived<Notification<'_>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Notification::deserialize(deserializer).map(Self)
    }
}

impl Serialize for Notification<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Kept { v: Version1, notification: Derived(self) }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Notification<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Kept::<Derived<Self>>::deserialize(deserializer).map(|kept| kept.notification.0)
    }
}

impl Notification<'_> {
    /// Reads the JSON form, with errors that say where.
    ///
    /// # Errors
    /// [`InvalidJson`], which names the path, what was expected and what was found; never a value.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidJson> {
        reveille_payload::from_json(json).map_err(|error| place(json).unwrap_or(error))
    }
}

/// Where a form is wrong. What is told apart by `push_type` is read by serde in two steps, and the path gets lost between
/// them; so it is looked for again, in the type's own form.
fn place(json: &[u8]) -> Option<InvalidJson> {
    let mut form: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(json).ok()?;
    form.remove("v");
    let kind = form.remove("push_type")?;
    let form = serde_json::Value::Object(form);
    match kind.as_str()? {
        "alert" => place_in::<Alert<'_>>(&form),
        "background" => place_in::<Background>(&form),
        "complication" => place_in::<Complication>(&form),
        "controls" => place_in::<Controls>(&form),
        "fileprovider" => place_in::<FileProvider<'_>>(&form),
        "liveactivity" => place_in::<LiveActivity<'_>>(&form),
        "location" => place_in::<Location>(&form),
        "mdm" => place_in::<Mdm<'_>>(&form),
        "pushtotalk" => place_in::<PushToTalk>(&form),
        "raw" => place_in::<Raw>(&form),
        "voip" => place_in::<Voip>(&form),
        "widgets" => place_in::<Widgets>(&form),
        _ => None,
    }
}

fn place_in<T: serde::de::DeserializeOwned>(form: &serde_json::Value) -> Option<InvalidJson> {
    reveille_payload::from_json::<T>(form.to_string().as_bytes()).err().map(|mut error| {
        // Of a text that was written anew.
        (error.line, error.column) = (0, 0);
        error
    })
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
