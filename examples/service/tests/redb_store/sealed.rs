//! What lies in the file: no token, no endpoint, no key of a device; and what another key of the store changes.

use std::fs;
use std::path::Path;

use reveille_core::{Secret, UnixTime};
use reveille_example_service::redb_store::{RedbSettings, RedbStore};
use reveille_gateway::Seed;
use reveille_gateway::store::seal::{SealKeyId, Sealer};
use reveille_gateway::store::{DeviceWrite, Store, StoreError};
use reveille_registry::{
    Device, DeviceKey, Event, Platform, Purpose, Registration, RegistryPolicy, Token, TokenValue, decide,
};
use reveille_testkit::store::block_on;

use crate::sealer;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ENDPOINT: &str = "https://push.example/send/QUJDREVGR0g";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const FCM: &str = "fcm-token-of-kate-0123456789";

fn open(path: &Path, sealer: Sealer) -> RedbStore {
    RedbStore::open(path, RedbSettings::new(sealer)).unwrap()
}

fn subscription(number: usize) -> String {
    format!(r#"{{"endpoint":"{ENDPOINT}{number}","keys":{{"p256dh":"BCVxsr7N_eNgVRqv","auth":"{AUTH}"}}}}"#)
}

fn register(store: &RedbStore, owner: &str, device: &str, tokens: Vec<Token>) {
    let key = DeviceKey::new("app", device);
    let record = block_on(store.device(&key)).unwrap();
    let registration = Registration::new(key.clone(), owner, Platform::Web, tokens).into();
    let decision =
        decide(record.as_ref(), &Event::Register { registration }, &RegistryPolicy::default(), NOW);
    let id = Seed::new([7; 16]).device_of("app", device).unwrap();
    let written = block_on(store.put_devices(vec![DeviceWrite { key, id, decision }])).unwrap();
    written.into_iter().for_each(|answer| answer.unwrap());
}

fn fill(store: &RedbStore, persons: usize) {
    for number in 0..persons {
        let owner = format!("person-{number:03}");
        register(
            store,
            &owner,
            &format!("web-{number}"),
            vec![Token::new(Purpose::WebPush, subscription(number))],
        );
        register(
            store,
            &owner,
            &format!("phone-{number}"),
            vec![Token::new(Purpose::FcmToken, format!("{FCM}{number}"))],
        );
    }
}

fn found(store: &RedbStore, number: usize) -> Vec<String> {
    let both = [subscription(number), format!("{FCM}{number}")];
    let with = |token: &String| block_on(store.devices_with("app", &TokenValue::new(token.clone()))).unwrap();
    both.iter().flat_map(with).map(|device: Device| device.key.device).collect()
}

fn holds(path: &Path, text: &str) -> bool {
    fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_copy_of_the_file_holds_no_token_endpoint_or_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = open(&path, sealer(1));
    fill(&store, 20);
    // Moved to somebody else, changed, erased: also what lay in pages that are free now is nowhere in clear.
    register(&store, "person-019", "web-3", vec![Token::new(Purpose::WebPush, subscription(3))]);
    block_on(store.erase(&"person-007".parse().unwrap())).unwrap();
    assert_eq!(found(&store, 5), ["web-5", "phone-5"]);
    drop(store);
    assert!(holds(&path, "person-019"), "names are in clear: they are looked up");
    for text in [ENDPOINT, AUTH, FCM, "p256dh", "BCVxsr7N_eNgVRqv"] {
        assert!(!holds(&path, text), "{text}");
    }
}

#[test]
fn after_a_change_of_the_key_everything_is_found_and_the_old_key_can_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = open(&path, sealer(1));
    fill(&store, 30);
    drop(store);

    let both = || sealer(2).with_old(SealKeyId(1), Secret::new([1; 32]));
    let store = open(&path, both());
    assert_eq!(found(&store, 4), ["web-4", "phone-4"], "by what the old key hashed");
    // Changed before its turn comes; moved from an old row into another old one.
    register(&store, "person-004", "web-4", vec![Token::new(Purpose::WebPush, subscription(404))]);
    register(&store, "person-006", "phone-5", vec![Token::new(Purpose::FcmToken, format!("{FCM}5"))]);
    let mut after = String::new();
    let mut rounds = 0;
    while let Some(last) = block_on(store.reseal(&after, 7)).unwrap() {
        (after, rounds) = (last, rounds + 1);
    }
    assert_eq!(rounds, 5);
    drop(store);

    let store = open(&path, sealer(2));
    for number in (0..30).filter(|number| ![4, 5].contains(number)) {
        assert_eq!(found(&store, number), [format!("web-{number}"), format!("phone-{number}")]);
    }
    assert_eq!(found(&store, 404), ["web-4"]);
    assert_eq!(
        (found(&store, 4), found(&store, 5)),
        (vec!["phone-4".into()], vec!["web-5".into(), "phone-5".into()])
    );
    let people = block_on(store.people(&["person-006".parse().unwrap()])).unwrap();
    assert_eq!(people[0].devices.len(), 3);
    block_on(store.erase(&"person-006".parse().unwrap())).unwrap();
    assert!(found(&store, 6).is_empty() && found(&store, 5) == ["web-5"]);
}

#[test]
fn without_its_key_a_row_is_damaged_and_says_which_key_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    fill(&open(&path, sealer(1)), 1);
    let store = open(&path, sealer(2));
    let error = block_on(store.people(&["person-000".parse().unwrap()])).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("sealed with key 1, which is not here"), "{error}");
    assert!(found(&store, 0).is_empty());
}
