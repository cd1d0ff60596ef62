//! What an operator sets about the channels beside pushes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use http::Uri;
use reveille_conversation::Kind;
use reveille_core::Secret;
use reveille_gateway::Target;
use serde::Deserialize;

use super::sign::Signer;
use crate::secret_text::SecretText;
use crate::settings::{InvalidSettings, Settings, wrong};
use crate::wire::{AllowedOrigins, Origin};

/// An SMTP server that takes e-mails for everybody.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// Its name.
    pub host: String,
    /// Default: 587 with STARTTLS, 465 with implicit TLS, 25 with none.
    pub port: Option<u16>,
    /// How the connection is encrypted. Default: `starttls`.
    #[serde(default)]
    pub tls: SmtpTls,
    /// The name to log in with; none: without a log-in.
    pub user: Option<String>,
    /// The password.
    pub password: Option<SecretText>,
    /// The sender, as in `Shop <push@shop.example>`; ids of messages have its domain.
    pub from: String,
    /// Whether e-mails also go out beside pushes (E5: new messages, incoming and missed calls), where no file of rules says
    /// so. Default: no, only in place of pushes that failed, as `fallback` says.
    #[serde(default)]
    pub parallel: bool,
    /// Connections at once. Default: 4.
    #[serde(default = "four")]
    pub connections: u32,
    /// E-mails a second. Default: 10.
    #[serde(default = "ten")]
    pub rate: u32,
    /// For one e-mail, connecting included, in ms. Default: 30,000.
    #[serde(default = "half_a_minute")]
    pub patience_ms: u64,
}

/// How a connection to an SMTP server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// After STARTTLS (RFC 3207), or nothing is sent.
    #[default]
    Starttls,
    /// From the first byte (RFC 8314 §3.3).
    Implicit,
    /// Not at all: on loopback only.
    None,
}

/// An address that gets signed POST requests.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverSettings {
    /// `https:` and public, or of an origin among `allowed_origins`.
    pub url: String,
    /// What is signed with: `whsec_…`. Two while the receiver changes over.
    #[serde(default)]
    pub secrets: Vec<SecretText>,
    /// Requests at once. Default: 32.
    #[serde(default = "thirty_two")]
    pub in_flight: u32,
    /// Requests a second. Default: 200.
    #[serde(default = "two_hundred")]
    pub rate: u32,
    /// A ring that could not be told within so many s is dropped as `stale_call`. Default: 30.
    #[serde(default = "half")]
    pub stale_calls_secs: u64,
}

/// What is tried when no push reached anybody (A9), by kind.
pub type Fallbacks = BTreeMap<Kind, Fallback>;

/// A channel in place of pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// An e-mail.
    Email,
    /// A text message.
    Sms,
    /// The webhook.
    Webhook,
}

/// A hook that was checked.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) url: Uri,
    pub(crate) signer: Signer,
    pub(crate) in_flight: u32,
    pub(crate) rate: u32,
    pub(crate) stale: Duration,
}

impl Fallback {
    /// As the machine names it.
    pub fn target(self) -> Target {
        match self {
            Self::Email => Target::Email,
            Self::Sms => Target::Sms,
            Self::Webhook => Target::Webhook,
        }
    }
}

impl SmtpSettings {
    /// The port, written or usual.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            SmtpTls::Starttls => 587,
            SmtpTls::Implicit => 465,
            SmtpTls::None => 25,
        })
    }

    /// The whole time for one e-mail.
    pub fn patience(&self) -> Duration {
        Duration::from_millis(self.patience_ms)
    }

    pub(super) fn check(&self) -> Result<(), InvalidSettings> {
        let loopback =
            self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if self.tls == SmtpTls::None && !loopback {
            return Err(wrong("smtp.tls", "none is for loopback only"));
        }
        if self.user.is_some() != self.password.is_some() {
            return Err(wrong("smtp", "give user and password, or neither"));
        }
        if self.connections == 0 || self.rate == 0 || self.patience_ms == 0 {
            return Err(wrong("smtp", "connections, rate and patience_ms must be at least 1"));
        }
        Ok(())
    }

    pub(super) fn password(&self) -> Result<Option<Secret<String>>, InvalidSettings> {
        self.password.as_ref().map(|text| text.open("smtp.password")).transpose()
    }
}

impl ReceiverSettings {
    /// Checks the address by the rules of the wire, and reads the secrets.
    pub(crate) fn hook(&self, name: &str, allowed: &AllowedOrigins) -> Result<Hook, InvalidSettings> {
        let at = |field: &str| format!("{name}.{field}");
        let url: Uri = self.url.parse().map_err(|_| wrong(at("url"), "is no URL"))?;
        let origin = Origin::of(&url).ok_or_else(|| wrong(at("url"), "expected https://host/path"))?;
        let user = url.authority().is_some_and(|name| name.as_str().contains('@'));
        if user || !(origin.secure || allowed.names(&origin)) {
            let problem = "must be https without a user, or of an origin among allowed_origins";
            return Err(wrong(at("url"), problem));
        }
        if self.in_flight == 0 || self.rate == 0 {
            return Err(wrong(name, "in_flight and rate must be at least 1"));
        }
        let secrets = self.secrets.iter().map(|text| text.open(&at("secrets")));
        let secrets = secrets.collect::<Result<Vec<_>, _>>()?;
        let signer = Signer::new(secrets.iter().map(|secret| secret.expose().as_str()));
        let signer = signer.map_err(|problem| wrong(at("secrets"), problem))?;
        let stale = Duration::from_secs(self.stale_calls_secs);
        Ok(Hook { url, signer, in_flight: self.in_flight, rate: self.rate, stale })
    }
}

/// Whether everything that is named is there.
///
/// # Errors
/// [`InvalidSettings`] names the setting.
pub(crate) fn check(settings: &Settings) -> Result<(), InvalidSettings> {
    for (kind, fallback) in &settings.fallback {
        let there = match fallback {
            Fallback::Email => settings.smtp.is_some(),
            Fallback::Sms => settings.sms.is_some(),
            Fallback::Webhook => settings.webhook.is_some(),
        };
        if !there {
            return Err(wrong(format!("fallback.{kind}"), "names a channel that is not set up"));
        }
    }
    settings.smtp.as_ref().map_or(Ok(()), SmtpSettings::check)
}

/// Says nothing of the log-in.
impl std::fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpSettings")
            .field("host", &self.host)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// Says nothing of the address and the secrets.
impl std::fmt::Debug for ReceiverSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceiverSettings").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}

fn four() -> u32 {
    4
}

fn ten() -> u32 {
    10
}

fn thirty_two() -> u32 {
    32
}

fn two_hundred() -> u32 {
    200
}

fn half() -> u64 {
    30
}

fn half_a_minute() -> u64 {
    30_000
}
