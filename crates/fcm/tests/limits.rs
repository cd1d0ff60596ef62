//! Every limit at its limit: the last that is taken, and the first that is not.

use std::fmt::Debug;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use reveille_fcm::answer::ErrorBody;
use reveille_fcm::credential::read_token_answer;
use reveille_fcm::legacy;
use reveille_fcm::message::{AnalyticsLabel, HttpsUrl, ProtoDuration, Timestamp, WebpushHeaders};
use reveille_fcm::target::{Condition, LiveActivityToken};
use reveille_fcm::{Data, Fid, RegistrationToken, ServiceAccount, Topic, Ttl};

use crate::support::NOW;

fn holds<T: Debug, E: Debug>(name: &str, limit: usize, make: impl Fn(usize) -> Result<T, E>) {
    assert!(make(limit).is_ok(), "{name} of {limit}: {:?}", make(limit));
    assert!(make(limit + 1).is_err(), "{name} of {}", limit + 1);
}

/// JSON does not mind blanks.
fn padded(json: &str, length: usize) -> Vec<u8> {
    [json.as_bytes(), &vec![b' '; length - json.len()]].concat()
}

#[test]
fn every_length_ends_where_it_says() {
    let letters = |length| "a".repeat(length);
    holds("topic", Topic::MAX_LEN, |length| Topic::new(letters(length)));
    holds("registration token", RegistrationToken::MAX_LEN, |length| RegistrationToken::new(letters(length)));
    holds("fid", Fid::MAX_LEN, |length| Fid::new(letters(length)));
    holds("Live Activity token", LiveActivityToken::MAX_LEN, |length| {
        LiveActivityToken::new(letters(length))
    });
    holds("label", AnalyticsLabel::MAX_LEN, |length| AnalyticsLabel::new(letters(length)));
    holds("link", HttpsUrl::MAX_LEN, |length| {
        HttpsUrl::new(format!("https://a.example/{:a<1$}", "", length - 18))
    });
    holds("condition", Condition::MAX_LEN, |length| {
        Condition::new(format!("'a' in topics{:1$}|| 'b' in topics", "", length - 29))
    });
    holds("service account", ServiceAccount::MAX_LEN, |length| {
        ServiceAccount::from_json(&padded(reveille_testkit::fcm::SERVICE_ACCOUNT, length))
    });
}

#[test]
fn every_count_ends_where_it_says() {
    let names = |count: usize| (0..count).map(|at| (format!("x-{at}"), "1".to_owned()));
    holds("data", Data::MAX_ENTRIES, |count| Data::new(names(count)));
    holds("headers", WebpushHeaders::MAX_ENTRIES, |count| WebpushHeaders::new(names(count)));
    holds("topics of a condition", Condition::MAX_TOPICS, |count| {
        Condition::new(vec!["'a' in topics"; count].join(" || "))
    });
    holds("targets of a legacy message", 1_000, |count| {
        let message = serde_json::json!({"registration_ids": vec!["a"; count], "data": {"k": "v"}});
        legacy::convert(message.to_string().as_bytes(), NOW)
    });
    // A value in the place of another is no further one.
    let full = Data::new(names(Data::MAX_ENTRIES)).unwrap();
    assert!(full.with_entry("x-0", "2").is_ok());
}

#[test]
fn every_span_ends_where_it_says() {
    holds("time to live", 2_419_200, |secs| Ttl::new(Duration::from_secs(secs as u64)));
    holds("duration", 315_576_000_000, |secs| format!("{secs}s").parse::<ProtoDuration>());
    assert!("9999-12-31T23:59:59.999Z".parse::<Timestamp>().is_ok());
    assert!("9999-12-31T23:59:59.999-00:01".parse::<Timestamp>().is_err());
}

#[test]
fn every_body_is_read_up_to_its_limit() {
    holds("answer", 64 * 1024, |length| {
        ErrorBody::parse(&padded(r#"{"error":{"status":"NOT_FOUND"}}"#, length)).ok_or(())
    });
    holds("answer of the OAuth server", 64 * 1024, |length| {
        let body = padded(r#"{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}"#, length);
        read_token_answer(StatusCode::OK, &HeaderMap::new(), &body, NOW)
    });
}
