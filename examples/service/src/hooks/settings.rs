//! What an operator says of a webhook.

use serde::Deserialize;

use crate::intake::Form;
use crate::secret_text::SecretText;

/// A webhook that is taken at `/v1/hooks/{name}`.
///
/// ```toml
/// [[hooks]]
/// name = "crm"
/// secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]    # Standard Webhooks
///
/// [[hooks]]
/// name = "shop"
/// form = "cloud_events"
/// secrets = ["the new one", { file = "old.secret" }]      # while they are exchanged, both are good
/// signature = { header = "x-hub-signature-256", prefix = "sha256=" }
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookSettings {
    /// 1 to 64 of the characters a–z, 0–9, - and _.
    pub name: String,
    /// One secret, or two while they are exchanged. Those of Standard Webhooks may begin with `whsec_`, and are base64.
    pub secrets: Vec<SecretText>,
    /// How it signs. Default: as Standard Webhooks has it (standardwebhooks.com): `webhook-id`, `webhook-timestamp`,
    /// `webhook-signature`.
    pub signature: Option<PlainSignature>,
    /// The form of the bodies: `cloud_events`, `genesys` or `platform`. Default: by the media type, as with the API.
    pub form: Option<Form>,
    /// By how many seconds the time of a message may differ from ours. Default: 300, as Standard Webhooks has it.
    #[serde(default = "five_minutes")]
    pub tolerance_secs: u64,
    /// Ids of events are unique within this number. Default: one in the upper half, made of the name. Give it that of a key if
    /// both say the same events.
    pub source: Option<u16>,
}

/// HMAC-SHA256 in a header, over the body, or over time, a dot and the body.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlainSignature {
    /// In which header.
    pub header: String,
    /// What stands before the signature there. Default: `sha256=`.
    #[serde(default = "sha256")]
    pub prefix: String,
    /// How it is written. Default: `hex`.
    #[serde(default)]
    pub encoding: Encoding,
    /// The header with the time, in seconds since 1970, which is signed before the body, with a dot between. Default: none; then
    /// an old message that somebody has kept is good for ever, and only the ids of its events tell that it was there.
    pub timestamp: Option<String>,
    /// The header with the message's id, for events that have none. It is not signed. Default: none.
    pub id: Option<String>,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Two digits for each byte.
    #[default]
    Hex,
    /// Base64, with any alphabet and padding.
    Base64,
}

fn five_minutes() -> u64 {
    300
}

fn sha256() -> String {
    "sha256=".to_owned()
}
