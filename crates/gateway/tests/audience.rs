//! One announcement for many: page by page, each person once, through crashes, behind everything that hurries.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, too, fail by panicking"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::{Drive, SEED, START, announcement as news, event, gateway, offer, sent};
use reveille_conversation::id::PersonId;
use reveille_conversation::rules::{ChannelRules, Channels, KillSwitch, Rules};
use reveille_conversation::{Channel, Kind, Reason};
use reveille_core::{Action, UnixTime};
use reveille_delivery::{HeldBy, Priority, Verdict};
use reveille_gateway::admission::Bound;
use reveille_gateway::audience::*;
use reveille_gateway::explain::{Followed, Why};
use reveille_gateway::metrics::Commits;
use reveille_gateway::*;

/// A list in a store.
fn list(people: usize) -> Vec<PersonId> {
    let mut list: Vec<PersonId> =
        (0..people).map(|one| format!("reader-{one:06}").parse().unwrap()).collect();
    list.sort();
    list
}

/// Everything but pages.
fn answer(output: &Output) -> Option<Input> {
    if let Output::LookUp(LookUp::Audience(_)) = output { None } else { common::answer(output) }
}

fn name(id: &str) -> AnnouncementId {
    SEED.announcement(SourceId(1), &id.parse().unwrap())
}

fn page(list: &[PersonId], wanted: &Wanted) -> Page {
    let from = wanted.after.as_ref().map_or(0, |after| list.partition_point(|person| person <= after));
    let to = list.len().min(from + usize::from(wanted.limit));
    Page::of(wanted, list[from..to].to_vec(), to == list.len())
}

fn wanted(outputs: &[Output]) -> Vec<&Wanted> {
    let mut wanted = Vec::new();
    for output in outputs {
        if let Output::LookUp(LookUp::Audience(one)) = output {
            wanted.push(one);
        }
    }
    wanted
}

/// Everything is answered, pages too, until nothing is asked.
fn read(drive: &mut Drive, list: &[PersonId], inputs: impl IntoIterator<Item = Input>) -> Vec<Output> {
    let (mut all, mut new) = (Vec::new(), drive.put(inputs));
    loop {
        let pages = wanted(&new).into_iter().map(|wanted| Input::Page(page(list, wanted)));
        let answers: Vec<Input> = pages.chain(new.iter().filter_map(answer)).collect();
        all.append(&mut new);
        new = drive.put(answers);
        if new.is_empty() && drive.admission.is_empty() {
            return all;
        }
    }
}

/// Time passes, and nobody answers.
fn in_silence(drive: &mut Drive, span: Duration) -> Vec<Output> {
    let (end, mut all) = (drive.now + span, Vec::new());
    while let Some(wakeup) = drive.shard.next_wakeup().filter(|wakeup| wakeup.at <= end) {
        drive.now = drive.now.max(wakeup.at);
        all.extend(drive.commit(true));
    }
    drive.now = end;
    all
}

/// Who is told by how many jobs for their devices.
fn told(outputs: &[Output]) -> BTreeMap<PersonId, usize> {
    let mut told = BTreeMap::<_, BTreeSet<_>>::new();
    for output in outputs {
        if let Output::LookUp(LookUp::Devices(to)) = output
            && to.kind == Kind::NewMessage
        {
            told.entry(to.person.clone()).or_default().insert(to.job);
        }
    }
    told.into_iter().map(|(person, jobs)| (person, jobs.len())).collect()
}

fn refusals(outputs: &[Output]) -> Vec<PageRefused> {
    let why = |output: &Output| match output {
        Output::Note(Note::PageRefused { why, .. }) => Some(*why),
        _ => None,
    };
    outputs.iter().filter_map(why).collect()
}

#[test]
fn everybody_once_in_pages() {
    let (list, mut drive) = (list(1_000), Drive::new(gateway()));
    let now = drive.now;
    let outputs = read(&mut drive, &list, [news("a", now), news("a", now)]);
    let told = told(&outputs);
    assert_eq!((told.len(), told.values().max()), (1_000, Some(&1)));
    let jobs = sent(&outputs);
    assert_eq!(jobs.len(), 2_000, "two devices each");
    assert!(jobs.iter().all(|job| job.priority == Priority::Low));
    let lookups = outputs.iter().filter_map(|output| match output {
        Output::LookUp(LookUp::Devices(recipient)) => Some(recipient.priority),
        _ => None,
    });
    assert!(lookups.into_iter().all(|priority| priority == Priority::Low));
    let Content::Show { intent, messages: 1, .. } = &*jobs[0].content else { panic!("{:?}", jobs[0]) };
    assert_eq!(intent.arguments.snippet.as_ref().unwrap().as_str(), "We move on Monday.");
    let pages: Vec<_> = wanted(&outputs).iter().map(|wanted| (wanted.after.clone(), wanted.limit)).collect();
    let after = |place: usize| Some(list[place].clone());
    assert_eq!(pages, [(None, 256), (after(255), 256), (after(511), 256), (after(767), 256)]);

    let gateway = drive.shard.gateway();
    let progress = gateway.announcement(name("a")).unwrap();
    assert_eq!((progress.told, progress.pages, progress.open), (1_000, 4, 0));
    assert_eq!((progress.ended, progress.after.as_ref()), (Some(Ended::All), list.last()));
    let followed = gateway.followed(SourceId(1), &"a".parse().unwrap());
    assert_eq!(followed, [Followed::Announced(name("a")), Followed::NotTaken(Why::AlreadyTaken)]);
    assert_eq!((gateway.open_jobs(), gateway.counters().of("announcement_jobs_open")), (0, 0));
    assert_eq!(gateway.counters().of("announced_people"), 1_000);
}

/// Wherever the process dies: with a snapshot of any page, or with the whole log, each person is told by one job.
#[test]
fn after_a_crash_it_goes_on_at_its_page() {
    let list = list(1_000);
    for pages in 0..=4 {
        for replayed in [false, true] {
            let mut drive = Drive::new(gateway());
            let mut outputs = drive.put([news("a", START)]);
            for _ in 0..pages {
                let asked = wanted(&outputs).into_iter().cloned().next_back().unwrap();
                outputs.extend(drive.put([Input::Page(page(&list, &asked))]));
            }
            drive.shard = if replayed {
                let mut shard = Shard::new(gateway());
                let behaviour = <Gateway as reveille_core::log::Snapshot>::BEHAVIOUR;
                for entry in reveille_core::log::LogEntries::new(&drive.log, behaviour).unwrap() {
                    shard.replay(&entry).unwrap().for_each(drop);
                }
                shard
            } else {
                let mut snapshot = Vec::new();
                drive.shard.snapshot(&mut snapshot);
                Shard::restore(SEED, &snapshot).unwrap()
            };
            outputs.extend(read(&mut drive, &list, [Input::Recovered(CatchUp::default())]));
            let told = told(&outputs);
            assert_eq!((told.len(), told.values().max()), (1_000, Some(&1)), "after {pages} pages");
            let reached: BTreeSet<_> = sent(&outputs).iter().map(|job| &job.person).collect();
            assert_eq!(reached.len(), 1_000);
            assert_eq!(drive.shard.gateway().announcement(name("a")).unwrap().ended, Some(Ended::All));
            assert_eq!(drive.shard.gateway().open_jobs(), 0);
        }
    }
}

#[test]
fn a_wrong_page_tells_nobody_and_is_asked_for_again() {
    let (list, mut drive) = (list(300), Drive::new(gateway()));
    let outputs = drive.put([news("a", START)]);
    let first = wanted(&outputs)[0].clone();
    let good = page(&list, &first);
    let mut swapped = good.clone();
    swapped.people.swap(3, 4);
    let twice = Page::of(&first, vec![list[0].clone(), list[0].clone()], false);
    let empty = Page::of(&first, Vec::new(), false);
    for (wrong, why) in
        [(swapped, PageRefused::Order), (twice, PageRefused::Order), (empty, PageRefused::Empty)]
    {
        let outputs = drive.put([Input::Page(wrong)]);
        assert_eq!((refusals(&outputs), told(&outputs).len()), (vec![why], 0));
    }
    let again = in_silence(&mut drive, Duration::from_secs(60));
    assert_eq!(wanted(&again), [&first], "a minute later");
    let outputs = drive.put([Input::Page(good.clone()), Input::Page(good)]);
    let more = drive.put([]);
    assert_eq!(told(&outputs).len() + told(&more).len(), 256);
    assert_eq!(refusals(&more), [PageRefused::NotWanted], "the second is not taken");
    let second = wanted(&outputs)[0].clone();
    // Of another announcement, of an earlier place, or with people who were told before.
    let mut stray = page(&list, &second);
    stray.announcement = AnnouncementId::from_bits(7);
    let mut early = page(&list, &second);
    early.people.insert(0, list[255].clone());
    assert_eq!(refusals(&drive.put([Input::Page(stray)])), [PageRefused::NotWanted]);
    assert_eq!(refusals(&drive.put([Input::Page(early)])), [PageRefused::Order]);
    let gateway = drive.shard.gateway();
    let progress = gateway.announcement(name("a")).unwrap();
    assert_eq!((progress.told, progress.pages_refused, progress.asked), (256, 4, true));
    assert_eq!(gateway.counters().of("pages_refused"), 6);
}

/// More people than were asked for: the rest is asked for again.
#[test]
fn a_page_is_cut_to_its_limit() {
    let (list, mut drive) = (list(300), Drive::new(gateway()));
    let outputs = drive.put([news("a", START)]);
    let all = Page::of(wanted(&outputs)[0], list.clone(), true);
    let outputs = drive.put([Input::Page(all)]);
    assert_eq!(told(&outputs).len(), 256);
    assert_eq!(wanted(&outputs)[0].after.as_ref(), Some(&list[255]));
}

#[test]
fn a_store_that_is_silent_is_asked_again_until_it_is_too_late() {
    let mut drive = Drive::new(gateway());
    drive.put([news("a", START)]);
    let asked = in_silence(&mut drive, Duration::from_secs(11 * 60));
    assert_eq!(wanted(&asked).len(), 2, "every five minutes");
    let asked = in_silence(&mut drive, Duration::from_secs(86_400));
    assert!(asked.iter().any(|output| matches!(
        output,
        Output::Note(Note::AnnouncementEnded { ended: Ended::Expired, told: 0, .. })
    )));
    assert_eq!(
        (drive.shard.next_wakeup(), drive.shard.gateway().counters().of("announcements_open")),
        (None, 0)
    );
}

#[test]
fn a_cancel_stops_what_waits() {
    let (list, mut drive) = (list(1_000), Drive::new(gateway()));
    let outputs = drive.put([news("a", START)]);
    let outputs = drive.put([Input::Page(page(&list, wanted(&outputs)[0]))]);
    let next = wanted(&outputs)[0].clone();
    // Nobody's devices are known yet.
    let lookups: Vec<_> = outputs.iter().filter_map(answer).collect();
    let cancelled = drive.put([Input::Command(Command::CancelAnnouncement(name("a")))]);
    assert!(cancelled.iter().any(|output| matches!(
        output,
        Output::Note(Note::AnnouncementEnded { ended: Ended::Cancelled, told: 256, .. })
    )));
    let late = read(&mut drive, &list, lookups.into_iter().chain([Input::Page(page(&list, &next))]));
    assert_eq!((sent(&late).len(), refusals(&late)), (0, vec![PageRefused::NotWanted]));
    let gateway = drive.shard.gateway();
    assert_eq!((gateway.open_jobs(), gateway.announcement(name("a")).unwrap().open), (0, 0));
}

/// A push that is on the wire then, and fails, has no text message in its place any more; without the cancel it has.
#[test]
fn a_cancel_stops_what_would_come_instead() {
    for cancelled in [false, true] {
        let settings = GatewaySettings::default().with_fallback(Kind::NewMessage, Target::Sms);
        let mut drive = Drive::new(Gateway::new(phones(), settings, SEED).unwrap());
        let outputs = drive.put([news("a", START)]);
        let outputs = drive.put([Input::Page(page(&list(3), wanted(&outputs)[0]))]);
        let outputs = drive.put(outputs.iter().filter_map(answer).collect::<Vec<_>>());
        let on_the_wire: Vec<Job> = sent(&outputs).into_iter().cloned().collect();
        assert!(on_the_wire.len() >= 3, "{on_the_wire:?}");
        if cancelled {
            drive.put([Input::Command(Command::CancelAnnouncement(name("a")))]);
        }
        let gone = Action::DropTarget { if_registered_before: None };
        let gone = Verdict::Refused { status: 410, reason: None, action: gone };
        let answers: Vec<Input> =
            on_the_wire.iter().map(|job| Outcome::of(job, gone.clone()).into()).collect();
        let outputs = drive.put(answers);
        let instead = outputs.iter().filter(|output| {
            matches!(output, Output::FallBack(_) | Output::Attempt { .. } | Output::Note(Note::Begun { .. }))
        });
        assert_eq!(instead.count() == 0, cancelled);
        let failed = |output: &&Output| matches!(output, Output::Note(Note::PushFailed { .. }));
        assert_eq!(outputs.iter().filter(failed).count(), 3, "an operator hears of it");
    }
}

/// What is dead stays dead when it is cancelled, and what lives again because of a redrive is cancelled with all others.
#[test]
fn a_cancel_is_for_dead_letters_too() {
    for redriven_first in [false, true] {
        let mut drive = Drive::new(Gateway::new(phones(), GatewaySettings::default(), SEED).unwrap());
        let outputs = drive.put([news("a", START), news("b", START)]);
        let asked: Vec<_> = wanted(&outputs).into_iter().cloned().collect();
        let mut outputs = drive.put(asked.iter().map(|wanted| Input::Page(page(&list(3), wanted))));
        let again: Vec<_> = wanted(&outputs).into_iter().cloned().collect();
        outputs.extend(drive.put(again.iter().map(|wanted| Input::Page(page(&list(3), wanted)))));
        let outputs = drive.put(outputs.iter().filter_map(answer).collect::<Vec<_>>());
        let bad = Verdict::Refused { status: 400, reason: None, action: Action::FixRequest { field: None } };
        let answers: Vec<Input> =
            sent(&outputs).into_iter().map(|job| Outcome::of(job, bad.clone()).into()).collect();
        drive.put(answers);
        let dead = drive.shard.gateway().dead_letters().count();
        assert!(dead >= 6 && dead.is_multiple_of(2), "{dead}");
        let cancel = Input::Command(Command::CancelAnnouncement(name("a")));
        let (from, to, every) = (UnixTime::EPOCH, UnixTime::MAX, Duration::from_secs(1));
        let redrive = Input::Command(Command::Redrive { from, to, every, until: UnixTime::MAX });
        let steps = if redriven_first { [redrive, cancel] } else { [cancel, redrive] };
        let mut outputs = Vec::new();
        for input in steps {
            outputs = drive.put([input]);
        }
        for _ in 0..dead {
            drive.now += every;
            outputs.extend(drive.put([Input::Tick]));
        }
        // The first one had left when its cancel came.
        let left: Vec<_> = sent(&outputs).into_iter().map(|job| job.conversation.as_str()).collect();
        assert_eq!(left, vec!["at-b"; dead / 2], "redriven first: {redriven_first}");
        let gateway = drive.shard.gateway();
        let open = gateway.announcement(name("a")).unwrap().open;
        assert_eq!((gateway.dead_letters().count(), open), (0, u64::from(redriven_first)));
    }
}

/// A ring that comes with a page, or while pages are answered, is in the group before the page.
#[test]
fn a_ring_passes_every_page() {
    let (list, mut drive) = (list(20_000), Drive::new(gateway()));
    let mut outputs = drive.put([news("a", START)]);
    let mut rings = 0;
    while let Some(asked) = wanted(&outputs).into_iter().cloned().next_back() {
        let mut answers: Vec<_> = outputs.iter().filter_map(answer).collect();
        answers.push(Input::Page(page(&list, &asked)));
        rings += 1;
        answers.push(event(&format!("call-{rings}"), None, offer("alan"), START));
        for input in answers {
            drive.admission.admit(input, drive.shard.gateway()).unwrap();
        }
        let first: Vec<_> = drive.shard.group(START).fill(&mut drive.admission).seal().committed().collect();
        outputs = first.into_iter().map(|(_, output)| output).collect();
        let call = |output: &Output| matches!(output, Output::LookUp(LookUp::Devices(to)) if to.kind == Kind::IncomingCall);
        assert!(outputs.iter().any(call), "the ring is in the first group");
        assert_eq!(told(&outputs).len(), 0, "and the page is not");
        while !drive.admission.is_empty() {
            outputs.extend(drive.put([]));
        }
    }
    assert!(rings > 70, "{rings}");
}

/// Under traffic that never stops, and always hurries, what is for audiences still gets its share: each sixteenth group.
#[test]
fn a_page_is_not_forgotten_under_load() {
    let (list, mut drive) = (list(300), Drive::new(gateway()));
    let outputs = drive.put([news("a", START)]);
    let page = Input::Page(page(&list, wanted(&outputs)[0]));
    drive.admission.admit(page, drive.shard.gateway()).unwrap();
    let groups = (1..40).find(|call| {
        let now = drive.now;
        let outputs = drive.put([event(&format!("call-{call}"), None, offer("alan"), now)]);
        !told(&outputs).is_empty()
    });
    assert_eq!(groups, Some(16));
    assert!(drive.admission.is_empty());
}

/// Whatever is not committed waits again, in its place.
#[test]
fn an_abandoned_page_waits_again() {
    let (list, mut drive) = (list(300), Drive::new(gateway()));
    let outputs = drive.put([news("a", START)]);
    let page = Input::Page(page(&list, wanted(&outputs)[0]));
    drive.admission.admit(page, drive.shard.gateway()).unwrap();
    let sealed = drive.shard.group(START).fill(&mut drive.admission).seal();
    assert_eq!(sealed.len(), 1);
    sealed.abandon(&mut drive.admission);
    let applied = drive.shard.group(START).fill(&mut drive.admission).seal().committed();
    assert_eq!(applied.ticket(), None, "nobody waits for it");
    let outputs: Vec<Output> = applied.map(|(_, output)| output).collect();
    assert_eq!(told(&outputs).len(), 256);
}

/// In a quiet shard the next group comes minutes later: that is not how long the page waited.
#[test]
fn a_page_does_not_count_as_waiting() {
    let (list, mut drive) = (list(300), Drive::new(gateway()));
    let outputs = drive.put([news("a", START)]);
    let page = Input::Page(page(&list, wanted(&outputs)[0]));
    let mut commits = Commits::default();
    for (input, now) in
        [(page, START), (event("call", None, offer("alan"), START), START + Duration::from_secs(600))]
    {
        commits.admitted(drive.admission.admit(input, drive.shard.gateway()).unwrap(), now);
        let applied = drive.shard.group(now).fill(&mut drive.admission).seal().committed();
        commits.committed(&applied, now);
    }
    let counters = commits.counters();
    let of = |name| counters.histogram(name).map(|all| (all.count(), all.largest()));
    assert_eq!(of("admission_to_commit_ms"), Some((1, 0)));
    assert_eq!(of("group_inputs"), Some((2, 1)));
}

/// One job for each person.
fn phones() -> Rules {
    let channels = ChannelRules::default().with_new_message(Channels::of(&[Channel::Mobile]));
    Rules::default().with_channels(channels)
}

/// What one announcement may have under way, and how many there may be.
#[test]
fn its_bounds() {
    let list = list(5_000);
    let settings = GatewaySettings::default().with_announcements(2, 100, 250);
    let mut drive = Drive::new(Gateway::new(phones(), settings, SEED).unwrap());
    let mut outputs = drive.put([news("a", START), news("b", START)]);
    let refused = drive.admission.admit(news("c", START), drive.shard.gateway()).unwrap_err();
    assert_eq!(refused.bound, Bound::Announcements);
    // Also while they wait in the queue.
    let mut other = Drive::new(gateway());
    let taken = (0..20).take_while(|id| {
        let input = news(&format!("n{id}"), START);
        other.admission.admit(input, other.shard.gateway()).is_ok()
    });
    assert_eq!(taken.count(), 16);
    // Two pages, in turn, and no third one while nobody answers.
    let mut lookups = Vec::new();
    let mut asked = Vec::new();
    while let Some(wanted) = wanted(&outputs).first().map(|wanted| (*wanted).clone()) {
        asked.push((wanted.announcement, wanted.limit));
        outputs = drive.put([Input::Page(page(&list, &wanted))]);
        lookups.extend(outputs.iter().filter_map(|output| match output {
            Output::LookUp(LookUp::Devices(recipient)) => Some(recipient.job),
            _ => None,
        }));
    }
    assert_eq!(asked, [(name("a"), 100), (name("b"), 100)]);
    assert_eq!(drive.shard.gateway().counters().of("announcement_jobs_open"), 200);
    // Who sleeps until the morning holds nobody up.
    let until = START + Duration::from_secs(8 * 3_600);
    let sleeps = lookups.drain(..60).map(|job| Deferred::person(job, until, HeldBy::Quiet).into());
    let outputs = drive.put(sleeps);
    assert_eq!(wanted(&outputs).len(), 1);
    // Half of the room for jobs is everybody else's.
    let settings = GatewaySettings::default().with_jobs(300, 1 << 30);
    let mut drive = Drive::new(Gateway::new(phones(), settings, SEED).unwrap());
    let outputs = drive.put([news("a", START)]);
    assert_eq!(wanted(&outputs)[0].limit, 150);
    let outputs = drive.put([Input::Page(page(&list, wanted(&outputs)[0]))]);
    assert!(wanted(&outputs).is_empty());
    drive.admission.admit(event("call", None, offer("alan"), START), drive.shard.gateway()).unwrap();
}

#[test]
fn the_kill_switch_ends_it_with_its_reason() {
    let (list, mut drive) = (list(300), Drive::new(gateway()));
    let outputs = drive.put([news("a", START)]);
    let outputs = drive.put([Input::Page(page(&list, wanted(&outputs)[0]))]);
    let off = Rules::default().with_kill(KillSwitch::default().with_all(true));
    drive.put([Input::Rules(Box::new(off))]);
    let outputs = drive.put([Input::Page(page(&list, wanted(&outputs)[0]))]);
    assert_eq!(told(&outputs).len(), 0);
    let progress = drive.shard.gateway().announcement(name("a")).unwrap();
    assert_eq!((progress.told, progress.ended), (256, Some(Ended::Suppressed(Reason::KilledAll))));
}

/// Bytes of the log for each person, all answers included.
#[test]
fn the_log_stays_small() {
    let (list, mut drive) = (list(5_000), Drive::new(gateway()));
    read(&mut drive, &list, [news("a", START)]);
    let each = drive.log.len() / 5_000;
    assert!(each < 2 * 350, "two devices each: {each} bytes");
}
