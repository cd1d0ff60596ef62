//! The order of the checks, and the edges of time.

use crate::support::*;

use reveille_core::UnixTime;
use reveille_crypto_ring::PROVIDER;
use reveille_resume::compact::{COMPACT_LEN, shard_of};
use reveille_resume::jose::MAX_JOSE_LEN;
use reveille_resume::*;
use std::time::Duration;

fn check<K: Profile>(keys: &KeyRing<K>, token: &str, now: UnixTime) -> Result<(), Reason> {
    Verifier::default().check(keys, token, &MINE, now).map(|_| ()).map_err(why)
}

#[test]
fn a_token_with_several_faults_gets_the_first_reason() {
    let mut keys = compact_keys();
    let token = issue(&keys);
    let nobody = Bindings { contact: "x", conversation: "x", device: "x", channel: "x" };
    let late = NOW + ms(305_000);
    let mut verifier = Verifier::default();
    for (binding, id) in MINE.each() {
        verifier.revocations.revoke(binding, id, NOW);
    }
    keys.revoke(KeyId(1), UnixTime::EPOCH).unwrap();
    let forged = format!("{}A", &token[..91]);
    let forged = if forged == token { format!("{}B", &token[..91]) } else { forged };
    let mut replay = ReplaySet::cold(1, ReplayLimits::default(), NOW);

    let mut reasons = Vec::new();
    let mut note = |verdict: Verdict| match verdict {
        Verdict::Fresh { reason, fraud } => reasons.push((reason.name(), fraud)),
        Verdict::Expired(_) => reasons.push(("expired", false)),
        Verdict::Resume { .. } => reasons.push(("resume", false)),
    };
    note(verifier.verify(&keys, &forged[1..], &nobody, ATTEMPT, &mut replay, late));
    note(verifier.verify(&keys, &forged.replacen("AQ", "AA", 1), &nobody, ATTEMPT, &mut replay, late));
    note(verifier.verify(&KeyRing::<CompactKey>::empty(), &forged, &nobody, ATTEMPT, &mut replay, late));
    note(verifier.verify(&keys, &forged, &nobody, ATTEMPT, &mut replay, late));
    note(verifier.verify(&keys, &token, &nobody, ATTEMPT, &mut replay, late));
    note(verifier.verify(&keys, &token, &MINE, ATTEMPT, &mut replay, late));
    let keys = compact_keys();
    note(verifier.verify(&keys, &token, &MINE, ATTEMPT, &mut replay, late));
    verifier.revocations = Revocations::default();
    note(verifier.verify(&keys, &token, &MINE, ATTEMPT, &mut replay, late));
    note(verifier.verify(&keys, &token, &MINE, ATTEMPT, &mut replay, NOW - ms(5_001)));
    note(verifier.verify(&keys, &token, &MINE, ATTEMPT, &mut replay, NOW));
    let mut replay = ReplaySet::cold(0, ReplayLimits::default(), NOW);
    note(verifier.verify(&keys, &token, &MINE, ATTEMPT, &mut replay, NOW));
    let mut replay = ReplaySet::complete(0, ReplayLimits::default());
    note(verifier.verify(&keys, &token, &MINE, ATTEMPT, &mut replay, NOW));

    assert_eq!(
        reasons,
        [
            ("malformed", false),
            ("unknown_version", false),
            ("unknown_key", false),
            ("forged", false),
            ("wrong_contact", true),
            ("key_revoked", true),
            ("subject_revoked", false),
            ("expired", false),
            ("not_yet_valid", false),
            ("wrong_shard", false),
            ("cold_start", false),
            ("resume", false),
        ]
    );
}

#[test]
fn the_edges_of_time_are_exact_to_the_millisecond() {
    let keys = compact_keys();
    let token = issue(&keys);
    assert_eq!(check(&keys, &token, NOW + ms(304_999)), Ok(()));
    assert_eq!(check(&keys, &token, NOW + ms(305_000)), Err(Reason::Expired));
    assert_eq!(check(&keys, &token, NOW - ms(5_000)), Ok(()));
    assert_eq!(check(&keys, &token, NOW - ms(5_001)), Err(Reason::NotYetValid));
}

#[test]
fn the_shorter_of_life_time_and_policy_counts() {
    let keys = compact_keys();
    let issuer = Issuer::new(PROVIDER).with_lifetime(ms(1_500));
    let short = issuer.issue(&keys, &MINE, NOW).unwrap();
    assert_eq!(check(&keys, &short, NOW + ms(6_499)), Ok(()));
    assert_eq!(check(&keys, &short, NOW + ms(6_500)), Err(Reason::Expired));
    let issuer = Issuer::new(PROVIDER).with_lifetime(Duration::from_secs(14_400));
    let long = issuer.issue(&keys, &MINE, NOW).unwrap();
    assert_eq!(check(&keys, &long, NOW + ms(305_000)), Err(Reason::Expired));
    let patient = Verifier::new(
        Policy::default().with_max_lifetime(Duration::from_secs(86_400)).with_leeway(Duration::ZERO),
    );
    assert!(patient.check(&keys, &long, &MINE, NOW + ms(14_399_999)).is_ok());
    let refused = |now| why(patient.check(&keys, &long, &MINE, now).unwrap_err());
    assert_eq!(refused(NOW + ms(14_400_000)), Reason::Expired);
    assert_eq!(refused(NOW - ms(1)), Reason::NotYetValid);
    for (lifetime, given_ms) in [(ms(0), 0), (ms(1 << 24), 1 << 24)] {
        let error = Issuer::new(PROVIDER).with_lifetime(lifetime).issue(&keys, &MINE, NOW).unwrap_err();
        assert!(
            matches!(error, IssueError::Lifetime { min_ms: 1, given_ms: given, .. } if given == given_ms)
        );
    }
}

#[test]
fn a_jwt_never_lives_longer_than_asked() {
    // NOW is 123 ms past a full second: `exp` is rounded down with `iat`.
    let keys = jwt_keys();
    let token = issue(&keys);
    assert_eq!(check(&keys, &token, NOW + ms(304_876)), Ok(()));
    assert_eq!(check(&keys, &token, NOW + ms(304_877)), Err(Reason::Expired));
    let issuer = Issuer::new(PROVIDER).with_lifetime(ms(999));
    assert_eq!(
        issuer.issue(&keys, &MINE, NOW),
        Err(IssueError::Lifetime { min_ms: 1_000, max_ms: 4_294_967_295, given_ms: 999 })
    );
}

#[test]
fn each_wrong_id_is_named_and_all_are_compared() {
    let keys = compact_keys();
    let (compact, jwt, sealed) = (issue(&keys), issue(&jwt_keys()), issue(&sealed_keys()));
    for mask in 1..16_u8 {
        let pick = |bit: u8, id: &'static str| if mask & bit == 0 { id } else { "other" };
        let given = Bindings {
            contact: pick(1, MINE.contact),
            conversation: pick(2, MINE.conversation),
            device: pick(4, MINE.device),
            channel: pick(8, MINE.channel),
        };
        let verifier = Verifier::default();
        for reason in [
            why(verifier.check(&keys, &compact, &given, NOW).unwrap_err()),
            why(verifier.check(&jwt_keys(), &jwt, &given, NOW).unwrap_err()),
            why(verifier.check(&sealed_keys(), &sealed, &given, NOW).unwrap_err()),
        ] {
            let Reason::WrongBinding(mismatch) = reason else { panic!("{reason:?}") };
            let named = Binding::ALL.map(|binding| mismatch.contains(binding));
            assert_eq!(named, [1, 2, 4, 8].map(|bit| mask & bit != 0));
            assert!(reason.is_fraud());
        }
    }
}

#[test]
fn ids_that_run_into_each_other_are_different_ids() {
    let keys = compact_keys();
    let ab_c = Bindings { contact: "ab", conversation: "c", device: "d", channel: "e" };
    let a_bc = Bindings { contact: "a", conversation: "bc", ..ab_c };
    for keys_accept in [true, false] {
        let given = if keys_accept { ab_c } else { a_bc };
        let token = Issuer::new(PROVIDER).issue(&keys, &ab_c, NOW).unwrap();
        assert_eq!(Verifier::default().check(&keys, &token, &given, NOW).is_ok(), keys_accept);
    }
}

#[test]
fn a_key_revoked_from_a_time_voids_what_was_issued_since() {
    let mut keys = compact_keys();
    let token = issue(&keys);
    for (from, expected) in [
        (NOW + ms(5_001), Ok(())),
        (NOW + ms(5_000), Err(Reason::KeyRevoked)),
        (NOW, Err(Reason::KeyRevoked)),
    ] {
        keys.revoke(KeyId(1), from).unwrap();
        assert_eq!(check(&keys, &token, NOW), expected);
    }
    assert_eq!(Issuer::new(PROVIDER).issue(&keys, &MINE, NOW), Err(IssueError::NoActiveKey));
    // A JWT knows only the second: the whole second counts.
    let mut keys = jwt_keys();
    let token = issue(&keys);
    keys.revoke(KeyId(1), UnixTime::from_secs(1_700_000_005) + ms(999)).unwrap();
    assert_eq!(check(&keys, &token, NOW), Err(Reason::KeyRevoked));
}

#[test]
fn a_policy_made_longer_gives_no_used_token_back_once_the_set_is_marked_cold() {
    let (keys, later) = (compact_keys(), NOW + ms(31_000));
    let token = Issuer::new(PROVIDER).issue(&keys, &MINE, NOW).unwrap();
    let mut replay = ReplaySet::complete(0, ReplayLimits::default());
    let mut verifier = Verifier::new(Policy::default().with_max_lifetime(ms(25_000)));
    let verify = |verifier: &Verifier, replay: &mut ReplaySet, now| {
        verifier.verify(&keys, &token, &MINE, ATTEMPT, replay, now)
    };
    let Verdict::Resume { reservation, .. } = verify(&verifier, &mut replay, NOW) else { panic!() };
    replay.commit(&reservation, NOW).unwrap();
    assert!(matches!(verify(&verifier, &mut replay, later), Verdict::Expired(_)));
    verifier.policy = Policy::default();
    replay.mark_cold(later);
    assert_eq!(
        verify(&verifier, &mut replay, later),
        Verdict::Fresh { reason: Reason::ColdStart, fraud: false }
    );
}

#[test]
fn rotation_refuses_nobody() {
    let mut keys = compact_keys();
    let policy = Policy::default().with_keep_expired(Duration::ZERO);
    let mut live: Vec<(UnixTime, String)> = Vec::new();
    let issuer = Issuer::new(PROVIDER);
    // A new key every minute, a token every second, every token verified at the very end of its life.
    for second in 0..1_800_u64 {
        let now = NOW + Duration::from_secs(second);
        if second % 60 == 59 {
            let id = KeyId(2 + u16::try_from(second / 60).unwrap());
            keys.rotate(id, CompactKey::new(PROVIDER, &secret(id.0 as u8)).unwrap(), now).unwrap();
        }
        keys.prune(policy.retention(), now);
        live.push((now, issuer.issue(&keys, &MINE, now).unwrap()));
        live.retain(|(issued, token)| {
            let last = *issued + ms(304_999);
            if last < now + Duration::from_secs(1) {
                assert_eq!(check(&keys, token, last), Ok(()));
                return false;
            }
            true
        });
    }
    assert!(keys.states().count() <= 7, "{keys:?}");
}

#[test]
fn revocation_by_subject_spares_later_tokens_and_other_subjects() {
    let keys = compact_keys();
    let (before, after) = (issue(&keys), Issuer::new(PROVIDER).issue(&keys, &MINE, NOW + ms(5_001)).unwrap());
    for (binding, id) in MINE.each() {
        let mut verifier = Verifier::default();
        verifier.revocations.revoke(binding, "somebody else", NOW);
        assert!(verifier.check(&keys, &before, &MINE, NOW).is_ok());
        verifier.revocations.revoke(binding, id, NOW);
        assert_eq!(
            verifier.check(&keys, &before, &MINE, NOW).map_err(why),
            Err(Reason::SubjectRevoked(binding))
        );
        assert!(verifier.check(&keys, &after, &MINE, NOW + ms(1)).is_ok());
    }
}

#[test]
fn any_time_is_legal() {
    let keys = compact_keys();
    let token = issue(&keys);
    assert_eq!(check(&keys, &token, UnixTime::EPOCH), Err(Reason::NotYetValid));
    assert_eq!(check(&keys, &token, UnixTime::MAX), Err(Reason::Expired));
    let issuer = Issuer::new(PROVIDER);
    assert_eq!(issuer.issue(&keys, &MINE, UnixTime::MAX), Err(IssueError::Time));
    let last = UnixTime::from_millis((1 << 48) - 1);
    let token = issuer.issue(&keys, &MINE, last).unwrap();
    assert_eq!(check(&keys, &token, last), Ok(()));
    let first = issuer.issue(&keys, &MINE, UnixTime::EPOCH).unwrap();
    assert_eq!(check(&keys, &first, UnixTime::EPOCH), Ok(()));
}

#[test]
fn ids_have_bounds() {
    let long = "x".repeat(MAX_ID_LEN + 1);
    for (binding, bad, length) in [(Binding::Device, "", 0), (Binding::Device, long.as_str(), 257)] {
        let given = Bindings { device: bad, ..MINE };
        let error = Issuer::new(PROVIDER).issue(&compact_keys(), &given, NOW);
        assert_eq!(error, Err(IssueError::Id { binding, length }));
    }
    let max = "x".repeat(MAX_ID_LEN);
    let all = Bindings { contact: &max, conversation: &max, device: &max, channel: &max };
    assert_eq!(Issuer::new(PROVIDER).issue(&compact_keys(), &all, NOW).unwrap().len(), COMPACT_LEN);
    let jwt = Issuer::new(PROVIDER).issue(&jwt_keys(), &all, NOW).unwrap();
    assert!(Verifier::default().check(&jwt_keys(), &jwt, &all, NOW).is_ok());
    // Escapes make a JSON string up to six times as long.
    let escapes = "\u{1}".repeat(MAX_ID_LEN);
    let all = Bindings { contact: &escapes, conversation: &escapes, device: &escapes, channel: &escapes };
    assert!(matches!(
        Issuer::new(PROVIDER).issue(&jwt_keys(), &all, NOW),
        Err(IssueError::TooLong { limit: MAX_JOSE_LEN, .. })
    ));
}

#[test]
fn the_shard_can_be_read_for_routing() {
    let keys = compact_keys();
    let token = Issuer::new(PROVIDER).with_shard(200).issue(&keys, &MINE, NOW).unwrap();
    assert_eq!(shard_of(&token), Some(200));
    assert_eq!(shard_of(&token[1..]), None);
    assert_eq!(shard_of(&issue(&jwt_keys())), None);
    for keys in [jwt_keys(), es256_keys()] {
        let token = Issuer::new(PROVIDER).with_shard(200).issue(&keys, &MINE, NOW).unwrap();
        assert_eq!(Verifier::default().check(&keys, &token, &MINE, NOW).unwrap().single_use().shard, 200);
    }
}

#[test]
fn a_public_key_verifies_and_cannot_issue() {
    let public = *PROVIDER.es256.load(&ec_private()).unwrap().public_key();
    let keys = KeyRing::new(KeyId(1), JwtKey::es256_public(PROVIDER, public));
    assert_eq!(check(&keys, &issue(&es256_keys()), NOW), Ok(()));
    assert_eq!(Issuer::new(PROVIDER).issue(&keys, &MINE, NOW), Err(IssueError::VerifyOnlyKey));
}
