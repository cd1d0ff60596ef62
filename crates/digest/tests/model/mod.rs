//! The engine as a reader of the README would write it: lists, and every question answered by going through all of them.
//! Nothing is fast, nothing is remembered that can be worked out, and every feature is in it.
#![allow(dead_code, unreachable_pub)]

pub mod drive;

use std::time::Duration;

use reveille_core::UnixTime;
use reveille_digest::catch_up::*;
use reveille_digest::options::*;
use reveille_digest::quiet::*;
use reveille_digest::retract::*;
use reveille_digest::summary::*;
use reveille_digest::*;

use inputs::entry;

pub type Key = u16;
pub const SEED: Seed = Seed::new([11; 16]);
const NEVER: u64 = u64::MAX;
const END: u64 = 1 << 62;

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

/// An output, as it is compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    Notify {
        key: Key,
        generation: u64,
        lane: Lane,
        reminder: Option<u8>,
        class: u8,
        summary: String,
        samples: Vec<u128>,
        ids: Vec<u128>,
        fold: u64,
    },
    Clear {
        key: Key,
        generation: u64,
        lane: Lane,
        cause: Cause,
        events: Vec<(u128, u16)>,
        remaining: u32,
    },
    Unread {
        key: Key,
        count: u32,
    },
    Dropped {
        key: Key,
        fate: Fate,
        count: u32,
        ids: Vec<u128>,
    },
}

#[derive(Clone, Debug)]
struct Kept {
    at: u64,
    event: Event<TestHost>,
    /// By name; otherwise it is a number in a count.
    kept: bool,
    /// Taken out of a batch that is not exact: no event any more, but its actor and its number were counted.
    ghost: bool,
}

#[derive(Clone, Debug, Default)]
struct Batch(Vec<Kept>);

#[derive(Clone, Copy)]
enum Select {
    UpTo(u64),
    Until(u64),
    Event(EventId),
    Kind(u16),
    All,
    Useless(u64, u64),
}

impl Batch {
    fn live(&self) -> impl DoubleEndedIterator<Item = &Kept> {
        self.0.iter().filter(|k| !k.ghost)
    }
    fn total(&self) -> u32 {
        self.live().count() as u32
    }
    fn kept(&self) -> usize {
        self.0.iter().filter(|k| k.kept).count()
    }
    fn exact(&self) -> bool {
        self.0.iter().all(|k| k.kept)
    }
    fn bytes(&self) -> u64 {
        self.live().map(|k| u64::from(k.event.bytes)).sum()
    }
    fn max(&self, of: impl Fn(&Kept) -> u64) -> u64 {
        self.0.iter().map(of).max().unwrap_or(0)
    }
    fn class(&self) -> u8 {
        self.max(|k| u64::from(k.event.class)) as u8
    }
    fn keep_last(&mut self, keep: usize) {
        let over = self.kept().saturating_sub(keep);
        self.0.iter_mut().filter(|k| k.kept).take(over).for_each(|k| k.kept = false);
    }
    fn push(&mut self, at: u64, event: Event<TestHost>, keep: usize) {
        let kept = keep > 0;
        if !(self.exact() && self.kept() < keep) && kept && self.kept() >= keep {
            self.keep_last(keep.div_ceil(2) - 1);
        }
        self.0.push(Kept { at, event, kept, ghost: false });
    }
    fn join(&mut self, later: Self) {
        if self.total() == 0 {
            *self = later;
        } else if later.total() > 0 {
            let first = later.0.iter().map(|k| k.at).min().unwrap_or(0);
            let in_order = self.max(|k| k.at) <= first;
            self.0.extend(later.0);
            if !in_order {
                self.0.sort_by_key(|k| k.at);
            }
        }
    }
    /// What is taken out, and how many it was.
    fn remove(&mut self, select: Select) -> (Vec<Kept>, u32) {
        let takes = |k: &Kept| match select {
            Select::UpTo(mark) => k.event.seq <= mark,
            Select::Until(at) => k.at <= at,
            Select::Event(id) => k.event.id == id,
            Select::Kind(kind) => k.event.kind == kind,
            Select::All => true,
            Select::Useless(now, before) => {
                k.at < before || k.event.useful_until.is_some_and(|until| until.as_millis() < now)
            }
        };
        let all = match select {
            Select::UpTo(mark) => self.max(|k| k.event.seq) <= mark,
            Select::Until(at) => self.max(|k| k.at) <= at,
            Select::All => true,
            Select::Useless(_, before) => self.max(|k| k.at) < before,
            Select::Event(_) | Select::Kind(_) => false,
        };
        let exact = self.exact();
        if !exact && all {
            let count = self.total();
            return (std::mem::take(&mut self.0).into_iter().filter(|k| k.kept).collect(), count);
        }
        let gone: Vec<Kept> = self.0.iter().filter(|k| k.kept && takes(k)).cloned().collect();
        for k in self.0.iter_mut().filter(|k| k.kept && takes(k)) {
            (k.kept, k.ghost) = (false, true);
        }
        if exact {
            self.0.retain(|k| !k.ghost);
        }
        let count = gone.len() as u32;
        (gone, count)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wait {
    Idle,
    Open(u64),
    InFlight,
    Refractory(u64),
    Quiet(u64),
    Held(u64),
    Turn(u64),
}

#[derive(Clone, Debug)]
struct Flight {
    generation: u64,
    lane: Lane,
    until: u64,
    held: bool,
    failures: u8,
    sent: u32,
    read: u32,
    cancelled: u32,
    batch: Batch,
}

#[derive(Clone, Debug)]
struct Entry {
    key: Key,
    wait: Wait,
    pending: Batch,
    flights: Vec<Flight>,
    delivered: [Batch; 2],
    mark: u64,
    told: u32,
    failures: u8,
    /// Level, until, since.
    refractory: Option<(u8, u64, u64)>,
    /// When, step, whether it waits for the end of a quiet.
    remind: (u64, u8, bool),
    /// Since when it is only remembered, and the how-manieth memory it was.
    memory: Option<(u64, u64)>,
    /// Its place: the last one that was given back, or a new one. Among equals the lowest goes first.
    place: u32,
    /// Whether there is anything to remember.
    history: bool,
}

impl Entry {
    fn deadline(&self, policy: &Policy) -> u64 {
        match (self.wait, policy.window) {
            (Wait::Open(end), Window::Sliding { quiet, .. }) if self.pending.total() > 0 => {
                end.min(self.pending.max(|k| k.at).saturating_add(ms(quiet)))
            }
            (
                Wait::Open(end)
                | Wait::Refractory(end)
                | Wait::Quiet(end)
                | Wait::Held(end)
                | Wait::Turn(end),
                _,
            ) => end,
            (Wait::Idle | Wait::InFlight, _) => NEVER,
        }
    }
    fn digest_in_flight(&self) -> bool {
        self.flights.iter().any(|f| f.lane == Lane::Digest)
    }
    fn reminder(&self) -> u64 {
        let quiet = self.pending.total() == 0 && self.delivered[0].total() > 0 && !self.digest_in_flight();
        if quiet { self.remind.0 } else { NEVER }
    }
    fn timer(&self, policy: &Policy) -> u64 {
        let flights = self.flights.iter().map(|f| f.until).min().unwrap_or(NEVER);
        let rest = self
            .refractory
            .filter(|r| self.wait == Wait::Idle && self.memory.is_none() && r.1 > 0)
            .map_or(NEVER, |r| r.1);
        self.deadline(policy).min(flights).min(self.reminder()).min(rest)
    }
    fn unread(&self) -> u32 {
        let flights: u32 = self.flights.iter().map(|f| f.batch.total()).sum();
        self.pending.total() + flights + self.delivered[0].total() + self.delivered[1].total()
    }
    fn all_mut(&mut self) -> impl Iterator<Item = &mut Batch> {
        self.flights.iter_mut().map(|f| &mut f.batch).chain(&mut self.delivered).chain([&mut self.pending])
    }
}

pub struct Model {
    pub policy: Policy,
    pub limits: Limits,
    pub calendar: (u32, bool),
    pub ledger: Ledger,
    pub out: Vec<Out>,
    pub now: u64,
    entries: Vec<Entry>,
    /// Id, until, whether it was cancelled.
    seen: Vec<(EventId, u64, bool)>,
    generation: u64,
    /// Places that were given back.
    free: Vec<u32>,
    remembered: u64,
}

fn ms(span: Duration) -> u64 {
    (span.as_millis() as u64).min(END)
}

fn after(now: u64, span: Duration) -> u64 {
    if ms(span) >= END { NEVER } else { now + ms(span) }
}

fn wall(at: u64) -> UnixTime {
    UnixTime::from_millis(at)
}

impl Model {
    pub fn new(policy: Policy, limits: Limits) -> Self {
        let (ledger, out, entries, seen) = (Ledger::default(), Vec::new(), Vec::new(), Vec::new());
        Self {
            policy,
            limits,
            calendar: (0, false),
            ledger,
            out,
            now: 0,
            entries,
            seen,
            generation: 0,
            free: Vec::new(),
            remembered: 0,
        }
    }

    fn max_wait(&self) -> Duration {
        match self.policy.window {
            Window::Fixed { wait } => wait,
            Window::Sliding { max_wait, .. } => max_wait,
        }
    }
    fn wait(&self) -> Duration {
        match self.policy.window {
            Window::Fixed { wait } => wait,
            Window::Sliding { quiet, max_wait } => quiet.min(max_wait),
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
    pub fn live(&self) -> usize {
        self.entries.iter().filter(|e| e.memory.is_none()).count()
    }
    pub fn unread(&self, key: Key) -> u32 {
        self.entries.iter().find(|e| e.key == key).map_or(0, Entry::unread)
    }
    pub fn len(&self) -> usize {
        self.entries.len()
    }
    pub fn next_wakeup(&self) -> Option<UnixTime> {
        let next = self.entries.iter().map(|e| e.timer(&self.policy)).min().unwrap_or(NEVER);
        (next <= END).then(|| wall(next.max(self.now)))
    }
    pub fn flights(&self) -> Vec<(Key, u64)> {
        self.entries
            .iter()
            .flat_map(|e| e.flights.iter().filter(|f| !f.held).map(|f| (e.key, f.generation)))
            .collect()
    }

    /// The clock; everything that is due, in the order of deadlines; and what is forgotten by now.
    pub fn time(&mut self, now: UnixTime) {
        let now = now.as_millis().min(END);
        if now < self.now && self.now - now > ms(self.policy.clock_tolerance) {
            self.step_clock(self.now, now);
        }
        self.now = self.now.max(now);
        if self.generation == 0 {
            self.generation = now.min(1 << 52);
        }
        self.settle();
    }

    fn settle(&mut self) {
        self.due();
        let remember = ms(self.policy.remember);
        while self.oldest().is_some_and(|(since, ..)| since.saturating_add(remember) <= self.now) {
            self.forget_oldest();
        }
    }

    fn due(&mut self) {
        for round in 0.. {
            assert!(round < 1_000_000, "the model does not come to rest");
            // All of one millisecond in the order of their places, then what is due by then.
            let first = self.entries.iter().map(|e| e.timer(&self.policy)).min().unwrap_or(NEVER);
            if first > self.now {
                return;
            }
            let due = self.entries.iter().filter(|e| e.timer(&self.policy) == first);
            let mut due: Vec<_> = due.map(|e| (e.place, e.key)).collect();
            due.sort_unstable();
            due.into_iter().for_each(|(_, key)| self.fire(key));
        }
    }

    fn fire(&mut self, key: Key) {
        if let Some(place) =
            self.entries.iter().position(|e| e.key == key && e.timer(&self.policy) <= self.now)
        {
            let mut e = self.entries.remove(place);
            while let Some(at) = e.flights.iter().position(|f| f.until <= self.now) {
                let flight = e.flights.remove(at);
                if flight.held {
                    self.send_again(&mut e, flight);
                } else {
                    self.failed(&mut e, flight);
                }
                self.release(&mut e);
            }
            if e.deadline(&self.policy) <= self.now {
                self.let_go(&mut e);
            }
            if e.reminder() <= self.now {
                self.remind(&mut e);
            }
            self.finish(e);
        }
    }

    fn take(&mut self, key: Key) -> Option<Entry> {
        let place = self.entries.iter().position(|e| e.key == key)?;
        let mut e = self.entries.remove(place);
        e.memory = None;
        Some(e)
    }

    fn finish(&mut self, mut e: Entry) {
        e.refractory = e
            .refractory
            .map(|(level, until, since)| (level, if until > self.now { until } else { 0 }, since));
        let rests = e.refractory.is_some_and(|r| r.1 > 0);
        let reminds = e.delivered[0].total() > 0 && (e.remind.0 != NEVER || e.remind.2);
        if e.wait == Wait::Idle && e.flights.is_empty() && !reminds && !rests {
            if self.policy.remember.is_zero() || !e.history {
                self.free.push(e.place);
                return;
            }
            self.remembered += 1;
            e.memory = Some((self.now, self.remembered));
        }
        self.entries.push(e);
        while self.entries.len() - self.live() > self.limits.memories as usize {
            self.forget_oldest();
        }
    }

    fn oldest(&self) -> Option<(u64, u64, usize)> {
        let memories =
            self.entries.iter().zip(0..).filter_map(|(e, at)| Some((e.memory?.0, e.memory?.1, at)));
        memories.min_by_key(|(_, turn, _)| *turn)
    }

    fn forget_oldest(&mut self) -> bool {
        let oldest = self.oldest().map(|(.., at)| self.entries.remove(at));
        self.free.extend(oldest.iter().map(|e| e.place));
        oldest.is_some()
    }

    fn new_entry(&mut self, key: Key) -> Entry {
        let place = self.free.pop().unwrap_or(self.entries.len() as u32);
        Entry { place, ..entry(key) }
    }

    pub fn step_clock(&mut self, was: u64, is: u64) {
        let was = was.max(self.now);
        let shift = |at: u64| match at {
            NEVER => NEVER,
            _ if is < was => at.saturating_sub(was - is),
            _ => at.saturating_add(is - was).min(NEVER - 1),
        };
        for e in &mut self.entries {
            e.all_mut().flat_map(|batch| &mut batch.0).for_each(|k| k.at = shift(k.at));
            if let Wait::Open(end) | Wait::Refractory(end) | Wait::Turn(end) = &mut e.wait {
                *end = shift(*end);
            }
            e.flights.iter_mut().filter(|f| !f.held).for_each(|f| f.until = shift(f.until));
            e.refractory = e.refractory.map(|(level, until, since)| {
                (level, if until > 0 { shift(until).max(1) } else { 0 }, shift(since))
            });
            if !e.remind.2 {
                e.remind.0 = shift(e.remind.0);
            }
            e.memory = e.memory.map(|(since, turn)| (shift(since), turn));
        }
        self.seen.retain(|(_, until, _)| *until > was);
        self.seen.iter_mut().for_each(|(_, until, _)| *until = shift(*until).max(1));
        self.now = is;
    }

    /// `Some(None)`: drop it.
    fn quiet(&self, key: Key, class: u8) -> Option<Option<u64>> {
        let quiet = TestHost.quiet(&self.calendar, &key, class, wall(self.now))?;
        Some(match quiet.then {
            AtEnd::Drop => None,
            AtEnd::Merge if quiet.until == UnixTime::MAX => Some(NEVER),
            AtEnd::Merge => {
                let spread = SEED.spread(&key, quiet.until, self.policy.spread);
                Some((quiet.until + spread).as_millis().clamp(self.now + 1, NEVER - 1))
            }
        })
    }

    fn hold(&self, e: &Entry) -> Option<Option<Wait>> {
        if e.digest_in_flight() {
            return Some(Some(Wait::InFlight));
        }
        match e.refractory.filter(|r| self.now < r.1) {
            Some((_, until, _)) => Some(Some(Wait::Refractory(until))),
            None => self.quiet(e.key, e.pending.class()).map(|until| until.map(Wait::Quiet)),
        }
    }

    fn let_go(&mut self, e: &mut Entry) -> Fate {
        self.drop_useless(e);
        if e.pending.total() == 0 {
            e.wait = Wait::Idle;
            return Fate::Expired;
        }
        match self.hold(e) {
            None => Fate::Notified { generation: Generation::from_bits(self.flush(e)) },
            Some(Some(wait)) => {
                e.wait = wait;
                Fate::Pending
            }
            Some(None) => {
                self.drop_pending(e, Select::All, Fate::Quiet);
                e.wait = Wait::Idle;
                Fate::Quiet
            }
        }
    }

    fn useless(&self) -> Select {
        Select::Useless(
            self.now,
            self.policy.useful_for.map_or(0, |useful| self.now.saturating_sub(ms(useful))),
        )
    }

    fn drop_useless(&mut self, e: &mut Entry) {
        if self.drop_pending(e, self.useless(), Fate::Expired) > 0 {
            self.tell_unread(e);
        }
    }

    fn drop_pending(&mut self, e: &mut Entry, select: Select, fate: Fate) -> u32 {
        let removed = e.pending.remove(select);
        self.let_drop(e.key, fate, removed)
    }

    fn let_drop(&mut self, key: Key, fate: Fate, (gone, count): (Vec<Kept>, u32)) -> u32 {
        if count > 0 {
            self.ledger.pending -= u64::from(count);
            *self.sum(fate) += u64::from(count);
            self.out.push(Out::Dropped {
                key,
                fate,
                count,
                ids: gone.iter().map(|k| k.event.id.0).collect(),
            });
        }
        count
    }

    fn sum(&mut self, fate: Fate) -> &mut u64 {
        let l = &mut self.ledger;
        match fate {
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
        }
    }

    fn flush(&mut self, e: &mut Entry) -> u64 {
        let batch = std::mem::take(&mut e.pending);
        let generation = self.send(e, Lane::Digest, batch, 0);
        e.wait = if self.policy.leading { Wait::Open(after(self.now, self.max_wait())) } else { Wait::Idle };
        if let Some(refractory) = self.policy.refractory {
            let next = |(level, _, since): (u8, u64, u64)| {
                refractory.next_level(level, Duration::from_millis(self.now.saturating_sub(since)))
            };
            let level = e.refractory.map_or(0, next);
            e.refractory = Some((level, after(self.now, refractory.period(level)), self.now));
            e.history = true;
        }
        if let Some(first) = self.policy.reminders.first() {
            e.remind = (after(self.now, *first), 0, false);
        }
        generation
    }

    fn remembers(&self) -> bool {
        !self.policy.remember.is_zero() || !self.policy.reminders.is_empty()
    }

    fn send(&mut self, e: &mut Entry, lane: Lane, batch: Batch, failures: u8) -> u64 {
        self.generation += 1;
        let (generation, sent) = (self.generation, batch.total());
        self.ledger.pending -= u64::from(sent);
        self.ledger.notified += 1;
        self.ledger.merged += u64::from(sent) - 1;
        let unread = e.unread() + sent;
        self.notify(e, &batch, generation, lane, None, unread);
        if self.remembers() || self.policy.ack_timeout.is_some() {
            (e.told, e.history) = (unread, true);
        }
        match self.policy.ack_timeout {
            Some(timeout) => {
                let (until, held, read, cancelled) = (after(self.now, timeout), false, 0, 0);
                e.flights.push(Flight {
                    generation,
                    lane,
                    until,
                    held,
                    failures,
                    sent,
                    read,
                    cancelled,
                    batch,
                });
            }
            None => self.deliver(e, lane, batch),
        }
        generation
    }

    fn deliver(&mut self, e: &mut Entry, lane: Lane, batch: Batch) {
        if !self.remembers() || batch.total() == 0 {
            return;
        }
        let per_key = self.per_key();
        e.delivered[lane as usize].join(batch);
        e.delivered[lane as usize].keep_last(per_key);
        let count = |e: &Entry| e.delivered.iter().map(Batch::kept).sum::<usize>();
        let too_many = |m: &Self, e: &Entry| {
            m.entries.iter().map(count).sum::<usize>() + count(e) > m.limits.delivered as usize
        };
        while too_many(self, e) && self.forget_oldest() {}
        if too_many(self, e) {
            e.delivered[lane as usize].keep_last(0);
        }
    }

    fn notify(
        &mut self,
        e: &Entry,
        batch: &Batch,
        generation: u64,
        lane: Lane,
        reminder: Option<u8>,
        unread: u32,
    ) {
        let mut actors: Vec<u64> = Vec::new();
        for k in &batch.0 {
            if !actors.contains(&k.event.actor) {
                actors.push(k.event.actor);
            }
        }
        let bound = usize::from(self.policy.actors);
        let more = actors.len() > bound;
        actors.truncate(bound);
        let first = batch.0.iter().map(|k| k.at).min().unwrap_or(0);
        let (total, last, bytes) = (batch.total(), batch.max(|k| k.at), batch.bytes());
        let summary = format!("{total} {actors:?} {more} {first} {last} {bytes} {unread}");
        let kept: Vec<&Kept> = batch.0.iter().filter(|k| k.kept).collect();
        let ids: Vec<u128> = kept.iter().map(|k| k.event.id.0).collect();
        let mut samples = kept.clone();
        match self.policy.keep {
            _ if self.policy.collect == Collect::Latest => {
                drop(samples.drain(..kept.len().saturating_sub(1)));
            }
            Keep::First(n) => samples.truncate(usize::from(n)),
            Keep::Last(n) => drop(samples.drain(..kept.len().saturating_sub(usize::from(n)))),
            Keep::Top(n) => {
                samples.sort_by_key(|k| std::cmp::Reverse(k.event.rank));
                samples.truncate(usize::from(n));
            }
        }
        let again = reminder.is_some();
        let samples = if again { Vec::new() } else { samples.iter().map(|k| k.event.id.0).collect() };
        let fold = if again { 0 } else { batch.0.iter().map(|k| u64::from(k.event.payload)).sum() };
        let (key, class) = (e.key, batch.class());
        self.out.push(Out::Notify { key, generation, lane, reminder, class, summary, samples, ids, fold });
    }

    fn remind(&mut self, e: &mut Entry) {
        let class = e.delivered[0].class();
        let quiet = self.quiet(e.key, class).map(|until| {
            until.unwrap_or_else(|| {
                let quiet = TestHost.quiet(&self.calendar, &e.key, class, wall(self.now));
                quiet.map_or(NEVER, |quiet| quiet.until.as_millis()).max(self.now + 1)
            })
        });
        if let Some(until) = quiet {
            e.remind = (until, e.remind.1, true);
            return;
        }
        let step = e.remind.1 + 1;
        let next = self.policy.reminders.get(usize::from(step)).map_or(NEVER, |next| after(self.now, *next));
        e.remind = (next, step, false);
        e.told = e.unread();
        self.generation += 1;
        let batch = e.delivered[0].clone();
        self.notify(e, &batch, self.generation, Lane::Digest, Some(step), e.told);
    }

    fn release(&self, e: &mut Entry) {
        if e.wait == Wait::InFlight && !e.digest_in_flight() {
            e.wait = Wait::Turn(self.now);
        }
    }

    fn tell_unread(&mut self, e: &mut Entry) {
        if e.told != 0 && e.told != e.unread() {
            e.told = e.unread();
            self.out.push(Out::Unread { key: e.key, count: e.told });
        }
    }
}

mod inputs;
