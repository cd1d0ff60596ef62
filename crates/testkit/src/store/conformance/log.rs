//! Logs and snapshots.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use reveille_core::UnixTime;
use reveille_gateway::Epoch;
use reveille_gateway::store::{Claim, Effects, Entry, Part, Refused, ShardId, Snapshot, Store};

use super::tools::{LEASE, NOW, append, ask, claim, commit, entry, granted, holds, log, only, same};
use super::{Home, Outcome};
use crate::store::block_on;

const ONE: ShardId = ShardId(1);

pub(super) fn entries_come_back<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let loaded = ask!(store.load(ONE));
    same("where an empty log goes on", (loaded.next, loaded.done, loaded.snapshots), (1, 0, Vec::new()))?;
    let (claim, other) = (claim(&store, 1)?, claim(&store, 2)?);
    let all = [entry(1, 1, "first"), entry(2, 5, "second"), entry(7, 1, ""), entry(8, 2, "fourth")];
    for entry in &all {
        append(&store, claim, entry.clone())?;
    }
    append(&store, other, entry(1, 3, "in another shard"))?;
    same("the log", log(&store, 1)?, all.to_vec())?;
    same("where it goes on", ask!(store.load(ONE)).next, 10)?;
    same("the other log", log(&store, 2)?, vec![entry(1, 3, "in another shard")])
}

pub(super) fn entries_come_in_pages<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = claim(&store, 1)?;
    for number in 1..=5 {
        append(&store, claim, entry(number, 1, "ten bytes."))?;
    }
    let numbers = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.number).collect::<Vec<_>>();
    same("a page of 25 bytes", numbers(ask!(store.entries(ONE, 1, 25))), vec![1, 2])?;
    same("a page of 30 bytes", numbers(ask!(store.entries(ONE, 2, 30))), vec![2, 3, 4])?;
    same("a page of 1 byte", numbers(ask!(store.entries(ONE, 3, 1))), vec![3])?;
    same("a page of no bytes", numbers(ask!(store.entries(ONE, 3, 0))), vec![3])?;
    same("behind the end", numbers(ask!(store.entries(ONE, 6, 100))), Vec::new())
}

pub(super) fn an_entry_is_found_by_a_number_inside<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = claim(&store, 1)?;
    let all = [entry(1, 4, "1 to 4"), entry(5, 4, "5 to 8"), entry(9, 1, "9")];
    for entry in &all {
        append(&store, claim, entry.clone())?;
    }
    same("from 4", ask!(store.entries(ONE, 4, usize::MAX)), all.to_vec())?;
    same("from 5", ask!(store.entries(ONE, 5, usize::MAX)), all[1..].to_vec())?;
    same("from 8", ask!(store.entries(ONE, 8, usize::MAX)), all[1..].to_vec())?;
    same("from 0", ask!(store.entries(ONE, 0, usize::MAX)), all.to_vec())?;
    same("from 9", ask!(store.entries(ONE, 9, usize::MAX)), all[2..].to_vec())
}

pub(super) fn a_number_that_does_not_fit_is_refused<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = claim(&store, 1)?;
    append(&store, claim, entry(1, 3, "1 to 3"))?;
    for (given, count) in [(1, 3), (3, 1), (5, 1), (0, 1), (4, 0), (u64::MAX, 0)] {
        let refused = commit(&store, Part::new(claim, entry(given, count, "does not fit")))?;
        same("an entry that does not fit", refused, Err(Refused::Number { next: 4, given }))?;
    }
    let backwards = Entry { next: 2, ..entry(4, 1, "ends before it begins") };
    holds("an entry that ends before it begins", commit(&store, Part::new(claim, backwards))?.is_err())?;
    same("the log after refusals", log(&store, 1)?, vec![entry(1, 3, "1 to 3")])?;
    append(&store, claim, entry(4, 1, "fits"))
}

pub(super) fn a_stale_owner_is_refused<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let nobody = Claim { shard: ONE, epoch: Epoch(0) };
    let refused = commit(&store, Part::new(nobody, entry(1, 1, "nobody's")))?;
    same("under epoch 0", refused, Err(Refused::Stale { epoch: Epoch(0) }))?;
    let old = claim(&store, 1)?;
    append(&store, old, entry(1, 1, "first"))?;
    let new = claim(&store, 1)?;
    let effects = Effects { live: Vec::new(), ..Effects::new(0, 1) };
    for part in [
        Part::new(old, entry(2, 1, "late")),
        Part::of_effects(old, effects.clone()),
        Part::new(old, entry(2, 1, "late")).with_effects(effects),
    ] {
        same("a stale part", commit(&store, part)?, Err(Refused::Stale { epoch: new.epoch }))?;
    }
    let ahead = Claim { epoch: Epoch(new.epoch.0 + 1), ..new };
    let refused = commit(&store, Part::new(ahead, entry(2, 1, "from the future")))?;
    same("an epoch that was never given", refused, Err(Refused::Stale { epoch: new.epoch }))?;
    let loaded = ask!(store.load(ONE));
    same("after refusals", (loaded.next, loaded.done), (2, 0))
}

pub(super) fn shards_fail_alone<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let stale = claim(&store, 1)?;
    let claims = [claim(&store, 1)?, claim(&store, 2)?, claim(&store, 3)?];
    let parts = vec![
        Part::new(stale, entry(1, 1, "stale")),
        Part::new(claims[1], entry(1, 1, "two")),
        Part::new(claims[2], entry(2, 1, "a gap")),
        Part::new(claims[0], entry(1, 1, "one")),
    ];
    let answers = ask!(store.commit(parts, NOW));
    let taken: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    same("which parts were taken, in order", taken, vec![false, true, false, true])?;
    same("the log of 1", log(&store, 1)?, vec![entry(1, 1, "one")])?;
    same("the log of 2", log(&store, 2)?, vec![entry(1, 1, "two")])?;
    same("the log of 3", log(&store, 3)?, Vec::new())
}

pub(super) fn parts_of_one_shard_keep_their_order<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = claim(&store, 1)?;
    let all = [entry(1, 2, "a"), entry(3, 1, "b"), entry(4, 1, "c")];
    let parts = all.iter().map(|entry| Part::new(claim, entry.clone())).collect();
    let answers = ask!(store.commit(parts, NOW));
    holds("parts of one shard in one commit", answers.iter().all(Result::is_ok))?;
    same("the log", log(&store, 1)?, all.to_vec())?;
    same("answers to an empty commit", ask!(store.commit(Vec::new(), NOW)), Vec::new())
}

pub(super) fn all_shards_commit_at_once<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let shards: Vec<ShardId> = ShardId::all().collect();
    let claims = ask!(store.claim(&shards, "suite", LEASE, NOW));
    let part = |(at, claim): (usize, &Result<Claim, _>)| {
        claim.ok().map(|claim| Part::new(claim, entry(1, 1, &format!("of shard {at}"))))
    };
    let parts: Vec<Part> = claims.iter().enumerate().filter_map(part).collect();
    same("shards claimed", parts.len(), 256)?;
    holds("one was refused", ask!(store.commit(parts, NOW)).iter().all(Result::is_ok))?;
    for shard in 0..=255_u8 {
        same("a log", log(&store, shard)?, vec![entry(1, 1, &format!("of shard {shard}"))])?;
    }
    Ok(())
}

pub(super) fn large_groups_come_back<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = claim(&store, 1)?;
    let bytes: Bytes = (0..1_u32 << 18).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    append(&store, claim, Entry { bytes: bytes.clone(), ..entry(1, 1, "") })?;
    granted!(ask!(store.save(claim, Snapshot { next: 2, bytes: bytes.clone() })));
    holds("a large group came back as another one", only(log(&store, 1)?)?.bytes == bytes)?;
    holds("a large snapshot came back as another one", ask!(store.snapshot(ONE, 2)) == Some(bytes))
}

pub(super) fn extreme_numbers_are_kept<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = claim(&store, 1)?;
    let bytes = Bytes::from_static(b"\0\xff");
    let first = Entry { number: 1, next: u64::MAX - 1, now: UnixTime::MAX, bytes: bytes.clone() };
    let second = Entry { number: u64::MAX - 1, next: u64::MAX, now: UnixTime::EPOCH, bytes: bytes.clone() };
    append(&store, claim, first.clone())?;
    append(&store, claim, second.clone())?;
    same("the log", log(&store, 1)?, vec![first, second.clone()])?;
    same("its end", ask!(store.entries(ONE, u64::MAX - 1, 9)), vec![second])?;
    granted!(commit(&store, Part::of_effects(claim, Effects::new(0, u64::MAX - 1)))?);
    granted!(ask!(store.save(claim, Snapshot { next: u64::MAX, bytes })));
    let loaded = ask!(store.load(ONE));
    let expected = (u64::MAX, u64::MAX - 1, vec![u64::MAX]);
    same("what load says", (loaded.next, loaded.done, loaded.snapshots), expected)
}

fn snapshot(next: u64) -> Snapshot {
    Snapshot { next, bytes: Bytes::from(format!("up to {next}")) }
}

/// A log of ten groups with one input each, in shards 1 and 2.
fn ten<S: Store>(store: &S) -> Result<Claim, String> {
    let (claim, other) = (claim(store, 1)?, claim(store, 2)?);
    for number in 1..=10 {
        append(store, claim, entry(number, 1, "one of ten"))?;
        append(store, other, entry(number, 1, "of the neighbour"))?;
    }
    Ok(claim)
}

pub(super) fn two_snapshots_are_kept<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = ten(&store)?;
    for next in [3, 6, 9] {
        granted!(ask!(store.save(claim, snapshot(next))));
    }
    same("snapshots", ask!(store.load(ONE)).snapshots, vec![9, 6])?;
    same("the newest", ask!(store.snapshot(ONE, 9)), Some(snapshot(9).bytes))?;
    same("the older", ask!(store.snapshot(ONE, 6)), Some(snapshot(6).bytes))?;
    same("the oldest", ask!(store.snapshot(ONE, 3)), None)?;
    let again = Bytes::from_static(b"written again");
    granted!(ask!(store.save(claim, Snapshot { next: 9, bytes: again.clone() })));
    same("snapshots", ask!(store.load(ONE)).snapshots, vec![9, 6])?;
    same("the newest, written again", ask!(store.snapshot(ONE, 9)), Some(again))?;
    same("the neighbour's", ask!(store.load(ShardId(2))).snapshots, Vec::new())
}

pub(super) fn the_log_is_cut_below_the_older_snapshot<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = ten(&store)?;
    granted!(ask!(store.save(claim, snapshot(4))));
    same("the log with one snapshot", log(&store, 1)?.len(), 10)?;
    granted!(ask!(store.save(claim, snapshot(8))));
    let numbers: Vec<u64> = log(&store, 1)?.iter().map(|entry| entry.number).collect();
    same("the log with two snapshots", numbers, (4..=10).collect())?;
    same("the neighbour's log", log(&store, 2)?.len(), 10)?;
    append(&store, claim, entry(11, 4, "reaches from 11 to 14"))?;
    append(&store, claim, entry(15, 1, "and on"))?;
    granted!(ask!(store.save(claim, snapshot(13))));
    granted!(ask!(store.save(claim, snapshot(16))));
    let numbers: Vec<u64> = log(&store, 1)?.iter().map(|entry| entry.number).collect();
    same("the log with a group that reaches beyond a snapshot", numbers, vec![11, 15])
}

pub(super) fn snapshots_that_do_not_fit_are_refused<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let old = ten(&store)?;
    granted!(ask!(store.save(old, snapshot(5))));
    let ahead = ask!(store.save(old, snapshot(12)));
    same("ahead of the log", ahead, Err(Refused::Number { next: 11, given: 12 }))?;
    let behind = ask!(store.save(old, snapshot(4)));
    same("behind the newest", behind, Err(Refused::Number { next: 11, given: 4 }))?;
    let new = claim(&store, 1)?;
    let stale = ask!(store.save(old, snapshot(11)));
    same("of a stale owner", stale, Err(Refused::Stale { epoch: new.epoch }))?;
    same("snapshots after refusals", ask!(store.load(ONE)).snapshots, vec![5])
}

pub(super) fn two_commits_at_once_take_one_number<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = claim(&store, 1)?;
    let mut taken = 0_u64;
    for round in 1..=20_u64 {
        let of = |text| vec![Part::new(claim, entry(round, 1, text))];
        let (mut a, mut b) = (pin!(store.commit(of("a"), NOW)), pin!(store.commit(of("b"), NOW)));
        let (mut first, mut second) = (None, None);
        block_on(poll_fn(|context| {
            if first.is_none()
                && let Poll::Ready(answer) = a.as_mut().poll(context)
            {
                first = Some(answer);
            }
            if second.is_none()
                && let Poll::Ready(answer) = b.as_mut().poll(context)
            {
                second = Some(answer);
            }
            if first.is_some() && second.is_some() { Poll::Ready(()) } else { Poll::Pending }
        }));
        for answer in [first, second].into_iter().flatten() {
            let answer = only(answer.map_err(|error| error.to_string())?)?;
            taken += u64::from(answer.is_ok());
        }
        same("commits taken of two at the same number", taken, round)?;
    }
    same("the log", log(&store, 1)?.len(), 20)
}
