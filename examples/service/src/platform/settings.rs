//! Where the platform's API is, and where in its answers things stand. The defaults are Genesys Cloud's.

use http::Uri;
use serde::Deserialize;

use crate::secret_text::SecretText;
use crate::settings::{InvalidSettings, wrong};

/// The REST API of the platform that the events come from.
///
/// ```toml
/// [platform]
/// api = "https://api.mypurecloud.de"
/// login = "https://login.mypurecloud.de/oauth/token"
/// client_id = "6f2c…"
/// client_secret = { file = "platform.secret" }
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformSettings {
    /// Its origin. It has to be public, or among the allowed origins.
    pub api: String,
    /// Where access tokens are given out (RFC 6749 §4.4). So has this.
    pub login: String,
    /// The name of this client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretText,
    /// What is asked for. Default: nothing, which is what the client may.
    pub scope: Option<String>,
    /// Requests a minute, for everything together. Default: 300.
    #[serde(default = "per_minute")]
    pub per_minute: u32,
    /// How many of them may come at once. Default: 30.
    #[serde(default = "burst")]
    pub burst: u32,
    /// How long an answer may take, in ms. Default: 5,000. What a ring waits for waits no longer than the rules say, 300 ms.
    #[serde(default = "answer_ms")]
    pub answer_ms: u64,
    /// The longest answer that is read, in bytes. Default: 1 MiB.
    #[serde(default = "body_bytes")]
    pub body_bytes: usize,
    /// A person's name.
    #[serde(default = "person")]
    pub person: Place,
    /// A queue's name.
    #[serde(default = "queue")]
    pub queue: Place,
    /// The text of a message. `{conversation}` is its conversation.
    #[serde(default = "message")]
    pub message: Place,
    /// A person's presence, in the words of Genesys Cloud.
    #[serde(default = "presence")]
    pub presence: Place,
    /// The state of a conversation, asked for after a gap if it rings here. Default: `/api/v2/conversations/{id}`.
    #[serde(default = "conversation")]
    pub conversation: String,
    /// Whether presence is asked for before a call is taken in, where it decides: where routing did not assign the call, or if
    /// the rules are strict. Default: no.
    #[serde(default)]
    pub ask_presence: bool,
    /// How long a ring waits for that, in ms. Default: 300.
    #[serde(default = "presence_ms")]
    pub presence_ms: u64,
}

/// Where something is found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The path, with `{id}`.
    pub path: String,
    /// Where in the answer it stands (RFC 6901).
    pub text: String,
}

impl PlatformSettings {
    /// What `serde` does not see.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the setting.
    pub(super) fn check(&self) -> Result<(), InvalidSettings> {
        let wrong = |setting: &str, problem: &str| Err(wrong(format!("platform.{setting}"), problem));
        let api = self.api.parse::<Uri>().ok().filter(|uri| uri.path() == "/" && uri.query().is_none());
        if api.as_ref().and_then(crate::wire::Origin::of).is_none() || self.api.ends_with('/') {
            return wrong("api", "is not an origin like https://api.mypurecloud.de");
        }
        if self.login.parse::<Uri>().ok().as_ref().and_then(crate::wire::Origin::of).is_none() {
            return wrong("login", "is not a URL");
        }
        for (setting, place) in [
            ("person", &self.person),
            ("queue", &self.queue),
            ("message", &self.message),
            ("presence", &self.presence),
        ] {
            if !place.path.starts_with('/') || !place.path.contains("{id}") {
                return wrong(setting, "the path begins with / and has {id}");
            }
            if !place.text.is_empty() && !place.text.starts_with('/') {
                return wrong(setting, "where the text stands begins with /");
            }
        }
        if !self.conversation.starts_with('/') || !self.conversation.contains("{id}") {
            return wrong("conversation", "the path begins with / and has {id}");
        }
        if self.per_minute == 0 || self.burst == 0 {
            return wrong("per_minute", "and burst must be at least 1");
        }
        Ok(())
    }
}

fn place(path: &str, text: &str) -> Place {
    Place { path: path.to_owned(), text: text.to_owned() }
}

fn person() -> Place {
    place("/api/v2/users/{id}", "/name")
}

fn queue() -> Place {
    place("/api/v2/routing/queues/{id}", "/name")
}

fn message() -> Place {
    place("/api/v2/conversations/messages/{conversation}/messages/{id}", "/textBody")
}

fn presence() -> Place {
    place("/api/v2/users/{id}/presences/purecloud", "/presenceDefinition/systemPresence")
}

fn conversation() -> String {
    "/api/v2/conversations/{id}".to_owned()
}

fn per_minute() -> u32 {
    300
}

fn burst() -> u32 {
    30
}

fn answer_ms() -> u64 {
    5_000
}

fn body_bytes() -> usize {
    1 << 20
}

fn presence_ms() -> u64 {
    300
}
