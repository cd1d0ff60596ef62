//! Any sequence of events, with several writers and an adversarial clock.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

mod model;

use std::time::Duration;

use proptest::prelude::*;
use reveille_core::UnixTime;
use reveille_registry::support::{NoPush, fallback, push_to};
use reveille_registry::{
    Conflict, Consequence, DeviceKey, Effect, Event, Memory, Platform, Pruning, Purpose, PushKind,
    Registration, RegistryPolicy, State, Token, TokenValue, cases, decide,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn records_stay_whole(script in proptest::collection::vec(any::<u8>(), 0..800)) {
        model::run(&script);
    }
}

const NOW: UnixTime = cases::REGISTERED;

fn register(
    store: &mut Memory,
    key: &DeviceKey,
    owner: &str,
    platform: Platform,
    tokens: Vec<Token>,
    now: UnixTime,
) {
    let registration = Registration::new(key.clone(), owner, platform, tokens).into();
    store.apply(key, &Event::Register { registration }, &RegistryPolicy::default(), now);
}

/// Two launches of an app at the same time: one truth.
#[test]
fn of_two_writers_one_has_to_look_again() {
    let (policy, key) = (RegistryPolicy::default(), cases::key());
    let mut store = Memory::default();
    register(&mut store, &key, "alice", Platform::Web, vec![Token::new(Purpose::WebPush, "{}")], NOW);
    let device = store.load(&key).cloned();
    let registration =
        Registration::new(key.clone(), "alice", Platform::Web, [Token::new(Purpose::WebPush, "{}")]);
    let again = decide(device.as_ref(), &Event::Register { registration: registration.into() }, &policy, NOW);
    let gone = Effect::Gone { if_registered_before: None };
    let drop = Event::Delivery {
        purpose: Purpose::WebPush,
        revision: 1,
        effect: gone,
        at: NOW,
        pruning: Pruning::Allowed,
    };
    let dropped = decide(device.as_ref(), &drop, &policy, NOW);
    store.commit(&key, &again).unwrap();
    let conflict = store.commit(&key, &dropped).unwrap_err();
    assert_eq!(conflict, Conflict { expected: Some(1), found: Some(2) });
    insta::assert_snapshot!(conflict, @"the record has revision Some(2): expected Some(1)");
    // Decided again: the push was made before the new registration.
    assert_eq!(store.apply(&key, &drop, &policy, NOW), [(key.clone(), Consequence::Stale)]);
    assert_eq!(store.load(&key).unwrap().state, State::Active);
}

/// June 2024: a burst of 404 for live subscriptions. autopush removes all of a user at one of them.
#[test]
fn a_burst_of_not_found_removes_nobody_and_a_lasting_one_does() {
    let (policy, key) = (RegistryPolicy::default(), cases::key());
    let mut store = Memory::default();
    register(&mut store, &key, "alice", Platform::Web, vec![Token::new(Purpose::WebPush, "{}")], NOW);
    let suspect = |store: &mut Memory, hours: u64| {
        let at = NOW + Duration::from_secs(hours * 3_600);
        let revision = store.load(&key).unwrap().revision;
        let event = Event::Delivery {
            purpose: Purpose::WebPush,
            revision,
            effect: Effect::Suspect,
            at,
            pruning: Pruning::Allowed,
        };
        store.apply(&key, &event, &policy, at);
    };
    (0..500).for_each(|_| suspect(&mut store, 1));
    assert!(store.load(&key).unwrap().token_for(PushKind::Message).is_some());
    suspect(&mut store, 13);
    assert!(store.load(&key).unwrap().token_for(PushKind::Message).is_some());
    suspect(&mut store, 25);
    let device = store.load(&key).unwrap();
    assert!(
        matches!(device.state, State::Quarantined { .. }) && device.token_for(PushKind::Message).is_none()
    );
    // Element X #991: the server dropped the pusher, and the client never learnt.
    let later = NOW + Duration::from_secs(26 * 3_600);
    let answers = store.apply(&key, &Event::Seen, &policy, later);
    assert_eq!(answers, [(key.clone(), Consequence::AskToRegister)]);
}

#[test]
fn an_old_token_prompts_and_is_still_pushed_to() {
    let (policy, key) = (RegistryPolicy::default(), cases::key());
    let mut store = Memory::default();
    register(&mut store, &key, "alice", Platform::Web, vec![Token::new(Purpose::WebPush, "{}")], NOW);
    let day = Duration::from_secs(86_400);
    assert_eq!(store.apply(&key, &Event::Seen, &policy, NOW + day - Duration::from_millis(1)), []);
    assert_eq!(
        store.apply(&key, &Event::Seen, &policy, NOW + day),
        [(key.clone(), Consequence::AskToRegister)]
    );
    assert!(store.load(&key).unwrap().token_for(PushKind::Message).is_some());
    let due = store.load(&key).unwrap().next_due(&policy);
    assert_eq!(due, NOW + 30 * day);
    let validate = Consequence::Validate { purpose: Purpose::WebPush };
    assert_eq!(store.apply(&key, &Event::Tick, &policy, due), [(key.clone(), validate)]);
}

#[test]
fn one_phone_rings_once_and_all_devices_of_a_person_are_found() {
    let mut store = Memory::default();
    let phone = vec![
        Token::new(Purpose::ApnsAlert, "a"),
        Token::new(Purpose::ApnsVoip, "v"),
        Token::new(Purpose::FcmToken, "f"),
    ];
    register(&mut store, &DeviceKey::new("one", "1"), "alice", Platform::Ios, phone, NOW);
    register(
        &mut store,
        &DeviceKey::new("one", "2"),
        "alice",
        Platform::Android,
        vec![Token::new(Purpose::FcmToken, "g")],
        NOW,
    );
    register(
        &mut store,
        &DeviceKey::new("two", "1"),
        "alice",
        Platform::Web,
        vec![Token::new(Purpose::WebPush, "{}")],
        NOW,
    );
    register(
        &mut store,
        &DeviceKey::new("two", "2"),
        "bob",
        Platform::Web,
        vec![Token::new(Purpose::WebPush, "{1}")],
        NOW,
    );
    let purposes = |kind| -> Vec<_> {
        store
            .of_owner("alice")
            .filter_map(|device| device.token_for(kind))
            .map(|token| token.purpose)
            .collect()
    };
    assert_eq!(purposes(PushKind::Call), [Purpose::ApnsVoip, Purpose::FcmToken, Purpose::WebPush]);
    assert_eq!(purposes(PushKind::Message), [Purpose::ApnsAlert, Purpose::FcmToken, Purpose::WebPush]);
}

#[test]
fn a_device_that_changes_hands_takes_nothing_along() {
    let (policy, key) = (RegistryPolicy::default(), DeviceKey::new("one", "1"));
    let mut store = Memory::default();
    register(
        &mut store,
        &key,
        "alice",
        Platform::Ios,
        vec![Token::new(Purpose::ApnsAlert, "a"), Token::new(Purpose::ApnsVoip, "v")],
        NOW,
    );
    let registration =
        Registration::new(key.clone(), "bob", Platform::Ios, [Token::new(Purpose::ApnsAlert, "a")]).into();
    let then = store.apply(&key, &Event::Register { registration }, &policy, NOW);
    assert!(then.contains(&(key.clone(), Consequence::CancelPending { owner: "alice".into() })));
    let device = store.load(&key).unwrap();
    assert_eq!((device.owner.as_str(), device.tokens.len()), ("bob", 1));
    // A restored backup: the same token under another name is taken from the old one.
    let restored = DeviceKey::new("one", "restored");
    register(&mut store, &restored, "bob", Platform::Ios, vec![Token::new(Purpose::ApnsAlert, "a")], NOW);
    assert!(!store.load(&key).unwrap().is_reachable());
    assert_eq!(store.of_owner("bob").filter(|device| device.is_reachable()).count(), 1);
}

#[test]
fn the_device_seen_least_recently_goes_when_there_are_too_many() {
    let policy = RegistryPolicy::default().with_devices(2).unwrap();
    let mut store = Memory::default();
    for (number, age) in [(1_u8, 30), (2, 10), (3, 20), (4, 0)] {
        let key = DeviceKey::new("one", number.to_string());
        let now = NOW - Duration::from_secs(age);
        register(
            &mut store,
            &key,
            "alice",
            Platform::Web,
            vec![Token::new(Purpose::WebPush, number.to_string())],
            now,
        );
    }
    let over = store.over_limit("alice", "one", &policy);
    assert_eq!(over, [DeviceKey::new("one", "1"), DeviceKey::new("one", "3")]);
    for key in over {
        store.apply(&key, &Event::OverLimit, &policy, NOW);
    }
    assert!(store.over_limit("alice", "one", &policy).is_empty());
}

/// A9: where push cannot work, an address takes its place.
#[test]
fn the_fallback_is_a_phone_before_a_mailbox_and_none_where_push_works() {
    let mut store = Memory::default();
    let address = |purpose, value: &str| vec![Token::new(purpose, value)];
    register(
        &mut store,
        &DeviceKey::new("one", "mail"),
        "alice",
        Platform::Address,
        address(Purpose::Email, "a@example.com"),
        NOW,
    );
    let chosen = |store: &Memory| {
        fallback(store.of_owner("alice"), PushKind::Message).map(|device| device.key.device.clone())
    };
    assert_eq!(chosen(&store).as_deref(), Some("mail"));
    register(
        &mut store,
        &DeviceKey::new("one", "sms"),
        "alice",
        Platform::Address,
        address(Purpose::Phone, "+1"),
        NOW,
    );
    assert_eq!(chosen(&store).as_deref(), Some("sms"));
    let browser = DeviceKey::new("one", "web");
    register(&mut store, &browser, "alice", Platform::Web, address(Purpose::WebPush, "{}"), NOW);
    assert_eq!(chosen(&store), None);
    store.apply(&browser, &Event::LogOut, &RegistryPolicy::default(), NOW);
    assert_eq!(chosen(&store).as_deref(), Some("sms"));
}

/// Rotation while pushes wait: they name the device, so they find the new token.
#[test]
fn a_rotated_token_is_what_the_next_push_finds() {
    let (policy, key) = (RegistryPolicy::default(), cases::key());
    let mut store = Memory::default();
    register(&mut store, &key, "alice", Platform::Android, vec![Token::new(Purpose::FcmToken, "old")], NOW);
    let rotate =
        Event::Rotate { old: Some(TokenValue::new("old")), new: Token::new(Purpose::FcmToken, "new").into() };
    store.apply(&key, &rotate, &policy, NOW);
    assert_eq!(store.load(&key).unwrap().token_for(PushKind::Message).unwrap().value.expose(), "new");
    // The old token's death, learnt late, is not the new one's.
    let gone = Event::Delivery {
        purpose: Purpose::FcmToken,
        revision: 1,
        effect: Effect::Gone { if_registered_before: None },
        at: NOW,
        pruning: Pruning::Allowed,
    };
    assert_eq!(store.apply(&key, &gone, &policy, NOW), [(key.clone(), Consequence::Stale)]);
}

/// A9: who has an address and no subscription cannot be pushed to, and is reached by the address.
#[test]
fn without_a_subscription_there_is_an_address() {
    let (policy, phone) = (RegistryPolicy::default(), DeviceKey::new("one", "phone"));
    let (mail, mut store) = (DeviceKey::new("one", "mail"), Memory::default());
    register(
        &mut store,
        &mail,
        "alice",
        Platform::Address,
        vec![Token::new(Purpose::Email, "a@example.com")],
        NOW,
    );
    let to = |store: &Memory| {
        push_to(store.of_owner("alice"), PushKind::Message)
            .map(|devices| devices.into_iter().map(|device| device.key.clone()).collect::<Vec<_>>())
    };
    assert_eq!(to(&store), Err(NoPush::NoSubscription));
    assert_eq!(fallback(store.of_owner("alice"), PushKind::Message).map(|device| &device.key), Some(&mail));
    register(&mut store, &phone, "alice", Platform::Android, vec![Token::new(Purpose::FcmToken, "t")], NOW);
    assert_eq!(to(&store), Ok(vec![phone.clone()]));
    assert_eq!(fallback(store.of_owner("alice"), PushKind::Message), None);
    store.apply(&phone, &Event::LogOut, &policy, NOW);
    assert_eq!(to(&store), Err(NoPush::NoSubscription));
}
