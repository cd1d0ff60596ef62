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
            self.push(event, Gone, (0, 0), fate);
            return fate;
        }
        self.of(key);
        let fate = self.place(key, event);
        self.finish(key);
        fate
    }

    fn known(&self, id: EventId) -> Option<(EventId, UnixTime, bool)> {
        let stands = |seen: &&(EventId, UnixTime, bool)| seen.0 == id && seen.1 > self.now;
        self.seen.iter().filter(stands).max_by_key(|(.., cancelled)| *cancelled).copied()
    }

    fn place(&mut self, key: Key, event: Event<TestHost>) -> Fate {
        let class = event.class;
        if event.urgent && self.entries[&key].flights.len() < 16 && self.quiet(key, class).is_none() {
            let free = !self.busy(key) && self.entries[&key].wait.0 != Wait::Held;
            if self.policy.urgent == Urgent::Flush && free {
                self.add(key, event);
                self.expire(key, Pending, self.policy.useful_for);
                return self.flush(key);
            }
            self.push(event, InFlight(0), (self.keep().min(1), u64::MAX), Fate::Pending);
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
        let waits = |o: &&One| o.kept && matches!(o.place, Pending | InFlight(_));
        let all: Vec<_> = self.events.iter().filter(waits).map(|o| u64::from(o.event.bytes)).collect();
        let own = self.kept_bytes(key, Pending);
        let bytes = (self.limits.bytes + own).saturating_sub(all.iter().sum()).min(self.limits.bytes / 8);
        let room = all.len() < self.limits.items as usize;
        let most = if room { usize::MAX } else { self.kept(key, Pending).count() };
        self.push(event, Pending, (self.keep().min(most), bytes), Fate::Pending);
        // Where more than one actor had to be counted, there is something to remember.
        let actors: BTreeSet<_> = self.batch(key, Pending).map(|o| o.event.actor).collect();
        let counted = self.batch(key, Pending).any(|o| !o.kept) && actors.len() > 1;
        self.of(key).history |= counted && self.policy.actors > 1;
    }

    /// By name, if there is room for so many and so many bytes; the older ones make room.
    fn push(&mut self, event: Event<TestHost>, place: Place, (keep, bytes): (usize, u64), fate: Fate) {
        let (key, own) = (event.key, self.kept(event.key, place).count());
        let rest = bytes.checked_sub(event.bytes.into()).filter(|_| keep > 0);
        if keep > 0 && (own >= keep || rest.is_none_or(|rest| self.kept_bytes(key, place) > rest)) {
            let half = own.min(keep).div_ceil(2).saturating_sub(1);
            self.keep_last(key, place, rest.map_or(0, |_| half), rest.unwrap_or_default());
        }
        self.events.push(One { event, at: self.now, place, kept: rest.is_some(), fate, sent: 0 });
    }

    pub fn read(&mut self, key: Key, read: Read) -> Retracted {
        let Some(mark) = self.entries.get(&key).map(|e| e.mark) else {
            self.clear_unknown(key, Cause::Read);
            self.out.push(Out(key, None, "unread 0".into()));
            if !self.policy.remember.is_zero() {
                let mark = if let Read::UpTo(seq) = read { seq } else { 0 };
                let e = self.of(key);
                (e.mark, e.known, e.history) = (mark, true, true);
                self.finish(key);
            }
            return Retracted::default();
        };
        // Up to which number and which time.
        let takes = match read {
            Read::UpTo(seq) if seq <= mark => return Retracted::default(),
            Read::UpTo(seq) => Some((seq, NEVER)),
            Read::All => (self.unread(key) > 0).then_some((u64::MAX, NEVER)),
            Read::Through(id) => self.time_of(key, id).map(|at| (u64::MAX, at)),
        };
        let unsure = self.forgot && !self.entries[&key].known;
        if takes.is_none() && !unsure {
            return Retracted::default();
        }
        if let Read::UpTo(seq) = read {
            self.of(key).mark = seq;
        }
        let select = |o: &One, _| takes.is_some_and(|(seq, until)| o.event.seq <= seq && o.at <= until);
        self.retract(key, unsure, &select, Cause::Read)
    }

    pub fn cancel(&mut self, key: Key, what: Selector) -> Retracted {
        let (now, mut came, mut meant) =
            (self.now, what == Selector::All || self.forgot, self.unread(key) > 0);
        let mut unsure = self.forgot && self.entries.get(&key).is_some_and(|e| !e.known);
        if let Selector::Event(id) = what {
            let (known, until) = (self.known(id), now + self.policy.remember);
            meant = self.time_of(key, id).is_some();
            came = known.map_or(self.forgot, |(.., cancelled)| !cancelled);
            unsure &= !meant && known.is_none_or(|(.., cancelled)| !cancelled);
            let tombstone = |seen: &&mut (EventId, UnixTime, bool)| seen.0 == id && seen.1 > now && seen.2;
            if let Some(seen) = self.seen.iter_mut().find(tombstone) {
                seen.1 = seen.1.max(until);
            } else if until > now {
                // Of those that are over, two go for one that comes.
                for _ in 0..2 {
                    let first = self.seen.iter().position(|seen| seen.2);
                    first.filter(|n| self.seen[*n].1 <= now).map(|n| self.seen.remove(n));
                }
                self.seen.push((id, known.map_or(until, |(_, came, _)| came.max(until)), true));
            }
        }
        if came && !self.entries.contains_key(&key) {
            self.clear_unknown(key, Cause::Cancelled);
        }
        if !self.entries.contains_key(&key) || !meant && !unsure {
            return Retracted::default();
        }
        let select = |o: &One, named| match what {
            Selector::Event(id) => named && o.event.id == id,
            Selector::Kind(kind) => named && o.event.kind == kind,
            Selector::All => true,
        };
        self.retract(key, unsure, &select, Cause::Cancelled)
    }

    fn clear_unknown(&mut self, key: Key, cause: Cause) {
        self.lanes().iter().for_each(|lane| self.clear(key, *lane, cause, &[], 0));
    }

    /// Those in which anything can be shown of which nothing is known.
    fn lanes(&self) -> &'static [Lane] {
        if self.policy.urgent == Urgent::Flush { &[Lane::Digest] } else { &[Lane::Digest, Lane::Urgent] }
    }

    fn clear(&mut self, key: Key, lane: Lane, cause: Cause, gone: &[Option<Named>], remaining: u32) {
        let events: Vec<_> = gone.iter().flatten().collect();
        self.number(key, format!("clear {lane:?} {cause:?} {events:?} {remaining}"));
    }

    /// Takes back what is meant; if it is unsure what is shown, also whatever that may be.
    fn retract(&mut self, key: Key, unsure: bool, select: Select<'_>, cause: Cause) -> Retracted {
        let (read, e) = (cause == Cause::Read, self.of(key));
        (e.history, e.known) = (e.history || read || unsure, e.known || read || unsure);
        let fate = if read { Fate::ReadBefore } else { Fate::Cancelled };
        let held = self.in_flight(key, |f| f.held);
        let pending = self.drop(key, &[Pending], select, fate) + self.drop(key, &held, select, fate);
        let empty: Vec<_> = held.into_iter().filter(|place| self.total(key, *place) == 0).collect();
        self.of(key).flights.retain(|f| !empty.contains(&InFlight(f.generation)));
        let mut notified = 0;
        for lane in [Lane::Digest, Lane::Urgent] {
            let sent = [vec![Delivered(lane)], self.in_flight(key, |f| f.lane == lane && !f.held)].concat();
            let total = |model: &Self| sent.iter().map(|place| model.total(key, *place)).sum::<u32>();
            let unknown = unsure && total(self) == 0 && self.lanes().contains(&lane);
            let gone = self.remove(key, &sent, select, fate);
            let remaining = total(self);
            if unknown || !gone.is_empty() && (!read || remaining == 0) {
                self.clear(key, lane, cause, &gone, remaining);
            }
            notified += gone.len() as u32;
        }
        if read && unsure {
            self.of(key).told = u32::MAX;
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
                self.deliver(key, InFlight(generation), flight.lane, generation);
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
                if self.keep() > 0 {
                    self.keep_last(key, Pending, self.keep(), self.limits.bytes / 8);
                }
                let old = self.entries[&key].wait;
                let again = if old.0 == Wait::Idle { (Wait::Turn, self.soon()) } else { old };
                self.of(key).wait = held.map_or(again, |until| (Wait::Held, until));
            }
            Some(until) => self.of(key).flights.push(Flight { until, held: true, ..flight }),
            // It is a single event: a ring has no business in a digest, and none after its time.
            None => {
                let newer = |f: &Flight| f.lane == flight.lane && f.generation > flight.generation;
                let newer = self.in_flight(key, newer).iter().any(|place| self.total(key, *place) > 0);
                if flight.superseded || newer {
                    self.drop(key, &[place], ALL, Fate::Superseded);
                    return self.tell_unread(key);
                }
                self.expire(key, place, self.policy.useful_for);
                if self.total(key, place) > 0 {
                    self.send(key, place, flight.lane, flight.failures);
                }
            }
        }
    }

    pub fn flush_now(&mut self, key: Key) -> bool {
        let held = self.entries.get(&key).is_some_and(|e| e.wait.0 == Wait::Held);
        let goes = self.total(key, Pending) > 0 && !held && self.hold(key).is_none();
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
        self.ask_again(false, self.now, rate)
    }

    /// What waits for the calendar; what was held by somebody above does not.
    pub fn ask_again(&mut self, held: bool, now: UnixTime, rate: Rate) -> u32 {
        let quiet = |e: &Entry| e.wait.0 == Wait::Quiet || held && e.wait.0 == Wait::Held;
        let waits = |e: &Entry| quiet(e) || e.remind.2 || held && e.flights.iter().any(|f| f.held);
        let first = |key| self.batch(key, Pending).next().map(|o| o.at).unwrap_or_default();
        let waiting = self.entries.iter().filter(|(_, e)| waits(e));
        let row: BTreeSet<_> = waiting.map(|(key, e)| (first(*key), e.number, *key)).collect();
        for (n, (.., key)) in row.iter().enumerate() {
            let at = now + turn(n, rate);
            let e = self.entries.get_mut(key).unwrap();
            e.wait = if quiet(e) { (Wait::Turn, at) } else { e.wait };
            e.remind = if e.remind.2 { (at, e.remind.1, false) } else { e.remind };
            e.flights.iter_mut().filter(|f| held && f.held).for_each(|f| f.until = at);
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
