//! What happened in a conversation, as the event source tells it.

use reveille_crypto::{HmacKey, base64url};
use reveille_webpush::message::InvalidMessage;
use reveille_webpush::message::SizeLimit;
use reveille_webpush::{Message, Topic, Ttl, Urgency};
use serde::Deserialize;
use serde_json::{Value, json};

/// How long a chat message is worth a notification.
const TTL_SECONDS: u64 = 24 * 60 * 60;

/// The part that every event has.
#[derive(Deserialize)]
pub struct Envelope {
    topic: String,
}

impl Envelope {
    /// The conversation of an event that asks for a push, `v2.detail.events.conversation.{id}.message`; `None` for other
    /// topics, which are counted and ignored.
    pub fn conversation(&self) -> Option<&str> {
        let id = self.topic.strip_prefix("v2.detail.events.conversation.")?.strip_suffix(".message")?;
        (!id.is_empty() && !id.contains('.')).then_some(id)
    }
}

/// `POST /v1/events`: a message in a conversation, for the devices of a user.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// See [`Envelope`].
    #[serde(rename = "topic")]
    _topic: String,
    /// Whose devices to wake.
    pub user: String,
    /// Who wrote it.
    #[serde(default)]
    from: Option<String>,
    /// The message; the push carries a snippet.
    #[serde(default)]
    text: Option<String>,
    /// Instead of a message: bytes (base64url) that are pushed as they are.
    #[serde(default)]
    raw: Option<String>,
}

impl Event {
    /// The push message for it. The topic key hides the conversation's id from the push service.
    pub fn to_message(
        &self,
        conversation: &str,
        topic_key: &dyn HmacKey,
        resume_token: Option<&str>,
    ) -> Result<Message, String> {
        let ttl = Ttl::from_secs(TTL_SECONDS).map_err(|e| e.to_string())?;
        let payload = match (&self.raw, &self.text) {
            (Some(_), Some(_)) => return Err("text: not together with raw".to_owned()),
            (Some(raw), None) => base64url::decode_lenient(raw).map_err(|e| format!("raw: {e}"))?,
            (None, text) => {
                self.notification(conversation, text.as_deref().unwrap_or_default(), resume_token)
            }
        };
        let message = Message::new_within(SizeLimit::Provider, payload, ttl)
            .map_err(|error: InvalidMessage| error.to_string())?;
        let message = message.with_urgency(Urgency::High);
        // A newer message of a conversation replaces a waiting one; raw bytes never do.
        match self.raw {
            None => Topic::derived(topic_key, conversation.as_bytes())
                .map(|topic| message.with_topic(topic))
                .map_err(|e| e.to_string()),
            Some(_) => Ok(message),
        }
    }

    /// The message as the page shows it when the user comes back.
    pub fn to_history(&self) -> Value {
        let title = self.from.as_deref().unwrap_or("New message");
        let body = self.text.as_deref().unwrap_or_default();
        json!({"title": start_of(title, 60), "body": start_of(body, 4_000)})
    }

    /// What the service worker shows, and where a click leads.
    fn notification(&self, conversation: &str, text: &str, resume_token: Option<&str>) -> Vec<u8> {
        let title = self.from.as_deref().unwrap_or("New message");
        let mut url = format!("/?conversation={}", percent_encoded(conversation));
        if self.user != "guest" {
            url = format!("{url}&user={}", percent_encoded(&self.user));
        }
        // Behind the #: the page reads it, no request carries it.
        if let Some(token) = resume_token {
            url = format!("{url}#resume={token}");
        }
        let notification = json!({
            "title": start_of(title, 60), "body": start_of(text, 120), "conversation": conversation, "url": url,
        });
        notification.to_string().into_bytes()
    }
}

/// The first characters: a push is a pointer, the page fetches the message itself.
fn start_of(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn percent_encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
