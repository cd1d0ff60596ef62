//! What two chats and a call do not show: every kind of event, of input and of command, so that the log, its cuts and its samples
//! hold them all.

#![allow(clippy::panic, clippy::unwrap_used, reason = "helpers of tests, too, fail by panicking")]

use std::collections::BTreeSet;
use std::time::Duration;

use reveille_conversation::Kind;
use reveille_conversation::event::{PersonChange, PersonEvent, Presence, QueueChange, QueueEvent, Wait};
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_core::Action;
use reveille_delivery::dead::DeadId;
use reveille_delivery::{HeldBy, JobId, Verdict};
use reveille_gateway::resume::{Resume, ResumeStep, TokenId};
use reveille_gateway::*;

use super::{Drive, START, announcement, event, message, sent};

/// Each event in its conversation, and the seconds that pass after it.
const EVENTS: &[(&str, &str, u64)] = &[
    ("desk", r#"{"Joined":{"person":"vera","role":"visitor"}}"#, 0),
    ("desk", r#"{"Forwarded":{"to":{"queue":"sales"},"by":"alan"}}"#, 1),
    ("desk", r#"{"Forwarded":{"to":{"agent":"beth"},"by":"alan"}}"#, 1),
    ("desk", r#"{"Invited":{"to":{"agent":"carl"},"by_name":"Beth"}}"#, 1),
    ("desk", r#"{"Delegated":{"to":{"agent":"dora"},"by":"carl"}}"#, 1),
    ("desk", r#"{"Viewing":{"person":"beth","device":"beth-phone","for_ms":5000}}"#, 1),
    ("desk", r#"{"MessageSent":{"sender":"vera","role":"visitor","sequence":1,"preview":"Hello?"}}"#, 9),
    ("desk", r#"{"ReadUpTo":{"person":"beth"}}"#, 1),
    ("desk", r#"{"Left":{"person":"carl"}}"#, 1),
    ("desk", r#"{"GuestSessionEnded":{"person":"vera"}}"#, 1),
    ("desk", r#"{"StateChanged":{"open":false}}"#, 60),
    ("taken", r#"{"CallOffered":{"person":"alan","offer":"o1","caller":"vera"}}"#, 0),
    ("taken", r#"{"CallOffered":{"person":"beth","offer":"o2","caller":"vera"}}"#, 2),
    ("taken", r#"{"CallDeclined":{"person":"alan","offer":"o1"}}"#, 1),
    ("taken", r#"{"CallAnswered":{"person":"beth","offer":"o2"}}"#, 1),
    ("missed", r#"{"CallOffered":{"person":"alan","offer":"o1","caller_name":"Vera"}}"#, 0),
    ("missed", r#"{"CallOffered":{"person":"beth","offer":"o2","hidden":true}}"#, 1),
    ("missed", r#"{"CallWithdrawn":{"person":"alan","offer":"o1"}}"#, 1),
    ("missed", r#"{"CallTimedOut":{}}"#, 1),
    ("missed", r#"{"CallEnded":{}}"#, 60),
    (
        "made",
        r#"{"CallbackCreated":{"person":"vera","queue":"sales","mode":"call_in","push":true,"wait_ms":900000}}"#,
        1,
    ),
    ("made", r#"{"EstimatedWait":{"wait_ms":30000}}"#, 1),
    ("made", r#""CallbackReady""#, 1),
    ("made", r#"{"CallbackAccepted":{}}"#, 1),
    ("made", r#"{"CallbackAttempted":{"attempt":1,"of":2}}"#, 1),
    ("made", r#""CallbackCompleted""#, 60),
    ("moved", r#"{"CallbackCreated":{"person":"vera","queue":"sales","mode":"call_in","push":true}}"#, 1),
    ("moved", r#""BusinessClosing""#, 1),
    ("moved", r#""CallbackPurged""#, 1),
    ("moved", r#""CallbackRescheduled""#, 1),
    ("moved", r#""CallbackCancelled""#, 60),
];

/// One of each, one after the other.
pub fn every_kind(drive: &mut Drive) {
    drive.pass(Duration::from_secs(1));
    for (number, (conversation, json, seconds)) in EVENTS.iter().enumerate() {
        let what = serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        let id = format!("every-{number}");
        drive.settle([event(conversation, Some(&id), what, drive.now)]);
        drive.pass(Duration::from_secs(*seconds));
    }
    people_and_queues(drive);
    held_back(drive);
    resumes(drive);
    let settings = GatewaySettings::default().with_fallback(Kind::IncomingCall, Target::Sms);
    drive.settle([Input::Rules(Box::default()), Input::Settings(Box::new(settings))]);
    commands(drive);
    recovery(drive);
    for step in [3_600, 1_800] {
        let (was, is) = (drive.now, START + Duration::from_secs(10_000 + step));
        drive.settle([Input::ClockStep { was, is }]);
        drive.now = is;
    }
    drive.pass(Duration::from_secs(60));
}

/// What nobody had answered leaves again. Each answer has a time of its own: in one group, those for announcements would go last.
fn recovery(drive: &mut Drive) {
    drive.put([Input::Owner(Epoch(2))]);
    let mut answers = drive.put([Input::Recovered(CatchUp::default())]);
    while !answers.is_empty() {
        let inputs: Vec<Input> = answers.drain(..).filter_map(|output| super::answer(&output)).collect();
        for input in inputs {
            drive.now += Duration::from_millis(1);
            answers.extend(drive.put([input]));
        }
    }
}

fn people_and_queues(drive: &mut Drive) {
    let alan: PersonId = "alan".parse().unwrap();
    for what in [PersonChange::Presence(Presence::Away), PersonChange::LoggedOut(None)] {
        drive.settle([Input::Person(PersonEvent { person: alan.clone(), at: drive.now, what })]);
    }
    for what in [QueueChange::EstimatedWait(Wait { wait_ms: 60_000 }), QueueChange::Closing] {
        drive.settle([Input::Queue(QueueEvent { queue: "sales".parse().unwrap(), at: drive.now, what })]);
    }
}

/// A person who wants quiet, an attempt whose turn comes later, and a device that is gone.
fn held_back(drive: &mut Drive) {
    let first = event("held", Some("held-1"), message("alan", 1, "later"), drive.now);
    drive.settle([event(
        "held",
        None,
        super::joined("vera", reveille_conversation::event::Role::Visitor),
        drive.now,
    )]);
    drive.put([first]);
    let job = asked(drive);
    let until = drive.now + Duration::from_secs(10);
    drive.put([Deferred::person(job, until, HeldBy::Quiet).into()]);
    let job = asked(drive);
    let outputs = drive.put([Devices::new(job, super::devices("vera")).into()]);
    let jobs: Vec<Job> = sent(&outputs).into_iter().cloned().collect();
    let soon = drive.now + Duration::from_secs(1);
    drive.put(jobs.iter().map(|job| Deferred::attempt(job, soon, HeldBy::Rate).into()));
    drive.put(jobs.first().map(|job| Input::DropDevice(job.target.id())));
    drive.pass(Duration::from_secs(30));
}

/// Waits until the devices of somebody are asked for.
fn asked(drive: &mut Drive) -> JobId {
    loop {
        drive.now = drive.now.max(drive.shard.next_wakeup().unwrap().at);
        let asked = drive.commit(true).into_iter().find_map(|output| match output {
            Output::LookUp(LookUp::Devices(recipient)) => Some(recipient.job),
            _ => None,
        });
        if let Some(job) = asked {
            return job;
        }
    }
}

fn resumes(drive: &mut Drive) {
    let (person, conversation): (PersonId, ConversationId) =
        ("vera".parse().unwrap(), "chat".parse().unwrap());
    let reserved = ResumeStep::Reserved { attempt: 1, person, conversation };
    for (token, steps) in [(1, 3), (2, 1)] {
        let steps = [reserved.clone(), ResumeStep::Committed, ResumeStep::Connected].into_iter().take(steps);
        drive.put(steps.map(|step| Input::Resume(Resume { token: TokenId(token), step })));
    }
    drive.pass(Duration::from_secs(40));
}

/// Dead letters that live again or are thrown away, a digest that goes out early, and an announcement that does not go on.
fn commands(drive: &mut Drive) {
    let refused = Verdict::Refused {
        status: 400,
        reason: Some("BadTopic".into()),
        action: Action::FixRequest { field: None },
    };
    let from = drive.now;
    for number in 1..=2 {
        let id = format!("dead-{number}");
        let mut asked = drive.put([event("dead", Some(&id), super::offer("dora"), drive.now)]);
        while !asked.is_empty() {
            let answers: Vec<Input> = asked
                .iter()
                .filter_map(|output| match output {
                    Output::Send(job) | Output::FallBack(job) => {
                        Some(Outcome::of(job, refused.clone()).into())
                    }
                    other => super::answer(other),
                })
                .collect();
            asked = if answers.is_empty() { Vec::new() } else { drive.put(answers) };
        }
        drive.pass(Duration::from_secs(40));
    }
    let (every, until) = (Duration::from_secs(1), drive.now + Duration::from_secs(3_600));
    drive.settle([
        Input::Command(Command::Discard(DeadId::from_bits(0))),
        Input::Command(Command::Redrive { from, to: drive.now, every, until }),
    ]);
    drive.pass(Duration::from_secs(5));
    drive.put([event("chat", Some("flushed"), message("alan", 9, "soon"), drive.now)]);
    let (person, conversation) = ("vera".parse().unwrap(), "chat".parse().unwrap());
    drive.settle([Input::Command(Command::Flush { person, conversation })]);
    let outputs = drive.put([announcement("stopped", drive.now)]);
    let stopped = outputs.iter().find_map(|output| match output {
        Output::LookUp(LookUp::Audience(wanted)) => Some(wanted.announcement),
        _ => None,
    });
    drive.settle([Input::Command(Command::CancelAnnouncement(stopped.unwrap()))]);
}

/// Kinds of inputs; of events and commands each by its own name.
pub fn kinds<'a>(inputs: impl IntoIterator<Item = &'a Input>) -> BTreeSet<&'static str> {
    let kind = |input: &Input| match input {
        Input::Tick => "tick",
        Input::Event { event, .. } => event.what.as_str(),
        Input::Announce { .. } => "announce",
        Input::Page(_) => "page",
        Input::Person(_) => "person",
        Input::Queue(_) => "queue",
        Input::Answer(_) => "answer",
        Input::Devices(_) => "devices",
        Input::Attempt { .. } => "attempt",
        Input::Outcome(_) => "outcome",
        Input::Deferred(Deferred { device: None, .. }) => "person held",
        Input::Deferred(_) => "attempt held",
        Input::DropDevice(_) => "drop device",
        Input::Resume(_) => "resume",
        Input::Rules(_) => "rules",
        Input::Settings(_) => "settings",
        Input::Command(Command::Redrive { .. }) => "redrive",
        Input::Command(Command::Discard(_)) => "discard",
        Input::Command(Command::Flush { .. }) => "flush",
        Input::Command(Command::CancelAnnouncement(_)) => "cancel announcement",
        Input::Recovered(_) => "recovered",
        Input::ClockStep { .. } => "clock step",
        Input::Owner(_) => "owner",
        other => panic!("put it into the story, and name it here: {other:?}"),
    };
    inputs.into_iter().map(kind).collect()
}

/// All that [`kinds`] names.
pub const OWN_KINDS: &[&str] = &[
    "tick",
    "announce",
    "page",
    "person",
    "queue",
    "answer",
    "devices",
    "attempt",
    "outcome",
    "person held",
    "attempt held",
    "drop device",
    "resume",
    "rules",
    "settings",
    "redrive",
    "discard",
    "flush",
    "cancel announcement",
    "recovered",
    "clock step",
    "owner",
];
