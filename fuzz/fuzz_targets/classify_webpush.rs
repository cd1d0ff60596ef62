//! Any status, headers and body have a meaning, and no time lies in the past.
//!
//! The input is written like an answer, so that a fuzzer's splices keep its parts whole: status (2 bytes), time
//! (8 bytes), one line per header (its first byte chooses the name), an empty line, the body.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;
use reveille_core::{Outcome, Rejection, UnixTime};

const NAMES: [&str; 7] = [
    "retry-after",
    "location",
    "ttl",
    "link",
    "x-wns-error-description",
    "x-wns-notificationstatus",
    "x-wns-status",
];

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
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    match reveille_webpush::classify(status, &headers, rest, now) {
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
