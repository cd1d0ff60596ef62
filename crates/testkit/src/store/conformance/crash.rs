//! What is there after a crash.

use bytes::Bytes;
use reveille_gateway::store::{Effects, Part, ShardId, Snapshot, Store, Subject, TokenAnswer, Wishes};
use reveille_registry::{DeviceKey, TokenValue};
use reveille_resume::store::StoreCommand;

use super::tools::{
    NOW, append, ask, claim, commit, entry, granted, holds, id, letter, log, person, put, record, registered,
    same,
};
use super::{Home, Outcome};

const ONE: ShardId = ShardId(1);

pub(super) fn what_was_acknowledged_survives<H: Home>(home: &mut H) -> Outcome {
    let mut store = home.open();
    let key = DeviceKey::new("app", "phone");
    let (ann, subject) = (person("ann")?, Subject::Person(person("ann")?));
    let device = registered(None, &key, "ann", "t1");
    let reserve = StoreCommand::SetIfAbsent { key: "k".into(), value: "r.1".into(), expires_in_ms: 90_000 };
    let secret = Bytes::from_static(b"sealed");

    // After each call a crash: what a later call syncs must not stand in for what this one did not.
    macro_rules! then_crash {
        ($call:expr) => {{
            let answer = $call;
            home.crash(store);
            store = home.open();
            answer
        }};
    }
    then_crash!(append(&store, claim(&store, 1)?, entry(1, 2, "one"))?);
    same("the log after a crash", log(&store, 1)?, vec![entry(1, 2, "one")])?;
    let effects = Effects {
        letters: vec![letter(1, 1, "ann")?],
        live: vec![(subject.clone(), true)],
        badges: vec![(ann.clone(), 3)],
        ..Effects::new(0, 2)
    };
    let part = Part::of_effects(claim(&store, 1)?, effects);
    granted!(then_crash!(commit(&store, part)?));
    let loaded = ask!(store.load(ONE));
    same("how far effects are after a crash", (loaded.next, loaded.done), (3, 2))?;
    same("a letter after a crash", ask!(store.letters(None, 9)), vec![letter(1, 1, "ann")?])?;
    same("the index after a crash", ask!(store.live(&subject)), vec![ONE])?;
    let snapshot = Snapshot { next: 3, bytes: Bytes::from_static(b"all of it") };
    granted!(then_crash!(ask!(store.save(claim(&store, 1)?, snapshot.clone()))));
    same("a snapshot after a crash", ask!(store.snapshot(ONE, 3)), Some(snapshot.bytes))?;
    then_crash!(put(&store, vec![device.clone()])?);
    same("a device after a crash", ask!(store.device(&key)), Some(record(&device)?))?;
    same("its id after a crash", ask!(store.device_by_id(id(&key))), Some(record(&device)?))?;
    same("its token after a crash", ask!(store.devices_with("app", &TokenValue::new("t1"))).len(), 1)?;
    granted!(then_crash!(ask!(store.put_wishes(&ann, None, Some(&Wishes::default())))));
    same("reserved", then_crash!(ask!(store.token(&reserve, NOW))), TokenAnswer::Done)?;
    same("a use after a crash", ask!(store.token(&reserve, NOW)), TokenAnswer::Held("r.1".into()))?;
    granted!(then_crash!(ask!(store.put_secret("vapid", None, Some(secret.clone())))));
    same("a secret after a crash", ask!(store.secret("vapid")).map(|kept| kept.value), Some(secret))?;
    let person = ask!(store.people(std::slice::from_ref(&ann))).pop().unwrap_or_default();
    let found = (person.devices.len(), person.wishes.map(|wishes| wishes.revision), person.badge);
    same("a person after a crash", found, (1, Some(1), Some(3)))?;
    same("removed", then_crash!(ask!(store.remove_letters(&[letter(1, 1, "ann")?.key]))), 1)?;
    same("letters after a crash", ask!(store.letters(None, 9)), Vec::new())?;
    then_crash!(ask!(store.erase(&ann)));
    same("a device after erasure and crash", ask!(store.device(&key)), None)
}

pub(super) fn an_epoch_survives<H: Home>(home: &mut H) -> Outcome {
    let mut store = home.open();
    let mut last = claim(&store, 1)?;
    for _ in 0..3 {
        home.crash(store);
        store = home.open();
        let next = claim(&store, 1)?;
        holds("an epoch came again after a crash", next.epoch > last.epoch)?;
        holds("an old claim was taken", commit(&store, Part::new(last, entry(1, 1, "old")))?.is_err())?;
        last = next;
    }
    ask!(store.release(&[last]));
    home.crash(store);
    let store = home.open();
    holds("an epoch came again after a release", claim(&store, 1)?.epoch > last.epoch)
}

pub(super) fn the_log_has_no_gap<H: Home>(home: &mut H) -> Outcome {
    let mut store = home.open();
    let mut expected = Vec::new();
    for round in 0..4 {
        let claim = claim(&store, 1)?;
        for _ in 0..3 {
            let number = ask!(store.load(ONE)).next;
            let entry = entry(number, 1 + number % 3, &format!("round {round}"));
            append(&store, claim, entry.clone())?;
            expected.push(entry);
        }
        home.crash(store);
        store = home.open();
        same("the log after a crash", log(&store, 1)?, expected.clone())?;
        let next = expected.last().map_or(1, |last| last.next);
        same("where it goes on after a crash", ask!(store.load(ONE)).next, next)?;
    }
    Ok(())
}

pub(super) fn another_process_reads_it<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let Some(other) = home.also(&store) else { return Ok(()) };
    let mine = claim(&store, 1)?;
    append(&store, mine, entry(1, 1, "mine"))?;
    same("another process's view of the log", log(&other, 1)?, vec![entry(1, 1, "mine")])?;
    let key = DeviceKey::new("app", "phone");
    put(&store, vec![registered(None, &key, "ann", "t")])?;
    holds("a device is not seen", ask!(other.device(&key)).is_some())?;
    let theirs = claim(&other, 1)?;
    holds("two processes own a shard", commit(&store, Part::new(mine, entry(2, 1, "late")))?.is_err())?;
    append(&other, theirs, entry(2, 1, "theirs"))?;
    same("the log", log(&store, 1)?, vec![entry(1, 1, "mine"), entry(2, 1, "theirs")])
}
