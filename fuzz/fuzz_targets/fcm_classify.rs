//! Any status, headers and body have a meaning, no time is before ten seconds or behind an hour from now, no text is
//! unbounded or names the device.
#![no_main]

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;
use reveille_core::{Outcome, Rejection, UnixTime};
use reveille_fcm::answer::{ErrorBody, classify_subscription};
use reveille_fcm::credential::Verdict;
use reveille_fcm::{RegistrationToken, Target, classify};

/// The device that the answer is about.
const DEVICE: &str = "SECRETdevice-22-chars-x";

fuzz_target!(|input: (u16, u64, Vec<u8>, &[u8])| {
    let (status, now, retry_after, body) = input;
    let Ok(status) = StatusCode::from_u16(status % 1000) else { return };
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(&retry_after) {
        headers.insert("retry-after", value);
    }
    let now = UnixTime::from_millis(now);
    let target = Target::from(RegistrationToken::new(DEVICE).expect("a token"));
    let _ = ErrorBody::parse(body);
    for outcome in [
        classify(&target, status, &headers, body, now),
        classify_subscription(&target, status, &headers, body, now),
    ] {
        match outcome {
            Outcome::Accepted(receipt) => assert!(status.is_success() && receipt.status == status.as_u16()),
            Outcome::Rejected(rejection) => {
                assert!(!status.is_success());
                let (least, most) = (now + Duration::from_secs(10), now + Duration::from_secs(3_600));
                assert!(rejection.action.not_before().is_none_or(|at| (least..=most).contains(&at)));
                let texts = format!("{:?} {:?}", rejection.reason, rejection.detail);
                assert!(!texts.to_ascii_lowercase().contains(&DEVICE[..12].to_ascii_lowercase()));
                assert!(rejection.reason.is_none_or(|text| text.len() <= Rejection::MAX_TEXT));
                assert!(rejection.detail.is_none_or(|text| text.len() <= Rejection::MAX_TEXT));
            }
        }
    }
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    let _ = Verdict::from_response(&target, &response, now).to_string();
});
