//! Single use, told as stories.

use crate::support::*;

use reveille_core::UnixTime;
use reveille_resume::replay::{Continuity, Reservation, ReservationError, SingleUse};
use reveille_resume::*;
use std::time::Duration;

const PHONE: Attempt = Attempt::new(1);
const THIEF: Attempt = Attempt::new(2);

fn token(n: u8) -> SingleUse {
    SingleUse { token_id: TokenId::new([n; 16]), shard: 0, issued_at: NOW, keep_until: NOW + ms(305_000) }
}

fn set() -> ReplaySet {
    ReplaySet::complete(0, ReplayLimits::default())
}

#[test]
fn two_devices_race_and_one_resumes() {
    let keys = compact_keys();
    let text = issue(&keys);
    let verifier = Verifier::default();
    let verify = |replay: &mut ReplaySet, attempt| verifier.verify(&keys, &text, &MINE, attempt, replay, NOW);
    for (first, second) in [(PHONE, THIEF), (THIEF, PHONE)] {
        let mut replay = set();
        let Verdict::Resume { reservation, .. } = verify(&mut replay, first) else { panic!() };
        assert_eq!(verify(&mut replay, second), Verdict::Fresh { reason: Reason::InUse, fraud: false });
        replay.commit(&reservation, NOW).unwrap();
        assert_eq!(verify(&mut replay, second), Verdict::Fresh { reason: Reason::Replayed, fraud: true });
        // The winner's answer was lost and it asks again: the same answer, and a commit that changes nothing.
        let again = verify(&mut replay, first);
        let Verdict::Resume { reservation: again, .. } = again else { panic!("{again:?}") };
        assert_eq!(again, Reservation { repeated: true, ..reservation });
        replay.commit(&again, NOW).unwrap();
    }
}

#[test]
fn a_thief_on_another_device_does_not_use_the_token_up() {
    let keys = compact_keys();
    let text = issue(&keys);
    let (verifier, mut replay) = (Verifier::default(), set());
    let elsewhere = Bindings { device: "thief", ..MINE };
    for _ in 0..3 {
        let verdict = verifier.verify(&keys, &text, &elsewhere, THIEF, &mut replay, NOW);
        assert!(matches!(verdict, Verdict::Fresh { reason: Reason::WrongBinding(_), fraud: true }));
    }
    assert_eq!(replay.occupied(), 0);
    assert!(matches!(verifier.verify(&keys, &text, &MINE, PHONE, &mut replay, NOW), Verdict::Resume { .. }));
}

#[test]
fn an_aborted_reservation_leaves_the_token_good() {
    let mut set = set();
    let held = set.reserve(&token(1), PHONE, NOW).unwrap();
    set.abort(&held, NOW).unwrap();
    assert_eq!(set.abort(&held, NOW), Err(ReservationError::Lapsed));
    assert_eq!(set.commit(&held, NOW), Err(ReservationError::Lapsed));
    let held = set.reserve(&token(1), THIEF, NOW).unwrap();
    set.commit(&held, NOW).unwrap();
    assert_eq!(set.abort(&held, NOW), Err(ReservationError::Committed));
    assert_eq!(set.reserve(&token(1), PHONE, NOW), Err(Reason::Replayed));
}

#[test]
fn a_lapsed_lease_frees_the_token_and_shuts_its_holder_out() {
    let mut set = set();
    let slow = set.reserve(&token(1), PHONE, NOW).unwrap();
    assert_eq!(slow.until, UnixTime::from_secs(1_700_000_011));
    let last = slow.until - ms(1);
    assert_eq!(set.reserve(&token(1), THIEF, last), Err(Reason::InUse));
    let quick = set.reserve(&token(1), THIEF, slow.until).unwrap();
    assert_eq!(set.commit(&slow, slow.until), Err(ReservationError::Lapsed));
    assert_eq!(set.abort(&slow, slow.until), Err(ReservationError::Lapsed));
    set.commit(&quick, slow.until).unwrap();
    // Even on a clock that stepped back into the first lease.
    assert_eq!(set.commit(&slow, last), Err(ReservationError::Lapsed));
}

#[test]
fn a_repetition_is_harmless_within_the_lease_only() {
    let mut set = set();
    let held = set.reserve(&token(1), PHONE, NOW).unwrap();
    let again = Ok(Reservation { repeated: true, ..held });
    assert_eq!(set.reserve(&token(1), PHONE, NOW), again);
    set.commit(&held, NOW).unwrap();
    assert_eq!(set.reserve(&token(1), PHONE, held.until - ms(1)), again);
    assert_eq!(set.reserve(&token(1), PHONE, held.until), Err(Reason::Replayed));
    // Committing once more after a lost answer is fine.
    assert_eq!(set.commit(&held, held.until), Ok(()));
}

#[test]
fn a_cold_set_refuses_what_may_have_been_used_before() {
    let mut cold = ReplaySet::cold(0, ReplayLimits::default(), NOW);
    let later = |millis| SingleUse { issued_at: NOW + ms(millis), ..token(1) };
    assert_eq!(cold.reserve(&later(0), PHONE, NOW), Err(Reason::ColdStart));
    // The issuer's clock may be 10 s ahead.
    assert_eq!(cold.reserve(&later(10_000), PHONE, NOW), Err(Reason::ColdStart));
    assert!(cold.reserve(&later(10_001), PHONE, NOW + ms(1)).is_ok());
}

#[test]
fn after_a_crash_nothing_resumes_twice() {
    let mut before = set();
    let used = before.reserve(&token(1), PHONE, NOW).unwrap();
    before.commit(&used, NOW).unwrap();
    let snapshot = before.snapshot(&snapshot_key(), NOW);
    // After the snapshot one more is used, one is reserved, then the power fails.
    let lost = before.reserve(&token(2), PHONE, NOW).unwrap();
    before.commit(&lost, NOW).unwrap();
    before.reserve(&token(3), PHONE, NOW).unwrap();
    drop(before);

    let back = NOW + ms(2_000);
    let mut after =
        ReplaySet::restore(&snapshot, &snapshot_key(), ReplayLimits::default(), Continuity::Broken, back)
            .unwrap();
    assert_eq!(after.reserve(&token(1), THIEF, back), Err(Reason::Replayed));
    assert_eq!(after.reserve(&token(2), THIEF, back), Err(Reason::ColdStart));
    assert_eq!(after.reserve(&token(3), PHONE, back), Err(Reason::ColdStart));

    // With a journal of commits nothing is lost, and tokens that were not used stay good.
    let mut after =
        ReplaySet::restore(&snapshot, &snapshot_key(), ReplayLimits::default(), Continuity::Unbroken, back)
            .unwrap();
    after.record(lost.token_id, lost.keep_until, back).unwrap();
    assert_eq!(after.reserve(&token(2), THIEF, back), Err(Reason::Replayed));
    assert!(after.reserve(&token(3), PHONE, back).is_ok());
}

#[test]
fn a_journal_with_a_shorter_leeway_does_not_shorten_the_memory() {
    let mut set = set();
    let held = set.reserve(&token(1), PHONE, NOW).unwrap();
    set.commit(&held, NOW).unwrap();
    set.record(held.token_id, held.keep_until - ms(5_000), NOW).unwrap();
    assert_eq!(set.reserve(&token(1), THIEF, NOW + ms(303_000)), Err(Reason::Replayed));
}

#[test]
fn a_reservation_does_not_outlive_a_crash() {
    let mut before = set();
    let first = before.reserve(&token(1), PHONE, NOW).unwrap();
    let snapshot = before.snapshot(&snapshot_key(), NOW);
    before.abort(&first, NOW).unwrap();
    let second = before.reserve(&token(1), THIEF, NOW).unwrap();
    before.commit(&second, NOW).unwrap();
    // The snapshot knows nothing of the second attempt, and still shows the first one as the holder.
    let mut after =
        ReplaySet::restore(&snapshot, &snapshot_key(), ReplayLimits::default(), Continuity::Broken, NOW)
            .unwrap();
    assert_eq!(after.commit(&first, NOW), Err(ReservationError::Lapsed));
    assert_eq!(after.reserve(&token(1), PHONE, NOW), Err(Reason::ColdStart));
}

#[test]
fn a_snapshot_keeps_reservations_too() {
    let mut before = ReplaySet::cold(9, ReplayLimits::default(), NOW - ms(60_000));
    (0..60).for_each(|second| before.handle_timeout(NOW - ms(60_000) + ms(second * 1_000)));
    let token = SingleUse { shard: 9, ..token(1) };
    let held = before.reserve(&token, PHONE, NOW).unwrap();
    let bytes = before.snapshot(&snapshot_key(), NOW);
    assert_eq!(bytes.len(), 58 + 27);
    let mut after =
        ReplaySet::restore(&bytes, &snapshot_key(), ReplayLimits::default(), Continuity::Unbroken, NOW)
            .unwrap();
    assert_eq!((after.shard(), after.complete_since()), (9, before.complete_since()));
    assert_eq!(after.reserve(&token, THIEF, NOW), Err(Reason::InUse));
    after.commit(&held, NOW).unwrap();
    assert_eq!(after.reserve(&token, THIEF, NOW), Err(Reason::Replayed));
}

#[test]
fn a_snapshot_keeps_whether_a_set_watches_its_clock() {
    let restored = |set: &ReplaySet| {
        let bytes = set.snapshot(&snapshot_key(), NOW);
        ReplaySet::restore(&bytes, &snapshot_key(), ReplayLimits::default(), Continuity::Unbroken, NOW)
            .unwrap()
    };
    let warm = set();
    let after = restored(&warm);
    assert_eq!((after.next_wakeup(), after.complete_since()), (None, None));
    let cold = ReplaySet::cold(0, ReplayLimits::default(), NOW);
    let after = restored(&cold);
    assert_eq!((after.next_wakeup(), after.complete_since()), (cold.next_wakeup(), cold.complete_since()));
    assert!(after.next_wakeup().is_some() && after.complete_since().is_some());
}

#[test]
fn a_clock_that_steps_back_does_not_bring_used_tokens_back() {
    let mut set = set();
    let held = set.reserve(&token(1), PHONE, NOW).unwrap();
    set.commit(&held, NOW).unwrap();
    // The clock jumps to 2096 and everything is swept out; then it is set right.
    set.sweep(UnixTime::from_secs(4_000_000_000));
    assert_eq!(set.occupied(), 0);
    assert_eq!(set.reserve(&token(1), THIEF, NOW), Err(Reason::ColdStart));
    // Tokens that end later than everything that was forgotten are not harmed.
    let fresh = SingleUse { keep_until: NOW + ms(306_000), ..token(2) };
    assert!(set.reserve(&fresh, PHONE, NOW).is_ok());
    // A snapshot does not forget what was forgotten.
    let mut again = ReplaySet::restore(
        &set.snapshot(&snapshot_key(), NOW),
        &snapshot_key(),
        ReplayLimits::default(),
        Continuity::Unbroken,
        NOW,
    )
    .unwrap();
    assert_eq!(again.reserve(&token(1), THIEF, NOW), Err(Reason::ColdStart));
}

#[test]
fn a_snapshot_taken_too_late_does_not_bring_used_tokens_back() {
    let mut set = set();
    let held = set.reserve(&token(1), PHONE, NOW).unwrap();
    set.commit(&held, NOW).unwrap();
    let snapshot = set.snapshot(&snapshot_key(), UnixTime::from_secs(4_000_000_000));
    let mut after =
        ReplaySet::restore(&snapshot, &snapshot_key(), ReplayLimits::default(), Continuity::Unbroken, NOW)
            .unwrap();
    assert_eq!(after.reserve(&token(1), THIEF, NOW), Err(Reason::ColdStart));
}

#[test]
fn a_full_set_refuses_and_recovers() {
    let limits = ReplayLimits::default().with_capacity(100).with_skew(Duration::ZERO);
    let mut set = ReplaySet::complete(0, limits);
    for n in 0..100 {
        set.reserve(&token(n), PHONE, NOW).unwrap();
    }
    assert_eq!(set.reserve(&token(100), PHONE, NOW), Err(Reason::Full));
    assert_eq!(set.reserve(&token(100), PHONE, NOW + ms(1)), Err(Reason::Full));
    assert_eq!(set.reserve(&token(1), THIEF, NOW), Err(Reason::InUse));
    let later = NOW + ms(305_000);
    let next = SingleUse { issued_at: later, keep_until: later + ms(305_000), ..token(100) };
    assert!(set.reserve(&next, PHONE, later + ms(1_000)).is_ok());
    assert_eq!(set.occupied(), 1);
}

#[test]
fn a_shard_has_one_owner() {
    let mut nodes: Vec<_> = (0..4).map(|shard| ReplaySet::complete(shard, ReplayLimits::default())).collect();
    let token = SingleUse { shard: 2, ..token(1) };
    let answers: Vec<_> = nodes.iter_mut().map(|node| node.reserve(&token, PHONE, NOW).err()).collect();
    assert_eq!(answers, [Some(Reason::WrongShard), Some(Reason::WrongShard), None, Some(Reason::WrongShard)]);
}

#[test]
fn any_time_is_legal() {
    let mut set = set();
    for (issued_at, keep_until) in
        [(UnixTime::EPOCH, UnixTime::MAX), (UnixTime::MAX, UnixTime::MAX), (UnixTime::MAX, UnixTime::EPOCH)]
    {
        let token = SingleUse { issued_at, keep_until, ..token(1) };
        assert!(matches!(set.reserve(&token, PHONE, UnixTime::MAX), Err(Reason::Expired)));
    }
    // The lease of a slot is counted back from its end, in 23 bits.
    let days = |days: u64| SingleUse { keep_until: NOW + Duration::from_secs(days * 86_400), ..token(1) };
    assert_eq!(
        set.reserve(&SingleUse { keep_until: UnixTime::MAX, ..token(1) }, PHONE, NOW),
        Err(Reason::Full)
    );
    assert_eq!(set.reserve(&days(98), PHONE, NOW), Err(Reason::Full));
    let held = set.reserve(&days(97), PHONE, NOW).unwrap();
    assert_eq!(set.commit(&held, NOW), Ok(()));
    set.sweep(UnixTime::MAX);
    assert_eq!(set.occupied(), 0);
}

#[test]
fn a_token_costs_at_most_40_bytes() {
    let limits = ReplayLimits::default().with_capacity(1_000_000).with_skew(Duration::ZERO);
    let mut set = ReplaySet::complete(0, limits);
    let mut random = reveille_core::Jitter::new(1);
    for count in 1..=400_000_usize {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&random.next_u64().to_be_bytes());
        id[8..].copy_from_slice(&random.next_u64().to_be_bytes());
        let token = SingleUse { token_id: TokenId::new(id), ..token(0) };
        let held = set.reserve(&token, PHONE, NOW).unwrap();
        set.commit(&held, NOW).unwrap();
        if count.is_multiple_of(50_000) {
            let each = set.memory() as f64 / count as f64;
            assert!((27.0..=40.0).contains(&each), "{each} at {count}");
        }
    }
}
