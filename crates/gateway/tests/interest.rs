//! Nobody is told of what they are not interested in any more, on whichever channel; and who wants to be told is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, too, fail by panicking"
)]

mod common;

use std::time::Duration;

use common::*;
use reveille_conversation::event::{Left, Role, What};
use reveille_conversation::rules::{ChannelRules, Channels, LookupRules, ReadRules, RecipientRules, Rules};
use reveille_conversation::{Channel, Kind, Reason};
use reveille_core::log::{LogEntries, Snapshot as _, log_append, log_head};
use reveille_core::{Action, RetrySource};
use reveille_delivery::{Fate, HeldBy, JobId, Verdict};
use reveille_gateway::explain::Followed;
use reveille_gateway::*;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn drive_of(rules: Rules, settings: GatewaySettings) -> Drive {
    let mut drive = Drive::new(Gateway::new(rules, settings, SEED).unwrap());
    let now = drive.now;
    drive.settle([event("chat", None, joined("vera", Role::Visitor), now)]);
    drive
}

/// A message, until its window has ended and others than devices were told: gives the push's job, whose devices are asked for, and
/// all outputs.
fn until_asked(drive: &mut Drive, sequence: u64) -> (JobId, Vec<Output>) {
    let now = drive.now;
    let id = format!("m{sequence}");
    let mut all = drive.settle([event("chat", Some(&id), message("alan", sequence, "hello"), now)]);
    loop {
        let asked = all.iter().find_map(|output| match output {
            Output::LookUp(LookUp::Devices(recipient)) => Some(recipient.job),
            _ => None,
        });
        if let Some(job) = asked {
            let elsewhere = all.iter().filter(|output| matches!(output, Output::FallBack(_)));
            let taken: Vec<_> = elsewhere.filter_map(answer).collect();
            drive.put(taken);
            return (job, all);
        }
        drive.now = drive.shard.next_wakeup().unwrap().at;
        all.extend(drive.commit(true));
    }
}

fn told(outputs: &[Output], target: Target) -> Vec<(bool, u32)> {
    let told = outputs.iter().filter_map(|output| match output {
        Output::FallBack(job) if job.target == target => Some(match &*job.content {
            Content::Show { messages, .. } => (true, *messages),
            _ => (false, 0),
        }),
        _ => None,
    });
    told.collect()
}

fn leaves(what: fn(Left) -> What) -> What {
    what(Left { person: "vera".parse().unwrap() })
}

fn busy() -> Verdict {
    let action = Action::Retry { not_before: START + secs(600), source: RetrySource::Service };
    Verdict::Refused { status: 503, reason: None, action }
}

/// A push that waits for its next attempt does not go to a browser that somebody else may use by then; what arrived is taken
/// back where the guest's session ended, and stays where they merely left.
#[test]
fn whoever_leaves_is_told_nothing_any_more() {
    for (what, taken_back) in [(leaves(What::GuestSessionEnded), 1), (leaves(What::Left), 0)] {
        let mut drive = drive_of(Rules::default(), GatewaySettings::default());
        let (job, _) = until_asked(&mut drive, 1);
        let outputs = drive.put([Devices::new(job, devices("vera")).into()]);
        let jobs: Vec<Job> = sent(&outputs).into_iter().cloned().collect();
        drive.put([
            Outcome::of(&jobs[0], Verdict::Accepted { status: 201 }).into(),
            Outcome::of(&jobs[1], busy()).into(),
        ]);
        let now = drive.now;
        let mut outputs = drive.settle([event("chat", None, what, now)]);
        outputs.extend(drive.pass(secs(3_000)));
        let after = sent(&outputs);
        assert!(after.iter().all(|job| job.content.takes_back()), "{outputs:?}");
        assert_eq!(after.len(), taken_back);
        assert!(after.iter().all(|job| job.target == jobs[0].target));
        assert_eq!(drive.shard.gateway().open_jobs(), 0);
    }
}

/// The matrix has no channel on which to say that it was read, or nobody wants to hear it: then what waits is not told all the same.
#[test]
fn what_is_read_in_silence_is_not_told() {
    let email = Channels::of(&[Channel::Email]);
    let by_mail = Rules::default().with_recipients(RecipientRules::default().with_visitor(email));
    let silent = Rules::default().with_reads(ReadRules::default().with_invalidate(false));
    for rules in [by_mail, silent] {
        let mut drive = drive_of(rules, GatewaySettings::default());
        let now = drive.now;
        drive.settle([event("chat", None, message("alan", 1, "hello"), now)]);
        drive.pass(secs(5));
        let now = drive.now;
        let mut outputs = drive.settle([event("chat", None, read("vera", 1), now)]);
        outputs.extend(drive.pass(secs(300)));
        let shows = |output: &&Output| matches!(output, Output::FallBack(_) | Output::Send(_));
        assert_eq!(outputs.iter().filter(shows).count(), 0, "{outputs:?}");
    }
}

/// Whatever became of the push: whoever was told of a message hears that it was read.
#[test]
fn the_webhook_hears_of_a_read_although_no_push_arrived() {
    for quiet in [false, true] {
        let mut drive = drive_of(Rules::default(), GatewaySettings::default());
        let (job, outputs) = until_asked(&mut drive, 1);
        assert_eq!(told(&outputs, Target::Webhook), [(true, 1)]);
        let until = drive.now + secs(3_600);
        drive.put([if quiet {
            Deferred::person(job, until, HeldBy::Quiet).into()
        } else {
            Devices::new(job, []).into()
        }]);
        drive.pass(secs(10));
        let now = drive.now;
        let outputs = drive.settle([event("chat", None, read("vera", 1), now)]);
        assert_eq!(told(&outputs, Target::Webhook), [(false, 0)], "quiet: {quiet}, {outputs:?}");
        let later = drive.pass(secs(4_000));
        assert_eq!(told(&later, Target::Webhook), []);
        assert!(sent(&later).is_empty());
    }
}

/// Quiet hours found a push whose reader had left: later messages are told on all ways.
#[test]
fn a_hold_of_what_nobody_waits_for_swallows_nothing() {
    let mut drive = drive_of(Rules::default(), GatewaySettings::default());
    let (job, _) = until_asked(&mut drive, 1);
    let now = drive.now;
    drive.put([event("chat", None, leaves(What::Left), now)]);
    drive.put([Deferred::person(job, drive.now + secs(60), HeldBy::Quiet).into()]);
    let now = drive.now;
    drive.settle([event("chat", None, joined("vera", Role::Visitor), now)]);
    let (_, outputs) = until_asked(&mut drive, 2);
    assert_eq!(told(&outputs, Target::Webhook), [(true, 1)]);
    assert_eq!(told(&outputs, Target::Email), [(true, 1)]);
}

/// The bound of what may be kept is reached: the count is told, without a text.
#[test]
fn a_message_without_room_for_its_text_is_told() {
    let mut settings = GatewaySettings::default();
    settings.digest_limits.bytes = 16;
    let mut drive = drive_of(Rules::default(), settings);
    let (job, outputs) = until_asked(&mut drive, 1);
    assert_eq!(told(&outputs, Target::Webhook), [(true, 1)]);
    let outputs = drive.settle([Devices::new(job, devices("vera")).into()]);
    let jobs = sent(&outputs);
    assert_eq!(jobs.len(), 2, "{outputs:?}");
    let Content::Show { intent, messages: 1, .. } = &*jobs[0].content else { panic!("{jobs:?}") };
    assert_eq!((&intent.arguments.snippet, intent.arguments.unread), (&None, 1));
    assert_eq!(intent.kind, Kind::NewMessage);
}

/// One device is gone, and the other is logged out before its next attempt: nobody was told, so somebody hears of it.
#[test]
fn a_log_out_does_not_hide_that_nobody_was_told() {
    let phones = ChannelRules::default().with_new_message(Channels::of(&[Channel::Mobile, Channel::WebPush]));
    let settings = GatewaySettings::default().with_fallback(Kind::NewMessage, Target::Sms);
    let mut drive = drive_of(Rules::default().with_channels(phones), settings);
    let (job, _) = until_asked(&mut drive, 1);
    let outputs = drive.put([Devices::new(job, devices("vera")).into()]);
    let jobs: Vec<Job> = sent(&outputs).into_iter().cloned().collect();
    let gone = Action::DropTarget { if_registered_before: None };
    let gone = Verdict::Refused { status: 410, reason: None, action: gone };
    drive.put([Outcome::of(&jobs[0], gone).into(), Outcome::of(&jobs[1], busy()).into()]);
    let Target::Device(phone) = jobs[1].target else { panic!() };
    let outputs = drive.settle([Input::DropDevice(phone.id)]);
    let failed = |output: &Output| {
        matches!(output, Output::Note(Note::PushFailed { fate: Fate::Gone, instead: Some(Target::Sms), .. }))
    };
    assert!(outputs.iter().any(failed), "{outputs:?}");
    assert_eq!(told(&outputs, Target::Sms), [(true, 1)]);
}

/// What waited for a name and became nothing says so, and does not pass for the ring that comes after it.
#[test]
fn what_waited_for_a_name_in_vain_is_explained() {
    let nameless = |id: &str, at| {
        let What::CallOffered(mut nameless) = offer("vera") else { panic!("an offer") };
        (nameless.caller_name, nameless.caller) = (None, Some("carol".parse().unwrap()));
        event("chat", Some(id), What::CallOffered(nameless), at)
    };
    let lookups = LookupRules::default();
    let mut drive = drive_of(Rules::default().with_lookups(lookups), GatewaySettings::default());
    let followed =
        |drive: &Drive, id: &str| drive.shard.gateway().followed(SourceId(1), &id.parse().unwrap());
    let start = drive.now;
    drive.put([nameless("first", start)]);
    assert!(matches!(&followed(&drive, "first")[..], [Followed::Waits { .. }]));
    let ended = What::CallEnded(reveille_conversation::event::Ended { abandoned: false });
    drive.now = start + Duration::from_millis(10);
    let now = drive.now;
    drive.put([event("chat", Some("end"), ended, now)]);
    let suppressed = |followed: &[Followed]| {
        matches!(followed, [Followed::Suppressed { reason: Reason::CancelledBefore, .. }])
    };
    assert!(suppressed(&followed(&drive, "first")), "{:?}", followed(&drive, "first"));
    drive.now = start + Duration::from_millis(20);
    let now = drive.now;
    drive.settle([nameless("second", now)]);
    assert!(suppressed(&followed(&drive, "first")));
    let second = followed(&drive, "second");
    assert!(
        second.iter().any(|one| matches!(one, Followed::Told { kind: Kind::IncomingCall, .. })),
        "{second:?}"
    );
}

/// A group that was dropped with an error on its way: its inputs come with the next one, and are acknowledged with that.
#[test]
fn a_group_that_is_dropped_is_not_lost() {
    let mut drive = Drive::new(gateway());
    let now = drive.now;
    let first = admit(&mut drive, "1", "vera");
    drop(drive.shard.group(now).fill(&mut drive.admission).tick().seal());
    drop(drive.shard.group(now).after_step(now));
    let second = admit(&mut drive, "2", "beth");
    let sealed = drive.shard.group(now).fill(&mut drive.admission).seal();
    assert_eq!(sealed.len(), 2, "without the tick and the step");
    let log = written(&sealed);
    let applied = sealed.committed();
    assert!(first < second && applied.ticket() == Some(second));
    let outputs: Vec<_> = applied.collect();
    let entry = LogEntries::new(&log, Gateway::BEHAVIOUR).unwrap().next().unwrap();
    assert_eq!(Shard::new(gateway()).replay(&entry).unwrap().collect::<Vec<_>>(), outputs);
}

/// The store had it, and nobody knew: what is in the log is not committed again, whatever came meanwhile, and the next group stands
/// behind it.
#[test]
fn a_group_that_the_store_had_after_all_does_not_come_twice() {
    for meanwhile in 0..3 {
        let mut drive = Drive::new(gateway());
        let now = drive.now;
        admit(&mut drive, "1", "vera");
        admit(&mut drive, "2", "beth");
        let sealed = drive.shard.group(now).fill(&mut drive.admission).tick().seal();
        let log = written(&sealed);
        drop(sealed);
        if meanwhile > 0 {
            admit(&mut drive, "3", "carl");
            // Its append is refused: the number is taken.
            let group = drive.shard.group(now);
            drop(if meanwhile > 1 { group.fill(&mut drive.admission).seal() } else { group.seal() });
        }
        let entry = LogEntries::new(&log, Gateway::BEHAVIOUR).unwrap().next().unwrap();
        let outputs: Vec<_> = drive.shard.replay(&entry).unwrap().collect();
        assert!(outputs.iter().any(|(_, output)| matches!(output, Output::LookUp(_))));
        let next = drive.shard.group(now).fill(&mut drive.admission).tick().seal();
        assert_eq!(next.len(), 1 + usize::from(meanwhile > 0), "{meanwhile}");
        let more = written(&next);
        next.committed().for_each(drop);
        let mut other = Shard::new(gateway());
        for log in [&log, &more] {
            let entry = LogEntries::new(log, Gateway::BEHAVIOUR).unwrap().next().unwrap();
            other.replay(&entry).unwrap().for_each(drop);
        }
    }
}

/// A store that is away for a while makes no group larger than one may be: what comes waits in the queue, and is refused there.
#[test]
fn a_group_that_is_dropped_again_and_again_does_not_grow() {
    let mut drive = Drive::new(gateway());
    drive.admission = Admission::new(AdmissionLimits { group: 4, ..AdmissionLimits::default() });
    let now = drive.now;
    for round in 0..10 {
        admit(&mut drive, &format!("{round}"), "vera");
        let sealed = drive.shard.group(now).fill(&mut drive.admission).seal();
        assert_eq!(sealed.len(), (round + 1).min(4));
    }
    assert_eq!(drive.admission.len(), 6);
}

fn admit(drive: &mut Drive, id: &str, person: &str) -> admission::Ticket {
    let input = event("call", Some(id), offer(person), drive.now);
    drive.admission.admit(input, drive.shard.gateway()).unwrap()
}

fn written(sealed: &log::Sealed<'_>) -> Vec<u8> {
    let mut log = Vec::new();
    log_head(&mut log, Gateway::BEHAVIOUR);
    log_append(&mut log, sealed.number(), sealed.now(), sealed.bytes());
    log
}

/// What was read is being taken back while another message is collected, and its reader leaves: it is taken back all the same.
#[test]
fn leaving_stops_nothing_that_takes_back() {
    let mut drive = drive_of(Rules::default(), GatewaySettings::default());
    let (job, _) = until_asked(&mut drive, 1);
    let [phone, _] = devices("vera");
    drive.settle([Devices::new(job, [phone]).into()]);
    let now = drive.now;
    let outputs = drive.put([event("chat", None, read("vera", 1), now)]);
    let back = sent(&outputs)[0].clone();
    assert!(back.content.takes_back());
    drive.put([Outcome::of(&back, busy()).into()]);
    let now = drive.now;
    drive.put([event("chat", None, message("alan", 2, "hello"), now)]);
    let now = drive.now;
    let mut outputs = drive.settle([event("chat", None, leaves(What::Left), now)]);
    outputs.extend(drive.pass(secs(3_000)));
    let again: Vec<_> = sent(&outputs).iter().map(|job| job.leg).collect();
    assert_eq!(again, [back.leg]);
}

/// One device would not have what takes it back, so that is dead; the other one's waits for its next attempt. Another message comes, and
/// is read before it is told: what waits goes on.
#[test]
fn what_is_dead_of_a_take_back_does_not_stop_the_rest_of_it() {
    let mut drive = drive_of(Rules::default(), GatewaySettings::default());
    let (job, _) = until_asked(&mut drive, 1);
    drive.settle([Devices::new(job, devices("vera")).into()]);
    let now = drive.now;
    let outputs = drive.put([event("chat", None, read("vera", 1), now)]);
    let backs: Vec<Job> = sent(&outputs).into_iter().cloned().collect();
    let wrong = Action::FixRequest { field: None };
    let wrong = Verdict::Refused { status: 400, reason: None, action: wrong };
    drive.put([Outcome::of(&backs[0], wrong).into(), Outcome::of(&backs[1], busy()).into()]);
    assert_eq!(drive.shard.gateway().dead_letters().count(), 1);
    let now = drive.now;
    drive.put([event("chat", None, message("alan", 2, "hello"), now)]);
    let now = drive.now;
    let mut outputs = drive.settle([event("chat", None, read("vera", 2), now)]);
    outputs.extend(drive.pass(secs(3_000)));
    let again: Vec<_> = sent(&outputs).iter().map(|job| job.leg).collect();
    assert_eq!(again, [backs[1].leg]);
}

/// A push died, and its reader left: no operator makes it live again.
#[test]
fn what_is_dead_stays_dead_when_they_leave() {
    let phones = ChannelRules::default().with_new_message(Channels::of(&[Channel::Mobile]));
    let mut drive = drive_of(Rules::default().with_channels(phones), GatewaySettings::default());
    let (job, _) = until_asked(&mut drive, 1);
    let [phone, _] = devices("vera");
    let outputs = drive.put([Devices::new(job, [phone]).into()]);
    let action = Action::FixRequest { field: None };
    let refused = Verdict::Refused { status: 400, reason: None, action };
    drive.put([Outcome::of(sent(&outputs)[0], refused).into()]);
    assert_eq!(drive.shard.gateway().dead_letters().count(), 1);
    let now = drive.now;
    drive.settle([event("chat", None, leaves(What::Left), now)]);
    let redrive = Command::Redrive { from: START, to: now + secs(9), every: secs(0), until: now + secs(99) };
    assert!(sent(&drive.put([Input::Command(redrive)])).is_empty());
}

#[test]
fn whoever_answers_has_read() {
    let mut drive = Drive::new(gateway());
    let now = drive.now;
    drive.settle([
        event("chat", None, joined("vera", Role::Visitor), now),
        event("chat", None, joined("alan", Role::Primary), now),
        event("chat", None, joined("beth", Role::Primary), now),
    ]);
    let now = drive.now;
    drive.settle([event("chat", None, message("beth", 1, "hello"), now)]);
    let outputs = drive.pass(secs(40));
    let to_alan =
        |outputs: &[Output]| sent(outputs).iter().filter(|job| job.person.as_str() == "alan").count();
    assert_eq!(to_alan(&outputs), 2, "{outputs:#?}");
    let now = drive.now;
    let outputs = drive.settle([event("chat", None, message("alan", 2, "hello"), now)]);
    assert_eq!(to_alan(&outputs), 2, "{outputs:#?}");
}
