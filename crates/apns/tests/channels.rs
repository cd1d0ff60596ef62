//! Broadcast channels, against the service.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

mod support;

use bytes::Bytes;
use http::{Request, Response};
use reveille_apns::{
    ActivityAlert, ActivityEnd, ActivityUpdate, Broadcast, ChannelAnswer, ChannelId, Channels, Endpoints,
    Expiration, JsonObject, Priority, SizeLimit, StoragePolicy,
};
use reveille_core::{Action, Rejection};
use reveille_testkit::apns::ApnsService;
use support::{NOW, app, bearer, service};

fn channels() -> Channels {
    Channels::new(app(), &Endpoints::production(), Some(bearer()))
}

fn ask<T>(
    service: &mut ApnsService,
    request: &Request<Bytes>,
    read: impl FnOnce(&Response<Bytes>) -> ChannelAnswer<T>,
) -> Result<T, Rejection> {
    match read(&service.handle(request, NOW)) {
        ChannelAnswer::Done(value) => Ok(value),
        ChannelAnswer::Rejected(rejection) => Err(rejection),
    }
}

fn create(service: &mut ApnsService, policy: StoragePolicy) -> ChannelId {
    ask(service, &channels().create(policy), |r| {
        assert_eq!(r.status(), 201);
        ChannelAnswer::created(r.status(), r.headers(), r.body(), NOW).unwrap()
    })
    .unwrap()
}

fn list(service: &mut ApnsService) -> Vec<ChannelId> {
    ask(service, &channels().list(), |r| {
        ChannelAnswer::listed(r.status(), r.headers(), r.body(), NOW).unwrap()
    })
    .unwrap()
}

fn broadcast(channel: &ChannelId, stored: StoragePolicy, push: &Broadcast<'_>) -> Request<Bytes> {
    let token = bearer();
    push.request(&app(), channel, stored, &Endpoints::production(), Some(&token), SizeLimit::Apple).unwrap()
}

fn update() -> Broadcast<'static> {
    let state = JsonObject::from_json(br#"{"score":"2:1"}"#).unwrap();
    Broadcast::new(ActivityUpdate::new(state, NOW).with_alert(ActivityAlert::new("Goal", "2:1")))
}

#[test]
fn a_channels_life() {
    let mut service = service();
    let kept = create(&mut service, StoragePolicy::MostRecentMessage);
    let dropped = create(&mut service, StoragePolicy::NoMessageStored);
    assert_eq!(list(&mut service), [kept.clone(), dropped.clone()]);

    let read = |r: &Response<Bytes>| ChannelAnswer::read(r.status(), r.headers(), r.body(), NOW).unwrap();
    let settings = ask(&mut service, &channels().read(&kept), read).unwrap();
    assert_eq!(settings.storage_policy, StoragePolicy::MostRecentMessage);

    let deleted = |r: &Response<Bytes>| {
        assert_eq!(r.status(), 204);
        ChannelAnswer::deleted(r.status(), r.headers(), r.body(), NOW)
    };
    ask(&mut service, &channels().delete(&dropped), deleted).unwrap();
    assert_eq!(list(&mut service), [kept]);

    let gone = ask(&mut service, &channels().read(&dropped), read).unwrap_err();
    assert_eq!(gone.reason.as_deref(), Some("ChannelNotRegistered"));
    assert_eq!(gone.action, Action::DropTarget { if_registered_before: None });
}

#[test]
fn a_broadcast_reaches_its_channel() {
    let mut service = service();
    let channel = create(&mut service, StoragePolicy::MostRecentMessage);
    let push = update().priority(Priority::Considerate).expiration(Expiration::At(NOW));
    let response = service.handle(&broadcast(&channel, StoragePolicy::MostRecentMessage, &push), NOW);
    assert_eq!(response.status(), 200, "{:?}", response.body());
    let accepted = service.take_broadcasts().remove(0);
    assert_eq!((accepted.channel.as_str(), accepted.priority), (channel.as_str(), 5));
    assert_eq!(accepted.expiration, NOW);
    assert_eq!(
        accepted.payload,
        &br#"{"aps":{"timestamp":1700000000,"event":"update","content-state":{"score":"2:1"},"alert":{"title":"Goal","body":"2:1"}}}"#[..]
    );
    let end = Broadcast::new(ActivityEnd::as_it_is(NOW));
    assert_eq!(
        service.handle(&broadcast(&channel, StoragePolicy::MostRecentMessage, &end), NOW).status(),
        200
    );
}

#[test]
fn a_channel_without_storage_takes_one_attempt_only() {
    let mut service = service();
    let channel = create(&mut service, StoragePolicy::NoMessageStored);
    let push = update().expiration(Expiration::At(NOW));
    assert_eq!(
        service.handle(&broadcast(&channel, StoragePolicy::NoMessageStored, &push), NOW).status(),
        200
    );
    // Said to be one that stores, it is refused by the service.
    let response = service.handle(&broadcast(&channel, StoragePolicy::MostRecentMessage, &push), NOW);
    assert_eq!(response.body(), &br#"{"reason":"BadExpirationDate"}"#[..]);
}

#[test]
fn five_kilobytes_and_not_a_byte_more() {
    let mut service = service();
    let channel = create(&mut service, StoragePolicy::NoMessageStored);
    let with_body = |bytes: usize| {
        let state = JsonObject::from_json(b"{}").unwrap();
        Broadcast::new(ActivityUpdate::new(state, NOW).with_alert(ActivityAlert::new("t", "x".repeat(bytes))))
    };
    let overhead = with_body(0).payload().len();
    let full = with_body(5_120 - overhead);
    assert_eq!(full.payload().len(), 5_120);
    assert_eq!(
        service.handle(&broadcast(&channel, StoragePolicy::NoMessageStored, &full), NOW).status(),
        200
    );

    let mut over = with_body(5_121 - overhead);
    let refused = over.request(
        &app(),
        &channel,
        StoragePolicy::NoMessageStored,
        &Endpoints::production(),
        None,
        SizeLimit::Apple,
    );
    assert_eq!(refused.unwrap_err().size, 5_121);
    let cuts = over.fit(SizeLimit::Apple).unwrap();
    assert_eq!(cuts.len(), 1);
    assert!(over.payload().len() <= 5_120);
    assert_eq!(
        service.handle(&broadcast(&channel, StoragePolicy::NoMessageStored, &over), NOW).status(),
        200
    );
}

#[test]
fn requests_are_named() {
    let id = "eabeae54-14a8-11e5-b60b-1697f925ec7b".parse().unwrap();
    let mut service = service();
    let response = service.handle(&channels().request_id(id).list(), NOW);
    assert_eq!(response.headers()["apns-request-id"], id.to_string());
    let channel = create(&mut service, StoragePolicy::NoMessageStored);
    let push = update().request_id(id);
    let response = service.handle(&broadcast(&channel, StoragePolicy::NoMessageStored, &push), NOW);
    assert_eq!(response.headers()["apns-request-id"], id.to_string());
}
