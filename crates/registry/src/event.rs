//! What happens to a device.

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

use crate::{DeviceKey, Platform, Purpose, Token, TokenValue};

/// What happened to a device, or may have to happen. [`decide`](crate::decide) says what follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Event {
    /// The app registers: at its first launch, at every log-in, and when it was asked to. Tokens that it does not name stay.
    Register {
        /// What it says.
        registration: Box<Registration>,
    },
    /// The app was in contact.
    Seen,
    /// A token was replaced (`onNewToken`, `pushsubscriptionchange`): pushes that wait go to the new one, since they name
    /// the device.
    Rotate {
        /// What it was; `None` if the app does not know any more.
        old: Option<TokenValue>,
        /// What it is.
        new: Box<Token>,
    },
    /// A token now belongs to another device (a restored backup): this one loses it.
    TokenTaken {
        /// Which.
        value: TokenValue,
    },
    /// A dry run has gone well.
    Validated {
        /// Of which token.
        purpose: Purpose,
        /// The revision that it was made with.
        revision: u64,
    },
    /// What delivery found out.
    Delivery {
        /// About which token.
        purpose: Purpose,
        /// The revision that the push was made with.
        revision: u64,
        /// What.
        effect: Effect,
        /// When.
        at: UnixTime,
        /// Whether anything may be dropped at the moment.
        pruning: Pruning,
    },
    /// The owner logged out on this device.
    LogOut,
    /// What the device was registered for has ended.
    EventEnded {
        /// Which event.
        ended: String,
    },
    /// The owner has too many devices, and this one goes: see [`Memory::over_limit`](crate::Memory::over_limit).
    OverLimit,
    /// An operator takes back a retirement or a quarantine that was a mistake.
    Reinstate,
    /// Time has passed: apply it when [`Device::next_due`](crate::Device::next_due) says so.
    Tick,
}

/// What an app says when it registers: which device it is, who is logged in, on which platform, and its tokens. Make
/// one with [`Registration::new`], and give it in [`Event::Register`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Registration {
    /// The device.
    pub key: DeviceKey,
    /// Who is logged in.
    pub owner: String,
    /// What it runs on.
    pub platform: Platform,
    /// Its tokens.
    pub tokens: Vec<Token>,
    /// The app's version.
    #[serde(default)]
    pub app_version: Option<String>,
    /// The system's version.
    #[serde(default)]
    pub os_version: Option<String>,
    /// BCP 47.
    #[serde(default)]
    pub locale: Option<String>,
    /// IANA.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// The event that it lives as long as.
    #[serde(default)]
    pub event: Option<String>,
}

impl Registration {
    /// What every registration has.
    #[must_use]
    pub fn new(
        key: DeviceKey,
        owner: impl Into<String>,
        platform: Platform,
        tokens: impl Into<Vec<Token>>,
    ) -> Self {
        Self {
            key,
            owner: owner.into(),
            platform,
            tokens: tokens.into(),
            app_version: None,
            os_version: None,
            locale: None,
            time_zone: None,
            event: None,
        }
    }

    /// Sets the versions of app and system.
    #[must_use]
    pub fn with_versions(mut self, app: Option<String>, os: Option<String>) -> Self {
        (self.app_version, self.os_version) = (app, os);
        self
    }

    /// Sets language and time zone.
    #[must_use]
    pub fn with_locale(mut self, locale: Option<String>, time_zone: Option<String>) -> Self {
        (self.locale, self.time_zone) = (locale, time_zone);
        self
    }

    /// Ties it to an event (a callback): it ends with that.
    #[must_use]
    pub fn with_event(mut self, event: impl Into<String>) -> Self {
        self.event = Some(event.into());
        self
    }
}

/// What the answer of a push service says about one token: accepted, not known, or gone. Give it in [`Event::Delivery`]
/// after an attempt to send; the token is then confirmed, suspected or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Effect {
    /// Its service took a message.
    Accepted,
    /// Its service did not know it.
    Suspect,
    /// Its service says that it is gone.
    Gone {
        /// The time of death, where the service names one: a registration at that time or later stays.
        if_registered_before: Option<UnixTime>,
    },
}

/// Whether tokens may be dropped at the moment. Give it with each [`Event::Delivery`], as delivery's prune breaker
/// says: if too many tokens seem gone at once, the fault is probably the service's, and they are suspected only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pruning {
    /// They may.
    #[default]
    Allowed,
    /// They may not: what is said to be gone is suspected only.
    Stopped,
}
