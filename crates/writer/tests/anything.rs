//! Any record, any person, any job, any time: one result for each, and never a panic.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use reveille_conversation::event::Role;
use reveille_conversation::lookup::Takes;
use reveille_conversation::rules::{CancelForm, Channels};
use reveille_conversation::text::Text;
use reveille_conversation::{Cause, Channel, Forms, Kind};
use reveille_core::UnixTime;
use reveille_delivery::{DeviceId, JobId, LegId, Priority};
use reveille_digest::quiet::{QuietHours, Span, Zone};
use reveille_gateway::{Content, Job, Recipient, Target};
use reveille_registry::pause::Pauses;
use reveille_registry::{self as registry, Device, Retirement, State};
use reveille_writer::device::Choice;
use reveille_writer::wishes::{Preferences, Quiet};
use reveille_writer::{Answer, Leg, Person, Written};
use support::*;

/// Mostly within `span` of the beginning.
fn times(span: std::ops::Range<u64>) -> impl Strategy<Value = UnixTime> {
    prop_oneof![
        8 => span.prop_map(|secs| NOW + Duration::from_secs(secs)),
        1 => any::<u64>().prop_map(UnixTime::from_millis),
        1 => Just(NOW),
    ]
}

/// When it is of no more use: mostly later than anything happens here.
fn ends() -> impl Strategy<Value = UnixTime> {
    times(3_000..100_000)
}

fn channels() -> impl Strategy<Value = Channels> {
    prop_oneof![
        3 => Just(Channels::ALL),
        1 => proptest::sample::subsequence(Channel::ALL, 0..=4).prop_map(|list| Channels::of(&list)),
    ]
}

/// What people write: anything.
fn texts() -> impl Strategy<Value = Option<Text>> {
    prop_oneof![Just(None), ".{0,80}".prop_map(|text| Some(Text::new(&text)))]
}

fn contents() -> impl Strategy<Value = Arc<Content>> {
    let show = (select(Kind::ALL), select(Role::ALL), texts(), texts(), ends(), channels(), any::<u32>());
    let show = show.prop_map(|(kind, role, from, snippet, not_after, channels, unread)| {
        let mut intent = intent("kate", kind, role);
        (intent.arguments.from, intent.arguments.snippet, intent.arguments.unread) = (from, snippet, unread);
        (intent.not_after, intent.channels) = (not_after, channels);
        Content::Show { intent: Box::new(intent), messages: unread, senders: 1, announcement: None }
    });
    let form = || select(CancelForm::ALL);
    let back = (
        select(Kind::ALL),
        select(Takes::ALL),
        select(Cause::ALL),
        form(),
        form(),
        form(),
        ends(),
        channels(),
    );
    let back = back.prop_map(|(kind, how, cause, apns, fcm, web_push, not_after, channels)| {
        let mut withdraw = withdraw("kate", kind, how);
        withdraw.forms = Forms { apns, fcm, web_push };
        (withdraw.cause, withdraw.not_after, withdraw.channels) = (cause, not_after, channels);
        Content::TakeBack(Box::new(withdraw))
    });
    prop_oneof![3 => show, 1 => back].prop_map(Arc::new)
}

/// A record of JSON, so that it is any that a store may hold. `browser` is a subscription that a service takes.
fn records(browser: String) -> impl Strategy<Value = Device> {
    const PURPOSES: [&str; 8] =
        ["web_push", "apns_alert", "fcm_token", "apns_voip", "fcm_installation", "email", "phone", "webhook"];
    let good = move |purpose: &str| match purpose {
        "web_push" => browser.clone(),
        "apns_alert" | "apns_voip" => "00aa".to_owned(),
        _ => "dQw4w9WgXcQ-3f5h7j9k1m".to_owned(),
    };
    let value = prop_oneof![5 => Just(None), 1 => ".{0,40}".prop_map(Some)];
    let key = prop_oneof![5 => Just(None), 1 => Just(Some("AAECAwQFBgc".to_owned())), 1 => ".{0,12}".prop_map(Some)];
    let environment = select(vec![None, Some("production"), Some("sandbox")]);
    let purpose = prop_oneof![4 => select(&PURPOSES[..3]), 1 => select(&PURPOSES[..])];
    let token = (purpose, value, key, environment).prop_map(move |(purpose, value, key, environment)| {
        serde_json::json!({
            "purpose": purpose, "value": value.unwrap_or_else(|| good(purpose)), "vapid_key": key,
            "environment": environment, "registered": 1, "since_revision": 1,
            "suspicion": registry::Token::new(registry::Purpose::Email, "x").suspicion,
        })
    });
    let state = prop_oneof![
        6 => Just(State::Active),
        1 => Just(State::Suspect { since: NOW }),
        1 => Just(State::Quarantined { since: NOW }),
        1 => Just(State::Retired { since: NOW, why: Retirement::Gone }),
    ];
    let app = prop_oneof![9 => Just(APP.to_owned()), 1 => ".{0,140}"];
    let device = prop_oneof![6 => "[a-h]", 1 => ".{0,300}"];
    let owner = prop_oneof![9 => Just("kate".to_owned()), 1 => Just("paul".to_owned())];
    let event = prop_oneof![9 => Just(None), 1 => Just(Some("c/1")), 1 => Just(Some("c/2"))];
    let platform = select(vec!["ios", "mac_os", "android", "web", "web", "address"]);
    let locale = prop_oneof![Just(None), Just(Some("de_AT".to_owned())), ".{0,12}".prop_map(Some)];
    let parts = (
        (app, device, owner, platform),
        (state, event, locale, any::<u64>()),
        prop::collection::vec(token, 0..5),
    );
    parts.prop_map(|((app, device, owner, platform), (state, event, locale, revision), tokens)| {
        serde_json::from_value(serde_json::json!({
            "v": 1, "key": {"app": app, "device": device}, "owner": owner, "platform": platform, "locale": locale,
            "tokens": tokens, "revision": revision, "state": state, "registered": 1, "last_seen": 1, "event": event,
        }))
        .unwrap()
    })
}

fn people(browser: String) -> impl Strategy<Value = Person> {
    let days = prop_oneof![Just(0x7f), any::<u8>()];
    let quiet = (any::<bool>(), -1440_i16..=1440, 0_u16..1440, 0_u16..=1440, days, any::<bool>());
    let pause = (any::<bool>(), any::<bool>(), prop::option::of(ends()), any::<bool>());
    let wishes = prop::option::of((select(Kind::ALL), channels()));
    let all =
        (prop::collection::vec(records(browser), 0..6), quiet, pause, wishes, prop::option::of(any::<u32>()));
    all.prop_map(|(records, quiet, (mobile, web, until, passes), wishes, badge)| {
        let mut person = Person::new(records);
        let (is_quiet, offset, from, to, days, urgent_passes) = quiet;
        if is_quiet {
            let hours =
                QuietHours::new(Zone::new(offset, vec![]).unwrap(), vec![Span { days, from, to }]).unwrap();
            person = person.with_quiet(Quiet { hours, urgent_passes });
        }
        let mut pauses = Pauses::default();
        for (paused, channel) in
            [(mobile, registry::pause::Channel::Mobile), (web, registry::pause::Channel::WebPush)]
        {
            if paused {
                pauses.pause(channel, until, passes);
            }
        }
        if let Some((kind, channels)) = wishes {
            person = person.with_preferences(Preferences::default().without(kind, channels));
        }
        if let Some(badge) = badge {
            person = person.with_badge(badge);
        }
        person.with_pauses(pauses)
    })
}

/// What arrives at a service must be a request that it can read, whatever was in the record.
fn check(ready: &reveille_writer::Ready, job: &Job) -> Result<(), TestCaseError> {
    prop_assert_eq!(ready.sent.leg(), job.leg);
    prop_assert!(!ready.request.body().is_empty());
    prop_assert!(ready.request.headers().get("authorization").unwrap().is_sensitive());
    prop_assert!(ready.request.uri().host().is_some());
    prop_assert!(ready.request.body().len() <= 4_096 || ready.way.service.0 != 2);
    Ok(())
}

#[test]
fn any_record_and_any_job_give_a_request_or_a_reason() {
    let mut world = World::new();
    world.everything("kate");
    let known = world.person("kate");
    let browser = known
        .devices()
        .iter()
        .flat_map(|device| &device.tokens)
        .map(|token| token.value.expose().to_owned())
        .collect();
    world.writer.warm(NOW);
    world.drain(NOW);
    let strategy = (people(browser), prop::collection::vec(contents(), 1..5), times(0..3_000), any::<u8>());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(400));
    let counts = std::cell::RefCell::new(std::collections::BTreeMap::<String, u32>::new());
    let count = |name: &str| *counts.borrow_mut().entry(name.to_owned()).or_default() += 1;
    let result = runner.run(&strategy, |(person, contents, now, stranger)| {
        let mut jobs = Vec::new();
        for content in &contents {
            let mut recipient = Recipient::new(JobId::from_bits(3), content, now + Duration::from_secs(60));
            recipient.priority = if stranger % 2 == 0 { Priority::Urgent } else { Priority::Normal };
            let mut asked = person.clone();
            let picked = world.writer.pick(&recipient, &mut asked, now);
            prop_assert_eq!(picked.each.len(), person.devices().len(), "a word about every device");
            let whole: Vec<_> = picked
                .each
                .iter()
                .filter_map(|choice| match choice {
                    Choice::Leg(device) | Choice::Held { device, .. } => Some(*device),
                    Choice::Skipped(skip) => {
                        count(skip.name());
                        None
                    }
                    _ => None,
                })
                .collect();
            let legs = picked.each.iter().any(|choice| matches!(choice, Choice::Leg(_)));
            match &picked.answer {
                Answer::Devices(devices) => {
                    prop_assert_eq!(&devices.devices, &whole);
                    prop_assert!(legs || whole.is_empty());
                }
                Answer::Deferred(deferred) => {
                    prop_assert!(!legs && !whole.is_empty());
                    prop_assert!(deferred.until > now, "a wait that is over is none");
                }
            }
            let mut ids: Vec<_> = whole.iter().map(|device| device.id).collect();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), whole.len(), "one leg per device");

            // Whatever was picked, and all the others.
            let named = person.devices().iter().filter_map(|record| world.writer.device_id(record));
            let others = [DeviceId::from_bits(stranger.into())];
            for id in named.chain(others) {
                let target = Target::Device(reveille_delivery::Device::new(id, 1));
                let job = JobId::from_bits(9);
                jobs.push(Job::new(job, LegId::of(job, id), target, Arc::clone(content), now));
            }
            jobs.push(Job::new(
                JobId::from_bits(9),
                LegId::from_bits(1),
                Target::Sms,
                Arc::clone(content),
                now,
            ));
        }
        let legs: Vec<_> = jobs.iter().map(|job| Leg { job, person: &person }).collect();
        let written = world.writer.write(&legs, now);
        prop_assert_eq!(written.len(), jobs.len(), "one result per leg");
        for (job, written) in jobs.iter().zip(&written) {
            match written {
                Written::Ready(ready) => {
                    count("ready");
                    check(ready, job)?;
                }
                Written::Deferred(deferred) => {
                    count(deferred.by.name());
                    prop_assert!(deferred.until > now || now == UnixTime::MAX);
                    prop_assert_eq!(deferred.device, Some(job.target.id()));
                    prop_assert!(
                        deferred.by == reveille_delivery::HeldBy::Credential || !job.content.takes_back()
                    );
                }
                Written::Unwritten { outcome, why, effect } => {
                    count(why.name());
                    prop_assert_eq!(&outcome.verdict, &why.verdict());
                    prop_assert_eq!(effect.is_some(), outcome.verdict.name() == "suspect_target");
                    prop_assert!(!why.to_string().is_empty());
                }
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
        }
        Ok(())
    });
    result.unwrap();
    // The test has seen what it speaks of.
    let counts = counts.into_inner();
    for name in [
        "ready",
        "quiet",
        "pause",
        "late",
        "no_device",
        "no_token",
        "invalid_token",
        "invalid_subscription",
        "not_a_device",
        "other_owner",
        "name",
        "channel",
        "twice",
    ] {
        assert!(counts.get(name).is_some_and(|count| *count > 2), "{name}: {counts:?}");
    }
}
