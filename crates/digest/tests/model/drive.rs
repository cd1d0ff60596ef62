//! Random operations, to the engine and to the model, and the comparison after each.

use std::collections::BTreeMap;

use super::*;

/// Draws small decisions from bytes.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u64 {
        let Some((byte, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        u64::from(*byte)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn millis(&mut self) -> Duration {
        const STEPS: [u64; 12] =
            [0, 1, 7, 64, 500, 1_000, 4_000, 5_000, 30_000, 100_000, 3_600_000, 5_000_000_000];
        Duration::from_millis(STEPS[self.below(12) as usize])
    }
}

fn policy(bytes: &mut Bytes<'_>) -> Policy {
    let wait = bytes.millis();
    let mut policy = match bytes.below(4) {
        0 => Policy::lean(Window::Fixed { wait }),
        1 => Policy::lean(Window::Sliding { quiet: wait, max_wait: bytes.millis() }),
        2 => Policy::sliding(wait, bytes.millis()),
        _ => Policy::fixed(wait),
    };
    let flags = bytes.next();
    let on = |bit: u64| flags & (1 << bit) != 0;
    // The leanest policy counts one actor: it has short ways of its own.
    policy.actors = [1, 3][bytes.below(2) as usize];
    if on(0) {
        return policy;
    }
    policy.collect = [Collect::Totals, Collect::Latest, Collect::Items][bytes.below(3) as usize];
    policy.keep = [Keep::First(2), Keep::Last(2), Keep::Top(2)][bytes.below(3) as usize];
    policy.leading = on(1);
    policy.max_items = on(2).then_some(1 + bytes.below(6) as u32);
    policy.max_bytes = on(3).then_some(1 + bytes.below(40) as u32);
    policy.urgent = if on(4) { Urgent::Flush } else { Urgent::Overtake };
    policy.dedup = on(5).then(|| bytes.millis());
    policy.ack_timeout = on(6).then(|| bytes.millis());
    policy.useful_for = on(7).then(|| bytes.millis());
    let flags = bytes.next();
    let on = |bit: u64| flags & (1 << bit) != 0;
    if on(0) {
        policy.refractory = Some(Refractory {
            first: bytes.millis(),
            factor: bytes.below(4) as u8,
            max: bytes.millis(),
            decay: bytes.millis(),
            excess: if on(1) { Excess::Drop } else { Excess::Hold },
        });
    }
    policy.reminders = (0..if on(2) { bytes.below(4) } else { 0 }).map(|_| bytes.millis()).collect();
    policy.remember = bytes.millis();
    policy.attempts = bytes.below(3) as u8;
    policy
}

struct Pair {
    engine: Engine<TestHost>,
    model: Model,
    host: TestHost,
    now: u64,
    /// Whether many keys come at once now and then.
    crowds: bool,
    /// Generations of each key, as the engine and as the model call them.
    names: [BTreeMap<Key, Vec<u64>>; 2],
    next_id: u128,
    /// What was done, for the reader of a failure.
    log: Vec<String>,
}

impl Drop for Pair {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", self.log.join("\n"));
        }
    }
}

/// Runs one script; panics at the first difference. Returns how many operations it ran.
pub fn run(script: &[u8]) -> usize {
    let mut bytes = Bytes(script);
    let hours = bytes.below(2) == 1;
    let policy = policy(&mut bytes);
    run_with(policy, hours, bytes.0)
}

/// The same from a given policy on.
pub fn run_with(policy: Policy, hours: bool, script: &[u8]) -> usize {
    let mut bytes = Bytes(script);
    let host = TestHost { paused: Rc::default(), hours };
    let mut limits = Limits::default();
    if bytes.below(4) == 0 {
        (limits.windows, limits.items, limits.bytes) = (3, 12, 90);
    }
    // From the epoch, from now, from close to the end of time.
    let start = bytes.next();
    let now = [0, 1_700_000_000_000, u64::MAX - 10_000_000_000][start as usize % 3];
    // Few scripts, because the model is slow with many keys; the byte serves twice, so the others stay what they were.
    let crowds = start / 3 % 24 == 7;
    let engine = Engine::new(host.clone(), policy.clone(), limits, SEED).unwrap();
    let log = vec![format!("at {now}: {policy:?} {limits:?}")];
    let model = Model::new(host.clone(), policy, limits);
    let mut pair = Pair { engine, model, host, now, crowds, names: Default::default(), next_id: 0, log };
    pair.engine.handle_timeout(at(now));
    pair.model.timeout(at(now));
    let mut operations = 0;
    while !bytes.0.is_empty() {
        pair.operate(&mut bytes);
        pair.compare();
        operations += 1;
    }
    operations
}

fn at(now: u64) -> UnixTime {
    UnixTime::from_millis(now)
}

impl Pair {
    fn operate(&mut self, bytes: &mut Bytes<'_>) {
        let (op, size) = (bytes.next(), [3, 70, 300, 1_100]);
        let size = size[op as usize / 64];
        let (op, key) = (op % 32, bytes.below(6) as Key);
        if bytes.below(3) > 0 {
            self.now = self.now.saturating_add(bytes.millis().as_millis() as u64);
        }
        let names =
            ["event", "timeout", "read", "cancel", "answer", "policy", "pause", "back", "restore", "jump"];
        let place = [15, 19, 21, 23, 26, 27, 28, 29, 30, 31].iter().position(|last| op <= *last);
        self.log.push(format!("at {}: {} of {key}", self.now, names[place.unwrap_or(0)]));
        match op {
            0..=15 => self.event(key, bytes),
            16 if self.crowds => self.crowd(size),
            16..=19 => self.timeout(),
            20..=21 => {
                let up_to = bytes.below(40);
                let result = self.engine.handle_read(&key, up_to, at(self.now)).map_err(limit);
                assert_eq!(result, self.model.read(key, up_to, at(self.now)));
            }
            22..=23 => {
                let what = match bytes.below(4) {
                    0 => Selector::All,
                    1 => Selector::Kind(bytes.below(3) as u16),
                    _ => Selector::Event(EventId(self.next_id.saturating_sub(u128::from(bytes.below(6))))),
                };
                let result = self.engine.handle_cancel(&key, what, at(self.now)).unwrap();
                assert_eq!(result, self.model.cancel(key, what, at(self.now)));
            }
            24..=26 => self.answer(bytes),
            27 => {
                let policy = policy(bytes);
                self.log.push(format!("    {policy:?}"));
                self.engine.set_policy(policy.clone(), at(self.now)).unwrap();
                self.model.set_policy(policy, at(self.now));
            }
            28 => {
                self.host.paused.set(self.host.paused.get() ^ (1 << key));
                let waited = self.engine.recheck(&key, at(self.now));
                assert_eq!(waited, self.model.recheck(key, at(self.now)));
            }
            29 => self.now = self.now.saturating_sub(bytes.millis().as_millis() as u64),
            30 => self.restore(bytes),
            _ => {
                let jump = [1 << 20, 1 << 30, 1 << 36, 1 << 37, 1 << 50][bytes.below(5) as usize];
                self.now = self.now.saturating_add(jump);
                self.timeout();
            }
        }
    }

    fn timeout(&mut self) {
        self.engine.handle_timeout(at(self.now));
        self.model.timeout(at(self.now));
    }

    fn event(&mut self, key: Key, bytes: &mut Bytes<'_>) {
        self.next_id += u128::from(bytes.below(8) > 0);
        let flags = bytes.next();
        let mut event = Event::new(key, EventId(self.next_id), bytes.below(50) as u32)
            .seq(bytes.below(40))
            .actor(flags % 6)
            .kind((flags / 8 % 3) as u16)
            .class([0, 1, 2, 3, u8::MAX][(flags / 32 % 5) as usize])
            .rank(bytes.below(4) as u32)
            .bytes(bytes.below(30) as u32);
        event.urgent = bytes.below(8) == 0;
        self.log.push(format!("    {event:?} bytes {} actor {}", event.bytes, event.actor));
        let expected = self.model.event(event.clone(), at(self.now));
        let now = at(self.now);
        if bytes.below(2) == 0 {
            let fate = self.engine.handle_event(event, now).map_err(limit);
            assert_eq!(fate.map(name), expected.map(name));
            return;
        }
        // The same and others at once.
        let mut expected = vec![expected.map(name)];
        let mut events = vec![event.clone()];
        for (n, key) in [0, key, 5, key].into_iter().enumerate() {
            let mut next = Event { key, ..event.clone() }.actor(n as u64);
            self.next_id += 1;
            next.id = EventId(self.next_id);
            expected.push(self.model.event(next.clone(), now).map(name));
            events.push(next);
        }
        let mut fates = Vec::new();
        self.engine.handle_events(events, now, |fate| fates.push(fate.map_err(limit).map(name)));
        assert_eq!(fates, expected);
    }

    /// So many keys at once: more than are looked up together, and more than come due together.
    fn crowd(&mut self, size: Key) {
        let now = at(self.now);
        let events: Vec<_> = (0..size)
            .map(|n| {
                self.next_id += 1;
                Event::new(100 + n, EventId(self.next_id), u32::from(n)).actor(u64::from(n % 2)).bytes(1)
            })
            .collect();
        self.log.push(format!("    {size} keys at once"));
        let expected: Vec<_> = events.iter().map(|e| self.model.event(e.clone(), now).map(name)).collect();
        let mut fates = Vec::new();
        self.engine.handle_events(events, now, |fate| fates.push(fate.map_err(limit).map(name)));
        assert_eq!(fates, expected);
    }

    /// Answers something that is in flight, or that is not.
    fn answer(&mut self, bytes: &mut Bytes<'_>) {
        let flights = self.model.generations();
        let (pick, delivered) = (bytes.below(8) as usize, bytes.below(3) > 0);
        let (key, theirs) = flights.get(pick).copied().unwrap_or((pick as Key, u64::MAX));
        let place = self.names[1].get(&key).and_then(|names| names.iter().position(|g| *g == theirs));
        let ours = place.map_or(u64::MAX, |place| self.names[0][&key][place]);
        let answered = if delivered {
            self.engine.handle_response(&key, ours, at(self.now))
        } else {
            self.engine.handle_failure(&key, ours, at(self.now))
        };
        assert_eq!(answered, self.model.answer(key, theirs, delivered, at(self.now)));
    }

    fn restore(&mut self, bytes: &mut Bytes<'_>) {
        self.compare();
        let mut snapshot = Vec::new();
        self.engine.snapshot(&mut snapshot).unwrap();
        let again = [0, 10_000, 1 << 33][bytes.below(3) as usize];
        self.now = self.now.saturating_add(again);
        let overdue =
            [Overdue::Flush, Overdue::Merge, Overdue::DropOlderThan(bytes.millis())][bytes.below(3) as usize];
        let catch_up = CatchUp { overdue, rate: None };
        let (policy, limits) = (self.model.policy.clone(), self.model.limits);
        let now = at(self.now);
        self.engine =
            Engine::restore(self.host.clone(), policy, limits, SEED, &snapshot, catch_up, now).unwrap();
        self.model.catch_up(overdue, now);
        if again == 0 {
            let mut second = Vec::new();
            if self.engine.snapshot(&mut second).is_ok() && overdue == Overdue::Flush {
                assert_eq!(snapshot, second);
            }
        }
    }

    fn compare(&mut self) {
        // Whatever is due by the time of the last operation.
        let now = at(self.now);
        self.model.timeout(now);
        let mut ours = Vec::new();
        self.engine.handle_timeout(now);
        while let Some(output) = self.engine.poll_output() {
            ours.push(plain(output));
            assert!(ours.len() < 100_000, "the engine does not come to rest");
        }
        let mut theirs = std::mem::take(&mut self.model.out);
        for (side, outs) in [&mut ours, &mut theirs].into_iter().enumerate() {
            // Keys do not depend on each other: only the order within a key counts.
            outs.sort_by_key(key_of);
            for out in outs {
                self.rename(side, out);
            }
        }
        self.log.extend(ours.iter().map(|out| format!("    -> {out:?}")));
        assert_eq!(ours, theirs);
        assert_eq!(self.engine.explain(), self.model.ledger);
        assert_eq!(self.engine.explain().sum(), self.engine.explain().events);
        assert_eq!(self.engine.next_wakeup().map(|wakeup| wakeup.at), self.model.next_wakeup());
        assert_eq!(self.engine.keys() as usize, self.model.len());
    }

    /// Generations depend on the order of keys; within a key they must rise.
    fn rename(&mut self, side: usize, out: &mut Out) {
        if let Out::Notify { key, generation, .. } | Out::Clear { key, generation, .. } = out {
            let names = self.names[side].entry(*key).or_default();
            assert!(names.last().is_none_or(|last| last < generation), "a generation went back");
            names.push(*generation);
            *generation = names.len() as u64;
        }
    }
}

fn limit(error: Error) -> Limit {
    match error {
        Error::Full { limit } => limit,
        other => panic!("{other}"),
    }
}

/// A fate without the generation's number.
fn name(fate: Fate) -> Fate {
    match fate {
        Fate::Notified { .. } => Fate::Notified { generation: 0 },
        other => other,
    }
}

fn key_of(out: &Out) -> Key {
    match out {
        Out::Notify { key, .. }
        | Out::Clear { key, .. }
        | Out::Unread { key, .. }
        | Out::Dropped { key, .. } => *key,
    }
}

fn plain(output: Output<TestHost>) -> Out {
    match output {
        Output::Notify(n) => {
            let Summary { total, first, last, bytes, unread, .. } = n.summary;
            let (actors, more) = (n.summary.actors.known().collect::<Vec<_>>(), n.summary.actors.more());
            assert_eq!(n.collapse_id.to_string().len(), 22);
            Out::Notify {
                key: n.key,
                generation: n.generation,
                lane: n.lane,
                reminder: n.reminder,
                class: n.class,
                summary: format!("{total} {actors:?} {more} {first} {last} {bytes} {unread}"),
                samples: n.samples.iter().map(|item| item.id.0).collect(),
                ids: n.ids.iter().map(|id| id.0).collect(),
                fold: n.fold,
            }
        }
        Output::Clear(c) => {
            let Clear { key, generation, lane, cause, remaining, .. } = c;
            Out::Clear { key, generation, lane, cause, remaining }
        }
        Output::Unread { key, count } => Out::Unread { key, count },
        Output::Dropped { key, fate, count, ids } => {
            Out::Dropped { key, fate, count, ids: ids.iter().map(|id| id.0).collect() }
        }
    }
}
