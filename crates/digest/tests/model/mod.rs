//! The naive model: a list of keys with lists of events, and a loop. No wheel, no table, no counters that could be
//! wrong: whatever is asked is counted anew from the lists.

#![allow(dead_code, unreachable_pub)]
// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

pub mod drive;
mod later;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_digest::*;

pub type Key = u16;
pub const SEED: Seed = Seed::new([42; 16]);

/// The calendar of the tests: each key has its own hours, class 3 always passes, and keys can be paused.
#[derive(Clone, Default)]
pub struct TestHost {
    pub paused: Rc<Cell<u16>>,
    pub hours: bool,
}

impl Host for TestHost {
    type Key = Key;
    type Payload = u32;
    type Fold = u64;

    fn quiet(&self, key: &Key, class: u8, now: UnixTime) -> Option<Quiet> {
        if class >= 3 {
            return None;
        }
        if self.paused.get() & (1 << (key % 16)) != 0 {
            return Some(Quiet { until: UnixTime::MAX, then: AtEnd::Merge });
        }
        let hour = now.as_millis() / 20_000;
        let then = if key % 4 == 3 { AtEnd::Drop } else { AtEnd::Merge };
        let until = UnixTime::from_millis((hour + 1).saturating_mul(20_000));
        (self.hours && (hour + u64::from(*key)).is_multiple_of(5)).then_some(Quiet { until, then })
    }

    fn fold(&self, state: &mut u64, item: &Item<u32>) {
        *state += u64::from(item.payload.unwrap_or_default());
    }

    fn merge(&self, state: &mut u64, later: u64) {
        *state += later;
    }
}

/// An output, with the generation as the number of its key's notifications before it.
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

/// An event and when it came.
#[derive(Clone, Debug)]
struct Kept {
    at: u64,
    event: Event<TestHost>,
}

#[derive(Clone, Debug, Default)]
struct Batch {
    items: Vec<Kept>,
    /// Counted only.
    blurred: bool,
    /// Its last event can be shown.
    shows_last: bool,
    /// Who was counted while it was blurred: under the bound of the policy of that moment.
    counted: Actors,
}

/// Distinct actors up to a bound, and whether there are more.
#[derive(Clone, Debug, Default)]
struct Actors {
    known: Vec<u64>,
    more: bool,
}

impl Actors {
    fn add(&mut self, actor: u64, bound: u16) {
        if self.known.contains(&actor) {
            return;
        }
        if self.known.len() < usize::from(bound) {
            self.known.push(actor);
        } else {
            self.more = true;
        }
    }

    fn cut(&mut self, bound: u16) {
        self.more |= self.known.len() > usize::from(bound);
        self.known.truncate(usize::from(bound));
    }
}

impl Batch {
    /// Who only counts gives all or nothing, and cannot tell one event from another (`select` does).
    fn take(&mut self, select: bool, takes: impl Fn(&Kept) -> bool) -> Vec<Kept> {
        if self.blurred && (select || !self.items.iter().all(&takes)) {
            return Vec::new();
        }
        let (gone, stay) = std::mem::take(&mut self.items).into_iter().partition(takes);
        self.items = stay;
        gone
    }

    fn actors(&self, bound: u16) -> Actors {
        let mut actors = if self.blurred { self.counted.clone() } else { Actors::default() };
        if !self.blurred {
            self.items.iter().for_each(|kept| actors.add(kept.event.actor, bound));
        }
        actors.cut(bound);
        actors
    }

    fn join(&mut self, later: Self, bound: u16) {
        if self.items.is_empty() {
            *self = later;
        } else if !later.items.is_empty() {
            let (mut actors, others) = (self.actors(bound), later.actors(bound));
            others.known.iter().for_each(|actor| actors.add(*actor, bound));
            actors.more |= others.more;
            self.counted = actors;
            let shows_last = later.shows_last || !later.blurred;
            self.blurred |= later.blurred;
            self.shows_last = shows_last;
            self.items.extend(later.items);
        }
    }

    fn bytes(&self) -> u64 {
        self.items.iter().map(|item| u64::from(item.event.bytes)).sum()
    }

    /// Events that are kept one by one.
    fn kept(&self) -> usize {
        if self.blurred { usize::from(self.shows_last && !self.items.is_empty()) } else { self.items.len() }
    }
}

#[derive(Clone, Debug)]
struct Flight {
    generation: u64,
    lane: Lane,
    until: u64,
    sent: usize,
    read: usize,
    cancelled: usize,
    batch: Batch,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    key: Key,
    pending: Batch,
    /// Opened, last event, deadline, held.
    window: Option<(u64, u64, u64, bool)>,
    flights: Vec<Flight>,
    delivered: [Batch; 2],
    mark: u64,
    told: usize,
    failures: u8,
    refractory: Option<(u8, u64, u64)>,
    remind: Option<(u64, u8)>,
    forget: u64,
}

impl Entry {
    fn sent(&self, lane: Lane) -> usize {
        let flights: usize =
            self.flights.iter().filter(|f| f.lane == lane).map(|f| f.batch.items.len()).sum();
        flights + self.delivered[lane as usize].items.len()
    }

    fn unread(&self) -> usize {
        self.pending.items.len() + self.sent(Lane::Digest) + self.sent(Lane::Urgent)
    }

    fn due(&self) -> u64 {
        let window = self.window.map_or(u64::MAX, |window| window.2);
        let flights = self.flights.iter().map(|f| f.until).min().unwrap_or(u64::MAX);
        window.min(flights).min(self.remind.map_or(u64::MAX, |r| r.0)).min(self.forget)
    }

    fn in_flight(&self) -> bool {
        self.flights.iter().any(|f| f.lane == Lane::Digest)
    }
}

pub struct Model {
    pub policy: Policy,
    pub limits: Limits,
    pub host: TestHost,
    pub ledger: Ledger,
    last: u64,
    offset: u64,
    generation: u64,
    entries: Vec<Entry>,
    seen: Vec<(EventId, u64)>,
    pub out: Vec<Out>,
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl Model {
    pub fn new(host: TestHost, policy: Policy, limits: Limits) -> Self {
        let (entries, seen, out) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            policy,
            limits,
            host,
            ledger: Ledger::default(),
            last: 0,
            offset: 0,
            generation: 0,
            entries,
            seen,
            out,
        }
    }

    fn clock(&mut self, now: UnixTime) -> u64 {
        let now = now.as_millis();
        if now >= self.last {
            self.last = now;
        } else if self.last - now > ms(self.policy.clock_tolerance) {
            self.offset = self.offset.saturating_add(self.last - now);
            self.last = now;
        }
        self.last.saturating_add(self.offset)
    }

    fn wall(&self, inside: u64) -> UnixTime {
        UnixTime::from_millis(if inside == u64::MAX { inside } else { inside.saturating_sub(self.offset) })
    }

    fn deadline(&self, opened: u64, last: u64) -> u64 {
        match self.policy.window {
            Window::Fixed { wait } => opened.saturating_add(ms(wait)),
            Window::Sliding { quiet, max_wait } => {
                last.saturating_add(ms(quiet)).min(opened.saturating_add(ms(max_wait)))
            }
        }
    }

    fn wait(&self) -> u64 {
        match self.policy.window {
            Window::Fixed { wait } => ms(wait),
            Window::Sliding { quiet, max_wait } => ms(quiet.min(max_wait)),
        }
    }

    pub fn next_wakeup(&self) -> Option<UnixTime> {
        let due = self.entries.iter().map(Entry::due).min().filter(|due| *due != u64::MAX)?;
        Some(self.wall(due.max(self.last.saturating_add(self.offset))))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// What is in flight.
    pub fn generations(&self) -> Vec<(Key, u64)> {
        self.entries.iter().flat_map(|e| e.flights.iter().map(|f| (e.key, f.generation))).collect()
    }

    /// Everything that is due.
    pub fn timeout(&mut self, now: UnixTime) {
        let now = self.clock(now);
        while let Some(key) =
            self.entries.iter().find(|e| e.due() <= now && e.due() != u64::MAX).map(|e| e.key)
        {
            if let Some(entry) = self.find(key, now) {
                self.put_back(entry, now);
            }
        }
    }

    /// Takes a key's entry out, after what is due; `None` if it is not there or can be forgotten.
    fn find(&mut self, key: Key, now: u64) -> Option<Entry> {
        let at = self.entries.iter().position(|e| e.key == key)?;
        let mut e = self.entries.remove(at);
        if e.due() > now || e.due() == u64::MAX {
            return Some(e);
        }
        while let Some(at) = e.flights.iter().position(|f| f.until <= now && f.until != u64::MAX) {
            self.fail(&mut e, at, now);
        }
        if let Some((_, _, deadline, _)) = e.window
            && deadline <= now
            && deadline != u64::MAX
        {
            if e.pending.items.is_empty() {
                e.window = None;
            } else {
                self.try_flush(&mut e, now);
            }
        }
        if let Some((at, step)) = e.remind
            && at <= now
        {
            self.remind(&mut e, step, now);
        }
        let forgotten = e.forget <= now && e.forget != u64::MAX;
        if forgotten || self.forgets(&e, now) {
            return None;
        }
        e.forget = self.forget_at(&e, now).unwrap_or(u64::MAX);
        Some(e)
    }

    /// When an idle key is forgotten.
    fn forget_at(&self, e: &Entry, now: u64) -> Option<u64> {
        let idle = e.window.is_none() && e.flights.is_empty() && e.remind.is_none();
        let refractory = e.refractory.map_or(0, |r| r.1);
        idle.then(|| now.saturating_add(ms(self.policy.remember)).max(refractory))
    }

    /// Whether nothing of it is worth remembering.
    fn forgets(&self, e: &Entry, now: u64) -> bool {
        self.policy.remember.is_zero() && self.forget_at(e, now) == Some(now)
    }

    fn put_back(&mut self, mut e: Entry, now: u64) {
        e.forget = self.forget_at(&e, now).unwrap_or(u64::MAX);
        if !self.forgets(&e, now) {
            self.entries.push(e);
        }
    }

    fn remind(&mut self, e: &mut Entry, step: u8, now: u64) {
        e.remind = None;
        let batch = e.delivered[0].clone();
        if batch.items.is_empty() || !e.pending.items.is_empty() {
            return;
        }
        match self.quiet(e.key, class(&batch), now) {
            None => {
                let generation = self.next_generation(now);
                e.told = e.unread();
                self.notify(e, &batch, generation, Lane::Digest, Some(step + 1), e.told);
                let next = self.policy.reminders.get(usize::from(step) + 1);
                let next = next.map(|after| (now.saturating_add(ms(*after)), step + 1));
                e.remind = next.filter(|remind| remind.0 != u64::MAX);
            }
            Some(Some(until)) => e.remind = (until != u64::MAX).then_some((until, step)),
            Some(None) => {}
        }
    }

    /// The calendar: `None` passes, `Some(None)` drops.
    fn quiet(&self, key: Key, class: u8, now: u64) -> Option<Option<u64>> {
        let quiet = self.host.quiet(&key, class, self.wall(now))?;
        let until = quiet.until.as_millis();
        Some(match quiet.then {
            AtEnd::Drop => None,
            AtEnd::Merge if until == u64::MAX => Some(until),
            AtEnd::Merge => Some(until.saturating_add(self.offset).max(now.saturating_add(1))),
        })
    }

    fn hold(&self, e: &Entry, now: u64) -> Option<Option<u64>> {
        if e.in_flight() {
            return Some(Some(u64::MAX));
        }
        match e.refractory {
            Some((_, until, _)) if now < until => Some(Some(until)),
            _ => self.quiet(e.key, class(&e.pending), now),
        }
    }

    fn try_flush(&mut self, e: &mut Entry, now: u64) -> Fate {
        if let Some(useful) = self.policy.useful_for {
            let before = now.saturating_sub(ms(useful));
            self.drop_pending(e, Fate::Expired, false, |kept| kept.at < before);
            if e.pending.items.is_empty() {
                e.window = None;
                return Fate::Expired;
            }
        }
        match self.hold(e, now) {
            None => Fate::Notified { generation: self.flush(e, now) },
            Some(Some(until)) => {
                if let Some((_, _, deadline, held)) = &mut e.window {
                    (*deadline, *held) = (until, true);
                }
                Fate::Pending
            }
            Some(None) => {
                self.drop_pending(e, Fate::Quiet, false, |_| true);
                e.window = None;
                Fate::Quiet
            }
        }
    }

    fn drop_pending(
        &mut self,
        e: &mut Entry,
        fate: Fate,
        select: bool,
        takes: impl Fn(&Kept) -> bool,
    ) -> u32 {
        let blurred = e.pending.blurred;
        let gone = e.pending.take(select, takes);
        self.dropped(e.key, fate, &gone, blurred)
    }

    fn dropped(&mut self, key: Key, fate: Fate, gone: &[Kept], blurred: bool) -> u32 {
        let count = gone.len() as u32;
        if count > 0 {
            self.settle(fate, gone.len());
            let ids = if blurred { Vec::new() } else { gone.iter().map(|kept| kept.event.id.0).collect() };
            self.out.push(Out::Dropped { key, fate, count, ids });
        }
        count
    }

    fn settle(&mut self, fate: Fate, n: usize) {
        self.ledger.pending -= n as u64;
        *self.count(fate) += n as u64;
    }

    fn count(&mut self, fate: Fate) -> &mut u64 {
        let l = &mut self.ledger;
        match fate {
            Fate::Pending => &mut l.pending,
            Fate::Notified { .. } => &mut l.notified,
            Fate::Merged { .. } => &mut l.merged,
            Fate::Duplicate => &mut l.duplicate,
            Fate::ReadBefore => &mut l.read_before,
            Fate::Throttled => &mut l.throttled,
            Fate::Quiet => &mut l.quiet,
            Fate::Cancelled => &mut l.cancelled,
            Fate::Expired => &mut l.expired,
            Fate::Refused => &mut l.refused,
        }
    }

    fn next_generation(&mut self, now: u64) -> u64 {
        self.generation = (self.generation + 1).max(now.min(1 << 53));
        self.generation
    }

    fn flush(&mut self, e: &mut Entry, now: u64) -> u64 {
        let batch = std::mem::take(&mut e.pending);
        let generation = self.send(e, batch, Lane::Digest, now);
        e.window = self.policy.leading.then(|| (now, now, self.deadline(now, now), false));
        if let Some(refractory) = self.policy.refractory {
            let level = e
                .refractory
                .map_or(0, |(level, _, at)| refractory.next_level(level, Duration::from_millis(now - at)));
            e.refractory = Some((level, now.saturating_add(ms(refractory.period(level))), now));
        }
        if let Some(first) = self.policy.reminders.first() {
            e.remind = Some((now.saturating_add(ms(*first)), 0)).filter(|remind| remind.0 != u64::MAX);
        }
        generation
    }

    fn send(&mut self, e: &mut Entry, batch: Batch, lane: Lane, now: u64) -> u64 {
        let generation = self.next_generation(now);
        let sent = batch.items.len();
        self.ledger.pending -= sent as u64;
        self.ledger.notified += 1;
        self.ledger.merged += sent as u64 - 1;
        let unread = e.unread() + sent;
        self.notify(e, &batch, generation, lane, None, unread);
        if self.policy.ack_timeout.is_some() || self.remembers() {
            e.told = unread;
        }
        match self.policy.ack_timeout {
            Some(timeout) => {
                let until = now.saturating_add(ms(timeout));
                e.flights.push(Flight { generation, lane, until, sent, read: 0, cancelled: 0, batch });
            }
            None => self.deliver(e, lane, batch),
        }
        generation
    }

    fn remembers(&self) -> bool {
        !self.policy.remember.is_zero() || !self.policy.reminders.is_empty()
    }

    fn deliver(&self, e: &mut Entry, lane: Lane, batch: Batch) {
        if self.remembers() {
            let delivered = &mut e.delivered[lane as usize];
            delivered.join(batch, self.policy.actors);
            delivered.shows_last = false;
        }
    }

    fn notify(
        &mut self,
        e: &Entry,
        batch: &Batch,
        generation: u64,
        lane: Lane,
        reminder: Option<u8>,
        unread: usize,
    ) {
        let Actors { known, more } = batch.actors(self.policy.actors);
        let first = self.wall(batch.items.iter().map(|kept| kept.at).min().unwrap_or_default());
        let last = self.wall(batch.items.iter().map(|kept| kept.at).max().unwrap_or_default());
        let (total, bytes) = (batch.items.len(), batch.bytes());
        let summary = format!("{total} {known:?} {more} {first} {last} {bytes} {unread}");
        let again = reminder.is_some();
        let samples = if again { Vec::new() } else { self.samples(batch) };
        let ids = if batch.blurred { Vec::new() } else { batch.items.iter().map(|k| k.event.id.0).collect() };
        let fold = if again { 0 } else { batch.items.iter().map(|kept| u64::from(kept.event.payload)).sum() };
        let (key, class) = (e.key, class(batch));
        self.out.push(Out::Notify { key, generation, lane, reminder, class, summary, samples, ids, fold });
    }

    fn samples(&self, batch: &Batch) -> Vec<u128> {
        let mut all: Vec<&Kept> = batch.items.iter().collect();
        match self.policy.keep {
            _ if batch.blurred && !batch.shows_last => all.clear(),
            _ if batch.blurred || self.policy.collect == Collect::Latest => drop(all.drain(..all.len() - 1)),
            Keep::First(n) => all.truncate(usize::from(n)),
            Keep::Last(n) => drop(all.drain(..all.len().saturating_sub(usize::from(n)))),
            Keep::Top(n) => {
                all.sort_by_key(|kept| std::cmp::Reverse(kept.event.rank));
                all.truncate(usize::from(n));
            }
        }
        all.into_iter().map(|kept| kept.event.id.0).collect()
    }

    pub fn event(&mut self, event: Event<TestHost>, now: UnixTime) -> Result<Fate, Limit> {
        let now = self.clock(now);
        self.ledger.events += 1;
        let (id, window) = (event.id, self.policy.dedup.map(ms));
        if let Some(window) = window {
            self.seen.retain(|(_, at)| now - at < window);
            if self.seen.iter().any(|(seen, _)| *seen == id) {
                *self.count(Fate::Duplicate) += 1;
                return Ok(Fate::Duplicate);
            }
        }
        let fate = self.place(event, now);
        if fate.is_err() {
            *self.count(Fate::Refused) += 1;
        } else if window.is_some() {
            self.seen.push((id, now));
        }
        fate
    }

    fn place(&mut self, event: Event<TestHost>, now: u64) -> Result<Fate, Limit> {
        let found = self.find(event.key, now);
        let new = found.is_none();
        let mut e = found.unwrap_or_else(|| Entry { key: event.key, forget: u64::MAX, ..Entry::default() });
        let drops = self.policy.refractory.is_some_and(|r| r.excess == Excess::Drop);
        let refused = if event.seq != 0 && event.seq <= e.mark {
            Some(Ok(Fate::ReadBefore))
        } else if drops && !event.urgent && e.refractory.is_some_and(|r| now < r.1) {
            Some(Ok(Fate::Throttled))
        } else {
            self.no_room(&event, &e, new).map(Err)
        };
        if let Some(refused) = refused {
            if let Ok(fate) = refused {
                *self.count(fate) += 1;
            }
            if !new {
                self.entries.push(e);
            }
            return refused;
        }
        let overtakes =
            event.urgent && e.flights.len() < 16 && self.quiet(event.key, event.class, now).is_none();
        let fate = if overtakes && self.policy.urgent == Urgent::Overtake {
            let mut alone = Batch::default();
            self.add(&mut alone, event, now);
            Fate::Notified { generation: self.send(&mut e, alone, Lane::Urgent, now) }
        } else if overtakes {
            let mut batch = std::mem::take(&mut e.pending);
            self.add(&mut batch, event, now);
            e.pending = batch;
            Fate::Notified { generation: self.flush(&mut e, now) }
        } else {
            self.ordinary(&mut e, event, now)
        };
        self.put_back(e, now);
        Ok(fate)
    }

    fn no_room(&self, event: &Event<TestHost>, e: &Entry, new: bool) -> Option<Limit> {
        let (mut kept, mut bytes) = (0, u64::from(event.bytes));
        for e in self.entries.iter().chain([e]) {
            for batch in e.flights.iter().map(|f| &f.batch).chain([&e.pending]) {
                kept += batch.kept();
                bytes += batch.bytes();
            }
            kept += e.delivered.iter().map(Batch::kept).sum::<usize>();
        }
        if new && self.entries.len() >= self.limits.windows as usize {
            return Some(Limit::Windows);
        }
        if self.policy.collect != Collect::Totals && kept as u64 >= self.limits.items {
            return Some(Limit::Items);
        }
        (bytes > self.limits.bytes).then_some(Limit::Bytes)
    }

    fn add(&mut self, batch: &mut Batch, event: Event<TestHost>, at: u64) {
        if batch.items.is_empty() {
            batch.blurred = self.policy.collect != Collect::Items;
            batch.counted = Actors::default();
        }
        batch.counted.add(event.actor, self.policy.actors);
        batch.shows_last = self.policy.collect == Collect::Latest;
        batch.items.push(Kept { at, event });
        self.ledger.pending += 1;
    }

    fn ordinary(&mut self, e: &mut Entry, event: Event<TestHost>, now: u64) -> Fate {
        let bytes = e.pending.bytes() + u64::from(event.bytes);
        if !e.pending.items.is_empty() && self.policy.max_bytes.is_some_and(|max| bytes > u64::from(max)) {
            self.try_flush(e, now);
        }
        let (before, after) = (class(&e.pending), event.class);
        let mut batch = std::mem::take(&mut e.pending);
        self.add(&mut batch, event, now);
        e.pending = batch;
        let first = e.window.is_none();
        e.window = Some(match e.window {
            None => (now, now, self.deadline(now, now), false),
            Some((opened, _, _, false)) => (opened, now, self.deadline(opened, now), false),
            Some((opened, _, deadline, true)) if after > before => {
                (opened, now, deadline.min(now.saturating_add(self.wait())), false)
            }
            Some((opened, _, deadline, true)) => (opened, now, deadline, true),
        });
        if self.policy.leading && first && self.hold(e, now).is_none() {
            return Fate::Notified { generation: self.flush(e, now) };
        }
        match self.policy.max_items {
            Some(max) if e.pending.items.len() >= max as usize => self.try_flush(e, now),
            _ => Fate::Pending,
        }
    }
}

fn class(batch: &Batch) -> u8 {
    batch.items.iter().map(|kept| kept.event.class).max().unwrap_or(0)
}
