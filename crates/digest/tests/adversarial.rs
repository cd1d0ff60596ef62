//! An engine under the testkit's scripts of wrong clocks, restarts, forks and damage, beside one that lives on: windows,
//! memories, batches in flight and known ids.

#![allow(clippy::unwrap_used)] // Test helpers.

use std::time::Duration;

use proptest::prelude::*;
use reveille_core::log::Snapshot as _;
use reveille_core::{Machine as _, UnixTime};
use reveille_digest::retract::{Read, Selector};
use reveille_digest::snapshot::Codec;
use reveille_digest::*;
use reveille_testkit::adversity::{Lives, live, scripts};

const SEED: Seed = Seed::new([5; 16]);

type Host = Plain<u64, u8>;

struct Tested(Engine<Host>);

/// All that can be seen of an output, and whose it is.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    text: String,
    sent: Option<(u64, Generation)>,
}

impl Lives for Tested {
    type Output = Seen;

    fn begin() -> Self {
        let (mut policy, mut limits) = (Policy::default(), Limits::default());
        (policy.dedup, policy.ack_timeout) = (Some(Duration::from_secs(30)), Some(Duration::from_secs(8)));
        policy.reminders = vec![Duration::from_secs(90)];
        policy.remember = Duration::from_secs(200);
        (limits.items, limits.memories) = (40, 5);
        Self(Engine::new(Plain::new(), policy, limits, SEED).unwrap())
    }

    fn input(choice: u64, now: UnixTime, recent: &[Seen]) -> Vec<u8> {
        let (kind, more) = (choice % 12, choice / 12);
        let key = more % 5;
        let sent = recent.get(more as usize % recent.len().max(1)).and_then(|seen| seen.sent);
        let input = match (kind, sent) {
            (0, _) => Input::Read(key, Read::UpTo(more / 5 % 30)),
            (1, _) => Input::Cancel(key, Selector::Event(EventId((more / 5 % 40).into()))),
            (2, _) => Input::FlushNow(key),
            (3, _) => Input::ClockStep { was: now, is: now - Duration::from_secs(more % 100_000) },
            (4, Some((key, generation))) => Input::Failure(key, generation),
            (5, Some((key, generation))) => {
                Input::Held(key, generation, now + Duration::from_secs(more % 100))
            }
            (6 | 7, Some((key, generation))) => Input::Response(key, generation),
            _ => {
                let event = Event::new(key, EventId((more / 5 % 40).into()), more as u8);
                let event = event.with_seq(more / 5 % 30).with_bytes(7);
                Input::Event(if kind == 11 { event.urgent() } else { event })
            }
        };
        encoded(&input)
    }

    fn tick() -> Vec<u8> {
        encoded(&Input::Tick)
    }

    fn apply(&mut self, input: &[u8], now: UnixTime) -> Vec<Seen> {
        let seen = |output: Output<Host>| {
            let (more, sent) = match &output {
                Output::Notify(n) => {
                    (format!("{:?} {:?} {}", n.ids, n.samples, n.class), Some((n.key, n.generation)))
                }
                Output::Clear(c) => (format!("{:?}", c.events), None),
                Output::Dropped { ids, .. } => (format!("{ids:?}"), None),
                Output::Unread { .. } => (String::new(), None),
            };
            Seen { text: format!("{} {output:?} {more}", output.key()), sent }
        };
        let mut input = input;
        self.0.apply(Input::decode(&mut input).unwrap(), now).map(seen).collect()
    }

    fn next_wakeup(&self) -> Option<UnixTime> {
        self.0.next_wakeup().map(|wakeup| wakeup.at)
    }

    fn write(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.write(&mut out);
        out
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Engine::read((Plain::new(), SEED), bytes).ok().map(Self)
    }
}

fn encoded(input: &Input<Host>) -> Vec<u8> {
    let mut out = Vec::new();
    input.encode(&mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn no_snapshot_hides_anything_and_no_clock_stops_a_window(script in scripts(1..200)) {
        live::<Tested>(UnixTime::from_secs(1_700_000_000), &script);
    }
}
