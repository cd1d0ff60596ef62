//! The engine as a reader of the README would write it: one list of all events that ever came, each with the place where
//! it is, one of what has no answer yet, and every question answered by going through them. Nothing is fast, nothing is
//! counted along the way, and every feature is in it. What comes in is in `inputs`; what makes up inputs and compares is
//! in `draw` and `drive`, and no part of the model.
#![allow(dead_code, unreachable_pub)]

mod draw;
pub mod drive;
mod inputs;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use Place::{Delivered, Gone, InFlight, Pending};
use drive::{Key, Out, SEED, TestHost};
use reveille_core::UnixTime;
use reveille_digest::{catch_up::*, options::*, quiet::*, retract::*, *};

const NEVER: UnixTime = UnixTime::MAX;
const END: UnixTime = UnixTime::from_millis(1 << 62);
const DIGEST: Place = Delivered(Lane::Digest);
const ALL: Select<'static> = &|_, _| true;

/// Where an event is. Those of one key in one place are a batch.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Pending,
    InFlight(u64),
    Delivered(Lane),
    Gone,
}

struct One {
    event: Event<TestHost>,
    at: UnixTime,
    place: Place,
    /// By name; otherwise it is a number in a count.
    kept: bool,
    /// How it ended. One that has ended and still is in its place was taken out of a batch that is not exact: it is no
    /// event any more, but its actor and its number were counted.
    fate: Fate,
    /// The notification it is in, or 0.
    sent: u64,
}

/// Which events; asked also of what is only counted (`false`), which has no name of its own but comes and is read.
type Select<'a> = &'a dyn Fn(&One, bool) -> bool;
/// An event that is taken out: its name, if it was kept by that, and of what kind it is.
type Named = Option<(EventId, u16)>;

/// What a window waits for.
#[derive(Clone, Copy, Default, PartialEq)]
enum Wait {
    #[default]
    Idle,
    Open,
    InFlight,
    Refractory,
    Quiet,
    Held,
    Turn,
}

/// A notification without an answer, or an urgent one that is held until then.
#[derive(Clone, Copy)]
struct Flight {
    key: Key,
    generation: u64,
    lane: Lane,
    until: UnixTime,
    held: bool,
    failures: u8,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    /// The last number that was given back, or a new one. Among equals the lowest goes first.
    number: u32,
    /// What its window waits for, and until when.
    wait: (Wait, UnixTime),
    /// Up to which number it is read, which unread count was told last, which ring was the last to arrive.
    mark: u64,
    told: u32,
    rang: u64,
    failures: u8,
    /// Until when it is left alone; the level, and since when; the same before the last digest.
    resting: Option<UnixTime>,
    level: Option<(u8, UnixTime)>,
    before: Option<(u8, UnixTime)>,
    /// When, step, whether it waits for the end of a quiet.
    remind: Option<(UnixTime, u8, bool)>,
    /// Whether there is anything to remember, and whether nothing else can be shown than what is known.
    history: bool,
    known: bool,
    /// Of each lane: nobody said whether its last notification arrived.
    silent: [bool; 2],
}

#[derive(Default)]
pub struct Model {
    pub policy: Policy,
    pub limits: Limits,
    pub calendar: (u32, bool),
    pub out: Vec<Out>,
    pub now: UnixTime,
    /// As they came; what was delivered, as it was delivered.
    events: Vec<One>,
    flights: Vec<Flight>,
    entries: BTreeMap<Key, Entry>,
    /// Keys that are only remembered, and since when. The least recent first.
    memories: Vec<(Key, UnixTime)>,
    /// Id, until, whether it was cancelled.
    seen: Vec<(EventId, UnixTime, bool)>,
    generation: u64,
    /// Numbers that were given back.
    free: Vec<u32>,
    /// Something may be shown of which nothing is known.
    forgot: bool,
}

/// What the lists say.
impl Model {
    /// Oldest first.
    fn batch(&self, key: Key, place: Place) -> impl Iterator<Item = &One> {
        self.events.iter().filter(move |o| o.event.key == key && o.place == place)
    }
    fn batch_mut(&mut self, key: Key, place: Place) -> impl Iterator<Item = &mut One> {
        self.events.iter_mut().filter(move |o| o.event.key == key && o.place == place)
    }
    fn kept(&self, key: Key, place: Place) -> Vec<&One> {
        self.batch(key, place).filter(|o| o.kept).collect()
    }
    fn live(&self, key: Key, place: Place) -> Vec<&One> {
        self.batch(key, place).filter(|o| o.fate == Fate::Pending).collect()
    }
    fn total(&self, key: Key, place: Place) -> u32 {
        self.live(key, place).len() as u32
    }
    fn class(&self, key: Key, place: Place) -> u8 {
        self.batch(key, place).map(|o| o.event.class).max().unwrap_or(0)
    }
    fn actors(&self, key: Key, place: Place) -> Vec<u64> {
        let mut seen = BTreeSet::new();
        self.batch(key, place).map(|o| o.event.actor).filter(|actor| seen.insert(*actor)).collect()
    }
    fn flights(&self, key: Key, which: impl Fn(&Flight) -> bool) -> Vec<Place> {
        let flights = self.flights.iter().filter(|f| f.key == key && which(f));
        flights.map(|f| InFlight(f.generation)).collect()
    }
    fn take_flight(&mut self, is_it: impl Fn(&Flight) -> bool) -> Option<Flight> {
        self.flights.extract_if(.., |f| is_it(f)).next()
    }
    fn busy(&self, key: Key) -> bool {
        !self.flights(key, |f| f.lane == Lane::Digest).is_empty()
    }
    pub fn unread(&self, key: Key) -> u32 {
        let stands = |o: &&One| o.event.key == key && o.place != Gone && o.fate == Fate::Pending;
        self.events.iter().filter(stands).count() as u32
    }
    fn keep_last(&mut self, key: Key, place: Place, keep: usize, bytes: u64) {
        while self.kept(key, place).len() > keep || bytes_of(&self.kept(key, place)) > bytes {
            self.batch_mut(key, place).find(|o| o.kept).unwrap().kept = false;
        }
    }
    /// Takes events out; of a batch that is not kept as a whole, what is only counted goes as a whole, or not.
    fn remove(&mut self, key: Key, places: &[Place], select: Select<'_>, fate: Fate) -> Vec<Named> {
        let mut gone = Vec::new();
        for place in places {
            let exact = self.batch(key, *place).all(|o| o.kept);
            let whole = !exact && self.batch(key, *place).all(|o| select(o, false));
            for o in self.batch_mut(key, *place).filter(|o| whole || o.kept && select(o, true)) {
                if o.fate == Fate::Pending {
                    gone.push(o.kept.then_some((o.event.id, o.event.kind)));
                    o.fate = fate;
                }
                (o.kept, o.place) = (false, if whole || exact { Gone } else { o.place });
            }
        }
        gone
    }
    /// The same of what was not sent, which is told. Returns how many.
    fn drop(&mut self, key: Key, places: &[Place], select: Select<'_>, fate: Fate) -> u32 {
        let gone = self.remove(key, places, select, fate);
        if gone.is_empty() {
            return 0;
        }
        let ids: Vec<_> = gone.iter().flatten().map(|(id, _)| *id).collect();
        self.out.push(Out(key, None, format!("{fate:?}: {} {ids:?}", gone.len())));
        // Under a leading edge an empty window stays: it keeps the next notification at its distance.
        let stays = self.policy.leading && self.entries[&key].wait.0 == Wait::Open;
        if places == [Pending] && self.total(key, Pending) == 0 && !stays {
            self.of(key).wait.0 = Wait::Idle;
        }
        // Whoever reads or cancels is told of the rest at the end.
        if !matches!(fate, Fate::ReadBefore | Fate::Cancelled) {
            self.tell_unread(key);
        }
        gone.len() as u32
    }
}

fn bytes_of(events: &[&One]) -> u64 {
    events.iter().map(|o| u64::from(o.event.bytes)).sum()
}

/// When, and whether.
impl Model {
    /// When a window that opens now ends at the latest, and when it would if nothing else came.
    fn latest(&self) -> UnixTime {
        self.policy.window.deadline(self.now, NEVER)
    }
    fn soon(&self) -> UnixTime {
        self.policy.window.deadline(self.now, self.now)
    }
    fn per_key(&self) -> usize {
        ((self.limits.items / 8).max(1) as usize).min(self.limits.items_per_key as usize)
    }
    fn keep(&self) -> usize {
        match self.policy.collect {
            Collect::Totals => 0,
            Collect::Latest => 1,
            Collect::Items => self.per_key(),
        }
    }
    fn remembers(&self) -> bool {
        !self.policy.remember.is_zero() || !self.policy.reminders.is_empty()
    }
    /// Until when the calendar says quiet. `Idle`: what comes out meanwhile is dropped.
    fn quiet(&self, key: Key, class: u8) -> Option<(Wait, UnixTime)> {
        let quiet = TestHost.quiet(&self.calendar, &key, class, self.now)?;
        let (wait, spread) = match quiet.then {
            AtEnd::Merge => (Wait::Quiet, self.policy.spread),
            AtEnd::Drop => (Wait::Idle, Duration::ZERO),
        };
        Some((wait, quiet.until + SEED.spread(&key, quiet.until, spread)))
    }
    /// What forbids a notification now.
    fn hold(&self, key: Key) -> Option<(Wait, UnixTime)> {
        let busy = self.busy(key).then_some((Wait::InFlight, NEVER));
        let resting = self.entries[&key].resting.filter(|until| self.now < *until);
        let resting = resting.map(|until| (Wait::Refractory, until));
        busy.or(resting).or_else(|| self.quiet(key, self.class(key, Pending)))
    }
    fn deadline(&self, key: Key) -> UnixTime {
        let (wait, end) = self.entries[&key].wait;
        match (wait, self.policy.window, self.batch(key, Pending).last()) {
            (Wait::Open, Window::Sliding { quiet, .. }, Some(last)) => end.min(last.at + quiet),
            (Wait::InFlight, ..) if !self.busy(key) => self.now,
            (Wait::Idle | Wait::InFlight, ..) => NEVER,
            _ => end,
        }
    }
    fn reminder(&self, key: Key) -> UnixTime {
        let unread = self.total(key, Pending) == 0 && self.total(key, DIGEST) > 0;
        let remind = self.entries[&key].remind.filter(|_| unread && !self.busy(key));
        remind.map_or(NEVER, |(at, ..)| at)
    }
    /// Whose turn is next: all of one millisecond.
    fn next(&self) -> Vec<(UnixTime, Key)> {
        let rests = |e: &Entry| e.resting.filter(|_| e.wait.0 == Wait::Idle);
        let turn = |key| {
            let flights = self.flights.iter().filter(|f| f.key == key).map(|f| f.until);
            let timers = [self.deadline(key), self.reminder(key)].into_iter().chain(flights);
            timers.chain(rests(&self.entries[&key])).min()
        };
        let row = self.row(turn);
        row.iter().copied().filter(|(at, _)| *at == row[0].0).collect()
    }
    pub fn next_wakeup(&self) -> Option<UnixTime> {
        self.next().first().map(|(next, _)| *next).filter(|next| *next <= END).map(|next| next.max(self.now))
    }
    /// Keys in the order of a time that some of them have. Of one millisecond, in the order of their numbers.
    fn row(&self, time: impl Fn(Key) -> Option<UnixTime>) -> Vec<(UnixTime, Key)> {
        let row = self.entries.iter().filter_map(|(key, e)| Some((time(*key)?, e.number, *key)));
        row.collect::<BTreeSet<_>>().into_iter().map(|(at, _, key)| (at, key)).collect()
    }
}

/// Time passes, and keys come and go.
impl Model {
    /// The clock; everything that is due, in the order of deadlines; and what is forgotten by now.
    pub fn time(&mut self, now: UnixTime) {
        self.set_now(now);
        self.settle();
    }

    fn set_now(&mut self, now: UnixTime) {
        let now = now.min(END);
        if self.now.since(now) > self.policy.clock_tolerance {
            self.step_clock(self.now, now);
        }
        self.now = self.now.max(now);
    }

    fn settle(&mut self) {
        let now = self.now;
        // Who is due again in the same millisecond comes after the others of it.
        while self.next().first().is_some_and(|(at, _)| *at <= now) {
            for (_, key) in self.next() {
                while let Some(flight) = self.take_flight(|f| f.key == key && f.until <= now) {
                    self.time_out(key, flight);
                }
                if self.deadline(key) <= now {
                    self.let_go(key);
                }
                if self.reminder(key) <= now {
                    self.remind(key);
                }
                self.finish(key);
            }
        }
        self.evict(self.policy.remember);
    }

    /// To change a key: it is no memory any more.
    fn of(&mut self, key: Key) -> &mut Entry {
        self.memories.retain(|(memory, _)| *memory != key);
        let (new, free) = (self.entries.len() as u32, &mut self.free);
        let entry = || Entry { number: free.pop().unwrap_or(new), ..Entry::default() };
        self.entries.entry(key).or_insert_with(entry)
    }

    /// After every change of a key.
    fn finish(&mut self, key: Key) {
        let (now, unread) = (self.now, self.total(key, DIGEST) > 0);
        let flies = !self.flights(key, |_| true).is_empty();
        let e = self.of(key);
        e.resting = e.resting.filter(|until| *until > now);
        let reminds = unread && e.remind.is_some();
        let over = e.wait.0 == Wait::Idle && !flies && !reminds && e.resting.is_none();
        let history = e.history && !self.policy.remember.is_zero();
        self.memories.extend((over && history).then_some((key, now)));
        if over && !history {
            self.forget(key);
        }
        self.evict(Duration::MAX);
    }

    fn forget(&mut self, key: Key) {
        self.memories.retain(|(memory, _)| *memory != key);
        self.forgot |= self.total(key, DIGEST) + self.total(key, Delivered(Lane::Urgent)) > 0;
        self.forgot |= self.entries.get(&key).is_some_and(|e| e.silent != [false; 2]);
        self.free.extend(self.entries.remove(&key).map(|e| e.number));
        if self.entries.is_empty() {
            // Numbers begin anew.
            self.free.clear();
        }
        self.events.iter_mut().filter(|o| o.event.key == key).for_each(|o| o.place = Gone);
    }

    /// Memories are a cache: the least recent goes if there are too many, if too much is delivered, and after its time.
    /// Returns whether too much is delivered all the same.
    fn evict(&mut self, age: Duration) -> bool {
        loop {
            let delivered = self.events.iter().filter(|o| o.kept && matches!(o.place, Delivered(_)));
            let too_much = delivered.count() > self.limits.delivered as usize;
            let too_many = self.memories.len() > self.limits.memories as usize;
            match self.memories.first().copied() {
                Some((key, since)) if too_much || too_many || since + age <= self.now => self.forget(key),
                _ => return too_much,
            }
        }
    }
}

/// What goes out.
impl Model {
    fn let_go(&mut self, key: Key) -> Fate {
        self.expire(key, Pending, self.policy.useful_for);
        let hold = if self.total(key, Pending) > 0 { self.hold(key) } else { Some((Wait::Idle, NEVER)) };
        let Some(wait) = hold else { return self.flush(key) };
        self.of(key).wait = wait;
        match wait.0 {
            Wait::Idle if self.drop(key, &[Pending], ALL, Fate::Quiet) > 0 => Fate::Quiet,
            Wait::Idle => Fate::Expired,
            _ => Fate::Pending,
        }
    }

    /// Drops what is too old, or over by itself.
    fn expire(&mut self, key: Key, place: Place, age: Option<Duration>) {
        let (now, before) = (self.now, age.map(|age| self.now - age).unwrap_or_default());
        let over = |o: &One| o.event.useful_until.is_some_and(|until| until < now);
        // Of those that are only counted it is known when the last of them is over.
        let all = self.batch(key, place).all(over);
        let select = |o: &One, named| o.at < before || (named || all) && over(o);
        self.drop(key, &[place], &select, Fate::Expired);
    }

    fn flush(&mut self, key: Key) -> Fate {
        let fate = self.send(key, Pending, Lane::Digest, 0);
        let (now, latest, policy) = (self.now, self.latest(), self.policy.clone());
        let e = self.of(key);
        e.wait = (if policy.leading { Wait::Open } else { Wait::Idle }, latest);
        e.before = e.level;
        if let Some(refractory) = policy.refractory {
            let level = e.level.map_or(0, |(level, since)| refractory.next_level(level, now.since(since)));
            (e.level, e.resting) = (Some((level, now)), Some(now + refractory.period(level)));
            e.history = true;
        }
        e.remind = policy.reminders.first().map(|first| (now + *first, 0, false)).or(e.remind);
        fate
    }

    fn send(&mut self, key: Key, from: Place, lane: Lane, failures: u8) -> Fate {
        self.notify(key, from, lane, None);
        let (generation, unread) = (self.generation, self.unread(key));
        self.batch_mut(key, from).filter(|o| o.fate == Fate::Pending).for_each(|o| o.sent = generation);
        if self.remembers() || self.policy.ack_timeout.is_some() {
            (self.of(key).told, self.of(key).history) = (unread, true);
        }
        self.batch_mut(key, from).for_each(|o| o.place = InFlight(generation));
        match self.policy.ack_timeout {
            Some(timeout) => {
                let until = self.now + timeout;
                self.flights.push(Flight { key, generation, lane, until, held: false, failures });
            }
            None => self.deliver(key, generation, lane),
        }
        Fate::Notified { generation: Generation::from_bits(0) }
    }

    fn deliver(&mut self, key: Key, generation: u64, lane: Lane) {
        let (from, mut to) = (InFlight(generation), Delivered(lane));
        let any = self.total(key, from) > 0;
        if lane == Lane::Urgent && any {
            self.of(key).rang = generation.max(self.of(key).rang);
        }
        if any {
            self.of(key).silent[lane as usize] = false;
            self.of(key).known &= self.remembers();
        }
        if !self.remembers() {
            (to, self.forgot) = (Gone, self.forgot || any);
        }
        // Of two that came in one millisecond, first is what was delivered first.
        self.events.sort_by_key(|o| (o.at, o.event.key == key && o.place == from));
        self.batch_mut(key, from).for_each(|o| o.place = to);
        if any && self.remembers() {
            self.keep_last(key, Delivered(lane), self.per_key(), u64::MAX);
            if self.evict(Duration::MAX) {
                self.keep_last(key, Delivered(lane), 0, u64::MAX);
            }
        }
    }

    fn notify(&mut self, key: Key, place: Place, lane: Lane, nth: Option<u8>) {
        let (batch, mut kept) = (self.batch(key, place).collect::<Vec<_>>(), self.kept(key, place));
        let (mut actors, most) = (self.actors(key, place), self.policy.actors.into());
        let more = actors.len() > most;
        actors.truncate(most);
        let ids: Vec<_> = kept.iter().map(|o| o.event.id).collect();
        kept.sort_by_key(|o| std::cmp::Reverse(o.event.rank));
        let ranked: Vec<_> = kept.iter().map(|o| o.event.id).collect();
        let last = |n: u16| &ids[ids.len().saturating_sub(n.into())..];
        let samples = match self.policy.keep {
            // Of what is sent once more, the payloads are gone.
            _ if nth.is_some() => &[],
            _ if self.policy.collect == Collect::Latest => last(1),
            Keep::Last(n) => last(n),
            Keep::First(n) => &ids[..ids.len().min(n.into())],
            Keep::Top(n) => &ranked[..ids.len().min(n.into())],
        };
        let fold: u32 = batch.iter().map(|o| o.event.payload).filter(|_| nth.is_none()).sum();
        let (first, last, bytes) = (batch[0].at, batch[batch.len() - 1].at, bytes_of(&self.live(key, place)));
        let (total, class, unread) = (self.total(key, place), self.class(key, place), self.unread(key));
        let text = format!(
            "{lane:?} {nth:?} class {class}: {total} of {actors:?} {more}, {first:?} to {last:?}, \
             {bytes} bytes, unread {unread}, samples {samples:?} of {ids:?}, fold {fold}"
        );
        self.generation += 1;
        self.out.push(Out(key, Some(self.generation), text));
    }

    fn remind(&mut self, key: Key) {
        let step = self.entries[&key].remind.map_or(0, |(_, step, _)| step);
        // What drops new events does not drop this.
        if let Some((_, until)) = self.quiet(key, self.class(key, DIGEST)) {
            return self.of(key).remind = Some((until, step, true));
        }
        let next = self.policy.reminders.get(usize::from(step) + 1);
        self.of(key).remind = next.map(|next| (self.now + *next, step + 1, false));
        self.of(key).told = self.unread(key);
        self.notify(key, DIGEST, Lane::Digest, Some(step + 1));
    }

    fn tell_unread(&mut self, key: Key) {
        let (told, unread) = (self.entries[&key].told, self.unread(key));
        if told != 0 && told != unread {
            self.of(key).told = unread;
            self.out.push(Out(key, None, format!("unread {unread}")));
        }
    }
}
