//! The naive model, second part: what comes in.

use super::*;

impl Model {
    pub fn event(&mut self, event: Event<TestHost>, now: UnixTime) -> Result<Fate, Limit> {
        self.time(now);
        self.ledger.events += 1;
        let found = self.entries.iter().find(|e| e.key == event.key);
        if found.is_none_or(|e| e.memory.is_some()) && self.live() >= self.limits.windows as usize {
            self.ledger.refused += 1;
            return Err(Limit::Windows);
        }
        self.seen.retain(|(_, until, _)| *until > self.now);
        let known = self.seen.iter().find(|(id, ..)| *id == event.id).map(|(.., cancelled)| *cancelled);
        let fate = known.map(|cancelled| if cancelled { Fate::Cancelled } else { Fate::Duplicate });
        if let (None, Some(dedup)) = (fate, self.policy.dedup.filter(|dedup| !dedup.is_zero())) {
            self.seen.push((event.id, after(self.now, dedup).min(NEVER - 1), false));
        }
        let drops = self.policy.refractory.is_some_and(|r| r.excess == Excess::Drop) && !event.urgent;
        let fate = fate.or_else(|| match found {
            _ if event.useful_until.is_some_and(|until| until.as_millis() < self.now) => Some(Fate::Expired),
            Some(e) if event.seq != 0 && event.seq <= e.mark => Some(Fate::ReadBefore),
            Some(e) if drops && e.refractory.is_some_and(|r| self.now < r.1) => Some(Fate::Throttled),
            _ => None,
        });
        if let Some(fate) = fate {
            *self.sum(fate) += 1;
            return Ok(fate);
        }
        let mut e = self.take(event.key).unwrap_or_else(|| self.new_entry(event.key));
        let fate = self.place(&mut e, event);
        self.finish(e);
        Ok(fate)
    }

    fn place(&mut self, e: &mut Entry, event: Event<TestHost>) -> Fate {
        self.ledger.pending += 1;
        if event.urgent && e.flights.len() < 16 && self.quiet(e.key, event.class).is_none() {
            let generation = if self.policy.urgent == Urgent::Flush && !e.digest_in_flight() {
                self.add(e, event);
                self.drop_useless(e);
                self.flush(e)
            } else {
                let mut alone = Batch::default();
                alone.push(self.now, event, self.keep().min(1));
                self.send(e, Lane::Urgent, alone, 0)
            };
            return Fate::Notified { generation: Generation::from_bits(generation) };
        }
        // What is held, and what waits for its turn, goes then and not before.
        let may_close = !matches!(e.wait, Wait::Held(_) | Wait::Turn(_));
        let bytes = e.pending.bytes() + u64::from(event.bytes);
        let too_large = self.policy.max_bytes.is_some_and(|max| bytes > u64::from(max));
        if may_close && e.pending.total() > 0 && too_large {
            self.ledger.pending -= 1;
            self.let_go(e);
            self.ledger.pending += 1;
        }
        let (wait, before, class) = (e.wait, e.pending.class(), event.class);
        self.add(e, event);
        match wait {
            Wait::Idle => {
                e.wait = Wait::Open(after(self.now, self.max_wait()));
                if self.policy.leading && self.hold(e).is_none() {
                    return Fate::Notified { generation: Generation::from_bits(self.flush(e)) };
                }
            }
            // It may pass where the others had to wait: all go after an ordinary wait, never later than they would have.
            Wait::Quiet(end) if class > before => match self.quiet(e.key, class) {
                None => e.wait = Wait::Turn(end.min(after(self.now, self.wait()))),
                Some(Some(until)) => e.wait = Wait::Quiet(end.min(until)),
                Some(None) => {}
            },
            _ => {}
        }
        let may_close = !matches!(wait, Wait::Held(_) | Wait::Turn(_));
        match self.policy.max_items {
            Some(max) if may_close && e.pending.total() >= max => self.let_go(e),
            _ => Fate::Pending,
        }
    }

    fn add(&self, e: &mut Entry, event: Event<TestHost>) {
        let (mut kept, mut bytes) = (0, u64::from(event.bytes));
        for e in self.entries.iter().chain([&*e]) {
            for batch in e.flights.iter().map(|f| &f.batch).chain([&e.pending]) {
                (kept, bytes) = (kept + batch.kept(), bytes + batch.bytes());
            }
        }
        let room = kept < self.limits.items as usize && bytes <= self.limits.bytes;
        let keep = if room { self.keep() } else { self.keep().min(e.pending.kept()) };
        e.pending.push(self.now, event, keep);
        e.history |= self.policy.actors > 1
            && e.pending.0.iter().any(|k| k.event.actor != e.pending.0[0].event.actor)
            && !e.pending.exact();
    }

    pub fn read(&mut self, key: Key, read: Read, now: UnixTime) -> Retracted {
        self.time(now);
        let Some(e) = self.entries.iter().find(|e| e.key == key) else {
            if let Read::Through(_) = read {
                return Retracted::default();
            }
            self.clear_unknown(key, Cause::Read);
            if !self.policy.remember.is_zero() {
                let mut e = self.new_entry(key);
                e.history = true;
                if let Read::UpTo(mark) = read {
                    e.mark = mark;
                }
                self.finish(e);
            }
            return Retracted::default();
        };
        let select = match read {
            Read::UpTo(mark) if mark <= e.mark => return Retracted::default(),
            Read::UpTo(mark) => Select::UpTo(mark),
            Read::All if e.unread() == 0 => return Retracted::default(),
            Read::All => Select::All,
            Read::Through(id) => match time_of(e, id) {
                Some(at) => Select::Until(at),
                None => return Retracted::default(),
            },
        };
        let Some(mut e) = self.take(key) else { return Retracted::default() };
        e.history = true;
        if let Read::UpTo(mark) = read {
            e.mark = mark;
        }
        let retracted = self.retract(&mut e, select, Cause::Read);
        self.finish(e);
        retracted
    }

    pub fn cancel(&mut self, key: Key, what: Selector, now: UnixTime) -> Retracted {
        self.time(now);
        let mut came = what == Selector::All;
        let select = match what {
            Selector::Event(id) => {
                self.seen.retain(|(_, until, _)| *until > self.now);
                let until = after(self.now, self.policy.remember).min(NEVER - 1);
                match self.seen.iter_mut().find(|(seen, ..)| *seen == id) {
                    Some((_, old, cancelled)) => {
                        came = !*cancelled;
                        if until > self.now {
                            (*old, *cancelled) = (until.max(*old), true);
                        }
                    }
                    None if until > self.now => self.seen.push((id, until, true)),
                    None => {}
                }
                Select::Event(id)
            }
            Selector::Kind(kind) => Select::Kind(kind),
            Selector::All => Select::All,
        };
        let Some(e) = self.entries.iter().find(|e| e.key == key) else {
            if came {
                self.clear_unknown(key, Cause::Cancelled);
            }
            return Retracted::default();
        };
        let meant = if let Selector::Event(id) = what { time_of(e, id).is_some() } else { e.unread() > 0 };
        let Some(mut e) = meant.then(|| self.take(key)).flatten() else { return Retracted::default() };
        let retracted = self.retract(&mut e, select, Cause::Cancelled);
        self.finish(e);
        retracted
    }

    fn clear_unknown(&mut self, key: Key, cause: Cause) {
        let lanes: &[Lane] =
            if self.policy.urgent == Urgent::Flush { &[Lane::Digest] } else { &[Lane::Digest, Lane::Urgent] };
        for lane in lanes {
            self.generation += 1;
            let (generation, lane, events, remaining) = (self.generation, *lane, Vec::new(), 0);
            self.out.push(Out::Clear { key, generation, lane, cause, events, remaining });
        }
    }

    fn retract(&mut self, e: &mut Entry, select: Select, cause: Cause) -> Retracted {
        let fate = if cause == Cause::Read { Fate::ReadBefore } else { Fate::Cancelled };
        let mut pending = self.drop_pending(e, select, fate);
        if pending > 0 && e.pending.total() == 0 && !(self.policy.leading && matches!(e.wait, Wait::Open(_)))
        {
            e.wait = Wait::Idle;
        }
        let (mut held, mut count) = (Vec::new(), 0);
        for flight in e.flights.iter_mut().filter(|f| f.held) {
            let (gone, n) = flight.batch.remove(select);
            held.extend(gone);
            count += n;
        }
        e.flights.retain(|f| !f.held || f.batch.total() > 0);
        pending += self.let_drop(e.key, fate, (held, count));
        let mut notified = 0;
        for lane in [Lane::Digest, Lane::Urgent] {
            let (mut gone, mut count) = e.delivered[lane as usize].remove(select);
            for flight in e.flights.iter_mut().filter(|f| f.lane == lane && !f.held) {
                let (more, n) = flight.batch.remove(select);
                *(if cause == Cause::Read { &mut flight.read } else { &mut flight.cancelled }) += n;
                gone.extend(more);
                count += n;
            }
            notified += count;
            let in_flight = e.flights.iter().filter(|f| f.lane == lane && !f.held).map(|f| f.batch.total());
            let remaining = e.delivered[lane as usize].total() + in_flight.sum::<u32>();
            if count > 0 && (cause == Cause::Cancelled || remaining == 0) {
                self.generation += 1;
                let events = gone.iter().map(|k| (k.event.id.0, k.event.kind)).collect();
                let (key, generation) = (e.key, self.generation);
                self.out.push(Out::Clear { key, generation, lane, cause, events, remaining });
            }
        }
        self.tell_unread(e);
        Retracted { pending, notified }
    }

    /// `until`: it is held; otherwise it was delivered, or not.
    pub fn answer(
        &mut self,
        key: Key,
        generation: u64,
        delivered: bool,
        until: Option<UnixTime>,
        now: UnixTime,
    ) -> Answered {
        self.time(now);
        let at = |e: &Entry| e.flights.iter().position(|f| f.generation == generation && !f.held);
        if self.entries.iter().find(|e| e.key == key).and_then(at).is_none() {
            return Answered::Stale;
        }
        let Some(mut e) = self.take(key) else { return Answered::Stale };
        let mut flight = e.flights.remove(at(&e).unwrap_or(0));
        if let Some(until) = until {
            let until = until.as_millis().max(self.now);
            self.take_back(&flight);
            match flight.lane {
                _ if flight.batch.total() == 0 => {}
                Lane::Digest => {
                    self.put_back(&mut e, flight.batch);
                    e.wait = Wait::Held(until);
                }
                Lane::Urgent => {
                    (flight.held, flight.until, flight.sent) = (true, until, flight.batch.total());
                    (flight.read, flight.cancelled) = (0, 0);
                    e.flights.push(flight);
                }
            }
        } else if delivered {
            if flight.lane == Lane::Digest {
                e.failures = 0;
            }
            self.deliver(&mut e, flight.lane, flight.batch);
        } else {
            self.failed(&mut e, flight);
        }
        self.release(&mut e);
        self.finish(e);
        Answered::Settled
    }

    fn take_back(&mut self, flight: &Flight) {
        self.ledger.notified -= u64::from(flight.sent > 0);
        self.ledger.merged -= u64::from(flight.sent.saturating_sub(1));
        self.ledger.pending += u64::from(flight.sent) - u64::from(flight.read) - u64::from(flight.cancelled);
        self.ledger.read_before += u64::from(flight.read);
        self.ledger.cancelled += u64::from(flight.cancelled);
    }

    fn put_back(&self, e: &mut Entry, mut batch: Batch) {
        batch.join(std::mem::take(&mut e.pending));
        e.pending = batch;
        if self.keep() > 0 {
            e.pending.keep_last(self.keep());
        }
    }

    pub(super) fn failed(&mut self, e: &mut Entry, mut flight: Flight) {
        self.take_back(&flight);
        flight.failures = flight.failures.saturating_add(1);
        let failures = match flight.lane {
            Lane::Urgent => &mut flight.failures,
            Lane::Digest => {
                e.failures = e.failures.saturating_add(1);
                &mut e.failures
            }
        };
        if *failures > self.policy.attempts {
            *failures = 0;
            let removed = flight.batch.remove(Select::All);
            self.let_drop(e.key, Fate::Expired, removed);
            self.tell_unread(e);
        } else if flight.lane == Lane::Urgent {
            self.send_again(e, flight);
        } else if flight.batch.total() > 0 {
            self.put_back(e, flight.batch);
            if e.wait == Wait::Idle {
                e.wait = Wait::Turn(after(self.now, self.wait()));
            }
        }
    }

    pub(super) fn send_again(&mut self, e: &mut Entry, mut flight: Flight) {
        let useless = flight.batch.remove(self.useless());
        let expired = self.let_drop(e.key, Fate::Expired, useless) > 0;
        if flight.batch.total() > 0 {
            self.send(e, flight.lane, flight.batch, flight.failures);
        }
        if expired {
            self.tell_unread(e);
        }
    }

    pub fn flush_now(&mut self, key: Key, now: UnixTime) -> bool {
        self.time(now);
        let Some(place) = self.entries.iter().position(|e| e.key == key) else { return false };
        if self.entries[place].pending.total() == 0 || self.hold(&self.entries[place]).is_some() {
            return false;
        }
        self.entries[place].wait = Wait::Turn(self.now);
        true
    }

    pub fn set_policy(&mut self, policy: Policy, now: UnixTime) {
        self.time(now);
        self.policy = policy;
        let end = after(self.now, self.max_wait());
        for e in &mut self.entries {
            if let Wait::Open(old) = &mut e.wait {
                *old = end.min(*old);
            }
        }
        // At the time that was told under the old policy: the new tolerance is for what is told from now on.
        self.settle();
    }

    pub fn set_calendar(&mut self, calendar: (u32, bool), rate: Rate, now: UnixTime) -> u32 {
        self.time(now);
        self.calendar = calendar;
        let held = |e: &Entry| {
            matches!(e.wait, Wait::Quiet(_) | Wait::Held(_)) || e.remind.2 || e.flights.iter().any(|f| f.held)
        };
        let first = |e: &Entry| e.pending.0.iter().map(|k| k.at).min().unwrap_or(0);
        let mut waiting: Vec<_> = self
            .entries
            .iter()
            .zip(0..)
            .filter(|(e, _)| held(e))
            .map(|(e, at)| (first(e), e.place, at))
            .collect();
        waiting.sort_unstable();
        for (turn, (.., place)) in waiting.iter().enumerate() {
            let at = self.now + turn as u64 / u64::from(rate.windows.max(1)) * ms(rate.every);
            let e: &mut Entry = &mut self.entries[*place];
            if let Wait::Quiet(_) | Wait::Held(_) = e.wait {
                e.wait = Wait::Turn(at);
            }
            if e.remind.2 {
                e.remind = (at, e.remind.1, false);
            }
            e.flights.iter_mut().filter(|f| f.held).for_each(|f| f.until = at);
        }
        waiting.len() as u32
    }

    /// Without letting anything happen that is due.
    pub fn recovered(&mut self, catch_up: CatchUp, now: UnixTime) {
        let now = now.as_millis().min(END);
        if now < self.now && self.now - now > ms(self.policy.clock_tolerance) {
            self.step_clock(self.now, now);
        }
        self.now = self.now.max(now);
        if catch_up == CatchUp::default() {
            return;
        }
        let overdue = |e: &Entry| e.pending.total() > 0 && e.deadline(&self.policy) <= self.now;
        let mut keys: Vec<_> = self
            .entries
            .iter()
            .filter(|e| overdue(e))
            .map(|e| (e.deadline(&self.policy), e.place, e.key))
            .collect();
        keys.sort_unstable();
        for (turn, (.., key)) in keys.into_iter().enumerate() {
            let Some(mut e) = self.take(key) else { continue };
            let mut wait = Duration::ZERO;
            match catch_up.overdue {
                Overdue::Flush => {}
                Overdue::Merge => wait = self.wait(),
                Overdue::DropOlderThan(age) => {
                    let before = self.now.saturating_sub(ms(age));
                    if self.drop_pending(&mut e, Select::Useless(self.now, before), Fate::Expired) > 0 {
                        self.tell_unread(&mut e);
                        let stays = self.policy.leading && matches!(e.wait, Wait::Open(_));
                        if e.pending.total() == 0 && !stays {
                            e.wait = Wait::Idle;
                        }
                    }
                }
            }
            if e.pending.total() > 0 {
                let turn = turn as u64 / u64::from(catch_up.rate.windows.max(1)) * ms(catch_up.rate.every);
                e.wait = Wait::Turn(after(self.now, wait).saturating_add(turn).min(NEVER - 1));
            }
            self.finish(e);
        }
    }
}

fn time_of(e: &Entry, id: EventId) -> Option<u64> {
    let batches = [&e.pending].into_iter().chain(e.flights.iter().map(|f| &f.batch)).chain(&e.delivered);
    batches.flat_map(|batch| &batch.0).find(|k| k.kept && k.event.id == id).map(|k| k.at)
}

pub(super) fn entry(key: Key) -> Entry {
    Entry {
        key,
        wait: Wait::Idle,
        pending: Batch::default(),
        flights: Vec::new(),
        delivered: [Batch::default(), Batch::default()],
        mark: 0,
        told: 0,
        failures: 0,
        refractory: None,
        remind: (NEVER, 0, false),
        memory: None,
        place: 0,
        history: false,
    }
}
