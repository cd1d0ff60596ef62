//! What a push request must look like.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use reveille_core::UnixTime;
use reveille_crypto::{CryptoProvider, P256PublicKey};
use reveille_webpush::{Topic, Urgency, VapidHeader};

use super::Refusal;

/// Autopush keeps messages for at most 30 days.
const MAX_TTL: u64 = 30 * 24 * 60 * 60;
/// RFC 8030 §7.2.
const MAX_BODY: usize = 4_096;

/// What an acceptable request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// How long the service will keep the message: the TTL asked for, cut to 30 days.
    pub ttl: Duration,
    /// Replaces a waiting message with the same one.
    pub topic: Option<String>,
    /// `normal` if not given.
    pub urgency: Urgency,
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
    let ttl = Some(ttl)
        .filter(|ttl| ttl.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|ttl| ttl.parse::<u64>().ok());
    let ttl = Duration::from_secs(ttl.ok_or(Refusal::InvalidTtl)?.min(MAX_TTL));
    let encoding = check_encryption(headers, request.body())?;
    let topic = one(headers, "topic").map_err(|()| Refusal::InvalidTopic)?;
    if topic.is_some_and(|topic| Topic::new(topic).is_err()) {
        return Err(Refusal::InvalidTopic);
    }
    let urgency = match one(headers, "urgency").map_err(|()| Refusal::InvalidUrgency)? {
        Some(urgency) => urgency.parse().map_err(|_| Refusal::InvalidUrgency)?,
        None => Urgency::Normal,
    };
    Ok(Accepted { ttl, topic: topic.map(str::to_owned), urgency, encoding })
}

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
    let header = VapidHeader::parse(value).map_err(|_| unauthorized)?;
    let claims = header.verify(origin, crypto, now).map_err(|_| unauthorized)?;
    // In practice mandatory: autopush refuses a claim set without it, Apple too.
    let contact = claims.sub.is_some_and(|sub| sub.starts_with("mailto:") || sub.starts_with("https:"));
    if contact && key.is_none_or(|key| key == header.key()) { Ok(()) } else { Err(unauthorized) }
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
