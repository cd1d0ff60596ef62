//! The model, second part: what comes in.

use super::*;

impl Model {
    pub fn event(&mut self, event: Event<TestHost>, now: UnixTime) -> Result<Fate, Limit> {
        self.time(now);
        self.ledger.events += 1;
        let found = self.find(event.key);
        if found.is_none_or(|e| e.memory.is_some()) && self.live() >= self.limits.windows as usize {
            self.ledger.refused += 1;
            return Err(Limit::Windows);
        }
        let known = self.seen.iter().find(|(id, until, _)| *id == event.id && *until > self.now);
        let drops = self.policy.refractory.is_some_and(|r| r.excess == Excess::Drop) && !event.urgent;
        let fate = match (known, found) {
            (Some((.., true)), _) => Some(Fate::Cancelled),
            (Some((.., false)), _) => Some(Fate::Duplicate),
            _ if event.useful_until.is_some_and(|until| until.as_millis() < self.now) => Some(Fate::Expired),
            (_, Some(e)) if event.seq != 0 && event.seq <= e.mark => Some(Fate::ReadBefore),
            (_, Some(e)) if drops && e.refractory.is_some_and(|r| self.now < r.1) => Some(Fate::Throttled),
            _ => None,
        };
        if let (None, Some(dedup)) = (known, self.policy.dedup.filter(|dedup| !dedup.is_zero())) {
            self.seen.push((event.id, after(self.now, dedup).min(NEVER - 1), false));
        }
        if let Some(fate) = fate {
            self.count(fate, 1);
            return Ok(fate);
        }
        let mut e = self.take(event.key).unwrap_or_else(|| self.new_entry(event.key));
        let fate = self.place(&mut e, event);
        self.finish(e);
        Ok(fate)
    }

    fn place(&mut self, e: &mut Entry, event: Event<TestHost>) -> Fate {
        let notified = |generation| Fate::Notified { generation: Generation::from_bits(generation) };
        if event.urgent && e.flights.len() < 16 && self.quiet(e.key, event.class).is_none() {
            if self.policy.urgent == Urgent::Flush && !e.digest_in_flight() {
                self.add(e, event);
                self.drop_useless(e);
                return notified(self.flush(e));
            }
            let mut alone = Batch::default();
            self.ledger.pending += 1;
            alone.push(self.now, event, self.keep().min(1));
            return notified(self.send(e, Lane::Urgent, alone, 0));
        }
        // What is held, and what waits for its turn, goes then and not before.
        let may_close = |e: &Entry| !matches!(e.wait, Wait::Held(_) | Wait::Turn(_));
        let bytes = e.pending.bytes() + u64::from(event.bytes);
        let too_large = self.policy.max_bytes.is_some_and(|max| bytes > u64::from(max));
        if may_close(e) && e.pending.total() > 0 && too_large {
            self.let_go(e);
        }
        let (closes, higher, class) = (may_close(e), event.class > e.pending.class(), event.class);
        self.add(e, event);
        match e.wait {
            Wait::Idle => {
                e.wait = Wait::Open(self.window_end());
                if self.policy.leading && self.hold(e).is_none() {
                    return notified(self.flush(e));
                }
            }
            // It may pass where the others had to wait: all go after an ordinary wait, never later than they would have.
            Wait::Quiet(end) if higher => match self.quiet(e.key, class) {
                None => e.wait = Wait::Turn(end.min(after(self.now, self.wait()))),
                Some(Some(until)) => e.wait = Wait::Quiet(end.min(until)),
                Some(None) => {}
            },
            _ => {}
        }
        match self.policy.max_items {
            Some(max) if closes && e.pending.total() >= max => self.let_go(e),
            _ => Fate::Pending,
        }
    }

    fn add(&mut self, e: &mut Entry, event: Event<TestHost>) {
        self.ledger.pending += 1;
        let (mut kept, mut bytes) = (0, u64::from(event.bytes));
        for e in self.entries.iter().chain([&*e]) {
            for batch in e.flights.iter().map(|f| &f.batch).chain([&e.pending]) {
                (kept, bytes) = (kept + batch.kept().count(), bytes + batch.bytes());
            }
        }
        let room = kept < self.limits.items as usize && bytes <= self.limits.bytes;
        let keep = if room { self.keep() } else { self.keep().min(e.pending.kept().count()) };
        e.pending.push(self.now, event, keep);
        let other = |o: &One| o.event.actor != e.pending.0[0].event.actor;
        e.history |= self.policy.actors > 1 && !e.pending.exact() && e.pending.0.iter().any(other);
    }

    pub fn read(&mut self, key: Key, read: Read, now: UnixTime) -> Retracted {
        self.time(now);
        let (mark, known) = (if let Read::UpTo(mark) = read { mark } else { 0 }, self.find(key).is_some());
        let select = match (read, self.find(key)) {
            (Read::UpTo(mark), Some(e)) if mark > e.mark => Some(Select::UpTo(mark)),
            (Read::All, Some(e)) if e.unread() > 0 => Some(Select::All),
            (Read::Through(id), Some(e)) => time_of(e, id).map(Select::Until),
            (Read::UpTo(_) | Read::All, None) => {
                self.clear_unknown(key, Cause::Read);
                (!self.policy.remember.is_zero()).then_some(Select::All)
            }
            _ => None,
        };
        let Some(select) = select else { return Retracted::default() };
        let mut e = if known { self.take(key) } else { None }.unwrap_or_else(|| self.new_entry(key));
        (e.mark, e.history) = (e.mark.max(mark), true);
        let retracted = self.retract(&mut e, select, Cause::Read);
        self.finish(e);
        retracted
    }

    pub fn cancel(&mut self, key: Key, what: Selector, now: UnixTime) -> Retracted {
        self.time(now);
        let select = match what {
            Selector::Event(id) => Select::Event(id),
            Selector::Kind(kind) => Select::Kind(kind),
            Selector::All => Select::All,
        };
        let mut came = what == Selector::All;
        if let Selector::Event(id) = what {
            self.seen.retain(|(_, until, _)| *until > self.now);
            let until = after(self.now, self.policy.remember).min(NEVER - 1);
            let known = self.seen.iter().position(|(known, ..)| *known == id).map(|at| self.seen[at]);
            came = known.is_some_and(|(.., cancelled)| !cancelled);
            if until > self.now {
                self.seen.retain(|(known, ..)| *known != id);
                self.seen.push((id, known.map_or(until, |(_, old, _)| old.max(until)), true));
            }
        }
        let found = self.find(key);
        if found.is_none() && came {
            self.clear_unknown(key, Cause::Cancelled);
        }
        let meant = self.find(key).is_some_and(|e| match what {
            Selector::Event(id) => time_of(e, id).is_some(),
            _ => e.unread() > 0,
        });
        let Some(mut e) = meant.then(|| self.take(key)).flatten() else { return Retracted::default() };
        let retracted = self.retract(&mut e, select, Cause::Cancelled);
        self.finish(e);
        retracted
    }

    fn clear_unknown(&mut self, key: Key, cause: Cause) {
        self.clear(key, Lane::Digest, cause, &[], 0);
        if self.policy.urgent != Urgent::Flush {
            self.clear(key, Lane::Urgent, cause, &[], 0);
        }
    }

    fn clear(&mut self, key: Key, lane: Lane, cause: Cause, gone: &[One], remaining: u32) {
        let events: Vec<_> = gone.iter().map(|o| (o.event.id, o.event.kind)).collect();
        let text = format!("clear {lane:?} {cause:?} {events:?} {remaining}");
        let generation = self.next_generation();
        self.out.push(Out(key, Some(generation), text));
    }

    fn retract(&mut self, e: &mut Entry, select: Select, cause: Cause) -> Retracted {
        let fate = if cause == Cause::Read { Fate::ReadBefore } else { Fate::Cancelled };
        let mut pending = self.drop_pending(e, select, fate);
        let stays = self.policy.leading && matches!(e.wait, Wait::Open(_));
        if pending > 0 && e.pending.total() == 0 && !stays {
            e.wait = Wait::Idle;
        }
        let mut held = (Vec::new(), 0);
        for flight in e.flights.iter_mut().filter(|f| f.held) {
            add(&mut held, flight.batch.remove(select));
        }
        e.flights.retain(|f| !f.held || f.batch.total() > 0);
        pending += self.let_drop(e.key, fate, held);
        let mut notified = 0;
        for lane in [Lane::Digest, Lane::Urgent] {
            let mut removed = e.delivered[lane as usize].remove(select);
            let mut remaining = e.delivered[lane as usize].total();
            for flight in e.flights.iter_mut().filter(|f| f.lane == lane && !f.held) {
                let more = flight.batch.remove(select);
                *(if cause == Cause::Read { &mut flight.read } else { &mut flight.cancelled }) += more.1;
                remaining += flight.batch.total();
                add(&mut removed, more);
            }
            notified += removed.1;
            if removed.1 > 0 && (cause == Cause::Cancelled || remaining == 0) {
                self.clear(e.key, lane, cause, &removed.0, remaining);
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
        let Some(at) = self.find(key).and_then(at) else { return Answered::Stale };
        let Some(mut e) = self.take(key) else { return Answered::Stale };
        let mut flight = e.flights.remove(at);
        match until.map(|until| until.as_millis().max(self.now)) {
            None if delivered => {
                e.failures = if flight.lane == Lane::Digest { 0 } else { e.failures };
                self.deliver(&mut e, flight.lane, flight.batch);
            }
            None => self.failed(&mut e, flight),
            Some(until) => {
                self.take_back(&flight);
                if flight.batch.total() > 0 && flight.lane == Lane::Digest {
                    self.put_back(&mut e, flight.batch);
                    e.wait = Wait::Held(until);
                } else if flight.batch.total() > 0 {
                    (flight.held, flight.until, flight.sent) = (true, until, flight.batch.total());
                    (flight.read, flight.cancelled) = (0, 0);
                    e.flights.push(flight);
                }
            }
        }
        self.release(&mut e);
        self.finish(e);
        Answered::Settled
    }

    fn take_back(&mut self, flight: &Flight) {
        self.ledger.notified -= u64::from(flight.sent > 0);
        self.ledger.merged -= u64::from(flight.sent.saturating_sub(1));
        self.ledger.pending += u64::from(flight.sent - flight.read - flight.cancelled);
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
        let digest = flight.lane == Lane::Digest;
        let failures = if digest { &mut e.failures } else { &mut flight.failures };
        *failures = failures.saturating_add(1);
        if *failures > self.policy.attempts {
            *failures = 0;
            let removed = flight.batch.remove(Select::All);
            self.let_drop(e.key, Fate::Expired, removed);
            self.tell_unread(e);
        } else if !digest {
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
        let goes = self.find(key).is_some_and(|e| e.pending.total() > 0 && self.hold(e).is_none());
        let turn = Wait::Turn(self.now);
        self.entries.iter_mut().filter(|e| goes && e.key == key).for_each(|e| e.wait = turn);
        goes
    }

    pub fn set_policy(&mut self, policy: Policy, now: UnixTime) {
        self.time(now);
        self.policy = policy;
        let end = self.window_end();
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
        let mut waiting: Vec<&mut Entry> = self.entries.iter_mut().collect();
        let quiet = |e: &Entry| matches!(e.wait, Wait::Quiet(_) | Wait::Held(_));
        waiting.retain(|e| quiet(e) || e.remind.2 || e.flights.iter().any(|f| f.held));
        waiting.sort_by_key(|e| (e.pending.first(), e.place));
        let count = waiting.len();
        for (n, e) in waiting.into_iter().enumerate() {
            let at = self.now + turn(n, rate);
            e.wait = if quiet(e) { Wait::Turn(at) } else { e.wait };
            e.remind = if e.remind.2 { (at, e.remind.1, false) } else { e.remind };
            e.flights.iter_mut().filter(|f| f.held).for_each(|f| f.until = at);
        }
        count as u32
    }

    /// Without letting anything happen that is due.
    pub fn recovered(&mut self, catch_up: CatchUp, now: UnixTime) {
        self.set_now(now);
        if catch_up == CatchUp::default() {
            return;
        }
        let overdue = |e: &&Entry| e.pending.total() > 0 && e.deadline(&self.policy) <= self.now;
        let keys = self.entries.iter().filter(overdue).map(|e| (e.deadline(&self.policy), e.place, e.key));
        let mut keys: Vec<_> = keys.collect();
        keys.sort_unstable();
        for (n, (.., key)) in keys.into_iter().enumerate() {
            let Some(mut e) = self.take(key) else { continue };
            if let Overdue::DropOlderThan(age) = catch_up.overdue {
                let old = Select::Useless(self.now, self.now.saturating_sub(ms(age)));
                if self.drop_pending(&mut e, old, Fate::Expired) > 0 {
                    self.tell_unread(&mut e);
                    let stays = self.policy.leading && matches!(e.wait, Wait::Open(_));
                    e.wait = if e.pending.total() == 0 && !stays { Wait::Idle } else { e.wait };
                }
            }
            if e.pending.total() > 0 {
                let wait = if catch_up.overdue == Overdue::Merge { self.wait() } else { Duration::ZERO };
                let at = after(self.now, wait).saturating_add(turn(n, catch_up.rate));
                e.wait = Wait::Turn(at.min(NEVER - 1));
            }
            self.finish(e);
        }
    }
}

/// When it is the turn of the one with this place in the row.
fn turn(place: usize, rate: Rate) -> u64 {
    place as u64 / u64::from(rate.windows.max(1)) * ms(rate.every)
}

fn add(all: &mut (Vec<One>, u32), (gone, count): (Vec<One>, u32)) {
    all.0.extend(gone);
    all.1 += count;
}

fn time_of(e: &Entry, id: EventId) -> Option<u64> {
    let mut pending = e.pending.kept().filter(|o| o.event.id == id).map(|o| o.at);
    // Of two with one id it is the later, while no pending event is only counted.
    let pending = if e.pending.exact() { pending.last() } else { pending.next() };
    pending.or_else(|| e.sent().flat_map(Batch::kept).find(|o| o.event.id == id).map(|o| o.at))
}
