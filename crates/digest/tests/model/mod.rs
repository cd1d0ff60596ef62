//! The engine as a reader of the README would write it: one list of all events that ever came, each with the place where
//! it is, and every question answered by going through it. Nothing is fast, nothing is counted along the way, and every
//! feature is in it. What comes in is in `inputs`; what makes up inputs and compares is in `drive`, and no part of the
//! model.
#![allow(dead_code, unreachable_pub)]

pub mod drive;
mod inputs;

use std::collections::BTreeMap;
use std::time::Duration;

use Place::{Delivered, Gone, InFlight, Pending};
use drive::{Key, SEED, TestHost};
use reveille_core::UnixTime;
use reveille_digest::{catch_up::*, options::*, quiet::*, retract::*, *};

const NEVER: u64 = u64::MAX;
const END: u64 = 1 << 62;

/// An output: whose it is, its generation, and all the rest as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Out(pub Key, pub Option<u64>, pub String);

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
    at: u64,
    place: Place,
    /// By name; otherwise it is a number in a count.
    kept: bool,
    /// How it ended. One that has ended and still is in its place was taken out of a batch that is not exact: it is no
    /// event any more, but its actor and its number were counted.
    fate: Fate,
    /// The notification it is in, or 0.
    sent: u64,
}

/// What is taken out by name, with its kind, and how many it was.
type Taken = (Vec<(EventId, u16)>, u32);

/// Which events; asked also of what is only counted (`false`), which has no name of its own but comes and is read.
type Select = Box<dyn Fn(&One, bool) -> bool>;

fn all() -> Select {
    Box::new(|_, _| true)
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Wait {
    #[default]
    Idle,
    Open(u64),
    InFlight,
    Refractory(u64),
    Quiet(u64),
    Held(u64),
    Turn(u64),
}

/// What became of a notification.
pub enum Verdict {
    Delivered,
    Failed,
    Held(UnixTime),
}

/// A notification without an answer, or an urgent one that is held until then.
#[derive(Clone, Copy)]
struct Flight {
    generation: u64,
    lane: Lane,
    until: u64,
    held: bool,
    failures: u8,
}

#[derive(Default)]
struct Entry {
    wait: Wait,
    flights: Vec<Flight>,
    mark: u64,
    told: u32,
    failures: u8,
    /// Until when it is left alone; the level, and since when.
    resting: Option<u64>,
    level: Option<(u8, u64)>,
    /// When, step, whether it waits for the end of a quiet.
    remind: (u64, u8, bool),
    /// The how-manieth memory it was, and since when it is one.
    memory: Option<(u64, u64)>,
    /// The last number that was given back, or a new one. Among equals the lowest goes first.
    number: u32,
    /// Whether there is anything to remember.
    history: bool,
}

impl Entry {
    fn busy(&self) -> bool {
        self.flights.iter().any(|f| f.lane == Lane::Digest)
    }
}

#[derive(Default)]
pub struct Model {
    pub policy: Policy,
    pub limits: Limits,
    pub calendar: (u32, bool),
    pub out: Vec<Out>,
    pub now: u64,
    /// As they came; what was delivered, as it was delivered.
    events: Vec<One>,
    entries: BTreeMap<Key, Entry>,
    /// Id, until, whether it was cancelled.
    seen: Vec<(EventId, u64, bool)>,
    generation: u64,
    /// Numbers that were given back.
    free: Vec<u32>,
    remembered: u64,
}

fn ms(span: Duration) -> u64 {
    (span.as_millis() as u64).min(END)
}

fn after(now: u64, span: Duration) -> u64 {
    if ms(span) >= END { NEVER } else { now + ms(span) }
}

impl Model {
    /// How long an event waits if nothing else comes, and how long at most.
    fn waits(&self) -> (Duration, Duration) {
        match self.policy.window {
            Window::Fixed { wait } => (wait, wait),
            Window::Sliding { quiet, max_wait } => (quiet.min(max_wait), max_wait),
        }
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

    /// Oldest first.
    fn batch(&self, key: Key, place: Place) -> impl Iterator<Item = &One> {
        self.events.iter().filter(move |o| o.event.key == key && o.place == place)
    }
    fn batch_mut(&mut self, key: Key, place: Place) -> impl Iterator<Item = &mut One> {
        self.events.iter_mut().filter(move |o| o.event.key == key && o.place == place)
    }
    fn live(&self, key: Key, place: Place) -> impl Iterator<Item = &One> {
        self.batch(key, place).filter(|o| o.fate == Fate::Pending)
    }
    fn total(&self, key: Key, place: Place) -> u32 {
        self.live(key, place).count() as u32
    }
    fn bytes(&self, key: Key, place: Place) -> u32 {
        self.live(key, place).map(|o| o.event.bytes).sum()
    }
    fn kept(&self, key: Key, place: Place) -> impl Iterator<Item = &One> {
        self.batch(key, place).filter(|o| o.kept)
    }
    fn exact(&self, key: Key, place: Place) -> bool {
        self.batch(key, place).all(|o| o.kept)
    }
    fn class(&self, key: Key, place: Place) -> u8 {
        self.batch(key, place).map(|o| o.event.class).max().unwrap_or(0)
    }
    pub fn unread(&self, key: Key) -> u32 {
        let all = self.events.iter().filter(|o| o.event.key == key && o.place != Gone);
        all.filter(|o| o.fate == Fate::Pending).count() as u32
    }
    pub fn keys(&self) -> usize {
        self.entries.len()
    }
    pub fn active(&self) -> usize {
        self.entries.values().filter(|e| e.memory.is_none()).count()
    }
    /// How every event ended, or where it stands: the newest for its notification, the others merged into it.
    pub fn fates(&self) -> impl Iterator<Item = Fate> {
        let newer = |at: usize| self.events[at + 1..].iter().any(|o| o.sent == self.events[at].sent);
        let generation = Generation::default();
        self.events.iter().enumerate().map(move |(at, o)| match o.sent {
            0 => o.fate,
            _ if newer(at) => Fate::Merged { generation },
            _ => Fate::Notified { generation },
        })
    }

    fn of(&mut self, key: Key) -> &mut Entry {
        self.entries.entry(key).or_default()
    }

    fn deadline(&self, key: Key) -> u64 {
        let last = self.batch(key, Pending).last();
        match (self.entries[&key].wait, self.policy.window) {
            (Wait::Open(end), Window::Sliding { quiet, .. }) => {
                last.map_or(end, |last| end.min(last.at.saturating_add(ms(quiet))))
            }
            (Wait::Idle | Wait::InFlight, _) => NEVER,
            (Wait::Open(t) | Wait::Refractory(t) | Wait::Quiet(t) | Wait::Held(t) | Wait::Turn(t), _) => t,
        }
    }
    fn reminder(&self, key: Key) -> u64 {
        let unread = self.total(key, Pending) == 0 && self.total(key, Delivered(Lane::Digest)) > 0;
        if unread && !self.entries[&key].busy() { self.entries[&key].remind.0 } else { NEVER }
    }
    fn timer(&self, key: Key) -> u64 {
        let e = &self.entries[&key];
        let flights = e.flights.iter().map(|f| f.until).min().unwrap_or(NEVER);
        let rests = e.resting.filter(|_| e.wait == Wait::Idle && e.memory.is_none());
        self.deadline(key).min(flights).min(self.reminder(key)).min(rests.unwrap_or(NEVER))
    }
    /// When the next key has its turn. Of one millisecond, in the order of their numbers.
    fn next(&self) -> (u64, u32, Key) {
        let turns = self.entries.iter().map(|(key, e)| (self.timer(*key), e.number, *key));
        turns.min().unwrap_or((NEVER, 0, 0))
    }
    pub fn next_wakeup(&self) -> Option<UnixTime> {
        let next = Some(self.next().0).filter(|next| *next <= END);
        next.map(|next| UnixTime::from_millis(next.max(self.now)))
    }

    fn set_now(&mut self, now: UnixTime) {
        let now = now.as_millis().min(END);
        if now < self.now && self.now - now > ms(self.policy.clock_tolerance) {
            self.step_clock(self.now, now);
        }
        self.now = self.now.max(now);
    }

    /// The clock; everything that is due, in the order of deadlines; and what is forgotten by now.
    pub fn time(&mut self, now: UnixTime) {
        self.set_now(now);
        self.settle();
    }

    fn settle(&mut self) {
        let now = self.now;
        while self.next().0 <= now {
            let (.., key) = self.next();
            while let Some(flight) = self.take_flight(key, |f| f.until <= now) {
                match flight.held {
                    true => self.send_again(key, &flight),
                    false => self.come_back(key, flight, None),
                }
            }
            if self.deadline(key) <= now {
                self.let_go(key);
            }
            if self.reminder(key) <= now {
                self.remind(key);
            }
            self.finish(key);
        }
        self.evict(ms(self.policy.remember));
    }

    fn take_flight(&mut self, key: Key, is_it: impl Fn(&Flight) -> bool) -> Option<Flight> {
        let flights = &mut self.entries.get_mut(&key)?.flights;
        let at = flights.iter().position(is_it)?;
        Some(flights.remove(at))
    }

    /// Before every change of a key.
    fn wake(&mut self, key: Key) -> &mut Entry {
        if !self.entries.contains_key(&key) {
            let new = self.keys() as u32;
            let number = self.free.pop().unwrap_or(new);
            self.entries.insert(key, Entry { number, remind: (NEVER, 0, false), ..Entry::default() });
        }
        self.of(key).memory = None;
        self.of(key)
    }

    /// After it.
    fn finish(&mut self, key: Key) {
        let (now, unread) = (self.now, self.total(key, Delivered(Lane::Digest)) > 0);
        let e = self.of(key);
        e.resting = e.resting.filter(|until| *until > now);
        let reminds = unread && (e.remind.0 != NEVER || e.remind.2);
        if e.wait == Wait::Idle && e.flights.is_empty() && !reminds && e.resting.is_none() {
            if self.policy.remember.is_zero() || !self.entries[&key].history {
                return self.forget(key);
            }
            self.remembered += 1;
            self.of(key).memory = Some((self.remembered, now));
        }
        self.evict(NEVER);
    }

    fn forget(&mut self, key: Key) {
        self.free.extend(self.entries.remove(&key).map(|e| e.number));
        self.events.iter_mut().filter(|o| o.event.key == key).for_each(|o| o.place = Gone);
    }

    /// Memories are a cache: the least recent goes if there are too many, if too much is delivered, and after its time.
    fn evict(&mut self, age: u64) {
        let oldest = |(key, e): (&Key, &Entry)| e.memory.map(|memory| (memory, *key));
        while let Some(((_, since), key)) = self.entries.iter().filter_map(oldest).min() {
            let too_many = self.keys() - self.active() > self.limits.memories as usize;
            if !too_many && !self.too_much_delivered() && since.saturating_add(age) > self.now {
                return;
            }
            self.forget(key);
        }
    }

    fn too_much_delivered(&self) -> bool {
        let delivered = |o: &&One| o.kept && matches!(o.place, Delivered(_));
        self.events.iter().filter(delivered).count() > self.limits.delivered as usize
    }

    pub fn step_clock(&mut self, was: u64, is: u64) {
        let was = was.max(self.now);
        let shift = |at: &mut u64| {
            *at = match *at {
                NEVER => NEVER,
                at if is < was => at.saturating_sub(was - is),
                at => at.saturating_add(is - was).min(NEVER - 1),
            };
        };
        for e in self.entries.values_mut() {
            if let Wait::Open(end) | Wait::Refractory(end) | Wait::Turn(end) = &mut e.wait {
                shift(end);
            }
            e.flights.iter_mut().filter(|f| !f.held).for_each(|f| shift(&mut f.until));
            e.resting.iter_mut().for_each(shift);
            e.level.iter_mut().for_each(|(_, since)| shift(since));
            e.memory.iter_mut().for_each(|(_, since)| shift(since));
            if !e.remind.2 {
                shift(&mut e.remind.0);
            }
        }
        self.events.iter_mut().for_each(|o| shift(&mut o.at));
        self.seen.iter_mut().for_each(|(_, until, _)| shift(until));
        self.now = is;
    }

    /// Until when the calendar says quiet, and what then.
    fn quiet(&self, key: Key, class: u8) -> Option<(AtEnd, u64)> {
        let quiet = TestHost.quiet(&self.calendar, &key, class, UnixTime::from_millis(self.now))?;
        let spread = if quiet.then == AtEnd::Merge { self.policy.spread } else { Duration::ZERO };
        let end = (quiet.until + SEED.spread(&key, quiet.until, spread)).as_millis();
        let end = end.clamp(self.now + 1, NEVER - 1);
        Some((quiet.then, if quiet.until == UnixTime::MAX { NEVER } else { end }))
    }

    /// What forbids a notification now; `Idle`: it is dropped.
    fn hold(&self, key: Key) -> Option<Wait> {
        let e = &self.entries[&key];
        match (e.resting.filter(|until| self.now < *until), self.quiet(key, self.class(key, Pending))) {
            _ if e.busy() => Some(Wait::InFlight),
            (Some(until), _) => Some(Wait::Refractory(until)),
            (None, Some((AtEnd::Merge, until))) => Some(Wait::Quiet(until)),
            (None, Some((AtEnd::Drop, _))) => Some(Wait::Idle),
            (None, None) => None,
        }
    }

    fn let_go(&mut self, key: Key) -> Fate {
        self.drop_pending(key, self.policy.useful_for);
        if self.total(key, Pending) == 0 {
            self.of(key).wait = Wait::Idle;
            return Fate::Expired;
        }
        let Some(wait) = self.hold(key) else { return self.flush(key) };
        self.of(key).wait = wait;
        if wait != Wait::Idle {
            return Fate::Pending;
        }
        self.drop(key, &[Pending], &all(), Fate::Quiet);
        Fate::Quiet
    }

    fn drop_useless(&mut self, key: Key, place: Place, age: Option<Duration>) -> bool {
        let (now, before) = (self.now, age.map_or(0, |age| self.now.saturating_sub(ms(age))));
        let over = move |o: &One| o.event.useful_until.is_some_and(|until| until.as_millis() < now);
        let useless: Select = Box::new(move |o, named| o.at < before || named && over(o));
        self.drop(key, &[place], &useless, Fate::Expired) > 0
    }

    fn drop_pending(&mut self, key: Key, age: Option<Duration>) {
        if self.drop_useless(key, Pending, age) {
            self.tell_unread(key);
        }
    }

    /// Takes events out, and says so. Returns how many.
    fn drop(&mut self, key: Key, places: &[Place], select: &Select, fate: Fate) -> u32 {
        let (gone, count) = self.remove(key, places, select, fate);
        if count > 0 {
            let ids: Vec<_> = gone.iter().map(|(id, _)| *id).collect();
            self.out.push(Out(key, None, format!("{fate:?}: {count} {ids:?}")));
        }
        count
    }

    fn remove(&mut self, key: Key, places: &[Place], select: &Select, fate: Fate) -> Taken {
        let (mut gone, mut count) = (Vec::new(), 0);
        for place in places {
            let exact = self.exact(key, *place);
            let whole = !exact && self.batch(key, *place).all(|o| select(o, false));
            for o in self.batch_mut(key, *place).filter(|o| whole || o.kept && select(o, true)) {
                gone.extend(o.kept.then_some((o.event.id, o.event.kind)));
                if o.fate == Fate::Pending {
                    (o.fate, count) = (fate, count + 1);
                }
                (o.kept, o.place) = (false, if whole || exact { Gone } else { o.place });
            }
        }
        (gone, count)
    }

    fn keep_last(&mut self, key: Key, place: Place, keep: usize) {
        let over = self.kept(key, place).count().saturating_sub(keep);
        self.batch_mut(key, place).filter(|o| o.kept).take(over).for_each(|o| o.kept = false);
    }

    fn move_to(&mut self, key: Key, from: Place, to: Place) {
        self.batch_mut(key, from).for_each(|o| o.place = to);
    }

    fn flush(&mut self, key: Key) -> Fate {
        let fate = self.send(key, Pending, Lane::Digest, 0);
        let (policy, now, end) = (self.policy.clone(), self.now, after(self.now, self.waits().1));
        let e = self.of(key);
        e.wait = if policy.leading { Wait::Open(end) } else { Wait::Idle };
        if let Some(refractory) = policy.refractory {
            let since = |since| Duration::from_millis(now.saturating_sub(since));
            let level = e.level.map_or(0, |(level, at)| refractory.next_level(level, since(at)));
            (e.level, e.resting) = (Some((level, now)), Some(after(now, refractory.period(level))));
            e.history = true;
        }
        if let Some(first) = policy.reminders.first() {
            e.remind = (after(now, *first), 0, false);
        }
        fate
    }

    fn send(&mut self, key: Key, from: Place, lane: Lane, failures: u8) -> Fate {
        self.generation += 1;
        let (generation, unread) = (self.generation, self.unread(key));
        self.batch_mut(key, from).filter(|o| o.fate == Fate::Pending).for_each(|o| o.sent = generation);
        self.notify(key, from, lane, None);
        if self.remembers() || self.policy.ack_timeout.is_some() {
            (self.of(key).told, self.of(key).history) = (unread, true);
        }
        if let Some(timeout) = self.policy.ack_timeout {
            let (until, held) = (after(self.now, timeout), false);
            self.of(key).flights.push(Flight { generation, lane, until, held, failures });
            self.move_to(key, from, InFlight(generation));
        } else {
            self.deliver(key, from, lane);
        }
        Fate::Notified { generation: Generation::from_bits(generation) }
    }

    fn deliver(&mut self, key: Key, from: Place, lane: Lane) {
        if !self.remembers() {
            return self.move_to(key, from, Gone);
        }
        // Of two that came in one millisecond, first is what was delivered first.
        self.events.sort_by_key(|o| (o.at, o.event.key == key && o.place == from));
        self.move_to(key, from, Delivered(lane));
        self.keep_last(key, Delivered(lane), self.per_key());
        self.evict(NEVER);
        if self.too_much_delivered() {
            self.keep_last(key, Delivered(lane), 0);
        }
    }

    fn notify(&mut self, key: Key, place: Place, lane: Lane, nth: Option<u8>) {
        let mut actors: Vec<u64> = Vec::new();
        for o in self.batch(key, place) {
            actors.extend((!actors.contains(&o.event.actor)).then_some(o.event.actor));
        }
        let more = actors.len() > usize::from(self.policy.actors);
        actors.truncate(usize::from(self.policy.actors));
        let mut samples: Vec<_> = self.kept(key, place).map(|o| &o.event).collect();
        let ids: Vec<_> = samples.iter().map(|event| event.id).collect();
        let keep = if self.policy.collect == Collect::Latest { Keep::Last(1) } else { self.policy.keep };
        if let Keep::Top(_) = keep {
            samples.sort_by_key(|event| std::cmp::Reverse(event.rank));
        }
        match keep {
            // Of what is sent once more, the payloads are gone.
            _ if nth.is_some() => samples.clear(),
            Keep::Last(n) => samples = samples.split_off(ids.len().saturating_sub(usize::from(n))),
            Keep::First(n) | Keep::Top(n) => samples.truncate(usize::from(n)),
        }
        let samples: Vec<_> = samples.iter().map(|event| event.id).collect();
        let fold: u32 = self.batch(key, place).map(|o| o.event.payload).filter(|_| nth.is_none()).sum();
        let (total, bytes) = (self.total(key, place), self.bytes(key, place));
        let (class, unread) = (self.class(key, place), self.unread(key));
        let [first, last] = [self.batch(key, place).next(), self.batch(key, place).last()];
        let [first, last] = [first, last].map(|o| o.map_or(0, |o| o.at));
        let text =
            format!("{lane:?} {nth:?} class {class}: {total} of {actors:?} {more}, {first} to {last}, ");
        let rest = format!("{bytes} bytes, unread {unread}, samples {samples:?} of {ids:?}, fold {fold}");
        self.out.push(Out(key, Some(self.generation), text + &rest));
    }

    fn remind(&mut self, key: Key) {
        let place = Delivered(Lane::Digest);
        let step = self.entries[&key].remind.1;
        // What drops new events does not drop this.
        if let Some((_, until)) = self.quiet(key, self.class(key, place)) {
            self.of(key).remind = (until, step, true);
            return;
        }
        let next = self.policy.reminders.get(usize::from(step) + 1);
        let next = next.map_or(NEVER, |next| after(self.now, *next));
        (self.of(key).remind, self.of(key).told) = ((next, step + 1, false), self.unread(key));
        self.generation += 1;
        self.notify(key, place, Lane::Digest, Some(step + 1));
    }

    fn release(&mut self, key: Key) {
        let now = self.now;
        let e = self.of(key);
        if e.wait == Wait::InFlight && !e.busy() {
            e.wait = Wait::Turn(now);
        }
    }

    fn tell_unread(&mut self, key: Key) {
        let (told, unread) = (self.entries[&key].told, self.unread(key));
        if told != 0 && told != unread {
            self.of(key).told = unread;
            self.out.push(Out(key, None, format!("unread {unread}")));
        }
    }
}
