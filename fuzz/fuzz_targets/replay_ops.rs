//! Any sequence of operations on a replay set: no token is committed by two attempts, whatever crashes and clocks do.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use reveille_core::UnixTime;
use reveille_crypto_rustcrypto::PROVIDER;
use reveille_resume::replay::{Continuity, Reservation, SingleUse, SnapshotKey};
use reveille_resume::{Attempt, ReplayLimits, ReplaySet, TokenId, TokenSecret};

static KEY: LazyLock<SnapshotKey> = LazyLock::new(|| {
    let secret = TokenSecret::from_bytes(&[7; 32]).expect("32 bytes");
    SnapshotKey::new(PROVIDER, &secret).expect("key")
});

#[derive(Arbitrary, Debug)]
enum Op {
    Reserve { token: u8, attempt: u8 },
    Commit { held: u8 },
    Abort { held: u8 },
    Record { token: u8 },
    Sweep,
    Crash { snapshot_is_old: bool },
    Clock { back: bool, millis: u16 },
    Restore { bytes: Vec<u8> },
}

/// Few ids, some of them neighbours, so that they meet in the tables.
fn token(n: u8) -> SingleUse {
    let issued_at = UnixTime::from_secs(1_000 + u64::from(n));
    let mut id = [n / 8; 16];
    id[15] = n;
    SingleUse {
        token_id: TokenId::new(id),
        shard: 0,
        issued_at,
        keep_until: issued_at + Duration::from_secs(60),
    }
}

fuzz_target!(|ops: Vec<Op>| {
    let limits = ReplayLimits::default()
        .with_capacity(24)
        .with_lease(Duration::from_secs(5))
        .with_skew(Duration::ZERO)
        .with_watch(Duration::ZERO);
    let key = &*KEY;
    let mut set = ReplaySet::complete(0, limits);
    let mut now = UnixTime::from_secs(1_030);
    let mut latest = now;
    let mut old = set.snapshot(key, now);
    let mut held: Vec<Reservation> = Vec::new();
    let mut winners: BTreeMap<TokenId, Attempt> = BTreeMap::new();
    for op in ops {
        match op {
            // A token from the future has not been issued, so nobody can use it.
            Op::Reserve { token: n, .. } | Op::Record { token: n } if token(n).issued_at > now => {}
            Op::Reserve { token: n, attempt } => {
                let granted = set.reserve(&token(n), Attempt::new(attempt.into()), now);
                if let Ok(reservation) = granted {
                    let winner = winners.get(&reservation.token_id);
                    assert!(
                        winner.is_none_or(|winner| *winner == reservation.attempt),
                        "granted after a commit"
                    );
                    assert!(now < token(n).keep_until);
                    held.push(reservation);
                }
                assert!(set.occupied() <= 24);
            }
            Op::Commit { held: n } if !held.is_empty() => {
                let reservation = held[usize::from(n) % held.len()];
                if set.commit(&reservation, now).is_ok() {
                    let winner = *winners.entry(reservation.token_id).or_insert(reservation.attempt);
                    assert_eq!(winner, reservation.attempt, "two attempts committed one token");
                }
            }
            Op::Abort { held: n } if !held.is_empty() => {
                let reservation = held[usize::from(n) % held.len()];
                if set.abort(&reservation, now).is_ok() {
                    assert!(!winners.contains_key(&reservation.token_id), "aborted after a commit");
                }
            }
            Op::Record { token: n } if !winners.contains_key(&token(n).token_id) => {
                // A use elsewhere, by nobody of ours.
                if set.record(token(n).token_id, token(n).keep_until, now).is_ok() {
                    winners.insert(token(n).token_id, Attempt::new(u64::MAX));
                }
            }
            Op::Commit { .. } | Op::Abort { .. } | Op::Record { .. } => {}
            Op::Sweep => set.sweep(now),
            Op::Crash { snapshot_is_old: true } => {
                now = latest;
                set = ReplaySet::restore(&old, key, limits, Continuity::Broken, now).expect("own snapshot");
            }
            Op::Crash { snapshot_is_old: false } => {
                old = set.snapshot(key, now);
                set = ReplaySet::restore(&old, key, limits, Continuity::Unbroken, now).expect("own snapshot");
            }
            // Never behind a crash, and right at one: with a wrong clock at a cold start no set can know.
            Op::Clock { back: true, millis } => {
                let floor = set.complete_since().unwrap_or(UnixTime::from_secs(1_000));
                now = (now - Duration::from_millis(millis.into())).max(floor);
            }
            Op::Clock { back: false, millis } => {
                now += Duration::from_millis(millis.into());
                latest = latest.max(now);
            }
            Op::Restore { bytes } => {
                let _ = ReplaySet::restore(&bytes, key, limits, Continuity::Unbroken, now);
            }
        }
    }
});
