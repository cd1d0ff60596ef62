//! Who owns a shard.

use std::time::Duration;

use reveille_gateway::Epoch;
use reveille_gateway::store::{Claim, Held, Lost, Part, Refused, ShardId, Store};

use super::tools::{LEASE, NOW, append, ask, claim, commit, entry, granted, holds, only, same};
use super::{Home, Outcome};

const ONE: ShardId = ShardId(1);

fn take<S: Store>(
    store: &S,
    owner: &str,
    now: reveille_core::UnixTime,
) -> Result<Result<Claim, Held>, String> {
    only(ask!(store.claim(&[ONE], owner, LEASE, now)))
}

pub(super) fn a_claim_raises_the_epoch<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    same("the epoch of a shard nobody claimed", ask!(store.load(ONE)).epoch, Epoch(0))?;
    let mut last = Epoch(0);
    for _ in 0..3 {
        let claim = claim(&store, 1)?;
        holds("a claim did not raise the epoch", claim.epoch > last)?;
        same("the epoch that load gives", ask!(store.load(ONE)).epoch, claim.epoch)?;
        last = claim.epoch;
    }
    Ok(())
}

pub(super) fn a_lease_that_lives_is_respected<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let first = granted!(take(&store, "a", NOW)?);
    match take(&store, "b", NOW)? {
        Ok(_) => return Err("a shard was claimed while another owner's lease lived".to_owned()),
        Err(held) => {
            same("the shard that is held", held.shard, ONE)?;
            let sound = !held.remaining.is_zero() && held.remaining <= LEASE;
            holds("what remains of a lease is nothing, or more than was asked for", sound)?;
        }
    }
    same("the epoch after a claim that failed", ask!(store.load(ONE)).epoch, first.epoch)?;
    append(&store, first, entry(1, 1, "the owner goes on"))
}

pub(super) fn a_lease_that_is_over_can_be_taken<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let first = granted!(take(&store, "a", NOW)?);
    let later = home.later(NOW, LEASE + Duration::from_millis(1));
    let second = granted!(take(&store, "b", later)?);
    holds("the new owner has no higher epoch", second.epoch > first.epoch)?;
    let stale = commit(&store, Part::new(first, entry(1, 1, "late")))?;
    same("what the old owner hears", stale, Err(Refused::Stale { epoch: second.epoch }))
}

pub(super) fn a_restarted_owner_gets_its_shard_at_once<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let first = granted!(take(&store, "a", NOW)?);
    let second = granted!(take(&store, "a", NOW)?);
    holds("the restarted owner has no higher epoch", second.epoch > first.epoch)?;
    let stale = commit(&store, Part::new(first, entry(1, 1, "from before")))?;
    same("what the process of before hears", stale, Err(Refused::Stale { epoch: second.epoch }))
}

pub(super) fn a_renewed_lease_lasts<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = granted!(take(&store, "a", NOW)?);
    let half = home.later(NOW, LEASE / 2);
    granted!(only(ask!(store.renew(&[claim], LEASE * 4, half)))?);
    let then = home.later(half, LEASE * 2);
    holds("a renewed lease did not last", take(&store, "b", then)?.is_err())?;
    let over = home.later(then, LEASE * 4);
    granted!(only(ask!(store.renew(&[claim], LEASE, over)))?);
    holds("a lease that was over was not renewed", take(&store, "b", over)?.is_err())?;
    same("the epoch after renewing", ask!(store.load(ONE)).epoch, claim.epoch)?;
    append(&store, claim, entry(1, 1, "still the owner"))
}

pub(super) fn a_lost_lease_is_not_renewed<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let first = granted!(take(&store, "a", NOW)?);
    let later = home.later(NOW, LEASE + Duration::from_millis(1));
    let second = granted!(take(&store, "b", later)?);
    let lost = only(ask!(store.renew(&[first], LEASE * 100, later)))?;
    same("renewing a lost lease", lost, Err(Lost { shard: ONE, epoch: second.epoch }))?;
    let after = home.later(later, LEASE * 2);
    holds("a lost lease was made longer", take(&store, "c", after)?.is_ok())
}

pub(super) fn a_released_shard_is_free<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let first = granted!(take(&store, "a", NOW)?);
    ask!(store.release(&[first]));
    let stale = commit(&store, Part::new(first, entry(1, 1, "after the release")))?;
    holds("who released a shard could write", matches!(stale, Err(Refused::Stale { .. })))?;
    holds("who released a shard could renew", only(ask!(store.renew(&[first], LEASE, NOW)))?.is_err())?;
    let second = granted!(take(&store, "b", NOW)?);
    holds("the epoch did not rise over a release", second.epoch > first.epoch)?;
    // A claim that is lost already: the new owner's stays.
    ask!(store.release(&[first]));
    append(&store, second, entry(1, 1, "the new owner"))
}

pub(super) fn shards_are_claimed_by_themselves<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    granted!(take(&store, "a", NOW)?);
    let shards = [ShardId(255), ONE, ShardId(0)];
    let claims = ask!(store.claim(&shards, "b", LEASE, NOW));
    same("answers to a claim of three", claims.len(), 3)?;
    for (shard, answer) in shards.iter().zip(&claims) {
        match answer {
            Ok(claim) => same("the shard of a claim", claim.shard, *shard)?,
            Err(held) => same("the shard that is held", (held.shard, *shard), (ONE, ONE))?,
        }
    }
    let claims: Vec<Claim> = claims.into_iter().flatten().collect();
    same("shards that were free", claims.len(), 2)?;
    same("renewed", ask!(store.renew(&claims, LEASE, NOW)), vec![Ok(()), Ok(())])?;
    same("answers to nothing", ask!(store.claim(&[], "b", LEASE, NOW)), Vec::new())
}
