//! Bodies: every size, every provider, every damage.

use proptest::prelude::*;
use reveille_core::UnixTime;
use reveille_crypto::CryptoProvider;
use reveille_webpush::credential::UnknownVapidKey;
use reveille_webpush::message::MAX_PLAINTEXT;
use reveille_webpush::message::SizeLimit;
use reveille_webpush::request::RequestError;
use reveille_webpush::target::PublicHttps;
use reveille_webpush::user_agent::OpenError;
use reveille_webpush::{
    ApplicationServer, Endpoint, Message, Padding, Subscription, Ttl, UserAgent, UserAgentKeys, VapidKey,
    VapidKeys, VapidSettings,
};

const RING: CryptoProvider = reveille_crypto_ring::PROVIDER;
const RUSTCRYPTO: CryptoProvider = reveille_crypto_rustcrypto::PROVIDER;
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn server(crypto: CryptoProvider) -> ApplicationServer {
    let key = VapidKey::new(&crypto.p256.generate().unwrap(), crypto).unwrap();
    let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
    ApplicationServer::new(crypto, VapidKeys::new(key), settings)
}

fn user_agent(crypto: CryptoProvider) -> (UserAgent, Subscription) {
    // ring makes keys, too; only loading them for an agreement is the other backend's.
    let keys = UserAgentKeys::generate(crypto).unwrap();
    let user_agent = UserAgent::new(&keys, RUSTCRYPTO).unwrap();
    let subscription =
        user_agent.subscription(Endpoint::new("https://push.example/x", &PublicHttps).unwrap());
    (user_agent, subscription)
}

fn message(payload: Vec<u8>) -> Message {
    Message::new_within(SizeLimit::Provider, payload, Ttl::ZERO).unwrap()
}

#[test]
fn every_size_round_trips() {
    let server = server(RING);
    let (user_agent, subscription) = user_agent(RING);
    for length in 0..=MAX_PLAINTEXT {
        let payload: Vec<u8> = (0..length).map(|i| (i * 31 + length) as u8).collect();
        let body = server.request(&message(payload.clone()), &subscription, NOW).unwrap().into_body();
        assert_eq!(body.len(), 86 + length + 1 + 16);
        assert!(body.len() <= 4_096);
        assert_eq!(user_agent.open(&body).unwrap(), payload, "{length} bytes");
    }
}

#[test]
fn the_longest_message_fills_the_largest_body_exactly() {
    let (_, subscription) = user_agent(RING);
    let longest = message(vec![0; MAX_PLAINTEXT]);
    let body = server(RING).request(&longest, &subscription, NOW).unwrap().into_body();
    assert_eq!(body.len(), 4_096);
    assert_eq!(body[16..20], 4_096_u32.to_be_bytes(), "rs is legal: greater than what the record holds");
    assert_eq!(body[20], 65);
    assert_eq!(body[21], 0x04);
}

#[test]
fn every_flipped_bit_and_every_truncation_is_refused() {
    let (user_agent, subscription) = user_agent(RING);
    let body = server(RING).request(&message(b"hello".to_vec()), &subscription, NOW).unwrap().into_body();
    assert!(user_agent.open(&body).is_ok());
    for bit in 0..body.len() * 8 {
        // The record size is not authenticated by RFC 8188, and a larger one holds the record as well.
        let record_size = (16 * 8..20 * 8).contains(&bit);
        let mut bad = body.to_vec();
        bad[bit / 8] ^= 1 << (bit % 8);
        let opened = user_agent.open(&bad);
        if record_size && opened.is_ok() {
            let size = u32::from_be_bytes(bad[16..20].try_into().unwrap());
            assert!(size as usize >= body.len() - 86, "bit {bit}");
        } else {
            assert!(opened.is_err(), "bit {bit}");
        }
    }
    for length in 0..body.len() {
        assert!(user_agent.open(&body[..length]).is_err(), "{length} bytes");
    }
    let longer = [&body[..], &[0]].concat();
    assert_eq!(user_agent.open(&longer), Err(OpenError::NotAuthentic));
}

#[test]
fn only_the_right_user_agent_opens() {
    let (_, subscription) = user_agent(RING);
    let (stranger, _) = user_agent(RING);
    let body = server(RING).request(&message(b"hello".to_vec()), &subscription, NOW).unwrap().into_body();
    assert_eq!(stranger.open(&body), Err(OpenError::NotAuthentic));
}

#[test]
fn keys_and_salts_are_fresh_for_every_message() {
    for crypto in [RING, RUSTCRYPTO] {
        let (server, (_, subscription)) = (server(crypto), user_agent(crypto));
        let message = message(b"same".to_vec());
        let mut requests = Vec::new();
        server.requests(&message, &[&subscription; 70], NOW, &mut requests);
        requests.push(server.request(&message, &subscription, NOW));
        let bodies: Vec<_> = requests.into_iter().map(|request| request.unwrap().into_body()).collect();
        for part in [0..16, 21..86, 86..bodies[0].len()] {
            let distinct: std::collections::HashSet<_> =
                bodies.iter().map(|body| &body[part.clone()]).collect();
            assert_eq!(distinct.len(), bodies.len(), "{}: bytes {part:?}", crypto.name);
        }
    }
}

#[test]
fn a_batch_opens_like_single_messages() {
    for crypto in [RING, RUSTCRYPTO] {
        for count in [0, 1, 2, 63, 64, 65, 130] {
            let receivers: Vec<_> = (0..count).map(|_| user_agent(RUSTCRYPTO)).collect();
            let subscriptions: Vec<_> = receivers.iter().map(|(_, subscription)| subscription).collect();
            let mut requests = Vec::new();
            server(crypto).requests(&message(b"to all".to_vec()), &subscriptions, NOW, &mut requests);
            assert_eq!(requests.len(), count);
            for ((user_agent, _), request) in receivers.iter().zip(requests) {
                assert_eq!(user_agent.open(request.unwrap().body()).unwrap(), b"to all");
            }
        }
    }
}

/// Each of the others still gets the body that is sealed for it, also where a chunk of the batch begins, ends, or has
/// nobody to send to.
#[test]
fn a_subscription_whose_key_is_gone_does_not_affect_the_others_of_its_batch() {
    let lost = VapidKey::new(&RING.p256.generate().unwrap(), RING).unwrap().id();
    for crypto in [RING, RUSTCRYPTO] {
        for gone in [0..1, 1..2, 63..65, 64..128, 129..130] {
            let receivers: Vec<_> = (0..130)
                .map(|i| {
                    let (user_agent, subscription) = user_agent(RUSTCRYPTO);
                    (
                        user_agent,
                        if gone.contains(&i) { subscription.with_vapid_key(lost) } else { subscription },
                    )
                })
                .collect();
            let subscriptions: Vec<_> = receivers.iter().map(|(_, subscription)| subscription).collect();
            let mut requests = Vec::new();
            server(crypto).requests(&message(b"to all".to_vec()), &subscriptions, NOW, &mut requests);
            assert_eq!(requests.len(), 130);
            for (i, ((user_agent, _), request)) in receivers.iter().zip(requests).enumerate() {
                let opened = request.map(|request| user_agent.open(request.body()).unwrap());
                let expected = match gone.contains(&i) {
                    true => Err(RequestError::from(UnknownVapidKey { id: lost })),
                    false => Ok(b"to all".to_vec()),
                };
                assert_eq!(opened, expected, "{i}");
            }
        }
    }
}

/// What other senders get wrong (RFC 8291 §4), each refused with a reason.
#[test]
fn malformed_bodies() {
    let (user_agent, subscription) = user_agent(RING);
    let good = server(RING).request(&message(vec![7; 100]), &subscription, NOW).unwrap().into_body();
    let with = |at: usize, bytes: &[u8]| {
        let mut body = good.to_vec();
        body[at..at + bytes.len()].copy_from_slice(bytes);
        user_agent.open(&body).unwrap_err().to_string()
    };
    insta::assert_snapshot!(user_agent.open(&[]).unwrap_err(), @"body is malformed: shorter than header, delimiter and tag");
    insta::assert_snapshot!(user_agent.open(&good[..86]).unwrap_err(), @"body is malformed: shorter than header, delimiter and tag");
    insta::assert_snapshot!(user_agent.open(&good[..102]).unwrap_err(), @"body is malformed: shorter than header, delimiter and tag");
    insta::assert_snapshot!(with(16, &[0, 0, 0, 0]), @"body is malformed: record size is below 18");
    insta::assert_snapshot!(with(16, &[0, 0, 0, 100]), @"body is malformed: more than one record");
    insta::assert_snapshot!(with(20, &[0]), @"body is malformed: keyid is not 65 bytes");
    insta::assert_snapshot!(with(20, &[255]), @"body is malformed: keyid is not 65 bytes");
    insta::assert_snapshot!(with(21, &[2]), @"body is malformed: keyid is not a point on P-256");
    insta::assert_snapshot!(with(40, &[0, 0]), @"body is malformed: keyid is not a point on P-256");
    insta::assert_snapshot!(with(86, &[0, 0]), @"body is not authentic");
    insta::assert_snapshot!(with(0, &[0, 0]), @"body is not authentic");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_any_provider_seals_is_opened(
        payload in proptest::collection::vec(any::<u8>(), 0..=MAX_PLAINTEXT),
        padding in prop_oneof![
            Just(Padding::None),
            (0..5_000_usize).prop_map(Padding::Bytes),
            (0..=MAX_PLAINTEXT).prop_map(Padding::ToLength),
            Just(Padding::ToMaximum),
        ],
        sender in 0..2_usize,
        receiver in 0..2_usize,
    ) {
        let (user_agent, subscription) = user_agent([RING, RUSTCRYPTO][receiver]);
        let length = payload.len();
        match message(payload.clone()).with_padding(padding) {
            Err(_) => prop_assert!(matches!(padding, Padding::Bytes(bytes) if bytes + length > MAX_PLAINTEXT)),
            Ok(message) => {
                let padded = message.padded_len();
                let request = server([RING, RUSTCRYPTO][sender]).request(&message, &subscription, NOW).unwrap();
                prop_assert_eq!(request.body().len(), 86 + padded + 17);
                prop_assert_eq!(user_agent.open(request.body()).unwrap(), payload);
            }
        }
    }

    #[test]
    fn open_is_total(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (user_agent, _) = user_agent(RUSTCRYPTO);
        prop_assert!(user_agent.open(&body).is_err());
    }
}
