//! VAPID as a push service reads it (RFC 8292), by rules of its own: nothing here is shared with the sender's side, so that a
//! fault there cannot hide here.

use reveille_core::UnixTime;
use reveille_crypto::{CryptoProvider, P256PublicKey};
use serde_json::Value;

/// Who sent a request, once it is verified: the key, and whom to complain to.
pub(super) struct Sender {
    pub(super) key: P256PublicKey,
}

/// Mozilla's push service takes a token for a minute after its end.
const LEEWAY_SECONDS: u64 = 60;
const DAY_SECONDS: u64 = 24 * 60 * 60;

/// Verifies the value of an `Authorization` header; `None` for whatever is wrong with it, which autopush does not tell apart
/// either.
pub(super) fn verify(
    authorization: &str,
    origin: &str,
    crypto: CryptoProvider,
    now: UnixTime,
) -> Option<Sender> {
    let (token, key) = parameters(authorization)?;
    let key = P256PublicKey::from_bytes(&base64url(key)?).ok()?;
    let mut parts = token.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let signed = token.get(..header.len() + 1 + claims.len())?;
    let header = object(&base64url(header)?)?;
    let claims = object(&base64url(claims)?)?;
    let signature = base64url(signature)?;
    if header.get("alg")?.as_str()? != "ES256" || header.get("typ").is_some_and(|typ| typ != "JWT") {
        return None;
    }
    if signature.len() != 64 || crypto.es256.verify(&key, signed.as_bytes(), &signature).is_err() {
        return None;
    }
    let expires = claims.get("exp")?.as_u64()?;
    let in_time = expires.saturating_add(LEEWAY_SECONDS) > now.as_secs()
        && expires <= now.as_secs().saturating_add(DAY_SECONDS);
    // In practice mandatory: autopush refuses a claim set without it, Apple too.
    let contact = claims.get("sub")?.as_str()?;
    let reachable = contact.starts_with("mailto:") || contact.starts_with("https:");
    (claims.get("aud")?.as_str()? == origin && in_time && reachable).then_some(Sender { key })
}

/// `vapid t=…, k=…` in any order; each once, others ignored (RFC 8292 §3). The scheme in either case of letters
/// (RFC 9110 §11.1).
fn parameters(authorization: &str) -> Option<(&str, &str)> {
    let scheme = authorization.get(..6)?;
    if !scheme.eq_ignore_ascii_case("vapid ") {
        return None;
    }
    let list: Vec<(&str, &str)> = authorization
        .get(6..)?
        .split(',')
        .map(|parameter| parameter.split_once('=').map(|(name, value)| (name.trim(), value.trim())))
        .collect::<Option<_>>()?;
    let only = |wanted: &str| {
        let mut found = list.iter().filter(|(name, _)| *name == wanted);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(*value),
            _ => None,
        }
    };
    Some((only("t")?, only("k")?))
}

fn object(json: &[u8]) -> Option<serde_json::Map<String, Value>> {
    match serde_json::from_slice(json).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// RFC 4648 §5 without padding, digit by digit.
pub(super) fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for character in text.bytes() {
        let digit = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    // Six bits over are no byte; what is over must be zero.
    (count < 6 && bits == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_is_that_of_the_rfc() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg", b"f"),
            ("Zm8", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYg", b"foob"),
            ("-_8", &[0xfb, 0xff]),
        ] {
            assert_eq!(base64url(text).as_deref(), Some(bytes), "{text}");
        }
        for bad in ["Z", "Zg==", "Zh", "Zm9=", "Z m8", "+/8", "Zm9vY"] {
            assert_eq!(base64url(bad), None, "{bad}");
        }
    }

    #[test]
    fn parameters_once_each() {
        assert_eq!(parameters("vapid t=a.b.c, k=d"), Some(("a.b.c", "d")));
        assert_eq!(parameters("VAPID k=d,t=a,x=y"), Some(("a", "d")));
        for bad in
            ["vapid", "vapid t=a", "vapid t=a, t=a, k=d", "vapidt=a, k=d", "Bearer t=a, k=d", "vapid t=a, k"]
        {
            assert_eq!(parameters(bad), None, "{bad}");
        }
    }
}
