//! Words, settings and commands one by one: what is set is used, what is logged has its name, and a failing backend is
//! an error and no weak key.

use std::time::Duration;

use crate::support::*;

use reveille_core::UnixTime;
use reveille_crypto::{CryptoError, CryptoProvider, Expand, HkdfSha256};
use reveille_crypto_ring::PROVIDER;
use reveille_resume::compact::shard_of;
use reveille_resume::jose::MAX_JOSE_LEN;
use reveille_resume::keys::InvalidSecret;
use reveille_resume::replay::{Reservation, SingleUse};
use reveille_resume::store::{StoreCommand, StoreReply};
use reveille_resume::verdict::{Authentic, Claims, ClientAnswer};
use reveille_resume::*;

const PHONE: Attempt = Attempt::new(255);

fn authentic() -> (String, Authentic) {
    let keys = compact_keys();
    let token = fixed_issuer().with_shard(9).issue(&keys, &MINE, NOW).unwrap();
    let authentic = Verifier::default().check(&keys, &token, &MINE, NOW).unwrap();
    (token, authentic)
}

fn reservation(store: &ExternalStore) -> Reservation {
    let Verdict::Resume { reservation, .. } = store.settle(authentic().1, PHONE, StoreReply::Stored, NOW)
    else {
        panic!()
    };
    reservation
}

#[test]
fn a_policy_is_what_was_set() {
    let policy = Policy::default();
    assert_eq!((policy.max_lifetime(), policy.leeway()), (ms(300_000), ms(5_000)));
    let policy = policy.with_max_lifetime(ms(70_000)).with_leeway(ms(3_000)).with_keep_expired(ms(11_000));
    assert_eq!((policy.max_lifetime(), policy.leeway()), (ms(70_000), ms(3_000)));
    assert_eq!((policy.overlap(), policy.retention()), (ms(76_000), ms(87_000)));
}

#[test]
fn a_shared_store_is_what_was_set() {
    let store = ExternalStore::new(Policy::default())
        .with_prefix("app:")
        .with_lease(ms(2_500))
        .with_skew(Duration::from_secs(60));
    assert_eq!(store.keep_for(), ms(310_000 + 60_000));
    let reserve = store.reserve(&authentic().1, PHONE, NOW).unwrap();
    let reserved = "r.00000000000000ff.1700000002623".to_owned();
    let key = "app:f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff".to_owned();
    assert_eq!(
        reserve,
        StoreCommand::SetIfAbsent { key: key.clone(), value: reserved.clone(), expires_in_ms: 2_500 }
    );
    let commit = store.commit(&reservation(&store));
    assert_eq!(
        commit,
        StoreCommand::Replace {
            key: key.clone(),
            expected: reserved.clone(),
            value: "c.00000000000000ff.1700000002623".into(),
            expires_in_ms: 370_000
        }
    );
    assert_eq!(store.abort(&reservation(&store)), StoreCommand::Delete { key, expected: reserved });
    // Redis refuses a life time of zero.
    let hasty = store.with_lease(Duration::ZERO);
    let StoreCommand::SetIfAbsent { expires_in_ms, .. } = hasty.reserve(&authentic().1, PHONE, NOW).unwrap()
    else {
        panic!()
    };
    assert_eq!(expires_in_ms, 1);
}

#[test]
fn the_words_for_postgres() {
    let store = ExternalStore::new(Policy::default());
    let reserve = store.reserve(&authentic().1, PHONE, NOW).unwrap();
    let held = reservation(&store);
    let key = "reveille:resume:f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
    let (reserved, committed) = ("r.00000000000000ff.1700000010123", "c.00000000000000ff.1700000010123");
    for (command, verb, parameters) in [
        (reserve, "INSERT INTO reveille_resume ", &[key, reserved, "10000"][..]),
        (store.commit(&held), "UPDATE reveille_resume ", &[key, reserved, committed, "910000"]),
        (store.abort(&held), "DELETE FROM reveille_resume ", &[key, reserved]),
    ] {
        let (statement, values) = command.postgres();
        assert!(statement.starts_with(verb), "{statement}");
        assert_eq!(values, parameters, "{statement}");
        // One parameter for each placeholder.
        for number in 1..=values.len() {
            assert!(statement.contains(&format!("${number}")), "${number} in {statement}");
        }
        assert!(!statement.contains(&format!("${}", values.len() + 1)), "{statement}");
    }
}

#[test]
fn every_reason_has_its_name_and_only_some_are_fraud() {
    let other = |elsewhere: Bindings<'_>| {
        let keys = compact_keys();
        why(Verifier::default().check(&keys, &issue(&keys), &elsewhere, NOW).unwrap_err())
    };
    let table = [
        (Reason::Absent, "absent", false),
        (Reason::Malformed, "malformed", false),
        (Reason::UnknownVersion, "unknown_version", false),
        (Reason::WrongAlgorithm, "wrong_algorithm", false),
        (Reason::WrongType, "wrong_type", false),
        (Reason::UnknownKey, "unknown_key", false),
        (Reason::Forged, "forged", false),
        (other(Bindings { contact: "x", device: "x", ..MINE }), "wrong_contact", true),
        (other(Bindings { conversation: "x", channel: "x", ..MINE }), "wrong_conversation", true),
        (other(Bindings { device: "x", ..MINE }), "wrong_device", true),
        (other(Bindings { channel: "x", ..MINE }), "wrong_channel", true),
        (Reason::KeyRevoked, "key_revoked", true),
        (Reason::KeyCompromised, "key_compromised", false),
        (Reason::SubjectRevoked(Binding::Device), "subject_revoked", false),
        (Reason::TooOld, "too_old", false),
        (Reason::NotYetValid, "not_yet_valid", false),
        (Reason::Expired, "expired", false),
        (Reason::WrongShard, "wrong_shard", false),
        (Reason::Replayed, "replayed", true),
        (Reason::RepeatedAttempt, "repeated_attempt", false),
        (Reason::InUse, "in_use", false),
        (Reason::ColdStart, "cold_start", false),
        (Reason::Full, "full", false),
        (Reason::StoreUnavailable, "store_unavailable", false),
    ];
    for (reason, name, fraud) in table {
        assert_eq!((reason.name(), reason.to_string().as_str(), reason.is_fraud()), (name, name, fraud));
        let (verdict, held) = (authentic().1.settle(Err(reason)), authentic().1);
        let (expected, answer) = match reason {
            Reason::Expired => (Verdict::Expired(*held.claims()), ClientAnswer::LogIn),
            _ => (Verdict::Fresh { reason, fraud }, ClientAnswer::Fresh),
        };
        assert_eq!((verdict, verdict.client_answer(), verdict.reason()), (expected, answer, Some(reason)));
    }
    let resumes = authentic().1.settle(Ok(reservation(&ExternalStore::new(Policy::default()))));
    assert_eq!((resumes.client_answer(), resumes.reason()), (ClientAnswer::Resume, None));
}

#[test]
fn the_client_learns_one_of_three_words() {
    for (answer, word) in
        [(ClientAnswer::Resume, "resume"), (ClientAnswer::LogIn, "log_in"), (ClientAnswer::Fresh, "fresh")]
    {
        assert_eq!(answer.as_str(), word);
        assert_eq!(serde_json::to_value(answer).unwrap(), word);
    }
}

#[test]
fn what_a_token_says() {
    let (_, authentic) = authentic();
    let token_id = TokenId::new(std::array::from_fn(|at| 0xf0 + at as u8));
    let expires_at = NOW + ms(300_000);
    assert_eq!(
        *authentic.claims(),
        Claims { token_id, key_id: KeyId(1), shard: 9, issued_at: NOW, expires_at }
    );
    let keep_until = expires_at + ms(5_000);
    assert_eq!(*authentic.single_use(), SingleUse { token_id, shard: 9, issued_at: NOW, keep_until });
}

#[test]
fn the_shard_is_read_without_a_key() {
    for shard in [0, 9, 255] {
        let token = Issuer::new(PROVIDER).with_shard(shard).issue(&compact_keys(), &MINE, NOW).unwrap();
        assert_eq!(shard_of(&token), Some(shard));
    }
    let (token, _) = authentic();
    for broken in ["", "x", &token[1..], &format!("{token}A"), &token.replace('8', "*")] {
        assert_eq!(shard_of(broken), None, "{broken:?}");
    }
    // Another version may have its shard elsewhere.
    let other = if token.starts_with('A') { "B" } else { "A" };
    assert_eq!(shard_of(&[other, &token[1..]].concat()), None);
}

#[test]
fn the_same_text_is_the_same_attempt_in_every_process() {
    insta::assert_snapshot!(Attempt::from_text("8f14e45f").as_u64(), @"14367171863947424779");
    assert_ne!(Attempt::from_text("8f14e45f"), Attempt::from_text("c9f0f895"));
    assert_ne!(Attempt::from_text("8f14e45f"), Attempt::from_text(""));
    assert_eq!(Attempt::new(7).as_u64(), 7);
}

#[test]
fn a_secret_of_something_else_is_told_apart() {
    let of = |algorithm: &str| {
        let json = format!(r#"{{"kty":"oct","alg":"{algorithm}","k":"{}"}}"#, b64([7; 32]));
        TokenSecret::parse(&json).unwrap()
    };
    let is_for = |algorithm: &str| {
        let secret = of(algorithm);
        (
            CompactKey::new(PROVIDER, &secret).is_ok(),
            JwtKey::hs256(PROVIDER, &secret).is_ok(),
            SealedKey::new(PROVIDER, &secret).is_ok(),
        )
    };
    assert_eq!(is_for("HS256"), (false, true, false));
    assert_eq!(is_for("A256GCM"), (false, false, true));
    assert_eq!(is_for("dir"), (false, false, true));
    assert_eq!(is_for("HS512"), (false, false, false));
    insta::assert_snapshot!(JwtKey::hs256(PROVIDER, &of("HS512")).unwrap_err(), @"JWK is for another algorithm, expected HS256");
}

#[test]
fn a_backend_that_cannot_derive_makes_no_key() {
    #[derive(Debug)]
    struct Broken;
    impl HkdfSha256 for Broken {
        fn derive(&self, _: &[u8], _: &[u8], _: &mut [Expand<'_>]) -> Result<(), CryptoError> {
            Err(CryptoError)
        }
    }

    let crypto = CryptoProvider { hkdf_sha256: &Broken, ..PROVIDER };
    assert_eq!(CompactKey::new(crypto, &secret(7)).err(), Some(InvalidSecret::Crypto(CryptoError)));
}

/// A correct token with so much white space in it that it has this length; not every length can be had.
fn of_length(make: impl Fn(&str) -> String, length: usize) -> Option<String> {
    (0..length).rev().map(|spaces| make(&" ".repeat(spaces))).find(|token| token.len() <= length)
}

#[test]
fn the_longest_token_that_is_read() {
    let jwt = |spaces: &str| hs256(JWT_HEADER, &CLAIMS.replacen('{', &format!("{{{spaces}"), 1));
    let sealed = |spaces: &str| jwe(JWE_HEADER, &CLAIMS.replacen('{', &format!("{{{spaces}"), 1));
    let (jwt_ok, sealed_ok) =
        (of_length(jwt, MAX_JOSE_LEN).unwrap(), of_length(sealed, MAX_JOSE_LEN).unwrap());
    assert!(accepts(&jwt_keys(), &jwt_ok), "{}", jwt_ok.len());
    assert!(accepts(&sealed_keys(), &sealed_ok), "{}", sealed_ok.len());
    for (name, exact) in [("jwt", jwt_ok.len()), ("sealed", sealed_ok.len())] {
        assert!(exact + 2 > MAX_JOSE_LEN, "{name} of {exact}");
    }
    let longer = MAX_JOSE_LEN + 2;
    let (jwt, sealed) = (of_length(jwt, longer).unwrap(), of_length(sealed, longer).unwrap());
    assert!(jwt.len() > MAX_JOSE_LEN && sealed.len() > MAX_JOSE_LEN);
    assert_eq!(refused(&jwt_keys(), &jwt), Reason::Malformed);
    assert_eq!(refused(&sealed_keys(), &sealed), Reason::Malformed);
}

/// Whatever is issued can be read: what would be too long for that is not issued.
#[test]
fn the_longest_token_that_is_issued() {
    // A control character takes six bytes in JSON.
    let long = |length: usize| "\u{1}".repeat(length);
    let (control, mut longest, mut refused) = (long(200), 0, 0);
    for length in 1..=256 {
        let id = "a".repeat(length);
        let user = Bindings { contact: &id, conversation: "c", device: &control, channel: "web" };
        match Issuer::new(PROVIDER).issue(&sealed_keys(), &user, NOW) {
            Ok(token) => {
                assert!(token.len() <= MAX_JOSE_LEN, "{length}");
                assert!(Verifier::default().check(&sealed_keys(), &token, &user, NOW).is_ok(), "{length}");
                longest = longest.max(token.len());
            }
            Err(IssueError::TooLong { length, limit }) => {
                assert!(length > MAX_JOSE_LEN && limit == MAX_JOSE_LEN, "{length} {limit}");
                refused += 1;
            }
            Err(other) => panic!("{length}: {other}"),
        }
    }
    assert_eq!((longest, refused > 0), (MAX_JOSE_LEN, true));
}

#[test]
fn a_replay_set_prints_no_token() {
    let mut set = ReplaySet::complete(9, ReplayLimits::default());
    set.reserve(authentic().1.single_use(), PHONE, NOW).unwrap();
    insta::assert_snapshot!(format!("{set:?}"), @"ReplaySet { shard: 9, occupied: 1, complete_since: None, .. }");
    let cold = ReplaySet::cold(3, ReplayLimits::default(), UnixTime::EPOCH);
    assert!(format!("{cold:?}").starts_with("ReplaySet { shard: 3, occupied: 0, complete_since: Some("));
}
