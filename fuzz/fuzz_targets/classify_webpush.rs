//! Any status, headers and body have a meaning, no time lies in the past, and no capability gets out: of the endpoint, and of the
//! token that was sent, no part of 12 characters or more is in any text or `Debug`.
//!
//! The input is written like an answer, so that a fuzzer's splices keep its parts whole: status (2 bytes), time
//! (8 bytes), one line per header (its first byte chooses the name), an empty line, the body. In headers and body `%P`
//! stands for the endpoint's path, `%U` for its URL, `%D` for its path with percent-escapes undone, `%K` for the token: a
//! service that quotes what it was sent. An endpoint of the fuzzer's own may come as the first line of the body, behind `%E`.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;
use reveille_core::{Outcome, Receipt, Rejection, UnixTime};
use reveille_webpush::Endpoint;
use reveille_webpush::target::PublicHttps;

const NAMES: [&str; 7] = [
    "retry-after",
    "location",
    "ttl",
    "link",
    "x-wns-error-description",
    "x-wns-notificationstatus",
    "x-wns-status",
];

const ENDPOINT: &str = "https://push.example/wpush/v2/gAAAAABkSECRETsecret,SECRET!secret/tok%2Fen%3DAPA91bSECRETsecret?k=c2VjcmV0c2VjcmV0";
/// As every token of ours begins, and another one.
const TOKEN: &str =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZSJ9.c2lnbmF0dXJlc2lnbmF0dXJl";

fn decoded(path: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), path.as_bytes());
    while let [first, after @ ..] = rest {
        let hex = |digit: u8| char::from(digit).to_digit(16);
        match (first, after) {
            (b'%', [high, low, behind @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                out.push((hex(*high).unwrap_or(0) * 16 + hex(*low).unwrap_or(0)) as u8);
                rest = behind;
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The same text with what a service was sent in it.
fn quoting(text: &[u8], endpoint: &str) -> Vec<u8> {
    let path =
        endpoint.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    let decoded = decoded(path);
    let (mut out, mut rest) = (Vec::new(), text);
    while let [first, after @ ..] = rest {
        let (known, after) = match (first, after) {
            (b'%', [b'P', after @ ..]) => (path, after),
            (b'%', [b'U', after @ ..]) => (endpoint, after),
            (b'%', [b'D', after @ ..]) => (decoded.as_str(), after),
            (b'%', [b'K', after @ ..]) => (TOKEN, after),
            (other, after) => {
                out.push(*other);
                rest = after;
                continue;
            }
        };
        out.extend_from_slice(known.as_bytes());
        rest = after;
    }
    out
}

/// What must not get out: the parts of the endpoint and of the token, in one case of letters.
fn secrets(endpoint: &str) -> Vec<String> {
    let path = endpoint
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once(['/', '?']))
        .map_or("", |(_, path)| path);
    let decoded = decoded(path);
    let parts = [path, &decoded, &TOKEN.replace('.', "/")];
    let parts = parts.iter().flat_map(|text| text.split(['/', '?', '&', '=', '#', ':']));
    parts.filter(|part| part.len() >= 12).map(str::to_ascii_lowercase).collect()
}

fuzz_target!(|input: &[u8]| {
    let Some((status, rest)) = input.split_first_chunk::<2>() else { return };
    let Some((now, mut rest)) = rest.split_first_chunk::<8>() else { return };
    let Ok(status) = StatusCode::from_u16(u16::from_be_bytes(*status) % 1000) else { return };
    let now = UnixTime::from_millis(u64::from_be_bytes(*now));
    let mut headers = HeaderMap::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = rest.split_at(end);
        rest = &after[1..];
        let Some((name, value)) = line.split_first() else { break };
        let name = HeaderName::from_static(NAMES[usize::from(*name) % NAMES.len()]);
        // Of a URL the host is shown: a service that names one after our token has its own reasons.
        if matches!(name.as_str(), "location" | "link") && value.windows(2).any(|pair| pair == b"%K") {
            continue;
        }
        if let Ok(value) = HeaderValue::from_bytes(&quoting(value, ENDPOINT)) {
            headers.append(name, value);
        }
    }
    let own = rest.strip_prefix(b"%E").and_then(|rest| rest.split(|byte| *byte == b'\n').next());
    let own = own.and_then(|url| Endpoint::new(std::str::from_utf8(url).ok()?, &PublicHttps).ok());
    let endpoint = own.unwrap_or_else(|| Endpoint::new(ENDPOINT, &PublicHttps).expect("valid"));
    let body = quoting(rest, endpoint.as_str());
    let outcome = reveille_webpush::classify(&endpoint, status, &headers, &body, now);
    let printed = format!("{outcome:?} {endpoint:?}").to_ascii_lowercase();
    // What is printed of any outcome like this one, with nothing in it that the service wrote.
    let bare = match &outcome {
        Outcome::Accepted(receipt) => Receipt::new(receipt.status).into(),
        Outcome::Rejected(rejection) => {
            Outcome::from(Rejection::new(rejection.status, rejection.action.clone()))
        }
    };
    let bare = format!("{bare:?} {endpoint:?}").to_ascii_lowercase();
    for secret in secrets(endpoint.as_str()).iter().filter(|secret| !bare.contains(*secret)) {
        assert!(!printed.contains(secret), "{secret} is in {printed}");
    }
    match outcome {
        Outcome::Accepted(receipt) => assert!(status.is_success() && receipt.status == status.as_u16()),
        Outcome::Rejected(rejection) => {
            // WNS refuses with 200, too, and says so in a header.
            assert!(!status.is_success() || headers.contains_key("x-wns-notificationstatus"));
            assert_eq!(rejection.status, status.as_u16());
            assert!(rejection.action.not_before().is_none_or(|at| at >= now));
            assert!(rejection.reason.is_none_or(|text| text.len() <= Rejection::MAX_TEXT));
            assert!(rejection.detail.is_none_or(|text| text.len() <= Rejection::MAX_TEXT));
        }
    }
});
