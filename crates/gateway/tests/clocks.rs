//! Clocks that lie: whatever they show, nothing is lost, nothing hangs, and the machine comes to rest.

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
use proptest::prelude::*;
use reveille_conversation::event::Role;
use reveille_core::UnixTime;
use reveille_core::log::{LogEntries, Snapshot};
use reveille_gateway::*;
use reveille_testkit::adversity::{Adversity, Clocks, scripts};

/// A shard whose process has the clock of node 0.
fn play(script: &[Adversity], told: bool) -> Drive {
    let mut clocks = Clocks::new(START, 1);
    let mut drive = Drive::new(gateway());
    let mut sequence = 0;
    drive.settle([
        event("chat", None, joined("vera", Role::Visitor), START),
        event("chat", None, joined("alan", Role::Primary), START),
    ]);
    for step in script {
        let was = clocks.now(0);
        clocks.apply(step);
        let is = clocks.now(0);
        drive.now = is;
        match step {
            Adversity::SetClock { .. } | Adversity::Restart { .. } if told && was != is => {
                drive.settle([Input::ClockStep { was, is }]);
            }
            Adversity::Act { choice, .. } if choice % 3 == 0 => {
                sequence += 1;
                drive.settle([event("chat", None, message("alan", sequence, "hi"), is)]);
            }
            Adversity::Act { choice, .. } if choice % 3 == 1 => {
                drive.settle([event(&format!("call-{choice}"), None, offer("alan"), is)]);
            }
            _ => drop(drive.settle([Input::Tick])),
        }
    }
    drive
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn clocks_may_show_anything(script in scripts(1..60), told: bool) {
        let mut drive = play(&script, told);
        // From now on the clock is right, and time passes.
        drive.now = drive.shard.gateway().now();
        let mut ticks = 0;
        while let Some(wakeup) = drive.shard.next_wakeup() {
            drive.now = drive.now.max(wakeup.at);
            drive.settle([Input::Tick]);
            ticks += 1;
            prop_assert!(ticks < 500, "it never comes to rest: {:?}", wakeup);
        }
        let counters = drive.shard.gateway().counters();
        let rest = (counters.of("jobs_open"), counters.of("messages_pending"));
        prop_assert_eq!(rest, (0, 0), "{:?}", counters);
        // All of them were told, or a clock that went on by a day made them useless.
        let notified = counters.of("messages_notified") + counters.of("messages_expired");
        prop_assert_eq!(notified, counters.of("messages_collected"));
    }

    /// The same list of inputs and times gives the same state, however wild the times are.
    #[test]
    fn wild_times_are_replayed(script in scripts(1..40)) {
        let mut drive = play(&script, true);
        let mut other = Shard::new(gateway());
        for entry in LogEntries::new(&drive.log, <Gateway as Snapshot>::BEHAVIOUR).unwrap() {
            other.replay(&entry).unwrap().for_each(drop);
        }
        let state = |shard: &mut Shard| { let mut bytes = Vec::new(); shard.snapshot(&mut bytes); bytes };
        prop_assert_eq!(state(&mut other), state(&mut drive.shard));
    }
}

#[test]
fn a_step_back_of_an_hour_neither_delays_a_window_nor_rings_on() {
    let mut drive = Drive::new(gateway());
    let now = drive.now;
    drive.settle([
        event("chat", None, joined("vera", Role::Visitor), now),
        event("chat", None, joined("alan", Role::Primary), now),
        event("chat", None, message("alan", 1, "hi"), now),
        event("call", None, offer("beth"), now),
    ]);
    let (was, is) = (now + Duration::from_secs(10), now - Duration::from_secs(3_590));
    drive.now = is;
    drive.settle([Input::ClockStep { was, is }]);
    let outputs = drive.pass(Duration::from_secs(20));
    let told = sent(&outputs);
    assert_eq!(
        told.iter().filter(|job| !job.content.takes_back() && job.person.as_str() == "vera").count(),
        2
    );
    assert_eq!(
        told.iter().filter(|job| job.content.takes_back() && job.person.as_str() == "beth").count(),
        2
    );
}

#[test]
fn the_end_of_time_is_a_time_like_any_other() {
    let mut drive = Drive::new(gateway());
    let now = drive.now;
    drive.settle([
        event("chat", None, joined("vera", Role::Visitor), now),
        event("chat", None, joined("alan", Role::Primary), now),
    ]);
    drive.now = UnixTime::MAX;
    drive.settle([Input::Tick]);
    // It falls back, and nobody says so.
    drive.now = now + Duration::from_secs(5);
    let at = drive.now;
    // Everything from before is forgotten: it was idle for an age.
    drive.settle([
        event("chat", None, joined("vera", Role::Visitor), at),
        event("chat", None, joined("alan", Role::Primary), at),
    ]);
    drive.settle([event("chat", None, message("alan", 1, "hi"), at)]);
    drive.now = drive.shard.next_wakeup().unwrap().at;
    assert_eq!(drive.now, at + Duration::from_secs(30));
    assert_eq!(sent(&drive.settle([Input::Tick])).len(), 2);
}
