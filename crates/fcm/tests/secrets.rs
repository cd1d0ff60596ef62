//! No secret in any `Debug`, `Display` or error: everything that holds one is printed here.

use std::fmt::{Debug, Display};

use crate::support::{self, NOW, SERVICE_ACCOUNT, account, google};
use reveille_core::Jitter;
use reveille_crypto_ring::PROVIDER;
use reveille_crypto_rustcrypto::PROVIDER as NO_RSA;
use reveille_fcm::credential::*;
use reveille_fcm::message::*;
use reveille_fcm::target::*;
use reveille_fcm::*;

/// Whatever of the test data may never be seen. The PEM's first line of content stands for the key.
fn secrets() -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(SERVICE_ACCOUNT).unwrap();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    let pem = text("private_key");
    let mut secrets =
        vec![text("client_email"), text("private_key_id"), "SECRET".to_owned(), "ya29".to_owned()];
    secrets.extend(pem.lines().skip(1).take(3).map(str::to_owned));
    secrets
}

fn check(text: String) -> String {
    for secret in secrets() {
        assert!(!text.contains(&secret), "{text} shows {secret}");
    }
    text
}

fn debug(value: &impl Debug) -> String {
    check(format!("{value:#?}"));
    check(format!("{value:?}"))
}

fn display(value: &(impl Display + Debug)) -> String {
    debug(value);
    check(value.to_string())
}

#[test]
fn credentials() {
    insta::assert_snapshot!(debug(&account()), @r#"MaskedServiceAccount { project_id: "reve…", client_email: "fire…@reve…", private_key_id: Some("0123…") }"#);
    insta::assert_snapshot!(debug(account().issuer()), @r#"Issuer { client_email: "fire…@reve…", key_id: Some("0123…"), token_uri: Some("oauth2.googleapis.com") }"#);
    insta::assert_snapshot!(serde_json::to_string(&account().masked()).unwrap(), @r#"{"project_id":"reve…","client_email":"fire…@reve…","private_key_id":"0123…"}"#);
    let grant = Grant::service_account(&account(), PROVIDER).unwrap();
    insta::assert_snapshot!(debug(&grant), @r#"ServiceAccount(Issuer { client_email: "fire…@reve…", key_id: Some("0123…"), token_uri: Some("oauth2.googleapis.com") })"#);
    insta::assert_snapshot!(debug(&Grant::remote(account().issuer().clone(), support::account_key(), PROVIDER)), @r#"Remote(Issuer { client_email: "fire…@reve…", key_id: Some("0123…"), token_uri: Some("oauth2.googleapis.com") })"#);
    insta::assert_snapshot!(debug(&Grant::metadata_server()), @r#"MetadataServer(Some("metadata.google.internal"))"#);
    insta::assert_snapshot!(debug(&Grant::given(Token::new("ya29.SECRET").unwrap())), @"Given(Token { expires_at: UnixTime(18446744073709551615), .. })");
    insta::assert_snapshot!(debug(&Assertion::new(account().issuer(), OAuthScope::Messaging, NOW)), @"Assertion { jws: UnsignedJws { signing_input_bytes: 382 }, token_uri: https://oauth2.googleapis.com/token }");
    let no_rsa = Grant::service_account(&account(), NO_RSA).unwrap_err();
    insta::assert_snapshot!(display(&no_rsa), @"the rustcrypto backend does not support RS256 (RUSTSEC-2023-0071 stands)");
}

#[test]
fn the_token_source_and_its_outputs() {
    let mut google = google();
    let source = TokenSource::new(
        Grant::service_account(&account(), PROVIDER).unwrap(),
        TokenSettings::default(),
        Jitter::new(1),
    );
    source.handle_timeout(NOW);
    let Some(output) = source.poll_output() else { panic!() };
    insta::assert_snapshot!(debug(&output), @r#"Fetch(FetchId(1), POST Some("oauth2.googleapis.com"))"#);
    let TokenOutput::Fetch { fetch, request } = output else { panic!() };
    source.handle_response(fetch, &google.handle(&request, NOW), NOW);
    insta::assert_snapshot!(debug(&source.poll_output().unwrap()), @"Ready(until 1795003589000)");
    insta::assert_snapshot!(debug(&source.token(NOW).unwrap()), @"Token { expires_at: UnixTime(1795003589000), .. }");
    insta::assert_snapshot!(debug(&source), @r#"TokenSource { grant: ServiceAccount(Issuer { client_email: "fire…@reve…", key_id: Some("0123…"), token_uri: Some("oauth2.googleapis.com") }), token: Some(Token { expires_at: UnixTime(1795003589000), .. }), renew_at: UnixTime(1795003407994), in_flight: false, failures: 0, .. }"#);
    let grant = Grant::remote(account().issuer().clone(), support::account_key(), PROVIDER);
    let remote = TokenSource::new(grant, TokenSettings::default(), Jitter::new(1));
    remote.handle_timeout(NOW);
    insta::assert_snapshot!(debug(&remote.poll_output().unwrap()), @"Sign(SigningId(1), 382 bytes)");
}

#[test]
fn a_failure_is_shown_with_what_was_said() {
    let spent = TokenSource::new(
        Grant::given(Token::new("ya29.SECRET").unwrap().with_expires_at(NOW)),
        TokenSettings::default(),
        Jitter::new(1),
    );
    spent.handle_timeout(NOW);
    insta::assert_snapshot!(debug(&spent.poll_output().unwrap()), @"Failed(TokenFailure { kind: GivenTokenSpent, status: None, detail: None, retry_after: None, clock_ahead_secs: None })");
}

#[test]
fn what_a_server_says_is_searched_for_tokens() {
    let token = format!("SECRET:APA91b{}", "x".repeat(130));
    let body = format!(
        r#"{{"error":{{"status":"INVALID_ARGUMENT","message":"bad token {token}","details":[{{"@type":"x/google.rpc.BadRequest","fieldViolations":[{{"field":"message.token","description":"not {token}"}}]}}]}}}}"#
    );
    let outcome =
        classify(None, http::StatusCode::BAD_REQUEST, &http::HeaderMap::new(), body.as_bytes(), NOW);
    insta::assert_snapshot!(debug(&outcome), @r#"Rejected(Rejection { status: 400, reason: Some("INVALID_ARGUMENT"), action: DropTarget { if_registered_before: None }, detail: Some("bad token …; not …") })"#);
    let body = format!(r#"{{"error":"invalid_grant","error_description":"assertion eyJ{token}"}}"#);
    let failure =
        read_token_answer(http::StatusCode::BAD_REQUEST, &http::HeaderMap::new(), body.as_bytes(), NOW)
            .unwrap_err();
    insta::assert_snapshot!(display(&failure), @"the token server refuses the assertion (invalid_grant: assertion …)");
    let granted = br#"{"access_token":"ya29.SECRET","expires_in":3600}"#;
    insta::assert_snapshot!(debug(&read_token_answer(http::StatusCode::OK, &http::HeaderMap::new(), granted, NOW).unwrap()), @"IssuedToken { lifetime: 3600s, .. }");
}

#[test]
fn messages_and_requests() {
    let message = Message::new()
        .with_data(Data::new([("resumeToken", "SECRET")]).unwrap())
        .with_apns(
            ApnsConfig::new()
                .with_payload(r#"{"aps":{"event":"end","timestamp":1},"resumeToken":"SECRET"}"#.parse::<JsonObject>().unwrap())
                .with_live_activity_token(LiveActivityToken::new("SECRET").unwrap()),
        )
        .with_webpush(WebpushConfig::new().with_fcm_options(
            WebpushFcmOptions::new().with_link(HttpsUrl::new("https://a.example/?token=SECRET").unwrap()),
        ));
    insta::assert_snapshot!(debug(&message), @r#"Message { data: Some({"resumeToken": "6 bytes"}), notification: None, webpush: Some(WebpushConfig { headers: None, data: None, notification: None, fcm_options: Some(WebpushFcmOptions { link: Some(HttpsUrl(https://a.example/…)), analytics_label: None }) }), apns: Some(ApnsConfig { headers: None, payload: Some(JsonObject(60 bytes)), fcm_options: None, live_activity_token: Some(LiveActivityToken(6 bytes)) }), fcm_options: None, android: None }"#);
    let target: Target = RegistrationToken::new("SECRET").unwrap().into();
    let prepared = Prepared::new(&message, SizeLimit::Provider).unwrap();
    insta::assert_snapshot!(debug(&prepared), @"Prepared { bytes: 220, .. }");
    let (project, token) = (Project::new("p").unwrap(), Token::new("ya29.SECRET").unwrap());
    let targets = [target.clone()];
    insta::assert_snapshot!(debug(&prepared.fan_out(&project, &targets, &token)), @"FanOut { prepared: Prepared { bytes: 220, .. }, .. }");
    let request = prepared.request(&project, &target, &token).unwrap();
    insta::assert_snapshot!(debug(&request.headers()), @r#"{"authorization": Sensitive, "content-type": "application/json", "x-goog-api-format-version": "2"}"#);
    insta::assert_snapshot!(debug(&SendRequest::new(message, target).target), @"Token(RegistrationToken(6 bytes))");
}

#[test]
fn errors_of_credential_files() {
    let error = |json: &str| display(&ServiceAccount::from_json(json.as_bytes()).unwrap_err());
    let edited = |name: &str, value: serde_json::Value| {
        let mut json: serde_json::Value = serde_json::from_str(SERVICE_ACCOUNT).unwrap();
        json[name] = value;
        json.to_string()
    };
    insta::assert_snapshot!(error("SECRET"), @"credential file: JSON, line 1 column 1: expected value");
    insta::assert_snapshot!(error("[]"), @"credential file: JSON, line 1 column 2: expected an object, found another number of elements");
    insta::assert_snapshot!(error(r#"{"type":"service_account"}"#), @"credential file: `project_id` is missing");
    insta::assert_snapshot!(error(r#"{"type":["SECRET"]}"#), @"credential file: JSON at type, line 1 column 8: expected a string, found an array");
    insta::assert_snapshot!(error(&edited("type", "authorized_user".into())), @"credential file is for a user (`authorized_user`), expected a service account");
    insta::assert_snapshot!(error(&edited("type", "SECRET".into())), @"credential file is for something else, expected a service account");
    insta::assert_snapshot!(error(&edited("project_id", "".into())), @"credential file: `project_id` is empty");
    insta::assert_snapshot!(error(&edited("private_key", 7.into())), @"credential file: JSON at private_key, line 1 column 398: expected a string, found a number");
    insta::assert_snapshot!(error(&edited("private_key", "SECRET".into())), @"credential file: `private_key`: malformed PEM: no BEGIN line");
    insta::assert_snapshot!(error(&edited("private_key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----".into())), @"credential file: `private_key`: PEM holds a public key, expected PRIVATE KEY or RSA PRIVATE KEY");
    insta::assert_snapshot!(error(&edited("client_email", "SECRET".into())), @"credential file: `client_email` is not an e-mail address");
    insta::assert_snapshot!(error(&edited("token_uri", "http://evil.example/SECRET".into())), @"credential file: `token_uri` is not an https URL (http is accepted on loopback only)");
    insta::assert_snapshot!(error(&" ".repeat(70_000)), @"credential file has 70000 bytes, the limit is 65536");
}

#[test]
fn a_key_that_was_escaped_twice_is_read() {
    let mut json: serde_json::Value = serde_json::from_str(SERVICE_ACCOUNT).unwrap();
    json["private_key"] = json["private_key"].as_str().unwrap().replace('\n', "\\n").into();
    let account = ServiceAccount::from_json(json.to_string().as_bytes()).unwrap();
    assert!(account.load_key(PROVIDER).is_ok());
    assert_eq!(account.project_id(), "reveille-test");
}

#[test]
fn a_short_value_is_masked_whole() {
    let issuer = Issuer::new("a@b", Some("1234567")).unwrap();
    insta::assert_snapshot!(debug(&issuer), @r#"Issuer { client_email: "…@…", key_id: Some("…"), token_uri: Some("oauth2.googleapis.com") }"#);
}
