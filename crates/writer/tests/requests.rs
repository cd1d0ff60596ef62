//! What is written is taken by the services, and opened by the devices.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use reveille_conversation::Kind;
use reveille_conversation::event::Role;
use reveille_conversation::lookup::Takes;
use reveille_core::UnixTime;
use reveille_crypto_lanes::Lanes;
use reveille_delivery::Device;
use reveille_delivery::pacer::{LaneSettings, Pacer, PacerSettings};
use reveille_gateway::{Input, class};
use reveille_registry::{Platform, Purpose, Token};
use reveille_writer::{Leg, Person, Written};
use serde_json::json;
use support::*;

static LANES: Lanes = Lanes::over(reveille_crypto_ring::PROVIDER);

/// All kinds, all services: picked, written, accepted, opened; every name is where it belongs.
#[test]
fn every_kind_arrives_on_every_device() {
    let mut world = World::new();
    world.everything("kate");
    let mut person = world.person("kate").with_badge(3);
    for kind in Kind::ALL {
        for role in [Role::Visitor, Role::Primary] {
            let content = show("kate", *kind, role);
            let picked = world.writer.pick(&recipient(&content), &mut person, NOW);
            let Input::Devices(devices) = Input::from(picked.answer) else { panic!("{kind}") };
            assert_eq!(devices.devices.len(), 3, "{:?}", picked.each);
            let jobs: Vec<_> = devices
                .devices
                .iter()
                .map(|device| job_for(reveille_gateway::Target::Device(*device), &content))
                .collect();
            let legs: Vec<_> = jobs.iter().map(|job| Leg { job, person: &person }).collect();
            for (job, written) in jobs.iter().zip(world.write(&legs, NOW)) {
                let ready = ready(written);
                assert!(ready.visible && ready.cuts.is_empty() && ready.without_token.is_none());
                let arrived = world.arrive(&ready, NOW);
                let data = arrived.data();
                assert_eq!(data["conversationId"], "c/1");
                assert_eq!(data["resumeToken"].is_string(), role == Role::Visitor, "{kind}: {data}");
                assert_eq!(data["timestamp"], NOW.as_millis().to_string(), "the job's time");
                if let Arrived::Apple(push) = arrived {
                    assert_eq!(push.id, job.name());
                    let rings = *kind == Kind::IncomingCall;
                    assert_eq!(push.topic == format!("{APP}.voip"), rings, "{kind}");
                    assert_eq!(
                        push.device.ends_with("bb"),
                        rings,
                        "one phone rings once: by the token for calls"
                    );
                    let collapse = (!rings).then(|| job.collapse.to_string());
                    assert_eq!(push.collapse_id, collapse);
                }
            }
        }
    }
}

/// The same names, times and resume token for every attempt; encryption is anew.
#[test]
fn a_leg_written_again_is_the_same_message() {
    let mut world = World::new();
    world.everything("kate");
    let person = world.person("kate");
    let content = message("kate");
    for device in ["browser", "iphone", "android"] {
        let mut job = world.job(&person, device, &content);
        let first = world.write(&[Leg { job: &job, person: &person }], NOW).pop().unwrap();
        let first = ready(first);
        (job.attempt, job.maybe_again) = (2, true);
        let later = NOW + Duration::from_secs(61);
        let again = ready(world.write(&[Leg { job: &job, person: &person }], later).pop().unwrap());
        for name in ["apns-id", "apns-collapse-id", "apns-expiration", "topic", "urgency"] {
            assert_eq!(first.request.headers().get(name), again.request.headers().get(name), "{name}");
        }
        assert_eq!(first.request.uri(), again.request.uri());
        assert_eq!((first.sent.leg(), first.way), (again.sent.leg(), again.way));
        assert_eq!((first.sent.attempt(), again.sent.attempt()), (1, 2));
        if device == "browser" {
            assert_ne!(first.request.body(), again.request.body(), "RFC 8291 §3.1: a key pair for each");
        }
        let (first, again) = (world.arrive(&first, NOW), world.arrive(&again, later));
        assert_eq!(first.data(), again.data(), "the resume token, too");
        assert!(first.data()["resumeToken"].is_string());
    }
}

/// Devices of one person that get the same words share one message; another language, another person, or a resume token, and
/// they do not. Written together or one by one, each gets the same.
#[test]
fn devices_of_one_person_share_a_message() {
    for role in [Role::Primary, Role::Visitor] {
        let mut world = World::new();
        let names = ["a", "b", "c", "d", "e", "f"];
        for owner in ["kate", "paul"] {
            for name in &names[..2] {
                world.browser(owner, name);
            }
            for name in &names[2..4] {
                world.android(owner, name);
            }
            world.iphone(owner, names[4]);
            let another = if owner == "kate" { "00e1" } else { "00e2" };
            let another = vec![Token::new(Purpose::ApnsAlert, another)];
            world.register(owner, names[5], Platform::Ios, another);
        }
        let people = ["kate", "paul"].map(|owner| world.person(owner));
        let contents = ["kate", "paul"].map(|owner| show(owner, Kind::NewMessage, role));
        let mut jobs = Vec::new();
        for (person, content) in people.iter().zip(&contents) {
            for name in names {
                jobs.push((world.job(person, name, content), person));
            }
        }
        let legs: Vec<_> = jobs.iter().map(|(job, person)| Leg { job, person }).collect();
        let together: Vec<_> = world.write(&legs, NOW).into_iter().map(ready).collect();
        for (leg, together) in legs.iter().zip(together) {
            let alone = ready(world.write(&[*leg], NOW).pop().unwrap());
            let (alone, together) = (world.arrive(&alone, NOW), world.arrive(&together, NOW));
            assert_eq!(alone.data(), together.data());
            assert_eq!(together.data()["userId"], leg.job.person.as_str());
            assert_eq!(together.data()["resumeToken"].is_string(), role == Role::Visitor);
        }
    }
}

/// 120 legs over three services, with lanes where the processor has them: each is the one that was asked for.
#[test]
fn a_mixed_batch_keeps_its_order() {
    let mut world = World::with(LANES.provider(), provider_key());
    let names: Vec<String> = (0..40).map(|at| format!("person-{at}")).collect();
    for name in &names {
        world.everything(name);
    }
    let people: Vec<Person> = names.iter().map(|name| world.person(name)).collect();
    let mut jobs = Vec::new();
    for (at, (name, person)) in names.iter().zip(&people).enumerate() {
        let content = if at % 3 == 0 { call(name) } else { message(name) };
        for device in ["browser", "iphone", "android"] {
            jobs.push((world.job(person, device, &content), person, name));
        }
    }
    // A stranger in the middle spoils nothing.
    jobs[50].0.target = reveille_gateway::Target::Webhook;
    let legs: Vec<_> = jobs.iter().map(|(job, person, _)| Leg { job, person }).collect();
    let written = world.write(&legs, NOW);
    assert_eq!(written.len(), 120);
    for (at, ((job, _, name), written)) in jobs.iter().zip(written).enumerate() {
        if at == 50 {
            let Written::Unwritten { outcome, why, effect } = written else { panic!("{written:?}") };
            assert_eq!((why.name(), outcome.verdict.name(), effect), ("not_a_device", "give_up", None));
            continue;
        }
        let ready = ready(written);
        assert_eq!(ready.sent.leg(), job.leg);
        let arrived = world.arrive(&ready, NOW);
        assert_eq!(arrived.data()["userId"], **name);
    }
    // Everything was counted, and nothing twice.
    let counters = world.writer.counters();
    let written: u64 =
        ["web_push", "apns", "fcm"].map(|to| counters.of(&format!("written:{to}"))).iter().sum();
    assert_eq!((written, counters.of("unwritten:not_a_device")), (119, 1));
    assert_eq!(counters.histogram("batch_legs").map(|sizes| sizes.sum()), Some(120));
    assert_eq!(counters.histogram("body_bytes").map(|sizes| sizes.count()), Some(119));
}

/// B7: a cancel goes to the token that rang, in its form, whatever the person wishes by now.
#[test]
fn what_is_taken_back_goes_where_it_was() {
    let mut world = World::new();
    world.everything("kate");
    let mut pauses = reveille_registry::pause::Pauses::default();
    pauses.pause(reveille_registry::pause::Channel::Mobile, None, false);
    pauses.pause(reveille_registry::pause::Channel::WebPush, None, false);
    let person = world.person("kate").with_pauses(pauses);
    let cancel = take_back("kate", Kind::IncomingCall, Takes::Cancel);
    let invalidate = take_back("kate", Kind::NewMessage, Takes::Invalidate);
    for (content, action) in [(&cancel, "cancel_ring"), (&invalidate, "invalidate")] {
        for device in ["browser", "iphone", "android"] {
            let job = world.job(&person, device, content);
            let ready = ready(world.write(&[Leg { job: &job, person: &person }], NOW).pop().unwrap());
            let silent = content.kind() == Kind::NewMessage || device == "android";
            assert_eq!(ready.visible, !silent, "{device} {action}");
            let arrived = world.arrive(&ready, NOW);
            assert_eq!(arrived.data()["action"], action, "{arrived:?}");
            assert_eq!(arrived.data()["resumeToken"], json!(null));
            if let Arrived::Apple(push) = arrived {
                let push_type = if content.kind() == Kind::IncomingCall { "voip" } else { "background" };
                assert_eq!(push.push_type, push_type);
            }
        }
    }
}

/// The locale of the device chooses the language, with or without its region, in either way of writing.
#[test]
fn every_device_reads_its_own_language() {
    let mut world = World::new();
    world.android("kate", "android");
    for (locale, title) in [
        (Some("de"), "Anruf"),
        (Some("de-AT"), "Anruf"),
        (Some("DE_at"), "Anruf"),
        (Some("den"), "Incoming call"),
        (Some("fr"), "Incoming call"),
        (Some(""), "Incoming call"),
        (None, "Incoming call"),
    ] {
        let mut records = world.person("kate").devices().to_vec();
        records[0].locale = locale.map(str::to_owned);
        let person = Person::new(records);
        let job = world.job(&person, "android", &call("kate"));
        let ready = ready(world.write(&[Leg { job: &job, person: &person }], NOW).pop().unwrap());
        assert_eq!(world.arrive(&ready, NOW).title(), title, "{locale:?}");
    }
}

/// A token that was rotated while the job waited is the one that is used; what is found out is about the new record.
#[test]
fn a_rotated_token_is_found() {
    let mut world = World::new();
    world.android("kate", "android");
    let person = world.person("kate");
    let job = world.job(&person, "android", &message("kate"));
    world.fcm.device("fcm-new", reveille_testkit::fcm::Device::Registered);
    let token = Token::new(Purpose::FcmToken, "fcm-new");
    world.register("kate", "android", Platform::Android, vec![token]);
    let person = world.person("kate");
    let ready = ready(world.write(&[Leg { job: &job, person: &person }], NOW).pop().unwrap());
    assert!(ready.request.body().ends_with(br#""token":"fcm-new"}}"#));
    let target = job.target.device().unwrap();
    let expected = Device { revision: 2, class: class::FCM, ..target };
    assert_eq!((target.revision, ready.sent.device()), (1, expected));
}

/// What goes together on its way has one name; what does not, has not.
#[test]
fn ways() {
    let mut world = World::new();
    for name in ["kate", "paul"] {
        world.everything(name);
    }
    let way = |world: &mut World, name: &str, device: &str| {
        let person = world.person(name);
        let job = world.job(&person, device, &message(name));
        let ready = ready(world.write(&[Leg { job: &job, person: &person }], NOW).pop().unwrap());
        (ready.way, ready, job)
    };
    let mut ways = Vec::new();
    for device in ["browser", "iphone", "android"] {
        let (one, ..) = way(&mut world, "kate", device);
        let (other, ..) = way(&mut world, "paul", device);
        assert_eq!(one, other);
        ways.push((one.service, one.lane, one.credential));
    }
    ways.dedup();
    assert_eq!(ways.len(), 3);

    // And through a pacer, back to the request.
    let (way, ready, job) = way(&mut world, "kate", "android");
    let settings = PacerSettings::default().with_lane(way.service, LaneSettings::default());
    let mut pacer = Pacer::new(settings, 1);
    let offer = ready.into_offer(&job);
    assert_eq!((offer.leg, offer.not_after), (job.leg, job.not_after));
    assert!(offer.recipient != 0 && offer.device != 0 && offer.bytes > 0);
    assert!(pacer.offer(offer, NOW).is_ok());
    let leave = pacer.next(NOW).unwrap();
    assert_eq!(leave.content.sent.leg(), job.leg);
    pacer.give_back(leave.ticket, NOW);
}

/// Nothing that can be printed holds what can be used.
#[test]
fn nothing_secret_is_printed() {
    let mut world = World::new();
    world.everything("kate");
    let person = world.person("kate");
    let content = message("kate");
    let jobs = ["browser", "iphone", "android"].map(|device| world.job(&person, device, &content));
    let legs: Vec<_> = jobs.iter().map(|job| Leg { job, person: &person }).collect();
    let written = world.write(&legs, NOW);
    let mut printed = format!("{written:?} {legs:?} {:?}", world.writer);
    let mut secrets = Vec::new();
    for written in written {
        let ready = ready(written);
        let uri = ready.request.uri().clone();
        if uri.host() != Some("fcm.googleapis.com") {
            secrets.push(uri.path().rsplit('/').next().unwrap().to_owned());
        }
        let authorization = ready.request.headers()["authorization"].to_str().unwrap().to_owned();
        secrets.push(authorization.split(' ').nth(1).unwrap().to_owned());
        let data = world.arrive(&ready, NOW).data();
        secrets.push(data["resumeToken"].as_str().unwrap().to_owned());
    }
    secrets.push("fcm-kate-android".to_owned());
    // A service that repeats what it was sent.
    for written in world.write(&legs, NOW) {
        let ready = ready(written);
        let own = match ready.request.uri().host() {
            Some("fcm.googleapis.com") => "fcm-kate-android".to_owned(),
            _ => ready.request.uri().path().to_owned(),
        };
        let mut response = http::Response::new(format!("no such thing: {own}"));
        *response.status_mut() = http::StatusCode::BAD_REQUEST;
        printed += &format!("{:?}", world.writer.read(&ready.sent, &response, UnixTime::MAX));
    }
    for secret in secrets {
        assert!(secret.len() > 9 && !printed.contains(&secret), "{secret} is printed");
    }
    assert!(printed.contains("Sent {"), "it did print something");
}

/// One writer for all threads: each gets its own batches right, and the credentials are asked for once.
#[test]
fn shared_by_threads() {
    let mut world = World::new();
    let names: Vec<String> = (0..8).map(|at| format!("person-{at}")).collect();
    for name in &names {
        world.everything(name);
    }
    let people: Vec<Person> = names.iter().map(|name| world.person(name)).collect();
    let jobs: Vec<Vec<_>> = names
        .iter()
        .zip(&people)
        .map(|(name, person)| {
            let content = message(name);
            ["browser", "iphone", "android"].map(|device| world.job(person, device, &content)).to_vec()
        })
        .collect();
    world.writer.warm(NOW);
    world.drain(NOW);
    let writer = &world.writer;
    let written: Vec<Vec<Written>> = std::thread::scope(|scope| {
        let threads = jobs.iter().zip(&people).map(|(jobs, person)| {
            scope.spawn(move || {
                let legs: Vec<_> = jobs.iter().map(|job| Leg { job, person }).collect();
                writer.write(&legs, NOW)
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut authorizations = std::collections::BTreeSet::new();
    for (name, written) in names.iter().zip(written) {
        assert_eq!(written.len(), 3);
        for written in written {
            let ready = ready(written);
            let value = ready.request.headers()["authorization"].to_str().unwrap();
            authorizations.insert(value.to_owned());
            assert_eq!(world.arrive(&ready, NOW).data()["userId"], **name);
        }
    }
    assert_eq!((authorizations.len(), world.fetched()), (3, 1), "one token for each service");
}
