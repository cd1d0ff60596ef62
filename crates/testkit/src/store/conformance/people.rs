//! What belongs to persons.

use reveille_conversation::{Channel, Kind};
use reveille_gateway::store::{Effects, Erased, Part, Person, QuietWish, Store, Subject, Versioned, Wishes};
use reveille_registry::{Conflict, DeviceKey};

use super::tools::{
    NOW, ask, claim, commit, entry, granted, holds, id, letter, log, person, put, registered, same,
};
use super::{Home, Outcome};

fn wishes() -> Wishes {
    let mut wishes = Wishes {
        quiet: Some(QuietWish::new("Europe/Berlin", true).with_span(0x7F, 1_320, 420)),
        unwanted: vec![(Kind::NewMessage, vec![Channel::Email, Channel::WebPush])],
        unwanted_apps: vec!["com.example.old".to_owned()],
        ..Wishes::default()
    };
    wishes.pauses.pause(reveille_registry::pause::Channel::Mobile, Some(NOW), true);
    wishes
}

pub(super) fn wishes_are_kept<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let (ann, bob) = (person("ann")?, person("bob")?);
    let of = |person: &Person| person.wishes.clone();
    let read = |who| -> Result<Option<Versioned<Wishes>>, String> {
        Ok(ask!(store.people(std::slice::from_ref(who))).first().and_then(of))
    };
    same("wishes of nobody", read(&ann)?, None)?;
    let missing = ask!(store.put_wishes(&ann, Some(1), Some(&wishes())));
    same("a change of nothing", missing, Err(Conflict { expected: Some(1), found: None }))?;
    same("the first", ask!(store.put_wishes(&ann, None, Some(&wishes()))), Ok(1))?;
    same("wishes", read(&ann)?, Some(Versioned { revision: 1, value: wishes() }))?;
    let again = ask!(store.put_wishes(&ann, None, Some(&Wishes::default())));
    same("the first again", again, Err(Conflict { expected: None, found: Some(1) }))?;
    same("a change", ask!(store.put_wishes(&ann, Some(1), Some(&Wishes::default()))), Ok(2))?;
    let late = ask!(store.put_wishes(&ann, Some(1), Some(&wishes())));
    same("a late change", late, Err(Conflict { expected: Some(1), found: Some(2) }))?;
    let late = ask!(store.put_wishes(&ann, Some(1), None));
    same("a late end", late, Err(Conflict { expected: Some(1), found: Some(2) }))?;
    same("wishes later", read(&ann)?, Some(Versioned { revision: 2, value: Wishes::default() }))?;
    holds("the end of wishes", ask!(store.put_wishes(&ann, Some(2), None)).is_ok())?;
    same("wishes at the end", (read(&ann)?, read(&bob)?), (None, None))
}

pub(super) fn a_person_is_erased<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let claim = claim(&store, 1)?;
    let people = ["ann", "anna"];
    let mut effects = Effects::new(0, 1);
    for (at, name) in (0_u64..).zip(people) {
        let devices = ["1", "2"].map(|device| DeviceKey::new(name, device));
        put(&store, devices.iter().map(|key| registered(None, key, name, "t")).collect())?;
        granted!(ask!(store.put_wishes(&person(name)?, None, Some(&wishes()))));
        effects.letters.extend([letter(1, at, name)?, letter(2, at, name)?, letter(3, at, name)?]);
        effects.badges.push((person(name)?, 7));
        effects.live.push((Subject::Person(person(name)?), true));
    }
    granted!(commit(&store, Part::new(claim, entry(1, 1, "about ann")).with_effects(effects))?);
    let erased = ask!(store.erase(&person("ann")?));
    same("what was erased", erased, Erased { devices: 2, letters: 3, wishes: true })?;
    let all = ask!(store.people(&[person("ann")?, person("anna")?]));
    same("what is left of the person", all.first(), Some(&Person::default()))?;
    let other = all.get(1).map(|other| (other.devices.len(), other.wishes.is_some(), other.badge));
    same("what is left of another one", other, Some((2, true, Some(7))))?;
    same("letters that are left", ask!(store.letters(None, 99)).len(), 3)?;
    let device = id(&DeviceKey::new("ann", "1"));
    same("a device by its id", ask!(store.device_by_id(device)), None)?;
    let token = reveille_registry::TokenValue::new("t");
    same("devices by their token", ask!(store.devices_with("ann", &token)), Vec::new())?;
    same("the log", log(&store, 1)?.len(), 1)?;
    let live = ask!(store.live(&Subject::Person(person("ann")?)));
    same("shards that still have to hear of it", live.len(), 1)?;
    same("erased again", ask!(store.erase(&person("ann")?)), Erased::default())
}
