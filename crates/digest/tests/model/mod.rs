//! The engine as a reader of the README would write it: lists, and every question answered by going through all of them.
//! Nothing is fast, nothing is remembered that can be worked out, and every feature is in it. What comes in is in
//! `inputs`; what makes up inputs and compares is in `drive`, and no part of the model.
#![allow(dead_code, unreachable_pub)]

pub mod drive;
mod inputs;

use std::time::Duration;

use drive::{Key, SEED, TestHost};
use reveille_core::UnixTime;
use reveille_digest::{catch_up::*, options::*, quiet::*, retract::*, *};

const NEVER: u64 = u64::MAX;
const END: u64 = 1 << 62;

/// An output: whose it is, its generation, and all the rest as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Out(pub Key, pub Option<u64>, pub String);

#[derive(Clone)]
struct One {
    at: u64,
    event: Event<TestHost>,
    /// By name; otherwise it is a number in a count.
    kept: bool,
    /// Taken out of a batch that is not exact: no event any more, but its actor and its number were counted.
    ghost: bool,
}

#[derive(Clone, Default)]
struct Batch(Vec<One>);

#[derive(Clone, Copy)]
enum Select {
    UpTo(u64),
    Until(u64),
    Event(EventId),
    Kind(u16),
    All,
    /// At that time, or come before that one.
    Useless(u64, u64),
}

impl Batch {
    fn live(&self) -> impl Iterator<Item = &One> {
        self.0.iter().filter(|o| !o.ghost)
    }
    fn total(&self) -> u32 {
        self.live().count() as u32
    }
    fn kept(&self) -> impl Iterator<Item = &One> {
        self.0.iter().filter(|o| o.kept)
    }
    fn exact(&self) -> bool {
        self.0.iter().all(|o| o.kept)
    }
    fn bytes(&self) -> u64 {
        self.live().map(|o| u64::from(o.event.bytes)).sum()
    }
    fn first(&self) -> u64 {
        self.0.iter().map(|o| o.at).min().unwrap_or(0)
    }
    fn last(&self) -> u64 {
        self.0.iter().map(|o| o.at).max().unwrap_or(0)
    }
    fn class(&self) -> u8 {
        self.0.iter().map(|o| o.event.class).max().unwrap_or(0)
    }
    fn keep_last(&mut self, keep: usize) {
        let over = self.kept().count().saturating_sub(keep);
        self.0.iter_mut().filter(|o| o.kept).take(over).for_each(|o| o.kept = false);
    }
    fn push(&mut self, at: u64, event: Event<TestHost>, keep: usize) {
        if keep > 0 && self.kept().count() >= keep {
            self.keep_last(keep.div_ceil(2) - 1);
        }
        self.0.push(One { at, event, kept: keep > 0, ghost: false });
    }
    fn join(&mut self, later: Self) {
        if self.total() == 0 {
            *self = later;
        } else if later.total() > 0 {
            self.0.extend(later.0);
            self.0.sort_by_key(|o| o.at);
        }
    }
    /// What is taken out by name, and how many it was.
    fn remove(&mut self, select: Select) -> (Vec<One>, u32) {
        let by_time = |o: &One| match select {
            Select::UpTo(mark) => o.event.seq <= mark,
            Select::Until(at) => o.at <= at,
            Select::All => true,
            Select::Useless(_, before) => o.at < before,
            Select::Event(_) | Select::Kind(_) => false,
        };
        let takes = |o: &One| match select {
            Select::Event(id) => o.event.id == id,
            Select::Kind(kind) => o.event.kind == kind,
            Select::Useless(now, _) => {
                by_time(o) || o.event.useful_until.is_some_and(|u| u.as_millis() < now)
            }
            _ => by_time(o),
        };
        let (exact, total) = (self.exact(), self.total());
        if !exact && self.0.iter().all(by_time) {
            return (std::mem::take(&mut self.0).into_iter().filter(|o| o.kept).collect(), total);
        }
        let gone: Vec<One> = self.kept().filter(|o| takes(o)).cloned().collect();
        self.0.iter_mut().filter(|o| o.kept && takes(o)).for_each(|o| (o.kept, o.ghost) = (false, true));
        self.0.retain(|o| !(exact && o.ghost));
        let count = gone.len() as u32;
        (gone, count)
    }
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

#[derive(Clone)]
struct Flight {
    generation: u64,
    lane: Lane,
    until: u64,
    held: bool,
    failures: u8,
    /// How many went out, and how many of them were read and cancelled since.
    sent: u32,
    read: u32,
    cancelled: u32,
    batch: Batch,
}

#[derive(Clone, Default)]
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
    /// The last place that was given back, or a new one. Among equals the lowest goes first.
    place: u32,
    /// Whether there is anything to remember.
    history: bool,
}

impl Entry {
    fn deadline(&self, policy: &Policy) -> u64 {
        match self.wait {
            Wait::Open(end) => match policy.window {
                Window::Sliding { quiet, .. } if self.pending.total() > 0 => {
                    end.min(self.pending.last().saturating_add(ms(quiet)))
                }
                _ => end,
            },
            Wait::Refractory(end) | Wait::Quiet(end) | Wait::Held(end) | Wait::Turn(end) => end,
            Wait::Idle | Wait::InFlight => NEVER,
        }
    }
    fn digest_in_flight(&self) -> bool {
        self.flights.iter().any(|f| f.lane == Lane::Digest)
    }
    fn reminder(&self) -> u64 {
        let due = self.pending.total() == 0 && self.delivered[0].total() > 0 && !self.digest_in_flight();
        if due { self.remind.0 } else { NEVER }
    }
    fn timer(&self, policy: &Policy) -> u64 {
        let flights = self.flights.iter().map(|f| f.until).min().unwrap_or(NEVER);
        let rests = self.refractory.filter(|r| self.wait == Wait::Idle && self.memory.is_none() && r.1 > 0);
        self.deadline(policy).min(flights).min(self.reminder()).min(rests.map_or(NEVER, |r| r.1))
    }
    fn sent(&self) -> impl Iterator<Item = &Batch> {
        self.flights.iter().map(|f| &f.batch).chain(&self.delivered)
    }
    fn unread(&self) -> u32 {
        self.pending.total() + self.sent().map(Batch::total).sum::<u32>()
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

impl Model {
    pub fn new(policy: Policy, limits: Limits) -> Self {
        let (ledger, calendar, now, generation, remembered) = (Ledger::default(), (0, false), 0, 0, 0);
        let (out, entries, seen, free) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { policy, limits, calendar, ledger, out, now, entries, seen, generation, free, remembered }
    }

    fn wait(&self) -> Duration {
        match self.policy.window {
            Window::Fixed { wait } => wait,
            Window::Sliding { quiet, max_wait } => quiet.min(max_wait),
        }
    }
    fn window_end(&self) -> u64 {
        let (Window::Fixed { wait } | Window::Sliding { max_wait: wait, .. }) = self.policy.window;
        after(self.now, wait)
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
    fn find(&self, key: Key) -> Option<&Entry> {
        self.entries.iter().find(|e| e.key == key)
    }
    pub fn keys(&self) -> usize {
        self.entries.len()
    }
    pub fn live(&self) -> usize {
        self.entries.iter().filter(|e| e.memory.is_none()).count()
    }
    pub fn unread(&self, key: Key) -> u32 {
        self.find(key).map_or(0, Entry::unread)
    }
    fn next(&self) -> u64 {
        self.entries.iter().map(|e| e.timer(&self.policy)).min().unwrap_or(NEVER)
    }
    pub fn next_wakeup(&self) -> Option<UnixTime> {
        (self.next() <= END).then(|| UnixTime::from_millis(self.next().max(self.now)))
    }
    pub fn flights(&self) -> Vec<(Key, u64)> {
        let of = |e: &Entry| e.flights.iter().filter(|f| !f.held).map(|f| f.generation).collect::<Vec<_>>();
        self.entries.iter().flat_map(|e| of(e).into_iter().map(|generation| (e.key, generation))).collect()
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
        if self.generation == 0 {
            self.generation = now.as_millis().min(1 << 52);
        }
        self.settle();
    }

    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 1_000_000, "the model does not come to rest");
            // All of one millisecond in the order of their places, then what is due by then.
            let first = self.next();
            if first > self.now {
                break;
            }
            let due = self.entries.iter().filter(|e| e.timer(&self.policy) == first);
            let mut due: Vec<_> = due.map(|e| (e.place, e.key)).collect();
            due.sort_unstable();
            due.into_iter().for_each(|(_, key)| self.fire(key));
        }
        let over = |m: &Self, at: usize| {
            let since = m.entries[at].memory.map_or(NEVER, |(since, _)| since);
            since.saturating_add(ms(m.policy.remember)) <= m.now
        };
        while self.oldest().is_some_and(|at| over(self, at)) {
            self.forget_oldest();
        }
    }

    fn fire(&mut self, key: Key) {
        if self.find(key).is_none_or(|e| e.timer(&self.policy) > self.now) {
            return;
        }
        let Some(mut e) = self.take(key) else { return };
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

    fn take(&mut self, key: Key) -> Option<Entry> {
        let place = self.entries.iter().position(|e| e.key == key)?;
        Some(Entry { memory: None, ..self.entries.remove(place) })
    }

    fn new_entry(&mut self, key: Key) -> Entry {
        let place = self.free.pop().unwrap_or(self.entries.len() as u32);
        Entry { key, place, remind: (NEVER, 0, false), ..Entry::default() }
    }

    fn finish(&mut self, mut e: Entry) {
        if let Some((_, until, _)) = e.refractory.as_mut().filter(|r| r.1 <= self.now) {
            *until = 0;
        }
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
        while self.keys() - self.live() > self.limits.memories as usize {
            self.forget_oldest();
        }
    }

    fn oldest(&self) -> Option<usize> {
        let turn = |at: &usize| self.entries[*at].memory.map_or(NEVER, |(_, turn)| turn);
        (0..self.keys()).filter(|at| turn(at) < NEVER).min_by_key(turn)
    }

    fn forget_oldest(&mut self) -> bool {
        let oldest = self.oldest().map(|at| self.entries.remove(at));
        self.free.extend(oldest.iter().map(|e| e.place));
        oldest.is_some()
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
        for e in &mut self.entries {
            let batches = e.flights.iter_mut().map(|f| &mut f.batch).chain(&mut e.delivered);
            batches.chain([&mut e.pending]).flat_map(|b| &mut b.0).for_each(|o| shift(&mut o.at));
            if let Wait::Open(end) | Wait::Refractory(end) | Wait::Turn(end) = &mut e.wait {
                shift(end);
            }
            e.flights.iter_mut().filter(|f| !f.held).for_each(|f| shift(&mut f.until));
            if let Some((_, until, since)) = &mut e.refractory {
                if *until > 0 {
                    shift(until);
                    *until = (*until).max(1);
                }
                shift(since);
            }
            if !e.remind.2 {
                shift(&mut e.remind.0);
            }
            e.memory.iter_mut().for_each(|(since, _)| shift(since));
        }
        self.seen.retain(|(_, until, _)| *until > was);
        self.seen.iter_mut().for_each(|(_, until, _)| shift(until));
        self.seen.iter_mut().for_each(|(_, until, _)| *until = (*until).max(1));
        self.now = is;
    }

    /// Until when the calendar says quiet; `Some(None)`: drop it.
    fn quiet(&self, key: Key, class: u8) -> Option<Option<u64>> {
        let quiet = TestHost.quiet(&self.calendar, &key, class, UnixTime::from_millis(self.now))?;
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
        let fate = match self.hold(e) {
            _ if e.pending.total() == 0 => Fate::Expired,
            None => return Fate::Notified { generation: Generation::from_bits(self.flush(e)) },
            Some(Some(wait)) => {
                e.wait = wait;
                return Fate::Pending;
            }
            Some(None) => Fate::Quiet,
        };
        self.drop_pending(e, Select::All, fate);
        e.wait = Wait::Idle;
        fate
    }

    fn useless(&self) -> Select {
        let before = self.policy.useful_for.map_or(0, |useful| self.now.saturating_sub(ms(useful)));
        Select::Useless(self.now, before)
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

    fn let_drop(&mut self, key: Key, fate: Fate, (gone, count): (Vec<One>, u32)) -> u32 {
        if count > 0 {
            self.ledger.pending -= u64::from(count);
            self.count(fate, u64::from(count));
            let ids: Vec<_> = gone.iter().map(|o| o.event.id).collect();
            self.out.push(Out(key, None, format!("{fate:?}: {count} {ids:?}")));
        }
        count
    }

    fn count(&mut self, fate: Fate, n: u64) {
        let l = &mut self.ledger;
        *match fate {
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
        } += n;
    }

    fn flush(&mut self, e: &mut Entry) -> u64 {
        let batch = std::mem::take(&mut e.pending);
        let generation = self.send(e, Lane::Digest, batch, 0);
        e.wait = if self.policy.leading { Wait::Open(self.window_end()) } else { Wait::Idle };
        if let Some(refractory) = self.policy.refractory {
            let since = |since| Duration::from_millis(self.now.saturating_sub(since));
            let level = e.refractory.map_or(0, |(level, _, at)| refractory.next_level(level, since(at)));
            e.refractory = Some((level, after(self.now, refractory.period(level)), self.now));
            e.history = true;
        }
        if let Some(first) = self.policy.reminders.first() {
            e.remind = (after(self.now, *first), 0, false);
        }
        generation
    }

    fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    fn send(&mut self, e: &mut Entry, lane: Lane, batch: Batch, failures: u8) -> u64 {
        let (generation, sent) = (self.next_generation(), batch.total());
        self.ledger.pending -= u64::from(sent);
        self.ledger.notified += 1;
        self.ledger.merged += u64::from(sent) - 1;
        let unread = e.unread() + sent;
        self.notify(e.key, &batch, generation, lane, None, unread);
        if self.remembers() || self.policy.ack_timeout.is_some() {
            (e.told, e.history) = (unread, true);
        }
        let Some(timeout) = self.policy.ack_timeout else {
            self.deliver(e, lane, batch);
            return generation;
        };
        let (until, held, read, cancelled) = (after(self.now, timeout), false, 0, 0);
        e.flights.push(Flight { generation, lane, until, held, failures, sent, read, cancelled, batch });
        generation
    }

    fn deliver(&mut self, e: &mut Entry, lane: Lane, batch: Batch) {
        if !self.remembers() || batch.total() == 0 {
            return;
        }
        e.delivered[lane as usize].join(batch);
        e.delivered[lane as usize].keep_last(self.per_key());
        let count = |e: &Entry| e.delivered.iter().flat_map(Batch::kept).count();
        let all = |m: &Self, e: &Entry| m.entries.iter().map(count).sum::<usize>() + count(e);
        let most = self.limits.delivered as usize;
        while all(self, e) > most && self.forget_oldest() {}
        if all(self, e) > most {
            e.delivered[lane as usize].keep_last(0);
        }
    }

    fn notify(&mut self, key: Key, batch: &Batch, generation: u64, lane: Lane, nth: Option<u8>, unread: u32) {
        let mut actors: Vec<u64> = Vec::new();
        for o in &batch.0 {
            if !actors.contains(&o.event.actor) {
                actors.push(o.event.actor);
            }
        }
        let more = actors.len() > usize::from(self.policy.actors);
        actors.truncate(usize::from(self.policy.actors));
        let ids: Vec<_> = batch.kept().map(|o| o.event.id).collect();
        let mut samples: Vec<_> = batch.kept().collect();
        let last = |n: u16| ids.len().saturating_sub(usize::from(n));
        match self.policy.keep {
            _ if self.policy.collect == Collect::Latest => samples = samples.split_off(last(1)),
            Keep::First(n) => samples.truncate(usize::from(n)),
            Keep::Last(n) => samples = samples.split_off(last(n)),
            Keep::Top(n) => {
                samples.sort_by_key(|o| std::cmp::Reverse(o.event.rank));
                samples.truncate(usize::from(n));
            }
        }
        let mut samples: Vec<_> = samples.iter().map(|o| o.event.id).collect();
        let mut fold: u64 = batch.0.iter().map(|o| u64::from(o.event.payload)).sum();
        if nth.is_some() {
            // The payloads are gone.
            (samples, fold) = (Vec::new(), 0);
        }
        let (total, class, bytes) = (batch.total(), batch.class(), batch.bytes());
        let (first, last) = (batch.first(), batch.last());
        let text =
            format!("{lane:?} {nth:?} class {class}: {total} of {actors:?} {more}, {first} to {last}, ");
        let rest = format!("{bytes} bytes, unread {unread}, samples {samples:?} of {ids:?}, fold {fold}");
        self.out.push(Out(key, Some(generation), text + &rest));
    }

    fn remind(&mut self, e: &mut Entry) {
        let class = e.delivered[0].class();
        // What drops new events does not drop this.
        let end = |until: UnixTime| if until == UnixTime::MAX { NEVER } else { until.as_millis() };
        let asked = TestHost.quiet(&self.calendar, &e.key, class, UnixTime::from_millis(self.now));
        let end = asked.map_or(NEVER, |quiet| end(quiet.until)).max(self.now + 1);
        if let Some(until) = self.quiet(e.key, class) {
            e.remind = (until.unwrap_or(end), e.remind.1, true);
            return;
        }
        let step = e.remind.1 + 1;
        let next = self.policy.reminders.get(usize::from(step)).map_or(NEVER, |next| after(self.now, *next));
        e.remind = (next, step, false);
        e.told = e.unread();
        let (batch, generation) = (e.delivered[0].clone(), self.next_generation());
        self.notify(e.key, &batch, generation, Lane::Digest, Some(step), e.told);
    }

    fn release(&self, e: &mut Entry) {
        if e.wait == Wait::InFlight && !e.digest_in_flight() {
            e.wait = Wait::Turn(self.now);
        }
    }

    fn tell_unread(&mut self, e: &mut Entry) {
        if e.told != 0 && e.told != e.unread() {
            e.told = e.unread();
            self.out.push(Out(e.key, None, format!("unread {}", e.told)));
        }
    }
}
