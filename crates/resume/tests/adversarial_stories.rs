//! Attacks that worked once, each with the clock, the copy or the answer that made it work.

use crate::support::*;

use std::sync::Mutex;
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_crypto::{CryptoError, CryptoProvider, SecureRandom};
use reveille_crypto_ring::PROVIDER;
use reveille_resume::replay::{Continuity, ReservationError, RestoreError, SingleUse, SnapshotKey};
use reveille_resume::store::{StoreChange, StoreCommand, StoreReply};
use reveille_resume::verdict::ClientAnswer;
use reveille_resume::*;

const PHONE: Attempt = Attempt::new(1);
const THIEF: Attempt = Attempt::new(2);

/// A random source of two processes: what it gives from the fork on differs between them.
#[derive(Debug)]
struct Kernel(Mutex<(u8, usize)>);

impl Kernel {
    fn leak() -> &'static Self {
        Box::leak(Box::new(Self(Mutex::new((0, 0)))))
    }
    fn switch_to(&self, process: u8) {
        self.0.lock().unwrap().0 = process;
    }
    fn drawn(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

impl SecureRandom for Kernel {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        let mut state = self.0.lock().unwrap();
        out.fill(state.0);
        state.1 += out.len();
        Ok(())
    }
}

#[test]
fn nothing_is_drawn_ahead_that_a_fork_could_hand_out_twice() {
    let kernel = Kernel::leak();
    let issuer = Issuer::new(CryptoProvider { random: kernel, ..PROVIDER });
    let keys = compact_keys();
    let id_of = |token: &str| {
        *Verifier::default().check(&keys, token, &MINE, NOW).unwrap().single_use().token_id.as_bytes()
    };
    // Everything that the issuer could remember, it has by now.
    issuer.issue(&keys, &MINE, NOW).unwrap();
    for process in [1, 2, 3] {
        kernel.switch_to(process);
        let before = kernel.drawn();
        let token = issuer.issue(&keys, &MINE, NOW).unwrap();
        assert_eq!((id_of(&token), kernel.drawn() - before), ([process; 16], 16));
    }
}

#[test]
fn sealed_tokens_share_a_nonce_only_if_they_are_one_token() {
    let nonce = |token: &str| token.split('.').nth(2).unwrap().to_owned();
    // The worst source there is: after a fork both processes draw the same bytes for ever.
    let issuer = fixed_issuer();
    let keys = sealed_keys();
    let mine = issuer.issue(&keys, &MINE, NOW).unwrap();
    let mut seen = std::collections::BTreeSet::from([nonce(&mine)]);
    assert_eq!(mine, issuer.issue(&keys, &MINE, NOW).unwrap());
    let others = [
        issuer.issue(&keys, &Bindings { contact: "somebody else", ..MINE }, NOW).unwrap(),
        issuer.issue(&keys, &MINE, NOW + ms(1_000)).unwrap(),
        issuer.with_lifetime(Duration::from_secs(60)).issue(&keys, &MINE, NOW).unwrap(),
        issuer.with_shard(1).issue(&keys, &MINE, NOW).unwrap(),
        issuer.issue_with_id(&keys, &MINE, TokenId::new([9; 16]), NOW).unwrap(),
    ];
    for other in others {
        assert!(seen.insert(nonce(&other)), "{other}");
    }
    // Another key id is another header, and with it other data that the tag covers.
    let same_secret = KeyRing::new(KeyId(2), SealedKey::new(PROVIDER, &secret(7)).unwrap());
    assert!(seen.insert(nonce(&issuer.issue(&same_secret, &MINE, NOW).unwrap())));
    let other_secret = KeyRing::new(KeyId(1), SealedKey::new(PROVIDER, &secret(8)).unwrap());
    assert!(seen.insert(nonce(&issuer.issue(&other_secret, &MINE, NOW).unwrap())));
}

#[test]
fn a_commit_on_a_node_that_is_ahead_is_remembered_as_long_as_any_node_takes_the_token() {
    let (keys, verifier) = (compact_keys(), Verifier::default());
    let token = issue(&keys);
    let store = ExternalStore::new(verifier.policy);
    // By the clock of the node ahead, the token ends in 1 ms.
    let ahead = NOW + ms(304_999);
    let authentic = verifier.check(&keys, &token, &MINE, ahead).unwrap();
    let Verdict::Resume { reservation, .. } = store.settle(authentic, PHONE, StoreReply::Stored, ahead)
    else {
        panic!()
    };
    let StoreCommand::Replace { expires_in_ms, .. } = store.commit(&reservation) else { panic!() };
    // Another node is five minutes behind it; in real time it takes the token for another five.
    let behind = ahead - ms(304_000);
    assert!(verifier.check(&keys, &token, &MINE, behind + ms(303_000)).is_ok());
    assert!(expires_in_ms > 303_000, "{expires_in_ms}");
    // The life time of an entry never depends on who asks when.
    let StoreCommand::SetIfAbsent { expires_in_ms: first, .. } =
        store.reserve(&authentic, PHONE, ahead).unwrap()
    else {
        panic!()
    };
    let StoreCommand::SetIfAbsent { expires_in_ms: second, .. } =
        store.reserve(&authentic, PHONE, UnixTime::EPOCH).unwrap()
    else {
        panic!()
    };
    assert_eq!((first, second), (10_000, 10_000));
}

#[test]
fn a_store_that_does_not_answer_a_commit_lets_nobody_in() {
    assert_eq!(StoreChange::Done.committed(), Ok(()));
    assert_eq!(StoreChange::Refused.committed(), Err(ReservationError::Lapsed));
    assert_eq!(StoreChange::Unavailable.committed(), Err(ReservationError::Unknown));
    assert_eq!(StoreChange::from_count(0), StoreChange::Refused);
    assert_eq!(StoreChange::from_count(1), StoreChange::Done);
    assert_eq!(StoreReply::from_postgres(false, "x"), StoreReply::Held("x"));
    assert_eq!(StoreReply::from_postgres(true, "x"), StoreReply::Stored);
    assert_eq!(StoreReply::from_redis(Some("x")), StoreReply::Held("x"));
    assert_eq!(StoreReply::from_redis(None), StoreReply::Stored);
}

fn used_before_the_crash(issued_at: UnixTime) -> SingleUse {
    SingleUse { token_id: TokenId::new([3; 16]), shard: 0, issued_at, keep_until: issued_at + ms(305_000) }
}

#[test]
fn a_token_used_before_a_crash_stays_refused_when_the_slow_boot_clock_is_set_right() {
    let token = used_before_the_crash(NOW);
    let right = NOW + ms(20_000);
    // The machine comes up with a clock that is two minutes slow.
    let boot = right - ms(120_000);
    let key = snapshot_key();
    let old = ReplaySet::complete(0, ReplayLimits::default()).snapshot(&key, NOW - ms(600_000));
    let restored = ReplaySet::restore(&old, &key, ReplayLimits::default(), Continuity::Broken, boot).unwrap();
    for mut set in [ReplaySet::cold(0, ReplayLimits::default(), boot), restored] {
        assert_eq!(set.reserve(&token, THIEF, right), Err(Reason::ColdStart));
        // Also where somebody asks in between, and the jump comes later.
        assert_eq!(set.complete_since(), Some(right + ms(10_000)));
    }
    let mut set = ReplaySet::cold(0, ReplayLimits::default(), boot);
    for tick in 0..50 {
        set.handle_timeout(boot + ms(tick * 2_000));
    }
    assert_eq!(set.reserve(&token, THIEF, right + ms(100_000)), Err(Reason::ColdStart));
}

#[test]
fn a_snapshot_carries_a_time_and_a_slow_clock_is_never_before_it() {
    let key = snapshot_key();
    let mut set = ReplaySet::complete(0, ReplayLimits::default());
    let snapshot = set.snapshot(&key, NOW);
    let token = used_before_the_crash(NOW);
    let held = set.reserve(&token, PHONE, NOW + ms(1_000)).unwrap();
    set.commit(&held, NOW + ms(1_000)).unwrap();
    // The clock is a minute slow and nobody sets it right.
    let slow = NOW - ms(60_000);
    let mut set =
        ReplaySet::restore(&snapshot, &key, ReplayLimits::default(), Continuity::Broken, slow).unwrap();
    for second in 0..300 {
        set.handle_timeout(slow + ms(second * 1_000));
        let answer = set.reserve(&token, THIEF, slow + ms(second * 1_000));
        assert_eq!(answer, Err(Reason::ColdStart), "{second}");
    }
}

#[test]
fn a_snapshot_taken_after_a_jump_does_not_hide_it() {
    let key = snapshot_key();
    let (boot, limits) = (NOW - ms(120_000), ReplayLimits::default());
    // Cold under a slow clock; it is set right, and the next thing that happens is an orderly restart.
    let set = ReplaySet::cold(0, limits, boot);
    let orderly = set.snapshot(&key, NOW);
    let mut set = ReplaySet::restore(&orderly, &key, limits, Continuity::Unbroken, NOW).unwrap();
    assert_eq!(set.complete_since(), Some(NOW + ms(10_000)));
    assert_eq!(set.reserve(&used_before_the_crash(NOW - ms(50_000)), THIEF, NOW), Err(Reason::ColdStart));
}

/// Threads read one clock, and come in the wrong order: no time passes by that, and the watch does not end early.
#[test]
fn readings_in_the_wrong_order_do_not_end_the_watch() {
    let (key, limits) = (snapshot_key(), ReplayLimits::default());
    let mut set = ReplaySet::cold(0, limits, NOW);
    for _ in 0..10_000 {
        set.handle_timeout(NOW + ms(900));
        set.handle_timeout(NOW);
    }
    // Nor by stopping and starting in between.
    for _ in 0..1_000 {
        let bytes = set.snapshot(&key, NOW);
        set = ReplaySet::restore(&bytes, &key, limits, Continuity::Unbroken, NOW).unwrap();
        set.handle_timeout(NOW + ms(900));
    }
    assert!(set.next_wakeup().is_some());
    // The clock is set: nothing from before counts.
    let right = NOW + ms(120_000);
    assert_eq!(set.reserve(&used_before_the_crash(right - ms(50_000)), THIEF, right), Err(Reason::ColdStart));
}

#[test]
fn a_cold_set_stops_watching_when_all_that_was_before_has_expired() {
    let mut set = ReplaySet::cold(0, ReplayLimits::default(), NOW);
    assert_eq!(set.next_wakeup().unwrap().at, NOW + ms(2_000));
    let mut now = NOW;
    while let Some(wakeup) = set.next_wakeup() {
        now = wakeup.at;
        set.handle_timeout(now);
    }
    assert_eq!(now, NOW + ms(310_000));
    // From now on an hour without work is an hour without work.
    let later = now + ms(3_600_000);
    let token = used_before_the_crash(later - ms(60_000));
    assert!(set.reserve(&token, PHONE, later).is_ok());
}

#[test]
fn a_glitch_of_the_clock_gives_no_revoked_token_back() {
    let keys = compact_keys();
    let token = issue(&keys);
    let mut verifier = Verifier::default();
    verifier.revocations.revoke(Binding::Device, MINE.device, NOW);
    let refused = |verifier: &Verifier| why(verifier.check(&keys, &token, &MINE, NOW).unwrap_err());
    assert_eq!(refused(&verifier), Reason::SubjectRevoked(Binding::Device));
    // For one call the clock shows 2096; then it is set right.
    verifier.revocations.prune(verifier.policy.retention(), UnixTime::from_secs(4_000_000_000));
    assert_eq!(refused(&verifier), Reason::TooOld);
    // What is issued later is not harmed.
    let later = Issuer::new(PROVIDER).issue(&keys, &MINE, NOW + ms(5_001)).unwrap();
    assert!(verifier.check(&keys, &later, &MINE, NOW + ms(5_001)).is_ok());
    // The memory of it survives being stored.
    let stored = serde_json::to_string(&verifier.revocations).unwrap();
    verifier.revocations = serde_json::from_str(&stored).unwrap();
    assert_eq!(refused(&verifier), Reason::TooOld);
}

#[test]
fn a_revocation_by_a_node_that_is_behind_the_issuer_counts() {
    // The issuer is four seconds ahead; two seconds after the issue, another node revokes.
    let keys = compact_keys();
    let token = Issuer::new(PROVIDER).issue(&keys, &MINE, NOW + ms(4_000)).unwrap();
    let mut verifier = Verifier::default();
    verifier.revocations.revoke(Binding::Contact, MINE.contact, NOW + ms(2_000));
    let refused = why(verifier.check(&keys, &token, &MINE, NOW + ms(2_000)).unwrap_err());
    assert_eq!(refused, Reason::SubjectRevoked(Binding::Contact));
    // The same of a key.
    let mut keys = keys;
    keys.revoke(KeyId(1), NOW + ms(6_000)).unwrap();
    let refused = why(Verifier::default().check(&keys, &token, &MINE, NOW + ms(2_000)).unwrap_err());
    assert_eq!(refused, Reason::KeyRevoked);
}

#[test]
fn a_thief_of_a_key_cannot_choose_a_time_before_its_revocation() {
    let mut keys = compact_keys();
    let stolen = compact_keys();
    let known = NOW + ms(60_000);
    let dated = |at| Issuer::new(PROVIDER).issue(&stolen, &MINE, at).unwrap();
    // "From now on" leaves the thief every moment before.
    keys.revoke(KeyId(1), known).unwrap();
    assert!(Verifier::default().check(&keys, &dated(known - ms(6_000)), &MINE, known).is_ok());
    keys.revoke_compromised(KeyId(1), known).unwrap();
    for (at, reason, fraud) in [
        (known - ms(250_000), Reason::KeyCompromised, false),
        (known - ms(6_000), Reason::KeyCompromised, false),
        (known + ms(5_000), Reason::KeyCompromised, false),
        // Honest issuers had stopped by then.
        (known + ms(5_001), Reason::KeyRevoked, true),
    ] {
        let verdict = Verifier::default().check(&keys, &dated(at), &MINE, known + ms(5_001)).unwrap_err();
        assert_eq!(verdict, Verdict::Fresh { reason, fraud });
    }
}

#[test]
fn no_flipped_bit_of_a_snapshot_restores() {
    let key = snapshot_key();
    let mut set = ReplaySet::complete(3, ReplayLimits::default());
    set.record(TokenId::new([1; 16]), NOW + ms(305_000), NOW).unwrap();
    let good = set.snapshot(&key, NOW);
    let restore = |bytes: &[u8], key: &SnapshotKey| {
        ReplaySet::restore(bytes, key, ReplayLimits::default(), Continuity::Unbroken, NOW).err()
    };
    assert_eq!(restore(&good, &key), None);
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(restore(&bytes, &key).is_some(), "bit {bit}");
    }
    for cut in 0..good.len() {
        assert!(restore(&good[..cut], &key).is_some(), "first {cut} bytes");
    }
    let other = SnapshotKey::new(PROVIDER, &secret(8)).unwrap();
    assert_eq!(restore(&good, &other), Some(RestoreError::Altered));
}

#[test]
fn expired_is_not_a_stranger() {
    let mut keys = compact_keys();
    let token = issue(&keys);
    let (verifier, mut replay) = (Verifier::default(), ReplaySet::complete(0, ReplayLimits::default()));
    let verify = |keys: &KeyRing<CompactKey>, ids: &Bindings<'_>, replay: &mut ReplaySet, now| {
        verifier.verify(keys, &token, ids, PHONE, replay, now)
    };
    let Verdict::Resume { claims, reservation } = verify(&keys, &MINE, &mut replay, NOW) else { panic!() };
    replay.commit(&reservation, NOW).unwrap();
    // Hours later, used or not: the conversation is known, the user has to log in.
    let hours = NOW + Duration::from_secs(6 * 3_600);
    let verdict = verify(&keys, &MINE, &mut replay, hours);
    assert_eq!(verdict, Verdict::Expired(claims));
    assert_eq!((verdict.client_answer(), verdict.reason()), (ClientAnswer::LogIn, Some(Reason::Expired)));
    assert_eq!((claims.issued_at, claims.expires_at), (NOW, NOW + ms(300_000)));
    // In other hands it is fraud as before.
    let elsewhere = Bindings { device: "thief", ..MINE };
    assert!(matches!(verify(&keys, &elsewhere, &mut replay, hours), Verdict::Fresh { fraud: true, .. }));
    // The key may have been replaced since, and is kept for a week.
    keys.rotate(KeyId(2), CompactKey::new(PROVIDER, &secret(8)).unwrap(), NOW).unwrap();
    let week = verifier.policy.retention();
    keys.prune(week, NOW + week - ms(1));
    assert_eq!(verify(&keys, &MINE, &mut replay, NOW + week - ms(1)), Verdict::Expired(claims));
    keys.prune(week, NOW + week);
    let verdict = verify(&keys, &MINE, &mut replay, NOW + week);
    assert_eq!(verdict, Verdict::Fresh { reason: Reason::UnknownKey, fraud: false });
}

#[test]
fn the_same_push_sent_twice_carries_the_same_token() {
    let (issuer, keys) = (Issuer::new(PROVIDER), compact_keys());
    let token =
        |issuer: Issuer, ids: &Bindings<'_>, push: &str, at| issuer.issue_for(&keys, ids, push, at).unwrap();
    let first = token(issuer, &MINE, "push-1", NOW);
    assert_eq!(first, token(Issuer::new(reveille_crypto_rustcrypto::PROVIDER), &MINE, "push-1", NOW));
    let sealed = sealed_keys();
    let twice = [(), ()].map(|()| issuer.issue_for(&sealed, &MINE, "push-1", NOW).unwrap());
    assert_eq!(twice[0], twice[1]);
    // Anything else is another token with another id, so that no use of one counts for the other.
    let others = [
        token(issuer, &MINE, "push-2", NOW),
        token(issuer, &MINE, "push-1", NOW + ms(1)),
        token(issuer, &Bindings { device: "tablet", ..MINE }, "push-1", NOW),
        token(issuer, &Bindings { contact: "somebody else", ..MINE }, "push-1", NOW),
        token(issuer.with_lifetime(ms(60_000)), &MINE, "push-1", NOW),
        token(issuer.with_shard(1), &MINE, "push-1", NOW),
    ];
    let id = |token: &str| reveille_crypto::base64url::decode(token).unwrap()[4..20].to_vec();
    let ids: std::collections::BTreeSet<_> = others.iter().chain([&first]).map(|token| id(token)).collect();
    assert_eq!(ids.len(), 7);
    // Between the two attempts the key was rotated: one use for both.
    let mut rotated = compact_keys();
    rotated.rotate(KeyId(2), CompactKey::new(PROVIDER, &secret(8)).unwrap(), NOW).unwrap();
    let again = issuer.issue_for(&rotated, &MINE, "push-1", NOW).unwrap();
    assert_ne!(first, again);
    let mut replay = ReplaySet::complete(0, ReplayLimits::default());
    let verifier = Verifier::default();
    let Verdict::Resume { reservation, .. } =
        verifier.verify(&rotated, &first, &MINE, PHONE, &mut replay, NOW)
    else {
        panic!()
    };
    replay.commit(&reservation, NOW).unwrap();
    let verdict = verifier.verify(&rotated, &again, &MINE, THIEF, &mut replay, NOW);
    assert_eq!(verdict.reason(), Some(Reason::Replayed));
}
