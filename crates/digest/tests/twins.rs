//! The same input to three engines: events one by one, many at once, and one by one with a restart now and then. They
//! must not differ in anything: fates, outputs and their order, generations, bytes of a snapshot. With thousands of
//! keys, late drivers and crowded milliseconds: too much for the naive model.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use reveille_core::log::Snapshot as _;
use reveille_core::{Jitter, UnixTime};
use reveille_digest::options::{Collect, Window};
use reveille_digest::quiet::{AtEnd, Quiet};
use reveille_digest::retract::Selector;
use reveille_digest::*;

const SEED: Seed = Seed::new([11; 16]);

/// Every eighth key is quiet for ten of every hundred seconds; class 1 passes.
#[derive(Clone, Copy)]
struct Calendar;

impl Host for Calendar {
    type Key = u64;
    type Payload = u32;
    type Fold = u64;
    type Calendar = ();

    fn quiet(&self, (): &(), key: &u64, class: u8, now: UnixTime) -> Option<Quiet> {
        let (turn, rest) = (now.as_millis() / 100_000, now.as_millis() % 100_000);
        let until = UnixTime::from_millis(turn * 100_000 + 10_000);
        (class == 0 && key.is_multiple_of(8) && rest < 10_000).then_some(Quiet { until, then: AtEnd::Merge })
    }

    fn fold(&self, state: &mut u64, item: &Item<u32>) {
        *state = state.wrapping_mul(31) + u64::from(item.payload.unwrap_or(0));
    }

    fn merge(&self, state: &mut u64, later: u64) {
        *state ^= later;
    }
}

fn policies() -> impl Strategy<Value = Policy> {
    let window = prop_oneof![
        Just(Window::Fixed { wait: Duration::from_secs(30) }),
        Just(Window::Fixed { wait: Duration::ZERO }),
        Just(Window::Sliding { quiet: Duration::from_secs(5), max_wait: Duration::from_secs(60) }),
        Just(Window::Sliding { quiet: Duration::from_secs(20), max_wait: Duration::from_secs(30) }),
    ];
    (window, 0..6_u8).prop_map(|(window, kind)| {
        let mut policy = Policy::default();
        policy.window = window;
        match kind {
            // The leanest twice: it has short ways of its own.
            0 | 1 => policy = Policy::lean(window),
            2 => policy.collect = Collect::Totals,
            3 => (policy.max_items, policy.remember) = (Some(4), Duration::ZERO),
            4 => (policy.leading, policy.ack_timeout) = (true, None),
            _ => policy.reminders = vec![Duration::from_secs(7), Duration::from_secs(40)],
        }
        policy.spread = Duration::from_secs(2);
        policy
    })
}

#[derive(Clone, Debug)]
enum Step {
    /// So many events, all at once, of keys that follow each other or of any.
    Burst {
        count: usize,
        scattered: bool,
    },
    /// Time passes, then the driver runs: rarely on time.
    Drive {
        millis: u64,
    },
    /// Time passes and the driver polls a few outputs only.
    Poll {
        millis: u64,
        outputs: usize,
    },
    /// What a key's reader does.
    Read {
        key: u64,
    },
    Cancel {
        key: u64,
    },
    FlushNow {
        key: u64,
    },
    /// Every so-maniest notification that was seen is answered.
    Answer {
        every: usize,
    },
    Restart {
        late: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let count = prop::sample::select(vec![1, 2, 63, 64, 65, 400, 1_024, 2_500]);
    let millis = prop::sample::select(vec![0, 1, 900, 4_999, 5_000, 30_000, 90_000, 4_000_000]);
    let step = prop_oneof![
        6 => (count, any::<bool>()).prop_map(|(count, scattered)| Step::Burst { count, scattered }),
        4 => millis.clone().prop_map(|millis| Step::Drive { millis }),
        2 => (millis.clone(), 0..200_usize).prop_map(|(millis, outputs)| Step::Poll { millis, outputs }),
        1 => (0..40_u64).prop_map(|key| Step::Read { key }),
        1 => (0..40_u64).prop_map(|key| Step::Cancel { key }),
        1 => (0..40_u64).prop_map(|key| Step::FlushNow { key }),
        2 => (1..5_usize).prop_map(|every| Step::Answer { every }),
        2 => millis.prop_map(|late| Step::Restart { late }),
    ];
    prop::collection::vec(step, 1..40)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    OneByOne,
    ManyAtOnce,
    Restarted,
}

struct Twin {
    way: Way,
    engine: Engine<Calendar>,
    now: u64,
    random: Jitter,
    next_id: u128,
    sent: Vec<(u64, Generation)>,
    collapse_ids: BTreeMap<(u64, Lane), CollapseId>,
    /// All that can be seen from outside.
    seen: Vec<String>,
}

impl Twin {
    fn new(way: Way, policy: Policy) -> Self {
        let engine = Engine::new(Calendar, policy, Limits::default(), SEED).unwrap();
        let (now, random) = (1_700_000_000_000, Jitter::new(1));
        let (sent, seen, collapse_ids) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { way, engine, now, random, next_id: 0, sent, collapse_ids, seen }
    }

    fn at(&self) -> UnixTime {
        UnixTime::from_millis(self.now)
    }

    fn event(&mut self, key: u64) -> Event<Calendar> {
        let bits = self.random.next_u64();
        self.next_id += u128::from(!bits.is_multiple_of(16));
        let event = Event::new(key, EventId(self.next_id), bits as u32)
            .with_seq(bits % 100)
            .with_actor(bits % 3)
            .with_class(u8::from(bits.is_multiple_of(5)))
            .with_bytes((bits % 7) as u32);
        if bits.is_multiple_of(41) { event.urgent() } else { event }
    }

    fn burst(&mut self, keys: u64, count: usize, scattered: bool) {
        let first = self.random.up_to_u64(keys - 1);
        let events: Vec<_> = (0..count as u64)
            .map(|n| {
                let key = if scattered { self.random.up_to_u64(keys - 1) } else { (first + n) % keys };
                self.event(key)
            })
            .collect();
        let now = self.at();
        let mut fates = Vec::with_capacity(count);
        if self.way == Way::ManyAtOnce {
            self.engine.handle_events(events, now, |fate| fates.push(fate));
        } else {
            fates.extend(events.into_iter().map(|event| self.engine.handle_event(event, now)));
        }
        self.seen.push(format!("{fates:?}"));
    }

    fn poll(&mut self, most: usize) {
        self.engine.handle_timeout(self.at());
        for output in std::iter::from_fn(|| self.engine.poll_output()).take(most) {
            if let Output::Notify(notify) = &output {
                self.sent.push((notify.key, notify.generation));
                let (key, id) = ((notify.key, notify.lane), notify.collapse_id);
                assert_eq!(
                    *self.collapse_ids.entry(key).or_insert(id),
                    id,
                    "a key's collapse id is always the same"
                );
            }
            let more = match &output {
                Output::Notify(n) => format!("{} {:?} {:?} {}", n.class, n.samples, n.ids, n.fold),
                Output::Dropped { ids, .. } => format!("{ids:?}"),
                _ => String::new(),
            };
            self.seen.push(format!("{}: {} {output:?} {more}", self.now, output.key()));
        }
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.engine.write(&mut bytes);
        bytes
    }

    fn step(&mut self, keys: u64, step: &Step) {
        match *step {
            Step::Burst { count, scattered } => self.burst(keys, count, scattered),
            Step::Drive { millis } => {
                self.now += millis;
                self.poll(usize::MAX);
                self.seen.push(format!("{:?} {:?}", self.engine.explain(), self.engine.next_wakeup()));
            }
            Step::Poll { millis, outputs } => {
                self.now += millis;
                self.poll(outputs);
            }
            Step::Read { key } => {
                let now = self.at();
                let read = self.engine.handle_read(&key, 50, now);
                self.seen.push(format!("{read:?}"));
            }
            Step::Cancel { key } => {
                let now = self.at();
                let cancelled = self.engine.handle_cancel(&key, Selector::All, now);
                self.seen.push(format!("{cancelled:?}"));
            }
            Step::FlushNow { key } => {
                let now = self.at();
                let flushed = self.engine.flush_now(&key, now);
                self.seen.push(format!("{flushed}"));
            }
            Step::Answer { every } => {
                let now = self.at();
                for (place, (key, generation)) in std::mem::take(&mut self.sent).into_iter().enumerate() {
                    let answered = if place % every == 0 {
                        self.engine.handle_response(&key, generation, now)
                    } else {
                        self.engine.handle_failure(&key, generation, now)
                    };
                    self.seen.push(format!("{answered:?}"));
                }
            }
            Step::Restart { late } => {
                // Nothing waits to be polled now; what comes due until the restart is over waits in the snapshot.
                self.poll(usize::MAX);
                let bytes = self.snapshot();
                self.now += late;
                if self.way == Way::Restarted {
                    self.engine = Engine::read((Calendar, SEED), &bytes).unwrap();
                }
                self.poll(usize::MAX);
            }
        }
    }
}

fn compare(policy: &Policy, keys: u64, steps: &[Step]) {
    let mut twins =
        [Way::OneByOne, Way::ManyAtOnce, Way::Restarted].map(|way| Twin::new(way, policy.clone()));
    for step in steps {
        twins.iter_mut().for_each(|twin| twin.step(keys, step));
        let [one, others @ ..] = &twins;
        for other in others {
            for (ours, theirs) in one.seen.iter().zip(&other.seen) {
                assert_eq!(ours, theirs, "{:?}, {step:?}", other.way);
            }
            assert_eq!(one.seen.len(), other.seen.len(), "{:?}, {step:?}", other.way);
        }
        twins.iter_mut().for_each(|twin| twin.seen.clear());
    }
    for twin in &mut twins {
        twin.poll(usize::MAX);
    }
    let [one, many, restarted] = &twins;
    assert!(one.snapshot() == many.snapshot() && one.snapshot() == restarted.snapshot());
    assert_eq!(one.engine.explain().sum(), one.engine.explain().events);
}

proptest! {
    // Always the same inputs, so that a change is what makes it fail.
    #![proptest_config(ProptestConfig { cases: 40, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn nothing_tells_them_apart(
        policy in policies(),
        keys in prop::sample::select(vec![1_u64, 7, 300, 5_000]),
        steps in steps(),
    ) {
        compare(&policy, keys, &steps);
    }
}

/// A driver that polls one output and answers: what was taken out to be done next has another deadline then, and must
/// not keep its old turn.
#[test]
fn an_answer_between_two_polls() {
    let mut policy = Policy::default();
    policy.collect = Collect::Totals;
    let steps = [
        Step::Burst { count: 1_024, scattered: true },
        Step::Drive { millis: 30_000 },
        Step::Burst { count: 1_024, scattered: false },
        Step::Poll { millis: 30_000, outputs: 0 },
        Step::Restart { late: 0 },
        Step::Burst { count: 1, scattered: false },
        Step::Poll { millis: 30_000, outputs: 1 },
        Step::Answer { every: 1 },
        Step::Drive { millis: 30_000 },
    ];
    compare(&policy, 5_000, &steps);
}

/// Three windows close in one late call: the one whose deadline moved must still take its turn by deadline, as it does
/// after a restart.
#[test]
fn a_late_driver_closes_windows_in_the_order_of_their_deadlines() {
    let quiet = Duration::from_secs(10);
    for restart in [false, true] {
        let mut policy = Policy::lean(Window::Sliding { quiet, max_wait: Duration::from_secs(60) });
        policy.remember = Duration::ZERO;
        let mut engine = Engine::new(Calendar, policy.clone(), Limits::default(), SEED).unwrap();
        let at = |second: u64| UnixTime::from_secs(1_700_000_020 + second);
        for (second, key) in [(0, 1), (1, 2), (3, 3), (6, 2)] {
            engine.handle_event(Event::new(key, EventId(0), 0), at(second)).unwrap();
        }
        if restart {
            let mut bytes = Vec::new();
            engine.write(&mut bytes);
            engine = Engine::read((Calendar, SEED), &bytes).unwrap();
        }
        engine.handle_timeout(at(30));
        let keys: Vec<_> = std::iter::from_fn(|| engine.poll_output()).map(|output| *output.key()).collect();
        assert_eq!(keys, [1, 3, 2], "restart: {restart}");
    }
}
