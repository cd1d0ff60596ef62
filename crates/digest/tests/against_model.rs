//! The engine against the naive model: the same outputs, the same fates, the same sums, the same next deadline, after
//! every one of many random operations.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod model;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_does_what_the_model_does(script in proptest::collection::vec(any::<u8>(), 20..500)) {
        model::drive::run(&script);
    }
}

/// Scripts of the long run that once showed a difference.
#[test]
fn the_scripts_that_once_differed() {
    for seed in [2, 55, 762, 10_891] {
        model::drive::run(&script(seed));
    }
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
