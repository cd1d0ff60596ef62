//! Values one by one: what is set is there, what is printed hides what is secret, and what has another type is named.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_crypto::{
    CryptoError, CryptoProvider, EcPrivateKey, Es256, Es256SigningKey, Expand, HkdfSha256, KeyError,
    P256PublicKey, base64url,
};
use reveille_testkit::rfc8291;
use reveille_webpush::credential::{InvalidVapid, Refusal, SignatureRefused, TokenError, VapidHeader};
use reveille_webpush::declarative::{DeclarativeAction, InvalidDeclarative, Sacrifice};
use reveille_webpush::message::{MAX_PLAINTEXT, SizeLimit, Urgency};
use reveille_webpush::request::RequestError;
use reveille_webpush::target::{AllowLoopback, InvalidSubscription, PublicHttps};
use reveille_webpush::{
    ApplicationServer, Contact, DeclarativeNotification, Endpoint, Message, Padding, StoredSubscription,
    Subscription, Token, Topic, Ttl, UserAgentKeys, VapidKey, VapidKeys, VapidSettings,
};
use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde_json::{Value, json};

const RING: CryptoProvider = reveille_crypto_ring::PROVIDER;
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3_600);
const MILLI: Duration = Duration::from_millis(1);

fn settings() -> VapidSettings {
    VapidSettings::new("mailto:ops@example.com".parse().unwrap())
}

fn subscription() -> Subscription {
    Subscription::from_json(rfc8291::SUBSCRIPTION).unwrap()
}

fn at(url: &str) -> Subscription {
    let endpoint = Endpoint::new(url, &AllowLoopback).unwrap();
    Subscription::new(
        endpoint,
        *subscription().ua_public(),
        reveille_core::Secret::new(*subscription().expose_auth_secret()),
    )
}

fn with(pointer: &str, member: &str, value: Value) -> String {
    let mut json: Value = serde_json::from_str(rfc8291::SUBSCRIPTION).unwrap();
    json.pointer_mut(pointer).unwrap()[member] = value;
    json.to_string()
}

#[test]
fn debug_names_the_type_and_hides_what_is_secret() {
    let key = "AAECAwQFBgc".parse().unwrap();
    let held = subscription().with_vapid_key(key).with_expiration(NOW);
    insta::assert_snapshot!(format!("{held:?}"), @"Subscription { endpoint: Endpoint(https://push.example.net/…), expiration: Some(UnixTime(1800000000000)), vapid_key: Some(VapidKeyId(AAECAwQFBgc)), .. }");
    insta::assert_snapshot!(format!("{key:?}"), @"VapidKeyId(AAECAwQFBgc)");
    insta::assert_snapshot!(format!("{:?}", Topic::new("chat-42").unwrap()), @"Topic(chat-42)");
    insta::assert_snapshot!(format!("{:?}", "mailto:ops@example.com".parse::<Contact>().unwrap()), @"Contact(mailto:ops@example.com)");
}

#[test]
fn what_goes_in_comes_out() {
    assert_eq!(Ttl::from_secs(86_400).unwrap().to_string(), "86400");
    let message = Message::new("x", Ttl::ZERO).unwrap();
    assert_eq!((message.padding(), message.urgency()), (Padding::None, None));
    let message = message.with_urgency(Urgency::High);
    assert_eq!(message.urgency(), Some(Urgency::High));
    assert_eq!(message.with_padding(Padding::Bytes(7)).unwrap().padding(), Padding::Bytes(7));
    let subscription = subscription();
    assert_eq!(Option::<&Endpoint>::from(&subscription), Some(subscription.endpoint()));

    let auth = base64url::encode(&[3; 16]);
    let private = RING.p256.generate().unwrap();
    let scalar = base64url::encode(private.expose_scalar());
    let keys = UserAgentKeys::from_text(&scalar, &auth).unwrap();
    assert_eq!(
        (keys.private_key().expose_scalar(), keys.expose_auth_secret()),
        (private.expose_scalar(), &[3; 16])
    );
    assert_eq!(keys.public_key(), None);
    let public = *private.public_key().unwrap();
    assert_eq!(keys.with_public_key(public).public_key(), Some(&public));
}

#[test]
fn a_subscription_ends_in_the_moment_that_it_names() {
    let ends = subscription().with_expiration(NOW);
    assert!(!ends.is_expired(NOW - MILLI) && ends.is_expired(NOW) && ends.is_expired(NOW + MILLI));
    assert!(!subscription().is_expired(UnixTime::MAX), "one without an end");
}

#[test]
fn a_stored_subscription_has_a_key_only_if_it_is_bound_to_one() {
    let keys = |subscription: Subscription| {
        let json = serde_json::to_value(StoredSubscription::from(subscription)).unwrap();
        json.get("vapidKeyId").cloned()
    };
    assert_eq!(keys(subscription()), None);
    assert_eq!(
        keys(subscription().with_vapid_key("AAECAwQFBgc".parse().unwrap())),
        Some(json!("AAECAwQFBgc"))
    );
}

#[test]
fn members_of_every_type() {
    let read = |json: &str| StoredSubscription::from_json(json)?.admitted_by(&PublicHttps);
    let wrong = |field, expected, found| InvalidSubscription::WrongType { field, expected, found };
    let kinds = [
        (json!(true), "a boolean"),
        (json!(1.5), "a number"),
        (json!(7), "a number"),
        (json!(0), "a number"),
        (json!(-7), "a negative number"),
        (json!(null), "null"),
        (json!([[1], {}]), "an array"),
        (json!({"a": [1]}), "an object"),
    ];
    for (value, found) in &kinds {
        let json = with("", "endpoint", value.clone());
        assert_eq!(read(&json).unwrap_err(), wrong("endpoint", "a string", found), "{value}");
        let json = with("/keys", "p256dh", value.clone());
        assert_eq!(read(&json).unwrap_err(), wrong("keys.p256dh", "a string", found), "{value}");
    }
    for (value, found) in
        kinds.iter().chain([&(json!("x"), "a string")]).filter(|(value, _)| !value.is_object())
    {
        let found = if *found == "a negative number" { "a number" } else { found };
        let json = with("", "keys", value.clone());
        assert_eq!(read(&json).unwrap_err(), wrong("keys", "an object", found), "{value}");
    }
    for (value, found) in [(json!("1"), "a string"), (json!(true), "a boolean"), (json!(null), "null")] {
        assert_eq!(read(&with("", "v", value)).unwrap_err(), wrong("v", "1", found));
    }
    for (value, found) in [(json!(2), 2), (json!(0), 0), (json!(1.5), 1)] {
        assert_eq!(read(&with("", "v", value)).unwrap_err(), InvalidSubscription::Version { found });
    }
    assert!(read(&with("", "v", json!(1))).is_ok() && read(&with("", "v", json!(1.0))).is_ok());
    for (value, end) in [(json!(0), 0), (json!(5.9), 5), (json!(5), 5)] {
        let end = Some(UnixTime::from_millis(end));
        assert_eq!(read(&with("", "expirationTime", value)).unwrap().expiration(), end);
    }
    assert_eq!(read(&with("", "expirationTime", json!(null))).unwrap().expiration(), None);
    // Escapes make a text that is not a part of the input.
    let json = rfc8291::SUBSCRIPTION.replacen("https:", r"https\u003a", 1);
    assert_eq!(read(&json).unwrap().endpoint(), subscription().endpoint());
}

/// In a format that has more types than JSON.
#[test]
fn members_that_are_no_json() {
    for member in ["endpoint", "keys"] {
        let members = [(member, &b"bytes"[..])];
        let format = MapDeserializer::<_, serde::de::value::Error>::new(members.into_iter());
        let error = StoredSubscription::deserialize(format).unwrap_err().to_string();
        assert_eq!(error, "invalid type: byte array, expected any JSON value", "{member}");
    }
}

#[test]
fn a_contact_has_a_public_name() {
    for (host, public) in [
        ("example.com", true),
        ("ex-ample.com", true),
        ("_dmarc.example.com", true),
        ("1.example.com", true),
        ("example.c0m", true),
        ("example-.com", false),
        ("-example.com", false),
        ("example.-com", false),
        ("example.com-", false),
        ("example..com", false),
        (".example.com", false),
        ("example.com.", false),
        ("com", false),
        ("", false),
        ("ex*ample.com", false),
        ("example.1", false),
        ("1.2.3.4", false),
        ("printer.local", false),
    ] {
        assert_eq!(format!("mailto:ops@{host}").parse::<Contact>().is_ok(), public, "mailto {host:?}");
        assert_eq!(format!("https://{host}/x").parse::<Contact>().is_ok(), public, "https {host:?}");
    }
    for mailbox in ["a,b", "a;b", ""] {
        assert!(format!("mailto:{mailbox}@example.com").parse::<Contact>().is_err(), "{mailbox}");
    }
    for host in ["example.com,b.example", "example.com;b.example", "b@example.com"] {
        assert!(format!("mailto:ops@{host}").parse::<Contact>().is_err(), "{host}");
    }
    for (port, taken) in [("0", true), ("65535", true), ("65536", false), ("", false), ("x", false)] {
        assert_eq!(format!("https://example.com:{port}/").parse::<Contact>().is_ok(), taken, "{port:?}");
    }
}

fn declarative() -> DeclarativeNotification {
    DeclarativeNotification::new("T", "https://a.example/x")
}

#[test]
fn each_sacrifice_takes_its_own_member_and_nothing_else() {
    let all = declarative()
        .with_body("b".repeat(60))
        .with_lang("en")
        .with_tag("t")
        .with_icon("https://a.example/icon")
        .with_image("https://a.example/image")
        .with_badge("https://a.example/badge")
        .with_data(&json!({"conversation": 7}))
        .unwrap()
        .with_action(DeclarativeAction::new("open", "Open", "https://a.example/open"));
    let whole = all.to_json().unwrap();
    let names = [
        (Sacrifice::Image, "image"),
        (Sacrifice::Badge, "badge"),
        (Sacrifice::Icon, "icon"),
        (Sacrifice::Data, "data"),
        (Sacrifice::Actions, "actions"),
    ];
    for (sacrifice, member) in names {
        let mut cut = all.clone();
        let cuts = cut.fit_in_order(&[sacrifice], SizeLimit::Bytes(whole.len() - 1)).unwrap();
        assert_eq!(
            cuts.iter().map(|cut| cut.name.as_str()).collect::<Vec<_>>(),
            [format!("notification.{member}")]
        );
        let mut expected: Value = serde_json::from_str(&whole).unwrap();
        expected["notification"].as_object_mut().unwrap().remove(member).unwrap();
        let json = cut.to_json().unwrap();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), expected, "{member}");
        let said: usize = cuts.iter().map(|cut| cut.before - cut.after).sum();
        assert_eq!(whole.len() - json.len(), said, "{member}");
        // What is not there cannot be given up.
        assert!(cut.fit_in_order(&[sacrifice], SizeLimit::Bytes(json.len() - 1)).is_err(), "{member}");
    }
    // Texts are shortened.
    let two = DeclarativeNotification::new("T".repeat(60), "https://a.example/x").with_body("b".repeat(60));
    let whole = two.to_json().unwrap();
    for (sacrifice, member) in [(Sacrifice::Body, "body"), (Sacrifice::Title, "title")] {
        let mut cut = two.clone();
        let cuts = cut.fit_in_order(&[sacrifice], SizeLimit::Bytes(whole.len() - 1)).unwrap();
        assert_eq!(
            cuts.iter().map(|cut| cut.name.as_str()).collect::<Vec<_>>(),
            [format!("notification.{member}")]
        );
        let mut expected: Value = serde_json::from_str(&whole).unwrap();
        let is: Value = serde_json::from_str(&cut.to_json().unwrap()).unwrap();
        expected["notification"][member] = is["notification"][member].clone();
        assert_eq!(is, expected, "{member}");
        assert!(cut.to_json().unwrap().len() < whole.len(), "{member}");
    }
    // Nothing may go: all that there is, by its name and size.
    let mut untouched = all.clone();
    let error = untouched.fit_in_order(&[], SizeLimit::Bytes(10)).unwrap_err();
    assert_eq!(untouched, all);
    insta::assert_snapshot!(error, @"message of 378 bytes does not fit into 10, at least 378 are needed: notification.actions 81, notification.body 60, notification.image 34, notification.badge 34, notification.navigate 33, …");
    // As one error of the crate.
    let InvalidDeclarative::TooLarge(error) = error else { panic!() };
    let mut fields: Vec<_> =
        error.fields.iter().map(|field| format!("{} {}", field.name, field.bytes)).collect();
    fields.sort_unstable();
    insta::assert_snapshot!(fields.join(", "), @"notification.actions 81, notification.badge 34, notification.body 60, notification.data 26, notification.icon 32, notification.image 34, notification.lang 12, notification.navigate 33, notification.tag 10, notification.title 1");
    let text = error.to_string();
    assert_eq!(reveille_webpush::Error::from(error).to_string(), text);
}

#[test]
fn a_declarative_message_of_the_right_size() {
    let ttl = Ttl::from_secs(60).unwrap();
    let empty = declarative().with_body("").to_json().unwrap().len();
    let of = |bytes: usize| declarative().with_body("b".repeat(bytes - empty));
    let message = of(2_048).to_message(ttl).unwrap();
    assert_eq!((message.payload(), message.ttl()), (Some(of(2_048).to_json().unwrap().as_bytes()), ttl));
    assert!(matches!(of(2_049).to_message(ttl), Err(InvalidDeclarative::TooLarge(_))));
    assert_eq!(of(MAX_PLAINTEXT).to_json().unwrap().len(), MAX_PLAINTEXT);
    assert!(matches!(of(MAX_PLAINTEXT + 1).to_json(), Err(InvalidDeclarative::TooLarge(_))));
    // Reading has the same end, and white space counts.
    let json = declarative().to_json().unwrap();
    let padded = |bytes: usize| format!("{json}{}", " ".repeat(bytes - json.len()));
    assert_eq!(DeclarativeNotification::from_json(&padded(MAX_PLAINTEXT)), Ok(declarative()));
    for bytes in [MAX_PLAINTEXT + 1, MAX_PLAINTEXT + 2, 10_000] {
        let error = DeclarativeNotification::from_json(&padded(bytes)).unwrap_err();
        let InvalidDeclarative::TooLarge(error) = error else { panic!("{error}") };
        let fields: Vec<_> = error.fields.iter().map(|field| (field.name.as_str(), field.bytes)).collect();
        assert_eq!((error.size, fields), (bytes, vec![("JSON", bytes)]));
    }
}

#[test]
fn a_declarative_message_inside_something_else() {
    let json = declarative().with_app_badge(3).with_mutable(true).to_json().unwrap();
    let read: DeclarativeNotification = serde_json::from_str(&json).unwrap();
    assert_eq!(read, declarative().with_app_badge(3).with_mutable(true));
    let error = serde_json::from_str::<DeclarativeNotification>(&json.replace("8030", "8031")).unwrap_err();
    assert!(error.to_string().starts_with("web_push must be 8030"), "{error}");
}

#[test]
fn wns_must_not_keep_what_has_no_time() {
    let server = ApplicationServer::new(
        RING,
        VapidKeys::new(VapidKey::new(&RING.p256.generate().unwrap(), RING).unwrap()),
        settings(),
    );
    let policy = |host: &str, ttl: u64| {
        let message = Message::new("x", Ttl::from_secs(ttl).unwrap()).unwrap();
        let request = server.request(&message, &at(&format!("https://{host}/w/?token=x")), NOW).unwrap();
        request.headers().get("x-wns-cache-policy").map(|value| value.to_str().unwrap().to_owned())
    };
    for host in ["wns2-par02p.notify.windows.com", "WNS.Notify.Windows.COM"] {
        assert_eq!(policy(host, 0).as_deref(), Some("no-cache"), "{host}");
        assert_eq!(policy(host, 1), None, "{host}");
    }
    for host in ["push.example", "notify.windows.com", "notify.windows.com.example", "xnotify.windows.com"] {
        assert_eq!(policy(host, 0), None, "{host}");
    }
}

#[test]
fn a_message_with_a_token_that_is_at_hand() {
    let server = ApplicationServer::new(
        RING,
        VapidKeys::new(VapidKey::new(&RING.p256.generate().unwrap(), RING).unwrap()),
        settings(),
    );
    let (subscription, message) = (subscription(), Message::new("x", Ttl::from_secs(5).unwrap()).unwrap());
    let token = server.token(&subscription, NOW).unwrap();
    let request = message.request(&server, &subscription, &token).unwrap();
    assert_eq!(request.uri(), subscription.endpoint().as_str());
    assert_eq!(
        (&request.headers()["authorization"], &request.headers()["ttl"]),
        (token.authorization(), &"5".parse().unwrap())
    );
    assert!(!request.body().is_empty());
}

#[test]
fn a_vapid_header_with_more_in_it() {
    let key = VapidKey::new(&RING.p256.generate().unwrap(), RING).unwrap();
    let server = ApplicationServer::new(RING, VapidKeys::new(key.clone()), settings());
    let token = server.token(&subscription(), NOW).unwrap();
    let value = token.authorization().to_str().unwrap();
    let jwt = value.strip_prefix("vapid t=").unwrap().split_once(',').unwrap().0;
    for value in
        [value.to_owned(), format!("{value}, x=1"), value.replacen("t=", "x=1,t=", 1), format!("{value}, y")]
    {
        let header = VapidHeader::new(&value).unwrap();
        assert_eq!((header.token(), header.key()), (jwt, key.public_key()), "{value}");
    }
}

/// The claims as they are given, signed.
fn signed(claims: &Value) -> String {
    let private = EcPrivateKey::parse(rfc8291::VAPID_PRIVATE).unwrap();
    let signer = RING.es256.load(&private).unwrap();
    let jws = reveille_crypto::jws::UnsignedJws::new(
        br#"{"typ":"JWT","alg":"ES256"}"#,
        claims.to_string().as_bytes(),
    );
    let signature = signer.sign(jws.signing_input()).unwrap();
    let jwt = jws.finish(&signature);
    format!("vapid t={jwt}, k={}", signer.public_key())
}

#[test]
fn claims_of_every_type_and_at_every_end() {
    let verify = |claims: &Value| {
        VapidHeader::new(&signed(claims))
            .unwrap()
            .verify("https://push.example", RING, NOW)
            .map(|claims| claims.sub)
    };
    let now = NOW.as_secs();
    let wrong = |name, expected| Err(InvalidVapid::Claim { name, expected });
    let (aud, exp) = ("https://push.example", "a whole number of seconds");
    for (claims, expected) in [
        (json!({"aud": aud, "exp": now}), Ok(None)),
        (json!({"aud": aud, "exp": now, "sub": null}), Ok(None)),
        (
            json!({"aud": aud, "exp": now, "sub": "mailto:a@b.example"}),
            Ok(Some("mailto:a@b.example".to_owned())),
        ),
        (json!({"aud": aud, "exp": now, "sub": 7}), wrong("sub", "a text")),
        (json!({"aud": aud, "exp": now, "sub": []}), wrong("sub", "a text")),
        (json!({"aud": [aud], "exp": now}), wrong("aud", "a text")),
        (json!({"exp": now}), wrong("aud", "a text")),
        (json!({"aud": aud}), wrong("exp", exp)),
        (json!({"aud": aud, "exp": now.to_string()}), wrong("exp", exp)),
        (json!({"aud": aud, "exp": -1}), wrong("exp", exp)),
        (json!({"aud": "https://other.example", "exp": now}), Err(InvalidVapid::Audience)),
        (json!({"aud": aud, "exp": now - 59}), Ok(None)),
        (json!({"aud": aud, "exp": now - 60}), Err(InvalidVapid::Expired)),
        (json!({"aud": aud, "exp": now + 86_400}), Ok(None)),
        (json!({"aud": aud, "exp": now + 86_401}), Err(InvalidVapid::TooFar)),
    ] {
        assert_eq!(verify(&claims), expected, "{claims}");
    }
}

#[derive(Debug)]
struct NoHkdf;

impl HkdfSha256 for NoHkdf {
    fn derive(&self, _: &[u8], _: &[u8], _: &mut [Expand<'_>]) -> Result<(), CryptoError> {
        Err(CryptoError)
    }
}

#[derive(Debug)]
struct NoRandom;

impl reveille_crypto::SecureRandom for NoRandom {
    fn fill(&self, _: &mut [u8]) -> Result<(), CryptoError> {
        Err(CryptoError)
    }
}

/// Nothing is sent that was encrypted with half a key.
#[test]
fn a_backend_that_fails_sends_nothing() {
    for crypto in
        [CryptoProvider { hkdf_sha256: &NoHkdf, ..RING }, CryptoProvider { random: &NoRandom, ..RING }]
    {
        let key = VapidKey::new(&RING.p256.generate().unwrap(), RING).unwrap();
        let server = ApplicationServer::new(crypto, VapidKeys::new(key), settings());
        let message = Message::new("x", Ttl::ZERO).unwrap();
        let failed = RequestError::from(CryptoError);
        assert_eq!(server.request(&message, &subscription(), NOW).unwrap_err(), failed);
        #[cfg(feature = "aesgcm")]
        assert_eq!(
            server.request_aesgcm(&message, &subscription(), NOW).unwrap_err(),
            reveille_webpush::aesgcm::AesGcmError::Request(failed)
        );
        let empty = Message::without_payload(Ttl::ZERO);
        assert!(server.request(&empty, &subscription(), NOW).is_ok(), "there is nothing to encrypt");
    }
}

/// A signer that counts; at its first turn somebody else asks for the same token, if that is wanted, and gets it.
#[derive(Debug)]
struct Signer {
    key: Arc<dyn Es256SigningKey>,
    signed: AtomicUsize,
    overtaken: OnceLock<(Weak<ApplicationServer>, Subscription)>,
    winner: OnceLock<Token>,
}

impl Es256SigningKey for Signer {
    fn public_key(&self) -> &P256PublicKey {
        self.key.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        let count = self.signed.fetch_add(1, SeqCst);
        if let Some((server, subscription)) = self.overtaken.get().filter(|_| count == 0) {
            let token = server.upgrade().unwrap().token(subscription, NOW).unwrap();
            self.winner.set(token).unwrap();
        }
        self.key.sign(message)
    }
}

fn counted() -> (Arc<Signer>, Arc<ApplicationServer>) {
    let key = RING.es256.load(&RING.p256.generate().unwrap()).unwrap();
    let signer =
        Arc::new(Signer { key, signed: 0.into(), overtaken: OnceLock::new(), winner: OnceLock::new() });
    let server = ApplicationServer::new(
        RING,
        VapidKeys::new(VapidKey::from_signer(Arc::clone(&signer) as _)),
        settings(),
    );
    (signer, Arc::new(server))
}

#[test]
fn the_token_that_was_finished_first_is_everybodys() {
    let (signer, server) = counted();
    signer.overtaken.set((Arc::downgrade(&server), subscription())).unwrap();
    let token = server.token(&subscription(), NOW).unwrap();
    // ES256 is random: the token that came second would be another one.
    assert_eq!(token.authorization(), signer.winner.get().unwrap().authorization());
    let later = server.token(&subscription(), NOW + HOUR).unwrap();
    assert_eq!((later.authorization(), signer.signed.load(SeqCst)), (token.authorization(), 2));
}

#[test]
fn at_the_end_of_time_one_token_is_enough() {
    let times = |times: &[UnixTime]| {
        let (signer, server) = counted();
        times.iter().for_each(|now| drop(server.token(&subscription(), *now).unwrap()));
        signer.signed.load(SeqCst)
    };
    let end = UnixTime::MAX;
    assert_eq!(times(&[end, end, end]), 1);
    assert_eq!(times(&[end - HOUR, end, end]), 1, "it ends where time ends");
    // A token with an end of its own is renewed an hour before that, also on the last day.
    assert_eq!(times(&[end - HOUR * 20, end - HOUR * 9 - MILLI]), 1);
    assert_eq!(times(&[end - HOUR * 20, end - HOUR * 9]), 2);
    // Made at the end, and then the clock is set back by more than a token may live.
    assert_eq!(times(&[end, end - VapidSettings::MAX_LIFETIME]), 1);
    assert_eq!(times(&[end, end - VapidSettings::MAX_LIFETIME - MILLI]), 2);
}

fn remote() -> (ApplicationServer, Arc<dyn Es256SigningKey>) {
    let signer = RING.es256.load(&RING.p256.generate().unwrap()).unwrap();
    let keys = VapidKeys::new(VapidKey::remote(*signer.public_key()));
    (ApplicationServer::new(RING, keys, settings()), signer)
}

#[test]
fn a_refused_token_of_a_key_elsewhere_is_asked_for_at_once() {
    let (server, signer) = remote();
    let pending = TokenError::Pending { key: server.keys().current().id() };
    assert_eq!(server.token(&subscription(), NOW).unwrap_err(), pending);
    let request = server.poll_output().unwrap();
    let signature = signer.sign(request.signing_input()).unwrap();
    server.handle_signature(&request, &signature, NOW).unwrap();
    let token = server.token(&subscription(), NOW).unwrap();
    assert_eq!(server.poll_output(), None);
    let later = NOW + HOUR;
    assert_eq!(server.handle_refusal(&subscription(), token.authorization(), later), Refusal::Renewing);
    let request = server.poll_output().expect("asked for without another message");
    assert_eq!(server.token(&subscription(), later).unwrap_err(), pending);
    assert_eq!(server.poll_output(), None, "asked for once");
    let signature = signer.sign(request.signing_input()).unwrap();
    server.handle_signature(&request, &signature, later).unwrap();
    assert!(server.token(&subscription(), later).is_ok());
}

#[test]
fn what_is_due_at_once_is_asked_for_in_an_order() {
    let (server, signer) = remote();
    let services: Vec<_> = (0..20).map(|n| at(&format!("https://p{n:02}.example/x"))).collect();
    for service in services.iter().rev() {
        server.token(service, NOW).unwrap_err();
    }
    while let Some(request) = server.poll_output() {
        let signature = signer.sign(request.signing_input()).unwrap();
        server.handle_signature(&request, &signature, NOW).unwrap();
    }
    services.iter().rev().for_each(|service| drop(server.token(service, NOW).unwrap()));
    server.handle_timeout(NOW + HOUR * 11 - MILLI);
    assert_eq!(server.poll_output(), None);
    server.handle_timeout(NOW + HOUR * 11);
    let asked = std::iter::from_fn(|| server.poll_output());
    let audiences: Vec<String> = asked
        .map(|request| {
            let claims = request.signing_input().split(|byte| *byte == b'.').nth(1).unwrap();
            let claims = base64url::decode(std::str::from_utf8(claims).unwrap()).unwrap();
            serde_json::from_slice::<Value>(&claims).unwrap()["aud"].as_str().unwrap().to_owned()
        })
        .collect();
    let expected: Vec<_> = (0..20).map(|n| format!("https://p{n:02}.example")).collect();
    assert_eq!(audiences, expected);
}

/// Verifies as `RING` does; while it is at it the first time, somebody else brings the same signature.
#[derive(Debug)]
struct Doubled;

static DOUBLED: OnceLock<(ApplicationServer, reveille_crypto::jws::SigningRequest)> = OnceLock::new();

impl Es256 for Doubled {
    fn load(&self, key: &EcPrivateKey) -> Result<Arc<dyn Es256SigningKey>, KeyError> {
        RING.es256.load(key)
    }

    fn verify(&self, key: &P256PublicKey, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        static BEGUN: AtomicBool = AtomicBool::new(false);
        if !BEGUN.swap(true, SeqCst) {
            let (server, request) = DOUBLED.get().unwrap();
            assert_eq!(server.handle_signature(request, signature, NOW), Ok(()));
        }
        RING.es256.verify(key, message, signature)
    }
}

#[test]
fn a_signature_that_is_brought_twice_at_once_is_taken_once() {
    let signer = RING.es256.load(&RING.p256.generate().unwrap()).unwrap();
    let keys = VapidKeys::new(VapidKey::remote(*signer.public_key()));
    let server = ApplicationServer::new(CryptoProvider { es256: &Doubled, ..RING }, keys, settings());
    server.token(&subscription(), NOW).unwrap_err();
    let request = server.poll_output().unwrap();
    let (server, request) = DOUBLED.get_or_init(|| (server, request));
    let signature = signer.sign(request.signing_input()).unwrap();
    assert_eq!(server.handle_signature(request, &signature, NOW), Err(SignatureRefused::NotAwaited));
    assert!(server.token(&subscription(), NOW).is_ok());
    assert_eq!(server.poll_output(), None);
}

#[test]
fn an_older_key_is_found_by_its_id() {
    let key = || VapidKey::new(&RING.p256.generate().unwrap(), RING).unwrap();
    let (old, new) = (key(), key());
    let keys = VapidKeys::new(new.clone()).with_retained(old.clone());
    assert_eq!(keys.current().id(), new.id());
    assert_eq!(keys.find(Some(old.id())).map(VapidKey::id), Ok(old.id()));
    assert_eq!(keys.find(None).map(VapidKey::id), Ok(new.id()));
    assert!(keys.find(Some(key().id())).is_err());
}
