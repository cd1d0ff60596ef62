//! Any of the notifications, and their common JSON form.

use reveille_core::UnixTime;
use reveille_payload::{Cut, InvalidJson};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::push::sealed;
use super::{
    Alert, Background, Complication, Controls, Cuttable, DeliveryHeaders, FileProvider, Location, Mdm, Push,
    PushToTalk, PushType, Raw, Sacrifice, Voip, Widgets,
};
use crate::live_activity::LiveActivity;
use crate::text::Version1;

/// Any push to a device. Use it in a queue, and in code that does not care which kind of push it has.
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
