//! The log is everything: cut anywhere, grouped in any way, read by another process, with or without a snapshot.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests, too, fail by panicking"
)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::every_kind::{OWN_KINDS, kinds};
use common::{Drive, SEED, START, bytes, event, gateway, offer, story};
use proptest::prelude::*;
use reveille_conversation::event::What;
use reveille_conversation::rules::Rules;
use reveille_core::log::{LogEntries, LogEntry, Snapshot as _, log_append, log_head};
use reveille_gateway::log::ReplayError;
use reveille_gateway::{
    Admission, AdmissionLimits, CatchUp, Epoch, Gateway, GatewaySettings, Input, Output, Shard, Target,
};

fn replay(shard: &mut Shard, log: &[u8]) -> Vec<(u64, Output)> {
    let mut outputs = Vec::new();
    for entry in LogEntries::new(log, Gateway::BEHAVIOUR).unwrap() {
        outputs.extend(shard.replay(&entry).unwrap());
    }
    outputs
}

fn snapshot(shard: &mut Shard) -> Vec<u8> {
    let mut bytes = Vec::new();
    shard.snapshot(&mut bytes);
    bytes
}

/// What follows holds for every kind of input and event, since the story has them all.
#[test]
fn the_story_has_every_kind() {
    let told = kinds(story().inputs.iter().map(|(input, _)| input));
    let all: BTreeSet<&str> = OWN_KINDS.iter().chain(What::NAMES).copied().collect();
    assert_eq!(told, all);
}

#[test]
fn a_log_cut_at_every_byte_gives_the_beginning_of_the_outputs() {
    let story = story();
    let whole = bytes(story.outputs.iter().map(|(_, output)| output));
    let mut lengths = Vec::new();
    for cut in 0..=story.log.len() {
        let mut shard = Shard::new(gateway());
        let Ok(entries) = LogEntries::new(&story.log[..cut], Gateway::BEHAVIOUR) else {
            panic!("a log that was cut is a log: {cut}")
        };
        // Most cuts are within a group, and read like the cut before.
        let count = entries.clone().count();
        if lengths.last() == Some(&count) {
            continue;
        }
        lengths.push(count);
        let outputs = replay(&mut shard, &story.log[..cut]);
        let read = bytes(outputs.iter().map(|(_, output)| output));
        assert!(whole.starts_with(&read), "cut at {cut}");
    }
    assert!(lengths.len() > 15, "{lengths:?}");
}

#[test]
fn a_snapshot_and_the_rest_are_the_whole() {
    let mut story = story();
    let entries: Vec<LogEntry<'_>> = LogEntries::new(&story.log, Gateway::BEHAVIOUR).unwrap().collect();
    for at in 0..entries.len() {
        let mut shard = Shard::new(gateway());
        for entry in &entries[..at] {
            drop(shard.replay(entry).unwrap());
        }
        let mut other = Shard::restore(SEED, &snapshot(&mut shard)).unwrap();
        // Those that the snapshot covers are passed over.
        let (ours, theirs) = (replay(&mut shard, &story.log), replay(&mut other, &story.log));
        assert_eq!(bytes(ours.iter().map(|(_, one)| one)), bytes(theirs.iter().map(|(_, one)| one)));
        assert_eq!(snapshot(&mut shard), snapshot(&mut other), "after {at} groups");
        assert_eq!(snapshot(&mut shard), snapshot(&mut story.shard));
    }
}

/// However a replay is read, the state is the same, and so is the hash of the outputs, which a snapshot holds.
#[test]
fn a_replay_gives_its_effects_or_nothing_and_goes_on_as_if_all_were_read() {
    let mut story = story();
    let (mut read, mut dropped, mut begun, mut effects) =
        (Shard::new(gateway()), Shard::new(gateway()), Shard::new(gateway()), Shard::new(gateway()));
    let mut count = 0;
    for entry in LogEntries::new(&story.log, Gateway::BEHAVIOUR).unwrap() {
        let all: Vec<_> = read.replay(&entry).unwrap().collect();
        drop(dropped.replay(&entry).unwrap());
        assert_eq!(begun.replay(&entry).unwrap().next(), all.first().cloned());
        let given = effects.replay(&entry).unwrap().effects();
        count += given.len();
        assert_eq!(given, all.into_iter().filter(|(_, output)| output.is_effect()).collect::<Vec<_>>());
        let expected = snapshot(&mut read);
        for other in [&mut dropped, &mut begun, &mut effects] {
            assert_eq!(snapshot(other), expected, "after entry {}", entry.number);
        }
    }
    assert!(count > 0, "the story has effects");
    assert_eq!(snapshot(&mut effects), snapshot(&mut story.shard));
}

/// An operator may go on behind a group whose outputs are others now: all inputs are taken in, the rest of the log is read.
#[test]
fn a_log_that_differs_can_be_overruled() {
    let mut story = story();
    let entries: Vec<LogEntry<'_>> = LogEntries::new(&story.log, Gateway::BEHAVIOUR).unwrap().collect();
    let (mut shard, middle) = (Shard::new(gateway()), entries.len() / 2);
    for (place, entry) in entries.iter().enumerate() {
        let mut other = entry.input.to_vec();
        if place == middle {
            other[6] ^= 1;
        }
        let entry = LogEntry { input: &other, ..*entry };
        let refused = shard.replay(&entry).err();
        assert_eq!(refused, (place == middle).then_some(ReplayError::Diverged { number: entry.number }));
        if refused.is_some() {
            drop(shard.overrule(&entry).unwrap());
        }
    }
    assert_eq!(snapshot(&mut shard), snapshot(&mut story.shard));
    let gap = LogEntry { number: 9_999_999, ..entries[0] };
    assert!(matches!(shard.overrule(&gap), Err(ReplayError::Gap(_))), "nothing else is overruled");
}

#[test]
fn a_log_that_does_not_fit_stops_the_shard() {
    let story = story();
    let entries: Vec<LogEntry<'_>> = LogEntries::new(&story.log, Gateway::BEHAVIOUR).unwrap().collect();
    let mut shard = Shard::new(gateway());
    let gap = shard.replay(&entries[1]).unwrap_err();
    insta::assert_snapshot!(gap, @"entry 3 of the log is not the next one: that is 1");
    let mut other = entries[0].input.to_vec();
    other[1] ^= 0x40;
    let behaviour = shard.replay(&LogEntry { input: &other, ..entries[0] }).unwrap_err();
    insta::assert_snapshot!(behaviour, @"entry 1 was written by behaviour 72: this release replays behaviour 8");
    let mut other = entries[0].input.to_vec();
    other[6] ^= 1;
    let diverged = shard.replay(&LogEntry { input: &other, ..entries[0] }).unwrap_err();
    insta::assert_snapshot!(diverged, @"before entry 1 the outputs were others than now");
    let damaged = shard.replay(&LogEntry { input: &entries[0].input[..5], ..entries[0] }).unwrap_err();
    insta::assert_snapshot!(damaged, @"entry 1 is no group of inputs");
    let mut other = entries[0].input.to_vec();
    other[14] = 9;
    let input = shard.replay(&LogEntry { input: &other, ..entries[0] }).unwrap_err();
    insta::assert_snapshot!(input, @"input 1: the input has version 9: this library reads version 1");
    assert!(matches!(input, ReplayError::Input { number: 1, .. }));
    assert_eq!(shard.next_number(), 1, "nothing was applied");
}

#[test]
fn outputs_that_nobody_reads_are_applied_all_the_same() {
    let mut story = story();
    let mut shard = Shard::new(gateway());
    for entry in LogEntries::new(&story.log, Gateway::BEHAVIOUR).unwrap() {
        // The first output at most.
        let _ = shard.replay(&entry).unwrap().next();
    }
    assert_eq!(snapshot(&mut shard), snapshot(&mut story.shard));
}

#[test]
fn what_is_not_committed_waits_again_and_in_its_order() {
    let mut drive = Drive::new(gateway());
    let inputs = [Input::Recovered(CatchUp::default()), Input::Owner(Epoch(1))];
    for input in inputs {
        drive.admission.admit(input, drive.shard.gateway()).unwrap();
    }
    let sealed = drive.shard.group(START).fill(&mut drive.admission).tick().seal();
    let (bytes, number) = (sealed.bytes().to_vec(), sealed.number());
    sealed.abandon(&mut drive.admission);
    assert_eq!(
        (drive.admission.len(), drive.shard.next_number()),
        (2, number),
        "the tick is not needed again"
    );
    let sealed = drive.shard.group(START).fill(&mut drive.admission).tick().seal();
    assert_eq!(sealed.bytes(), bytes);
    assert_eq!(sealed.committed().ticket(), Some(reveille_gateway::admission::Ticket(2)));
}

/// What was on its way when the process died is let go again as it was, whatever else is in the first group and however long
/// nobody was there: an attempt that nobody can have answered is not counted as one without an answer.
#[test]
fn a_recovery_comes_before_what_is_overdue() {
    let settings = GatewaySettings::default().with_answer_within(Duration::from_secs(5));
    let mut drive = Drive::new(Gateway::new(Rules::default(), settings, SEED).unwrap());
    let now = drive.now;
    let mails = |outputs: &[Output]| -> Vec<_> {
        let mails = outputs.iter().filter_map(|output| match output {
            Output::FallBack(job) if job.target == Target::Email => Some((job.leg, job.attempt)),
            _ => None,
        });
        mails.collect()
    };
    let before = mails(&drive.put([event("call", None, offer("alan"), now)]));
    assert_eq!(before.len(), 1);
    drive.shard = Shard::restore(SEED, &snapshot(&mut drive.shard)).unwrap();
    drive.now += Duration::from_secs(20);
    let again = mails(&drive.put([Input::Owner(Epoch(2)), Input::Recovered(CatchUp::default())]));
    assert_eq!(again, before, "the very attempt, once");
}

/// Only what says what time it is comes before it.
#[test]
fn a_step_of_the_clock_comes_before_a_recovery() {
    let mut drive = Drive::new(gateway());
    for input in [Input::Owner(Epoch(2)), Input::Recovered(CatchUp::default())] {
        drive.admission.admit(input, drive.shard.gateway()).unwrap();
    }
    let sealed = drive.shard.group(START).fill(&mut drive.admission).after_step(START).seal();
    let entry = LogEntry { number: sealed.number(), now: sealed.now(), input: sealed.bytes() };
    let inputs = Shard::inputs(&entry).unwrap();
    assert!(
        matches!(inputs[..], [Input::ClockStep { .. }, Input::Recovered(_), Input::Owner(_)]),
        "{inputs:?}"
    );
}

/// A driver that commits a group with nothing in it: its number is that of the next one, and a replay passes it over.
#[test]
fn an_empty_group_changes_nothing() {
    let story = story();
    let (mut shard, mut log) = (Shard::new(gateway()), Vec::new());
    log_head(&mut log, Gateway::BEHAVIOUR);
    let (mut outputs, mut admission) = (Vec::new(), Admission::new(AdmissionLimits::default()));
    for (input, now) in &story.inputs {
        admission.admit(input.clone(), shard.gateway()).unwrap();
        for _ in 0..2 {
            // The second one is empty.
            let sealed = shard.group(*now).fill(&mut admission).seal();
            log_append(&mut log, sealed.number(), sealed.now(), sealed.bytes());
            outputs.extend(sealed.committed());
        }
    }
    let mut other = Shard::new(gateway());
    assert_eq!(replay(&mut other, &log), outputs);
    assert_eq!(snapshot(&mut other), snapshot(&mut shard));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The same inputs and times in other groups, with outputs that are read or not: the same outputs and the same state.
    #[test]
    fn outputs_do_not_depend_on_groups(sizes in proptest::collection::vec(1..9_usize, 1..200)) {
        let mut story = story();
        let limits = |group| AdmissionLimits { group, ..AdmissionLimits::default() };
        let (mut shard, mut outputs) = (Shard::new(gateway()), Vec::new());
        let mut inputs = story.inputs.iter().peekable();
        let mut sizes = sizes.iter().cycle();
        while let Some((_, now)) = inputs.peek() {
            let mut admission = Admission::new(limits(100));
            let mut left = *sizes.next().unwrap();
            let now = *now;
            while let Some((input, _)) = inputs.next_if(|(_, at)| *at == now && left > 0) {
                left -= 1;
                // A page lets pass what waits with it, and what begins an ownership goes first; here everything keeps its place.
                let moves = |input: &Input| matches!(input, Input::Page(_) | Input::Recovered(_) | Input::Owner(_));
                if moves(input) || inputs.peek().is_some_and(|(next, _)| moves(next)) {
                    left = 0;
                }
                admission.admit(input.clone(), shard.gateway()).unwrap();
            }
            outputs.extend(shard.group(now).fill(&mut admission).seal().committed());
        }
        let (ours, theirs) = (outputs.iter().map(|(_, one)| one), story.outputs.iter().map(|(_, one)| one));
        for (ours, theirs) in ours.clone().zip(theirs.clone()) {
            prop_assert_eq!(ours, theirs);
        }
        prop_assert_eq!(ours.count(), theirs.count());
        // All but the hash of the last group, which is another group here.
        let (ours, theirs) = (snapshot(&mut shard), snapshot(&mut story.shard));
        prop_assert_eq!(&ours[..ours.len() - 8], &theirs[..theirs.len() - 8]);
    }

    /// Snapshots that were cut or changed are refused, and never do harm.
    #[test]
    fn damaged_snapshots_are_refused(at: prop::sample::Index, flip in 1..=255_u8) {
        let whole = snapshot(&mut story().shard);
        let cut = at.index(whole.len());
        prop_assert!(Shard::restore(SEED, &whole[..cut]).is_err());
        let mut changed = whole.clone();
        changed[cut] ^= flip;
        // The hash of the outputs, at the end, is judged by the next group of the log.
        prop_assert!(Shard::restore(SEED, &changed).is_err() || cut >= whole.len() - 8 || cut < 38);
    }

    #[test]
    fn any_bytes_are_no_input_and_no_harm(bytes: Vec<u8>) {
        let _ = Input::decode(&bytes);
        let mut shard = Shard::new(gateway());
        let _ = shard.replay(&LogEntry { number: 1, now: START, input: &bytes }).map(Iterator::count);
    }
}

#[test]
fn every_input_is_read_as_it_was_written() {
    for (input, _) in story().inputs {
        let mut bytes = Vec::new();
        input.encode(&mut bytes);
        assert_eq!(Input::decode(&bytes).as_ref(), Ok(&input));
        for cut in 0..bytes.len() {
            assert!(Input::decode(&bytes[..cut]).is_err(), "{input:?} cut at {cut}");
        }
    }
}
