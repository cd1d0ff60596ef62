//! Any status, headers and body have a meaning, no time is before ten seconds from now, no text is unbounded.
#![no_main]

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;
use reveille_core::{Outcome, Rejection, UnixTime};
use reveille_fcm::{ErrorBody, Verdict, classify, classify_subscription};

fuzz_target!(|input: (u16, u64, Vec<u8>, &[u8])| {
    let (status, now, retry_after, body) = input;
    let Ok(status) = StatusCode::from_u16(status % 1000) else { return };
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(&retry_after) {
        headers.insert("retry-after", value);
    }
    let now = UnixTime::from_millis(now);
    let _ = ErrorBody::parse(body);
    for outcome in [classify(status, &headers, body, now), classify_subscription(status, &headers, body, now)]
    {
        match outcome {
            Outcome::Accepted(receipt) => assert!(status.is_success() && receipt.status == status.as_u16()),
            Outcome::Rejected(rejection) => {
                assert!(!status.is_success());
                assert!(rejection.action.not_before().is_none_or(|at| at >= now + Duration::from_secs(10)));
                assert!(rejection.reason.is_none_or(|text| text.len() <= Rejection::MAX_TEXT));
                assert!(rejection.detail.is_none_or(|text| text.len() <= Rejection::MAX_TEXT));
            }
        }
    }
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    let _ = Verdict::of_answer(&response, now).to_string();
});
