//! The engine as a reader of the README would write it: one list of all events that ever came, each with the place where
//! it is, and every question answered by going through it. Nothing is fast, nothing is counted along the way, and every
//! feature is in it. What comes in is in `inputs`; what makes up inputs and compares is in `drive`, and no part of the
//! model.
#![allow(dead_code, unreachable_pub)]

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
const NOTIFIED: Fate = Fate::Notified { generation: Generation::from_bits(0) };
const MERGED: Fate = Fate::Merged { generation: Generation::from_bits(0) };
const ALL: Select<'static> = &|_, _| true;
const IDLE: (Wait, UnixTime) = (Wait::Idle, NEVER);

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
/// An event that was kept by name, and of what kind it is.
type Named = (EventId, u16);

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
    generation: u64,
    lane: Lane,
    until: UnixTime,
    held: bool,
    failures: u8,
    /// A newer one of the lane arrived.
    superseded: bool,
}

#[derive(Default)]
struct Entry {
    /// What its window waits for, and until when.
    wait: (Wait, UnixTime),
    flights: Vec<Flight>,
    /// Up to which number it is read, and which unread count was told last.
    mark: u64,
    told: u32,
    failures: u8,
    /// Until when it is left alone; the level, and since when.
    resting: Option<UnixTime>,
    level: Option<(u8, UnixTime)>,
    /// When, step, whether it waits for the end of a quiet.
    remind: (UnixTime, u8, bool),
    /// The last number that was given back, or a new one. Among equals the lowest goes first.
    number: u32,
    /// Whether there is anything to remember, and whether nothing else can be shown than what is known.
    history: bool,
    known: bool,
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

/// What the list says.
impl Model {
    /// Oldest first.
    fn batch(&self, key: Key, place: Place) -> impl Iterator<Item = &One> {
        self.events.iter().filter(move |o| o.event.key == key && o.place == place)
    }
    fn batch_mut(&mut self, key: Key, place: Place) -> impl Iterator<Item = &mut One> {
        self.events.iter_mut().filter(move |o| o.event.key == key && o.place == place)
    }
    fn kept(&self, key: Key, place: Place) -> impl Iterator<Item = &One> {
        self.batch(key, place).filter(|o| o.kept)
    }
    fn live(&self, key: Key, place: Place) -> impl Iterator<Item = &One> {
        self.batch(key, place).filter(|o| o.fate == Fate::Pending)
    }
    fn total(&self, key: Key, place: Place) -> u32 {
        self.live(key, place).count() as u32
    }
    fn class(&self, key: Key, place: Place) -> u8 {
        self.batch(key, place).map(|o| o.event.class).max().unwrap_or(0)
    }
    pub fn unread(&self, key: Key) -> u32 {
        let stands = |o: &&One| o.event.key == key && o.place != Gone && o.fate == Fate::Pending;
        self.events.iter().filter(stands).count() as u32
    }
    /// How every event ended, or where it stands: one for its notification, the others merged into it.
    pub fn fates(&self) -> impl Iterator<Item = Fate> {
        let mut seen = BTreeSet::from([0]);
        let mut sent = move |o: &One| if seen.insert(o.sent) { NOTIFIED } else { MERGED };
        self.events.iter().map(move |o| if o.sent == 0 { o.fate } else { sent(o) })
    }
    fn move_to(&mut self, key: Key, from: Place, to: Place) {
        self.batch_mut(key, from).for_each(|o| o.place = to);
    }
    fn kept_bytes(&self, key: Key, place: Place) -> u64 {
        self.kept(key, place).map(|o| u64::from(o.event.bytes)).sum()
    }
    fn keep_last(&mut self, key: Key, place: Place, keep: usize, bytes: u64) {
        while self.kept(key, place).count() > keep || self.kept_bytes(key, place) > bytes {
            self.batch_mut(key, place).find(|o| o.kept).unwrap().kept = false;
        }
    }
    /// Takes events out; of a batch that is not kept as a whole, what is only counted goes as a whole, or not.
    fn remove(&mut self, key: Key, places: &[Place], select: Select<'_>, fate: Fate) -> Vec<Option<Named>> {
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
        let (count, ids) = (gone.len() as u32, gone.iter().flatten().map(|(id, _)| *id).collect::<Vec<_>>());
        self.out.extend((count > 0).then(|| Out(key, None, format!("{fate:?}: {count} {ids:?}"))));
        // Under a leading edge an empty window stays: it keeps the next notification at its distance.
        let stays = self.policy.leading && self.entries[&key].wait.0 == Wait::Open;
        if count > 0 && places == [Pending] && self.total(key, Pending) == 0 && !stays {
            self.of(key).wait = IDLE;
        }
        count
    }
}

/// When, and whether.
impl Model {
    /// When a window that opens now ends at the latest, and when it would if nothing else came.
    fn latest(&self) -> UnixTime {
        let (Window::Fixed { wait } | Window::Sliding { max_wait: wait, .. }) = self.policy.window;
        self.now + wait
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
    /// Until when the calendar says quiet, and what then.
    fn quiet(&self, key: Key, class: u8) -> Option<(AtEnd, UnixTime)> {
        let quiet = TestHost.quiet(&self.calendar, &key, class, self.now)?;
        let spread = if quiet.then == AtEnd::Merge { self.policy.spread } else { Duration::ZERO };
        let end = quiet.until + SEED.spread(&key, quiet.until, spread);
        Some((quiet.then, end.max(self.now + Duration::from_millis(1))))
    }
    fn busy(&self, key: Key) -> bool {
        self.entries[&key].flights.iter().any(|f| f.lane == Lane::Digest)
    }
    /// What forbids a notification now; `Idle`: it is dropped.
    fn hold(&self, key: Key) -> Option<(Wait, UnixTime)> {
        let busy = self.busy(key).then_some((Wait::InFlight, NEVER));
        let resting = self.entries[&key].resting.filter(|until| self.now < *until);
        let resting = resting.map(|until| (Wait::Refractory, until));
        let quiet = |(then, until)| if then == AtEnd::Merge { (Wait::Quiet, until) } else { IDLE };
        let quiet = self.quiet(key, self.class(key, Pending)).map(quiet);
        busy.or(resting).or(quiet)
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
        if unread && !self.busy(key) { self.entries[&key].remind.0 } else { NEVER }
    }
    /// When the next key has its turn. Of one millisecond, in the order of their numbers.
    fn next(&self) -> (UnixTime, u32, Key) {
        let turn = |(key, e): (&Key, &Entry)| {
            let rests = e.resting.filter(|_| e.wait.0 == Wait::Idle).unwrap_or(NEVER);
            let timers = [self.deadline(*key), self.reminder(*key), rests].into_iter();
            (timers.chain(e.flights.iter().map(|f| f.until)).min().unwrap_or(NEVER), e.number, *key)
        };
        self.entries.iter().map(turn).min().unwrap_or((NEVER, 0, 0))
    }
    pub fn next_wakeup(&self) -> Option<UnixTime> {
        Some(self.next().0).filter(|next| *next <= END).map(|next| next.max(self.now))
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
        while self.next().0 <= self.now {
            let (now, key) = (self.now, self.next().2);
            while let Some(flight) = self.take_flight(key, |f| f.until <= now) {
                self.come_back(key, flight, None);
            }
            if self.deadline(key) <= now {
                self.let_go(key);
            }
            if self.reminder(key) <= now {
                self.remind(key);
            }
            self.finish(key);
        }
        self.evict(self.policy.remember);
    }

    /// Spans go with the clock; points stay. After a step back the calendar is asked again, and a tombstone counts again
    /// that was over by the clock that was wrong.
    pub fn step_clock(&mut self, was: UnixTime, is: UnixTime) {
        let was = was.max(self.now);
        let again =
            |(_, until, cancelled): &(EventId, UnixTime, bool)| *until > was || *cancelled && *until > is;
        self.seen.retain(again);
        let mut spans: Vec<&mut UnixTime> = Vec::new();
        for Entry { wait, flights, resting, level, remind, .. } in self.entries.values_mut() {
            spans.extend((!matches!(wait.0, Wait::Quiet | Wait::Held)).then_some(&mut wait.1));
            spans.extend(flights.iter_mut().filter(|f| !f.held).map(|f| &mut f.until));
            spans.extend(resting.iter_mut().chain(level.iter_mut().map(|(_, since)| since)));
            spans.extend((!remind.2).then_some(&mut remind.0));
        }
        spans.extend(self.memories.iter_mut().map(|(_, since)| since));
        spans.extend(self.events.iter_mut().map(|o| &mut o.at));
        spans.extend(self.seen.iter_mut().map(|(_, until, _)| until).filter(|until| **until > was));
        for at in spans.into_iter().filter(|at| **at != NEVER) {
            *at = *at + is.since(was) - was.since(is);
        }
        if is < was {
            self.ask_again(false, is, Rate::UNLIMITED);
        }
        self.now = is;
    }

    /// To change a key: it is no memory any more.
    fn of(&mut self, key: Key) -> &mut Entry {
        self.memories.retain(|(memory, _)| *memory != key);
        let (new, free) = (self.entries.len() as u32, &mut self.free);
        let mut number = || free.pop().unwrap_or(new);
        let entry = || Entry { number: number(), remind: (NEVER, 0, false), ..Entry::default() };
        self.entries.entry(key).or_insert_with(entry)
    }

    /// After every change of a key.
    fn finish(&mut self, key: Key) {
        let (now, unread) = (self.now, self.total(key, DIGEST) > 0);
        let e = self.of(key);
        e.resting = e.resting.filter(|until| *until > now);
        let reminds = unread && (e.remind.0 != NEVER || e.remind.2);
        let over = e.wait.0 == Wait::Idle && e.flights.is_empty() && !reminds && e.resting.is_none();
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
        self.free.extend(self.entries.remove(&key).map(|e| e.number));
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
        let hold = if self.total(key, Pending) > 0 { self.hold(key) } else { Some(IDLE) };
        let Some(wait) = hold else { return self.flush(key) };
        self.of(key).wait = wait;
        match wait.0 {
            Wait::Idle if self.drop(key, &[Pending], ALL, Fate::Quiet) > 0 => {
                self.tell_unread(key);
                Fate::Quiet
            }
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
        if self.drop(key, &[place], &select, Fate::Expired) > 0 {
            self.tell_unread(key);
        }
    }

    fn flush(&mut self, key: Key) -> Fate {
        let fate = self.send(key, Pending, Lane::Digest, 0);
        self.of(key).wait = if self.policy.leading { (Wait::Open, self.latest()) } else { IDLE };
        if let Some(refractory) = self.policy.refractory {
            let (now, e) = (self.now, self.of(key));
            let level = e.level.map_or(0, |(level, since)| refractory.next_level(level, now.since(since)));
            (e.level, e.resting, e.history) =
                (Some((level, now)), Some(now + refractory.period(level)), true);
        }
        let ladder = self.policy.reminders.first().map(|first| (self.now + *first, 0, false));
        self.of(key).remind = ladder.unwrap_or_else(|| self.entries[&key].remind);
        fate
    }

    fn send(&mut self, key: Key, from: Place, lane: Lane, failures: u8) -> Fate {
        self.notify(key, from, lane, None);
        let (generation, unread) = (self.generation, self.unread(key));
        self.batch_mut(key, from).filter(|o| o.fate == Fate::Pending).for_each(|o| o.sent = generation);
        if self.remembers() || self.policy.ack_timeout.is_some() {
            (self.of(key).told, self.of(key).history) = (unread, true);
        }
        if let Some(timeout) = self.policy.ack_timeout {
            let (until, held, superseded) = (self.now + timeout, false, false);
            self.of(key).flights.push(Flight { generation, lane, until, held, failures, superseded });
            self.move_to(key, from, InFlight(generation));
        } else {
            self.deliver(key, from, lane, generation);
        }
        NOTIFIED
    }

    fn deliver(&mut self, key: Key, from: Place, lane: Lane, generation: u64) {
        if lane == Lane::Urgent && self.total(key, from) > 0 {
            let older = |f: &&mut Flight| f.lane == lane && f.generation < generation;
            self.of(key).flights.iter_mut().filter(older).for_each(|f| f.superseded = true);
        }
        if !self.remembers() {
            self.forgot |= self.total(key, from) > 0;
            return self.move_to(key, from, Gone);
        }
        // Of two that came in one millisecond, first is what was delivered first.
        self.events.sort_by_key(|o| (o.at, o.event.key == key && o.place == from));
        self.move_to(key, from, Delivered(lane));
        self.keep_last(key, Delivered(lane), self.per_key(), u64::MAX);
        if self.evict(Duration::MAX) {
            self.keep_last(key, Delivered(lane), 0, u64::MAX);
        }
    }

    fn notify(&mut self, key: Key, place: Place, lane: Lane, nth: Option<u8>) {
        let (batch, mut seen) = (self.batch(key, place).collect::<Vec<_>>(), BTreeSet::new());
        let mut actors: Vec<_> =
            batch.iter().map(|o| o.event.actor).filter(|actor| seen.insert(*actor)).collect();
        let more = actors.len() > self.policy.actors.into();
        actors.truncate(self.policy.actors.into());
        let mut kept: Vec<_> = self.kept(key, place).map(|o| &o.event).collect();
        let ids: Vec<_> = kept.iter().map(|event| event.id).collect();
        kept.sort_by_key(|event| std::cmp::Reverse(event.rank));
        let ranked: Vec<_> = kept.iter().map(|event| event.id).collect();
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
        let bytes: u32 = self.live(key, place).map(|o| o.event.bytes).sum();
        let (first, last) = (batch[0].at, batch[batch.len() - 1].at);
        let (total, class, unread) = (self.total(key, place), self.class(key, place), self.unread(key));
        let text = format!(
            "{lane:?} {nth:?} class {class}: {total} of {actors:?} {more}, {first:?} to {last:?}, \
             {bytes} bytes, unread {unread}, samples {samples:?} of {ids:?}, fold {fold}"
        );
        self.number(key, text);
    }

    fn remind(&mut self, key: Key) {
        let (_, step, _) = self.entries[&key].remind;
        // What drops new events does not drop this.
        if let Some((_, until)) = self.quiet(key, self.class(key, DIGEST)) {
            return self.of(key).remind = (until, step, true);
        }
        let next = self.policy.reminders.get(usize::from(step) + 1).map_or(NEVER, |next| self.now + *next);
        (self.of(key).remind, self.of(key).told) = ((next, step + 1, false), self.unread(key));
        self.notify(key, DIGEST, Lane::Digest, Some(step + 1));
    }

    /// An output with a generation.
    fn number(&mut self, key: Key, text: String) {
        self.generation += 1;
        self.out.push(Out(key, Some(self.generation), text));
    }

    fn tell_unread(&mut self, key: Key) {
        let (told, unread) = (self.entries[&key].told, self.unread(key));
        if told != 0 && told != unread {
            self.of(key).told = unread;
            self.out.push(Out(key, None, format!("unread {unread}")));
        }
    }
}
