//! What an operator can set: a TOML file, and a few words on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use reveille_conversation::id::ConversationId;
use serde::Deserialize;
use thiserror::Error;

use crate::auth::UserSettings;
use crate::channels::{Fallbacks, ReceiverSettings, SmtpSettings};
use crate::credentials::Brand;
use crate::hooks::HookSettings;
use crate::lookups::AudienceSettings;
use crate::platform::PlatformSettings;
use crate::stream::StreamSettings;

/// How the program is called.
pub const USAGE: &str = "\
usage: gateway [OPTIONS]

  --settings FILE   settings as TOML; without it, and without credentials in it, local push services show every path
  --data FOLDER     where store and keys are kept (default: gateway-data)
  --listen ADDRESS  where the API listens (default: 127.0.0.1:8040)
  --host NAME       the name under which a proxy passes requests on; only this one and localhost are then answered
  --no-demo         do not show anything at the start
  --export CONVERSATION
                    write the log of the shard that has this conversation into the data folder, for `pushtool gateway replay`,
                    and do nothing else; its texts are in clear there. Not while the service runs
  --receipts        the demonstration's page reports what it received (for tests): GET /demo/receipts
  --help
";

/// All settings. The file has the same names; what is not in it has the default.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the API listens. Default: `127.0.0.1:8040`.
    pub listen: SocketAddr,
    /// The name under which a proxy passes requests on. Only this one and `localhost` are then answered. Default: none, so
    /// that only `localhost` is answered where the service listens on this machine, and any name where it listens on the
    /// network.
    pub host: Option<String>,
    /// Where store and keys are. Default: `gateway-data`.
    pub data: PathBuf,
    /// The name of this process among those that share a store.
    pub owner: String,
    /// Whom push services can reach: `mailto:` or `https:`.
    pub contact: String,
    /// The origin of the page or app that notifications lead to.
    pub link: String,
    /// Texts in other words and languages, and sounds, for all apps that have none of their own.
    pub brand: Brand,
    /// Rules, as a TOML file of their own. Default: all five presets joined, on mobiles and in browsers.
    pub rules: Option<PathBuf>,
    /// Origins beyond the public ones that push services may have: an autopush of one's own, also on loopback.
    pub allowed_origins: Vec<String>,
    /// Certificates (PEM) that are trusted besides the usual authorities.
    pub certificates: Option<PathBuf>,
    /// A proxy that understands CONNECT.
    pub proxy: Option<ProxySettings>,
    /// What sends, for whom.
    pub apps: Vec<AppSettings>,
    /// Threads that own shards; 0: one for each processor.
    pub threads: usize,
    /// How long a commit waits for more shards, in ms. What hurries never waits. Default: 0, since what comes while the
    /// disk syncs is together anyway.
    pub commit_latency_ms: u64,
    /// For how long shards are claimed, in s. Default: 30.
    pub lease_secs: u64,
    /// After how many inputs of a shard a snapshot is taken. Default: 20,000.
    pub snapshot_inputs: u64,
    /// How long the first message of a conversation waits for others, in ms. Default: 30,000.
    pub digest_ms: u64,
    /// Requests a second to one push service with one credential. Default: 500.
    pub rate: u32,
    /// For how long the rate grows after a silence, in s. Default: 60, as FCM asks.
    pub ramp_secs: u64,
    /// How end users show who they are.
    pub users: UserSettings,
    /// Who takes e-mails. Default: nobody.
    pub smtp: Option<SmtpSettings>,
    /// Who sends text messages, as a webhook. Default: nobody.
    pub sms: Option<ReceiverSettings>,
    /// Who is told of messages and calls, as a webhook (E6). Default: nobody.
    pub webhook: Option<ReceiverSettings>,
    /// Who is told of devices, failures and alerts, as a webhook. Default: nobody.
    pub outgoing: Option<ReceiverSettings>,
    /// What is tried when no push reached anybody, by kind, as in `missed_call = "email"`. Default: nothing.
    pub fallback: Fallbacks,
    /// Webhooks that are taken.
    pub hooks: Vec<HookSettings>,
    /// The REST API of the platform that the events come from.
    pub platform: Option<PlatformSettings>,
    /// Event streams that are followed.
    pub streams: Vec<StreamSettings>,
    /// Lists of people that the platform keeps.
    pub audiences: Vec<AudienceSettings>,
    /// The bounds of the API.
    pub limits: Limits,
    /// Whether the demonstration's page reports what it received: for tests.
    pub receipts: bool,
}

/// A proxy.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxySettings {
    /// `host:port`
    pub authority: String,
    /// The value of `Proxy-Authorization`.
    pub authorization: Option<String>,
}

/// An app, or an origin of web pages, and what it sends with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppSettings {
    /// As devices name it.
    pub id: String,
    /// Whether browsers subscribe to the service's VAPID key. Default: yes.
    #[serde(default = "yes")]
    pub web_push: bool,
    /// Apple.
    pub apns: Option<ApnsSettings>,
    /// Google.
    pub fcm: Option<FcmSettings>,
    /// How it speaks, and what it is told, beside others. Default: as the service.
    pub brand: Option<Brand>,
}

/// What Apple gives out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApnsSettings {
    /// The app's bundle id.
    pub bundle: String,
    /// The `.p8` file.
    pub key_file: PathBuf,
    /// Its name, ten characters.
    pub key_id: String,
    /// The team's, ten characters.
    pub team: String,
    /// Another host, such as a proxy or a test. It has to be public, or among the allowed origins.
    pub origin: Option<String>,
}

/// What Google gives out: one of the two files or addresses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FcmSettings {
    /// The project; with a service account, that of its file if not set.
    pub project: Option<String>,
    /// The JSON file of a service account.
    pub service_account: Option<PathBuf>,
    /// The origin of a metadata server: `http://metadata.google.internal` inside Google Cloud, as an allowed origin.
    pub metadata: Option<String>,
    /// Another host for the messages.
    pub origin: Option<String>,
}

/// The bounds of the API.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at once. Default: 10,000.
    pub connections: usize,
    /// Connections at once of one IPv4 address or one IPv6 /64; trusted proxies have no such bound. Default: 4,096.
    pub connections_per_address: usize,
    /// Bytes of a body. Default: 1 MiB.
    pub body_bytes: usize,
    /// Events of one request. Default: 1,000.
    pub batch: usize,
    /// For the head of a request, in ms, and between two requests of a connection: longer than clients wait between two polls.
    /// Default: 30,000.
    pub head_ms: u64,
    /// For a whole request, in ms. Default: 20,000.
    pub request_ms: u64,
    /// For what is under way when the service stops, in ms. Default: 10,000.
    pub stop_ms: u64,
    /// Events that wait for their commit, in all. Default: 65,536.
    pub waiting_events: usize,
    /// Their bytes. Default: 128 MiB.
    pub waiting_bytes: usize,
    /// Requests a second with one key. Default: 10,000.
    pub key_rate: u32,
    /// Requests a second of one user. Default: 20.
    pub user_rate: u32,
    /// Requests a second without a key or a token that is good, of one IPv4 address or one IPv6 /64. Default: 500.
    pub stranger_rate: u32,
}

/// What the command line asks for.
pub enum Arguments {
    /// To run.
    Run(Box<Settings>, Demo),
    /// To write the log of a conversation's shard into this folder, where the store is.
    Export(PathBuf, ConversationId),
    /// To say how it is called.
    Help,
}

/// Whether something is shown at the start, if there are no credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demo {
    /// It is.
    Show,
    /// It is not.
    Skip,
}

/// Settings that cannot be used. Names the place, never a value of a secret.
#[derive(Debug, Error)]
pub enum InvalidSettings {
    /// The command line.
    #[error("{0}")]
    Argument(String),
    /// A file cannot be read.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// A file holds something else.
    #[error("{path}: {problem}")]
    Content {
        /// Which, or which setting.
        path: String,
        /// What is wrong.
        problem: String,
    },
}

/// What is wrong with a setting, or with what a file holds.
pub(crate) fn wrong(path: impl Into<String>, problem: impl std::fmt::Display) -> InvalidSettings {
    InvalidSettings::Content { path: path.into(), problem: problem.to_string() }
}

impl InvalidSettings {
    /// The same, of a part of something larger.
    pub(crate) fn within(self, place: &str) -> Self {
        match self {
            Self::Content { path, problem } => Self::Content { path: format!("{place}.{path}"), problem },
            other => other,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8040)),
            host: None,
            data: "gateway-data".into(),
            owner: "service-1".to_owned(),
            contact: "mailto:ops@example.com".to_owned(),
            link: "https://shop.example".to_owned(),
            brand: Brand::default(),
            rules: None,
            allowed_origins: Vec::new(),
            certificates: None,
            proxy: None,
            apps: Vec::new(),
            threads: 0,
            commit_latency_ms: 0,
            lease_secs: 30,
            snapshot_inputs: 20_000,
            digest_ms: 30_000,
            rate: 500,
            ramp_secs: 60,
            users: UserSettings::default(),
            smtp: None,
            sms: None,
            webhook: None,
            outgoing: None,
            fallback: Fallbacks::new(),
            hooks: Vec::new(),
            platform: None,
            streams: Vec::new(),
            audiences: Vec::new(),
            limits: Limits::default(),
            receipts: false,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 4_096,
            body_bytes: 1 << 20,
            batch: 1_000,
            head_ms: 30_000,
            request_ms: 20_000,
            stop_ms: 10_000,
            waiting_events: 65_536,
            waiting_bytes: 128 << 20,
            key_rate: 10_000,
            user_rate: 20,
            stranger_rate: 500,
        }
    }
}

/// Says nothing of the authorization.
impl std::fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProxySettings").field("authority", &self.authority).finish_non_exhaustive()
    }
}

impl Settings {
    /// From TOML.
    ///
    /// # Errors
    /// [`InvalidSettings::Content`] names line and field.
    pub fn from_toml(text: &str, path: &str) -> Result<Self, InvalidSettings> {
        let settings: Self = toml::from_str(text).map_err(|error| wrong(path, error.message()))?;
        let problem = match &settings {
            settings if settings.lease_secs == 0 => "lease_secs must be at least 1",
            settings if settings.rate == 0 => "rate must be at least 1",
            settings if settings.snapshot_inputs == 0 => "snapshot_inputs must be at least 1",
            settings if settings.limits.connections == 0 => "limits.connections must be at least 1",
            settings if settings.limits.connections_per_address == 0 => {
                "limits.connections_per_address must be at least 1"
            }
            _ => return Ok(settings),
        };
        Err(wrong(path, problem))
    }

    /// How many threads own shards.
    pub fn shard_threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }

    /// The lease as a span.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_secs)
    }
}

/// Reads the command line.
///
/// # Errors
/// [`InvalidSettings`]
pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, InvalidSettings> {
    let (mut file, mut data, mut listen, mut host) = (None, None, None, None);
    let (mut demo, mut receipts, mut export) = (Demo::Show, false, None);
    while let Some(argument) = arguments.next() {
        let mut value =
            || arguments.next().ok_or_else(|| InvalidSettings::Argument(format!("{argument} needs a value")));
        match argument.as_str() {
            "--settings" => file = Some(PathBuf::from(value()?)),
            "--data" => data = Some(PathBuf::from(value()?)),
            "--listen" => {
                let text = value()?;
                let wrong =
                    |_| InvalidSettings::Argument(format!("{text:?} is not an address like 127.0.0.1:8040"));
                listen = Some(text.parse().map_err(wrong)?);
            }
            "--host" => host = Some(value()?),
            "--no-demo" => demo = Demo::Skip,
            "--export" => {
                let wrong = |error| InvalidSettings::Argument(format!("--export: {error}"));
                export = Some(value()?.parse::<ConversationId>().map_err(wrong)?);
            }
            "--receipts" => receipts = true,
            "--help" | "-h" => return Ok(Arguments::Help),
            _ => return Err(InvalidSettings::Argument(format!("unknown option {argument:?}"))),
        }
    }
    let mut settings = match file {
        Some(path) => Settings::from_toml(&read(&path)?, &path.display().to_string())?,
        None => Settings::default(),
    };
    settings.host = host.or(settings.host);
    settings.receipts |= receipts;
    settings.data = data.unwrap_or(settings.data);
    settings.listen = listen.unwrap_or(settings.listen);
    Ok(match export {
        Some(conversation) => Arguments::Export(settings.data, conversation),
        None => Arguments::Run(Box::new(settings), demo),
    })
}

/// A file that a setting names.
pub(crate) fn read(path: &std::path::Path) -> Result<String, InvalidSettings> {
    let fail = |error| InvalidSettings::File { path: path.display().to_string(), error };
    std::fs::read_to_string(path).map_err(fail)
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_what_is_wrong_with_it() {
        let settings = Settings::from_toml("rate = 7\n[limits]\nbatch = 3\n", "a.toml").unwrap();
        assert_eq!((settings.rate, settings.limits.batch, settings.limits.connections), (7, 3, 10_000));
        let wrong = |text: &str| Settings::from_toml(text, "a.toml").unwrap_err().to_string();
        assert!(wrong("rat = 7").starts_with("a.toml: unknown field `rat`"), "{}", wrong("rat = 7"));
        assert_eq!(wrong("rate = 0"), "a.toml: rate must be at least 1");
        let bad = parse(["--listen".to_owned(), "here".to_owned()].into_iter()).err().unwrap();
        assert_eq!(bad.to_string(), "\"here\" is not an address like 127.0.0.1:8040");
    }

    /// What the README shows can be written into a file.
    #[test]
    fn the_readme_shows_settings() {
        let readme = include_str!("../README.md");
        let blocks: Vec<_> =
            readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(blocks.len() >= 3, "{}", blocks.len());
        for block in blocks {
            assert!(
                Settings::from_toml(block, "README.md").is_ok(),
                "{:?}",
                Settings::from_toml(block, "README.md")
            );
        }
    }
}
