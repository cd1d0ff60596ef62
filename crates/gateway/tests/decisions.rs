//! What the whole decides: digests, rings and cancels, quiet, fallbacks, each event once, resumes, questions.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests, too, fail by panicking"
)]

mod common;

use std::time::Duration;

use common::*;
use reveille_conversation::Kind;
use reveille_conversation::event::Role;
use reveille_conversation::id::PersonId;
use reveille_conversation::rules::Rules;
use reveille_core::{Action, UnixTime};
use reveille_delivery::explain::Status;
use reveille_delivery::{Fate, HeldBy, JobId, Verdict};
use reveille_gateway::explain::{Followed, Why};
use reveille_gateway::resume::{Resume, ResumeEffect, ResumeStep, TokenId};
use reveille_gateway::settings::Retry;
use reveille_gateway::*;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn chat(drive: &mut Drive) {
    let now = drive.now;
    drive.settle([
        event("chat", None, joined("vera", Role::Visitor), now),
        event("chat", None, joined("alan", Role::Primary), now),
    ]);
}

fn shows(job: &Job) -> (u32, u32) {
    let Content::Show { intent, messages, .. } = &*job.content else { panic!("{job:?}") };
    (*messages, intent.arguments.unread)
}

#[test]
fn three_messages_are_one_notification_on_both_devices() {
    let mut drive = Drive::new(gateway());
    chat(&mut drive);
    for sequence in 1..=3 {
        let now = drive.now;
        let outputs = drive.settle([event("chat", None, message("alan", sequence, "hi"), now)]);
        assert!(sent(&outputs).is_empty());
        drive.pass(secs(5));
    }
    let outputs = drive.pass(secs(60));
    let jobs = sent(&outputs);
    assert_eq!(jobs.iter().map(|job| shows(job)).collect::<Vec<_>>(), [(3, 3), (3, 3)]);
    assert_eq!(jobs[0].collapse, jobs[1].collapse);
    assert_ne!(jobs[0].leg, jobs[1].leg);
    assert_eq!(jobs[0].name().len(), 36);

    // When it is read, both devices are told so.
    let now = drive.now;
    let outputs = drive.settle([event("chat", None, read("vera", 3), now)]);
    let jobs = sent(&outputs);
    assert_eq!(jobs.len(), 2);
    assert!(jobs.iter().all(|job| job.content.takes_back() && job.content.kind() == Kind::NewMessage));
    assert_eq!(drive.shard.gateway().open_jobs(), 0);
}

#[test]
fn a_read_before_the_window_is_over_takes_all_back_and_nobody_is_told() {
    let mut drive = Drive::new(gateway());
    chat(&mut drive);
    let now = drive.now;
    drive.settle([event("chat", Some("m"), message("alan", 1, "hi"), now)]);
    drive.pass(secs(5));
    let now = drive.now;
    drive.settle([event("chat", None, read("vera", 1), now)]);
    assert!(sent(&drive.pass(secs(300))).is_empty());
    let followed = drive.shard.gateway().followed(SourceId(1), &"m".parse().unwrap());
    assert!(
        matches!(&followed[..], [Followed::Dropped { fate, .. }] if fate == "read_before"),
        "{followed:?}"
    );
}

#[test]
fn a_ring_and_its_cancel_share_their_names_and_the_cancel_is_newer() {
    let mut drive = Drive::new(gateway());
    let now = drive.now;
    let outputs =
        drive.settle([event("call", None, offer("alan"), now), event("call", None, offer("beth"), now)]);
    let rings: Vec<Job> = sent(&outputs).into_iter().cloned().collect();
    assert_eq!(rings.len(), 4);
    assert!(rings.iter().all(|ring| ring.not_after == now + secs(30)));
    let alan: PersonId = "alan".parse().unwrap();
    assert_eq!(drive.shard.gateway().ringing(&alan, drive.now).len(), 1);
    assert!(drive.shard.gateway().ringing(&alan, drive.now + secs(30)).is_empty());

    drive.pass(secs(3));
    let now = drive.now;
    let outputs = drive.settle([event("call", None, answered("beth"), now)]);
    let cancels = sent(&outputs);
    // Which device she answered on is not known: all of hers are told, too.
    assert_eq!(cancels.len(), 4);
    for cancel in cancels {
        let ring =
            rings.iter().find(|ring| ring.target == cancel.target && ring.person == cancel.person).unwrap();
        assert!(cancel.content.takes_back() && cancel.generation > ring.generation);
        assert_eq!(cancel.collapse, ring.collapse);
        assert_ne!((cancel.job, cancel.leg), (ring.job, ring.leg));
    }
    assert!(drive.shard.gateway().ringing(&alan, drive.now).is_empty());
}

#[test]
fn a_ring_that_has_not_left_needs_no_cancel_and_never_leaves() {
    let mut drive = Drive::new(gateway());
    let now = drive.now;
    // The devices are looked up, and meanwhile the caller hangs up.
    let outputs = drive.put([event("call", None, offer("alan"), now)]);
    let lookup = outputs.iter().find_map(answer).unwrap();
    let ended = reveille_conversation::event::What::CallEnded(reveille_conversation::event::Ended {
        abandoned: true,
    });
    drive.put([event("call", None, ended, now)]);
    let outputs = drive.settle([lookup]);
    assert!(sent(&outputs).iter().all(|job| job.content.kind() != Kind::IncomingCall), "{outputs:?}");
}

#[test]
fn held_for_quiet_hours_it_goes_on_collecting_and_comes_as_one() {
    let mut drive = Drive::new(gateway());
    chat(&mut drive);
    let now = drive.now;
    drive.settle([event("chat", None, message("alan", 1, "one"), now)]);
    // The window is over; the person's quiet lasts an hour.
    let mut job = None;
    while job.is_none() {
        drive.now = drive.shard.next_wakeup().unwrap().at;
        let outputs = drive.put([Input::Tick]);
        job = outputs.iter().find_map(|output| match output {
            Output::LookUp(LookUp::Devices(recipient)) => Some(recipient.job),
            _ => None,
        });
    }
    let until = drive.now + secs(3_600);
    drive.put([Deferred::person(job.unwrap(), until, HeldBy::Quiet).into()]);
    let now = drive.now;
    drive.settle([event("chat", None, message("alan", 2, "two"), now)]);
    assert!(sent(&drive.pass(secs(3_590))).is_empty());
    let outputs = drive.pass(secs(60));
    assert_eq!(sent(&outputs).iter().map(|job| shows(job)).collect::<Vec<_>>(), [(2, 2), (2, 2)]);
    // The webhook heard of the first message when it came, and hears of the second one only.
    let webhook = outputs.iter().filter_map(|output| match output {
        Output::FallBack(job) if job.target == Target::Webhook => Some(shows(job).0),
        _ => None,
    });
    assert_eq!(webhook.collect::<Vec<_>>(), [1]);
}

#[test]
fn a_push_that_fails_falls_back_once_and_its_attempt_is_in_the_log_first() {
    let settings = GatewaySettings::default().with_fallback(Kind::CallbackReady, Target::Sms);
    let mut drive = Drive::new(Gateway::new(Rules::default(), settings, SEED).unwrap());
    let now = drive.now;
    let created = reveille_conversation::event::CallbackCreated {
        person: "vera".parse().unwrap(),
        push: true,
        mode: reveille_conversation::event::CallbackMode::CallIn,
        queue: None,
        wait_ms: Some(3_600_000),
        attempts: None,
    };
    use reveille_conversation::event::What;
    drive.put([event("cb", None, What::CallbackCreated(created), now)]);
    let outputs = drive.put([event("cb", None, What::CallbackReady, now)]);
    let Some(Output::LookUp(LookUp::Devices(recipient))) =
        outputs.iter().find(|output| matches!(output, Output::LookUp(_)))
    else {
        panic!("{outputs:?}")
    };
    // Nobody has a device: the attempt has to be committed before the wire.
    let outputs = drive.put([Devices::new(recipient.job, []).into()]);
    assert!(!outputs.iter().any(|output| matches!(output, Output::FallBack(_))));
    assert!(outputs.iter().any(|output| matches!(
        output,
        Output::Note(Note::PushFailed { fate: Fate::NoDevice, instead: Some(Target::Sms), .. })
    )));
    let attempt = outputs.iter().find_map(answer).unwrap();
    assert!(matches!(attempt, Input::Attempt { .. }));
    let outputs = drive.put([attempt]);
    let Some(Output::FallBack(sms)) = outputs.first() else { panic!("{outputs:?}") };
    assert_eq!(sms.target, Target::Sms);

    // The process dies, and nobody knows whether it left: it is not sent again.
    let job = sms.job;
    let outputs = drive.settle([Input::Recovered(CatchUp::default())]);
    assert!(
        outputs.iter().any(|output| matches!(output,
        Output::Note(Note::Settled { job: settled, fate: Fate::Unknown }) if *settled == job)),
        "{outputs:?}"
    );
    let explained = drive.shard.gateway().explain(job).unwrap();
    assert!(matches!(explained.delivery.status, Status::Settled { fate: Fate::Unknown, .. }));
}

#[test]
fn an_event_is_taken_once_and_too_old_ones_are_not() {
    let mut drive = Drive::new(gateway());
    let now = drive.now;
    let twice = || event("call", Some("o"), offer("alan"), now);
    let outputs = drive.settle([twice(), twice()]);
    assert_eq!(sent(&outputs).len(), 2);
    assert!(
        outputs
            .iter()
            .any(|output| matches!(output, Output::Note(Note::NotTaken { why: Why::AlreadyTaken, .. })))
    );
    drive.pass(secs(3_700));
    let outputs = drive.settle([twice()]);
    assert!(matches!(&outputs[..], [Output::Note(Note::NotTaken { why: Why::TooOld, .. })]));
    let followed = drive.shard.gateway().followed(SourceId(1), &"o".parse().unwrap());
    assert!(
        followed.contains(&Followed::NotTaken(Why::TooOld))
            && followed.contains(&Followed::NotTaken(Why::AlreadyTaken))
    );
    assert!(followed.iter().any(|one| matches!(one, Followed::Told { kind: Kind::IncomingCall, .. })));
    assert_eq!(drive.shard.gateway().counters().of("events_already_taken"), 1);
    // Another source may use the same ids.
    let Input::Event { event: other, .. } = event("call2", Some("o"), offer("alan"), drive.now) else {
        panic!()
    };
    let outputs = drive.settle([Input::Event { source: SourceId(2), event: other }]);
    assert_eq!(sent(&outputs).len(), 2);
}

#[test]
fn a_reserved_token_whose_app_does_not_connect_is_given_back() {
    let mut drive = Drive::new(gateway());
    let (person, conversation) = ("vera".parse().unwrap(), "chat".parse().unwrap());
    let reserved = |token| {
        let (person, conversation) =
            (PersonId::clone(&person), reveille_conversation::id::ConversationId::clone(&conversation));
        Input::Resume(Resume {
            token: TokenId(token),
            step: ResumeStep::Reserved { attempt: 5, person, conversation },
        })
    };
    let step = |token, step| Input::Resume(Resume { token: TokenId(token), step });
    drive.put([reserved(1), reserved(2), reserved(3), reserved(3)]);
    let used = drive.put([
        step(2, ResumeStep::Committed),
        step(2, ResumeStep::Connected),
        step(3, ResumeStep::Committed),
    ]);
    assert_eq!(
        used.iter().filter(|output| matches!(output, Output::Resume(ResumeEffect::Used { .. }))).count(),
        2
    );
    assert!(drive.pass(Duration::from_millis(29_999)).is_empty());
    let outputs = drive.pass(secs(1));
    let given_back = ResumeEffect::GiveBack { token: TokenId(1), attempt: 5 };
    assert!(outputs.contains(&Output::Resume(given_back)));
    let failed = outputs.iter().filter(|output| matches!(output, Output::Note(Note::HandshakeFailed { .. })));
    assert_eq!(failed.count(), 2, "of 1, and of 3, which was used and never connected: {outputs:?}");
    assert_eq!(
        outputs
            .iter()
            .filter(|output| matches!(output, Output::Resume(ResumeEffect::Requeue { .. })))
            .count(),
        2
    );
    let late = drive.put([step(1, ResumeStep::Connected)]);
    assert!(matches!(&late[..], [Output::Note(Note::NoHandshake { .. })]));
}

/// What a read would have taken back, had anything been told, is no more: another conversation's end of memory told it once, and
/// after a restart it did not.
#[test]
fn a_read_of_what_was_not_told_leaves_nothing_behind() {
    let mut drive = Drive::new(gateway());
    chat(&mut drive);
    let now = drive.now;
    drive.put([event("chat", Some("m"), message("alan", 1, "hello"), now)]);
    let outputs = drive.put([event("chat", Some("r"), read("vera", 1), now)]);
    let dropped = |output: &Output| matches!(output, Output::Note(Note::Dropped { .. }));
    assert!(outputs.iter().any(dropped) && sent(&outputs).is_empty(), "{outputs:?}");
    let mut snapshot = Vec::new();
    drive.shard.snapshot(&mut snapshot);
    let mut other = Shard::restore(SEED, &snapshot).unwrap();
    for hours in [1, 30, 24 * 40] {
        let now = drive.now + secs(hours * 3_600);
        let outputs = |shard: &mut Shard| shard.group(now).tick().seal().committed().collect::<Vec<_>>();
        let (ours, theirs) = (outputs(&mut drive.shard), outputs(&mut other));
        assert_eq!(ours, theirs);
        assert!(!ours.iter().any(|(_, output)| matches!(output, Output::Send(_) | Output::FallBack(_))));
    }
}

/// A flow that heard no answer reports its reservation again, perhaps when all is over: nobody is given back or queued again
/// for that. What was given back may be had by another attempt.
#[test]
fn a_reservation_that_is_reported_again_after_its_end_is_none() {
    let mut drive = Drive::new(gateway());
    let reserved = |token, attempt| {
        let (person, conversation) = ("vera".parse().unwrap(), "chat".parse().unwrap());
        let step = ResumeStep::Reserved { attempt, person, conversation };
        Input::Resume(Resume { token: TokenId(token), step })
    };
    let step = |token, step| Input::Resume(Resume { token: TokenId(token), step });
    let is_none = |outputs: &[Output]| matches!(outputs, [Output::Note(Note::NoHandshake { .. })]);
    drive.put([reserved(1, 5), step(1, ResumeStep::Committed), step(1, ResumeStep::Connected)]);
    drive.put([reserved(2, 5)]);
    drive.pass(secs(30));
    for (token, attempt) in [(1, 5), (1, 6), (2, 5)] {
        let mut snapshot = Vec::new();
        drive.shard.snapshot(&mut snapshot);
        drive.shard = Shard::restore(SEED, &snapshot).unwrap();
        let again = drive.put([reserved(token, attempt)]);
        assert!(is_none(&again), "token {token}, attempt {attempt}: {again:?}");
    }
    assert!(drive.pass(secs(31)).is_empty());
    assert!(drive.put([reserved(2, 6)]).is_empty(), "another attempt");
    let outputs = drive.pass(secs(31));
    let given_back = ResumeEffect::GiveBack { token: TokenId(2), attempt: 6 };
    assert!(outputs.contains(&Output::Resume(given_back)), "{outputs:?}");
    assert!(is_none(&drive.put([reserved(2, 6)])));
}

#[test]
fn settings_change_while_jobs_are_under_way() {
    let mut drive = Drive::new(gateway());
    let now = drive.now;
    let outputs = drive.put([event("call", None, offer("alan"), now)]);
    let lookup = outputs.iter().find_map(answer).unwrap();
    let mut wrong = GatewaySettings::default();
    wrong.digests.actors = 0;
    assert!(drive.put([Input::Settings(wrong.into())]).contains(&Output::Note(Note::SettingsChanged(false))));
    let settings =
        GatewaySettings::default().with_retry(class::FCM, Retry { attempts: 1, ..Retry::default() });
    assert!(
        drive.put([Input::Settings(settings.into())]).contains(&Output::Note(Note::SettingsChanged(true)))
    );
    let outputs = drive.put([lookup]);
    let jobs = sent(&outputs);
    assert_eq!(jobs.len(), 2, "the job is still there");
    let action = Action::Retry { not_before: UnixTime::EPOCH, source: reveille_core::RetrySource::Guess };
    let verdict = || Verdict::Refused { status: 503, reason: None, action: action.clone() };
    let outcomes: Vec<Input> = jobs.iter().map(|job| Outcome::of(job, verdict()).into()).collect();
    let outputs = drive.put(outcomes);
    let dead = outputs.iter().filter(|output| matches!(output, Output::DeadLetter { .. }));
    assert_eq!(dead.count(), 1, "by the new settings the FCM leg has no further attempt");
    assert_eq!(drive.shard.gateway().dead_letters().count(), 1);
}

#[test]
fn a_dead_letter_lives_again_with_its_text() {
    let settings =
        GatewaySettings::default().with_retry(class::FCM, Retry { attempts: 1, ..Retry::default() });
    let mut drive = Drive::new(Gateway::new(Rules::default(), settings, SEED).unwrap());
    chat(&mut drive);
    let now = drive.now;
    drive.put([event("chat", None, message("alan", 1, "again"), now)]);
    let mut job = None;
    while job.is_none() {
        drive.now = drive.shard.next_wakeup().unwrap().at;
        let outputs = drive.put([Input::Tick]);
        job = outputs.iter().find_map(|output| match output {
            Output::LookUp(LookUp::Devices(recipient)) => Some(recipient.job),
            _ => None,
        });
    }
    let [phone, _] = devices("vera");
    let outputs = drive.put([Devices::new(job.unwrap(), [phone]).into()]);
    let first = sent(&outputs)[0].clone();
    drive.put([Outcome::of(&first, Verdict::NotSent).into()]);
    let Some((id, letter)) = drive.shard.gateway().dead_letters().next() else { panic!("no letter") };
    assert_eq!(drive.shard.gateway().dead_letter(id), Some(letter));
    assert_eq!(letter.job.id, first.job);
    let (from, to) = (UnixTime::EPOCH, UnixTime::MAX);
    let redrive = Command::Redrive { from, to, every: Duration::ZERO, until: UnixTime::MAX };
    let outputs = drive.put([Input::Command(redrive)]);
    let again = sent(&outputs)[0].clone();
    assert_eq!((again.leg, &again.content), (first.leg, &first.content));
    assert_eq!(drive.shard.gateway().dead_letters().count(), 0);
}

#[test]
fn questions_change_nothing() {
    let mut drive = story();
    let mut before = Vec::new();
    drive.shard.snapshot(&mut before);
    let gateway = drive.shard.gateway();
    let _ = gateway.ringing(&"alan".parse().unwrap(), drive.now);
    let _ = gateway.followed(SourceId(1), &"m1".parse().unwrap());
    assert_eq!(gateway.explain(JobId::from_bits(1)), None);
    assert!(gateway.room(1, 1_000).is_ok() && gateway.counters().of("jobs") > 0);
    let mut after = Vec::new();
    drive.shard.snapshot(&mut after);
    assert_eq!(before, after);
}

/// One of two rings that wait for the same name leaves without it: the other is still asked for.
#[test]
fn a_name_is_asked_for_as_long_as_somebody_waits_for_it() {
    use reveille_conversation::event::What;
    let mut drive = Drive::new(gateway());
    let start = drive.now;
    let nameless = |person: &str, at: UnixTime| {
        let What::CallOffered(mut nameless) = offer(person) else { panic!("an offer") };
        (nameless.caller_name, nameless.caller) = (None, Some("carol".parse().unwrap()));
        event("call", None, What::CallOffered(nameless), at)
    };
    let asked = drive.put([nameless("alan", start)]);
    let name = asked.iter().find_map(answer).unwrap();
    drive.now = start + Duration::from_millis(100);
    let at = drive.now;
    drive.put([nameless("beth", at)]);
    drive.now = start + Duration::from_millis(300);
    let rings = |outputs: &[Output]| {
        let people = outputs.iter().filter_map(|output| match output {
            Output::LookUp(LookUp::Devices(recipient)) => Some(recipient.person.to_string()),
            _ => None,
        });
        people.collect::<Vec<_>>()
    };
    assert_eq!(rings(&drive.put([Input::Tick])), ["alan"], "it waits no longer");
    drive.now = start + Duration::from_millis(350);
    assert_eq!(rings(&drive.put([name])), ["beth"]);
}
