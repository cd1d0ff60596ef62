//! Defects of other gateways in the life of a device, each as a test that they would fail.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

use std::time::Duration;

use reveille_core::UnixTime;
use reveille_registry::{
    Consequence, DeviceKey, Effect, Event, Memory, Platform, Pruning, Purpose, Registration, RegistryPolicy,
    State, Token,
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn key(device: u32) -> DeviceKey {
    DeviceKey::new("chat", device.to_string())
}

fn apply(store: &mut Memory, device: u32, event: &Event, now: UnixTime) -> Vec<Consequence> {
    let then = store.apply(&key(device), event, &RegistryPolicy::default(), now);
    then.into_iter().map(|(_, consequence)| consequence).collect()
}

fn register(store: &mut Memory, device: u32, now: UnixTime) {
    let tokens = [Token::new(Purpose::FcmToken, format!("token {device}"))];
    let registration = Registration::new(key(device), "alice", Platform::Android, tokens).into();
    apply(store, device, &Event::Register { registration }, now);
}

fn said(store: &Memory, device: u32, effect: Effect, at: UnixTime) -> Event {
    let revision = store.load(&key(device)).unwrap().revision;
    Event::Delivery { purpose: Purpose::FcmToken, revision, effect, at, pruning: Pruning::Allowed }
}

/// June 2024: a push service answered 404 for millions of live subscriptions, and gateways deleted them.
#[test]
fn a_burst_of_404_loses_no_device() {
    let mut store = Memory::default();
    register(&mut store, 1, NOW);
    for second in 0..7_200 {
        let at = NOW + Duration::from_secs(second);
        let unknown = said(&store, 1, Effect::Suspect, at);
        apply(&mut store, 1, &unknown, at);
    }
    let device = store.load(&key(1)).unwrap();
    assert!(device.is_reachable() && matches!(device.state, State::Suspect { .. }));
    let well = said(&store, 1, Effect::Accepted, NOW + Duration::from_secs(7_200));
    apply(&mut store, 1, &well, NOW + Duration::from_secs(7_200));
    assert_eq!(store.load(&key(1)).unwrap().state, State::Active);
}

/// element-x-ios #991 and #1065: the server dropped the pusher after a 410 and the client never learnt; push was dead for
/// days.
#[test]
fn an_app_whose_device_was_dropped_is_told_at_its_next_contact() {
    let mut store = Memory::default();
    register(&mut store, 1, NOW);
    let gone = said(&store, 1, Effect::Gone { if_registered_before: None }, NOW);
    apply(&mut store, 1, &gone, NOW);
    let later = NOW + Duration::from_secs(5 * 86_400);
    assert!(apply(&mut store, 1, &Event::Seen, later).contains(&Consequence::AskToRegister));
    register(&mut store, 1, later);
    assert_eq!(store.load(&key(1)).unwrap().state, State::Active);
}

/// autopush: a 404 of FCM removes everything of the user.
#[test]
fn a_dead_token_takes_its_device_and_not_its_owner() {
    let mut store = Memory::default();
    register(&mut store, 1, NOW);
    register(&mut store, 2, NOW);
    let gone = said(&store, 1, Effect::Gone { if_registered_before: None }, NOW);
    apply(&mut store, 1, &gone, NOW);
    let live: Vec<_> = store.of_owner("alice").filter(|device| device.is_reachable()).collect();
    assert_eq!(live.len(), 1);
    assert_eq!(live[0].key, key(2));
}

/// PyAPNs2 #61 and django-push-notifications: the time of a 410 was thrown away, and a new registration with it.
#[test]
fn a_410_from_before_the_registration_drops_nothing() {
    let mut store = Memory::default();
    register(&mut store, 1, NOW);
    let died = Some(NOW - Duration::from_secs(60));
    let gone = said(&store, 1, Effect::Gone { if_registered_before: died }, NOW);
    assert_eq!(apply(&mut store, 1, &gone, NOW), [Consequence::Stale]);
    assert!(store.load(&key(1)).unwrap().is_reachable());
}
