//! The model, second part: what comes in. `time` is told first, always: what is due comes before what comes in.

use super::*;

impl Model {
    pub fn event(&mut self, event: Event<TestHost>) -> Fate {
        let (key, known) = (event.key, self.known(event.id));
        let e = self.entries.get(&key).copied().unwrap_or_default();
        let drops = self.policy.refractory.is_some_and(|r| r.excess == Excess::Drop) && !event.urgent;
        let is_memory = |key: &Key| self.memories.iter().any(|(memory, _)| memory == key);
        let live: Vec<_> = self.entries.keys().filter(|key| !is_memory(key)).collect();
        let fate = match known {
            _ if !live.contains(&&key) && live.len() >= self.limits.windows as usize => Fate::Refused,
            Some(true) => Fate::Cancelled,
            Some(false) => Fate::Duplicate,
            None if event.useful_until.is_some_and(|until| until < self.now) => Fate::Expired,
            None if event.seq != 0 && event.seq <= e.mark => Fate::ReadBefore,
            None if drops && e.resting.is_some_and(|until| self.now < until) => Fate::Throttled,
            None => Fate::Pending,
        };
        let dedup = self.policy.dedup.filter(|_| known.is_none() && fate != Fate::Refused);
        self.seen.extend(dedup.map(|dedup| (event.id, self.now + dedup, false)));
        if fate != Fate::Pending {
            self.list(event, Gone, false, fate);
            return fate;
        }
        self.of(key);
        let fate = self.place(key, event);
        self.finish(key);
        fate
    }

    /// Whether it was cancelled; or it came and counts still.
    fn known(&self, id: EventId) -> Option<bool> {
        self.seen.iter().filter(|seen| seen.0 == id && seen.1 > self.now).map(|seen| seen.2).max()
    }

    fn place(&mut self, key: Key, event: Event<TestHost>) -> Fate {
        let (class, wait) = (event.class, self.entries[&key].wait);
        if event.urgent && self.flights(key, |_| true).len() < 16 && self.quiet(key, class).is_none() {
            if self.policy.urgent == Urgent::Flush && !self.busy(key) && wait.0 != Wait::Held {
                self.add(key, event);
                self.expire(key, Pending, self.policy.useful_for);
                return self.flush(key);
            }
            self.list(event, InFlight(0), self.keep() > 0, Fate::Pending);
            return self.send(key, InFlight(0), Lane::Urgent, 0);
        }
        // What is held, and what waits for its turn, goes then and not before.
        let closes = !matches!(wait.0, Wait::Held | Wait::Turn);
        let pending = self.live(key, Pending);
        let bytes = u64::from(event.bytes) + bytes_of(&pending);
        let too_large = !pending.is_empty() && self.policy.max_bytes.is_some_and(|max| bytes > max.into());
        if closes && too_large {
            self.let_go(key);
        }
        let higher = class > self.class(key, Pending);
        self.add(key, event);
        let mut goes = closes && self.policy.max_items.is_some_and(|max| self.total(key, Pending) >= max);
        let (wait, end) = self.entries[&key].wait;
        if wait == Wait::Idle {
            self.of(key).wait = (Wait::Open, self.latest());
            goes |= self.policy.leading && self.hold(key).is_none();
        } else if wait == Wait::Quiet && higher {
            // It may pass where the others had to wait: all go after an ordinary wait, never later than they would have.
            let (wait, until) = self.quiet(key, class).unwrap_or_else(|| (Wait::Turn, self.soon()));
            self.of(key).wait = (wait, end.min(until));
        }
        if goes { self.let_go(key) } else { Fate::Pending }
    }

    fn list(&mut self, event: Event<TestHost>, place: Place, kept: bool, fate: Fate) {
        self.events.push(One { event, at: self.now, place, kept, fate, sent: 0 });
    }

    /// By name, if there is room for so many and so many bytes; the older ones of the key make room.
    fn add(&mut self, key: Key, event: Event<TestHost>) {
        let waits = |o: &One| matches!(o.place, InFlight(_)) || o.place == Pending && o.event.key != key;
        let others: Vec<_> = self.events.iter().filter(|o| o.kept && waits(o)).collect();
        let (own, size) = (self.kept(key, Pending), event.bytes.into());
        let keep = self.keep().min(own.len().max((self.limits.items as usize).saturating_sub(others.len())));
        let bytes = self.limits.bytes.saturating_sub(bytes_of(&others)).min(self.limits.bytes / 8);
        let fits = keep > 0 && size <= bytes;
        if keep > 0 && (own.len() >= keep || bytes_of(&own) + size > bytes) {
            // Half of them at once.
            let half = own.len().min(keep).div_ceil(2).saturating_sub(1);
            self.keep_last(key, Pending, if fits { half } else { 0 }, bytes.saturating_sub(size));
        }
        self.list(event, Pending, fits, Fate::Pending);
        // Where more than one actor had to be counted, there is something to remember.
        let counted = self.batch(key, Pending).any(|o| !o.kept) && self.actors(key, Pending).len() > 1;
        self.of(key).history |= counted && self.policy.actors > 1;
    }

    pub fn read(&mut self, key: Key, read: Read) -> Retracted {
        // Of a key that is not known anything may be shown.
        let known = self.entries.get(&key).map(|e| (e.mark, !self.forgot || e.known));
        let (mark, sure) = known.unwrap_or((0, false));
        let (seq, through) = match read {
            Read::UpTo(seq) if seq <= mark => return Retracted::default(),
            Read::UpTo(seq) => (seq, Some(NEVER)),
            Read::All => (u64::MAX, (self.unread(key) > 0).then_some(NEVER)),
            Read::Through(id) => (u64::MAX, self.time_of(key, id)),
        };
        if through.is_none() && sure && !self.in_any_doubt(key) {
            return Retracted::default();
        }
        self.of(key).mark = if let Read::UpTo(seq) = read { seq } else { mark };
        let select = |o: &One, _| o.event.seq <= seq && Some(o.at) <= through;
        self.retract(key, !sure, false, &select, Cause::Read)
    }

    pub fn cancel(&mut self, key: Key, what: Selector) -> Retracted {
        let one = matches!(what, Selector::Event(_));
        let (cancelled, meant) = match what {
            Selector::Event(id) => (self.cancel_id(id), self.time_of(key, id).is_some()),
            Selector::Kind(_) | Selector::All => (None, self.unread(key) > 0),
        };
        let unsure = match self.entries.get(&key) {
            Some(e) => self.forgot && !e.known && cancelled != Some(true) && !(one && meant),
            None => what == Selector::All || cancelled.map_or(self.forgot, |cancelled| !cancelled),
        };
        if !meant && !unsure && (one && cancelled == Some(true) || !self.in_any_doubt(key)) {
            return Retracted::default();
        }
        let select = |o: &One, named| match what {
            Selector::Event(id) => named && o.event.id == id,
            Selector::Kind(kind) => named && o.event.kind == kind,
            Selector::All => true,
        };
        self.retract(key, unsure, one && meant, &select, Cause::Cancelled)
    }

    /// Its event may come later. Returns what was known.
    fn cancel_id(&mut self, id: EventId) -> Option<bool> {
        let (now, until, known) = (self.now, self.now + self.policy.remember, self.known(id));
        let mut same = self.seen.iter_mut().filter(|seen| seen.0 == id && seen.1 > now);
        match known {
            Some(true) => same.filter(|seen| seen.2).for_each(|seen| seen.1 = seen.1.max(until)),
            _ if until > now => {
                let until = same.next().map_or(until, |came| came.1.max(until));
                // Of those that are over, two go for one that comes.
                for _ in 0..2 {
                    let first = self.seen.iter().position(|seen| seen.2);
                    first.filter(|n| self.seen[*n].1 <= now).map(|n| self.seen.remove(n));
                }
                self.seen.push((id, until, true));
            }
            _ => {}
        }
        known
    }

    /// Takes back what is meant; if it is unsure what is shown, also whatever that may be. A single event that is here is
    /// nowhere else.
    fn retract(
        &mut self,
        key: Key,
        unsure: bool,
        single: bool,
        select: Select<'_>,
        cause: Cause,
    ) -> Retracted {
        let (read, is_new) = (cause == Cause::Read, !self.entries.contains_key(&key));
        let e = self.of(key);
        // Of a cancel of what nothing is known of, nothing is remembered.
        (e.history, e.known) = (e.history || read || unsure && !is_new, e.known || read || unsure);
        e.told = if read && unsure { u32::MAX } else { e.told };
        let fate = if read { Fate::ReadBefore } else { Fate::Cancelled };
        let held = self.flights(key, |f| f.held);
        let waited = [self.drop(key, &[Pending], select, fate), self.drop(key, &held, select, fate)];
        let empty: Vec<_> = held.into_iter().filter(|place| self.total(key, *place) == 0).collect();
        self.flights.retain(|f| !empty.contains(&InFlight(f.generation)));
        let mut notified = 0;
        for lane in [Lane::Digest, Lane::Urgent] {
            let mut sent = self.flights(key, |f| f.lane == lane && !f.held);
            sent.insert(0, Delivered(lane));
            let before: u32 = sent.iter().map(|place| self.total(key, *place)).sum();
            let gone = self.remove(key, &sent, select, fate);
            let doubt = before == 0 && self.in_doubt(key, lane) && (!single || waited[lane as usize] > 0);
            let remaining = before - gone.len() as u32;
            // A ring that nothing is known of can only be shown if rings are sent.
            let shown = lane == Lane::Digest || self.policy.urgent == Urgent::Overtake;
            if doubt || unsure && before == 0 && shown || !gone.is_empty() && (!read || remaining == 0) {
                let events: Vec<_> = gone.iter().flatten().collect();
                let text = format!("clear {lane:?} {cause:?} {events:?} {remaining}");
                self.generation += 1;
                self.out.push(Out(key, Some(self.generation), text));
                self.of(key).silent[lane as usize] &= remaining > 0;
            }
            notified += gone.len() as u32;
        }
        self.tell_unread(key);
        self.finish(key);
        Retracted { pending: waited.iter().sum(), notified }
    }

    /// When it came, while it is kept by name. Of two pending with one id it is the later, while all of them are kept.
    fn time_of(&self, key: Key, id: EventId) -> Option<UnixTime> {
        let named = |place| self.kept(key, place).into_iter().filter(|o| o.event.id == id).map(|o| o.at);
        let exact = self.batch(key, Pending).all(|o| o.kept);
        let pending = if exact { named(Pending).max() } else { named(Pending).next() };
        let sent = [self.flights(key, |_| true), vec![DIGEST, Delivered(Lane::Urgent)]].concat();
        pending.or_else(|| sent.into_iter().flat_map(named).next())
    }

    /// Spans go with the clock; points stay. After a step back the calendar is asked again, and a tombstone counts again
    /// that was over by the clock that was wrong.
    pub fn step_clock(&mut self, was: UnixTime, is: UnixTime) {
        let was = was.max(self.now);
        let shift = |at: &mut UnixTime| {
            *at = if *at == NEVER { NEVER } else { *at + is.since(was) - was.since(is) };
        };
        self.seen.retain(|(_, until, cancelled)| *until > was || *cancelled && *until > is);
        self.seen.iter_mut().map(|(_, until, _)| until).filter(|until| **until > was).for_each(shift);
        self.events.iter_mut().for_each(|o| shift(&mut o.at));
        self.memories.iter_mut().for_each(|(_, since)| shift(since));
        self.flights.iter_mut().filter(|f| !f.held).for_each(|f| shift(&mut f.until));
        for Entry { wait, resting, level, before, remind, .. } in self.entries.values_mut() {
            let wait = (!matches!(wait.0, Wait::Quiet | Wait::Held)).then_some(&mut wait.1);
            let remind = remind.as_mut().filter(|remind| !remind.2).map(|(at, ..)| at);
            let [level, before] = [level, before].map(|level| level.as_mut().map(|(_, since)| since));
            [wait, remind, level, before, resting.as_mut()].into_iter().flatten().for_each(shift);
        }
        if is < was {
            self.ask_again(false, |_| true, is, Rate::UNLIMITED);
        }
        self.now = is;
    }

    /// `Ok`: it was delivered. Otherwise it failed, or is held until then.
    pub fn answer(&mut self, key: Key, generation: u64, verdict: Result<(), Option<UnixTime>>) -> Answered {
        let found = self.take_flight(|f| f.key == key && f.generation == generation && !f.held);
        let Some(flight) = found else { return Answered::Stale };
        if let (Err(Some(_)), Lane::Digest) = (verdict, flight.lane) {
            // It was not sent: nobody has to be left alone because of it.
            let (now, refractory) = (self.now, self.policy.refractory);
            let e = self.of(key);
            e.level = e.before;
            let until = |(level, since)| refractory.map(|r| since + r.period(level));
            e.resting = e.level.and_then(until).filter(|until| *until > now);
        }
        match verdict {
            Err(held) => self.come_back(key, flight, held.map(|until| until.max(self.now))),
            Ok(()) => {
                self.of(key).failures *= u8::from(flight.lane == Lane::Urgent);
                self.deliver(key, generation, flight.lane);
            }
        }
        self.finish(key);
        Answered::Settled
    }

    /// Nobody said whether it arrived, or it was held until now.
    pub(super) fn time_out(&mut self, key: Key, flight: Flight) {
        let any = self.total(key, InFlight(flight.generation)) > 0;
        self.of(key).silent[flight.lane as usize] |= any && !flight.held;
        self.come_back(key, flight, None);
    }

    /// What may be shown of a lane, though nobody said so, and nothing that is known or will be.
    fn in_doubt(&self, key: Key, lane: Lane) -> bool {
        let sent = [self.flights(key, |f| f.lane == lane && !f.held), vec![Delivered(lane)]].concat();
        let replaced = lane == Lane::Digest && self.total(key, Pending) > 0;
        let silent = self.entries.get(&key).is_some_and(|e| e.silent[lane as usize]);
        silent && !replaced && sent.into_iter().all(|place| self.total(key, place) == 0)
    }
    fn in_any_doubt(&self, key: Key) -> bool {
        self.in_doubt(key, Lane::Digest) || self.in_doubt(key, Lane::Urgent)
    }

    /// It did not arrive, or is held until then, or was held until now. What was read or cancelled meanwhile was so
    /// before it went.
    pub(super) fn come_back(&mut self, key: Key, mut flight: Flight, held: Option<UnixTime>) {
        let (generation, place) = (flight.generation, InFlight(flight.generation));
        let (digest, attempts) = (flight.lane == Lane::Digest, self.policy.attempts);
        self.events.iter_mut().filter(|o| o.sent == generation).for_each(|o| o.sent = 0);
        if held.is_none() && !flight.held {
            let failures = if digest { &mut self.of(key).failures } else { &mut flight.failures };
            *failures += 1;
            if *failures > attempts {
                *failures = 0;
                self.drop(key, &[place], ALL, Fate::Expired);
                self.tell_unread(key);
            }
        }
        if self.total(key, place) == 0 {
            return;
        }
        if digest {
            self.batch_mut(key, place).for_each(|o| o.place = Pending);
            if self.keep() > 0 {
                self.keep_last(key, Pending, self.keep(), self.limits.bytes / 8);
            }
            let wait = self.entries[&key].wait;
            let again = if wait.0 == Wait::Idle { (Wait::Turn, self.soon()) } else { wait };
            self.of(key).wait = held.map_or(again, |until| (Wait::Held, until));
        } else if let Some(until) = held {
            self.flights.push(Flight { until, held: true, ..flight });
        } else {
            // It is a single event: a ring has no business in a digest, and none after its time.
            let newer = self.flights(key, |f| f.lane == flight.lane && f.generation > generation);
            if self.entries[&key].rang > generation || newer.iter().any(|place| self.total(key, *place) > 0) {
                self.drop(key, &[place], ALL, Fate::Superseded);
            }
            self.expire(key, place, self.policy.useful_for);
            if self.total(key, place) > 0 {
                self.send(key, place, flight.lane, flight.failures);
            }
        }
    }

    pub fn flush_now(&mut self, key: Key) -> bool {
        let held = |model: &Self| model.entries[&key].wait.0 == Wait::Held || model.hold(key).is_some();
        let goes = self.total(key, Pending) > 0 && !held(self);
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

    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.evict(Duration::MAX);
    }

    /// What waits for the calendar; what was held by somebody above does not.
    pub fn ask_again(&mut self, held: bool, whom: impl Fn(Key) -> bool, now: UnixTime, rate: Rate) -> u32 {
        let waits = |e: &Entry| e.wait.0 == Wait::Quiet || held && e.wait.0 == Wait::Held;
        let ring = |f: &Flight, key| held && f.held && f.key == key;
        let first = |key| {
            let (e, first) = (&self.entries[&key], self.batch(key, Pending).next());
            let any = waits(e) || e.remind.is_some_and(|remind| remind.2);
            let any = any || self.flights.iter().any(|f| ring(f, key));
            (any && whom(key)).then(|| first.map(|o| o.at).unwrap_or_default())
        };
        let row = self.row(first);
        for (n, (_, key)) in row.iter().enumerate() {
            let at = now + turn(n, rate);
            let e = self.entries.get_mut(key).unwrap();
            e.wait = if waits(e) { (Wait::Turn, at) } else { e.wait };
            e.remind = e.remind.map(|(old, step, quiet)| (if quiet { at } else { old }, step, false));
            self.flights.iter_mut().filter(|f| ring(f, *key)).for_each(|f| f.until = at);
        }
        row.len() as u32
    }

    /// Without letting anything happen that is due.
    pub fn recovered(&mut self, catch_up: CatchUp, now: UnixTime) {
        self.set_now(now);
        if catch_up == CatchUp::default() {
            // They are due, that is all.
            return;
        }
        let now = self.now;
        let digest = |f: &Flight, key| f.key == key && f.lane == Lane::Digest && f.until <= now;
        let overdue = |key| {
            let window = if self.total(key, Pending) > 0 { self.deadline(key) } else { NEVER };
            let answer = self.flights.iter().find(|f| digest(f, key)).map_or(NEVER, |f| f.until);
            Some(window.min(answer).min(self.reminder(key))).filter(|at| *at <= now)
        };
        for (n, (_, key)) in self.row(overdue).into_iter().enumerate() {
            let turn = turn(n, catch_up.rate);
            let closed = matches!(self.entries[&key].wait.0, Wait::Idle | Wait::InFlight);
            let late = self.take_flight(|f| digest(f, key));
            late.into_iter().for_each(|flight| self.time_out(key, flight));
            let any = |model: &Self| model.total(key, Pending) > 0;
            let goes = any(self) && (closed && late.is_some() || self.deadline(key) <= now);
            if let (Overdue::DropOlderThan(age), true) = (catch_up.overdue, goes) {
                self.expire(key, Pending, Some(age));
            }
            if goes && any(self) {
                let start = if catch_up.overdue == Overdue::Merge { self.soon() } else { now };
                self.of(key).wait = (Wait::Turn, start + turn);
            }
            if self.reminder(key) <= now {
                let e = self.of(key);
                e.remind = e.remind.map(|(_, step, _)| (now + turn, step, false));
            }
            self.finish(key);
        }
    }
}

/// How long it is until the turn of the one with this place in the row: so many at once, then so many more. It comes.
fn turn(place: usize, rate: Rate) -> Duration {
    rate.every.saturating_mul(place as u32 / rate.windows.max(1)).min(Duration::from_millis((1 << 62) - 1))
}
