//! Every limit of the settings and of the admission: what happens at it. One that is added without a test is noticed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, too, fail by panicking"
)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::*;
use reveille_conversation::Kind;
use reveille_conversation::event::{PersonChange, PersonEvent, Presence, Role};
use reveille_conversation::rules::{MemoryRules, Rules};
use reveille_core::Action;
use reveille_delivery::{DeviceId, Fate, Verdict};
use reveille_digest::options::Window;
use reveille_gateway::admission::Bound;
use reveille_gateway::audience::Ended;
use reveille_gateway::explain::Why;
use reveille_gateway::resume::{Resume, ResumeStep, TokenId};
use reveille_gateway::settings::Retry;
use reveille_gateway::*;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn with(settings: GatewaySettings) -> Drive {
    Drive::new(Gateway::new(Rules::default(), settings, SEED).unwrap())
}

fn defaults() -> GatewaySettings {
    GatewaySettings::default()
}

/// A visitor, an agent, and a message that is shown on the visitor's devices.
fn told(drive: &mut Drive, chat: &str) -> usize {
    let now = drive.now;
    let mut outputs = drive.settle([
        event(chat, None, joined("vera", Role::Visitor), now),
        event(chat, None, joined("alan", Role::Primary), now),
        event(chat, None, message("alan", 1, "hi"), now),
    ]);
    outputs.extend(drive.pass(Duration::from_secs(40)));
    sent(&outputs).len()
}

/// How many devices hear that it was read.
fn taken_back(drive: &mut Drive, chat: &str) -> usize {
    let now = drive.now;
    let mut outputs = drive.settle([event(chat, None, read("vera", 1), now)]);
    outputs.extend(drive.pass(Duration::from_secs(5)));
    sent(&outputs).iter().filter(|job| job.content.takes_back()).count()
}

fn refuse(job: &Job) -> Input {
    Outcome::of(job, Verdict::Refused { status: 400, reason: None, action: Action::GiveUp }).into()
}

/// A ring that all devices refuse.
fn dies(drive: &mut Drive, call: &str) -> Vec<Output> {
    let now = drive.now;
    let asked = drive.put([event(call, None, offer("alan"), now)]);
    let answers: Vec<_> = asked.iter().filter_map(answer).collect();
    let out = drive.put(answers);
    let refused: Vec<_> = sent(&out).into_iter().map(refuse).collect();
    drive.put(refused)
}

fn overflows(outputs: &[Output]) -> bool {
    let overflow =
        |output: &Output| matches!(output, Output::Note(Note::Settled { fate: Fate::Overflow, .. }));
    outputs.iter().any(overflow)
}

fn reserved(token: u128) -> Input {
    let (person, conversation) = ("vera".parse().unwrap(), "chat".parse().unwrap());
    Input::Resume(Resume {
        token: TokenId(token),
        step: ResumeStep::Reserved { attempt: 1, person, conversation },
    })
}

fn not_taken(outputs: &[Output]) -> Option<Why> {
    outputs.iter().find_map(|output| match output {
        Output::Note(Note::NotTaken { why, .. }) => Some(*why),
        _ => None,
    })
}

fn refused_by(limits: AdmissionLimits, inputs: impl IntoIterator<Item = Input>) -> Option<Bound> {
    let (gateway, mut admission) = (gateway(), Admission::new(limits));
    inputs.into_iter().find_map(|input| admission.admit(input, &gateway).err()).map(|refused| refused.bound)
}

fn wide() -> AdmissionLimits {
    AdmissionLimits::default()
}

fn hello(chat: &str) -> Input {
    event(chat, None, message("alan", 1, "hi"), START)
}

fn size() -> usize {
    let mut bytes = Vec::new();
    hello("a").encode(&mut bytes);
    bytes.len()
}

macro_rules! limits {
    ($($name:ident $body:block)*) => {
        $(#[test] fn $name() $body)*
        const TRIED: &[&str] = &[$(stringify!($name)),*];
    };
}

limits! {
    digests {
        let mut policy = defaults().digests;
        policy.window = Window::Sliding { quiet: Duration::from_secs(2), max_wait: Duration::from_secs(9) };
        let mut drive = with(defaults().with_digests(policy));
        let now = drive.now;
        drive.settle([event("chat", None, joined("vera", Role::Visitor), now)]);
        let mut outputs = Vec::new();
        for number in 1..=12 {
            let now = drive.now;
            outputs.extend(drive.settle([event("chat", None, message("alan", number, "hi"), now)]));
            outputs.extend(drive.pass(Duration::from_secs(1)));
        }
        assert_eq!(sent(&outputs).len(), 2, "without a pause, once within nine seconds, on two devices");
    }
    digest_limits {
        let mut settings = defaults();
        settings.digest_limits.windows = 1;
        let mut drive = with(settings);
        let now = drive.now;
        drive.settle([event("one", None, joined("vera", Role::Visitor), now), hello("one")]);
        let refused = drive.admission.admit(hello("two"), drive.shard.gateway());
        assert_eq!(refused.unwrap_err().bound, Bound::Collecting);
        drive.settle([event("call", None, offer("alan"), now)]);
        drive.pass(MINUTE);
        drive.admission.admit(hello("two"), drive.shard.gateway()).unwrap();
    }
    retries {
        for attempts in [1_u8, 2] {
            let retry = Retry { attempts, ..Retry::default() };
            let mut drive = with(defaults().with_retry(class::FCM, retry).with_retry(class::WEB_PUSH, retry));
            let asked = drive.put([event("call", None, offer("alan"), START)]);
            let answers: Vec<_> = asked.iter().filter_map(answer).collect();
            let mut outputs = drive.put(answers);
            let mut made = 0;
            for _ in 0..5 {
                let jobs: Vec<_> = sent(&outputs).into_iter().map(|job| Outcome::of(job, Verdict::NoAnswer).into()).collect();
                made += jobs.len();
                drive.put(jobs);
                drive.now += Duration::from_secs(2);
                outputs = drive.commit(true);
            }
            assert_eq!(made, usize::from(attempts) * 2, "two devices");
        }
    }
    jobs {
        // An event holds three jobs while it waits, and then those that it led to: its two ways here.
        let mut drive = with(defaults().with_jobs(5, 1 << 20));
        let offer = |call: &str| event(call, None, offer("alan"), START);
        drive.admission.admit(offer("call-1"), drive.shard.gateway()).unwrap();
        let refused = drive.admission.admit(offer("call-2"), drive.shard.gateway()).unwrap_err();
        assert_eq!((refused.bound, refused.waiting, refused.most), (Bound::Jobs, 3, 5));
        let outputs = drive.commit(false);
        assert!(!overflows(&outputs));
        let open = drive.shard.gateway().open_jobs();
        let refused = drive.admission.admit(offer("call-2"), drive.shard.gateway()).unwrap_err();
        assert_eq!((refused.bound, refused.waiting), (Bound::Jobs, open));
        // What ends the ring comes in all the same, and finds room for its cancels.
        let outputs = drive.settle([event("call-1", None, answered("alan"), START)]);
        assert!(!overflows(&outputs), "{outputs:?}");
    }
    job_bytes {
        let mut drive = with(defaults().with_jobs(100, 3_000));
        let offer = |call: &str| event(call, None, offer("alan"), START);
        drive.admission.admit(offer("call-1"), drive.shard.gateway()).unwrap();
        let refused = drive.admission.admit(offer("call-2"), drive.shard.gateway()).unwrap_err();
        assert_eq!((refused.bound, refused.most), (Bound::JobBytes, 3_000));
        assert!(!overflows(&drive.commit(false)), "what was taken in finds room");
        // Whatever is in the log is not refused: it dies, and is explained.
        let mut drive = with(defaults().with_jobs(100, 8));
        drive.admission.admit(offer("call"), &gateway()).unwrap();
        let outputs = drive.commit(false);
        assert!(overflows(&outputs), "{outputs:?}");
        assert_eq!(drive.shard.gateway().open_jobs(), 0);
    }
    devices {
        let mut drive = with(defaults().with_devices(1));
        let outputs = drive.settle([event("call", None, offer("alan"), START)]);
        assert_eq!(sent(&outputs).len(), 1, "of two");
    }
    answer_within {
        let mut drive = with(defaults().with_answer_within(Duration::from_secs(5)));
        let asked = drive.put([event("call", None, offer("alan"), START)]);
        let answers: Vec<_> = asked.iter().filter_map(answer).collect();
        let outputs = drive.put(answers);
        let browser = |job: &&&Job| job.target.device().is_some_and(|device| device.class == class::WEB_PUSH);
        let first = (*sent(&outputs).iter().find(browser).unwrap()).clone();
        let mut again = Vec::new();
        while let Some(wakeup) = drive.shard.next_wakeup().filter(|wakeup| wakeup.at <= START + Duration::from_secs(12)) {
            drive.now = drive.now.max(wakeup.at);
            again.extend(drive.commit(true));
        }
        let again = sent(&again).into_iter().find(|job| job.leg == first.leg).unwrap();
        assert!(again.attempt == 2 && again.maybe_again);
    }
    slots {
        let mut drive = with(defaults().with_slots(1, HOUR));
        assert_eq!((told(&mut drive, "one"), told(&mut drive, "two")), (2, 2));
        assert_eq!((taken_back(&mut drive, "two"), taken_back(&mut drive, "one")), (2, 0), "the first is forgotten");
    }
    slot_memory {
        for (passes, heard) in [(MINUTE, 2), (3 * MINUTE, 0)] {
            let mut drive = with(defaults().with_slots(10, 2 * MINUTE));
            told(&mut drive, "one");
            drive.pass(passes);
            // It is looked at with whatever comes next.
            let now = drive.now;
            drive.settle([event("call", None, offer("alan"), now)]);
            assert_eq!(taken_back(&mut drive, "one"), heard, "after {passes:?}");
        }
    }
    dead_letters {
        let mut drive = with(defaults().with_dead_letters(2, 1 << 20));
        for call in ["a", "b", "c"] {
            dies(&mut drive, call);
        }
        let gateway = drive.shard.gateway();
        assert_eq!((gateway.dead_letters().count(), gateway.counters().of("dead_letters_lost")), (2, 4), "one for each device; the oldest go");
    }
    dead_bytes {
        let mut drive = with(defaults().with_dead_letters(10, 8));
        for call in ["a", "b"] {
            dies(&mut drive, call);
        }
        let gateway = drive.shard.gateway();
        assert_eq!((gateway.dead_letters().count(), gateway.counters().of("dead_letters_lost")), (0, 4));
    }
    event_ids {
        let mut drive = with(defaults().with_event_ids(2, HOUR));
        for id in ["1", "2", "3"] {
            drive.now += Duration::from_secs(1);
            let now = drive.now;
            drive.put([event("call", Some(id), offer("alan"), now)]);
        }
        let again = |id: &str, at: u64| event("call", Some(id), offer("alan"), START + Duration::from_secs(at));
        assert_eq!(not_taken(&drive.put([again("3", 3)])), Some(Why::AlreadyTaken));
        assert_eq!(not_taken(&drive.put([again("1", 1)])), Some(Why::TooOld), "its id is forgotten, so nobody can tell");
    }
    event_ids_for {
        let mut drive = with(defaults().with_event_ids(100, MINUTE));
        let input = event("call", Some("1"), offer("alan"), START);
        drive.settle([input.clone()]);
        drive.pass(Duration::from_secs(59));
        assert_eq!(not_taken(&drive.put([input.clone()])), Some(Why::AlreadyTaken));
        drive.pass(Duration::from_secs(2));
        assert_eq!(not_taken(&drive.put([input])), Some(Why::TooOld));
    }
    fallbacks {
        for (settings, texts) in [(defaults(), 0), (defaults().with_fallback(Kind::IncomingCall, Target::Sms), 1)] {
            let mut drive = with(settings);
            let outputs = dies(&mut drive, "call");
            let asked = outputs.iter().filter(|output| matches!(output, Output::Attempt { device, .. } if *device == Target::Sms.id()));
            assert_eq!(asked.count(), texts);
        }
    }
    connected_within {
        let mut drive = with(defaults().with_handshakes(Duration::from_secs(7), 10));
        drive.put([reserved(1)]);
        let failed = |outputs: &[Output]| outputs.iter().any(|output| matches!(output, Output::Note(Note::HandshakeFailed { .. })));
        assert!(!failed(&drive.pass(Duration::from_millis(6_999))));
        assert!(failed(&drive.pass(Duration::from_millis(1))));
    }
    handshakes {
        let mut drive = with(defaults().with_handshakes(MINUTE, 1));
        drive.admission.admit(reserved(1), drive.shard.gateway()).unwrap();
        let refused = |drive: &mut Drive, token| drive.admission.admit(reserved(token), drive.shard.gateway()).err().map(|refused| refused.bound);
        assert_eq!(refused(&mut drive, 2), Some(Bound::Handshakes), "one waits in the queue");
        drive.commit(false);
        assert_eq!(refused(&mut drive, 2), Some(Bound::Handshakes));
        assert_eq!(refused(&mut drive, 1), None, "the same again");
        // As if the bound had been lowered since.
        Admission::admit(&mut drive.admission, reserved(2), &gateway()).unwrap();
        let outputs = drive.commit(false);
        assert!(outputs.iter().any(|output| matches!(output, Output::Note(Note::NoHandshake { token: TokenId(2) }))));
        assert_eq!(drive.shard.gateway().counters().of("handshakes"), 1);
    }
    trail {
        let mut drive = with(defaults().with_trail(6));
        for id in ["1", "2", "3"] {
            drive.put([event(id, Some(id), offer("alan"), START)]);
        }
        let known = |id: &str| !drive.shard.gateway().followed(SourceId(1), &id.parse().unwrap()).is_empty();
        assert_eq!(["1", "2", "3"].map(known), [false, true, true], "three ways each");
    }
    announcements {
        let mut drive = with(defaults().with_announcements(1, 256, 4_096));
        drive.put([announcement("one", START)]);
        let refused = drive.admission.admit(announcement("two", START), drive.shard.gateway());
        assert_eq!(refused.unwrap_err().bound, Bound::Announcements);
        // One that has ended makes room, and is still known.
        let cancel = Command::CancelAnnouncement(SEED.announcement(SourceId(1), &"one".parse().unwrap()));
        drive.put([Input::Command(cancel)]);
        drive.put([announcement("two", START)]);
        let ended = drive.shard.gateway().announcement(SEED.announcement(SourceId(1), &"one".parse().unwrap()));
        assert_eq!(ended.unwrap().ended, Some(Ended::Cancelled));
    }
    page {
        let mut drive = with(defaults().with_announcements(1, 2, 100));
        let outputs = drive.settle([announcement("one", START)]);
        let limits = outputs.iter().filter_map(|output| match output {
            Output::LookUp(LookUp::Audience(wanted)) => Some(wanted.limit),
            _ => None,
        });
        assert_eq!(limits.collect::<BTreeSet<_>>(), [2].into());
        let jobs: BTreeSet<_> = sent(&outputs).iter().map(|job| job.person.clone()).collect();
        assert_eq!(jobs.len(), 2, "of the three of the answer; nobody answers with the third");
    }
    audience_jobs {
        let mut drive = with(defaults().with_announcements(1, 2, 2));
        let outputs = drive.put([announcement("one", START)]);
        let outputs = drive.put(outputs.iter().filter_map(answer).collect::<Vec<_>>());
        let asked = |outputs: &[Output]| outputs.iter().any(|output| matches!(output, Output::LookUp(LookUp::Audience(_))));
        assert!(!asked(&outputs), "the jobs of the page are under way");
        assert!(drive.shard.gateway().counters().of("announcement_jobs_open") >= 2);
    }
    events {
        assert_eq!(refused_by(AdmissionLimits { events: 2, ..wide() }, ["a", "b", "c"].map(hello)), Some(Bound::Events));
        assert_eq!(refused_by(AdmissionLimits { events: 3, ..wide() }, ["a", "b", "c"].map(hello)), None);
    }
    bytes {
        assert_eq!(refused_by(AdmissionLimits { bytes: 2 * size(), ..wide() }, ["a", "b", "c"].map(hello)), Some(Bound::Bytes));
        assert_eq!(refused_by(AdmissionLimits { bytes: 3 * size(), ..wide() }, ["a", "b", "c"].map(hello)), None);
    }
    events_of_one {
        let limits = AdmissionLimits { events_of_one: 2, ..wide() };
        assert_eq!(refused_by(limits, ["a", "a", "a"].map(hello)), Some(Bound::EventsOfOne));
        assert_eq!(refused_by(limits, ["a", "a", "b"].map(hello)), None);
    }
    bytes_of_one {
        let limits = AdmissionLimits { bytes_of_one: 2 * size(), ..wide() };
        assert_eq!(refused_by(limits, ["a", "a", "a"].map(hello)), Some(Bound::BytesOfOne));
        assert_eq!(refused_by(limits, ["a", "a", "b"].map(hello)), None);
    }
    group {
        let (mut shard, mut admission) = (Shard::new(gateway()), Admission::new(AdmissionLimits { group: 2, ..wide() }));
        for chat in ["a", "b", "c"] {
            admission.admit(hello(chat), shard.gateway()).unwrap();
        }
        let sizes = [(); 2].map(|()| {
            let sealed = shard.group(START).fill(&mut admission).seal();
            let size = sealed.len();
            sealed.committed().for_each(drop);
            size
        });
        assert_eq!(sizes, [2, 1]);
    }
    group_bytes {
        for (bytes, inputs) in [(0, 1), (2 * size(), 2)] {
            let (mut shard, mut admission) = (Shard::new(gateway()), Admission::new(AdmissionLimits { group_bytes: bytes, ..wide() }));
            for chat in ["a", "b", "c"] {
                admission.admit(hello(chat), shard.gateway()).unwrap();
            }
            assert_eq!(shard.group(START).fill(&mut admission).seal().len(), inputs, "one always fits");
        }
    }
}

/// What is not remembered is refused when no more can be; and what is over makes room, although nothing but new ones comes.
#[test]
fn conversations() {
    let memory = MemoryRules::default().with_conversations(1).unwrap();
    let rules = Rules::default().with_memory(memory);
    let mut drive = Drive::new(Gateway::new(rules, defaults(), SEED).unwrap());
    let refused = |drive: &mut Drive, chat: &str| {
        let input = event(chat, None, joined("vera", Role::Visitor), drive.now);
        drive.admission.admit(input, drive.shard.gateway()).err().map(|refused| refused.bound)
    };
    assert_eq!(refused(&mut drive, "one"), None);
    assert_eq!(refused(&mut drive, "one"), None, "of the one that waits already");
    assert_eq!(refused(&mut drive, "two"), Some(Bound::Conversations));
    drive.commit(false);
    assert_eq!(refused(&mut drive, "two"), Some(Bound::Conversations));
    assert_eq!(refused(&mut drive, "one"), None);
    drive.commit(false);
    // It is forgotten after a week, and nobody hears of that but with an input.
    drive.now += HOUR * 24 * 8;
    assert_eq!(refused(&mut drive, "two"), Some(Bound::Conversations));
    drive.commit(false);
    assert_eq!(refused(&mut drive, "two"), None);
    let outputs = drive.commit(false);
    assert!(!outputs.iter().any(|output| matches!(output, Output::Note(Note::Suppressed(_)))), "{outputs:?}");
}

/// What comes by itself counts; what was asked for, and what a driver needs, does not.
#[test]
fn not_only_events_are_bounded() {
    let person = PersonEvent {
        person: "vera".parse().unwrap(),
        what: PersonChange::Presence(Presence::Away),
        at: START,
    };
    let counted = || {
        [
            reserved(1),
            Input::Person(person.clone()),
            Input::DropDevice(DeviceId::from_bits(1)),
            Input::Command(Command::Discard(reveille_delivery::dead::DeadId::from_bits(1))),
            Input::Rules(Box::default()),
            Input::Settings(Box::new(defaults())),
        ]
    };
    for input in counted() {
        assert_eq!(
            refused_by(AdmissionLimits { events: 0, ..wide() }, [input.clone()]),
            Some(Bound::Events),
            "{input:?}"
        );
        assert_eq!(
            refused_by(AdmissionLimits { bytes: 1, ..wide() }, [input.clone()]),
            Some(Bound::Bytes),
            "{input:?}"
        );
    }
    let none = AdmissionLimits { events: 0, bytes: 0, ..wide() };
    let free = [Input::Tick, Input::Owner(Epoch(1)), Input::Recovered(CatchUp::default())];
    assert_eq!(refused_by(none, free), None);
    // Credits come back.
    let (mut shard, mut admission) =
        (Shard::new(gateway()), Admission::new(AdmissionLimits { events: 6, ..wide() }));
    for _ in 0..2 {
        for input in counted() {
            admission.admit(input, shard.gateway()).unwrap();
        }
        assert!(admission.admit(hello("a"), shard.gateway()).is_err());
        shard.group(START).fill(&mut admission).seal().committed().for_each(drop);
    }
}

/// The names of a struct's own fields, and of those of `more`, as `Debug` writes them line by line.
fn fields(text: &str) -> BTreeSet<String> {
    let (mut names, mut more) = (BTreeSet::new(), false);
    for line in text.lines() {
        let name = line.trim_start();
        let depth = line.len() - name.len();
        more = if depth == 4 { name.starts_with("more:") } else { more };
        if let Some((name, _)) = name.split_once(':').filter(|_| depth == 4 || (more && depth == 8)) {
            names.insert(name.to_owned());
        }
    }
    names
}

#[test]
fn every_limit_is_tried() {
    let mut wanted = fields(&format!("{:#?}", defaults()));
    assert!(wanted.remove("more") && wanted.len() > 15, "{wanted:?}");
    wanted.extend(fields(&format!("{:#?}", wide())));
    let tried: BTreeSet<_> = TRIED.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(tried, wanted);
}
