//! Random inputs, to the engine and to the model, and the comparison after each. No part of the model.

use std::collections::{BTreeMap, BTreeSet};

use reveille_core::Machine as _;
use reveille_core::log::Snapshot as _;
use reveille_digest::snapshot::Codec as _;

use super::draw::{Bytes, policy};
use super::*;

pub type Key = u16;
pub const SEED: Seed = Seed::new([11; 16]);

/// Paused keys are bits; class 2 and above pass. Hours: quiet in every second 100 s. Key 5 is dropped while it is quiet.
#[derive(Clone, Copy, Debug)]
pub struct TestHost;

impl Host for TestHost {
    type Key = Key;
    type Payload = u32;
    type Fold = u64;
    type Calendar = (u32, bool);

    fn quiet(&self, (paused, hours): &(u32, bool), key: &Key, class: u8, now: UnixTime) -> Option<Quiet> {
        let then = if *key == 5 { AtEnd::Drop } else { AtEnd::Merge };
        if class < 3 && paused & (1 << (key % 32)) != 0 {
            return Some(Quiet { until: UnixTime::MAX, then });
        }
        let (turn, rest) = (now.as_millis() / 200_000, now.as_millis() % 200_000);
        let until = UnixTime::from_millis(turn * 200_000 + 100_000);
        (class < 2 && *hours && rest < 100_000).then_some(Quiet { until, then })
    }

    fn fold(&self, state: &mut u64, item: &Item<u32>) {
        *state += u64::from(item.payload.unwrap_or(0));
    }

    fn merge(&self, state: &mut u64, later: u64) {
        *state += later;
    }
}

/// What is compared of an output: whose it is, its generation, and all the rest as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Out(pub Key, pub Option<u64>, pub String);

struct Pair {
    engine: Engine<TestHost>,
    model: Model,
    now: u64,
    actors: u8,
    /// Inputs by `apply`, or by the calls.
    applies: bool,
    /// How fast what waited may go, after a restart and when the calendar changes.
    rate: Rate,
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
    let actors = bytes.one_of(&[1, 3]);
    let policy = policy(&mut bytes, actors);
    run_with(policy, bytes.0)
}

/// The same from a given policy on.
pub fn run_with(policy: Policy, script: &[u8]) -> usize {
    let mut bytes = Bytes(script);
    let choice = bytes.next();
    let mut limits = limits(choice % 4 == 0);
    if choice / 4 % 4 == 0 && policy.reminders.is_empty() {
        (limits.memories, limits.delivered) = (2, 7);
    }
    // From the epoch, from now, from close to the end of time.
    let now = bytes.one_of(&[0, 1_700_000_000_000, 1_700_000_000_000, (1 << 62) - 10_000_000_000]);
    let engine = Engine::new(TestHost, policy.clone(), limits, SEED).unwrap();
    let log = vec![format!("at {now}: {policy:?} {limits:?}")];
    let (actors, applies) = (policy.actors, choice / 16 % 2 == 0);
    let rate = match choice / 32 {
        1 | 2 => Rate { windows: 1, every: Duration::from_secs(4) },
        5 => Rate { windows: 2, every: Duration::from_millis(7) },
        6 => Rate { windows: 0, every: Duration::from_secs(100) },
        7 => Rate { windows: 1, every: Duration::MAX },
        _ => Rate::UNLIMITED,
    };
    let model = Model { policy, limits, ..Model::default() };
    let mut pair =
        Pair { engine, model, now, actors, applies, rate, names: Default::default(), next_id: 0, log };
    pair.compare();
    let mut operations = 0;
    while !bytes.0.is_empty() {
        pair.operate(&mut bytes);
        pair.compare();
        operations += 1;
    }
    operations
}

fn limits(low: bool) -> Limits {
    let mut limits = Limits::default();
    if low {
        (limits.windows, limits.items, limits.bytes, limits.items_per_key) = (3, 24, 90, 5);
    }
    limits
}

fn at(now: u64) -> UnixTime {
    UnixTime::from_millis(now)
}

impl Pair {
    fn operate(&mut self, bytes: &mut Bytes<'_>) {
        let (op, mut key) = (bytes.below(40), bytes.below(6) as Key);
        // Rings that are held are few: reads and cancels look for them.
        let held = |o: &&One| o.kept && o.sent == 0 && matches!(o.place, InFlight(_));
        let held = self.model.events.iter().find(held).filter(|_| self.rate != Rate::UNLIMITED);
        let held = held.map(|o| (o.event.key, o.event.id));
        if let (21..=26, Some((theirs, _))) = (op, held) {
            key = theirs;
        }
        if bytes.below(3) > 0 {
            self.now = self.now.saturating_add(bytes.span().as_millis() as u64);
        }
        let now = at(self.now);
        self.log.push(format!("at {now}: operation {op} of {key}"));
        if !matches!(op, 27..=31 | 36..) {
            // Time passes before an input is looked at; what is answered was chosen before.
            self.model.time(now);
        }
        match op {
            0..=17 => self.event(key, bytes),
            // It changes nothing that can be seen.
            18 => self.engine.tidy(),
            19 => {}
            20 => {
                let (now, rate) = (self.model.now, self.rate);
                match key {
                    5 => {
                        // What was delivered goes by itself: that bound stays.
                        let mut changed = limits(self.model.limits.windows > 3);
                        changed.delivered = self.model.limits.delivered;
                        self.model.set_limits(changed);
                        self.apply(Input::Limits(changed));
                    }
                    4 => {
                        self.model.ask_again(true, |theirs| theirs % 2 == 0, now, rate);
                        self.apply(Input::Recheck(vec![0, 4, 2], rate));
                    }
                    _ => {
                        self.model.ask_again(true, |_| true, now, rate);
                        self.apply(Input::RecheckAll(rate));
                    }
                }
            }
            21..=23 => {
                let through = EventId(self.next_id.saturating_sub(u128::from(bytes.below(6))));
                let read = bytes.one_of(&[
                    Read::UpTo(7),
                    Read::UpTo(20),
                    Read::UpTo(40),
                    Read::All,
                    Read::Through(through),
                ]);
                self.log.push(format!("    {read:?}"));
                let theirs = self.model.read(key, read);
                if self.applies {
                    self.apply(Input::Read(key, read));
                } else {
                    assert_eq!(self.engine.handle_read(&key, read, now).unwrap(), theirs);
                }
            }
            24..=26 => {
                let event =
                    Selector::Event(EventId((self.next_id + 3).saturating_sub(u128::from(bytes.below(9)))));
                let ring = held.map_or(event, |(_, id)| Selector::Event(id));
                let what = bytes.one_of(&[Selector::All, Selector::Kind(1), event, event, ring]);
                self.log.push(format!("    {what:?}"));
                let theirs = self.model.cancel(key, what);
                if self.applies {
                    self.apply(Input::Cancel(key, what));
                } else {
                    assert_eq!(self.engine.handle_cancel(&key, what, now).unwrap(), theirs);
                }
            }
            27..=31 => self.answer(bytes),
            32 => {
                let policy = policy(bytes, self.actors);
                self.log.push(format!("    {policy:?}"));
                self.model.set_policy(policy.clone());
                self.apply(Input::Policy(policy));
            }
            33..=34 => {
                let (paused, hours) = self.model.calendar;
                let calendar = (paused ^ (1 << key), hours ^ (bytes.below(3) == 0));
                self.model.calendar = calendar;
                let theirs = self.model.ask_again(false, |_| true, self.model.now, self.rate);
                if self.applies {
                    self.apply(Input::Calendar(calendar, self.rate));
                } else {
                    assert_eq!(self.engine.set_calendar(calendar, self.rate, now), theirs);
                }
            }
            35 => {
                let theirs = self.model.flush_now(key);
                if self.applies {
                    self.apply(Input::FlushNow(key));
                } else {
                    assert_eq!(self.engine.flush_now(&key, now), theirs);
                }
            }
            36 => self.now = self.now.saturating_sub(bytes.span().as_millis() as u64),
            37 => self.restore(bytes),
            38 => {
                // A clock that lies for a moment, and one that was set.
                let lie = bytes.one_of(&[0, u64::MAX, 4_102_444_800_000, self.now / 2, self.now + (1 << 36)]);
                self.log.push(format!("    the clock says {lie}"));
                let right = std::mem::replace(&mut self.now, lie);
                self.compare();
                self.now = right;
            }
            _ => {
                let is = self.now.saturating_add(bytes.span().as_millis() as u64).min(1 << 62);
                let was = self.now.min(1 << 62);
                self.log.push(format!("    the clock was {was} and is {is}"));
                self.model.step_clock(at(was), at(is));
                self.now = is;
                self.apply(Input::ClockStep { was: at(was), is: at(is) });
            }
        }
    }

    /// The outputs stay to be compared.
    fn apply(&mut self, input: Input<TestHost>) {
        let mut bytes = Vec::new();
        input.encode(&mut bytes);
        let mut rest = bytes.as_slice();
        let input = Input::decode(&mut rest).unwrap();
        assert!(rest.is_empty());
        self.engine.step(input, at(self.now));
    }

    fn event(&mut self, key: Key, bytes: &mut Bytes<'_>) {
        let again = bytes.below(8) == 0;
        self.next_id += u128::from(!again);
        let flags = bytes.next();
        let older = if again && self.rate != Rate::UNLIMITED { flags / 8 % 5 } else { 0 };
        let id = EventId(self.next_id.saturating_sub(u128::from(older)));
        let mut event = Event::new(key, id, bytes.below(50) as u32)
            .with_seq(bytes.below(40))
            .with_actor(flags % 6)
            .with_kind((flags / 8 % 3) as u16)
            .with_class(((flags / 32 % 5) as u8).min(3))
            .with_rank(bytes.below(4) as u32)
            .with_bytes(bytes.below(30) as u32);
        event.urgent = bytes.below(8) == 0;
        if bytes.below(5) == 0 {
            event.useful_until = Some(at(self.now) + bytes.span());
        }
        self.log.push(format!("    {event:?} bytes {} actor {}", event.bytes, event.actor));
        let now = at(self.now);
        let expected = self.model.event(event.clone());
        if self.applies && expected != Fate::Refused {
            // What ends before it is looked at is told, because nobody hears the fate.
            let over = event.useful_until.is_some_and(|until| until < self.model.now);
            if matches!(expected, Fate::Duplicate | Fate::Cancelled | Fate::ReadBefore | Fate::Throttled)
                || expected == Fate::Expired && over
            {
                self.model.out.push(Out(key, None, format!("{expected:?}: 1 {:?}", [event.id])));
            }
            self.apply(Input::Event(event));
            return;
        }
        if bytes.below(2) == 0 {
            assert_eq!(name(self.engine.handle_event(event, now)), expected);
            return;
        }
        // The same and others at once.
        let (mut expected, mut events) = (vec![expected], vec![event.clone()]);
        for (n, key) in [0, key, 4, key].into_iter().enumerate() {
            let mut next = Event { key, ..event.clone() }.with_actor(n as u64);
            self.next_id += 1;
            next.id = EventId(self.next_id);
            self.model.time(now);
            expected.push(self.model.event(next.clone()));
            events.push(next);
        }
        let mut fates = Vec::new();
        self.engine.handle_events(events, now, |fate| fates.push(name(fate)));
        assert_eq!(fates, expected);
    }

    /// Answers something that is in flight, or that is not.
    fn answer(&mut self, bytes: &mut Bytes<'_>) {
        let flights = self.model.flights.iter().filter(|f| !f.held);
        let mut flights: Vec<_> = flights.map(|f| (f.key, f.generation)).collect();
        flights.sort_by_key(|(key, _)| *key);
        let (pick, choice) = (bytes.below(6) as usize, bytes.below(6));
        let (key, theirs) = flights.get(pick).copied().unwrap_or((pick as Key, u64::MAX));
        let place = self.names[1].get(&key).and_then(|names| names.iter().position(|g| *g == theirs));
        let ours = Generation::from_bits(place.map_or(u64::MAX, |place| self.names[0][&key][place]));
        let now = at(self.now);
        let until = (choice == 5).then(|| now + bytes.span());
        self.log.push(format!("    answers {key} {choice} {until:?}"));
        let verdict = if choice <= 2 { Ok(()) } else { Err(until) };
        self.model.time(now);
        let expected = self.model.answer(key, theirs, verdict);
        let answered = match (choice, until) {
            _ if self.applies => {
                self.apply(match (choice, until) {
                    (0..=2, _) => Input::Response(key, ours),
                    (_, Some(until)) => Input::Held(key, ours, until),
                    _ => Input::Failure(key, ours),
                });
                return;
            }
            (0..=2, _) => self.engine.handle_response(&key, ours, now),
            (_, Some(until)) => self.engine.handle_held(&key, ours, until, now),
            _ => self.engine.handle_failure(&key, ours, now),
        };
        assert_eq!(answered, expected);
    }

    fn restore(&mut self, bytes: &mut Bytes<'_>) {
        self.compare();
        let mut snapshot = Vec::new();
        self.engine.write(&mut snapshot);
        self.engine = Engine::read((TestHost, SEED), &snapshot).unwrap();
        let mut again = Vec::new();
        self.engine.write(&mut again);
        assert!(snapshot == again, "a snapshot of what was restored is the same");
        self.now = self.now.saturating_add(bytes.one_of(&[0, 10_000, 1 << 33]));
        let overdue =
            bytes.one_of(&[Overdue::Flush, Overdue::Merge, Overdue::DropOlderThan(Duration::from_secs(5))]);
        let catch_up = CatchUp { overdue, rate: self.rate };
        self.log.push(format!("    recovered at {}: {catch_up:?}", self.now));
        self.model.recovered(catch_up, at(self.now));
        self.apply(Input::Recovered(catch_up));
    }

    fn compare(&mut self) {
        let mut ours: Vec<Out> = Vec::new();
        while let Some(output) = self.engine.poll_output() {
            ours.push(plain(output));
            assert!(ours.len() < 100_000, "the engine does not come to rest");
        }
        // Whatever is due by the time of the last operation.
        self.model.time(at(self.now));
        self.engine.handle_timeout(at(self.now));
        ours.extend(std::iter::from_fn(|| self.engine.poll_output()).map(plain));
        let mut theirs = std::mem::take(&mut self.model.out);
        for (side, outs) in [&mut ours, &mut theirs].into_iter().enumerate() {
            // Keys do not depend on each other: only the order within a key counts.
            outs.sort_by_key(|out| out.0);
            for out in outs {
                self.rename(side, out);
            }
        }
        self.log.extend(ours.iter().map(|out| format!("    -> {out:?}")));
        assert_eq!(ours, theirs);
        assert_eq!(self.engine.explain(), ledger(&self.model.events));
        assert_eq!(self.engine.explain().sum(), self.engine.explain().events);
        assert_eq!(self.engine.next_wakeup().map(|wakeup| wakeup.at), self.model.next_wakeup());
        assert_eq!(self.engine.keys() as usize, self.model.entries.len());
        assert_eq!(self.engine.memories() as usize, self.model.memories.len());
        for key in 0..6 {
            assert_eq!(self.engine.unread(&key), self.model.unread(key), "unread of {key}");
        }
    }

    /// Generations depend on the order of keys; within a key they must rise.
    fn rename(&mut self, side: usize, out: &mut Out) {
        let Out(key, Some(generation), _) = out else { return };
        let names = self.names[side].entry(*key).or_default();
        assert!(names.last().is_none_or(|last| last < generation), "a generation went back");
        names.push(*generation);
        *generation = names.len() as u64;
    }
}

/// How every event ended, or where it stands, in the engine's form: one for its notification, the others merged into it.
fn ledger(events: &[One]) -> Ledger {
    let (mut l, mut sent) = (Ledger::default(), BTreeSet::new());
    for one in events {
        l.events += 1;
        *match one.fate {
            _ if one.sent != 0 && sent.insert(one.sent) => &mut l.notified,
            _ if one.sent != 0 => &mut l.merged,
            Fate::Pending => &mut l.pending,
            Fate::Notified { .. } => &mut l.notified,
            Fate::Merged { .. } => &mut l.merged,
            Fate::ReadBefore => &mut l.read_before,
            Fate::Duplicate => &mut l.duplicate,
            Fate::Throttled => &mut l.throttled,
            Fate::Quiet => &mut l.quiet,
            Fate::Cancelled => &mut l.cancelled,
            Fate::Expired => &mut l.expired,
            Fate::Refused => &mut l.refused,
            Fate::Superseded => &mut l.superseded,
        } += 1;
    }
    l
}

/// A fate without the generation's number.
fn name(fate: Result<Fate, Error>) -> Fate {
    match fate {
        Ok(Fate::Notified { .. }) => Fate::Notified { generation: Generation::from_bits(0) },
        Ok(other) => other,
        Err(Error::Full { limit: Limit::Windows }) => Fate::Refused,
        Err(other) => panic!("{other}"),
    }
}

fn plain(output: Output<TestHost>) -> Out {
    let key = *output.key();
    let (generation, text) = match output {
        Output::Notify(n) => {
            let Notify { generation, collapse_id, lane, reminder, class, summary, fold, ids, .. } = n;
            let summary::Summary { total, first, last, bytes, unread, actors, .. } = summary;
            assert_eq!(collapse_id, SEED.collapse_id(&key, lane));
            let (known, more) = (actors.known().collect::<Vec<_>>(), actors.more());
            let samples: Vec<_> = n.samples.iter().map(|item| item.id).collect();
            let text = format!(
                "{lane:?} {reminder:?} class {class}: {total} of {known:?} {more}, {first:?} to {last:?}, \
                 {bytes} bytes, unread {unread}, samples {samples:?} of {ids:?}, fold {fold}"
            );
            (Some(generation), text)
        }
        Output::Clear(c) => {
            let Clear { generation, lane, cause, events, remaining, .. } = c;
            (Some(generation), format!("clear {lane:?} {cause:?} {events:?} {remaining}"))
        }
        Output::Unread { count, .. } => (None, format!("unread {count}")),
        Output::Dropped { fate, count, ids, .. } => (None, format!("{fate:?}: {count} {ids:?}")),
    };
    Out(key, generation.map(Generation::to_bits), text)
}
