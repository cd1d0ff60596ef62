//! Every kind of answer, and credentials that are refused, late or elsewhere.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use reveille_apns::{ProviderKey, TokenSettings, TokenSource};
use reveille_core::UnixTime;
use reveille_crypto::p256::{AgreementKey, EphemeralAgreement};
use reveille_crypto::{CryptoError, EcPrivateKey, KeyError, P256, P256PublicKey};
use reveille_crypto_ring::PROVIDER;
use reveille_delivery::{HeldBy, Verdict};
use reveille_registry::{Effect, Platform, Pruning, Purpose, Token};
use reveille_testkit::{apns, fcm, webpush};
use reveille_webpush::{ApplicationServer, VapidKey, VapidKeys, VapidSettings};
use reveille_writer::credential::{Credential, SignatureRefused, WriterOutput};
use reveille_writer::{App, Leg, Person, Ready, Unwritten, Writer, Written};
use support::*;

fn world() -> (World, Person) {
    let mut world = World::new();
    world.everything("kate");
    let person = world.person("kate");
    (world, person)
}

fn one(world: &mut World, person: &Person, device: &str, now: UnixTime) -> Box<Ready> {
    let job = world.job(person, device, &message("kate"));
    ready(world.write(&[Leg { job: &job, person }], now).pop().unwrap())
}

/// What the writer makes of the answer: the verdict's name, and the effect.
fn told(world: &mut World, device: &str, now: UnixTime) -> (String, Option<Effect>) {
    let person = world.person("kate");
    let ready = one(world, &person, device, now);
    let response = world.send(&ready.request, now);
    let answered = world.writer.read(&ready.sent, &response, now);
    assert_eq!((answered.outcome.job, answered.outcome.attempt), (ready.sent.job(), 1));
    assert_eq!(answered.outcome.device, ready.sent.device().id);
    if let Some(effect) = &answered.effect {
        assert_eq!(
            (effect.device, effect.at, &effect.key.device),
            (ready.sent.device(), now, &format!("kate/{device}"))
        );
        let event = effect.event(Pruning::Allowed);
        assert!(
            matches!(event, reveille_registry::Event::Delivery { purpose, revision: 1, .. } if purpose == ready.sent.purpose())
        );
    }
    (answered.outcome.verdict.name().to_owned(), answered.effect.map(|effect| effect.effect))
}

/// A random source that has run dry.
#[derive(Debug)]
struct NoKeys;

impl P256 for NoKeys {
    fn generate(&self) -> Result<EcPrivateKey, CryptoError> {
        Err(CryptoError)
    }

    fn agree_ephemeral(&self, _: &P256PublicKey) -> Result<EphemeralAgreement, CryptoError> {
        Err(CryptoError)
    }

    fn load_agreement_key(&self, _: &EcPrivateKey) -> Result<Box<dyn AgreementKey>, KeyError> {
        Err(KeyError::PublicKeyMismatch)
    }
}

#[test]
fn every_answer_of_a_push_service() {
    use webpush::Refusal;
    let (mut world, _) = world();
    let gone = Effect::Gone { if_registered_before: None };
    for (refusal, verdict, effect) in [
        (Refusal::Gone, "drop_target", Some(gone)),
        (Refusal::UnknownEndpoint, "suspect_target", Some(Effect::Suspect)),
        (Refusal::TooManyRequests { retry_after: 30 }, "slow_down", None),
        (Refusal::Unavailable, "retry", None),
        (Refusal::Internal, "retry", None),
        (Refusal::TooLarge, "fix_request", None),
        (Refusal::Unauthorized, "fix_credential", None),
    ] {
        world.web.script([refusal]);
        let (found, device) = told(&mut world, "browser", NOW);
        assert_eq!((found.as_str(), device), (verdict, effect), "{refusal:?}");
    }
    assert_eq!(told(&mut world, "browser", NOW), ("accepted".to_owned(), Some(Effect::Accepted)));
}

#[test]
fn every_answer_of_apple() {
    use apns::Refusal;
    let (mut world, _) = world();
    let died = NOW + Duration::from_secs(1);
    let gone = Effect::Gone { if_registered_before: Some(died) };
    for (refusal, verdict, effect) in [
        (Refusal::unregistered(died), "drop_target", Some(gone)),
        (Refusal::new(400, "BadDeviceToken"), "suspect_target", Some(Effect::Suspect)),
        (Refusal::too_many_requests(), "slow_down", None),
        (Refusal::internal(), "retry", None),
        (Refusal::shutdown(), "reconnect", None),
        (Refusal::new(400, "PayloadEmpty"), "fix_request", None),
        (Refusal::new(403, "InvalidProviderToken"), "fix_credential", None),
    ] {
        world.apns.script([refusal]);
        let (found, device) = told(&mut world, "iphone", NOW);
        assert_eq!((found.as_str(), device), (verdict, effect), "{refusal:?}");
    }
}

#[test]
fn every_answer_of_google() {
    use fcm::Refusal;
    let (mut world, _) = world();
    let gone = Effect::Gone { if_registered_before: None };
    for (refusal, verdict, effect) in [
        (Refusal::Unregistered, "drop_target", Some(gone)),
        (Refusal::SenderIdMismatch, "suspect_target", Some(Effect::Suspect)),
        (Refusal::QuotaExceeded { subject: "device", retry_after: Some(30) }, "slow_down", None),
        (Refusal::Unavailable { retry_after: Some(30) }, "retry", None),
        (Refusal::Sentence("Android message is too big"), "fix_request", None),
        (Refusal::PermissionDenied, "fix_credential", None),
    ] {
        world.fcm.script([refusal.clone()]);
        let (found, device) = told(&mut world, "android", NOW);
        assert_eq!((found.as_str(), device), (verdict, effect), "{refusal:?}");
    }
}

#[test]
fn without_an_answer() {
    let (mut world, person) = world();
    let ready = one(&mut world, &person, "iphone", NOW);
    assert_eq!(world.writer.not_sent(&ready.sent).verdict, Verdict::NotSent);
    assert_eq!(world.writer.no_answer(&ready.sent).verdict, Verdict::NoAnswer);
}

/// A stale token is renewed once, by identity; a second refusal right after it is the credential's own fault.
#[test]
fn a_refused_access_token_is_renewed_once() {
    let (mut world, person) = world();
    let ready = [(); 3].map(|()| one(&mut world, &person, "android", NOW));
    assert_eq!(world.fetched(), 1);
    world.fcm.revoke("ya29.access-token-1");
    let later = NOW + Duration::from_secs(60);
    for ready in &ready {
        let response = world.send(&ready.request, later);
        let answered = world.writer.read(&ready.sent, &response, later);
        assert_eq!(answered.outcome.verdict.name(), "refresh_credential");
    }
    world.drain(later);
    assert_eq!(world.fetched(), 2, "three refusals are one fetch");
    assert_eq!(told(&mut world, "android", later).0, "accepted");
    world.fcm.revoke("ya29.access-token-2");
    assert_eq!(told(&mut world, "android", later).0, "fix_credential", "it was new: somebody has to look");
}

#[test]
fn a_refused_provider_token_is_renewed_when_it_is_old() {
    let expired = apns::Refusal::new(403, "ExpiredProviderToken");
    let (mut young, _) = world();
    young.apns.script([expired]);
    assert_eq!(told(&mut young, "iphone", NOW).0, "fix_credential", "it is new: the clock, or the key");
    let (mut world, _) = world();
    assert_eq!(told(&mut world, "iphone", NOW).0, "accepted");
    let later = NOW + Duration::from_secs(30 * 60);
    world.apns.script([expired]);
    assert_eq!(told(&mut world, "iphone", later).0, "refresh_credential");
    assert_eq!(told(&mut world, "iphone", later).0, "accepted");
}

/// Nothing can be sent before the token is there; the leg waits, and costs no attempt.
#[test]
fn a_token_that_is_on_its_way_is_waited_for() {
    let (mut world, person) = world();
    let job = world.job(&person, "android", &message("kate"));
    let leg = Leg { job: &job, person: &person };
    let written = world.writer.write(&[leg], NOW);
    let Written::Deferred(deferred) = &written[0] else { panic!("{written:?}") };
    let soon = NOW + Duration::from_millis(500);
    assert_eq!(
        (deferred.device, deferred.until, deferred.by),
        (Some(job.target.id()), soon, HeldBy::Credential)
    );
    world.drain(NOW);
    assert!(matches!(world.writer.write(&[leg], soon)[0], Written::Ready(_)));
    let wakeup = world.writer.next_wakeup().unwrap();
    assert!(
        wakeup.at > NOW + Duration::from_secs(1_800) && wakeup.at < NOW + Duration::from_secs(3_599),
        "{wakeup:?}"
    );
    world.writer.handle_timeout(wakeup.at);
    world.drain(wakeup.at);
    assert_eq!(world.fetched(), 2, "renewed before its end, without a push");
}

/// The token server is down: what waits for it waits as long as it does.
#[test]
fn a_token_server_that_fails_is_waited_for() {
    let (world, person) = world();
    let job = world.job(&person, "android", &message("kate"));
    world.writer.warm(NOW);
    let Some(WriterOutput::Fetch { credential, fetch, request }) = world.writer.poll_output() else {
        panic!()
    };
    assert_eq!(format!("{request:?}"), "Fetch(Some(\"metadata.google.internal\"))");
    world.writer.handle_fetch_failure(credential, fetch, NOW);
    let output = world.writer.poll_output();
    assert!(
        matches!(output, Some(WriterOutput::Failed { credential: Credential::Fcm(0), .. })),
        "{output:?}"
    );
    let written = world.writer.write(&[Leg { job: &job, person: &person }], NOW);
    let Written::Deferred(deferred) = &written[0] else { panic!("{written:?}") };
    assert!(deferred.until > NOW);
}

/// Keys that are elsewhere sign in two steps.
#[test]
fn remote_signers() {
    let mut world = World::new();
    let private = PROVIDER.p256.generate().unwrap();
    let kms = PROVIDER.es256.load(&private).unwrap();
    let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
    let vapid = VapidKeys::new(VapidKey::remote(*kms.public_key()));
    let server = Arc::new(ApplicationServer::new(PROVIDER, vapid, settings));
    let key = ProviderKey::remote(
        *kms.public_key(),
        "DEF123GHIJ".parse().unwrap(),
        "KMS123DEFG".parse().unwrap(),
        PROVIDER,
    );
    let tokens = Arc::new(TokenSource::new(key, TokenSettings::default()));
    world.server = Arc::clone(&server);
    world.apns.trust(apns::TrustedKey::new("DEF123GHIJ", "KMS123DEFG", *kms.public_key()));
    let app = App::new(APP).with_web_push(server).with_apns(APP.parse().unwrap(), tokens);
    world.writer = Writer::new(SEED, templates("en")).with_app(app);
    world.browser("kate", "browser");
    world.iphone("kate", "iphone");
    let person = world.person("kate");
    let content = message("kate");
    let jobs = ["browser", "iphone"].map(|device| world.job(&person, device, &content));
    let legs = [Leg { job: &jobs[0], person: &person }, Leg { job: &jobs[1], person: &person }];
    for written in world.writer.write(&legs, NOW) {
        assert!(matches!(written, Written::Deferred(deferred) if deferred.by == HeldBy::Credential));
    }
    let mut signed = Vec::new();
    while let Some(WriterOutput::Sign { credential, request }) = world.writer.poll_output() {
        if credential == Credential::WebPush(0) {
            // What is not the key's is not used; the request stays open.
            assert!(world.writer.handle_signature(credential, &request, &[7; 64], NOW).is_err());
        }
        let nobody = Credential::Apns(9);
        let refused = world.writer.handle_signature(nobody, &request, &[7; 64], NOW);
        assert_eq!(refused, Err(SignatureRefused::NoCredential { credential: nobody }));
        let signature = kms.sign(request.signing_input()).unwrap();
        world.writer.handle_signature(credential, &request, &signature, NOW).unwrap();
        signed.push(credential);
    }
    let later = NOW + Duration::from_millis(500);
    assert!(signed.contains(&Credential::WebPush(0)) && signed.contains(&Credential::Apns(0)));
    for written in world.writer.write(&legs, later) {
        let ready = ready(written);
        let data = world.arrive(&ready, later).data();
        assert_eq!(data["conversationId"], "c/1");
    }
}

/// Credentials that are not there, or not ours.
#[test]
fn wrong_credentials() {
    // Apple does not know the key.
    let mut world = World::new();
    world.apns = apns::ApnsService::new(PROVIDER);
    world.everything("kate");
    assert_eq!(told(&mut world, "iphone", NOW), ("fix_credential".to_owned(), None));

    // No app of that name, and an app without that service.
    let person = world.person("kate");
    let content = message("kate");
    for writer in
        [Writer::new(SEED, templates("en")), Writer::new(SEED, templates("en")).with_app(App::new(APP))]
    {
        for device in ["browser", "iphone", "android"] {
            let job = world.job(&person, device, &content);
            let mut written = writer.write(&[Leg { job: &job, person: &person }], NOW);
            let Some(Written::Unwritten { outcome, why, effect }) = written.pop() else { panic!("{device}") };
            assert_eq!(why, Unwritten::NoCredential { app: APP.to_owned() });
            assert_eq!((outcome.verdict.name(), effect), ("fix_credential", None));
        }
    }
}

/// Records that cannot be used are suspected, one by one, and dropped by nobody at once.
#[test]
fn records_that_cannot_be_used() {
    let (mut world, _) = world();
    let person = world.person("kate");
    let good = person.devices().iter().find(|record| record.platform == Platform::Web).unwrap();
    let json = good.tokens[0].value.expose().to_owned();
    let expired = json.replace("\"expirationTime\":null", "\"expirationTime\":1");
    assert_ne!(expired, json);
    for (device, platform, token, reason) in [
        ("browser", Platform::Web, Token::new(Purpose::WebPush, "{"), "invalid_subscription"),
        (
            "browser",
            Platform::Web,
            Token::new(Purpose::WebPush, json.replace("push.example:8443", "127.0.0.1")),
            "invalid_subscription",
        ),
        ("browser", Platform::Web, Token::new(Purpose::WebPush, expired), "expired_subscription"),
        (
            "browser",
            Platform::Web,
            Token::new(Purpose::WebPush, json.clone()).with_vapid_key("?"),
            "invalid_vapid_key_id",
        ),
        (
            "browser",
            Platform::Web,
            Token::new(Purpose::WebPush, json.clone()).with_vapid_key("AAECAwQFBgc"),
            "unknown_vapid_key",
        ),
        ("iphone", Platform::Ios, Token::new(Purpose::ApnsAlert, "not hex"), "invalid_token"),
        ("android", Platform::Android, Token::new(Purpose::FcmToken, "a b\"c"), "invalid_token"),
        ("android", Platform::Android, Token::new(Purpose::FcmInstallation, ""), "invalid_token"),
    ] {
        let mut record = person.devices().iter().find(|r| r.key.device.ends_with(device)).unwrap().clone();
        record.platform = platform;
        record.tokens = vec![token];
        let person = Person::new([record]);
        let job = world.job(&person, device, &message("kate"));
        let mut written = world.write(&[Leg { job: &job, person: &person }], NOW);
        let Some(Written::Unwritten { outcome, why, effect }) = written.pop() else { panic!("{reason}") };
        assert_eq!((why.name(), outcome.verdict.name()), (reason, "suspect_target"));
        let effect = effect.unwrap();
        assert_eq!((effect.effect, effect.device.revision), (Effect::Suspect, 1));
        assert!(!format!("{outcome:?} {why:?} {why}").contains("8443"));
    }
    // The device is gone, or has lost its token since it was picked.
    let job = world.job(&person, "android", &message("kate"));
    for (person, reason) in [(Person::default(), "no_device"), (world.person("nobody"), "no_device")] {
        let mut written = world.write(&[Leg { job: &job, person: &person }], NOW);
        let Some(Written::Unwritten { outcome, why, .. }) = written.pop() else { panic!("{reason}") };
        assert_eq!((why.name(), outcome.verdict.name()), (reason, "give_up"));
    }
    let mut record = person.devices()[0].clone();
    record.tokens.clear();
    let bare = Person::new([record]);
    let written = world.write(&[Leg { job: &job, person: &bare }], NOW);
    assert!(matches!(&written[0], Written::Unwritten { why: Unwritten::NoToken, .. }), "{written:?}");
}

/// A late leg, one on a channel that the rules forbid, a random source that fails.
#[test]
fn what_cannot_be_written() {
    let (mut world, person) = world();
    let mut job = world.job(&person, "browser", &message("kate"));
    job.not_after = NOW;
    let written = world.write(&[Leg { job: &job, person: &person }], NOW);
    assert!(matches!(&written[0], Written::Unwritten { why: Unwritten::Late, .. }), "{written:?}");

    let mut intent =
        intent("kate", reveille_conversation::Kind::NewMessage, reveille_conversation::event::Role::Visitor);
    intent.channels = reveille_conversation::rules::Channels::NONE;
    let content = Arc::new(reveille_gateway::Content::Show {
        intent: Box::new(intent),
        messages: 1,
        senders: 1,
        announcement: None,
    });
    let job = world.job(&person, "browser", &content);
    let written = world.write(&[Leg { job: &job, person: &person }], NOW);
    assert!(matches!(&written[0], Written::Unwritten { why: Unwritten::Channel { .. }, .. }), "{written:?}");

    let mut broken = PROVIDER;
    broken.p256 = &NoKeys;
    let mut world = World::with(broken, provider_key());
    world.everything("kate");
    let person = world.person("kate");
    let job = world.job(&person, "browser", &message("kate"));
    let mut written = world.write(&[Leg { job: &job, person: &person }], NOW);
    let Some(Written::Unwritten { outcome, why, .. }) = written.pop() else { panic!() };
    assert_eq!((why.name(), outcome.verdict), ("crypto", Verdict::NotSent));
}
