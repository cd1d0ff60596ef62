//! Debounce and aggregation beside `tokio_util::time::DelayQueue` + `hashbrown`.
//!
//! The peer does only the timer: it resets a delay on every event and counts. Ours also keeps bytes, actors, class,
//! first and last time and the highest sequence number, under a keyed hash, and builds the summary at the end.

use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use reveille_core::UnixTime;
use reveille_core::log::Snapshot as _;
use reveille_digest::options::Window;
use reveille_digest::{Engine, Event, EventId, Limits, Output, Plain, Policy, Seed};
use tokio_util::time::{DelayQueue, delay_queue};

use crate::measure::{Contestant, Measured};
use crate::report::Report;
use crate::{allocations, arguments};

mod default_policy;
mod durable;

type Key = (u64, u64);
type Host = Plain<Key>;

const SEED: Seed = Seed::new([7; 16]);
const QUIET: Duration = Duration::from_secs(30);
const BATCH: u32 = 4096;
const START: u64 = 1_700_000_000_000;

pub fn compare(report: &mut Report) {
    // `compare digest durable` is the log alone.
    if std::env::args().nth(2).as_deref() == Some("durable") {
        return durable::compare(report);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let _inside = runtime.enter();
    // `compare digest 1000000` stops there (10 M keys take 6 GB), `compare digest 10000000 10000000` begins there.
    let most = arguments::number(2, "the most keys", 10_000_000);
    let least = arguments::number(3, "the fewest keys", 0);
    let sizes: Vec<u64> =
        [10_000, 100_000, 1_000_000, 10_000_000].into_iter().filter(|n| (least..=most).contains(n)).collect();
    for keys in &sizes {
        events(report, *keys);
    }
    for keys in sizes.iter().filter(|n| **n >= 100_000) {
        memory_and_snapshot(report, *keys);
        expiry(report, *keys, &runtime);
    }
    for keys in &sizes {
        default_policy::rows(report, *keys, &runtime);
    }
    default_policy::one_key(report);
    polling(report);
    durable::compare(report);
}

fn policy() -> Policy {
    Policy::lean(Window::Sliding { quiet: QUIET, max_wait: Duration::from_secs(3600) })
}

fn engine(policy: Policy) -> Engine<Host> {
    let mut limits = Limits::default();
    (limits.windows, limits.items, limits.bytes, limits.ids) = (u32::MAX, u64::MAX, u64::MAX, u32::MAX);
    (limits.memories, limits.delivered) = (u32::MAX, u64::MAX);
    Engine::new(Host::new(), policy, limits, SEED).expect("a policy")
}

/// Uniformly random keys.
struct Keys {
    state: u64,
    count: u64,
}

impl Keys {
    fn next(&mut self) -> Key {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        key(((u128::from(self.state) * u128::from(self.count)) >> 64) as u64)
    }
}

fn key(number: u64) -> Key {
    (number.wrapping_mul(0x9E37_79B9_7F4A_7C15), number)
}

fn event(key: Key) -> Event<Host> {
    Event::new(key, EventId(u128::from(key.0)), ()).with_seq(key.1).with_actor(key.1 & 7).with_bytes(100)
}

fn at(millis: u64) -> UnixTime {
    UnixTime::from_millis(START + millis)
}

/// One event into an open sliding window.
fn events(report: &mut Report, keys: u64) {
    let mut ours = engine(policy());
    for number in 0..keys {
        ours.handle_event(event(key(number)), at(number % 1000)).expect("room");
    }
    let base = tokio::time::Instant::now();
    let mut queue = DelayQueue::with_capacity(keys as usize);
    let mut map: HashMap<Key, (delay_queue::Key, u64)> = HashMap::with_capacity(keys as usize);
    let mut counters: HashMap<Key, u64> = HashMap::with_capacity(keys as usize);
    for number in 0..keys {
        let wait = QUIET + Duration::from_millis(number % 1000);
        map.insert(key(number), (queue.insert_at(number as u32, base + wait), 0));
        counters.insert(key(number), 0);
    }
    let (mut ours_keys, mut peer_keys, mut floor_keys) =
        (Keys { state: 1, count: keys }, Keys { state: 1, count: keys }, Keys { state: 1, count: keys });
    let (mut ours_events, mut peer_events) = (0_u64, 0_u64);
    let ours_run = Contestant::batch("ours", BATCH, || {
        for _ in 0..BATCH {
            ours_events += 1;
            // Four thousand events per ms: no window is left alone for 30 s.
            let now = at(1000 + ours_events / 4000);
            ours.handle_event(event(ours_keys.next()), now).expect("room");
        }
    });
    let mut grouped = engine(policy());
    grouped.handle_events((0..keys).map(|number| event(key(number))), at(0), |fate| assert!(fate.is_ok()));
    let (mut group_keys, mut group_events) = (Keys { state: 1, count: keys }, 0_u64);
    let group_run = Contestant::batch("ours, handle_events of 64", BATCH, || {
        for _ in 0..BATCH / 64 {
            group_events += 64;
            let events = (0..64).map(|_| event(group_keys.next()));
            grouped.handle_events(events, at(1000 + group_events / 4000), |fate| assert!(fate.is_ok()));
        }
    });
    let peer_run = Contestant::batch("DelayQueue + hashbrown, reset", BATCH, || {
        for _ in 0..BATCH {
            peer_events += 1;
            let now = base + Duration::from_millis(1000 + peer_events / 4000);
            if let Some((handle, count)) = map.get_mut(&peer_keys.next()) {
                *count += 1;
                queue.reset_at(handle, now + QUIET);
            }
        }
    });
    let floor_run = Contestant::batch("hashbrown, counter only", BATCH, || {
        for _ in 0..BATCH {
            *counters.entry(floor_keys.next()).or_insert(0) += 1;
        }
    });
    let name = format!("one event, sliding window, {keys} open keys (floor: counter only)");
    report.row(&name, ours_run, vec![group_run, peer_run], Some(floor_run));
}

/// A window closes: out of the timers, out of the table, summary built.
fn expiry(report: &mut Report, keys: u64, runtime: &tokio::runtime::Runtime) {
    let rounds = if keys >= 10_000_000 { 1 } else { 3 };
    let (mut ours, mut theirs, mut opening) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (open, close) = ours_expires(keys);
        opening.push(open);
        ours.push(close);
        // Without tokio's budget, which would stop it after 128 of them.
        theirs.push(runtime.block_on(tokio::task::unconstrained(peer_expires(keys))));
    }
    let measured = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        Measured { nanoseconds: times[times.len() / 2], allocations: 0.0 }
    };
    let name = format!("one window expires, summary built, {keys} keys over 30 s, polled every ms");
    report.add(
        &name,
        &[("ours", measured(ours)), ("DelayQueue + hashbrown, removed", measured(theirs))],
        false,
    );
    report.add(&format!("first event of a window, {keys} keys"), &[("ours", measured(opening))], false);
}

fn ours_expires(keys: u64) -> (f64, f64) {
    let mut ours = engine(Policy::lean(Window::Fixed { wait: QUIET }));
    let start = Instant::now();
    for number in 0..keys {
        // In the order of time, which is not the order of keys.
        let key = key(number.wrapping_mul(7_368_787) % keys);
        ours.handle_event(event(key), at(number * 30_000 / keys)).expect("room");
    }
    let opened = start.elapsed();
    let open = ours.keys();
    let (mut windows, mut total) = (0_u64, 0_u64);
    let start = Instant::now();
    for millis in 0..=61_000 {
        ours.handle_timeout(at(millis));
        while let Some(output) = ours.poll_output() {
            if let Output::Notify(notify) = output {
                windows += 1;
                total += u64::from(notify.summary.total);
            }
        }
    }
    let closed = start.elapsed();
    assert!(ours.keys() == 0 && windows == u64::from(open) && total == ours.explain().events);
    (opened.as_secs_f64() * 1e9 / keys as f64, closed.as_secs_f64() * 1e9 / windows as f64)
}

async fn peer_expires(keys: u64) -> f64 {
    let base = tokio::time::Instant::now();
    let mut queue = DelayQueue::with_capacity(keys as usize);
    let mut map: HashMap<Key, (delay_queue::Key, u64)> = HashMap::with_capacity(keys as usize);
    for number in 0..keys {
        let wait = QUIET + Duration::from_millis(number * 30_000 / keys);
        let key = key(number.wrapping_mul(7_368_787) % keys);
        map.insert(key, (queue.insert_at(key, base + wait), 1));
    }
    let mut context = Context::from_waker(Waker::noop());
    let (mut windows, mut total) = (0_u64, 0_u64);
    let mut spent = Duration::ZERO;
    for millis in 0..=61_000_u64 {
        let ahead =
            (base + Duration::from_millis(millis)).saturating_duration_since(tokio::time::Instant::now());
        tokio::time::advance(ahead).await;
        let start = Instant::now();
        while let Poll::Ready(Some(expired)) = queue.poll_expired(&mut context) {
            if let Some((_, count)) = map.remove(&expired.into_inner()) {
                windows += 1;
                total += count;
            }
        }
        spent += start.elapsed();
    }
    assert!(total == windows && windows > keys / 2);
    spent.as_secs_f64() * 1e9 / windows as f64
}

fn memory_and_snapshot(report: &mut Report, keys: u64) {
    let before = allocations::live_bytes();
    let mut ours = engine(policy());
    for number in 0..keys {
        ours.handle_event(event(key(number)), at(number * 30_000 / keys / 2)).expect("room");
    }
    let bytes = (allocations::live_bytes() - before) as f64 / keys as f64;
    report.note(&format!("{keys} open windows: {bytes:.1} bytes each, from the allocator"));
    let start = Instant::now();
    let mut snapshot = Vec::new();
    ours.write(&mut snapshot);
    let written = start.elapsed();
    let start = Instant::now();
    let again = Engine::read((Host::new(), SEED), &snapshot);
    let read = start.elapsed();
    let again = again.expect("a snapshot");
    assert!(again.keys() == ours.keys() && again.explain() == ours.explain());
    assert_eq!(again.next_wakeup(), ours.next_wakeup());
    report.note(&format!(
        "{keys} open windows: snapshot {:.0} ms, {} bytes ({:.1} each), restore {:.0} ms",
        written.as_secs_f64() * 1e3,
        snapshot.len(),
        snapshot.len() as f64 / keys as f64,
        read.as_secs_f64() * 1e3,
    ));
}

fn polling(report: &mut Report) {
    let window = Window::Fixed { wait: Duration::from_secs(3600) };
    let mut ours = engine(Policy::lean(window));
    for number in 0..100_000 {
        ours.handle_event(event(key(number)), at(0)).expect("room");
    }
    let mut calls = 0;
    let run = Contestant::batch("ours", BATCH, || {
        for _ in 0..BATCH {
            calls += 1;
            ours.handle_timeout(at(calls / 100_000));
            assert!(ours.poll_output().is_none());
            std::hint::black_box(ours.next_wakeup());
        }
    });
    report.row("nothing is due: handle_timeout, poll_output, next_wakeup, 100000 keys", run, vec![], None);
}
