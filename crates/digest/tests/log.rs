//! An engine that lives from its log: whatever a crash leaves of it, the same outputs come out again.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use reveille_core::log::{Head, LogEntries, Logged, Snapshot, SnapshotError, log_append, log_head};
use reveille_core::{Jitter, UnixTime};
use reveille_digest::catch_up::Rate;
use reveille_digest::quiet::{AtEnd, Quiet};
use reveille_digest::retract::{Read, Selector};
use reveille_digest::snapshot::Codec;
use reveille_digest::*;

/// Paused keys are bits.
#[derive(Clone, Copy, Debug)]
struct Pauses;

impl Host for Pauses {
    type Key = u64;
    type Payload = u8;
    type Fold = ();
    type Calendar = u64;

    fn quiet(&self, paused: &u64, key: &u64, class: u8, _: UnixTime) -> Option<Quiet> {
        let quiet = class == 0 && paused & (1 << (key % 64)) != 0;
        quiet.then_some(Quiet { until: UnixTime::MAX, then: AtEnd::Merge })
    }
}

type Tested = Logged<Engine<Pauses>>;

const SEED: Seed = Seed::new([5; 16]);
const BEHAVIOUR: u32 = <Engine<Pauses> as Snapshot>::BEHAVIOUR;

/// All that can be seen of an output: key, generation, collapse id and the rest.
fn seen(output: &Output<Pauses>) -> String {
    let more = match output {
        Output::Notify(n) => format!("{:?} {:?} {}", n.ids, n.samples, n.class),
        Output::Clear(c) => format!("{:?}", c.events),
        Output::Dropped { ids, .. } => format!("{ids:?}"),
        Output::Unread { .. } => String::new(),
    };
    format!("{} {output:?} {more}", output.key())
}

fn fresh() -> Tested {
    let mut policy = Policy::default();
    policy.reminders = vec![Duration::from_secs(90)];
    policy.remember = Duration::from_secs(200);
    let mut limits = Limits::default();
    (limits.items, limits.memories) = (40, 5);
    Logged::new(Engine::new(Pauses, policy, limits, SEED).unwrap())
}

/// What a service writes and sees: the log, where each entry ends, the outputs of each, and snapshots taken on the way.
struct History {
    log: Vec<u8>,
    /// The length of the log after each entry.
    ends: Vec<usize>,
    outputs: Vec<Vec<String>>,
    snapshots: Vec<Vec<u8>>,
}

fn live(random: &mut Jitter, inputs: usize) -> History {
    let mut logged = fresh();
    let mut history =
        History { log: Vec::new(), ends: Vec::new(), outputs: Vec::new(), snapshots: Vec::new() };
    log_head(&mut history.log, BEHAVIOUR);
    let (mut now, mut sent) = (UnixTime::from_secs(1_700_000_000), Vec::new());
    for n in 0..inputs {
        now += Duration::from_millis(random.up_to_u64(9_000));
        // A tick only when one is due, as a driver does it.
        if let Some(wakeup) = logged.machine().next_wakeup().filter(|wakeup| wakeup.at <= now) {
            commit(
                &mut logged,
                &mut history,
                Input::Tick,
                wakeup.at.max(now - Duration::from_secs(1)),
                &mut sent,
            );
        }
        let (key, choice) = (random.up_to_u64(7), random.up_to_u64(20));
        let input = match choice {
            0..=9 => {
                let event = Event::new(key, EventId(random.up_to_u64(n as u64 + 1).into()), choice as u8);
                let event =
                    event.with_seq(random.up_to_u64(30)).with_class(u8::from(choice == 3)).with_bytes(7);
                Input::Event(if choice == 9 { event.urgent() } else { event })
            }
            10 => Input::Read(key, Read::UpTo(random.up_to_u64(30))),
            11 => Input::Cancel(key, Selector::Event(EventId(random.up_to_u64(n as u64 + 3).into()))),
            12 => {
                Input::Calendar(random.next_u64() & 0xFF, Rate { windows: 2, every: Duration::from_secs(1) })
            }
            13 => Input::FlushNow(key),
            14 => Input::Recheck(vec![key], Rate::UNLIMITED),
            15 => Input::ClockStep { was: now, is: now + Duration::from_secs(random.up_to_u64(50)) },
            _ => match sent.pop() {
                Some((key, generation)) if choice == 16 => Input::Failure(key, generation),
                Some((key, generation)) if choice == 17 => {
                    Input::Held(key, generation, now + Duration::from_secs(40))
                }
                Some((key, generation)) => Input::Response(key, generation),
                None => Input::Tick,
            },
        };
        if let Input::ClockStep { is, .. } = input {
            now = is;
        }
        commit(&mut logged, &mut history, input, now, &mut sent);
        if random.up_to_u64(6) == 0 {
            let mut bytes = Vec::new();
            logged.snapshot(&mut bytes);
            history.snapshots.push(bytes);
        }
    }
    history
}

fn commit(
    logged: &mut Tested,
    history: &mut History,
    input: Input<Pauses>,
    now: UnixTime,
    sent: &mut Vec<(u64, Generation)>,
) {
    let number = logged.next_number();
    let mut bytes = Vec::new();
    input.encode(&mut bytes);
    log_append(&mut history.log, number, now, &bytes);
    history.ends.push(history.log.len());
    let outputs: Vec<_> = logged.apply(number, input, now).unwrap().collect();
    for output in &outputs {
        if let Output::Notify(n) = output {
            sent.push((n.key, n.generation));
        }
    }
    history.outputs.push(outputs.iter().map(seen).collect());
}

/// Snapshot, then the tail: the outputs of each entry that was replayed, and the machine.
fn recover(snapshot: Option<&[u8]>, log: &[u8]) -> (Tested, Vec<(u64, Vec<String>)>) {
    let mut logged = snapshot.map_or_else(fresh, |bytes| Logged::restore((Pauses, SEED), bytes).unwrap());
    let mut replayed = Vec::new();
    for entry in LogEntries::new(log, BEHAVIOUR).unwrap() {
        if entry.number <= logged.applied() {
            continue;
        }
        let mut bytes = entry.input;
        let input = Input::decode(&mut bytes).unwrap();
        assert!(bytes.is_empty());
        let outputs = logged.apply(entry.number, input, entry.now).unwrap();
        replayed.push((entry.number, outputs.map(|output| seen(&output)).collect()));
    }
    (logged, replayed)
}

/// The log is cut at every byte, with no snapshot and with every snapshot that is not ahead of it.
#[test]
fn the_log_is_cut_at_every_byte() {
    let mut outputs = 0;
    for seed in 0..3 {
        let history = live(&mut Jitter::new(seed), 90);
        assert!(history.snapshots.len() > 3);
        let snapshots: Vec<(u64, &[u8])> = history
            .snapshots
            .iter()
            .map(|bytes| (Head::of(bytes).unwrap().applied, bytes.as_slice()))
            .collect();
        let mut last = (usize::MAX, Vec::new());
        for cut in 0..=history.log.len() {
            let whole = history.ends.iter().filter(|end| **end <= cut).count();
            let usable = snapshots.iter().filter(|(applied, _)| *applied <= whole as u64);
            // The newest, and another one; between two entries nothing new can happen, so there one is enough.
            let newest = usable.clone().next_back().map(|(_, bytes)| *bytes);
            let mut choices = vec![newest];
            if last.0 != whole {
                choices.push(None);
                choices.extend(usable.map(|(_, bytes)| Some(*bytes)));
            }
            for snapshot in choices {
                let (mut logged, replayed) = recover(snapshot, &history.log[..cut]);
                assert_eq!(logged.applied(), whole as u64, "cut at {cut}");
                for (number, seen) in &replayed {
                    assert_eq!(*seen, history.outputs[*number as usize - 1], "entry {number}, cut at {cut}");
                    outputs += seen.len();
                }
                let mut bytes = Vec::new();
                logged.snapshot(&mut bytes);
                if last.0 == whole {
                    assert!(bytes == last.1, "the same entries, the same state");
                }
                last = (whole, bytes);
            }
        }
    }
    assert!(outputs > 1_000);
}

#[test]
fn a_snapshot_is_of_one_seed() {
    let mut logged = fresh();
    logged
        .apply(1, Input::Event(Event::new(1, EventId(1), 0)), UnixTime::from_secs(5))
        .unwrap()
        .for_each(drop);
    let mut bytes = Vec::new();
    logged.snapshot(&mut bytes);
    let other = Logged::<Engine<Pauses>>::restore((Pauses, Seed::new([6; 16])), &bytes);
    assert_eq!(other.map(|_| ()).unwrap_err(), SnapshotError::OtherSeed);
    let again = Logged::<Engine<Pauses>>::restore((Pauses, SEED), &bytes).unwrap();
    assert_eq!(again.machine().policy(), logged.machine().policy(), "settings are in it");
    assert_eq!(again.machine().settings_digest(), Head::of(&bytes).unwrap().settings);
}

/// Nobody has looked at what follows from the last input: it is in the snapshot all the same.
#[test]
fn a_snapshot_between_an_input_and_its_outputs_is_whole() {
    let snapshot_of = |look: bool| {
        let mut logged = fresh();
        logged.begin(1, Input::Event(Event::new(1, EventId(1), 0)), UnixTime::from_secs(5)).unwrap();
        if look {
            assert!(logged.next_output().is_none());
        }
        let mut bytes = Vec::new();
        logged.snapshot(&mut bytes);
        bytes
    };
    assert_eq!(snapshot_of(false), snapshot_of(true));
    let restored = Logged::<Engine<Pauses>>::restore((Pauses, SEED), &snapshot_of(false)).unwrap();
    assert_eq!((restored.applied(), restored.machine().keys()), (1, 1));
}

#[test]
fn an_idle_engine_is_small() {
    assert!(size_of::<Engine<Pauses>>() < 1_536, "{}", size_of::<Engine<Pauses>>());
}

proptest! {
    // Always the same bytes, so that a change is what makes it fail.
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// Bytes that were changed on purpose: an error, or an engine that works and comes to rest.
    #[test]
    fn forged_states_do_no_harm(places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), seed in 0_u64..4) {
        let history = live(&mut Jitter::new(seed), 40);
        let (logged, _) = recover(None, &history.log);
        let mut bytes = Vec::new();
        logged.machine().write(&mut bytes);
        for (place, byte) in places {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(mut engine) = Engine::read((Pauses, SEED), &bytes) {
            for step in 0..20 {
                engine.handle_timeout(UnixTime::from_secs(1_700_000_000 + step * 300));
                let outputs = std::iter::from_fn(|| engine.poll_output()).take(20_000).count();
                prop_assert!(outputs < 20_000, "it does not come to rest");
                prop_assert_eq!(engine.explain().sum(), engine.explain().events);
            }
        }
    }

    #[test]
    fn any_bytes_as_an_input_are_harmless(bytes: Vec<u8>) {
        let mut rest = bytes.as_slice();
        if let Some(input) = Input::<Pauses>::decode(&mut rest) {
            let mut again = Vec::new();
            input.encode(&mut again);
            prop_assert_eq!(again.as_slice(), &bytes[..bytes.len() - rest.len()]);
        }
    }
}
