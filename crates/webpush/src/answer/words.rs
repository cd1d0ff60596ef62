//! The service's own words: each has its way to say why.

use http::HeaderMap;
use serde::Deserialize;

/// What the service said, as far as it is known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// A short name of the reason.
    pub(super) reason: Option<String>,
    /// A sentence.
    pub(super) detail: Option<String>,
    /// Mozilla autopush's error number.
    pub(super) errno: Option<u64>,
}

/// Bodies are read up to here; RFC 8030 gives them no meaning, so nothing longer can matter.
const MAX_BODY: usize = 16 * 1024;

/// Mozilla autopush, Apple, Google's JSON, or a proxy that speaks problem details (RFC 9457).
#[derive(Deserialize)]
struct JsonBody {
    #[serde(default)]
    errno: Option<u64>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    error: Option<JsonError>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    detail: Option<String>,
}

/// Autopush has a text there, Google an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum JsonError {
    Text(String),
    Object {
        #[serde(default)]
        status: Option<String>,
        #[serde(default)]
        message: Option<String>,
    },
}

pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Words {
    let mut words = body.get(..body.len().min(MAX_BODY)).map(read_body).unwrap_or_default();
    // WNS answers with an empty body and explains itself in headers.
    let wns = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if words.reason.is_none() {
        words.reason = wns("x-wns-error-description").or_else(|| wns("x-wns-notificationstatus"));
    }
    if words.detail.is_none() {
        words.detail = wns("x-wns-status");
    }
    words
}

fn read_body(body: &[u8]) -> Words {
    if let Ok(json) = serde_json::from_slice::<JsonBody>(body) {
        return from_json(json);
    }
    match std::str::from_utf8(body).map(str::trim) {
        Ok("") | Err(_) => Words::default(),
        // An HTML error page names no reason; a short text, as FCM sends it, is one.
        Ok(text) if text.starts_with('<') || text.starts_with('{') => {
            Words { detail: Some(text.to_owned()), ..Words::default() }
        }
        Ok(text) => Words { reason: Some(text.to_owned()), ..Words::default() },
    }
}

fn from_json(json: JsonBody) -> Words {
    let (mut status, mut text) = (None, None);
    match json.error {
        Some(JsonError::Text(error)) => text = Some(error),
        Some(JsonError::Object { status: s, message }) => (status, text) = (s, message),
        None => {}
    }
    Words {
        reason: json
            .reason
            .or_else(|| json.errno.map(|errno| format!("errno {errno}")))
            .or(status)
            .or(json.title),
        detail: json.message.or(text).or(json.detail),
        errno: json.errno,
    }
}
