//! Which devices, and why not the others.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use reveille_conversation::event::Role;
use reveille_conversation::rules::Channels;
use reveille_conversation::{Channel, Kind};
use reveille_core::UnixTime;
use reveille_delivery::HeldBy;
use reveille_digest::quiet::{QuietHours, Span, Zone};
use reveille_gateway::{Input, Recipient, Target};
use reveille_registry::pause::Pauses;
use reveille_registry::{self as registry, Platform, Purpose, State, Token};
use reveille_writer::device::{Choice, Skip};
use reveille_writer::wishes::{Preferences, Quiet};
use reveille_writer::{Answer, Leg, Person, Written};
use support::*;

/// Every night from 22:00 to 07:00 in Berlin, winter time. `NOW` is 09:00 there.
fn nights(urgent_passes: bool) -> Quiet {
    let zone = Zone::from_transitions(3_600, []).unwrap();
    let spans = vec![Span { days: 0x7f, from: 22 * 60, to: 7 * 60 }];
    Quiet { hours: QuietHours::new(zone, spans).unwrap(), urgent_passes }
}

fn world() -> (World, Person) {
    let mut world = World::new();
    world.everything("kate");
    let person = world.person("kate");
    (world, person)
}

fn reasons(world: &World, recipient: &Recipient, person: &Person) -> Vec<Option<Skip>> {
    let picked = world.writer.pick(recipient, &mut person.clone(), NOW);
    let skip = |choice: &Choice| if let Choice::Skipped(skip) = choice { Some(*skip) } else { None };
    picked.each.iter().map(skip).collect()
}

/// Person-wide quiet is one answer for the job; what rings passes, if the person says so.
#[test]
fn quiet_hours_hold_until_their_end() {
    let (mut world, person) = world();
    let night = NOW + Duration::from_secs(14 * 3_600); // 23:00 there
    let morning = NOW + Duration::from_secs(22 * 3_600);
    for (urgent_passes, content, held) in
        [(true, message("kate"), true), (true, call("kate"), false), (false, call("kate"), true)]
    {
        let mut person = person.clone().with_quiet(nights(urgent_passes));
        let mut recipient = recipient(&content);
        recipient.not_after = UnixTime::MAX;
        let picked = world.writer.pick(&recipient, &mut person, night);
        let Answer::Deferred(deferred) = picked.answer else {
            assert!(!held, "{:?}", picked.answer);
            continue;
        };
        assert!(held);
        assert_eq!((deferred.device, deferred.until, deferred.by), (None, morning, HeldBy::Quiet));
        assert_eq!(picked.each.len(), 3);
        assert!(
            picked
                .each
                .iter()
                .all(|choice| matches!(choice, Choice::Held { until, .. } if *until == morning))
        );
        // In the morning it goes out.
        let picked = world.writer.pick(&recipient, &mut person, morning);
        let Input::Devices(devices) = picked.answer.into() else { panic!("still held") };
        assert_eq!(devices.devices.len(), 3);
        // A leg that is tried again at night waits, too, and costs no attempt.
        let mut job = world.job(&person, "android", &content);
        job.not_after = UnixTime::MAX;
        let written = world.write(&[Leg { job: &job, person: &person }], night);
        let Written::Deferred(deferred) = &written[0] else { panic!("{written:?}") };
        assert_eq!((deferred.device, deferred.until), (Some(job.target.id()), morning));
        assert!(matches!(written[0].input(), Some(Input::Deferred(_))));
    }
}

/// E9: a pause of one channel holds that channel back; the rest goes out, and what waits is counted once.
#[test]
fn a_pause_holds_its_channel() {
    let (mut world, person) = world();
    let noon = NOW + Duration::from_secs(3 * 3_600);
    let mut pauses = Pauses::default();
    pauses.pause(registry::pause::Channel::Mobile, Some(noon), true);
    let revision = pauses.revision();
    let mut person = person.with_pauses(pauses);
    let content = message("kate");
    let picked = world.writer.pick(&recipient(&content), &mut person, NOW);
    let Answer::Devices(devices) = &picked.answer else { panic!("{picked:?}") };
    assert_eq!(devices.devices.len(), 3, "the held ones are legs, too, and deferred one by one");
    let held = picked
        .each
        .iter()
        .filter(|choice| matches!(choice, Choice::Held { by: HeldBy::Pause, until, .. } if *until == noon));
    assert_eq!(held.count(), 2);
    assert_eq!(person.pauses().revision(), revision + 1, "two devices, one notification");

    let jobs: Vec<_> =
        devices.devices.iter().map(|device| job_for(Target::Device(*device), &content)).collect();
    let legs: Vec<_> = jobs.iter().map(|job| Leg { job, person: &person }).collect();
    let written = world.write(&legs, NOW);
    let ready = written.iter().filter(|written| matches!(written, Written::Ready(_))).count();
    assert_eq!((ready, written.iter().filter_map(Written::input).count()), (1, 2));
    assert_eq!(person.pauses().revision(), revision + 1, "who writes counts nothing");

    // A call passes, and in a pause without an end a message waits until it is of no use.
    let picked = world.writer.pick(&recipient(&call("kate")), &mut person, NOW);
    assert!(picked.each.iter().all(|choice| matches!(choice, Choice::Leg(_))));
    let mut pauses = Pauses::default();
    pauses.pause(registry::pause::Channel::Mobile, None, true);
    pauses.pause(registry::pause::Channel::WebPush, None, true);
    let mut person = person.with_pauses(pauses);
    let recipient = recipient(&content);
    let Answer::Deferred(deferred) = world.writer.pick(&recipient, &mut person, NOW).answer else { panic!() };
    assert_eq!((deferred.until, deferred.by), (recipient.not_after, HeldBy::Pause));
}

/// Every device that is left out has its reason.
#[test]
fn every_reason() {
    let (mut world, person) = world();
    let content = message("kate");
    let plain = recipient(&content);
    assert_eq!(reasons(&world, &plain, &person), [None, None, None]);
    let one = |change: &dyn Fn(&mut registry::Device)| {
        let mut record = person.devices()[0].clone();
        change(&mut record);
        reasons(&world, &plain, &Person::new([record]))[0].map_or("", Skip::name)
    };
    let since = NOW;
    let found = [
        one(&|_| {}),
        one(&|record| record.state = State::Suspect { since }),
        one(&|record| record.state = State::Quarantined { since }),
        one(&|record| record.state = State::Retired { since, why: registry::Retirement::Gone }),
        one(&|record| record.platform = Platform::Address),
        one(&|record| record.tokens.clear()),
        one(&|record| record.event = Some("c/1".to_owned())),
        one(&|record| record.event = Some("c/2".to_owned())),
        one(&|record| record.owner = "paul".to_owned()),
        one(&|record| record.key.app = "com.example.other".to_owned()),
        one(&|record| record.key.device = "x".repeat(200)),
    ];
    assert_eq!(
        found,
        [
            "",
            "",
            "not_reachable",
            "not_reachable",
            "address",
            "no_token",
            "",
            "other_event",
            "other_owner",
            "no_credential",
            "name"
        ]
    );
    let twice = Person::new([person.devices()[0].clone(), person.devices()[0].clone()]);
    assert_eq!(reasons(&world, &plain, &twice), [None, Some(Skip::Twice)]);

    let mut mobile = recipient(&content);
    mobile.channels = Channels::of(&[Channel::Mobile]);
    let browser = |reason| [None, Some(reason), None];
    let at = |name: &str| {
        person.devices().iter().position(|record| record.key.device == format!("kate/{name}")).unwrap()
    };
    assert_eq!((at("android"), at("browser"), at("iphone")), (0, 1, 2));
    assert_eq!(reasons(&world, &mobile, &person), browser(Skip::Channel));
    let mut looking = recipient(&content);
    looking.except = vec![world.target(&person, "browser").id()].into();
    assert_eq!(reasons(&world, &looking, &person), browser(Skip::Excepted));
    let wishes = Preferences::default().without(Kind::NewMessage, Channels::of(&[Channel::WebPush]));
    let wishing = person.clone().with_preferences(wishes);
    assert_eq!(reasons(&world, &plain, &wishing), browser(Skip::Unwanted));
    assert_eq!(reasons(&world, &recipient(&call("kate")), &wishing), [None; 3]);
    let wishing = person.clone().with_preferences(Preferences::default().without_app(APP));
    assert_eq!(reasons(&world, &plain, &wishing), [Some(Skip::Unwanted); 3]);
    let mut late = recipient(&content);
    late.not_after = NOW;
    assert_eq!(reasons(&world, &late, &person), [Some(Skip::Late); 3]);
    // Who may have been told hears that it is over.
    late.maybe_again = true;
    assert_eq!(reasons(&world, &late, &person), [None; 3]);

    // Nobody: an answer, too. It sets off the fallback.
    let mut nobody = Person::default();
    let picked = world.writer.pick(&plain, &mut nobody, NOW);
    assert!(matches!(&picked.answer, Answer::Devices(devices) if devices.devices.is_empty()));
    world.drain(NOW);
}

/// B3: a call rings at the token for calls where there is one, else at the other; offers never ring (B1).
#[test]
fn one_token_per_device() {
    let mut world = World::new();
    world.iphone("kate", "iphone");
    let alert = Token::new(Purpose::ApnsAlert, "00aa");
    world.register("kate", "old", Platform::Ios, vec![alert]);
    world.register("kate", "only-voip", Platform::Ios, vec![Token::new(Purpose::ApnsVoip, "00bb")]);
    let person = world.person("kate");
    let picked = |kind| reasons(&world, &recipient(&show("kate", kind, Role::Primary)), &person);
    assert_eq!(picked(Kind::IncomingCall), [None, None, None]);
    assert_eq!(picked(Kind::IncomingOffer), [None, None, Some(Skip::NoToken)]);
    assert_eq!(picked(Kind::MissedCall), [None, None, Some(Skip::NoToken)]);
}
