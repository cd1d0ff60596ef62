//! Any status, headers and body have a meaning; no time lies in the past, nothing foreign is kept unbounded.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;
use reveille_apns::answer::goaway_reason;
use reveille_apns::channel::ChannelAnswer;
use reveille_apns::{DeviceToken, classify};
use reveille_core::{Outcome, Rejection, UnixTime};

const TOKEN: &str = "00fc13adff785122b4ad28809a342098";
const NAMES: [&str; 5] = ["retry-after", "apns-id", "apns-unique-id", "apns-request-id", "apns-channel-id"];

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
    // Its token may stand anywhere in the body, and nowhere in what is said about it.
    let device: DeviceToken = TOKEN.parse().unwrap();
    let outcome = classify(&device, status, &headers, &body, now);
    if let Outcome::Rejected(rejection) = &outcome {
        assert!(!format!("{rejection:?}").to_lowercase().contains(&TOKEN[..12]));
    }
    match outcome {
        Outcome::Accepted(receipt) => assert!(status.is_success() && receipt.status == status.as_u16()),
        Outcome::Rejected(rejection) => {
            assert!(!status.is_success());
            assert!(rejection.action.not_before().is_none_or(|at| at >= now));
            assert!(rejection.reason.is_none_or(|text| text.len() <= Rejection::MAX_TEXT));
            assert!(rejection.detail.is_none_or(|text| text.len() <= Rejection::MAX_TEXT));
        }
    }
    let _ = goaway_reason(&body);
    let _ = ChannelAnswer::created(status, &headers, &body, now);
    let _ = ChannelAnswer::read(status, &headers, &body, now);
    let _ = ChannelAnswer::listed(status, &headers, &body, now);
});
