//! What a push request must look like.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use reveille_core::UnixTime;
use reveille_crypto::{CryptoProvider, P256PublicKey};

use super::Refusal;
use super::vapid;

/// Autopush keeps messages for at most 30 days.
const MAX_TTL: u64 = 30 * 24 * 60 * 60;
/// RFC 8030 §7.2.
const MAX_BODY: usize = 4_096;

/// What an acceptable request asks for; [`check`](super::check) returns it for a test to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// How long the service will keep the message: the TTL asked for, cut to 30 days.
    pub ttl: Duration,
    /// Replaces a waiting message with the same one.
    pub topic: Option<String>,
    /// One of the four of RFC 8030 §5.3; `normal` if not given.
    pub urgency: &'static str,
    /// The content coding; absent for a push without body.
    pub encoding: Option<&'static str>,
}

/// Checks a request to a live subscription, which is restricted to `key` if there is one (RFC 8292 §4).
///
/// # Errors
/// The first [`Refusal`], in autopush's order: method, VAPID, size, TTL, encryption, topic; then urgency, which autopush
/// does not look at.
pub fn check(
    request: &Request<Bytes>,
    origin: &str,
    key: Option<&P256PublicKey>,
    crypto: CryptoProvider,
    now: UnixTime,
) -> Result<Accepted, Refusal> {
    if request.method() != Method::POST {
        return Err(Refusal::Method);
    }
    let headers = request.headers();
    check_vapid(headers, origin, key, crypto, now)?;
    if request.body().len() > MAX_BODY {
        return Err(Refusal::TooLarge);
    }
    let ttl = one(headers, "ttl").map_err(|()| Refusal::InvalidTtl)?.ok_or(Refusal::MissingTtl)?;
    let ttl = Duration::from_secs(seconds(ttl).ok_or(Refusal::InvalidTtl)?.min(MAX_TTL));
    let encoding = check_encryption(headers, request.body())?;
    let topic = one(headers, "topic").map_err(|()| Refusal::InvalidTopic)?;
    if topic.is_some_and(|topic| !is_topic(topic)) {
        return Err(Refusal::InvalidTopic);
    }
    let urgency = match one(headers, "urgency").map_err(|()| Refusal::InvalidUrgency)? {
        Some(urgency) => {
            URGENCIES.into_iter().find(|known| *known == urgency).ok_or(Refusal::InvalidUrgency)?
        }
        None => "normal",
    };
    Ok(Accepted { ttl, topic: topic.map(str::to_owned), urgency, encoding })
}

/// `1*DIGIT` (RFC 8030 §5.2); more than 64 bits hold is still a number of seconds.
fn seconds(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0_u64, |seconds, digit| match digit {
        b'0'..=b'9' => Some(seconds.saturating_mul(10).saturating_add(u64::from(digit - b'0'))),
        _ => None,
    })
}

/// RFC 8030 §5.4: at most 32 characters of the base64url alphabet. An empty one names nothing.
fn is_topic(text: &str) -> bool {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (1..=32).contains(&text.len()) && text.chars().all(|character| ALPHABET.contains(character))
}

/// RFC 8030 §5.3.
const URGENCIES: [&str; 4] = ["very-low", "low", "normal", "high"];

/// A body is encrypted with one of the two codings; the headers of the draft coding go with that one only.
fn check_encryption(headers: &HeaderMap, body: &Bytes) -> Result<Option<&'static str>, Refusal> {
    let encoding = one(headers, "content-encoding").map_err(|()| Refusal::InvalidEncryption)?;
    let says = |name, part: &str| {
        one(headers, name)
            .ok()
            .flatten()
            .is_some_and(|value| value.split([';', ',']).any(|p| p.trim().starts_with(part)))
    };
    let draft = says("encryption", "salt=") && says("crypto-key", "dh=");
    match (body.is_empty(), encoding) {
        (true, None) => Ok(None),
        (false, Some("aes128gcm")) if !says("encryption", "salt=") && !says("crypto-key", "dh=") => {
            check_aes128gcm(body).map(Some)
        }
        (false, Some("aesgcm")) if draft => Ok(Some("aesgcm")),
        _ => Err(Refusal::InvalidEncryption),
    }
}

/// What can be seen of RFC 8291 §4 from outside: a keyid of 65 bytes, and a record size greater than the one record.
fn check_aes128gcm(body: &Bytes) -> Result<&'static str, Refusal> {
    let malformed = Refusal::InvalidEncryption;
    let (header, rest) = body.split_first_chunk::<21>().ok_or(malformed)?;
    let &[.., r0, r1, r2, r3, idlen] = header;
    let (keyid, record) = rest.split_at_checked(usize::from(idlen)).ok_or(malformed)?;
    let record_size = u32::from_be_bytes([r0, r1, r2, r3]);
    let one_record = u32::try_from(record.len()).is_ok_and(|length| length >= 17 && length < record_size);
    if P256PublicKey::from_bytes(keyid).is_ok() && one_record { Ok("aes128gcm") } else { Err(malformed) }
}

fn check_vapid(
    headers: &HeaderMap,
    origin: &str,
    key: Option<&P256PublicKey>,
    crypto: CryptoProvider,
    now: UnixTime,
) -> Result<(), Refusal> {
    let unauthorized = Refusal::Unauthorized;
    let Some(value) = one(headers, "authorization").map_err(|()| unauthorized)? else {
        return if key.is_some() { Err(unauthorized) } else { Ok(()) };
    };
    let draft;
    let value = match value.strip_prefix("WebPush ") {
        // The draft scheme has the key in another header.
        Some(token) => {
            let crypto_key = one(headers, "crypto-key").map_err(|()| unauthorized)?.ok_or(unauthorized)?;
            let k = crypto_key.split([';', ',']).find_map(|part| part.trim().strip_prefix("p256ecdsa="));
            draft = format!("vapid t={token}, k={}", k.ok_or(unauthorized)?);
            draft.as_str()
        }
        None => value,
    };
    let sender = vapid::verify(value, origin, crypto, now).ok_or(unauthorized)?;
    if key.is_none_or(|key| *key == sender.key) { Ok(()) } else { Err(unauthorized) }
}

/// The one value of a header; `Err` if there are several, or it is not text.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_seconds() {
        for (text, expected) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("2592000", Some(2_592_000)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.0", None),
            (" 1", None),
            ("99999999999999999999999", Some(u64::MAX)),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }

    #[test]
    fn topics() {
        for good in ["a", "A-z_09", &"a".repeat(32)] {
            assert!(is_topic(good), "{good}");
        }
        for bad in ["", "a b", "a=", "a+b", "\u{e4}", &"a".repeat(33)] {
            assert!(!is_topic(bad), "{bad}");
        }
    }
}
