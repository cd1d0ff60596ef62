//! The service's own words: each has its way to say why.

use http::HeaderMap;
use reveille_core::redacted_url;
use serde_json::{Map, Value};

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

impl Words {
    /// Whether reason or detail contain one of `needles`, which are in lower case.
    pub(super) fn say(&self, needles: &[&str]) -> bool {
        [&self.reason, &self.detail].into_iter().flatten().any(|text| {
            let text = text.to_ascii_lowercase();
            needles.iter().any(|needle| text.contains(needle))
        })
    }
}

/// Bodies are read up to here; RFC 8030 gives them no meaning, so nothing longer can matter.
const MAX_BODY: usize = 16 * 1024;

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
    words.reason = words.reason.map(without_urls);
    words.detail = words.detail.map(without_urls);
    words
}

/// A URI reference (RFC 9110 §10.2.2) as it was written, so that what is made of it for a log shows that it is one: a relative
/// path without a leading slash gets a `./`, which changes nothing (RFC 3986 §4.2). `None` if it is none.
pub(super) fn reference(text: &str) -> Option<String> {
    if text.bytes().any(|b| !b.is_ascii_graphic() || matches!(b, b'<' | b'>' | b'"')) {
        return None;
    }
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    match scheme {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") => {
            Some(text.to_owned())
        }
        _ if text.starts_with(['/', '?', '.']) => Some(text.to_owned()),
        Some(_) => None,
        None if text.is_empty() => None,
        None => Some(format!("./{text}")),
    }
}

/// A URL as a service may quote it after it decoded it; `None` if there is nothing to decode.
pub(super) fn percent_decoded(url: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(url.len());
    let mut rest = url.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let decoded = match (byte, after) {
            (b'%', [high, low, after @ ..]) => {
                hexadecimal(*high).zip(hexadecimal(*low)).map(|pair| (pair, after))
            }
            _ => None,
        };
        match decoded {
            Some(((high, low), after)) => {
                bytes.push(high << 4 | low);
                rest = after;
            }
            None => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    (bytes.len() < url.len()).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The text with its URLs cut to their origins. Services and the proxies before them repeat the URL that was asked for,
/// which is a secret, and these texts end up in logs.
fn without_urls(text: String) -> String {
    if !text.contains("://") {
        return text;
    }
    // None of these stands inside an endpoint.
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>');
    let words = text.split_inclusive(ends).map(|word| {
        let url = word.trim_end_matches(ends);
        let (_, end) = word.split_at_checked(url.len()).unwrap_or_default();
        if url.contains("://") { redacted_url(url) + end } else { word.to_owned() }
    });
    words.collect()
}

fn read_body(body: &[u8]) -> Words {
    match serde_json::from_slice(body) {
        Ok(Value::Object(json)) => return from_json(&json),
        Ok(Value::String(text)) => return Words { reason: Some(text), ..Words::default() },
        _ => {}
    }
    match readable(body).map(str::trim) {
        Some("") | None => Words::default(),
        // FCM's error pages have their reason in the title; the rest of a page says nothing more.
        Some(text) if text.starts_with(['<', '{', '[']) => match title(text) {
            Some(title) => Words { reason: Some(title.to_owned()), ..Words::default() },
            // A page repeats the URL that was asked for, which is a secret.
            None if text.starts_with('<') => Words::default(),
            None => Words { detail: Some(text.to_owned()), ..Words::default() },
        },
        Some(text) => Words { reason: Some(text.to_owned()), ..Words::default() },
    }
}

/// The title of an HTML page.
fn title(page: &str) -> Option<&str> {
    let start = page.to_ascii_lowercase().find("<title>")? + "<title>".len();
    let title = page.get(start..)?.split('<').next()?.trim();
    (!title.is_empty()).then_some(title)
}

/// The body as text, if it is text; a character that was cut at the end does not spoil it.
fn readable(body: &[u8]) -> Option<&str> {
    match std::str::from_utf8(body) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(body.get(..error.valid_up_to())?).ok()
        }
        Err(_) => None,
    }
}

/// Mozilla autopush, Apple, Google's JSON, or a proxy that speaks problem details (RFC 9457). Member by member: one of
/// another type spoils only itself.
fn from_json(json: &Map<String, Value>) -> Words {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let errno = json.get("errno").and_then(Value::as_u64);
    // Autopush has a text there, Google an object.
    let error = json.get("error");
    let inner = |name| error.and_then(|error| text(error.get(name)));
    Words {
        reason: text(json.get("reason"))
            .or_else(|| errno.map(|errno| format!("errno {errno}")))
            .or_else(|| inner("status"))
            .or_else(|| text(json.get("title"))),
        detail: text(json.get("message"))
            .or_else(|| text(error))
            .or_else(|| inner("message"))
            .or_else(|| text(json.get("detail"))),
        errno,
    }
}
