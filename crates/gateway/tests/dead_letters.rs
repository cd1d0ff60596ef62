//! What is dead lives again once, where it is wanted.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests, too, fail by panicking")]

mod common;

use std::time::Duration;

use common::*;
use reveille_conversation::event::Role;
use reveille_conversation::rules::{ChannelRules, Channels, Rules};
use reveille_conversation::{Channel, Kind};
use reveille_core::{Action, UnixTime};
use reveille_delivery::Verdict;
use reveille_gateway::*;

fn phones() -> Rules {
    let channels = ChannelRules::default().with_new_message(Channels::of(&[Channel::Mobile]));
    Rules::default().with_channels(channels)
}

/// A text message left when the push had died; when its redrive dies as well, it is no news to anybody.
#[test]
fn a_redrive_that_fails_sends_no_text_message() {
    let settings = GatewaySettings::default().with_fallback(Kind::NewMessage, Target::Sms);
    let mut drive = Drive::new(Gateway::new(phones(), settings, SEED).unwrap());
    let (first, fallbacks) = dead_message(&mut drive);
    assert_eq!(fallbacks, 1);
    for _ in 0..2 {
        let again = redrive(&mut drive);
        assert_eq!(again.iter().map(|job| job.leg).collect::<Vec<_>>(), [first.leg]);
        let outputs = drive.put([Outcome::of(&again[0], bad()).into()]);
        let begun = |output: &&Output| {
            matches!(output, Output::FallBack(_) | Output::Attempt { .. } | Output::Note(Note::Begun { .. }))
        };
        assert_eq!(outputs.iter().filter(begun).count(), 0, "{outputs:?}");
        assert_eq!(drive.shard.gateway().dead_letters().count(), 1);
    }
}

/// The push failed, so nothing was shown that could be taken back; the person reads the conversation all the same.
#[test]
fn what_was_read_does_not_live_again() {
    let mut drive = Drive::new(Gateway::new(phones(), GatewaySettings::default(), SEED).unwrap());
    dead_message(&mut drive);
    let now = drive.now;
    drive.settle([event("chat", Some("read"), read("vera", 9), now)]);
    let letters: Vec<bool> =
        drive.shard.gateway().dead_letters().map(|(_, letter)| letter.unwanted).collect();
    assert_eq!(letters, [true]);
    assert!(redrive(&mut drive).is_empty());
}

fn bad() -> Verdict {
    Verdict::Refused { status: 400, reason: None, action: Action::FixRequest { field: None } }
}

/// A message whose push dies at once. Gives its job, and how many text messages were begun instead.
fn dead_message(drive: &mut Drive) -> (Job, usize) {
    let start = drive.now;
    drive.settle([event("chat", Some("joined"), joined("vera", Role::Visitor), start)]);
    drive.put([event("chat", Some("dying"), message("alan", 9, "hello"), start)]);
    let mut asked = Vec::new();
    while asked.is_empty() {
        drive.now = drive.shard.next_wakeup().unwrap().at;
        let outputs = drive.put([Input::Tick]);
        asked.extend(outputs.iter().filter_map(|output| match output {
            Output::LookUp(LookUp::Devices(recipient)) => Some(recipient.job),
            _ => None,
        }));
    }
    let [phone, _] = devices("vera");
    let outputs = drive.put([Devices::new(asked[0], [phone]).into()]);
    let first = sent(&outputs)[0].clone();
    let outputs = drive.put([Outcome::of(&first, bad()).into()]);
    let instead =
        outputs.iter().filter(|output| matches!(output, Output::FallBack(_) | Output::Attempt { .. }));
    (first, instead.count())
}

fn redrive(drive: &mut Drive) -> Vec<Job> {
    let (from, to) = (UnixTime::EPOCH, UnixTime::MAX);
    let redrive = Command::Redrive { from, to, every: Duration::ZERO, until: UnixTime::MAX };
    sent(&drive.put([Input::Command(redrive)])).into_iter().cloned().collect()
}
