//! Who can be pushed to at all, and what is done instead.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Device, Platform, PushKind, State};

/// A version of up to three numbers, such as 16.4.1, compared from left to right. Parse one from text, and give it to
/// [`Client::with_ios`] or [`Support::with_ios`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "a number under a name")]
pub struct Version(pub u16, pub u16, pub u16);

/// The error when a text is parsed as a [`Version`]: one of its first three parts between dots is not a number from 0
/// to 65,535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a version is one to three numbers with dots between them")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct InvalidVersion;

impl std::str::FromStr for Version {
    type Err = InvalidVersion;

    /// `16`, `16.4` or `16.4.1`; more numbers are left out.
    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let mut numbers = text.split('.').map(|number| number.parse().map_err(|_| InvalidVersion));
        let mut next = || numbers.next().unwrap_or(Ok(0));
        Ok(Self(next()?, next()?, next()?))
    }
}

/// What a web page knows of its browser, and tells its server. Give it to [`Support::web_push`] to learn whether push
/// can work there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Client {
    /// On iOS or iPadOS: its version. All browsers there are one in this.
    pub ios: Option<Version>,
    /// Opened from the home screen, as iOS demands it.
    pub installed: bool,
    /// The page found `PushManager` and `ServiceWorker`.
    pub has_push_manager: bool,
    /// What the user answered.
    pub permission: PushPermission,
}

impl Client {
    /// Describes a browser that is not on iOS; for iOS, add [`with_ios`](Self::with_ios).
    #[must_use]
    pub const fn new(has_push_manager: bool, permission: PushPermission) -> Self {
        Self { ios: None, installed: false, has_push_manager, permission }
    }

    /// It runs on iOS or iPadOS.
    #[must_use]
    pub const fn with_ios(mut self, version: Version, installed: bool) -> Self {
        (self.ios, self.installed) = (Some(version), installed);
        self
    }
}

/// What the user answered when the browser asked whether this page may notify: the Notification API's `permission`. The
/// page reads it and sends it in its [`Client`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PushPermission {
    /// Nobody was asked yet: the page may ask, when the user does something.
    Default,
    /// Granted.
    Granted,
    /// Refused, and may not be asked again.
    Denied,
}

/// Why somebody cannot be reached by push: the error of [`Support::web_push`] and of [`push_to`]. Use it to tell the user
/// what would help, or to choose another way, such as the address that [`fallback`] finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoPush {
    /// The system is too old.
    TooOld,
    /// On iOS, the page has to be on the home screen.
    NotInstalled,
    /// The browser has no push.
    NoPushManager,
    /// Nobody was asked yet.
    NotAsked,
    /// The user refused.
    Denied,
    /// No device has a token for this.
    NoSubscription,
}

/// The rule which browsers can receive Web Push. Use [`Support::web_push`] to decide whether a page can subscribe, has
/// to ask its user first, or cannot be pushed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Support {
    ios: Version,
}

impl Default for Support {
    /// iOS and iPadOS from 16.4, installed to the home screen; other browsers by what they offer.
    fn default() -> Self {
        Self { ios: Version(16, 4, 0) }
    }
}

impl Support {
    /// Sets from which version of iOS.
    #[must_use]
    pub const fn with_ios(mut self, version: Version) -> Self {
        self.ios = version;
        self
    }

    /// Whether Web Push can work there.
    ///
    /// # Errors
    /// [`NoPush`]: why not.
    pub fn web_push(&self, client: &Client) -> Result<(), NoPush> {
        match client.ios {
            Some(version) if version < self.ios => return Err(NoPush::TooOld),
            Some(_) if !client.installed => return Err(NoPush::NotInstalled),
            _ => {}
        }
        match client.permission {
            _ if !client.has_push_manager => Err(NoPush::NoPushManager),
            PushPermission::Granted => Ok(()),
            PushPermission::Default => Err(NoPush::NotAsked),
            PushPermission::Denied => Err(NoPush::Denied),
        }
    }
}

/// The devices to push to, each with a token for this kind of push: all of a person's devices ring (E10). Addresses are
/// none of them.
///
/// # Errors
/// [`NoPush::NoSubscription`] if there is none: see [`fallback`].
pub fn push_to<'d>(
    devices: impl IntoIterator<Item = &'d Device>,
    kind: PushKind,
) -> Result<Vec<&'d Device>, NoPush> {
    let pushed = |device: &&Device| device.platform != Platform::Address && device.token_for(kind).is_some();
    let found: Vec<_> = devices.into_iter().filter(pushed).collect();
    if found.is_empty() { Err(NoPush::NoSubscription) } else { Ok(found) }
}

/// The address to fall back to when somebody cannot be reached by push: a phone number before an e-mail address; `None`
/// while a device has a token for this kind of push, or where there is no address.
#[must_use]
pub fn fallback<'d>(devices: impl IntoIterator<Item = &'d Device>, kind: PushKind) -> Option<&'d Device> {
    let mut address: Option<&Device> = None;
    for device in devices {
        let Some(token) = device.token_for(kind) else { continue };
        if device.platform != Platform::Address {
            return None;
        }
        let better = address.and_then(|known| known.token_for(kind)).is_none_or(|known| {
            let rank = |purpose| kind.purposes(Platform::Address).iter().position(|other| *other == purpose);
            rank(token.purpose) < rank(known.purpose)
        });
        if better && device.state == State::Active {
            address = Some(device);
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ios_needs_16_4_and_the_home_screen() {
        let client = Client::new(true, PushPermission::Granted);
        let can = |client: &Client| Support::default().web_push(client);
        assert_eq!(can(&client), Ok(()));
        assert_eq!(can(&client.with_ios("16.3.9".parse().unwrap(), true)), Err(NoPush::TooOld));
        assert_eq!(can(&client.with_ios("16.4".parse().unwrap(), false)), Err(NoPush::NotInstalled));
        assert_eq!(can(&client.with_ios("17".parse().unwrap(), true)), Ok(()));
        assert_eq!(can(&Client::new(false, PushPermission::Granted)), Err(NoPush::NoPushManager));
        assert_eq!(can(&Client::new(true, PushPermission::Denied)), Err(NoPush::Denied));
        assert_eq!(can(&Client::new(true, PushPermission::Default)), Err(NoPush::NotAsked));
        insta::assert_snapshot!("x".parse::<Version>().unwrap_err(), @"a version is one to three numbers with dots between them");
    }
}
