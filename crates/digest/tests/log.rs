//! An engine that lives from its log: whatever a crash leaves of it, the same outputs come out again.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use reveille_core::log::{Head, LogEntries, Logged, Snapshot, SnapshotError, log_append, log_head};
use reveille_core::{Jitter, Machine as _, UnixTime};
use reveille_digest::catch_up::{CatchUp, Overdue, Rate};
use reveille_digest::options::{Collect, Excess, Keep, Refractory, Urgent, Window};
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
/// Of how many histories the log is cut, and how many inputs each has.
const SEEDS: u64 = 3;
const INPUTS: usize = 110;
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

fn policy() -> Policy {
    let mut policy = Policy::default();
    policy.reminders = vec![Duration::from_secs(90)];
    policy.remember = Duration::from_secs(200);
    policy
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    (limits.items, limits.memories) = (40, 5);
    limits
}

fn fresh() -> Tested {
    Logged::new(Engine::new(Pauses, policy(), limits(), SEED).unwrap())
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
        if random.up_to_u64(15) == 0 {
            // A restart: what has become due meanwhile is told first how it is to go.
            now += Duration::from_secs(random.up_to_u64(60));
            let overdue = [Overdue::Flush, Overdue::Merge, Overdue::DropOlderThan(Duration::from_secs(20))];
            let overdue = overdue[random.up_to_u64(2) as usize];
            let rate = Rate { windows: 1, every: Duration::from_secs(1) };
            commit(&mut logged, &mut history, Input::Recovered(CatchUp { overdue, rate }), now, &mut sent);
        }
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
        let input = draw(random, n as u64, now, &mut sent);
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

/// Every kind of input but a restart, and every kind of what is in it.
fn draw(random: &mut Jitter, n: u64, now: UnixTime, sent: &mut Vec<(u64, Generation)>) -> Input<Pauses> {
    let secs = Duration::from_secs;
    let (key, choice) = (random.up_to_u64(7), random.up_to_u64(30));
    let rate = Rate { windows: 2, every: secs(1) };
    match choice {
        0..=11 => {
            let event = Event::new(key, EventId(random.up_to_u64(n + 1).into()), choice as u8);
            let event = event.with_seq(random.up_to_u64(30)).with_class(u8::from(choice == 3)).with_bytes(7);
            Input::Event(if choice == 9 { event.urgent() } else { event })
        }
        12..=13 => {
            let through = Read::Through(EventId(random.up_to_u64(n + 1).into()));
            let reads = [Read::UpTo(random.up_to_u64(30)), through, Read::All];
            Input::Read(key, reads[random.up_to_u64(2) as usize])
        }
        14..=15 => {
            let event = Selector::Event(EventId(random.up_to_u64(n + 3).into()));
            Input::Cancel(key, [event, event, Selector::Kind(0), Selector::All][random.up_to_u64(3) as usize])
        }
        16 => Input::Calendar(random.next_u64() & 0xFF, rate),
        17 => Input::FlushNow(key),
        18 => Input::Recheck(vec![key], Rate::UNLIMITED),
        19 => Input::RecheckAll(rate),
        20 => Input::ClockStep { was: now, is: now + secs(random.up_to_u64(50)) },
        21 => Input::Policy(other_policy(random)),
        22 => Input::Limits(other_limits(random)),
        23 => Input::Tick,
        _ => match sent.pop() {
            Some((key, generation)) if choice == 24 => Input::Failure(key, generation),
            Some((key, generation)) if choice == 25 => Input::Held(key, generation, now + secs(40)),
            Some((key, generation)) => Input::Response(key, generation),
            None => Input::Tick,
        },
    }
}

/// Every field in another way, or as it was; the last one cannot work.
fn other_policy(random: &mut Jitter) -> Policy {
    let secs = Duration::from_secs;
    let mut policy = policy();
    let mut on = || random.next_u64() & 1 == 1;
    if on() {
        policy.window = Window::Sliding { quiet: secs(5), max_wait: secs(20) };
    }
    (policy.leading, policy.actors) = (on(), if on() { 1 } else { 3 });
    (policy.max_items, policy.max_bytes) = (on().then_some(3), on().then_some(20));
    policy.collect = if on() { Collect::Latest } else { Collect::Items };
    policy.keep = if on() { Keep::Top(2) } else { Keep::First(2) };
    policy.urgent = if on() { Urgent::Flush } else { Urgent::Overtake };
    policy.refractory = on().then_some(Refractory {
        first: secs(10),
        factor: 2,
        max: secs(40),
        decay: secs(60),
        excess: if on() { Excess::Drop } else { Excess::Hold },
    });
    (policy.dedup, policy.ack_timeout) = (on().then_some(secs(9)), on().then_some(secs(8)));
    (policy.useful_for, policy.spread) = (on().then_some(secs(25)), secs(on().into()));
    (policy.attempts, policy.clock_tolerance) = (on().into(), secs(on().into()));
    if on() {
        (policy.reminders, policy.remember) = (Vec::new(), secs(if on() { 0 } else { 50 }));
    }
    if random.up_to_u64(9) == 0 {
        policy.max_items = Some(0);
    }
    policy
}

fn other_limits(random: &mut Jitter) -> Limits {
    let mut limits = limits();
    let mut small = |few: u32| random.up_to_u64(few.into()) as u32;
    // Not fewer windows: by a log nothing is refused.
    (limits.items, limits.items_per_key, limits.bytes) = (small(40).into(), small(9), small(200).into());
    (limits.memories, limits.delivered, limits.ids) = (small(5), small(9).into(), small(30));
    limits
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

/// A log's entry begins with the version of the encoding; the second byte says which input it is. Whatever kind can be
/// read is in the histories: a new kind of input that is not drawn makes this fail.
#[test]
fn every_kind_of_input_is_drawn() {
    let mut drawn = BTreeSet::new();
    for seed in 0..SEEDS {
        let history = live(&mut Jitter::new(seed), INPUTS);
        let entries = LogEntries::new(&history.log, BEHAVIOUR).unwrap();
        drawn.extend(entries.map(|entry| (entry.input[0], entry.input[1])));
    }
    let can_be_read = |version, kind| {
        let mut bytes = [0; 1_000];
        (bytes[0], bytes[1]) = (version, kind);
        Input::<Pauses>::decode(&mut &bytes[..]).is_some()
    };
    let all = (0..=255).flat_map(|version| (0..=255).map(move |kind| (version, kind)));
    let all: BTreeSet<_> = all.filter(|(version, kind)| can_be_read(*version, *kind)).collect();
    assert_eq!(drawn, all);
}

/// The log is cut at every byte, with no snapshot and with every snapshot that is not ahead of it.
#[test]
fn the_log_is_cut_at_every_byte() {
    let mut outputs = 0;
    for seed in 0..SEEDS {
        let history = live(&mut Jitter::new(seed), INPUTS);
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

/// `apply` ignores a policy that cannot work, so a log may hold one: whatever can be written can be read.
#[test]
fn what_is_written_can_be_read() {
    let (mut random, now) = (Jitter::new(1), UnixTime::from_secs(1_700_000_000));
    for n in 0..2_000 {
        let mut policy = other_policy(&mut random);
        let mut any = || [0, 1, random.next_u64(), u64::MAX][random.up_to_u64(3) as usize];
        (policy.actors, policy.attempts) = (any() as u8, any() as u8);
        (policy.max_items, policy.max_bytes) = (Some(any() as u32), Some(any() as u32));
        policy.reminders = (0..n % 40).map(|_| Duration::new(any(), 999_999_999)).collect();
        let mut limits = Limits::default();
        (limits.windows, limits.memories, limits.items_per_key) = (any() as u32, any() as u32, any() as u32);
        (limits.items, limits.delivered, limits.bytes) = (any(), any(), any());
        (limits.ids, limits.outputs) = (any() as u32, any() as u32);
        let inputs =
            [Input::Policy(policy), Input::Limits(limits), draw(&mut random, n, now, &mut Vec::new())];
        for input in inputs {
            let (mut bytes, mut again) = (Vec::new(), Vec::new());
            input.encode(&mut bytes);
            let mut rest = bytes.as_slice();
            Input::<Pauses>::decode(&mut rest).unwrap().encode(&mut again);
            assert!(rest.is_empty() && again == bytes, "{input:?}");
        }
    }
}

/// There is one such key, however often it is named.
#[test]
fn keys_that_take_no_bytes_are_read() {
    let mut bytes = Vec::new();
    Input::<Plain<()>>::Recheck(vec![(); 3], Rate::UNLIMITED).encode(&mut bytes);
    let mut rest = bytes.as_slice();
    let Some(Input::<Plain<()>>::Recheck(keys, Rate::UNLIMITED)) = Input::decode(&mut rest) else {
        panic!("another input")
    };
    assert!(rest.is_empty() && !keys.is_empty());
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

/// One engine is tidied again and again, the other never: as an engine that lives and one that is replayed from its log.
#[test]
fn tidying_cannot_be_seen() {
    let mut outputs = 0;
    for seed in 0..60 {
        let mut random = Jitter::new(seed);
        let [mut plain, mut tidied] =
            [(); 2].map(|()| Engine::new(Pauses, policy(), limits(), SEED).unwrap());
        let (mut now, mut sent) = (UnixTime::from_secs(1_700_000_000), Vec::new());
        for n in 0..300 {
            now += Duration::from_millis(random.up_to_u64(9_000));
            let mut input = draw(&mut random, n, now, &mut sent);
            match (random.up_to_u64(9), &input) {
                // Until nothing is known any more but ids.
                (0, _) => now += Duration::from_secs(1_000),
                (1, _) => {
                    let was = now;
                    now = now - Duration::from_secs(random.up_to_u64(3_000));
                    input = Input::ClockStep { was, is: now };
                }
                (_, Input::ClockStep { is, .. }) => now = *is,
                _ => {}
            }
            if random.up_to_u64(2) == 0 {
                tidied.tidy();
            }
            let mut all = Vec::new();
            for engine in [&mut plain, &mut tidied] {
                engine.step(input.clone(), now);
                all.push(std::iter::from_fn(|| engine.next_output()).collect::<Vec<_>>());
            }
            for output in &all[0] {
                if let Output::Notify(n) = output {
                    sent.push((n.key, n.generation));
                }
            }
            let all: Vec<Vec<String>> = all.iter().map(|outs| outs.iter().map(seen).collect()).collect();
            assert_eq!(all[0], all[1], "input {n} of history {seed}");
            outputs += all[0].len();
        }
        let [plain, tidied] = [plain, tidied].map(|engine| {
            let mut bytes = Vec::new();
            engine.write(&mut bytes);
            bytes
        });
        assert!(plain == tidied, "the state of history {seed}");
    }
    assert!(outputs > 1_000);
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
