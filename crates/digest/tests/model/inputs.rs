//! The model, second part: what comes in. `time` is told first, always: what is due comes before what comes in.

use super::*;

impl Model {
    pub fn event(&mut self, event: Event<TestHost>) -> Fate {
        let (key, known, found) = (event.key, self.known(event.id), self.entries.get(&event.key));
        let drops = self.policy.refractory.is_some_and(|r| r.excess == Excess::Drop) && !event.urgent;
        let is_live = found.is_some() && self.memories.iter().all(|(memory, _)| *memory != key);
        let live = self.entries.len() - self.memories.len();
        let fate = match (known, found) {
            _ if !is_live && live >= self.limits.windows as usize => Fate::Refused,
            (Some((.., true)), _) => Fate::Cancelled,
            (Some((.., false)), _) => Fate::Duplicate,
            _ if event.useful_until.is_some_and(|until| until < self.now) => Fate::Expired,
            (_, Some(e)) if event.seq != 0 && event.seq <= e.mark => Fate::ReadBefore,
            (_, Some(e)) if drops && e.resting.is_some_and(|until| self.now < until) => Fate::Throttled,
            _ => Fate::Pending,
        };
        let dedup = self.policy.dedup.filter(|_| known.is_none() && fate != Fate::Refused);
        self.seen.extend(dedup.map(|dedup| (event.id, self.now + dedup, false)));
        if fate != Fate::Pending {
            self.push(event, Gone, 0, fate);
            return fate;
        }
        self.of(key);
        let fate = self.place(key, event);
        self.finish(key);
        fate
    }

    fn known(&self, id: EventId) -> Option<(EventId, UnixTime, bool)> {
        self.seen.iter().find(|(known, until, _)| *known == id && *until > self.now).copied()
    }

    fn place(&mut self, key: Key, event: Event<TestHost>) -> Fate {
        let class = event.class;
        if event.urgent && self.entries[&key].flights.len() < 16 && self.quiet(key, class).is_none() {
            if self.policy.urgent == Urgent::Flush && !self.busy(key) {
                self.add(key, event);
                self.expire(key, Pending, self.policy.useful_for);
                return self.flush(key);
            }
            self.push(event, InFlight(0), self.keep().min(1), Fate::Pending);
            return self.send(key, InFlight(0), Lane::Urgent, 0);
        }
        // What is held, and what waits for its turn, goes then and not before.
        let closes = !matches!(self.entries[&key].wait.0, Wait::Held | Wait::Turn);
        let bytes = event.bytes + self.live(key, Pending).map(|o| o.event.bytes).sum::<u32>();
        let too_large = self.total(key, Pending) > 0 && self.policy.max_bytes.is_some_and(|max| bytes > max);
        if closes && too_large {
            self.let_go(key);
        }
        let higher = class > self.class(key, Pending);
        self.add(key, event);
        let mut goes = closes && self.policy.max_items.is_some_and(|max| self.total(key, Pending) >= max);
        match self.entries[&key].wait {
            (Wait::Idle, _) => {
                self.of(key).wait = (Wait::Open, self.latest());
                goes |= self.policy.leading && self.hold(key).is_none();
            }
            // It may pass where the others had to wait: all go after an ordinary wait, never later than they would have.
            (Wait::Quiet, end) if higher => match self.quiet(key, class) {
                None => self.of(key).wait = (Wait::Turn, end.min(self.soon())),
                Some((AtEnd::Merge, until)) => self.of(key).wait.1 = end.min(until),
                Some((AtEnd::Drop, _)) => {}
            },
            _ => {}
        }
        if goes { self.let_go(key) } else { Fate::Pending }
    }

    fn add(&mut self, key: Key, event: Event<TestHost>) {
        let waits = || self.events.iter().filter(|o| matches!(o.place, Pending | InFlight(_)));
        let bytes = waits().filter(|o| o.fate == Fate::Pending).map(|o| u64::from(o.event.bytes));
        let room = waits().filter(|o| o.kept).count() < self.limits.items as usize
            && bytes.sum::<u64>() + u64::from(event.bytes) <= self.limits.bytes;
        let most = if room { usize::MAX } else { self.kept(key, Pending).count() };
        self.push(event, Pending, self.keep().min(most), Fate::Pending);
        // Where more than one actor had to be counted, there is something to remember.
        let actors: BTreeSet<_> = self.batch(key, Pending).map(|o| o.event.actor).collect();
        let counted = self.batch(key, Pending).any(|o| !o.kept) && actors.len() > 1;
        self.of(key).history |= counted && self.policy.actors > 1;
    }

    fn push(&mut self, event: Event<TestHost>, place: Place, keep: usize, fate: Fate) {
        if keep > 0 && self.kept(event.key, place).count() >= keep {
            self.keep_last(event.key, place, keep.div_ceil(2) - 1);
        }
        self.events.push(One { event, at: self.now, place, kept: keep > 0, fate, sent: 0 });
    }

    pub fn read(&mut self, key: Key, read: Read) -> Retracted {
        let mark = self.entries.get(&key).map(|e| e.mark);
        // Up to which number and which time, and whether that is news.
        let (seq, until, news) = match read {
            Read::UpTo(seq) => (seq, NEVER, mark.is_none_or(|mark| seq > mark)),
            Read::All => (u64::MAX, NEVER, mark.is_none() || self.unread(key) > 0),
            Read::Through(id) => self.time_of(key, id).map_or((0, NEVER, false), |at| (u64::MAX, at, true)),
        };
        let notes = mark.is_some() || !self.policy.remember.is_zero();
        let select = |o: &One, _| o.event.seq <= seq && o.at <= until;
        let retracted = self.retract(key, news, news && notes, &select, Cause::Read);
        if let (Read::UpTo(seq), Some(e)) = (read, self.entries.get_mut(&key)) {
            e.mark = e.mark.max(seq);
        }
        retracted
    }

    pub fn cancel(&mut self, key: Key, what: Selector) -> Retracted {
        let (mut meant, mut came) = (self.unread(key) > 0, what == Selector::All);
        if let Selector::Event(id) = what {
            let (known, until) = (self.known(id), self.now + self.policy.remember);
            (meant, came) =
                (self.time_of(key, id).is_some(), known.is_some_and(|(.., cancelled)| !cancelled));
            if until > self.now {
                self.seen.retain(|(known, ..)| *known != id);
                self.seen.push((id, known.map_or(until, |(_, old, _)| old.max(until)), true));
            }
        }
        let select = |o: &One, named| match what {
            Selector::Event(id) => named && o.event.id == id,
            Selector::Kind(kind) => named && o.event.kind == kind,
            Selector::All => true,
        };
        self.retract(key, came, meant, &select, Cause::Cancelled)
    }

    fn clear(&mut self, key: Key, lane: Lane, cause: Cause, gone: &[Option<Named>], remaining: u32) {
        let events: Vec<_> = gone.iter().flatten().collect();
        self.number(key, format!("clear {lane:?} {cause:?} {events:?} {remaining}"));
    }

    /// Takes back what is meant; if something came for a key of which nothing is known, whatever may be shown.
    fn retract(&mut self, key: Key, came: bool, meant: bool, select: Select<'_>, cause: Cause) -> Retracted {
        let lanes = [Lane::Digest, Lane::Urgent];
        if came && !self.entries.contains_key(&key) {
            let used = if self.policy.urgent == Urgent::Flush { 1 } else { 2 };
            lanes.into_iter().take(used).for_each(|lane| self.clear(key, lane, cause, &[], 0));
        }
        if !meant {
            return Retracted::default();
        }
        self.of(key).history |= cause == Cause::Read;
        let fate = if cause == Cause::Read { Fate::ReadBefore } else { Fate::Cancelled };
        let held = self.in_flight(key, |f| f.held);
        let pending = self.drop(key, &[Pending], select, fate) + self.drop(key, &held, select, fate);
        let empty: Vec<_> = held.into_iter().filter(|place| self.total(key, *place) == 0).collect();
        self.of(key).flights.retain(|f| !empty.contains(&InFlight(f.generation)));
        let mut notified = 0;
        for lane in lanes {
            let sent = [vec![Delivered(lane)], self.in_flight(key, |f| f.lane == lane && !f.held)].concat();
            let gone = self.remove(key, &sent, select, fate);
            let remaining = sent.into_iter().map(|place| self.total(key, place)).sum();
            if !gone.is_empty() && (cause == Cause::Cancelled || remaining == 0) {
                self.clear(key, lane, cause, &gone, remaining);
            }
            notified += gone.len() as u32;
        }
        self.tell_unread(key);
        self.finish(key);
        Retracted { pending, notified }
    }

    fn in_flight(&self, key: Key, which: impl Fn(&Flight) -> bool) -> Vec<Place> {
        let flights = self.entries.get(&key).into_iter().flat_map(|e| &e.flights);
        flights.filter(|f| which(f)).map(|f| InFlight(f.generation)).collect()
    }

    /// When it came, while it is kept by name. Of two pending with one id it is the later, while all of them are kept.
    fn time_of(&self, key: Key, id: EventId) -> Option<UnixTime> {
        let named = |place: Place| self.kept(key, place).filter(|o| o.event.id == id).map(|o| o.at);
        let exact = self.batch(key, Pending).all(|o| o.kept);
        let pending = if exact { named(Pending).last() } else { named(Pending).next() };
        let sent = [self.in_flight(key, |_| true), vec![DIGEST, Delivered(Lane::Urgent)]].concat();
        pending.or_else(|| sent.into_iter().flat_map(named).next())
    }

    /// `Ok`: it was delivered. Otherwise it failed, or is held until then.
    pub fn answer(&mut self, key: Key, generation: u64, verdict: Result<(), Option<UnixTime>>) -> Answered {
        let found = self.take_flight(key, |f| f.generation == generation && !f.held);
        let Some(flight) = found else { return Answered::Stale };
        match verdict {
            Err(held) => self.come_back(key, flight, held.map(|until| until.max(self.now))),
            Ok(()) => {
                self.of(key).failures *= u8::from(flight.lane == Lane::Urgent);
                self.deliver(key, InFlight(generation), flight.lane);
            }
        }
        self.finish(key);
        Answered::Settled
    }

    pub(super) fn take_flight(&mut self, key: Key, is_it: impl Fn(&Flight) -> bool) -> Option<Flight> {
        self.entries.get_mut(&key)?.flights.extract_if(.., |f| is_it(f)).next()
    }

    /// It did not arrive, or is held until then, or was held until now. What was read or cancelled meanwhile was so
    /// before it went.
    pub(super) fn come_back(&mut self, key: Key, mut flight: Flight, held: Option<UnixTime>) {
        self.events.iter_mut().filter(|o| o.sent == flight.generation).for_each(|o| o.sent = 0);
        let (place, digest) = (InFlight(flight.generation), flight.lane == Lane::Digest);
        let (attempts, failed) = (self.policy.attempts, held.is_none() && !flight.held);
        let failures = if digest { &mut self.of(key).failures } else { &mut flight.failures };
        *failures = failures.saturating_add(u8::from(failed));
        if failed && *failures > attempts {
            *failures = 0;
            self.drop(key, &[place], ALL, Fate::Expired);
            self.tell_unread(key);
        }
        match held {
            _ if self.total(key, place) == 0 => {}
            _ if digest => {
                self.move_to(key, place, Pending);
                self.keep_last(key, Pending, if self.keep() > 0 { self.keep() } else { usize::MAX });
                let old = self.entries[&key].wait;
                let again = if old.0 == Wait::Idle { (Wait::Turn, self.soon()) } else { old };
                self.of(key).wait = held.map_or(again, |until| (Wait::Held, until));
            }
            Some(until) => self.of(key).flights.push(Flight { until, held: true, ..flight }),
            // It is a single event: a ring has no business in a digest, and none after its time.
            None => {
                self.expire(key, place, self.policy.useful_for);
                if self.total(key, place) > 0 {
                    self.send(key, place, flight.lane, flight.failures);
                }
            }
        }
    }

    pub fn flush_now(&mut self, key: Key) -> bool {
        let goes = self.total(key, Pending) > 0 && self.hold(key).is_none();
        if goes {
            self.of(key).wait = (Wait::Turn, self.now);
        }
        goes
    }

    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
        let end = self.latest();
        let open = self.entries.values_mut().map(|e| &mut e.wait).filter(|wait| wait.0 == Wait::Open);
        open.for_each(|wait| wait.1 = wait.1.min(end));
        // At the time that was told under the old policy: the new tolerance is for what is told from now on.
        self.settle();
    }

    pub fn set_calendar(&mut self, calendar: (u32, bool), rate: Rate) -> u32 {
        self.calendar = calendar;
        let quiet = |e: &Entry| matches!(e.wait.0, Wait::Quiet | Wait::Held);
        let waits = |e: &Entry| quiet(e) || e.remind.2 || e.flights.iter().any(|f| f.held);
        let first = |key| self.batch(key, Pending).next().map(|o| o.at).unwrap_or_default();
        let waiting = self.entries.iter().filter(|(_, e)| waits(e));
        let row: BTreeSet<_> = waiting.map(|(key, e)| (first(*key), e.number, *key)).collect();
        for (n, (.., key)) in row.iter().enumerate() {
            let at = self.now + turn(n, rate);
            let e = self.entries.get_mut(key).unwrap();
            e.wait = if quiet(e) { (Wait::Turn, at) } else { e.wait };
            e.remind = if e.remind.2 { (at, e.remind.1, false) } else { e.remind };
            e.flights.iter_mut().filter(|f| f.held).for_each(|f| f.until = at);
        }
        row.len() as u32
    }

    /// Without letting anything happen that is due.
    pub fn recovered(&mut self, catch_up: CatchUp, now: UnixTime) {
        self.set_now(now);
        // By default they are due, that is all.
        let overdue = |key: &&Key| self.deadline(**key) <= self.now && self.total(**key, Pending) > 0;
        let late = self.entries.keys().filter(|key| catch_up != CatchUp::default() && overdue(key));
        let row: BTreeSet<_> =
            late.map(|key| (self.deadline(*key), self.entries[key].number, *key)).collect();
        for (n, (.., key)) in row.into_iter().enumerate() {
            if let Overdue::DropOlderThan(age) = catch_up.overdue {
                self.expire(key, Pending, Some(age));
            }
            if self.total(key, Pending) > 0 {
                let start = if catch_up.overdue == Overdue::Merge { self.soon() } else { self.now };
                self.of(key).wait = (Wait::Turn, start + turn(n, catch_up.rate));
            }
            self.finish(key);
        }
    }
}

/// How long it is until the turn of the one with this place in the row: so many at once, then so many more. It comes.
fn turn(place: usize, rate: Rate) -> Duration {
    rate.every.saturating_mul(place as u32 / rate.windows.max(1)).min(Duration::from_millis((1 << 62) - 1))
}
