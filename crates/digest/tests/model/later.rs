//! The naive model, second part: what happens to events after they came. Reads, cancels, answers, other policies,
//! restarts.

use super::*;

impl Model {
    pub fn read(&mut self, key: Key, up_to: u64, now: UnixTime) -> Result<Retracted, Limit> {
        let now = self.clock(now);
        let mut e = match self.find(key, now) {
            Some(e) => e,
            None if self.policy.remember.is_zero() => return Ok(Retracted::default()),
            None if self.entries.len() >= self.limits.windows as usize => return Err(Limit::Windows),
            None => Entry { key, forget: u64::MAX, ..Entry::default() },
        };
        let mut retracted = Retracted::default();
        if e.mark < up_to {
            e.mark = up_to;
            retracted = self.retract(&mut e, Cause::Read, false, |kept| kept.event.seq <= up_to, now);
        }
        self.put_back(e, now);
        Ok(retracted)
    }

    pub fn cancel(&mut self, key: Key, what: Selector, now: UnixTime) -> Retracted {
        let now = self.clock(now);
        let Some(mut e) = self.find(key, now) else {
            return Retracted::default();
        };
        let takes = |kept: &Kept| match what {
            Selector::Event(id) => kept.event.id == id,
            Selector::Kind(kind) => kept.event.kind == kind,
            Selector::All => true,
        };
        let retracted = self.retract(&mut e, Cause::Cancelled, what != Selector::All, takes, now);
        self.put_back(e, now);
        retracted
    }

    fn retract(
        &mut self,
        e: &mut Entry,
        cause: Cause,
        select: bool,
        takes: impl Fn(&Kept) -> bool,
        now: u64,
    ) -> Retracted {
        let fate = if cause == Cause::Read { Fate::ReadBefore } else { Fate::Cancelled };
        let pending = self.drop_pending(e, fate, select, &takes);
        if pending > 0 && e.pending.items.is_empty() {
            e.window = None;
        }
        let mut notified = 0;
        for lane in [Lane::Digest, Lane::Urgent] {
            let mut gone = e.delivered[lane as usize].take(select, &takes).len();
            for flight in e.flights.iter_mut().filter(|f| f.lane == lane) {
                let taken = flight.batch.take(select, &takes).len();
                *if cause == Cause::Read { &mut flight.read } else { &mut flight.cancelled } += taken;
                gone += taken;
            }
            notified += gone as u32;
            let remaining = e.sent(lane) as u32;
            if gone > 0 && (cause == Cause::Cancelled || remaining == 0) {
                let generation = self.next_generation(now);
                self.out.push(Out::Clear { key: e.key, generation, lane, cause, remaining });
            }
        }
        if e.sent(Lane::Digest) == 0 {
            e.remind = None;
        }
        if e.told != 0 && e.told != e.unread() {
            e.told = e.unread();
            self.out.push(Out::Unread { key: e.key, count: e.told as u32 });
        }
        Retracted { pending, notified }
    }

    /// An answer: delivered or failed.
    pub fn answer(&mut self, key: Key, generation: u64, delivered: bool, now: UnixTime) -> Answered {
        let now = self.clock(now);
        let Some(mut e) = self.find(key, now) else {
            return Answered::Stale;
        };
        let at = e.flights.iter().position(|f| f.generation == generation);
        match at {
            Some(at) if delivered => {
                let flight = e.flights.remove(at);
                e.failures = 0;
                self.deliver(&mut e, flight.lane, flight.batch);
                self.release(&mut e, now);
            }
            Some(at) => self.fail(&mut e, at, now),
            None => {
                // Not touched: not remembered for longer.
                self.entries.push(e);
                return Answered::Stale;
            }
        }
        self.put_back(e, now);
        Answered::Settled
    }

    pub(super) fn fail(&mut self, e: &mut Entry, at: usize, now: u64) {
        let Flight { sent, read, cancelled, mut batch, .. } = e.flights.remove(at);
        e.failures += 1;
        let given_up = e.failures > self.policy.attempts;
        if given_up {
            e.failures = 0;
        }
        if e.sent(Lane::Digest) == 0 {
            e.remind = None;
        }
        self.ledger.notified -= 1;
        self.ledger.merged -= sent as u64 - 1;
        self.ledger.pending += sent as u64;
        self.settle(Fate::ReadBefore, read);
        self.settle(Fate::Cancelled, cancelled);
        if given_up {
            self.dropped(e.key, Fate::Expired, &batch.items, batch.blurred);
        } else if !batch.items.is_empty() {
            let alone = e.pending.items.is_empty();
            batch.join(std::mem::take(&mut e.pending), self.policy.actors);
            let newest = batch.items.iter().map(|kept| kept.at).max().unwrap_or(now);
            let (_, last, ..) = e.window.get_or_insert_with(|| (now, now, self.deadline(now, now), false));
            *last = if alone || batch.blurred { newest } else { newest.max(*last) };
            e.pending = batch;
        }
        self.release(e, now);
    }

    fn release(&self, e: &mut Entry, now: u64) {
        if !e.in_flight()
            && let Some((opened, last, u64::MAX, true)) = e.window
        {
            e.window = Some((opened, last, self.deadline(opened, last).max(now), false));
        }
    }

    pub fn set_policy(&mut self, policy: Policy, now: UnixTime) {
        let now = self.clock(now);
        if policy.dedup != self.policy.dedup {
            self.seen.clear();
        }
        self.policy = policy;
        let windows: Vec<_> = self.entries.iter().map(|e| e.window).collect();
        for (at, window) in windows.into_iter().enumerate() {
            if let Some((opened, last, deadline, false)) = window {
                let earlier = deadline.min(self.deadline(opened, last)).max(now);
                self.entries[at].window = Some((opened, last, earlier, false));
            }
        }
    }

    pub fn recheck(&mut self, key: Key, now: UnixTime) -> bool {
        let now = self.clock(now);
        let window = self.entries.iter_mut().find(|e| e.key == key).and_then(|e| e.window.as_mut());
        window.filter(|window| window.3).map(|window| window.2 = now).is_some()
    }

    /// A restart.
    pub fn catch_up(&mut self, overdue: Overdue, now: UnixTime) {
        let now = self.clock(now);
        if overdue == Overdue::Flush {
            return;
        }
        for at in 0..self.entries.len() {
            // Those that were put back are not due any more.
            let due = |e: &Entry| e.window.is_some_and(|w| w.2 <= now && w.2 != u64::MAX);
            if !due(&self.entries[at]) || self.entries[at].pending.items.is_empty() {
                continue;
            }
            let mut e = std::mem::take(&mut self.entries[at]);
            if let Overdue::DropOlderThan(age) = overdue {
                let before = now.saturating_sub(ms(age));
                self.drop_pending(&mut e, Fate::Expired, false, |kept| kept.at < before);
            }
            let wait = if overdue == Overdue::Merge { self.wait() } else { 0 };
            let held = |w: (u64, u64, u64, bool)| (w.0, w.1, now.saturating_add(wait), true);
            e.window = if e.pending.items.is_empty() { None } else { e.window.map(held) };
            self.put_back(e, now);
        }
        // What was put back went to the end; its old place is empty.
        self.entries.retain(|e| e.window.is_some() || e.forget != 0);
    }
}
