//! The policy that a user gets, beside what a good engineer writes by hand for the same work: `hashbrown` for keys and
//! ids, `DelayQueue` for windows and for answers that do not come, a vector of events per key, queues by which ids and
//! idle keys are forgotten.
//!
//! One life of `keys` windows: each is opened, takes two more events, comes to its end, is answered. Every part is timed
//! alone.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hashbrown::HashMap;
use reveille_core::UnixTime;
use reveille_core::log::Snapshot as _;
use reveille_digest::retract::Selector;
use reveille_digest::{Engine, Event, EventId, Fate, Generation, Limits, Output, Plain, Policy};
use tokio_util::time::{DelayQueue, delay_queue};

use super::{Key, Keys, engine, key};
use crate::measure::{Clock, Measured};
use crate::report::Report;

type Host = Plain<Key>;

const START: u64 = 1_700_000_000_000;
/// Windows open in the first ten seconds; nineteen seconds of events follow; the first window ends at thirty.
const OPEN: u64 = 10_000;
const EVENTS: u64 = 19_000;
const WINDOW: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(60);

fn at(millis: u64) -> UnixTime {
    UnixTime::from_millis(START + millis)
}

fn event(key: Key, id: u64) -> Event<Host> {
    Event::new(key, EventId(u128::from(id) << 64 | u128::from(key.0)), ())
        .with_seq(id)
        .with_actor(id & 3)
        .with_bytes(100)
}

/// Nanoseconds of each part.
#[derive(Default)]
struct Life {
    open: Vec<f64>,
    event: Vec<f64>,
    end: Vec<f64>,
    ring: Vec<f64>,
}

impl Life {
    fn of(parts: [(Duration, u64); 4]) -> Self {
        let [open, event, end, ring] = parts.map(|(time, n)| vec![time.as_secs_f64() * 1e9 / n as f64]);
        Self { open, event, end, ring }
    }

    fn add(&mut self, other: Self) {
        self.open.extend(other.open);
        self.event.extend(other.event);
        self.end.extend(other.end);
        self.ring.extend(other.ring);
    }
}

pub fn rows(report: &mut Report, keys: u64, runtime: &tokio::runtime::Runtime) {
    let rounds = (3_000_000 / keys).clamp(1, 31);
    let (mut one, mut many, mut peer) = (Life::default(), Life::default(), Life::default());
    for round in 0..rounds {
        one.add(ours(report, keys, 1, false));
        many.add(ours(report, keys, 64, round == 0));
        peer.add(runtime.block_on(tokio::task::unconstrained(by_hand(keys))));
    }
    let floors = |floor: fn(u64) -> f64| -> Vec<f64> { (0..rounds.min(5)).map(|_| floor(keys)).collect() };
    let (bare, overlapping) = (floors(floor::<true>), floors(floor::<false>));
    let measured = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        Measured { nanoseconds: times[times.len() / 2], allocations: f64::NAN }
    };
    let hand = "by hand: hashbrown + DelayQueue + vectors + ids";
    for (what, ours, many, peer) in [
        ("an event into an open window", one.event, many.event, peer.event),
        ("a window's first event", one.open, many.open, peer.open),
        ("a window's end, with its answer", one.end, many.end, peer.end),
        ("ring", one.ring, many.ring, peer.ring),
    ] {
        let name = match what {
            "ring" => format!("ring, {keys} open keys: urgent, a duplicate, a cancel"),
            _ => format!("default policy, {keys} open keys: {what}"),
        };
        let batches = if what.starts_with("ring") || what.ends_with("answer") {
            "ours, again"
        } else {
            "ours, in batches of 64"
        };
        let mut row = vec![("ours", measured(ours)), (batches, measured(many)), (hand, measured(peer))];
        let has_floor = what == "an event into an open window";
        if has_floor {
            row.push(("the floor, if no event waits for the one before", measured(overlapping.clone())));
            row.push(("floor", measured(bare.clone())));
        }
        report.add(&name, &row, has_floor);
    }
}

fn ours(report: &Report, keys: u64, batch: u64, with_snapshot: bool) -> Life {
    let mut ours = engine(Policy::default());
    let take = |ours: &mut Engine<Host>,
                first: u64,
                count: u64,
                now: &dyn Fn(u64) -> u64,
                key: &mut dyn FnMut(u64) -> Key| {
        let start = Clock::start();
        let mut n = 0;
        while n < count {
            if batch == 1 {
                let fate = ours.handle_event(event(key(n), first + n), at(now(n)));
                assert_eq!(fate, Ok(Fate::Pending));
                n += 1;
            } else {
                let group = batch.min(count - n);
                let events = (n..n + group).map(|n| event(key(n), first + n));
                ours.handle_events(events, at(now(n)), |fate| assert_eq!(fate, Ok(Fate::Pending)));
                n += group;
            }
        }
        start.elapsed()
    };
    let opened =
        take(&mut ours, 0, keys, &|n| n * OPEN / keys, &mut |n| key(n.wrapping_mul(7_368_787) % keys));
    let open = u64::from(ours.keys());
    let mut random = Keys { state: 1, count: keys };
    let count = keys * 2;
    let joined = take(&mut ours, keys, count, &|n| OPEN + n * EVENTS / count, &mut |_| random.next());
    if with_snapshot {
        snapshot(report, keys, &ours);
    }
    // Rings of other keys, each rung twice and cancelled, while all windows are open.
    let rings = (keys / 4).min(250_000);
    let start = Clock::start();
    for n in 0..rings {
        let ring = || event((n, u64::MAX), u64::MAX / 2 + n).urgent();
        assert!(matches!(ours.handle_event(ring(), at(29_500)), Ok(Fate::Notified { .. })));
        assert_eq!(ours.handle_event(ring(), at(29_500)), Ok(Fate::Duplicate));
        while ours.poll_output().is_some() {}
        let id = ring().id;
        let cancelled = ours.handle_cancel(&(n, u64::MAX), Selector::Event(id), at(29_500));
        assert_eq!(cancelled.map(|retracted| retracted.notified), Ok(1));
        while ours.poll_output().is_some() {}
    }
    let rung = start.elapsed();
    let (mut windows, mut total) = (0_u64, 0_u64);
    let mut sent: Vec<(Key, Generation)> = Vec::new();
    let start = Clock::start();
    for millis in 30_000..=60_000 {
        ours.handle_timeout(at(millis));
        while let Some(output) = ours.poll_output() {
            if let Output::Notify(notify) = output {
                windows += 1;
                total += u64::from(notify.summary.total);
                sent.push((notify.key, notify.generation));
            }
        }
        for (key, generation) in sent.drain(..) {
            ours.handle_response(&key, generation, at(millis));
        }
    }
    let ended = start.elapsed();
    assert!(windows >= open && total == keys + count, "{windows} {open} {total}");
    Life::of([(opened, keys), (joined, count), (ended, windows), (rung, rings)])
}

/// The memory that any engine touches for an event into an open window, and nothing else, when events come one by one: the
/// key's place in a table of numbers, then its record, and the place of the event's id; the event and its id are written to
/// the end of a list. With `WAITS` the next event begins when this one is done, as it does where some hundred instructions
/// stand between two look-ups; without, the processor overlaps as many as it can, because there are almost none. Nothing is
/// hashed, compared or decided.
fn floor<const WAITS: bool>(keys: u64) -> f64 {
    let lines = |count: u64| vec![[0_u64; 8]; count.max(1).next_power_of_two() as usize];
    let (mut table, mut records, mut ids) = (lines(keys / 6), lines(keys), lines(keys / 14));
    for line in table.iter_mut().chain(&mut records).chain(&mut ids) {
        line[7] = 1;
    }
    let (mut events, mut names) = (Vec::new(), vec![[0_u64; 4]; ids.len() * 8]);
    let mut random = Keys { state: 1, count: keys };
    let (count, mut last) = (keys * 2, 0_u64);
    let start = Clock::start();
    for n in 0..count {
        let (hash, number) = random.next();
        // Always zero, which only the memory knows.
        let bucket = table[(hash ^ if WAITS { last } else { 0 }) as usize & (table.len() - 1)];
        let record = &mut records[(number ^ bucket[0]) as usize];
        let (total, id) = (record[6], hash.rotate_left(32) as usize & (ids.len() - 1));
        record[6] += 1;
        ids[id][1] += 1;
        if n % 4096 == 0 {
            events.push(Vec::with_capacity(4096));
        }
        events.last_mut().into_iter().for_each(|chunk| chunk.push([n; 8]));
        let place = n as usize & (names.len() - 1);
        names[place] = [n; 4];
        last = std::hint::black_box(ids[id][0] | (total >> 32));
    }
    let nanoseconds = start.elapsed().as_secs_f64() * 1e9 / count as f64;
    std::hint::black_box((table, records, ids, events, names));
    nanoseconds
}

/// Written into new memory, and once more into the same: what a service does that keeps the buffer.
fn snapshot(report: &Report, keys: u64, ours: &Engine<Host>) {
    let mut bytes = Vec::new();
    let [first, again] = [(), ()].map(|()| {
        bytes.clear();
        let start = Clock::start();
        ours.write(&mut bytes);
        start.elapsed().as_secs_f64() * 1e3
    });
    let start = Clock::start();
    let restored = Engine::read((Host::new(), super::SEED), &bytes).expect("a snapshot");
    let read = start.elapsed().as_secs_f64() * 1e3;
    assert_eq!(restored.next_wakeup(), ours.next_wakeup());
    report.note(&format!(
        "default policy, {keys} open keys of three events: snapshot {first:.1} ms, into the same buffer again {again:.1} ms, {} bytes each, restore {read:.1} ms",
        bytes.len() as u64 / keys,
    ));
}

#[derive(Clone)]
#[allow(dead_code)]
struct Sample {
    id: u128,
    seq: u64,
    actor: u64,
    at: u64,
    kind: u16,
    class: u8,
    rank: u32,
    bytes: u32,
    useful_until: u64,
}

#[derive(Default)]
struct Hand {
    pending: Vec<Sample>,
    bytes: u64,
    /// The highest number that was read.
    mark: u64,
    in_flight: Option<(u64, delay_queue::Key, Vec<Sample>)>,
    delivered: Vec<Sample>,
    /// Since when nothing is to be done for it.
    idle: u64,
}

#[allow(dead_code)]
struct Notification {
    key: Key,
    generation: u64,
    total: usize,
    actors: Vec<u64>,
    ids: Vec<u128>,
    samples: Vec<Sample>,
    collapse: u64,
}

/// Ids with the time until which they count, and the queue by which they go.
#[derive(Default)]
struct Ids {
    known: HashMap<u128, (u64, bool)>,
    queue: VecDeque<(u64, u128)>,
}

impl Ids {
    fn is_known(&mut self, id: u128, now: u64) -> bool {
        while let Some((until, id)) = self.queue.front().copied().filter(|(until, _)| *until <= now) {
            self.queue.pop_front();
            if self.known.get(&id).is_some_and(|(known, _)| *known == until) {
                self.known.remove(&id);
            }
        }
        self.known.contains_key(&id)
    }

    fn note(&mut self, id: u128, until: u64, cancelled: bool) {
        self.known.insert(id, (until, cancelled));
        self.queue.push_back((until, id));
    }
}

async fn by_hand(keys: u64) -> Life {
    let base = tokio::time::Instant::now();
    let mut map: HashMap<Key, Hand> = HashMap::new();
    let mut queue: DelayQueue<Key> = DelayQueue::new();
    let mut answers: DelayQueue<(Key, u64)> = DelayQueue::new();
    let mut idle: VecDeque<(u64, Key)> = VecDeque::new();
    let deadline = |now: u64| base + Duration::from_millis(now) + ANSWER;
    let mut ids = Ids::default();
    let sample = |key: Key, id: u64, now: u64| Sample {
        id: u128::from(id) << 64 | u128::from(key.0),
        seq: id,
        actor: id & 3,
        at: now,
        kind: 0,
        class: 0,
        rank: 0,
        bytes: 100,
        useful_until: u64::MAX,
    };
    let mut random = Keys { state: 1, count: keys };
    let count = keys * 2;
    let mut take = |map: &mut HashMap<Key, Hand>, ids: &mut Ids, key: Key, id: u64, now: u64| {
        let sample = sample(key, id, now);
        if ids.is_known(sample.id, now) {
            return;
        }
        ids.note(sample.id, now + 5_000, false);
        let hand = map.entry(key).or_default();
        if sample.seq <= hand.mark && sample.seq != 0 {
            return;
        }
        if hand.pending.is_empty() {
            queue.insert_at(key, base + Duration::from_millis(now) + WINDOW);
        }
        hand.bytes += u64::from(sample.bytes);
        hand.pending.push(sample);
    };
    let start = Clock::start();
    for n in 0..keys {
        take(&mut map, &mut ids, key(n.wrapping_mul(7_368_787) % keys), n, n * OPEN / keys);
    }
    let opened = start.elapsed();
    let start = Clock::start();
    for n in 0..count {
        take(&mut map, &mut ids, random.next(), keys + n, OPEN + n * EVENTS / count);
    }
    let joined = start.elapsed();
    // Rings: sent at once under an id of their own, kept until they are answered or cancelled.
    let rings = (keys / 4).min(250_000);
    let (mut ringing, mut generation) = (HashMap::<Key, (u64, delay_queue::Key, Sample)>::new(), START);
    let mut out: VecDeque<Notification> = VecDeque::new();
    let start = Clock::start();
    for n in 0..rings {
        let key = (n, u64::MAX);
        for _ in 0..2 {
            let ring = sample(key, u64::MAX / 2 + n, 29_500);
            if ids.is_known(ring.id, 29_500) {
                continue;
            }
            ids.note(ring.id, 34_500, false);
            generation += 1;
            let answer = answers.insert_at((key, generation), deadline(29_500));
            ringing.insert(key, (generation, answer, ring.clone()));
            out.push_back(notification(key, generation, vec![ring]));
        }
        while out.pop_front().is_some() {}
        let id = u128::from(u64::MAX / 2 + n) << 64 | u128::from(n);
        ids.note(id, 3_600_000, true);
        if ringing.get(&key).is_some_and(|(_, _, ring)| ring.id == id)
            && let Some((_, answer, _)) = ringing.remove(&key)
        {
            answers.remove(&answer);
            generation += 1;
            out.push_back(notification(key, generation, Vec::new()));
        }
        while out.pop_front().is_some() {}
    }
    let rung = start.elapsed();
    let mut context = Context::from_waker(Waker::noop());
    let (mut windows, mut total) = (0_u64, 0_usize);
    let mut ended = Duration::ZERO;
    let mut sent: Vec<(Key, u64)> = Vec::new();
    for millis in 30_000..=60_000_u64 {
        let ahead =
            (base + Duration::from_millis(millis)).saturating_duration_since(tokio::time::Instant::now());
        tokio::time::advance(ahead).await;
        let start = Clock::start();
        while let Poll::Ready(Some(late)) = answers.poll_expired(&mut context) {
            // It failed: pending again. It does not happen here.
            let (key, _) = late.into_inner();
            if let Some((_, _, batch)) = map.get_mut(&key).and_then(|hand| hand.in_flight.take()) {
                map.entry(key).or_default().pending.extend(batch);
            }
        }
        while let Some((since, key)) = idle.front().copied().filter(|(since, _)| since + 3_600_000 <= millis)
        {
            idle.pop_front();
            if map.get(&key).is_some_and(|hand| hand.idle == since && hand.pending.is_empty()) {
                map.remove(&key);
            }
        }
        while let Poll::Ready(Some(expired)) = queue.poll_expired(&mut context) {
            let key = expired.into_inner();
            let Some(hand) = map.get_mut(&key) else { continue };
            generation += 1;
            let batch = std::mem::take(&mut hand.pending);
            let answer = answers.insert_at((key, generation), deadline(millis));
            hand.in_flight = Some((generation, answer, batch.clone()));
            out.push_back(notification(key, generation, batch));
            if let Some(notification) = out.pop_front() {
                windows += 1;
                total += std::hint::black_box(&notification).total;
                sent.push((notification.key, notification.generation));
            }
        }
        for (key, generation) in sent.drain(..) {
            if let Some(hand) = map.get_mut(&key)
                && hand.in_flight.as_ref().is_some_and(|(waiting, ..)| *waiting == generation)
                && let Some((_, answer, batch)) = hand.in_flight.take()
            {
                answers.remove(&answer);
                hand.delivered.extend(batch);
                hand.idle = millis;
                idle.push_back((millis, key));
            }
        }
        ended += start.elapsed();
    }
    assert!(total as u64 == keys + count && windows > 0);
    std::hint::black_box(map.values().map(|hand| hand.delivered.len()).sum::<usize>());
    Life::of([(opened, keys), (joined, count), (ended, windows), (rung, rings)])
}

fn notification(key: Key, generation: u64, batch: Vec<Sample>) -> Notification {
    let mut actors = Vec::new();
    for sample in &batch {
        if !actors.contains(&sample.actor) {
            actors.push(sample.actor);
        }
    }
    let collapse = std::hash::BuildHasher::hash_one(
        &std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default(),
        key,
    );
    let samples = batch.iter().skip(batch.len().saturating_sub(5)).cloned().collect();
    let ids = batch.iter().map(|sample| sample.id).collect();
    Notification { key, generation, total: batch.len(), actors, ids, samples, collapse }
}

/// As many events as one key keeps by default, and very many.
pub fn one_key(report: &mut Report) {
    one_key_of::<4_096>(report);
    one_key_of::<300_000>(report);
}

/// A key with many events: one of them is cancelled, then half of them are read. The peer searches its vector.
fn one_key_of<const EVENTS: u64>(report: &mut Report) {
    const CANCELS: u64 = 16;
    let mut limits = Limits::default();
    limits.items_per_key = u32::MAX;
    let mut ours =
        Engine::new(Host::new(), Policy::default(), limits, super::SEED).expect("a policy and limits");
    let mut theirs: Vec<Sample> = Vec::new();
    for n in 1..=EVENTS {
        let event = event(key(1), n);
        theirs.push(Sample {
            id: event.id.0,
            seq: n,
            actor: event.actor,
            at: n / 100,
            kind: 0,
            class: 0,
            rank: 0,
            bytes: 100,
            useful_until: u64::MAX,
        });
        assert_eq!(ours.handle_event(event, at(n / 100)), Ok(Fate::Pending));
    }
    let id = |n: u64| EventId(u128::from(n) << 64 | u128::from(key(1).0));
    let places = || (1..=CANCELS).map(|n| n * EVENTS / (CANCELS + 1));
    let measured = |time: Duration, n: u64| Measured {
        nanoseconds: time.as_secs_f64() * 1e9 / n as f64,
        allocations: f64::NAN,
    };
    let start = Clock::start();
    for n in places() {
        let cancelled = ours.handle_cancel(&key(1), Selector::Event(id(n)), at(3_000));
        assert_eq!(cancelled.map(|retracted| retracted.pending), Ok(1));
        while ours.poll_output().is_some() {}
    }
    let one = measured(start.elapsed(), CANCELS);
    let start = Clock::start();
    for n in places() {
        let id = id(n).0;
        let place = theirs.iter().position(|sample| sample.id == id).expect("it is there");
        std::hint::black_box(theirs.remove(place));
    }
    let hand = measured(start.elapsed(), CANCELS);
    let vector = "a vector";
    report.add(
        &format!("one key with {EVENTS} events: one is cancelled"),
        &[("ours", one), (vector, hand)],
        false,
    );
    let start = Clock::start();
    let read = ours.handle_read(&key(1), EVENTS / 2, at(3_001)).expect("room");
    let one = measured(start.elapsed(), read.pending.into());
    let start = Clock::start();
    let before = theirs.len();
    theirs.retain(|sample| sample.seq > EVENTS / 2);
    let gone = (before - theirs.len()) as u64;
    let hand = measured(start.elapsed(), gone);
    assert_eq!(gone, u64::from(read.pending));
    let name = format!("one key with {EVENTS} events: half are read, for each of them");
    report.add(&name, &[("ours", one), (vector, hand)], false);
    // The other half goes out, arrives, and is cancelled one by one.
    ours.handle_timeout(at(60_000));
    let mut sent = Vec::new();
    while let Some(output) = ours.poll_output() {
        if let Output::Notify(notify) = output {
            sent.push(notify.generation);
        }
    }
    for generation in sent {
        ours.handle_response(&key(1), generation, at(60_000));
    }
    let places = || places().filter(|n| *n > EVENTS / 2).map(|n| n + 1);
    let start = Clock::start();
    for n in places() {
        let cancelled = ours.handle_cancel(&key(1), Selector::Event(id(n)), at(60_001));
        assert_eq!(cancelled.map(|retracted| retracted.notified), Ok(1));
        while ours.poll_output().is_some() {}
    }
    let one = measured(start.elapsed(), places().count() as u64);
    let start = Clock::start();
    for n in places() {
        let id = id(n).0;
        let place = theirs.iter().position(|sample| sample.id == id).expect("it is there");
        std::hint::black_box(theirs.remove(place));
    }
    let hand = measured(start.elapsed(), places().count() as u64);
    let name = format!("one key, {} events delivered: one is cancelled", theirs.len());
    report.add(&name, &[("ours", one), (vector, hand)], false);
}
