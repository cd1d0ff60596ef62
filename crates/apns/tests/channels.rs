//! Broadcast channels, against the service.

use std::time::Duration;

use crate::support::{NOW, app, bearer, service};
use bytes::Bytes;
use http::{Request, Response};
use reveille_apns::channel::{Broadcast, Channel, ChannelAnswer, ChannelId, Channels, StoragePolicy};
use reveille_apns::live_activity::{ActivityAlert, ActivityEnd, ActivityUpdate};
use reveille_apns::request::InvalidRequest;
use reveille_apns::{Expiration, JsonObject, Priority, SizeLimit};
use reveille_core::{Action, Rejection, UnixTime};
use reveille_testkit::apns::ApnsService;

fn channels() -> Channels {
    Channels::new(app())
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
    ask(service, &channels().create(policy, &bearer()).unwrap(), |r| {
        assert_eq!(r.status(), 201);
        ChannelAnswer::created_response(r, NOW).unwrap()
    })
    .unwrap()
}

fn list(service: &mut ApnsService) -> Vec<ChannelId> {
    ask(service, &channels().list(&bearer()).unwrap(), |r| ChannelAnswer::listed_response(r, NOW).unwrap())
        .unwrap()
}

fn try_broadcast(
    channel: &ChannelId,
    stored: StoragePolicy,
    push: &Broadcast<'_>,
) -> Result<Request<Bytes>, InvalidRequest> {
    push.request(&app(), &Channel::new(channel.clone(), stored), &bearer(), SizeLimit::Provider, NOW)
}

fn broadcast(channel: &ChannelId, stored: StoragePolicy, push: &Broadcast<'_>) -> Request<Bytes> {
    try_broadcast(channel, stored, push).unwrap()
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

    let read = |r: &Response<Bytes>| ChannelAnswer::read_response(r, NOW).unwrap();
    let settings = ask(&mut service, &channels().read(&kept, &bearer()).unwrap(), read).unwrap();
    assert_eq!(settings.storage_policy, StoragePolicy::MostRecentMessage);

    let deleted = |r: &Response<Bytes>| {
        assert_eq!(r.status(), 204);
        ChannelAnswer::deleted_response(r, NOW)
    };
    ask(&mut service, &channels().delete(&dropped, &bearer()).unwrap(), deleted).unwrap();
    assert_eq!(list(&mut service), [kept]);

    let gone = ask(&mut service, &channels().read(&dropped, &bearer()).unwrap(), read).unwrap_err();
    assert_eq!(gone.reason.as_deref(), Some("ChannelNotRegistered"));
    assert_eq!(gone.action, Action::DropTarget { if_registered_before: None });
}

#[test]
fn a_broadcast_reaches_its_channel() {
    let mut service = service();
    let channel = create(&mut service, StoragePolicy::MostRecentMessage);
    let push = update().with_priority(Priority::Considerate).with_expiration(Expiration::At(NOW));
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
    let push = update().with_expiration(Expiration::At(NOW));
    let refused = try_broadcast(&channel, StoragePolicy::NoMessageStored, &push).unwrap_err();
    assert_eq!(refused, InvalidRequest::NotKept);
    for once in [update(), update().with_expiration(Expiration::Once)] {
        assert_eq!(
            service.handle(&broadcast(&channel, StoragePolicy::NoMessageStored, &once), NOW).status(),
            200
        );
    }
    // Said to be one that stores, it is refused by the service.
    let response = service.handle(&broadcast(&channel, StoragePolicy::MostRecentMessage, &push), NOW);
    assert_eq!(response.body(), &br#"{"reason":"BadExpirationDate"}"#[..]);
}

#[test]
fn eight_hours_and_not_a_millisecond_more() {
    const HOURS: Duration = Duration::from_secs(8 * 3_600);
    let mut service = service();
    let channel = create(&mut service, StoragePolicy::MostRecentMessage);
    let stored = StoragePolicy::MostRecentMessage;
    let until = |time| update().with_expiration(Expiration::At(time));
    let longest = broadcast(&channel, stored, &until(NOW + HOURS));
    assert_eq!(service.handle(&longest, NOW).status(), 200);
    let expiration = NOW + HOURS + Duration::from_millis(1);
    let refused = try_broadcast(&channel, stored, &until(expiration)).unwrap_err();
    assert_eq!(refused, InvalidRequest::KeptTooLong { expiration, latest: NOW + HOURS });
    // The service sees to it, too.
    let mut longer = longest;
    longer.headers_mut().insert("apns-expiration", (NOW.as_secs() + 8 * 3_600 + 1).into());
    assert_eq!(service.handle(&longer, NOW).body(), &br#"{"reason":"BadExpirationDate"}"#[..]);
    let seconds = UnixTime::from_millis(NOW.as_secs());
    let refused = try_broadcast(&channel, stored, &until(seconds)).unwrap_err();
    assert!(matches!(refused, InvalidRequest::Seconds { .. }), "{refused}");
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
    let InvalidRequest::TooLarge(refused) =
        try_broadcast(&channel, StoragePolicy::NoMessageStored, &over).unwrap_err()
    else {
        panic!()
    };
    assert_eq!(refused.size, 5_121);
    let names: Vec<_> = refused.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["alert.body", "timestamp", "event", "content-state", "alert.title"]);
    let cuts = over.fit(SizeLimit::Provider).unwrap();
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
    let response = service.handle(&channels().with_request_id(id).list(&bearer()).unwrap(), NOW);
    assert_eq!(response.headers()["apns-request-id"], id.to_string());
    let channel = create(&mut service, StoragePolicy::NoMessageStored);
    let push = update().with_request_id(id);
    let response = service.handle(&broadcast(&channel, StoragePolicy::NoMessageStored, &push), NOW);
    assert_eq!(response.headers()["apns-request-id"], id.to_string());
}

#[test]
fn a_channel_is_kept_with_its_policy() {
    let channel = Channel::new("Y2g=".parse().unwrap(), StoragePolicy::MostRecentMessage);
    let json = serde_json::to_string(&channel).unwrap();
    assert_eq!(json, r#"{"id":"Y2g=","message_storage_policy":1}"#);
    assert_eq!(serde_json::from_str::<Channel>(&json).unwrap(), channel);
}
