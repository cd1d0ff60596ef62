//! The replay set, and a shared store driven by [`ExternalStore`], against a naive model: any interleaving of attempts,
//! commits, aborts, crashes and clocks.

use crate::support::*;

use proptest::prelude::*;
use reveille_core::UnixTime;
use reveille_crypto_ring::PROVIDER;
use reveille_resume::replay::{Continuity, Reservation, ReservationError, SingleUse};
use reveille_resume::store::{StoreCommand, StoreReply};
use reveille_resume::*;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Op {
    Reserve {
        token: usize,
        attempt: u64,
    },
    Commit {
        held: usize,
    },
    Abort {
        held: usize,
    },
    /// A use elsewhere, from a journal.
    Record {
        token: usize,
    },
    /// The process dies; what it comes back with is its last snapshot.
    Crash {
        after_snapshot: bool,
    },
    Snapshot,
    Sweep,
    Wait {
        millis: u64,
    },
    /// The clock is set back.
    Back {
        millis: u64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (0..TOKENS, 0..4_u64).prop_map(|(token, attempt)| Op::Reserve { token, attempt }),
        4 => any::<usize>().prop_map(|held| Op::Commit { held }),
        2 => any::<usize>().prop_map(|held| Op::Abort { held }),
        1 => (0..TOKENS).prop_map(|token| Op::Record { token }),
        1 => any::<bool>().prop_map(|after_snapshot| Op::Crash { after_snapshot }),
        1 => Just(Op::Snapshot),
        1 => Just(Op::Sweep),
        3 => (0..20_000_u64).prop_map(|millis| Op::Wait { millis }),
        1 => (0..30_000_u64).prop_map(|millis| Op::Back { millis }),
    ]
}

const TOKENS: usize = 40;
const LEASE: Duration = Duration::from_secs(10);

/// Two segments, and in each three places where the search begins, one of them at the very end: the tables are
/// crowded, searches run into each other and around the corner, and places are used again.
fn token(n: usize) -> SingleUse {
    let mut id = [[0x00, 0x80, 0xff][n % 3]; 16];
    (id[0], id[15]) = ((n % 2) as u8, n as u8);
    let issued_at = NOW + Duration::from_secs(n as u64 * 2);
    SingleUse { token_id: TokenId::new(id), shard: 0, issued_at, keep_until: issued_at + ms(40_500) }
}

const fn up(time: UnixTime) -> UnixTime {
    UnixTime::from_secs(time.as_millis().div_ceil(1_000))
}

/// The second in which a token needs no longer be remembered.
fn end(n: usize) -> u64 {
    up(token(n).keep_until).as_secs()
}

/// What a token is, as simply as it can be said.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Reserved {
        by: u64,
        until: UnixTime,
    },
    Used {
        by: Option<u64>,
        until: UnixTime,
    },
    /// Aborted; it keeps its place.
    Free,
}

#[derive(Clone, Debug)]
struct Model {
    states: BTreeMap<usize, State>,
    complete_since: Option<UnixTime>,
    capacity: usize,
}

impl Model {
    /// Tokens that have a place.
    fn live(&self, now: UnixTime) -> usize {
        self.states.keys().filter(|n| end(**n) > now.as_secs()).count()
    }

    fn insert(&mut self, n: usize, state: State, now: UnixTime) -> Result<(), Reason> {
        if !self.states.contains_key(&n) && self.live(now) >= self.capacity {
            return Err(Reason::Full);
        }
        self.states.insert(n, state);
        Ok(())
    }

    fn reserve(&mut self, n: usize, attempt: u64, now: UnixTime) -> Result<UnixTime, Reason> {
        let token = token(n);
        if end(n) <= now.as_secs() {
            return Err(Reason::Expired);
        }
        match self.states.get(&n) {
            Some(State::Reserved { by, until } | State::Used { by: Some(by), until })
                if now < *until && *by == attempt =>
            {
                return Ok(*until);
            }
            Some(State::Used { .. }) => return Err(Reason::Replayed),
            Some(State::Reserved { until, .. }) if now < *until => return Err(Reason::InUse),
            _ => {}
        }
        if self.complete_since.is_some_and(|since| token.issued_at <= since) {
            return Err(Reason::ColdStart);
        }
        let until = up(now + LEASE).min(up(token.keep_until));
        self.insert(n, State::Reserved { by: attempt, until }, now)?;
        Ok(until)
    }

    fn record(&mut self, n: usize, now: UnixTime) -> Result<(), Reason> {
        if end(n) <= now.as_secs() {
            return Err(Reason::Expired);
        }
        self.insert(n, State::Used { by: None, until: UnixTime::EPOCH }, now)
    }

    fn commit(&mut self, n: usize, held: &Reservation, now: UnixTime) -> Result<(), ReservationError> {
        let by = held.attempt.as_u64();
        match self.states.get(&n) {
            Some(State::Reserved { by: b, until }) if *b == by && *until == held.until && now < *until => {
                self.states.insert(n, State::Used { by: Some(by), until: held.until });
                Ok(())
            }
            Some(State::Used { by: b, until }) if *b == Some(by) && *until == held.until => Ok(()),
            _ => Err(ReservationError::Lapsed),
        }
    }

    fn abort(&mut self, n: usize, held: &Reservation, now: UnixTime) -> Result<(), ReservationError> {
        let by = held.attempt.as_u64();
        match self.states.get(&n) {
            Some(State::Reserved { by: b, until }) if *b == by && *until == held.until && now < *until => {
                self.states.insert(n, State::Free);
                Ok(())
            }
            Some(State::Used { by: b, until }) if *b == Some(by) && *until == held.until => {
                Err(ReservationError::Committed)
            }
            _ => Err(ReservationError::Lapsed),
        }
    }

    /// What a restored set knows when something may have happened since its snapshot.
    fn broken(&mut self, now: UnixTime) {
        self.complete_since = Some(now);
        for state in self.states.values_mut() {
            if matches!(state, State::Reserved { .. }) {
                *state = State::Free;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_024) })]

    #[test]
    fn the_set_is_the_model_and_nobody_resumes_twice(
        capacity in prop_oneof![1..12_usize, Just(1_000)],
        ops in proptest::collection::vec(op(), 1..200),
    ) {
        let limits = ReplayLimits::default().with_capacity(capacity).with_lease(LEASE).with_skew(Duration::ZERO).with_watch(Duration::ZERO);
        let mut now = NOW + Duration::from_secs(20);
        // While the clock is behind this, the set may have forgotten what ended until then, and must say so.
        let mut latest = now;
        let mut model = Model { states: BTreeMap::new(), complete_since: None, capacity };
        let mut set = ReplaySet::complete(0, limits);
        let mut saved = (set.snapshot(&snapshot_key(), now), model.clone());
        let mut held: Vec<(usize, Reservation)> = Vec::new();
        let mut resumed: BTreeMap<usize, u64> = BTreeMap::new();
        for op in ops {
            let forgotten = |n: usize| now < latest && end(n) <= latest.as_secs();
            match op {
                Op::Reserve { token: n, .. } | Op::Record { token: n } if token(n).issued_at > now => {}
                Op::Reserve { token: n, attempt } => {
                    let granted = set.reserve(&token(n), Attempt::new(attempt), now);
                    let mut after = model.clone();
                    let expected = after.reserve(n, attempt, now);
                    if forgotten(n) && granted == Err(Reason::ColdStart) {
                        prop_assert_ne!(expected, Err(Reason::Expired));
                    } else if now < latest && expected == Err(Reason::Full) && granted.is_ok() {
                        // Some of those that the model counts are forgotten.
                        let sure = model.states.keys().filter(|n| end(**n) > latest.as_secs()).count();
                        prop_assert!(sure < capacity);
                        let until = granted.unwrap().until;
                        model.states.insert(n, State::Reserved { by: attempt, until });
                    } else {
                        prop_assert_eq!(granted.map(|held| held.until), expected);
                        model = after;
                    }
                    held.extend(granted.ok().map(|reservation| (n, reservation)));
                }
                Op::Record { token: n } => {
                    let mut after = model.clone();
                    let (done, expected) = (set.record(token(n).token_id, token(n).keep_until, now), after.record(n, now));
                    if now < latest && expected == Err(Reason::Full) && done.is_ok() {
                        model.states.insert(n, State::Used { by: None, until: UnixTime::EPOCH });
                    } else if forgotten(n) && done == Err(Reason::Full) {
                        prop_assert!(model.live(now) >= capacity);
                    } else {
                        prop_assert_eq!(done, expected);
                        model = after;
                    }
                }
                Op::Commit { held: h } if !held.is_empty() => {
                    let (n, reservation) = held[h % held.len()];
                    // The set forgets what has expired; the model need not.
                    if now.as_secs() < end(n) {
                        let done = set.commit(&reservation, now);
                        if !forgotten(n) || done.is_ok() {
                            prop_assert_eq!(done, model.commit(n, &reservation, now));
                        }
                        if done.is_ok() {
                            let winner = *resumed.entry(n).or_insert(reservation.attempt.as_u64());
                            prop_assert_eq!(winner, reservation.attempt.as_u64());
                        }
                    }
                }
                Op::Abort { held: h } if !held.is_empty() => {
                    let (n, reservation) = held[h % held.len()];
                    if now.as_secs() < end(n) {
                        let done = set.abort(&reservation, now);
                        if !forgotten(n) || done.is_ok() {
                            prop_assert_eq!(done, model.abort(n, &reservation, now));
                        }
                    }
                }
                Op::Commit { .. } | Op::Abort { .. } => {}
                Op::Crash { after_snapshot } => {
                    let continuity = if after_snapshot { Continuity::Unbroken } else { Continuity::Broken };
                    if after_snapshot {
                        saved = (set.snapshot(&snapshot_key(), now), model.clone());
                    } else {
                        // At a cold start the clock must be right: no set could know otherwise.
                        now = now.max(latest);
                    }
                    set = ReplaySet::restore(&saved.0, &snapshot_key(), limits, continuity, now).unwrap();
                    model = saved.1.clone();
                    if !after_snapshot {
                        model.broken(now);
                    }
                }
                Op::Snapshot => saved = (set.snapshot(&snapshot_key(), now), model.clone()),
                Op::Sweep => {
                    set.sweep(now);
                    prop_assert!(now < latest || set.occupied() == model.live(now));
                }
                Op::Wait { millis } => now += ms(millis),
                // Not behind a cold start, see above.
                Op::Back { millis } => {
                    now = (now - ms(millis)).max(model.complete_since.unwrap_or(NOW));
                }
            }
            latest = latest.max(now);
            prop_assert!(set.occupied() <= capacity);
        }
    }

    /// Many nodes on one store: whatever the order in which their commands arrive, one resumes.
    #[test]
    fn a_shared_store_lets_one_resume(
        order in proptest::collection::vec((0..4_usize, 0..3_u8, 0..6_000_u64), 1..60),
    ) {
        let keys = compact_keys();
        let text = issue(&keys);
        let (store, verifier) = (ExternalStore::new(Policy::default()), Verifier::default());
        let mut redis = FakeRedis::default();
        let mut held: [Option<Reservation>; 4] = [None; 4];
        let mut winners = std::collections::BTreeSet::new();
        let mut now = NOW;
        for (node, step, wait) in order {
            now += ms(wait);
            let attempt = Attempt::new(node as u64);
            match (step, held[node]) {
                (0, _) => {
                    let Ok(authentic) = verifier.check(&keys, &text, &MINE, now) else { break };
                    let command = store.reserve(&authentic, attempt, now).unwrap();
                    let there = redis.run(&command, now);
                    let reply = there.as_deref().map_or(StoreReply::Stored, StoreReply::Held);
                    if let Verdict::Resume { reservation, .. } = store.settle(authentic, attempt, reply, now) {
                        prop_assert!(winners.is_empty() || winners.contains(&node), "granted after a commit");
                        held[node] = Some(reservation);
                    }
                }
                (1, Some(reservation)) => {
                    let command = store.commit(&reservation);
                    let done = redis.run(&command, now);
                    if done.as_deref() == Some("1") {
                        winners.insert(node);
                        // Its answer may have been lost.
                        prop_assert_eq!(redis.run(&command, now), done);
                        held[node] = None;
                    }
                }
                (_, Some(reservation)) => {
                    redis.run(&store.abort(&reservation), now);
                    held[node] = None;
                }
                _ => {}
            }
            prop_assert!(winners.len() <= 1, "{winners:?}");
        }
    }
}

/// What the commands mean: `SET … NX GET PX`, compare and set, compare and delete.
#[derive(Default)]
struct FakeRedis(BTreeMap<String, (String, UnixTime)>);

impl FakeRedis {
    fn run(&mut self, command: &StoreCommand, now: UnixTime) -> Option<String> {
        self.0.retain(|_, (_, end)| *end > now);
        let matches =
            |key: &String, expected: &String| self.0.get(key).is_some_and(|(value, _)| value == expected);
        match command {
            StoreCommand::SetIfAbsent { key, value, expires_in_ms } => {
                assert!(*expires_in_ms > 0);
                if let Some((there, _)) = self.0.get(key) {
                    return Some(there.clone());
                }
                self.0.insert(key.clone(), (value.clone(), now + ms(*expires_in_ms)));
                None
            }
            StoreCommand::Replace { key, expected, value, expires_in_ms } => {
                assert!(*expires_in_ms > 0);
                let hit = matches(key, expected) || matches(key, value);
                if hit {
                    self.0.insert(key.clone(), (value.clone(), now + ms(*expires_in_ms)));
                }
                Some(u8::from(hit).to_string())
            }
            StoreCommand::Delete { key, expected } => {
                let hit = matches(key, expected);
                if hit {
                    self.0.remove(key);
                }
                Some(u8::from(hit).to_string())
            }
        }
    }
}

#[test]
fn the_words_for_redis() {
    let keys = compact_keys();
    let token = fixed_issuer().issue(&keys, &MINE, NOW).unwrap();
    let authentic = Verifier::default().check(&keys, &token, &MINE, NOW).unwrap();
    let (store, attempt) = (ExternalStore::new(Policy::default()), Attempt::new(255));
    let words = store.reserve(&authentic, attempt, NOW).unwrap().redis();
    insta::assert_snapshot!(words.join(" "), @"SET reveille:resume:f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff r.00000000000000ff.1700000010123 NX GET PX 10000");
    let Verdict::Resume { reservation, .. } = store.settle(authentic, attempt, StoreReply::Stored, NOW)
    else {
        panic!()
    };
    let words = store.commit(&reservation).redis();
    insta::assert_snapshot!(words[2..].join(" "), @"1 reveille:resume:f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff r.00000000000000ff.1700000010123 c.00000000000000ff.1700000010123 910000");
    insta::assert_snapshot!(words[1], @"local v=redis.call('GET',KEYS[1]) if v==ARGV[1] or v==ARGV[2] then redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) return 1 else return 0 end");
    let words = store.abort(&reservation).redis();
    insta::assert_snapshot!(words.join(" "), @"EVAL if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) else return 0 end 1 reveille:resume:f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff r.00000000000000ff.1700000010123");
}

#[test]
fn what_the_store_holds_decides_the_reason() {
    let keys = compact_keys();
    let token = issue(&keys);
    let authentic = Verifier::default().check(&keys, &token, &MINE, NOW).unwrap();
    let store = ExternalStore::new(Policy::default());
    let reason = |reply| match store.settle(authentic, Attempt::new(255), reply, NOW) {
        Verdict::Fresh { reason, fraud } => (reason.name(), fraud),
        Verdict::Expired(_) => ("expired", false),
        Verdict::Resume { reservation, .. } if reservation.repeated => ("again", false),
        Verdict::Resume { .. } => ("resume", false),
    };
    assert_eq!(reason(StoreReply::Stored), ("resume", false));
    assert_eq!(reason(StoreReply::Unavailable), ("store_unavailable", false));
    for (value, expected) in [
        ("r.00000000000000ff.1700000000124", ("again", false)),
        ("r.00000000000000fe.1700000000124", ("in_use", false)),
        ("r.00000000000000ff.1700000000123", ("again", false)),
        ("c.00000000000000ff.1700000000124", ("again", false)),
        ("c.00000000000000ff.1700000000123", ("repeated_attempt", false)),
        ("r.00000000000000ff", ("replayed", true)),
        ("c.00000000000000fe.1700000000124", ("replayed", true)),
        ("", ("replayed", true)),
        ("rubbish", ("replayed", true)),
    ] {
        assert_eq!(reason(StoreReply::Held(value)), expected, "{value}");
    }
    // An attempt that is made again goes on under the name that the store has for it.
    for held in ["r.00000000000000ff.1700000000124", "c.00000000000000ff.1700000000124"] {
        let Verdict::Resume { reservation, .. } =
            store.settle(authentic, Attempt::new(255), StoreReply::Held(held), NOW)
        else {
            panic!("{held}")
        };
        assert_eq!(reservation.until, UnixTime::from_millis(1_700_000_000_124), "{held}");
        assert!(
            store.abort(&reservation).redis().concat().ends_with("r.00000000000000ff.1700000000124"),
            "{held}"
        );
    }
    let store = store.with_complete_since(NOW);
    assert_eq!(store.reserve(&authentic, ATTEMPT, NOW), Err(Reason::ColdStart));
    let later = Issuer::new(PROVIDER).issue(&keys, &MINE, NOW + ms(1)).unwrap();
    let later = Verifier::default().check(&keys, &later, &MINE, NOW).unwrap();
    assert!(store.reserve(&later, ATTEMPT, NOW).is_ok());
}
