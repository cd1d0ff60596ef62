//! Any status, headers and body have a meaning, and no time lies in the past.
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

fuzz_target!(|input: (u16, u64, Vec<(u8, Vec<u8>)>, Vec<u8>)| {
    let (status, now, pairs, body) = input;
    let Ok(status) = StatusCode::from_u16(status % 1000) else { return };
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().take(16) {
        let name = HeaderName::from_static(NAMES[usize::from(*name) % NAMES.len()]);
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    let now = UnixTime::from_millis(now);
    match reveille_webpush::classify(status, &headers, &body, now) {
        Outcome::Accepted(receipt) => assert!(status.is_success() && receipt.status == status.as_u16()),
        Outcome::Rejected(rejection) => {
            assert!(!status.is_success());
            assert!(rejection.action.not_before().is_none_or(|at| at >= now));
            assert!(rejection.reason.is_none_or(|text| text.len() <= Rejection::MAX_TEXT));
            assert!(rejection.detail.is_none_or(|text| text.len() <= Rejection::MAX_TEXT));
        }
    }
});
