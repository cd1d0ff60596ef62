//! The engine against the naive model: the same outputs, the same fates, the same sums, the same next deadline, after
//! every one of many random operations.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod model;

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use reveille_digest::Policy;
use reveille_digest::options::{Collect, Excess, Refractory, Urgent, Window};

proptest! {
    // Always the same scripts, so that a change is what makes it fail; the long run goes on to others.
    #![proptest_config(ProptestConfig { cases: 1_000, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn the_engine_does_what_the_model_does(script in proptest::collection::vec(any::<u8>(), 20..500)) {
        model::drive::run(&script);
    }
}

/// The leanest policy has short ways of its own. Everything that closes one of them, alone: few random policies are so
/// close to it.
#[test]
fn the_neighbours_of_the_leanest_policy() {
    let wait = Duration::from_secs(5);
    let windows = [Window::Fixed { wait }, Window::Sliding { quiet: Duration::from_secs(4), max_wait: wait }];
    let refractory = |excess| Refractory { first: wait, factor: 2, max: wait * 6, decay: wait * 20, excess };
    let changes: [fn(&mut Policy); 13] = [
        |_| (),
        |policy| policy.actors = 2,
        |policy| policy.leading = true,
        |policy| policy.max_items = Some(4),
        |policy| policy.max_bytes = Some(60),
        |policy| policy.collect = Collect::Latest,
        |policy| policy.collect = Collect::Items,
        |policy| policy.urgent = Urgent::Flush,
        |policy| policy.dedup = Some(Duration::from_secs(5)),
        |policy| policy.ack_timeout = Some(Duration::from_secs(8)),
        |policy| policy.useful_for = Some(Duration::from_secs(3)),
        |policy| policy.remember = Duration::from_secs(30),
        |policy| policy.reminders = vec![Duration::from_secs(7)],
    ];
    let mut policies = Vec::new();
    for window in windows {
        policies.extend(changes.map(|change| {
            let mut policy = Policy::lean(window);
            change(&mut policy);
            policy
        }));
        policies.extend([Excess::Hold, Excess::Drop].map(|excess| {
            let mut policy = Policy::lean(window);
            policy.refractory = Some(refractory(excess));
            policy
        }));
    }
    for (place, policy) in policies.into_iter().enumerate() {
        for seed in 0..40 {
            let script = script(1_000_000 + place as u64 * 1_000 + seed);
            model::drive::run_with(policy.clone(), &script);
        }
    }
}

/// What people use: notifications stay in flight, so that answers, reads and cancels find something there.
#[test]
fn the_policies_people_use() {
    for seed in 0..1_000 {
        let policy = if seed % 2 == 0 { Policy::default() } else { Policy::default().answered_above() };
        model::drive::run_with(policy, &script(2_000_000 + seed));
    }
}

/// Scripts of the long run that once showed a difference.
#[test]
fn what_once_differed() {
    // A clock that was set after a tolerated fall left memories in the future.
    model::drive::run(&script(428));
    // A policy with less tolerance came while the clock was behind: it is for the next time that is told, not for its own.
    model::drive::run(&script(8916));
    // A policy that remembers less: what is due by then comes before what is forgotten, as always.
    model::drive::run(&script(62_491));
    // Two pending events of one id, and a read through it: the later one counts.
    model::drive::run(&script(5_015_183));
    // A step of the clock moved the first event of a key without events: a recheck came in another order.
    for seed in [20_012_883, 20_034_162, 20_036_935] {
        model::drive::run(&script(seed));
    }
    // A refractory period that was over went on for a millisecond when the clock was set back to the epoch.
    model::drive::run(&script(7_012_126));
    // Tombstones that were over, and a clock that was set back: two of them go for one that comes, and count no more.
    model::drive::run(&script(30_001_616));
    // A window that closed late and ends again in the same millisecond comes after the others of that millisecond.
    model::drive::run(&script(30_136_153));
}

/// The long run: `REVEILLE_SCRIPTS=1000000 cargo test --release -p reveille-digest --test against_model -- --ignored`.
#[test]
#[ignore = "minutes"]
#[allow(clippy::disallowed_methods)]
fn the_long_run() {
    let scripts: u64 = std::env::var("REVEILLE_SCRIPTS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let first: u64 = std::env::var("REVEILLE_FIRST").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut operations = 0;
    for seed in first..first + scripts {
        let ran = std::panic::catch_unwind(|| model::drive::run(&script(seed)));
        operations += ran.unwrap_or_else(|_| panic!("seed {seed}"));
    }
    println!("{scripts} scripts, {operations} operations, no difference");
}

fn script(seed: u64) -> Vec<u8> {
    let mut random = reveille_core::Jitter::new(seed);
    let length = 50 + random.up_to_u64(700) as usize;
    (0..length).map(|_| random.next_u64() as u8).collect()
}
