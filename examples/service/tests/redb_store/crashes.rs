//! Loss of power at any moment, under load. What was acknowledged is there; without the sync it is not.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::panic::catch_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use reveille_conversation::id::PersonId;
use reveille_core::{Jitter, UnixTime};
use reveille_example_service::redb_store::{ForgetfulDisk, RedbStore};
use reveille_gateway::store::{
    Claim, Committed, Effects, Entry, Part, Refused, ShardId, Snapshot, Store, StoreError,
};
use reveille_testkit::store::block_on;

use crate::sealed;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const SHARDS: u8 = 5;

/// What sources were told, and what they were not told.
#[derive(Default)]
struct Truth {
    /// By shard: entries that were acknowledged.
    acknowledged: BTreeMap<u8, Vec<Entry>>,
    epochs: BTreeMap<u8, u64>,
}

type Commit<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<Result<Committed, Refused>>, StoreError>> + Send + 'a>>;

/// Lets all run at the same time, and gives their answers.
fn all(mut futures: Vec<Commit<'_>>) -> Vec<Result<Vec<Result<Committed, Refused>>, StoreError>> {
    let mut answers: Vec<_> = futures.iter().map(|_| None).collect();
    block_on(poll_fn(|context| {
        for (future, answer) in futures.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let Poll::Ready(now) = future.as_mut().poll(context)
            {
                *answer = Some(now);
            }
        }
        if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    }));
    answers.into_iter().flatten().collect()
}

/// One life of a process: until the power goes.
fn live(store: &RedbStore, truth: &mut Truth, jitter: &mut Jitter, life: u64) -> Result<(), StoreError> {
    let ids: Vec<ShardId> = (0..SHARDS).map(ShardId).collect();
    let claims = block_on(store.claim(&ids, "process", Duration::from_secs(10), NOW))?;
    let claims: Vec<Claim> = claims.into_iter().map(|claim| claim.expect("nobody else is there")).collect();
    let mut next = BTreeMap::new();
    for claim in &claims {
        let shard = claim.shard.0;
        let last = truth.epochs.insert(shard, claim.epoch.0).unwrap_or(0);
        assert!(claim.epoch.0 > last, "an epoch came again");
        next.insert(shard, check(store, truth, shard)?);
    }
    for round in 0.. {
        let mut futures: Vec<Commit<'_>> = Vec::new();
        let mut written = Vec::new();
        for claim in &claims {
            let shard = claim.shard.0;
            let number = next[&shard];
            let length = jitter.up_to_u64(3_000) as usize;
            let bytes = Bytes::from(vec![(life + round) as u8; length]);
            let entry = Entry { number, next: number + 1 + jitter.up_to_u64(3), now: NOW, bytes };
            let person = PersonId::new(&format!("of {shard}")).unwrap();
            // The count follows the number of inputs that are done: one for each.
            let effects = Effects {
                badges: vec![(person, (entry.next - number) as i64)],
                ..Effects::new(number - 1, entry.next - 1)
            };
            let part = Part::new(*claim, entry.clone()).with_effects(effects);
            futures.push(Box::pin(store.commit(vec![part], NOW)));
            written.push((shard, entry));
        }
        for ((shard, entry), answer) in written.into_iter().zip(all(futures)) {
            answer?.remove(0).expect("the owner's own number");
            next.insert(shard, entry.next);
            if jitter.up_to_u64(20) == 0 {
                let snapshot = Snapshot { next: entry.next, bytes: Bytes::from_static(b"snapshot") };
                block_on(store.save(claims[usize::from(shard)], snapshot))?.expect("the newest");
            }
            truth.acknowledged.entry(shard).or_default().push(entry);
        }
    }
    Ok(())
}

/// What was acknowledged is there. Of what was not, at most one group is there, as a whole. Gives the next number.
fn check(store: &RedbStore, truth: &mut Truth, shard: u8) -> Result<u64, StoreError> {
    let id = ShardId(shard);
    let acknowledged = truth.acknowledged.entry(shard).or_default();
    let loaded = block_on(store.load(id))?;
    let found = block_on(store.entries(id, 0, usize::MAX))?;
    let known = acknowledged.last().map_or(1, |last| last.next);
    assert!(loaded.next >= known, "shard {shard} lost what was acknowledged: {} < {known}", loaded.next);
    assert_eq!(loaded.done + 1, loaded.next, "effects and groups are one transaction");
    let first = found.first().map_or(1, |first| first.number);
    if first > 1 {
        assert_eq!(loaded.snapshots.len(), 2, "the log was cut without snapshots");
        assert!(first <= loaded.snapshots[1], "the log was cut too far");
    }
    let mut number = first;
    for entry in &found {
        assert_eq!(entry.number, number, "a gap in the log");
        number = entry.next;
        match acknowledged.iter().find(|known| known.number == entry.number) {
            Some(known) => assert_eq!(entry, known, "another group under the same number"),
            // It was not acknowledged, because the power went. It counts from now on.
            None => acknowledged.push(entry.clone()),
        }
    }
    assert_eq!(number, loaded.next, "the log's end");
    let person = PersonId::new(&format!("of {shard}")).unwrap();
    let badge = block_on(store.people(&[person]))?[0].badge;
    assert_eq!(badge.map_or(0, u64::from), loaded.done, "effects were done twice, or not at all");
    Ok(loaded.next)
}

/// Twelve losses of power.
fn simulate(disk: &ForgetfulDisk, seed: u64, quick_repair: bool) -> Truth {
    let (mut truth, mut jitter) = (Truth::default(), Jitter::new(seed));
    let mut settings = sealed();
    settings.quick_repair = quick_repair;
    for life in 0..12 {
        let store = RedbStore::on(Arc::new(disk.clone()), settings.clone()).expect("a store that opens");
        // The first writes of a life are those of opening and claiming.
        disk.lose_power_after(jitter.up_to_u64(400));
        let died = live(&store, &mut truth, &mut jitter, life).expect_err("the power goes");
        assert!(!matches!(died, StoreError::Damaged { .. } | StoreError::Foreign { .. }), "{died}");
        drop(store);
        match life % 3 {
            0 => disk.restart(),
            _ => disk.restart_keeping(seed ^ life),
        }
        // Also while it is opened, and repaired.
        disk.lose_power_after(jitter.up_to_u64(30));
        drop(RedbStore::on(Arc::new(disk.clone()), settings.clone()));
        disk.restart_keeping(seed ^ life ^ 77);
    }
    let store = RedbStore::on(Arc::new(disk.clone()), settings).expect("a store that opens");
    for shard in 0..SHARDS {
        check(&store, &mut truth, shard).expect("a shard that can be read");
    }
    truth
}

#[test]
fn what_was_acknowledged_is_there_after_every_loss_of_power() {
    let mut acknowledged = 0;
    for seed in 0..12 {
        let truth = simulate(&ForgetfulDisk::default(), seed, seed % 2 == 0);
        acknowledged += truth.acknowledged.values().map(Vec::len).sum::<usize>();
    }
    assert!(acknowledged > 2_000, "only {acknowledged} groups: the power goes too early");
}

#[test]
fn without_the_sync_it_is_not() {
    let mut caught = 0;
    for seed in 0..4 {
        let run = catch_unwind(|| simulate(&ForgetfulDisk::default().without_sync(), seed, seed % 2 == 0));
        caught += usize::from(run.is_err());
    }
    assert_eq!(caught, 4, "a disk that syncs nothing was not noticed");
}

#[test]
fn without_the_sync_the_suite_fails_too() {
    use reveille_testkit::store::conformance;
    let run = catch_unwind(|| {
        conformance::run(|| crate::conformance::Forgetful::new(ForgetfulDisk::default().without_sync(), true))
    });
    // Either a case says so, or the file cannot even be opened again.
    assert!(run.is_err() || run.is_ok_and(|report| !report.failures.is_empty()));
}
