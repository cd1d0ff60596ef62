//! The store in memory keeps all promises, and its faults are those that it says.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests, too, fail by panicking")]

use std::time::Duration;

use bytes::Bytes;
use reveille_core::UnixTime;
use reveille_gateway::store::{Claim, Entry, Part, ShardId, Store, StoreError};
use reveille_testkit::store::{MemoryHome, MemoryStore, block_on, conformance};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const LEASE: Duration = Duration::from_secs(10);

fn claim(store: &MemoryStore, shard: u8) -> Claim {
    block_on(store.claim(&[ShardId(shard)], "a", LEASE, NOW)).unwrap()[0].unwrap()
}

fn part(claim: Claim, number: u64) -> Part {
    Part::new(claim, Entry { number, next: number + 1, now: NOW, bytes: Bytes::from_static(b"group") })
}

#[test]
fn the_model_keeps_all_promises() {
    let report = conformance::run(MemoryHome::default);
    assert_eq!(report.failures, []);
    assert_eq!(report.run, conformance::cases().len());
    let late = conformance::run(|| MemoryHome::new(MemoryStore::default().with_late_answers(3)));
    assert_eq!(late.failures, []);
}

#[test]
fn the_cases_have_names_of_their_own() {
    let mut names: Vec<&str> = conformance::cases().iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), conformance::cases().len());
    assert!(names.len() >= 40, "{}", names.len());
}

#[test]
fn a_store_without_sync_is_caught_by_the_cases_of_crashes() {
    let report = conformance::run(|| MemoryHome::new(MemoryStore::default().without_sync()));
    let caught: Vec<&str> = report.failures.iter().map(|failure| failure.case.name).collect();
    insta::assert_debug_snapshot!(caught, @r#"
    [
        "what_was_acknowledged_survives",
        "an_epoch_survives",
        "the_log_has_no_gap",
        "random_calls_agree_with_the_model",
    ]
    "#);
}

#[test]
fn it_dies_at_any_step_and_says_the_truth() {
    for step in 1..=3 {
        let store = MemoryStore::default();
        let owner = claim(&store, 1);
        store.die_at(step);
        let answer = block_on(store.commit(vec![part(owner, 1)], NOW)).unwrap_err();
        assert_eq!(answer.is_certain(), step == 1, "step {step}: {answer}");
        assert_eq!(block_on(store.load(ShardId(1))), Err(StoreError::Closed));
        let after = store.restart();
        assert_eq!(block_on(store.load(ShardId(1))), Err(StoreError::Closed), "a handle of before");
        let is_there = block_on(after.load(ShardId(1))).unwrap().next == 2;
        assert_eq!(is_there, step == 3, "step {step}");
    }
}

#[test]
fn a_crash_before_the_sync_may_keep_any_part() {
    let mut seen = [0; 3];
    for seed in 0..64 {
        let store = MemoryStore::default();
        let owners = [claim(&store, 1), claim(&store, 2)];
        store.die_at(2);
        let parts = owners.iter().map(|owner| part(*owner, 1)).collect();
        assert!(block_on(store.commit(parts, NOW)).is_err());
        let after = store.restart_keeping(seed);
        let kept = [1, 2].map(|shard| block_on(after.load(ShardId(shard))).unwrap().next == 2);
        seen[kept.iter().filter(|kept| **kept).count()] += 1;
    }
    assert!(seen.iter().all(|count| *count > 5), "{seen:?}");
}

#[test]
fn refusals_stand_in_a_queue() {
    let store = MemoryStore::default();
    store.refuse(StoreError::Full);
    store.refuse(StoreError::ReadOnly);
    assert_eq!(block_on(store.secrets()), Err(StoreError::Full));
    assert_eq!(block_on(store.put_secret("a", None, None)), Err(StoreError::ReadOnly));
    assert_eq!(block_on(store.secrets()), Ok(Vec::new()));
}
