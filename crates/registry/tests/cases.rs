//! The case table, against the decision itself and against the store in memory.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

use reveille_registry::{Change, Memory, RegistryPolicy, cases, decide};

#[test]
fn every_case_is_decided_as_it_says() {
    for case in cases::all() {
        let decision = decide(case.before.as_ref(), &case.event, &RegistryPolicy::default(), case.now);
        assert_eq!(decision.expected, case.before.as_ref().map(|device| device.revision), "{}", case.name);
        let after = match decision.change {
            Change::Keep => case.before.clone(),
            Change::Put(device) => Some(*device),
            Change::Purge => None,
            _ => panic!("a new change"),
        };
        assert_eq!(after, case.after, "{}", case.name);
    }
}

#[test]
fn the_store_in_memory_keeps_to_them() {
    for case in cases::all() {
        let mut store = Memory::default();
        if let Some(before) = &case.before {
            let put = reveille_registry::Decision {
                expected: None,
                change: Change::Put(before.clone().into()),
                consequences: Vec::new(),
            };
            store.commit(&cases::key(), &put).unwrap();
        }
        store.apply(&cases::key(), &case.event, &RegistryPolicy::default(), case.now);
        assert_eq!(store.load(&cases::key()), case.after.as_ref(), "{}", case.name);
    }
}

#[test]
fn records_survive_a_store_and_hide_their_tokens() {
    let phone = cases::phone().unwrap();
    let json = serde_json::to_string(&phone).unwrap();
    insta::assert_snapshot!(json, @r#"{"v":1,"key":{"app":"com.example.chat","device":"phone"},"owner":"alice","platform":"ios","tokens":[{"purpose":"apns_alert","value":"a1","environment":"production","registered":1800000000000,"since_revision":1,"suspicion":{"first":null,"last":null,"spread_ms":0,"answers":0}},{"purpose":"apns_voip","value":"v1","environment":"production","registered":1800000000000,"since_revision":1,"suspicion":{"first":null,"last":null,"spread_ms":0,"answers":0}}],"revision":1,"state":{"state":"active"},"registered":1800000000000,"last_seen":1800000000000}"#);
    assert_eq!(serde_json::from_str::<reveille_registry::Device>(&json).unwrap(), phone);
    let other = json.replace(r#""v":1"#, r#""v":2"#);
    let refused = serde_json::from_str::<reveille_registry::Device>(&other).unwrap_err().to_string();
    assert!(refused.starts_with("expected version 1, found 2"), "{refused}");
    assert!(!format!("{phone:?}").contains("a1"));
}
