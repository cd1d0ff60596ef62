//! Devices, and what finds them.

use reveille_delivery::DeviceId;
use reveille_gateway::store::Store;
use reveille_registry::{
    Change, Conflict, Decision, Device, DeviceKey, Event, RegistryPolicy, TokenValue, cases, decide,
};

use super::tools::{NOW, ask, holds, id, only, person, purged, put, record, registered, same, write_of};
use super::{Home, Outcome};

fn names(devices: &[Device]) -> Vec<(String, String)> {
    devices.iter().map(|device| (device.key.app.clone(), device.key.device.clone())).collect()
}

pub(super) fn the_registrys_cases<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    for case in cases::all() {
        if let Some(left) = ask!(store.device(&cases::key())) {
            put(&store, vec![purged(&left)])?;
        }
        if let Some(before) = &case.before {
            let change = Change::Put(before.clone().into());
            let decision = Decision { expected: None, change, consequences: Vec::new() };
            put(&store, vec![write_of(&before.key, decision)])?;
        }
        let before = ask!(store.device(&cases::key()));
        same(&format!("{}: the record before", case.name), before.clone(), case.before.clone())?;
        let decision = decide(before.as_ref(), &case.event, &RegistryPolicy::default(), case.now);
        put(&store, vec![write_of(&cases::key(), decision)])?;
        let what = format!("{}: the record after", case.name);
        same(&what, ask!(store.device(&cases::key())), case.after.clone())?;
    }
    Ok(())
}

pub(super) fn a_change_compares_the_revision<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let key = DeviceKey::new("app", "phone");
    let first = registered(None, &key, "ann", "t1");
    put(&store, vec![first.clone()])?;
    let conflict = only(ask!(store.put_devices(vec![first.clone()])))?;
    same("a second first one", conflict, Err(Conflict { expected: None, found: Some(1) }))?;
    // Two decisions on the same record, in one call: one is late.
    let (a, b) = (
        registered(Some(&record(&first)?), &key, "ann", "t2"),
        registered(Some(&record(&first)?), &key, "ann", "t3"),
    );
    let other = registered(None, &DeviceKey::new("app", "tablet"), "ann", "t4");
    let answers = ask!(store.put_devices(vec![a.clone(), b, other]));
    let late = Conflict { expected: Some(1), found: Some(2) };
    same("two decisions on one record", answers, vec![Ok(()), Err(late), Ok(())])?;
    same("the record", ask!(store.device(&key)), Some(record(&a)?))?;
    // A decision to keep it compares, too.
    let keep = |expected| Decision { expected, change: Change::Keep, consequences: Vec::new() };
    same("keep", only(ask!(store.put_devices(vec![write_of(&key, keep(Some(2)))])))?, Ok(()))?;
    let late = only(ask!(store.put_devices(vec![write_of(&key, keep(Some(1)))])))?;
    same("keep what has changed", late, Err(Conflict { expected: Some(1), found: Some(2) }))?;
    let late = only(ask!(store.put_devices(vec![purged(&record(&first)?)])))?;
    same("purge what has changed", late, Err(Conflict { expected: Some(1), found: Some(2) }))?;
    let gone = write_of(&DeviceKey::new("app", "gone"), keep(Some(4)));
    let missing = only(ask!(store.put_devices(vec![gone])))?;
    same("what is not there", missing, Err(Conflict { expected: Some(4), found: None }))
}

pub(super) fn people_come_in_order<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let keys = [("b", "1"), ("a", "2"), ("a", "1"), ("a/1", ""), ("", "x"), ("é", "\u{1f4f1}")];
    let keys = keys.map(|(app, device)| DeviceKey::new(app, device));
    let writes = keys.iter().map(|key| registered(None, key, "ann", &format!("{key:?}"))).collect();
    put(&store, writes)?;
    put(&store, vec![registered(None, &DeviceKey::new("a", "3"), "anna", "t")])?;
    let (ann, anna, bob) = (person("ann")?, person("anna")?, person("bob")?);
    let people = ask!(store.people(&[bob.clone(), ann.clone(), anna, bob, ann]));
    let counts: Vec<usize> = people.iter().map(|person| person.devices.len()).collect();
    same("devices of five that were asked for", counts, vec![0, 6, 1, 0, 6])?;
    let mut sorted = keys.to_vec();
    sorted.sort();
    let sorted = sorted.into_iter().map(|key| (key.app, key.device)).collect();
    same("their order", people.get(1).map(|person| names(&person.devices)), Some(sorted))?;
    same("answers to nothing", ask!(store.people(&[])), Vec::new())
}

pub(super) fn devices_are_found_by_id<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let key = DeviceKey::new("app", "phone");
    let first = registered(None, &key, "ann", "t1");
    let second = registered(Some(&record(&first)?), &key, "ann", "t2");
    let other = registered(None, &DeviceKey::new("app", "tablet"), "ann", "t3");
    put(&store, vec![first, other.clone(), second.clone()])?;
    same("by its id", ask!(store.device_by_id(id(&key))), Some(record(&second)?))?;
    same("by an id that nobody has", ask!(store.device_by_id(DeviceId::from_bits(1))), None)?;
    put(&store, vec![purged(&record(&second)?)])?;
    same("by its id when it is purged", ask!(store.device_by_id(id(&key))), None)?;
    same("by its name when it is purged", ask!(store.device(&key)), None)?;
    same("the other one", ask!(store.device_by_id(other.id)), Some(record(&other)?))
}

pub(super) fn devices_are_found_by_token<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let keys = ["b", "a"].map(|name| DeviceKey::new("app", name));
    let elsewhere = DeviceKey::new("other", "a");
    let writes: Vec<_> =
        keys.iter().chain([&elsewhere]).map(|key| registered(None, key, "ann", "t1")).collect();
    put(&store, writes.clone())?;
    let with = |app: &str, token: &str| -> Result<Vec<String>, String> {
        let devices = ask!(store.devices_with(app, &TokenValue::new(token)));
        Ok(devices.into_iter().map(|device| device.key.device).collect())
    };
    same("two of one app", with("app", "t1")?, vec!["a".to_owned(), "b".to_owned()])?;
    same("one of the other app", with("other", "t1")?, vec!["a".to_owned()])?;
    same("a token that nobody has", with("app", "t2")?, Vec::new())?;
    let rotated = registered(Some(&record(&writes[0])?), &keys[0], "ann", "t2");
    put(&store, vec![rotated.clone()])?;
    same("who still has the old token", with("app", "t1")?, vec!["a".to_owned()])?;
    same("who has the new token", with("app", "t2")?, vec!["b".to_owned()])?;
    // The registry takes a token away from a device that has no other: it is retired, and has none.
    let taken = Event::TokenTaken { value: TokenValue::new("t2") };
    let decision = decide(Some(&record(&rotated)?), &taken, &RegistryPolicy::default(), NOW);
    put(&store, vec![write_of(&keys[0], decision)])?;
    same("who has a token that was taken", with("app", "t2")?, Vec::new())?;
    put(&store, vec![purged(&record(&writes[1])?)])?;
    same("who has the token of a purged device", with("app", "t1")?, Vec::new())?;
    same("the other app", with("other", "t1")?, vec!["a".to_owned()])
}

pub(super) fn a_device_changes_its_owner<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let key = DeviceKey::new("app", "phone");
    let first = registered(None, &key, "ann", "t1");
    let second = registered(Some(&record(&first)?), &key, "bob", "t1");
    put(&store, vec![first])?;
    put(&store, vec![second.clone()])?;
    let people = ask!(store.people(&[person("ann")?, person("bob")?]));
    let devices: Vec<_> = people.into_iter().map(|person| person.devices).collect();
    same("devices of the old and the new owner", devices, vec![Vec::new(), vec![record(&second)?]])?;
    same("by its token", ask!(store.devices_with("app", &TokenValue::new("t1"))).len(), 1)?;
    same("by its id", ask!(store.device_by_id(id(&key))), Some(record(&second)?))?;
    ask!(store.erase(&person("ann")?));
    holds("the new owner's device went with the old owner", ask!(store.device(&key)).is_some())
}

pub(super) fn devices_are_listed_in_pages<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let mut keys = Vec::new();
    for app in ["b", "a", "ab", ""] {
        keys.extend(["2", "10", "", "é"].map(|device| DeviceKey::new(app, device)));
    }
    let owner = |at: usize| if at.is_multiple_of(2) { "ann" } else { "bob" };
    let writes = keys.iter().enumerate().map(|(at, key)| registered(None, key, owner(at), "t"));
    put(&store, writes.collect())?;
    keys.sort();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = ask!(store.devices(after.as_ref(), 3));
        holds("a page longer than the limit", page.len() <= 3)?;
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
        listed.extend(page.into_iter().map(|device| device.key));
        holds("the pages do not end", listed.len() <= keys.len())?;
    }
    same("all devices", listed, keys)?;
    same(
        "behind a name that is not there",
        ask!(store.devices(Some(&DeviceKey::new("c", "")), 3)),
        Vec::new(),
    )?;
    same("a page of none", ask!(store.devices(None, 0)), Vec::new())
}
