//! What a push is addressed to.

use std::fmt;

use reveille_core::{Secret, UnixTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Platform;
use crate::suspicion::Suspicion;

/// A token as the service or the browser gave it: an APNs or FCM token, a subscription as JSON, an address. Whoever has it
/// can send, so `Debug` shows nothing; its JSON form is the text itself, for a store that seals what it keeps.
#[derive(Clone)]
pub struct TokenValue(Secret<String>);

impl TokenValue {
    /// Wraps the text of a token.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text.into()))
    }

    /// The token's text: use it for the request to its service, and never in a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl PartialEq for TokenValue {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for TokenValue {}

impl fmt::Debug for TokenValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenValue(…)")
    }
}

impl Serialize for TokenValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for TokenValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// What a token is for: one push service and one use of it, or one kind of address. Give it to [`Token::new`]; a device
/// has at most one token for each purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Purpose {
    /// A browser's push subscription.
    WebPush,
    /// APNs: alerts and background pushes.
    ApnsAlert,
    /// APNs: calls, by way of PushKit.
    ApnsVoip,
    /// FCM, by registration token.
    FcmToken,
    /// FCM, by installation id.
    FcmInstallation,
    /// An e-mail address.
    Email,
    /// A phone number, for SMS.
    Phone,
    /// A URL that wants to be told.
    Webhook,
}

/// Which of Apple's two push services knows a token: the other one refuses it. Give it to [`Token::with_environment`]
/// when an app registers; if that was wrong, the other one is tried once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Environment {
    /// App Store and TestFlight.
    Production,
    /// Builds from a developer's machine.
    Sandbox,
}

impl Environment {
    /// The other one of the two.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Production => Self::Sandbox,
            Self::Sandbox => Self::Production,
        }
    }
}

/// A kind of push, as far as it decides which token of a device it goes to. Give it to
/// [`Device::token_for`](crate::record::Device::token_for): on iOS, a call goes to the PushKit token if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PushKind {
    /// Something to be shown, or to be done in the background.
    Message,
    /// A ringing call.
    Call,
}

impl PushKind {
    /// The purposes that serve it on a platform, the best first.
    pub(crate) const fn purposes(self, platform: Platform) -> &'static [Purpose] {
        use Purpose::{ApnsAlert, ApnsVoip, Email, FcmInstallation, FcmToken, Phone, WebPush, Webhook};
        match (platform, self) {
            (Platform::Ios, Self::Call) => &[ApnsVoip, ApnsAlert, FcmToken, FcmInstallation],
            (Platform::Ios | Platform::MacOs, _) => &[ApnsAlert, FcmToken, FcmInstallation],
            (Platform::Android, _) => &[FcmToken, FcmInstallation],
            (Platform::Web, _) => &[WebPush, FcmToken, FcmInstallation],
            (Platform::Address, _) => &[Phone, Email, Webhook],
        }
    }
}

/// One token of a device, and what is known of it: when it was registered, confirmed and suspected. Make one with
/// [`Token::new`] for a registration; the other values are set by the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Token {
    /// What it is for.
    pub purpose: Purpose,
    /// What it is.
    pub value: TokenValue,
    /// Of APNs: which service knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// The other environment has been tried, and nothing was accepted since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other_environment_tried: bool,
    /// Of Web Push: the id of the VAPID key that it was made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vapid_key: Option<String>,
    /// When this value was registered last.
    pub registered: UnixTime,
    /// The record's revision then: what was found out with an older one says nothing about this token.
    pub since_revision: u64,
    /// When its service took something for it, or a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated: Option<UnixTime>,
    /// How often its service did not know it.
    #[serde(default)]
    pub suspicion: Suspicion,
}

impl Token {
    /// A token that was just registered. Times and revision are set when the registration is decided.
    #[must_use]
    pub fn new(purpose: Purpose, value: impl Into<String>) -> Self {
        let apns = matches!(purpose, Purpose::ApnsAlert | Purpose::ApnsVoip);
        Self {
            purpose,
            value: TokenValue::new(value),
            environment: apns.then_some(Environment::Production),
            other_environment_tried: false,
            vapid_key: None,
            registered: UnixTime::EPOCH,
            since_revision: 0,
            validated: None,
            suspicion: Suspicion::default(),
        }
    }

    /// Sets which of Apple's services knows it.
    #[must_use]
    pub const fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Sets the id of the VAPID key that the subscription was made with.
    #[must_use]
    pub fn with_vapid_key(mut self, id: impl Into<String>) -> Self {
        self.vapid_key = Some(id.into());
        self
    }
}
