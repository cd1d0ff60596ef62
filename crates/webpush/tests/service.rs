//! Both ends and the service between them: what the application server builds, the service takes and the user agent
//! opens; what the service refuses, `classify` understands.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use proptest::prelude::*;
use reveille_core::{Action, Outcome, RetrySource, Scope, UnixTime};
use reveille_crypto::CryptoProvider;
use reveille_testkit::webpush::{PushService, Refusal};
use reveille_webpush::message::MAX_PLAINTEXT;
use reveille_webpush::message::SizeLimit;
use reveille_webpush::target::PublicHttps;
use reveille_webpush::{
    ApplicationServer, Endpoint, Message, Padding, Subscription, Topic, Ttl, Urgency, UserAgent,
    UserAgentKeys, VapidKey, VapidKeys, VapidSettings, classify_response,
};

const RING: CryptoProvider = reveille_crypto_ring::PROVIDER;
const RUSTCRYPTO: CryptoProvider = reveille_crypto_rustcrypto::PROVIDER;
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ORIGIN: &str = "https://push.example:8443";
const DAY: u64 = 24 * 3_600;

/// A service, a server, and a user agent that subscribed with the server's key.
struct World {
    service: PushService,
    server: ApplicationServer,
    user_agent: UserAgent,
    subscription: Subscription,
    endpoint: String,
}

impl World {
    fn new(crypto: CryptoProvider) -> Self {
        let key = VapidKey::new(&crypto.p256.generate().unwrap(), crypto).unwrap();
        let mut service = PushService::new(ORIGIN, RUSTCRYPTO);
        let endpoint = service.subscribe(Some(*key.public_key()));
        let user_agent = UserAgent::new(&UserAgentKeys::generate(crypto).unwrap(), RUSTCRYPTO).unwrap();
        let subscription =
            user_agent.subscription(Endpoint::new(&endpoint, &PublicHttps).unwrap()).with_vapid_key(key.id());
        let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
        let server = ApplicationServer::new(crypto, VapidKeys::new(key), settings);
        Self { service, server, user_agent, subscription, endpoint }
    }

    fn request(&self, message: &Message, now: UnixTime) -> Request<Bytes> {
        self.server.request(message, &self.subscription, now).unwrap()
    }

    fn send(&mut self, message: &Message, now: UnixTime) -> Outcome {
        let request = self.request(message, now);
        outcome(&self.service.handle(&request, now), now)
    }

    /// What the user agent gets, opened.
    fn receive(&mut self, now: UnixTime) -> Vec<Vec<u8>> {
        let waiting = self.service.take(&self.endpoint, now);
        waiting.into_iter().map(|message| self.user_agent.open(&message.body).unwrap()).collect()
    }
}

fn outcome(response: &Response<Bytes>, now: UnixTime) -> Outcome {
    classify_response(None, response, now)
}

fn text(payload: &str, ttl: u64) -> Message {
    Message::new(payload.to_owned(), Ttl::from_secs(ttl).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Any message, at any time, from either backend, alone or in a batch.
    #[test]
    fn whatever_is_built_is_taken_and_opened(
        payload in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..=MAX_PLAINTEXT)),
        ttl in prop_oneof![Just(0), 0..=31 * DAY, Just(0x7fff_ffff)],
        urgency in proptest::option::of(0..4_usize),
        topic in proptest::option::of("[A-Za-z0-9_-]{1,32}"),
        pad in any::<bool>(),
        backend in 0..2_usize,
        batch in any::<bool>(),
        // Any time at which a token can still end within the JWT's seconds.
        now in prop_oneof![0..4_000_000_000_000_u64, Just(0)],
    ) {
        let now = UnixTime::from_millis(now);
        let mut world = World::new([RING, RUSTCRYPTO][backend]);
        let ttl_given = Ttl::from_secs(ttl).unwrap();
        let mut message = match &payload {
            Some(payload) => Message::new_within(SizeLimit::Provider, payload.clone(), ttl_given).unwrap(),
            None => Message::without_payload(ttl_given),
        };
        if let Some(urgency) = urgency {
            message = message.with_urgency([Urgency::VeryLow, Urgency::Low, Urgency::Normal, Urgency::High][urgency]);
        }
        if let Some(topic) = &topic {
            message = message.with_topic(Topic::new(topic).unwrap());
        }
        if pad && payload.is_some() {
            message = message.with_padding(Padding::ToMaximum).unwrap();
        }
        let request = if batch {
            // One alone would take the way of single messages.
            let mut out = Vec::new();
            world.server.requests(&message, &[&world.subscription; 2], now, &mut out);
            out.pop().unwrap().unwrap()
        } else {
            world.request(&message, now)
        };
        let Outcome::Accepted(receipt) = outcome(&world.service.handle(&request, now), now) else {
            panic!("refused")
        };
        prop_assert_eq!(receipt.status, 201);
        prop_assert_eq!(receipt.ttl, Some(Duration::from_secs(ttl.min(30 * DAY))), "cut, and said so");
        prop_assert!(receipt.message.unwrap().starts_with(ORIGIN));

        let waiting = world.service.take(&world.endpoint, now);
        prop_assert_eq!(waiting.len(), 1);
        prop_assert_eq!(waiting[0].accepted.urgency, message.urgency().map_or("normal", Urgency::as_str));
        prop_assert_eq!(&waiting[0].accepted.topic, &topic);
        match payload {
            Some(payload) => prop_assert_eq!(world.user_agent.open(&waiting[0].body).unwrap(), payload),
            None => prop_assert!(waiting[0].body.is_empty() && waiting[0].accepted.encoding.is_none()),
        }
    }
}

type Change = Box<dyn Fn(&mut Request<Bytes>)>;

fn set(name: &'static str, value: &'static str) -> Change {
    Box::new(move |request| {
        request.headers_mut().insert(name, value.parse().unwrap());
    })
}

fn add(name: &'static str, value: &'static str) -> Change {
    Box::new(move |request| {
        request.headers_mut().append(name, value.parse().unwrap());
    })
}

fn remove(name: &'static str) -> Change {
    Box::new(move |request| {
        request.headers_mut().remove(name).unwrap();
    })
}

fn body(change: impl Fn(&mut Vec<u8>) + 'static) -> Change {
    Box::new(move |request| {
        let mut bytes = request.body().to_vec();
        change(&mut bytes);
        *request.body_mut() = bytes.into();
    })
}

/// Every refusal but the scripted ones is reached by spoiling a good request in one place.
#[test]
fn every_refusal_is_reached_and_understood() {
    let changes: Vec<(&str, Change)> = vec![
        ("GET", Box::new(|request| *request.method_mut() = Method::GET)),
        (
            "another path",
            Box::new(|request| *request.uri_mut() = format!("{ORIGIN}/wpush/v2/0").parse().unwrap()),
        ),
        ("no authorization", remove("authorization")),
        ("authorization twice", add("authorization", "vapid t=a, k=b")),
        ("another scheme", set("authorization", "Bearer abc")),
        ("authorization cut", set("authorization", "vapid t=a.b.c")),
        ("no TTL", remove("ttl")),
        ("TTL twice", add("ttl", "1")),
        ("TTL negative", set("ttl", "-1")),
        ("TTL with a fraction", set("ttl", "1.5")),
        ("TTL empty", set("ttl", "")),
        ("topic of 33", set("topic", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")),
        ("topic with a space", set("topic", "a b")),
        (
            "two topics",
            Box::new(|request| {
                request.headers_mut().append("topic", "a".parse().unwrap());
                request.headers_mut().append("topic", "b".parse().unwrap());
            }),
        ),
        ("urgency unknown", set("urgency", "urgent")),
        ("no content coding", remove("content-encoding")),
        ("coding unknown", set("content-encoding", "gzip")),
        ("draft coding without its headers", set("content-encoding", "aesgcm")),
        ("draft header beside aes128gcm", set("crypto-key", "dh=AAAA")),
        ("draft salt beside aes128gcm", set("encryption", "salt=AAAA")),
        ("coding without a body", body(Vec::clear)),
        ("no record", body(|bytes| bytes.truncate(86))),
        (
            "record size not greater",
            body(|bytes| {
                let record = u32::try_from(bytes.len() - 86).unwrap();
                bytes[16..20].copy_from_slice(&record.to_be_bytes());
            }),
        ),
        ("keyid not a point", body(|bytes| bytes[21] = 2)),
        ("4,097 bytes", body(|bytes| bytes.resize(4_097, 0))),
        ("100,000 bytes", body(|bytes| bytes.resize(100_000, 0))),
    ];
    let mut table = String::new();
    for (name, change) in changes {
        let mut world = World::new(RING);
        let mut request = world.request(&text("hello", 60), NOW);
        change(&mut request);
        let response = world.service.handle(&request, NOW);
        let said: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        let outcome = outcome(&response, NOW);
        let action = outcome.action().unwrap();
        let field = match action {
            Action::FixRequest { field: Some(field) } => format!(" {field}"),
            _ => String::new(),
        };
        writeln!(
            table,
            "{name}: {} errno {}: {}{field}",
            response.status().as_u16(),
            said["errno"],
            action.name()
        )
        .unwrap();
        assert!(world.receive(NOW).is_empty(), "{name}");
    }
    insta::assert_snapshot!(table, @"
    GET: 405 errno 0: fix_request
    another path: 404 errno 102: suspect_target
    no authorization: 401 errno 109: fix_credential
    authorization twice: 401 errno 109: fix_credential
    another scheme: 401 errno 109: fix_credential
    authorization cut: 401 errno 109: fix_credential
    no TTL: 400 errno 111: fix_request ttl
    TTL twice: 400 errno 112: fix_request ttl
    TTL negative: 400 errno 112: fix_request ttl
    TTL with a fraction: 400 errno 112: fix_request ttl
    TTL empty: 400 errno 112: fix_request ttl
    topic of 33: 400 errno 113: fix_request topic
    topic with a space: 400 errno 113: fix_request topic
    two topics: 400 errno 113: fix_request topic
    urgency unknown: 400 errno 108: fix_request urgency
    no content coding: 400 errno 110: fix_request content-encoding
    coding unknown: 400 errno 110: fix_request content-encoding
    draft coding without its headers: 400 errno 110: fix_request content-encoding
    draft header beside aes128gcm: 400 errno 110: fix_request content-encoding
    draft salt beside aes128gcm: 400 errno 110: fix_request content-encoding
    coding without a body: 400 errno 110: fix_request content-encoding
    no record: 400 errno 110: fix_request content-encoding
    record size not greater: 400 errno 110: fix_request content-encoding
    keyid not a point: 400 errno 110: fix_request content-encoding
    4,097 bytes: 413 errno 104: fix_request body
    100,000 bytes: 413 errno 104: fix_request body
    ");
}

#[test]
fn a_token_must_be_for_this_service_this_key_and_this_time() {
    let mut world = World::new(RING);
    let refused = |world: &mut World, request: &Request<Bytes>, now| {
        let outcome = outcome(&world.service.handle(request, now), now);
        outcome.action().cloned()
    };
    let request = world.request(&text("hello", 60), NOW);
    let half_a_day = Duration::from_secs(12 * 3_600);
    assert_eq!(refused(&mut world, &request, NOW + half_a_day - Duration::from_secs(1)), None);
    let much_later = NOW + half_a_day + Duration::from_secs(60);
    assert_eq!(
        refused(&mut world, &request, much_later),
        Some(Action::FixCredential { scope: Scope::Credential }),
        "expired"
    );
    let much_earlier = NOW - half_a_day - Duration::from_secs(61);
    assert_eq!(
        refused(&mut world, &request, much_earlier),
        Some(Action::FixCredential { scope: Scope::Credential }),
        "more than a day ahead"
    );

    // A subscription that was made with another key.
    let other = World::new(RING);
    let endpoint = world.service.subscribe(Some(*other.server.keys().current().public_key()));
    let subscription = world.user_agent.subscription(Endpoint::new(&endpoint, &PublicHttps).unwrap());
    let request = world.server.request(&text("hello", 60), &subscription, NOW).unwrap();
    assert_eq!(refused(&mut world, &request, NOW), Some(Action::FixCredential { scope: Scope::Credential }));
    // And one without a key: any token will do, and none.
    let endpoint = world.service.subscribe(None);
    let subscription = world.user_agent.subscription(Endpoint::new(&endpoint, &PublicHttps).unwrap());
    let mut request = world.server.request(&text("hello", 60), &subscription, NOW).unwrap();
    assert_eq!(refused(&mut world, &request, NOW), None);
    request.headers_mut().remove("authorization");
    assert_eq!(refused(&mut world, &request, NOW), None);
}

#[test]
fn scripted_answers_come_once_each_and_in_order() {
    let mut world = World::new(RING);
    world.service.script([
        Refusal::TooManyRequests { retry_after: 7 },
        Refusal::Unavailable,
        Refusal::Internal,
    ]);
    let seconds = |n| NOW + Duration::from_secs(n);
    let message = text("hello", 60);
    assert_eq!(
        world.send(&message, NOW).action(),
        Some(&Action::SlowDown { scope: Scope::Service, until: seconds(7), source: RetrySource::Service })
    );
    assert_eq!(
        world.send(&message, NOW).action(),
        Some(&Action::Retry { not_before: seconds(120), source: RetrySource::Service })
    );
    assert_eq!(
        world.send(&message, NOW).action(),
        Some(&Action::Retry { not_before: NOW, source: RetrySource::Guess })
    );
    assert_eq!(world.send(&message, NOW).action(), None);
    assert_eq!(world.receive(NOW), [b"hello"]);
}

#[test]
fn a_topic_replaces_what_waits_with_the_same_topic() {
    let mut world = World::new(RING);
    let about = |payload, topic: &str| text(payload, 60).with_topic(Topic::new(topic).unwrap());
    for message in [about("1", "a"), about("2", "b"), text("3", 60), about("4", "a"), text("5", 60)] {
        assert_eq!(world.send(&message, NOW).action(), None);
    }
    assert_eq!(world.receive(NOW), [b"2", b"3", b"4", b"5"]);
    assert_eq!(world.send(&about("6", "a"), NOW).action(), None);
    assert_eq!(world.receive(NOW), [b"6"], "what was delivered is not replaced");
}

#[test]
fn a_message_lives_as_long_as_its_ttl() {
    let mut world = World::new(RING);
    for (payload, ttl) in [("0", 0), ("60", 60), ("year", 365 * DAY)] {
        world.send(&text(payload, ttl), NOW);
    }
    assert_eq!(world.receive(NOW + Duration::from_secs(61)), [b"year"]);
    world.send(&text("year", 365 * DAY), NOW);
    assert!(world.receive(NOW + Duration::from_secs(30 * DAY + 1)).is_empty(), "30 days at most");
    world.send(&text("0", 0), NOW);
    assert_eq!(world.receive(NOW), [b"0"]);
}

#[test]
fn an_unsubscribed_user_agent_is_gone() {
    let mut world = World::new(RING);
    world.send(&text("waits", 60), NOW);
    assert!(world.service.unsubscribe(&world.endpoint));
    assert!(!world.service.unsubscribe(&world.endpoint), "once");
    assert_eq!(
        world.send(&text("late", 60), NOW).action(),
        Some(&Action::DropTarget { if_registered_before: None })
    );
    assert!(world.receive(NOW).is_empty());
}

#[test]
fn a_message_can_be_cancelled_until_it_is_delivered() {
    let mut world = World::new(RING);
    let Outcome::Accepted(receipt) = world.send(&text("regretted", 60), NOW) else { panic!("refused") };
    let cancel = Request::delete(receipt.message.unwrap()).body(Bytes::new()).unwrap();
    assert_eq!(world.service.handle(&cancel, NOW).status(), 204);
    assert_eq!(world.service.handle(&cancel, NOW).status(), 404);
    assert!(world.receive(NOW).is_empty());
}
