//! What an operator says of an event stream.

use std::time::Duration;

use http::Uri;
use reveille_conversation::reconnect::ReconnectSettings;
use serde::Deserialize;

use crate::intake::Form;
use crate::secret_text::SecretText;
use crate::settings::{InvalidSettings, wrong};

/// An event stream of the platform, over a WebSocket.
///
/// ```toml
/// [[streams]]
/// name = "agents"
/// channels = "/api/v2/notifications/channels"     # of [platform]; or url = "wss://…"
/// topics = ["v2.users.kate.conversations", "v2.users.kate.presence"]
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamSettings {
    /// Its name in metrics and logs.
    pub name: String,
    /// Where channels are made with the platform's API: it answers with `id` and `connectUri`, and topics are subscribed at
    /// `{channels}/{id}/subscriptions`.
    pub channels: Option<String>,
    /// Or the WebSocket itself, which takes `{"message":"subscribe","topics":[…]}` and says `{"message":"subscribed"}`.
    pub url: Option<String>,
    /// The value of `Authorization` there. Default: none.
    pub authorization: Option<SecretText>,
    /// What is subscribed: 1,000 topics a channel, at most 20 channels.
    pub topics: Vec<String>,
    /// The form of its events: `genesys` or `cloud_events`. Default: `genesys`.
    #[serde(default = "genesys")]
    pub form: Form,
    /// Ids of events are unique within this number. Default: one in the upper half, made of the name.
    pub source: Option<u16>,
    /// After so many seconds without a word a ping is sent. Default: 45.
    pub ping_after_secs: Option<u64>,
    /// … and after so many the connection is given up. Default: 75.
    pub silent_after_secs: Option<u64>,
    /// How long a channel lives, in s. Default: 86,400.
    pub channel_lives_secs: Option<u64>,
    /// How long before its end it is renewed, in s. Default: 3,600.
    pub renew_before_secs: Option<u64>,
    /// What lists what goes on now, for after a gap. Default: nothing; then only what rings here is asked for, one by one.
    pub resync: Option<ResyncSettings>,
}

/// A list of what goes on now, of the platform's API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResyncSettings {
    /// The path. `{page}` counts from 1, until a page has nothing; `{since}` is where the gap begins, in ms since 1970.
    pub path: String,
    /// Where in the answer the list stands (RFC 6901). Default: `/entities`.
    #[serde(default = "entities")]
    pub items: String,
    /// Each item is read as the body of this topic. Default: `v2.users.resync.conversations`.
    #[serde(default = "topic")]
    pub topic: String,
}

/// Where the connection goes.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// To a channel that is made first.
    Channels(String),
    /// There.
    Url(Uri),
}

impl StreamSettings {
    pub(super) fn way(&self) -> Result<Way, InvalidSettings> {
        match (&self.channels, &self.url) {
            (Some(path), None) if path.starts_with('/') => Ok(Way::Channels(path.clone())),
            (None, Some(url)) => {
                let uri = url.parse::<Uri>().ok();
                let uri =
                    uri.filter(|uri| matches!(uri.scheme_str(), Some("ws" | "wss")) && uri.host().is_some());
                uri.map(Way::Url).ok_or_else(|| self.wrong("url is not a WebSocket's"))
            }
            _ => Err(self.wrong("give channels, a path, or url")),
        }
    }

    pub(super) fn reconnect(&self) -> Result<ReconnectSettings, InvalidSettings> {
        let mut settings = ReconnectSettings::default();
        type With = fn(
            ReconnectSettings,
            Duration,
        )
            -> Result<ReconnectSettings, reveille_conversation::reconnect::InvalidReconnect>;
        let all: [(Option<u64>, With); 4] = [
            (self.ping_after_secs, ReconnectSettings::with_ping_after),
            (self.silent_after_secs, ReconnectSettings::with_silent_after),
            (self.channel_lives_secs, ReconnectSettings::with_channel_lives),
            (self.renew_before_secs, ReconnectSettings::with_renew_before),
        ];
        for (secs, with) in all {
            if let Some(secs) = secs {
                settings = with(settings, Duration::from_secs(secs))
                    .map_err(|error| self.wrong(&error.to_string()))?;
            }
        }
        Ok(settings)
    }

    pub(super) fn wrong(&self, problem: &str) -> InvalidSettings {
        wrong(format!("streams: {}", self.name), problem)
    }
}

fn genesys() -> Form {
    Form::Genesys
}

fn entities() -> String {
    "/entities".to_owned()
}

fn topic() -> String {
    "v2.users.resync.conversations".to_owned()
}
