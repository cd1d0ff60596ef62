//! A device, as a store keeps it.

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

use crate::{Purpose, PushKind, Token};

/// The name of a device: it is unique in an app. Several brands may use one gateway.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct DeviceKey {
    /// The app: bundle id, package name, origin.
    pub app: String,
    /// The device, as the app names it: the same until it is deleted.
    pub device: String,
}

impl DeviceKey {
    /// Makes a name from the app's and the device's own.
    #[must_use]
    pub fn new(app: impl Into<String>, device: impl Into<String>) -> Self {
        Self { app: app.into(), device: device.into() }
    }
}

/// One device of one owner: the record that a store keeps, as JSON with `"v":1`.
///
/// Only [`decide`](crate::decide) makes new versions of it, and every one has a higher revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Device {
    /// The version of this form.
    pub v: FormVersion,
    /// Its name.
    pub key: DeviceKey,
    /// Whose it is.
    pub owner: String,
    /// What it runs on.
    pub platform: Platform,
    /// The app's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// The system's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// In which language its owner reads: BCP 47.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Where its clock is: a name of the IANA time zone database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Its tokens, one for each purpose, in that order.
    pub tokens: Vec<Token>,
    /// Raised by every change.
    pub revision: u64,
    /// Where it stands.
    pub state: State,
    /// When it was registered first, or again after its retirement.
    pub registered: UnixTime,
    /// When the app was in contact last.
    pub last_seen: UnixTime,
    /// The app must register again: it is asked to at its next contact.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_registration: bool,
    /// It lives as long as this event (a callback), and ends with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
}

/// The version of a record's JSON form; only this one is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[allow(clippy::exhaustive_structs, reason = "it holds nothing")]
pub struct FormVersion;

impl From<FormVersion> for u8 {
    fn from(_: FormVersion) -> Self {
        1
    }
}

impl TryFrom<u8> for FormVersion {
    type Error = String;

    fn try_from(version: u8) -> Result<Self, String> {
        if version == 1 { Ok(Self) } else { Err(format!("expected version 1, found {version}")) }
    }
}

/// What a device runs on: an operating system with an app, a browser, or nothing but an address. Give it to
/// [`Registration::new`](crate::event::Registration::new); it decides which token a push goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Platform {
    /// iOS and iPadOS, an app.
    Ios,
    /// macOS, an app.
    MacOs,
    /// Android, an app.
    Android,
    /// A browser.
    Web,
    /// No device but an address: e-mail, phone, webhook.
    Address,
}

/// Where a device stands. What is neither active nor suspect is not pushed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum State {
    /// In use.
    Active,
    /// Its service did not know a token of it, which may be the service's fault. Still pushed to.
    Suspect {
        /// Since when.
        since: UnixTime,
    },
    /// Its service has not known it for so long that it is left alone, until its app is in contact.
    Quarantined {
        /// Since when.
        since: UnixTime,
    },
    /// Deleted, but kept for a while: to tell the app what happened.
    Retired {
        /// Since when.
        since: UnixTime,
        /// Why.
        why: Retirement,
    },
}

/// Why a device was retired, after which nothing is pushed to it. Read it in [`State::Retired`] when an app or a
/// support team asks why pushes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Retirement {
    /// Its owner logged out.
    LoggedOut,
    /// Its service said that it is gone.
    Gone,
    /// Its owner has too many devices, and this one was seen least recently.
    OverLimit,
    /// It was not in contact for too long.
    Stale,
    /// What it was registered for has ended.
    EventEnded,
    /// No token is left: they are another device's now.
    NoToken,
}

impl Device {
    /// The token for a kind of push: one for each device, so that a phone rings once. `None` if it has none, or is not to
    /// be pushed to.
    #[must_use]
    pub fn token_for(&self, kind: PushKind) -> Option<&Token> {
        if !self.is_reachable() {
            return None;
        }
        kind.purposes(self.platform).iter().find_map(|purpose| self.token(*purpose))
    }

    /// The token of a purpose.
    #[must_use]
    pub fn token(&self, purpose: Purpose) -> Option<&Token> {
        self.tokens.iter().find(|token| token.purpose == purpose)
    }

    /// Whether it is pushed to.
    #[must_use]
    pub const fn is_reachable(&self) -> bool {
        matches!(self.state, State::Active | State::Suspect { .. })
    }
}
