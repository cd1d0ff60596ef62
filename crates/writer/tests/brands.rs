//! What an app or brand does otherwise than others: rules, texts, links; and how often a browser gets what shows nothing.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use reveille_content::{ContentSettings, Templates};
use reveille_conversation::content::Texts;
use reveille_conversation::event::Role;
use reveille_conversation::lookup::Takes;
use reveille_conversation::rules::{AppRules, Rules};
use reveille_conversation::{Kind, Reason};
use reveille_gateway::Content;
use reveille_writer::device::{Choice, Skip};
use reveille_writer::{Languages, Leg, Person, Written};
use support::*;

fn app_rules(text: &str) -> AppRules {
    AppRules::from_toml(text, &Rules::default()).unwrap()
}

fn world() -> (World, Person) {
    let mut world = World::new();
    world.everything("kate");
    let person = world.person("kate");
    (world, person)
}

/// Of android, browser and iphone.
fn skipped(world: &World, person: &Person, content: &Content) -> [Option<Skip>; 3] {
    let picked = world.writer.pick(&recipient(content), &mut person.clone(), NOW);
    let skip = |choice: &Choice| if let Choice::Skipped(skip) = choice { Some(*skip) } else { None };
    picked.each.iter().map(skip).collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn an_app_is_told_what_its_rules_allow() {
    let (mut world, person) = world();
    let ring = show("kate", Kind::IncomingCall, Role::Primary);
    let missed = show("kate", Kind::MissedCall, Role::Primary);
    let guest = show("kate", Kind::NewMessage, Role::Visitor);
    for content in [&ring, &missed, &guest] {
        assert_eq!(skipped(&world, &person, content), [None; 3]);
    }
    let text = "[channels]\nmissed_call = [\"web_push\"]\n[kill]\nvisitor = true\n";
    world.rebrand(|app| app.with_rules(app_rules(text)), &Rules::default());
    assert_eq!(skipped(&world, &person, &ring), [None; 3]);
    let no_channel = Some(Skip::AppRules { reason: Reason::NoChannel });
    assert_eq!(skipped(&world, &person, &missed), [no_channel, None, no_channel]);
    assert_eq!(skipped(&world, &person, &guest), [Some(Skip::AppRules { reason: Reason::KilledRole }); 3]);
    // What was told before the switch was thrown is taken back all the same.
    assert_eq!(skipped(&world, &person, &take_back("kate", Kind::NewMessage, Takes::Invalidate)), [None; 3]);
}

#[test]
fn the_kill_switch_stops_an_app() {
    let (mut world, person) = world();
    let rules = Rules::from_toml("[kill]\napps = [\"com.example.app\"]\n").unwrap();
    world.rebrand(|app| app, &rules);
    assert_eq!(skipped(&world, &person, &call("kate")), [Some(Skip::Killed); 3]);
    assert_eq!(Skip::Killed.name(), "killed_app");
    assert_eq!(skipped(&world, &person, &take_back("kate", Kind::IncomingCall, Takes::Cancel)), [None; 3]);
    let rules = Rules::from_toml("[kill]\napps = [\"com.example.other\"]\n").unwrap();
    world.rebrand(|app| app, &rules);
    assert_eq!(skipped(&world, &person, &call("kate")), [None; 3]);
}

#[test]
fn a_cancel_has_the_form_of_its_app() {
    let (mut world, person) = world();
    let cancel = take_back("kate", Kind::IncomingCall, Takes::Cancel);
    let visible = |world: &mut World, device: &str| {
        let job = world.job(&person, device, &cancel);
        ready(world.write(&[Leg { job: &job, person: &person }], NOW).pop().unwrap()).visible
    };
    assert!(visible(&mut world, "browser") && !visible(&mut world, "android"));
    let text = "[cancels]\nweb_push = \"data\"\nfcm = \"replacement\"\n";
    world.rebrand(|app| app.with_rules(app_rules(text)), &Rules::default());
    assert!(!visible(&mut world, "browser") && visible(&mut world, "android"));
}

#[test]
fn a_brand_speaks_with_its_own_words() {
    let (mut world, _) = world();
    let own = |language, title| {
        let texts = Texts::new(language, [("incoming_call.title", title)]).unwrap();
        Templates::new("https://brand.example", texts, ContentSettings::default()).unwrap()
    };
    let texts = Languages::new(own("en", "Ring ring")).with(own("de", "Klingeling"));
    world.rebrand(|app| app.with_texts(Arc::new(texts)), &Rules::default());
    for (locale, title) in [(None, "Ring ring"), (Some("de-AT"), "Klingeling"), (Some("fr"), "Ring ring")] {
        let mut records = world.person("kate").devices().to_vec();
        records.iter_mut().for_each(|record| record.locale = locale.map(str::to_owned));
        let person = Person::new(records);
        let job = world.job(&person, "browser", &call("kate"));
        let ready = ready(world.write(&[Leg { job: &job, person: &person }], NOW).pop().unwrap());
        let arrived = world.arrive(&ready, NOW);
        assert_eq!(arrived.title(), title);
        let Arrived::Browser(push) = arrived else { panic!("a browser") };
        let link = push["notification"]["navigate"].as_str().unwrap();
        assert!(link.starts_with("https://brand.example/"), "{link}");
    }
}

#[test]
fn browsers_get_few_pushes_that_show_nothing() {
    let (mut world, person) = world();
    let day = Duration::from_secs(86_400);
    let invalidate = take_back("kate", Kind::NewMessage, Takes::Invalidate);
    let mut number = 0;
    let mut write = |world: &mut World, device: &str, content: &Arc<Content>, now| {
        number += 1;
        let mut job = job_for(world.target(&person, device), content);
        job.leg = reveille_delivery::LegId::from_bits(number);
        job.not_after = now + day;
        world.write(&[Leg { job: &job, person: &person }], now).pop().unwrap()
    };
    for _ in 0..3 {
        assert!(matches!(write(&mut world, "browser", &invalidate, NOW), Written::Ready(_)));
    }
    let fourth = write(&mut world, "browser", &invalidate, NOW);
    let Written::Silent { outcome } = &fourth else { panic!("{fourth:?}") };
    assert_eq!(outcome.verdict, reveille_delivery::Verdict::Accepted { status: 0 });
    assert!(fourth.input().is_some(), "the gateway is told that it is done");
    let counters = world.writer.counters();
    assert!(counters.totals.contains(&("silent:invisible_budget".to_owned(), 1)), "{counters:?}");
    // What is shown, other platforms, and another day are no part of it.
    assert!(matches!(write(&mut world, "browser", &message("kate"), NOW), Written::Ready(_)));
    assert!(matches!(write(&mut world, "android", &invalidate, NOW), Written::Ready(_)));
    // A writer that follows counts on.
    let invisible = world.writer.invisible();
    world.rebrand(|app| app, &Rules::default());
    world.writer = std::mem::replace(&mut world.writer, World::new().writer).with_invisible(invisible);
    assert!(matches!(write(&mut world, "browser", &invalidate, NOW), Written::Silent { .. }));
    // The app has a number of its own.
    let text = "[channels]\ninvisible_web_pushes_per_day = 0\n[cancels]\nweb_push = \"data\"\n";
    world.rebrand(|app| app.with_rules(app_rules(text)), &Rules::default());
    assert!(matches!(write(&mut world, "browser", &invalidate, NOW), Written::Silent { .. }));
    // A cancel is never left out: beyond the budget it is one that is shown.
    let cancel = take_back("kate", Kind::IncomingCall, Takes::Cancel);
    assert!(ready(write(&mut world, "browser", &cancel, NOW)).visible);
}
