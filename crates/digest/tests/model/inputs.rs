//! The model, second part: what comes in. `time` is told first, always: what is due comes before what comes in.

use super::*;

impl Model {
    pub fn event(&mut self, event: Event<TestHost>) -> Result<Fate, Limit> {
        let known = self.seen.iter().find(|(id, until, _)| *id == event.id && *until > self.now);
        let found = self.entries.get(&event.key);
        let drops = self.policy.refractory.is_some_and(|r| r.excess == Excess::Drop) && !event.urgent;
        let full = self.active() >= self.limits.windows as usize;
        let fate = match (known, found) {
            _ if full && found.is_none_or(|e| e.memory.is_some()) => Fate::Refused,
            (Some((.., true)), _) => Fate::Cancelled,
            (Some((.., false)), _) => Fate::Duplicate,
            _ if event.useful_until.is_some_and(|until| until.as_millis() < self.now) => Fate::Expired,
            (_, Some(e)) if event.seq != 0 && event.seq <= e.mark => Fate::ReadBefore,
            (_, Some(e)) if drops && e.resting.is_some_and(|until| self.now < until) => Fate::Throttled,
            _ => Fate::Pending,
        };
        if let (None, Some(dedup)) = (known, self.policy.dedup.filter(|_| fate != Fate::Refused)) {
            self.seen.push((event.id, after(self.now, dedup).min(NEVER - 1), false));
        }
        if fate == Fate::Pending {
            let key = event.key;
            self.wake(key);
            let fate = self.place(key, event);
            self.finish(key);
            return Ok(fate);
        }
        self.push(event, Gone, 0, fate);
        if fate == Fate::Refused { Err(Limit::Windows) } else { Ok(fate) }
    }

    fn place(&mut self, key: Key, event: Event<TestHost>) -> Fate {
        let (class, e) = (event.class, &self.entries[&key]);
        if event.urgent && e.flights.len() < 16 && self.quiet(key, class).is_none() {
            if self.policy.urgent == Urgent::Flush && !e.busy() {
                self.add(key, event);
                self.drop_pending(key, self.policy.useful_for);
                return self.flush(key);
            }
            self.push(event, InFlight(0), self.keep().min(1), Fate::Pending);
            return self.send(key, InFlight(0), Lane::Urgent, 0);
        }
        // What is held, and what waits for its turn, goes then and not before.
        let may_close = |m: &Self| !matches!(m.entries[&key].wait, Wait::Held(_) | Wait::Turn(_));
        let bytes = self.bytes(key, Pending) + event.bytes;
        let too_large = self.total(key, Pending) > 0 && self.policy.max_bytes.is_some_and(|max| bytes > max);
        if may_close(self) && too_large {
            self.let_go(key);
        }
        let (closes, higher) = (may_close(self), class > self.class(key, Pending));
        self.add(key, event);
        match self.entries[&key].wait {
            Wait::Idle => {
                self.of(key).wait = Wait::Open(after(self.now, self.waits().1));
                if self.policy.leading && self.hold(key).is_none() {
                    return self.flush(key);
                }
            }
            // It may pass where the others had to wait: all go after an ordinary wait, never later than they would have.
            Wait::Quiet(end) if higher => match self.quiet(key, class) {
                None => self.of(key).wait = Wait::Turn(end.min(after(self.now, self.waits().0))),
                Some((AtEnd::Merge, until)) => self.of(key).wait = Wait::Quiet(end.min(until)),
                Some((AtEnd::Drop, _)) => {}
            },
            _ => {}
        }
        match self.policy.max_items {
            Some(max) if closes && self.total(key, Pending) >= max => self.let_go(key),
            _ => Fate::Pending,
        }
    }

    fn add(&mut self, key: Key, event: Event<TestHost>) {
        let waits = || self.events.iter().filter(|o| matches!(o.place, Pending | InFlight(_)));
        let bytes =
            waits().filter(|o| o.fate == Fate::Pending).map(|o| u64::from(o.event.bytes)).sum::<u64>();
        let room = waits().filter(|o| o.kept).count() < self.limits.items as usize
            && bytes + u64::from(event.bytes) <= self.limits.bytes;
        let most = if room { usize::MAX } else { self.kept(key, Pending).count() };
        self.push(event, Pending, self.keep().min(most), Fate::Pending);
        let mut actors: Vec<u64> = self.batch(key, Pending).map(|o| o.event.actor).collect();
        actors.dedup();
        let counts = self.policy.actors > 1 && !self.exact(key, Pending) && actors.len() > 1;
        self.of(key).history |= counts;
    }

    fn push(&mut self, event: Event<TestHost>, place: Place, keep: usize, fate: Fate) {
        if keep > 0 && self.kept(event.key, place).count() >= keep {
            self.keep_last(event.key, place, keep.div_ceil(2) - 1);
        }
        self.events.push(One { event, at: self.now, place, kept: keep > 0, fate, sent: 0 });
    }

    pub fn read(&mut self, key: Key, read: Read) -> Retracted {
        let select: Option<Select> = match (read, self.entries.get(&key)) {
            (Read::UpTo(mark), Some(e)) if mark > e.mark => Some(Box::new(move |o, _| o.event.seq <= mark)),
            (Read::All, Some(_)) if self.unread(key) > 0 => Some(all()),
            (Read::Through(id), Some(_)) => {
                self.time_of(key, id).map(|at| -> Select { Box::new(move |o, _| o.at <= at) })
            }
            (Read::UpTo(_) | Read::All, None) => {
                self.clear_unknown(key, Cause::Read);
                (!self.policy.remember.is_zero()).then(all)
            }
            _ => None,
        };
        let Some(select) = select else { return Retracted::default() };
        let e = self.wake(key);
        e.mark = if let Read::UpTo(mark) = read { mark } else { e.mark };
        e.history = true;
        self.retract(key, &select, Cause::Read)
    }

    pub fn cancel(&mut self, key: Key, what: Selector) -> Retracted {
        let (mut select, mut meant, mut came) = (all(), self.unread(key) > 0, what == Selector::All);
        if let Selector::Kind(kind) = what {
            select = Box::new(move |o, named| named && o.event.kind == kind);
        }
        if let Selector::Event(id) = what {
            let known = self.seen.iter().find(|(known, until, _)| *known == id && *until > self.now).copied();
            select = Box::new(move |o, named| named && o.event.id == id);
            meant = self.time_of(key, id).is_some();
            came = known.is_some_and(|(.., cancelled)| !cancelled);
            let until = after(self.now, self.policy.remember).min(NEVER - 1);
            if until > self.now {
                self.seen.retain(|(known, ..)| *known != id);
                self.seen.push((id, known.map_or(until, |(_, old, _)| old.max(until)), true));
            }
        }
        if came && !self.entries.contains_key(&key) {
            self.clear_unknown(key, Cause::Cancelled);
        }
        if !meant {
            return Retracted::default();
        }
        self.wake(key);
        self.retract(key, &select, Cause::Cancelled)
    }

    fn clear_unknown(&mut self, key: Key, cause: Cause) {
        self.clear(key, Lane::Digest, cause, &[], 0);
        if self.policy.urgent != Urgent::Flush {
            self.clear(key, Lane::Urgent, cause, &[], 0);
        }
    }

    fn clear(&mut self, key: Key, lane: Lane, cause: Cause, events: &[(EventId, u16)], remaining: u32) {
        let text = format!("clear {lane:?} {cause:?} {events:?} {remaining}");
        self.generation += 1;
        self.out.push(Out(key, Some(self.generation), text));
    }

    fn retract(&mut self, key: Key, select: &Select, cause: Cause) -> Retracted {
        let fate = if cause == Cause::Read { Fate::ReadBefore } else { Fate::Cancelled };
        let mut pending = self.drop(key, &[Pending], select, fate);
        if pending > 0 {
            self.emptied(key);
        }
        let held = self.in_flight(key, |f| f.held);
        pending += self.drop(key, &held, select, fate);
        let empty: Vec<_> = held.into_iter().filter(|place| self.total(key, *place) == 0).collect();
        self.of(key).flights.retain(|f| !empty.contains(&InFlight(f.generation)));
        let mut notified = 0;
        for lane in [Lane::Digest, Lane::Urgent] {
            let mut sent = vec![Delivered(lane)];
            sent.extend(self.in_flight(key, |f| f.lane == lane && !f.held));
            let (gone, count) = self.remove(key, &sent, select, fate);
            let remaining = sent.into_iter().map(|place| self.total(key, place)).sum();
            if count > 0 && (cause == Cause::Cancelled || remaining == 0) {
                self.clear(key, lane, cause, &gone, remaining);
            }
            notified += count;
        }
        self.tell_unread(key);
        self.finish(key);
        Retracted { pending, notified }
    }

    fn in_flight(&self, key: Key, which: impl Fn(&Flight) -> bool) -> Vec<Place> {
        let flights = self.entries[&key].flights.iter().filter(|f| which(f));
        flights.map(|f| InFlight(f.generation)).collect()
    }

    /// Under a leading edge an empty window stays: it keeps the next notification at its distance.
    fn emptied(&mut self, key: Key) {
        let stays = self.policy.leading && matches!(self.entries[&key].wait, Wait::Open(_));
        if self.total(key, Pending) == 0 && !stays {
            self.of(key).wait = Wait::Idle;
        }
    }

    /// When it came, while it is kept by name.
    fn time_of(&self, key: Key, id: EventId) -> Option<u64> {
        self.entries.get(&key)?;
        let named = |place: Place| self.kept(key, place).filter(|o| o.event.id == id).map(|o| o.at);
        // Of two with one id it is the later, while no pending event is only counted.
        let exact = self.exact(key, Pending);
        let pending = if exact { named(Pending).last() } else { named(Pending).next() };
        let mut sent = self.in_flight(key, |_| true);
        sent.extend([Delivered(Lane::Digest), Delivered(Lane::Urgent)]);
        pending.or_else(|| sent.into_iter().flat_map(named).next())
    }

    pub fn answer(&mut self, key: Key, generation: u64, verdict: Verdict) -> Answered {
        let found = self.take_flight(key, |f| f.generation == generation && !f.held);
        let Some(flight) = found else { return Answered::Stale };
        match verdict {
            Verdict::Delivered => {
                self.of(key).failures *= u8::from(flight.lane == Lane::Urgent);
                self.deliver(key, InFlight(generation), flight.lane);
                self.release(key);
            }
            Verdict::Failed => self.come_back(key, flight, None),
            Verdict::Held(until) => self.come_back(key, flight, Some(until.as_millis().max(self.now))),
        }
        self.finish(key);
        Answered::Settled
    }

    /// It did not arrive, or is held until then. What was read or cancelled meanwhile was so before it went.
    pub(super) fn come_back(&mut self, key: Key, mut flight: Flight, held: Option<u64>) {
        self.events.iter_mut().filter(|o| o.sent == flight.generation).for_each(|o| o.sent = 0);
        let (place, digest) = (InFlight(flight.generation), flight.lane == Lane::Digest);
        let (attempts, soon) = (self.policy.attempts, Wait::Turn(after(self.now, self.waits().0)));
        let failures = if digest { &mut self.of(key).failures } else { &mut flight.failures };
        *failures = failures.saturating_add(u8::from(held.is_none()));
        if held.is_none() && *failures > attempts {
            *failures = 0;
            self.drop(key, &[place], &all(), Fate::Expired);
            self.tell_unread(key);
        } else if self.total(key, place) > 0 && digest {
            self.move_to(key, place, Pending);
            self.keep_last(key, Pending, if self.keep() > 0 { self.keep() } else { usize::MAX });
            let old = self.of(key).wait;
            self.of(key).wait = held.map_or(if old == Wait::Idle { soon } else { old }, Wait::Held);
        } else if let Some(until) = held.filter(|_| self.total(key, place) > 0) {
            (flight.held, flight.until) = (true, until);
            self.of(key).flights.push(flight);
        } else if !digest {
            self.send_again(key, &flight);
        }
        self.release(key);
    }

    pub(super) fn send_again(&mut self, key: Key, flight: &Flight) {
        let place = InFlight(flight.generation);
        let expired = self.drop_useless(key, place, self.policy.useful_for);
        if self.total(key, place) > 0 {
            self.send(key, place, flight.lane, flight.failures);
        }
        if expired {
            self.tell_unread(key);
        }
    }

    pub fn flush_now(&mut self, key: Key) -> bool {
        let goes = self.total(key, Pending) > 0 && self.hold(key).is_none();
        if goes {
            self.of(key).wait = Wait::Turn(self.now);
        }
        goes
    }

    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
        let end = after(self.now, self.waits().1);
        for e in self.entries.values_mut() {
            if let Wait::Open(old) = &mut e.wait {
                *old = end.min(*old);
            }
        }
        // At the time that was told under the old policy: the new tolerance is for what is told from now on.
        self.settle();
    }

    pub fn set_calendar(&mut self, calendar: (u32, bool), rate: Rate) -> u32 {
        self.calendar = calendar;
        let quiet = |e: &Entry| matches!(e.wait, Wait::Quiet(_) | Wait::Held(_));
        let waits = |e: &Entry| quiet(e) || e.remind.2 || e.flights.iter().any(|f| f.held);
        let mut waiting: Vec<_> =
            self.entries.iter().filter(|(_, e)| waits(e)).map(|(key, _)| *key).collect();
        let first = |key: Key| self.batch(key, Pending).next().map_or(0, |o| o.at);
        waiting.sort_by_key(|key| (first(*key), self.entries[key].number));
        for (n, key) in waiting.iter().enumerate() {
            let at = after(self.now, turn(n, rate));
            let e = self.of(*key);
            e.wait = if quiet(e) { Wait::Turn(at) } else { e.wait };
            e.remind = if e.remind.2 { (at, e.remind.1, false) } else { e.remind };
            e.flights.iter_mut().filter(|f| f.held).for_each(|f| f.until = at);
        }
        waiting.len() as u32
    }

    /// Without letting anything happen that is due.
    pub fn recovered(&mut self, catch_up: CatchUp, now: UnixTime) {
        self.set_now(now);
        if catch_up == CatchUp::default() {
            return;
        }
        let overdue = |key: &Key| self.total(*key, Pending) > 0 && self.deadline(*key) <= self.now;
        let mut keys: Vec<_> = self.entries.keys().copied().filter(overdue).collect();
        keys.sort_by_key(|key| (self.deadline(*key), self.entries[key].number));
        for (n, key) in keys.into_iter().enumerate() {
            if let Overdue::DropOlderThan(age) = catch_up.overdue {
                self.drop_pending(key, Some(age));
                self.emptied(key);
            }
            if self.total(key, Pending) > 0 {
                let wait = if catch_up.overdue == Overdue::Merge { self.waits().0 } else { Duration::ZERO };
                let at = after(self.now, wait).saturating_add(ms(turn(n, catch_up.rate)));
                self.of(key).wait = Wait::Turn(at.min(NEVER - 1));
            }
            self.finish(key);
        }
    }
}

/// How long it is until the turn of the one with this place in the row: so many at once, then so many more. It comes.
fn turn(place: usize, rate: Rate) -> Duration {
    rate.every.saturating_mul(place as u32 / rate.windows.max(1)).min(Duration::from_millis(END - 1))
}
