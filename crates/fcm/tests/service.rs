//! Against a service that checks what Google checks: sending, refusals, dry runs, topic subscriptions.

use crate::support::{NOW, PROJECT, account, google};
use http::Response;
use reveille_core::{Action, Jitter, Outcome, Scope, UnixTime};
use reveille_crypto_ring::PROVIDER;
use reveille_fcm::answer::*;
use reveille_fcm::credential::*;
use reveille_fcm::topics::*;
use reveille_fcm::*;
use reveille_testkit::fcm::{self, Device, Google, OAuthRefusal};

fn fetch(source: &TokenSource, google: &mut Google, now: UnixTime) -> Result<Token, TokenFailure> {
    source.handle_timeout(now);
    while let Some(output) = source.poll_output() {
        match output {
            TokenOutput::Fetch { fetch, request } => {
                source.handle_response(fetch, &google.handle(&request, now), now);
            }
            TokenOutput::Failed(failure) => return Err(failure),
            _ => {}
        }
    }
    Ok(source.token(now).expect("a token"))
}

fn source() -> TokenSource {
    let grant = Grant::service_account(&account(), PROVIDER).unwrap();
    TokenSource::new(grant, TokenSettings::default(), Jitter::new(1))
}

struct World {
    google: Google,
    project: Project,
    token: Token,
}

fn world() -> World {
    let mut google = google();
    for (name, state) in
        [("alive", Device::Registered), ("gone", Device::Unregistered), ("foreign", Device::Foreign)]
    {
        google.fcm.device(name, state);
    }
    let token = fetch(&source(), &mut google, NOW).unwrap();
    World { google, project: Project::new(PROJECT).unwrap(), token }
}

fn device(name: &'static str) -> Target {
    RegistrationToken::new(name).unwrap().into()
}

fn hello() -> Message {
    Message::new().with_notification(Notification::new().with_title("Anna").with_body("Hello"))
}

impl World {
    fn send(&mut self, message: &Message, target: &Target) -> Outcome {
        let prepared = Prepared::new(message, SizeLimit::Provider).unwrap();
        let request = prepared.request(&self.project, target, &self.token).unwrap();
        let response = self.google.handle(&request, NOW);
        classify_response(target, &response, NOW)
    }

    fn action(&mut self, target: &Target) -> Action {
        self.send(&hello(), target).action().unwrap().clone()
    }
}

#[test]
fn a_message_arrives() {
    let mut world = world();
    let Outcome::Accepted(receipt) = world.send(&hello(), &device("alive")) else { panic!() };
    let taken = world.google.fcm.take();
    assert_eq!(receipt.message.as_deref(), Some(taken[0].name.as_str()));
    assert_eq!(taken[0].message["notification"]["body"], "Hello");
    assert_eq!(taken[0].message["token"], "alive");
}

#[test]
fn every_refusal_leads_to_its_step() {
    let mut world = world();
    let drop = Action::DropTarget { if_registered_before: None };
    assert_eq!(world.action(&device("gone")), drop);
    assert_eq!(world.action(&device("never-seen")), drop);
    assert_eq!(world.action(&device("foreign")), Action::SuspectTarget);
    let scripted = [
        (fcm::Refusal::ThirdPartyAuth, "fix_credential"),
        (fcm::Refusal::Apple { status: 403, reason: "InvalidProviderToken" }, "fix_credential"),
        (fcm::Refusal::Apple { status: 413, reason: "PayloadTooLarge" }, "fix_request"),
        (fcm::Refusal::Sentence("Android message is too big"), "fix_request"),
        (fcm::Refusal::UnavailableFor { secs: 40 }, "retry"),
        (fcm::Refusal::QuotaExceeded { subject: "project:1", retry_after: None }, "slow_down"),
        (fcm::Refusal::QuotaExceeded { subject: "device", retry_after: Some(90) }, "slow_down"),
        (fcm::Refusal::Unavailable { retry_after: Some(30) }, "retry"),
        (fcm::Refusal::Internal, "retry"),
        (fcm::Refusal::BadGateway, "retry"),
        (fcm::Refusal::ApiDisabled, "fix_credential"),
        (fcm::Refusal::Unauthenticated, "refresh_credential"),
    ];
    for (refusal, name) in scripted {
        world.google.fcm.script([refusal.clone()]);
        assert_eq!(world.action(&device("alive")).name(), name, "{refusal:?}");
    }
    assert!(world.google.fcm.take().is_empty());
}

/// One device's quota and Apple's key stop neither the others nor Android.
#[test]
fn a_wait_concerns_whom_it_concerns() {
    let mut world = world();
    for (refusal, scope) in [
        (fcm::Refusal::QuotaExceeded { subject: "device", retry_after: None }, Scope::Target),
        (fcm::Refusal::QuotaExceeded { subject: "topic", retry_after: None }, Scope::Target),
        (fcm::Refusal::QuotaExceeded { subject: "project:1", retry_after: None }, Scope::Credential),
        (fcm::Refusal::ThirdPartyAuth, Scope::Platform),
        (fcm::Refusal::PermissionDenied, Scope::Credential),
    ] {
        world.google.fcm.script([refusal.clone()]);
        assert_eq!(world.action(&device("alive")).scope(), Some(scope), "{refusal:?}");
    }
}

#[test]
fn apple_behind_fcm_is_asked_about_apple_devices() {
    let mut world = world();
    world.google.fcm.device("iphone", Device::Apple);
    world.google.fcm.device("old-iphone", Device::AppleGone);
    assert!(matches!(world.send(&hello(), &device("iphone")), Outcome::Accepted(_)));
    assert_eq!(world.action(&device("old-iphone")), Action::DropTarget { if_registered_before: None });
}

#[test]
fn a_refused_token_is_fetched_anew_once_and_the_message_goes_out() {
    let mut world = world();
    let source = source();
    world.token = fetch(&source, &mut world.google, NOW).unwrap();
    world.google.fcm.revoke("ya29.test-0002");
    assert_eq!(world.action(&device("alive")), Action::RefreshCredential { also_reconnect: false });
    assert_eq!(source.handle_refusal(world.token.authorization(), NOW), Refusal::Renewing);
    world.token = fetch(&source, &mut world.google, NOW).unwrap();
    assert!(matches!(world.send(&hello(), &device("alive")), Outcome::Accepted(_)));
}

#[test]
fn a_dry_run_delivers_nothing() {
    let mut world = world();
    let prepared = Prepared::dry_run(&hello(), SizeLimit::Provider).unwrap();
    let request = prepared.request(&world.project, &device("alive"), &world.token).unwrap();
    assert_eq!(world.google.handle(&request, NOW).status(), 200);
    assert!(world.google.fcm.take().is_empty());
}

/// D5: "configured", or precisely what is wrong.
#[test]
fn the_credential_test_says_what_is_wrong() {
    let probe = |world: &mut World, target: Option<&Target>| {
        let request = probe_request(&world.project, target, &world.token).unwrap();
        Verdict::from_response(target, &world.google.handle(&request, NOW), NOW)
    };
    let mut world = world();
    assert_eq!(probe(&mut world, None).to_string(), "configured");
    assert!(probe(&mut world, Some(&device("alive"))).is_configured());
    assert_eq!(probe(&mut world, Some(&device("foreign"))), Verdict::SenderMismatch);
    assert_eq!(probe(&mut world, Some(&device("gone"))), Verdict::ConfiguredTargetGone);
    world.google.fcm.script([
        fcm::Refusal::Apple { status: 403, reason: "InvalidProviderToken" },
        fcm::Refusal::Apple { status: 410, reason: "Unregistered" },
        fcm::Refusal::Apple { status: 400, reason: "BadTopic" },
    ]);
    let said = Some("APNs: 403 InvalidProviderToken".to_owned());
    assert_eq!(probe(&mut world, Some(&device("alive"))), Verdict::ThirdPartyCredential { said });
    assert_eq!(probe(&mut world, Some(&device("alive"))), Verdict::ConfiguredTargetGone);
    assert_eq!(
        probe(&mut world, Some(&device("alive"))).to_string(),
        "unexpected answer 400: Request contains an invalid argument.; APNs: 400 BadTopic"
    );
    world.google.fcm.enable_api(false);
    assert_eq!(probe(&mut world, None), Verdict::ApiDisabled);
    world.google.fcm.enable_api(true);
    world
        .google
        .fcm
        .script([fcm::Refusal::ThirdPartyAuth, fcm::Refusal::Unavailable { retry_after: Some(60) }]);
    assert_eq!(probe(&mut world, None), Verdict::ThirdPartyCredential { said: None });
    assert!(matches!(probe(&mut world, None), Verdict::TryLater { not_before: Some(_) }));
    world.project = Project::new("another-project").unwrap();
    assert_eq!(probe(&mut world, None), Verdict::WrongProject);
    world.project = Project::new(PROJECT).unwrap();
    world.token = Token::new("ya29.unknown").unwrap();
    assert_eq!(probe(&mut world, None), Verdict::TokenRefused);

    let no_token = |refusal: OAuthRefusal| {
        let mut google = google();
        google.oauth.script([refusal]);
        Verdict::from_token_failure(&fetch(&source(), &mut google, NOW).unwrap_err())
    };
    assert_eq!(no_token(OAuthRefusal::Signature), Verdict::WrongKey);
    assert_eq!(no_token(OAuthRefusal::Account), Verdict::UnknownAccount);
    assert_eq!(no_token(OAuthRefusal::Scope), Verdict::ScopeNotAllowed);
    assert_eq!(no_token(OAuthRefusal::Unavailable), Verdict::TryLater { not_before: None });
    // A clock that is off is found by the server itself: the assertion was made in another time.
    let (mut google, source) = (google(), source());
    source.handle_timeout(UnixTime::from_secs(1_000));
    let Some(TokenOutput::Fetch { request, .. }) = source.poll_output() else { panic!() };
    let mut response = google.handle(&request, NOW);
    response.headers_mut().insert("date", "Wed, 18 Nov 2026 11:06:40 GMT".parse().unwrap());
    let failure =
        read_token_answer(response.status(), response.headers(), response.body(), UnixTime::from_secs(1_000));
    let verdict = Verdict::from_token_failure(&failure.unwrap_err());
    assert_eq!(verdict.to_string(), "clock off: this machine is 1794999000 s behind Google");
}

/// Google says it in one of two sentences; every other 403 without a code is about the project.
#[test]
fn a_403_tells_a_disabled_api_from_a_missing_right() {
    for (said, verdict) in [
        ("Firebase Cloud Messaging API has not been used in project 1 before", Verdict::ApiDisabled),
        ("Firebase Cloud Messaging API is disabled.", Verdict::ApiDisabled),
        ("Permission 'cloudmessaging.messages.create' denied on resource", Verdict::WrongProject),
        ("", Verdict::WrongProject),
    ] {
        let body =
            serde_json::json!({"error": {"code": 403, "status": "PERMISSION_DENIED", "message": said}});
        let response = Response::builder().status(403).body(body.to_string()).unwrap();
        assert_eq!(Verdict::from_response(None, &response, NOW), verdict, "{said}");
    }
}

#[test]
fn verdict_texts() {
    let all = [
        Verdict::Configured,
        Verdict::ConfiguredTargetGone,
        Verdict::WrongKey,
        Verdict::UnknownAccount,
        Verdict::ClockOff { ahead_secs: Some(900) },
        Verdict::ClockOff { ahead_secs: None },
        Verdict::ScopeNotAllowed,
        Verdict::WrongProject,
        Verdict::ApiDisabled,
        Verdict::SenderMismatch,
        Verdict::ThirdPartyCredential { said: None },
        Verdict::ThirdPartyCredential { said: Some("APNs: 403 InvalidProviderToken".into()) },
        Verdict::TokenRefused,
        Verdict::TryLater { not_before: None },
        Verdict::from_response(None, &Response::builder().status(418).body("teapot").unwrap(), NOW),
    ];
    insta::assert_snapshot!(all.map(|verdict| verdict.to_string()).join("\n"), @"
    configured
    configured (the probed device is not registered any more)
    wrong key: the private key is not, or no longer, this service account's
    unknown account: the service account does not exist or is disabled
    clock off: this machine is 900 s ahead of Google
    clock off: Google refuses this machine's time
    scope not allowed: the service account may not send messages
    wrong project: it does not exist, or the service account lacks cloudmessaging.messages.create in it
    API disabled: enable the Firebase Cloud Messaging API in this project
    sender mismatch: the probed device belongs to another project
    third-party credential: check the APNs key or Web Push certificate in the Firebase console
    third-party credential: check the APNs key or Web Push certificate in the Firebase console (APNs: 403 InvalidProviderToken)
    token refused: FCM does not accept the access token
    try later: Google could not answer now
    unexpected answer 418: no reason given
    ");
}

#[test]
fn topic_subscriptions_live_and_die() {
    let mut world = world();
    let device = Subscriptions::of_token(&world.project, &RegistrationToken::new("alive").unwrap()).unwrap();
    let topic = |name: &'static str| Topic::new(name).unwrap();
    let mut run = |request: Result<http::Request<bytes::Bytes>, InvalidSubscription>| {
        let response = world.google.handle(&request.unwrap(), NOW);
        let outcome = classify_subscription_response(None, &response, NOW);
        (outcome.action().map(Action::name), response.into_body())
    };
    let token = &world.token;
    for name in ["a", "b", "c%20"] {
        let (action, body) = run(device.create(&topic(name), token));
        assert_eq!((action, TopicSubscription::from_json(&body).unwrap().topic), (None, Some(topic(name))));
    }
    assert_eq!(run(device.create(&topic("a"), token)).0, Some("give_up"), "exists");
    let (_, body) = run(device.list(2, None, token));
    let page = SubscriptionPage::from_json(&body).unwrap();
    assert_eq!(page.subscriptions.len(), 2);
    let (_, body) = run(device.list(2, page.next_page.as_deref(), token));
    let last = SubscriptionPage::from_json(&body).unwrap();
    assert_eq!((last.subscriptions[0].topic.clone(), last.next_page), (Some(topic("c%20")), None));
    let (_, body) = run(device.read(&topic("a"), token));
    assert_eq!(TopicSubscription::from_json(&body).unwrap().created.unwrap().as_unix(), NOW);
    assert_eq!(run(device.patch(&topic("new"), false, token)).0, Some("give_up"));
    assert_eq!(run(device.patch(&topic("new"), true, token)).0, None);
    assert_eq!(run(device.delete(&topic("new"), false, token)).0, None);
    assert_eq!(run(device.delete(&topic("new"), false, token)).0, Some("give_up"));
    assert_eq!(run(device.delete(&topic("new"), true, token)).0, None);
    let gone =
        Subscriptions::of_token(&Project::new(PROJECT).unwrap(), &RegistrationToken::new("gone").unwrap())
            .unwrap();
    assert_eq!(run(gone.list(2, None, token)).0, Some("drop_target"));
}

#[test]
fn the_service_refuses_what_google_refuses() {
    let world = world();
    let apple = |apns: &str| {
        let mut google = google();
        google.fcm.device("iphone", Device::Apple);
        google.fcm.allow("t", UnixTime::MAX);
        let request = http::Request::post(world.project.send_uri())
            .header("authorization", "Bearer t")
            .header("content-type", "application/json")
            .body(bytes::Bytes::from(format!(r#"{{"message":{{"token":"iphone","apns":{apns}}}}}"#)))
            .unwrap();
        ErrorBody::parse(google.handle(&request, NOW).body()).and_then(|error| error.apns?.reason)
    };
    let wake = r#""payload":{"aps":{"content-available":1}}"#;
    assert_eq!(
        apple(&format!(r#"{{"headers":{{"apns-push-type":"alarm"}},{wake}}}"#)).as_deref(),
        Some("InvalidPushType")
    );
    assert_eq!(
        apple(&format!(r#"{{"headers":{{"apns-push-type":"background"}},{wake}}}"#)).as_deref(),
        Some("BadPriority")
    );
    assert_eq!(
        apple(&format!(r#"{{"headers":{{"apns-priority":"7"}},{wake}}}"#)).as_deref(),
        Some("BadPriority")
    );
    assert_eq!(
        apple(&format!(r#"{{"headers":{{"apns-collapse-id":""}},{wake}}}"#)).as_deref(),
        Some("BadCollapseId")
    );
    assert_eq!(
        apple(&format!(r#"{{"headers":{{"apns-expiration":"soon"}},{wake}}}"#)).as_deref(),
        Some("BadExpirationDate")
    );
    assert_eq!(
        apple(&format!(r#"{{"headers":{{"apns-push-type":"background","apns-priority":"5"}},{wake}}}"#)),
        None
    );
    let send = |message: &str, field: &str| {
        let mut world_google = google();
        world_google.fcm.device("alive", Device::Registered);
        world_google.fcm.allow("t", UnixTime::MAX);
        let request = http::Request::post(world.project.send_uri())
            .header("authorization", "Bearer t")
            .header("content-type", "application/json")
            .body(bytes::Bytes::from(format!(r#"{{"message":{message}}}"#)))
            .unwrap();
        let response = world_google.handle(&request, NOW);
        let error = ErrorBody::parse(response.body()).unwrap();
        assert_eq!(
            (response.status().as_u16(), error.violations[0].field.as_str()),
            (400, field),
            "{message}"
        );
    };
    send(r#"{"data":{"a":"b"}}"#, "message");
    send(r#"{"token":"alive","topic":"t"}"#, "message");
    send(r#"{"token":"alive","android":{},"android_v2":{}}"#, "message.android_v2");
    send(r#"{"token":"alive","data":{"google.x":"b"}}"#, "message.data");
    send(r#"{"token":"alive","android":{"data":{"from":"b"}}}"#, "message.android.data");
    send(r#"{"token":"alive","android":{"ttl":"2419201s"}}"#, "message.android.ttl");
    send(
        r#"{"token":"alive","android":{"notification":{"color":"red"}}}"#,
        "message.android.notification.color",
    );
    send(
        r#"{"token":"alive","webpush":{"fcm_options":{"link":"http://a"}}}"#,
        "message.webpush.fcm_options.link",
    );
    send(r#"{"token":"alive","apns":{"payload":{"alert":"no aps"}}}"#, "message.apns.payload.aps");
    send(r#"{"token":"alive","apns":{"payload":{"aps":5}}}"#, "message.apns.payload.aps");
    send(r#"{"token":"alive","apns":{"payload":{"aps":{"alert":1}}}}"#, "message.apns.payload.aps.alert");
    send(r#"{"token":"alive","apns":{"payload":{"aps":{"badge":"1"}}}}"#, "message.apns.payload.aps.badge");
    send(r#"{"token":"alive","apns":{"headers":{"x":"é"}}}"#, "message.apns.headers");
    send(&format!(r#"{{"token":"alive","data":{{"a":"{}"}}}}"#, "x".repeat(4_096)), "message");
    send(&format!(r#"{{"topic":"alive","data":{{"a":"{}"}}}}"#, "x".repeat(2_048)), "message");
}
