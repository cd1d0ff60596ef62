//! What groups change outside their shard.

use reveille_conversation::id::QueueId;
use reveille_delivery::dead::DeadId;
use reveille_gateway::store::{Claim, Effects, LetterKey, Part, Refused, ShardId, Store, Subject};
use reveille_registry::{Conflict, DeviceKey};

use super::tools::{
    ask, claim, commit, entry, granted, holds, letter, log, person, put, record, registered, same,
};
use super::{Home, Outcome};

const ONE: ShardId = ShardId(1);

/// Three inputs in the log, no effects yet.
fn three<S: Store>(store: &S, shard: u8) -> Result<Claim, String> {
    let claim = claim(store, shard)?;
    granted!(commit(store, Part::new(claim, entry(1, 3, "three")))?);
    Ok(claim)
}

fn badge<S: Store>(store: &S, name: &str) -> Result<Option<u32>, String> {
    let people = ask!(store.people(&[person(name)?]));
    Ok(people.first().and_then(|person| person.badge))
}

fn counts(after: u64, upto: u64, whose: &str, by: i64) -> Result<Effects, String> {
    Ok(Effects { badges: vec![(person(whose)?, by)], ..Effects::new(after, upto) })
}

pub(super) fn effects_are_done_once<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = three(&store, 1)?;
    for _ in 0..3 {
        granted!(commit(&store, Part::of_effects(claim, counts(0, 2, "ann", 5)?))?);
        same("done up to", ask!(store.load(ONE)).done, 2)?;
        same("a count that was given again", badge(&store, "ann")?, Some(5))?;
    }
    // Effects that are done, beside a group that is new: the group is taken.
    let part = Part::new(claim, entry(4, 1, "new")).with_effects(counts(0, 1, "ann", 5)?);
    granted!(commit(&store, part)?);
    same("the log goes on at", ask!(store.load(ONE)).next, 5)?;
    granted!(commit(&store, Part::of_effects(claim, counts(2, 3, "ann", 1)?))?);
    same("the count", (badge(&store, "ann")?, ask!(store.load(ONE)).done), (Some(6), 3))
}

pub(super) fn effects_that_do_not_fit_are_refused<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = three(&store, 1)?;
    let gap = commit(&store, Part::of_effects(claim, counts(1, 2, "ann", 1)?))?;
    same("effects with a gap", gap, Err(Refused::Effects { done: 0, given: 1 }))?;
    let ahead = commit(&store, Part::of_effects(claim, counts(0, 4, "ann", 1)?))?;
    same("effects ahead of the log", ahead, Err(Refused::Effects { done: 0, given: 0 }))?;
    let part = Part::new(claim, entry(4, 1, "new")).with_effects(counts(2, 3, "ann", 1)?);
    holds("a part with effects that do not fit", commit(&store, part)?.is_err())?;
    // The other way round: the effects fit, the group does not.
    let part = Part::new(claim, entry(9, 1, "a gap")).with_effects(counts(0, 1, "ann", 1)?);
    holds("a part with a group that does not fit", commit(&store, part)?.is_err())?;
    let loaded = ask!(store.load(ONE));
    same("after refusals", (loaded.next, loaded.done, log(&store, 1)?.len()), (4, 0, 1))?;
    same("the count after refusals", badge(&store, "ann")?, None)?;
    // Of inputs that are appended in the same part.
    granted!(commit(&store, Part::new(claim, entry(4, 2, "new")).with_effects(counts(0, 5, "ann", 1)?))?);
    same("done with its own group", (badge(&store, "ann")?, ask!(store.load(ONE)).done), (Some(1), 5))
}

pub(super) fn a_late_change_of_a_device_is_reported<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = three(&store, 1)?;
    let (phone, tablet) = (DeviceKey::new("app", "phone"), DeviceKey::new("app", "tablet"));
    let first = registered(None, &phone, "ann", "t1");
    put(&store, vec![first.clone()])?;
    let second = registered(Some(&record(&first)?), &phone, "ann", "t2");
    put(&store, vec![second.clone()])?;
    let late = registered(Some(&record(&first)?), &phone, "ann", "late");
    let mut effects = counts(0, 3, "ann", 2)?;
    effects.devices = vec![late, registered(None, &tablet, "ann", "t3")];
    let committed = granted!(commit(&store, Part::of_effects(claim, effects))?);
    let conflict = Conflict { expected: Some(1), found: Some(2) };
    same("the change that came late", committed.conflicts, vec![(phone.clone(), conflict)])?;
    same("the record that it was for", ask!(store.device(&phone)), Some(record(&second)?))?;
    holds("the other device was not put", ask!(store.device(&tablet)).is_some())?;
    same("the rest", (badge(&store, "ann")?, ask!(store.load(ONE)).done), (Some(2), 3))
}

pub(super) fn letters_are_kept<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let (one, two) = (three(&store, 1)?, three(&store, 2)?);
    let mut all = Vec::new();
    for (claim, shard) in [(two, 2), (one, 1)] {
        let letters = vec![letter(shard, 9, "ann")?, letter(shard, 1, "bob")?, letter(shard, 300, "ann")?];
        all.extend(letters.clone());
        granted!(commit(&store, Part::of_effects(claim, Effects { letters, ..Effects::new(0, 1) }))?);
    }
    all.sort_by_key(|letter| letter.key);
    same("all letters", ask!(store.letters(None, usize::MAX)), all.clone())?;
    same("the first two", ask!(store.letters(None, 2)), all[..2].to_vec())?;
    same("the next two", ask!(store.letters(Some(all[1].key), 2)), all[2..4].to_vec())?;
    let missing = LetterKey { shard: ONE, letter: DeadId::from_bits(8) };
    same("behind one that is not there", ask!(store.letters(Some(missing), 1)), all[1..2].to_vec())?;
    same("behind the last", ask!(store.letters(Some(all[5].key), 9)), Vec::new())?;
    same("none", ask!(store.letters(None, 0)), Vec::new())?;
    // The same number again: another text, another person.
    let mut again = letter(1, 9, "cleo")?;
    again.bytes = bytes::Bytes::from_static(b"again");
    let effects = Effects { letters: vec![again.clone()], ..Effects::new(1, 2) };
    granted!(commit(&store, Part::of_effects(one, effects))?);
    same("a letter that was put again", ask!(store.letters(Some(all[0].key), 1)), vec![again])?;
    let erased = ask!(store.erase(&person("ann")?));
    same("letters of a person, of which one changed hands", erased.letters, 3)
}

pub(super) fn letters_are_removed<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let (one, two) = (three(&store, 1)?, three(&store, 2)?);
    for (claim, shard) in [(one, 1), (two, 2)] {
        let letters = vec![letter(shard, 1, "ann")?, letter(shard, 2, "ann")?, letter(shard, 3, "ann")?];
        granted!(commit(&store, Part::of_effects(claim, Effects { letters, ..Effects::new(0, 1) }))?);
    }
    let discarded = vec![DeadId::from_bits(1), DeadId::from_bits(77)];
    let effects = Effects { discarded, ..Effects::new(1, 2) };
    granted!(commit(&store, Part::of_effects(one, effects))?);
    let keys = [letter(2, 3, "ann")?.key, letter(2, 9, "ann")?.key, letter(1, 1, "ann")?.key];
    same("how many were removed", ask!(store.remove_letters(&keys)), 1)?;
    let left: Vec<_> = ask!(store.letters(None, 99)).into_iter().map(|letter| letter.key).collect();
    let expected = [(1, 2), (1, 3), (2, 1), (2, 2)];
    let expected = expected
        .map(|(shard, number)| LetterKey { shard: ShardId(shard), letter: DeadId::from_bits(number) });
    same("letters that are left", left, expected.to_vec())
}

pub(super) fn the_index_of_what_is_live<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let (one, far) = (three(&store, 1)?, three(&store, 255)?);
    let ann = Subject::Person(person("ann")?);
    let queue = Subject::Queue(QueueId::new("ann").map_err(|error| error.to_string())?);
    let longer = Subject::Person(person("anna")?);
    let effects = |live: &[(&Subject, bool)], after| Effects {
        live: live.iter().map(|(subject, is_live)| ((*subject).clone(), *is_live)).collect(),
        ..Effects::new(after, after + 1)
    };
    granted!(commit(&store, Part::of_effects(far, effects(&[(&ann, true), (&longer, true)], 0)))?);
    granted!(commit(
        &store,
        Part::of_effects(one, effects(&[(&ann, true), (&queue, true), (&ann, true)], 0))
    )?);
    same("shards of a person", ask!(store.live(&ann)), vec![ONE, ShardId(255)])?;
    same("shards of a queue of the same name", ask!(store.live(&queue)), vec![ONE])?;
    same("shards of a longer name", ask!(store.live(&longer)), vec![ShardId(255)])?;
    granted!(commit(&store, Part::of_effects(one, effects(&[(&ann, false), (&longer, false)], 1)))?);
    same("shards of a person later", ask!(store.live(&ann)), vec![ShardId(255)])?;
    same("another shard's word", ask!(store.live(&longer)), vec![ShardId(255)])?;
    let nobody = Subject::Person(person("nobody")?);
    same("of whom nothing is live", ask!(store.live(&nobody)), Vec::new())
}

pub(super) fn badges_are_summed<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let (one, two) = (three(&store, 1)?, three(&store, 2)?);
    granted!(commit(&store, Part::of_effects(one, counts(0, 1, "ann", 3)?))?);
    granted!(commit(&store, Part::of_effects(two, counts(0, 1, "ann", 4)?))?);
    same("the sum of two shards", badge(&store, "ann")?, Some(7))?;
    granted!(commit(&store, Part::of_effects(one, counts(1, 2, "ann", -9)?))?);
    same("a sum below zero", badge(&store, "ann")?, Some(0))?;
    granted!(commit(&store, Part::of_effects(two, counts(1, 2, "ann", 5)?))?);
    same("and above again", badge(&store, "ann")?, Some(3))?;
    granted!(commit(&store, Part::of_effects(one, counts(2, 3, "ann", -3)?))?);
    same("all is read, which is not the same as nothing known", badge(&store, "ann")?, Some(0))?;
    let mut twice = counts(2, 3, "ann", i64::MAX)?;
    twice.badges.push((person("ann")?, i64::MAX));
    granted!(commit(&store, Part::of_effects(two, twice))?);
    same("more than there is room for", badge(&store, "ann")?, Some(u32::MAX))?;
    same("of somebody of whom nothing was said", badge(&store, "bob")?, None)
}
