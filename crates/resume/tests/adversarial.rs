//! Everything with a memory, under scripts of wrong clocks, restarts, forks, flipped bits and a store that forgets or
//! answers late. Two questions each: what must never happen, and what must still work once the clocks are right.

use crate::support::*;

use proptest::prelude::*;
use reveille_core::UnixTime;
use reveille_crypto_ring::PROVIDER;
use reveille_resume::replay::{Continuity, Reservation, SingleUse};
use reveille_resume::store::{StoreChange, StoreCommand, StoreReply};
use reveille_resume::*;
use reveille_testkit::adversity::{Adversity, Clocks, Snapshot, scripts};
use std::collections::BTreeMap;
use std::time::Duration;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// Tokens that were issued, and the attempt that was let in on each.
struct World<T> {
    tokens: Vec<T>,
    resumed: BTreeMap<TokenId, Attempt>,
}

impl<T: Clone> World<T> {
    /// Every fourth time a new token, else one of the last few, or now and then any.
    fn token(&mut self, choice: u64, new: impl FnOnce(u64) -> T) -> T {
        let issued = self.tokens.len() as u64;
        if issued == 0 || choice.is_multiple_of(4) {
            self.tokens.push(new(issued));
            return self.tokens.last().unwrap().clone();
        }
        let back = if choice % 4 == 1 { choice / 4 % issued } else { choice / 4 % issued.min(5) };
        self.tokens[(issued - 1 - back) as usize].clone()
    }

    fn let_in(&mut self, reservation: &Reservation) -> Result<(), TestCaseError> {
        let winner = *self.resumed.entry(reservation.token_id).or_insert(reservation.attempt);
        prop_assert_eq!(winner, reservation.attempt, "two attempts on one token");
        Ok(())
    }
}

fn new_token(n: u64, issued_at: UnixTime) -> SingleUse {
    let mut id = [n as u8; 16];
    id[8..].copy_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    SingleUse { token_id: TokenId::new(id), shard: 0, issued_at, keep_until: issued_at + ms(305_000) }
}

/// The time window of a verifier: what comes to a replay set has passed it.
fn in_time(token: &SingleUse, now: UnixTime) -> bool {
    token.issued_at <= now + ms(5_000) && now < token.keep_until
}

proptest! {
    #![proptest_config(config(1_500))]

    /// A set whose snapshots are no older than it asks for lets each token in for one attempt, whatever clocks do.
    #[test]
    fn a_replay_set_lets_one_attempt_in(script in scripts(1..250)) {
        let limits = ReplayLimits::default();
        let key = snapshot_key();
        let mut clocks = Clocks::new(NOW, 1);
        let mut world = World { tokens: Vec::new(), resumed: BTreeMap::new() };
        let mut set = ReplaySet::complete(0, limits);
        let mut saved = (NOW, set.snapshot(&key, NOW));
        let mut held: Vec<Reservation> = Vec::new();
        for event in script {
            clocks.apply(&event);
            let now = clocks.now(0);
            match event {
                Adversity::Act { node, choice } => {
                    // An issuer with a right clock, or this node itself.
                    let issued_at = if node.is_multiple_of(2) { clocks.truth() } else { now };
                    let token = world.token(choice / 65_536, |n| new_token(n, issued_at));
                    if set.is_snapshot_due(saved.0, now) || now < saved.0 {
                        saved = (now, set.snapshot(&key, now));
                    }
                    if (choice / 64).is_multiple_of(3) && !held.is_empty() {
                        let reservation = held[(choice / 4_096) as usize % held.len()];
                        if set.commit(&reservation, now).is_ok() {
                            world.let_in(&reservation)?;
                        }
                    } else if in_time(&token, now) {
                        let attempt = choice / 1_024 % 3;
                        if let Ok(reservation) = set.reserve(&token, Attempt::new(attempt), now) {
                            held.push(reservation);
                        }
                    }
                }
                Adversity::Wait { .. } => set.handle_timeout(now),
                Adversity::SetClock { .. } | Adversity::Fork { .. } => {}
                Adversity::FlipBit { at } => {
                    let mut bytes = set.snapshot(&key, now);
                    let at = (at % (bytes.len() as u64 * 8)) as usize;
                    bytes[at / 8] ^= 1 << (at % 8);
                    let restored = ReplaySet::restore(&bytes, &key, limits, Continuity::Unbroken, now);
                    prop_assert!(restored.is_err());
                }
                Adversity::Restart { snapshot: Snapshot::Current, .. } => {
                    let bytes = set.snapshot(&key, now);
                    set = ReplaySet::restore(&bytes, &key, limits, Continuity::Unbroken, now).unwrap();
                }
                Adversity::Restart { .. } => {
                    set = ReplaySet::restore(&saved.1, &key, limits, Continuity::Broken, now).unwrap();
                }
                Adversity::StoreForgets | Adversity::StoreAnswersLate => set.sweep(now),
            }
        }
    }

    /// Once the clock is right again and some minutes have passed, a new token is good.
    #[test]
    fn a_replay_set_recovers(script in scripts(1..100)) {
        let limits = ReplayLimits::default();
        let (key, mut clocks) = (snapshot_key(), Clocks::new(NOW, 1));
        let mut set = ReplaySet::complete(0, limits);
        let mut latest = NOW;
        for event in script {
            clocks.apply(&event);
            let now = clocks.now(0);
            latest = latest.max(now);
            if let Adversity::Restart { snapshot, .. } = event {
                let bytes = set.snapshot(&key, now);
                let continuity =
                    if snapshot == Snapshot::Current { Continuity::Unbroken } else { Continuity::Broken };
                set = ReplaySet::restore(&bytes, &key, limits, continuity, now).unwrap();
            }
            set.handle_timeout(now);
        }
        // Later than anything that any clock has ever shown, the set owes nobody caution.
        let mut now = latest + ms(1_000);
        for _ in 0..400 {
            now += ms(1_000);
            set.handle_timeout(now);
        }
        let issued_at = now;
        let token = SingleUse { token_id: TokenId::new([7; 16]), shard: 0, issued_at, keep_until: now + ms(305_000) };
        prop_assert!(set.reserve(&token, ATTEMPT, now + ms(1_000)).is_ok());
    }

    /// Nodes that are minutes apart share a store: one attempt is let in, however late the store answers.
    #[test]
    fn a_shared_store_lets_one_attempt_in(script in scripts(1..250)) {
        const NODES: usize = 3;
        let verifier = Verifier::default();
        let (keys, mut clocks) = (compact_keys(), Clocks::new(NOW, NODES));
        let mut world = World { tokens: Vec::new(), resumed: BTreeMap::new() };
        let mut store = ExternalStore::new(verifier.policy);
        let mut server = Server::default();
        let mut held: Vec<Reservation> = Vec::new();
        let mut late = false;
        for event in script {
            match event {
                // The contract: nodes differ by less than `skew`, and their forks too.
                Adversity::SetClock { node, error_ms } | Adversity::Restart { node, error_ms, .. } => {
                    clocks.set(node, error_ms % 299_000);
                }
                Adversity::Wait { .. } => clocks.apply(&event),
                Adversity::Act { node, choice } => {
                    let now = clocks.now(node);
                    let attempt = Attempt::new(choice / 1_024 % 3);
                    let issued_at = clocks.now(node + 1);
                    let text = world.token(choice / 65_536, |_| {
                        Issuer::new(PROVIDER).issue(&keys, &MINE, issued_at).unwrap()
                    });
                    if (choice / 64).is_multiple_of(3) && !held.is_empty() {
                        let reservation = held[(choice / 4_096) as usize % held.len()];
                        let mut answer = server.change(&store.commit(&reservation), clocks.truth());
                        if std::mem::take(&mut late) {
                            answer = StoreChange::Unavailable;
                        }
                        if answer.committed().is_ok() {
                            world.let_in(&reservation)?;
                        }
                    } else if let Ok(authentic) = verifier.check(&keys, &text, &MINE, now)
                        && let Ok(command) = store.reserve(&authentic, attempt, now)
                    {
                        let there = server.set(&command, clocks.truth());
                        let reply = if std::mem::take(&mut late) {
                            StoreReply::Unavailable
                        } else {
                            StoreReply::from_redis(there.as_deref())
                        };
                        if let Verdict::Resume { reservation, .. } =
                            store.settle(authentic, attempt, reply, now)
                        {
                            held.push(reservation);
                        }
                    }
                }
                Adversity::StoreForgets => {
                    server = Server::default();
                    // Whoever runs it sees that it came back empty; no issuer is ahead by more than five minutes.
                    store = store.with_complete_since(clocks.truth() + ms(299_000));
                }
                Adversity::StoreAnswersLate => late = true,
                Adversity::Fork { .. } | Adversity::FlipBit { .. } => {}
            }
        }
    }

    /// A revoked token is never good again: not after a glitch that prunes, not after the list was stored and read.
    #[test]
    fn what_is_revoked_stays_revoked(script in scripts(1..120)) {
        let mut clocks = Clocks::new(NOW, 3);
        let keys = compact_keys();
        let mut verifier = Verifier::default();
        let retention = verifier.policy.retention();
        let mut revoked: Vec<String> = Vec::new();
        for event in script {
            match event {
                // Issuer (1) and revoker (2) agree to the leeway; the node that prunes (0) is anywhere.
                Adversity::SetClock { node, error_ms } if node % 3 > 0 => clocks.set(node, error_ms % 2_500),
                Adversity::Restart { node, error_ms, .. } => {
                    clocks.set(node, if node % 3 > 0 { error_ms % 2_500 } else { error_ms });
                    let stored = serde_json::to_string(&verifier.revocations).unwrap();
                    verifier.revocations = serde_json::from_str(&stored).unwrap();
                }
                Adversity::Act { choice, .. } if choice.is_multiple_of(4) => {
                    let token = Issuer::new(PROVIDER).issue(&keys, &MINE, clocks.now(1)).unwrap();
                    let (binding, id) = MINE.each()[(choice / 4 % 4) as usize];
                    verifier.revocations.revoke(binding, id, clocks.now(2));
                    revoked.push(token);
                }
                Adversity::Act { choice, .. } => {
                    verifier.revocations.prune(retention, clocks.now(0));
                    let now = [clocks.now(0), clocks.now(1)][(choice / 4 % 2) as usize];
                    for token in revoked.iter().rev().take(8) {
                        let reason = why(verifier.check(&keys, token, &MINE, now).unwrap_err());
                        prop_assert!(
                            matches!(reason, Reason::SubjectRevoked(_) | Reason::TooOld), "{reason:?}"
                        );
                    }
                }
                other => clocks.apply(&other),
            }
        }
        // And later logins are not harmed, whatever was pruned.
        let later = clocks.truth() + Duration::from_secs(20);
        let token = Issuer::new(PROVIDER).issue(&keys, &MINE, later).unwrap();
        prop_assert!(verifier.check(&keys, &token, &MINE, later).is_ok());
    }

    /// A compromised key never verifies again and an unknown one never does; a right clock's tokens under the active key do.
    #[test]
    fn a_key_ring_keeps_thieves_out(script in scripts(1..120)) {
        let mut clocks = Clocks::new(NOW, 1);
        let key = |id: u16| CompactKey::new(PROVIDER, &secret(id as u8)).unwrap();
        let mut keys = KeyRing::new(KeyId(0), key(0));
        let (mut active, mut stolen) = (0, None);
        let verifier = Verifier::default();
        for event in script {
            clocks.apply(&event);
            let now = clocks.now(0);
            match event {
                Adversity::Act { choice, .. } if choice.is_multiple_of(8) && active < 30 => {
                    active += 1;
                    keys.rotate(KeyId(active), key(active), now).unwrap();
                }
                Adversity::Act { choice, .. } if choice % 8 == 1 && active > 0 => {
                    stolen = Some(active - 1);
                    // It may have been pruned: then it is unknown, which is as good.
                    let _ = keys.revoke_compromised(KeyId(active - 1), now);
                }
                Adversity::Act { choice, .. } => {
                    keys.prune(verifier.policy.retention(), now);
                    if let Some(id) = stolen {
                        let thief = KeyRing::new(KeyId(id), key(id));
                        let at = [now, clocks.truth(), now - ms(choice % 400_000)][(choice / 8 % 3) as usize];
                        if let Ok(token) = Issuer::new(PROVIDER).issue(&thief, &MINE, at) {
                            let reason = why(verifier.check(&keys, &token, &MINE, now).unwrap_err());
                            prop_assert!(matches!(
                                reason, Reason::KeyCompromised | Reason::KeyRevoked | Reason::UnknownKey
                            ), "{reason:?}");
                        }
                    }
                    if let Ok(token) = Issuer::new(PROVIDER).issue(&keys, &MINE, now) {
                        prop_assert!(verifier.check(&keys, &token, &MINE, now).is_ok());
                    }
                }
                _ => {}
            }
        }
    }
}

/// A store with a clock of its own, which is the real time.
#[derive(Default)]
struct Server(BTreeMap<String, (String, UnixTime)>);

impl Server {
    fn set(&mut self, command: &StoreCommand, truth: UnixTime) -> Option<String> {
        self.0.retain(|_, (_, end)| *end > truth);
        let StoreCommand::SetIfAbsent { key, value, expires_in_ms } = command else { panic!() };
        if let Some((there, _)) = self.0.get(key) {
            return Some(there.clone());
        }
        self.0.insert(key.clone(), (value.clone(), truth + ms(*expires_in_ms)));
        None
    }

    fn change(&mut self, command: &StoreCommand, truth: UnixTime) -> StoreChange {
        self.0.retain(|_, (_, end)| *end > truth);
        let StoreCommand::Replace { key, expected, value, expires_in_ms } = command else { panic!() };
        let hit = self.0.get(key).is_some_and(|(there, _)| there == expected || there == value);
        if hit {
            self.0.insert(key.clone(), (value.clone(), truth + ms(*expires_in_ms)));
        }
        StoreChange::from_count(hit.into())
    }
}
