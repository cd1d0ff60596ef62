//! Callbacks: what the table says, and the facts that it asks for (D1–D4).

use std::time::Duration;

use reveille_core::{UnixTime, millis};

use super::send::Draft;
use super::state::{Callback, Conversation};
use super::{Conversations, Desk};
use crate::callback::{Does, Next, On, State, transition};
use crate::event::Role;
use crate::event::{Accepted, Attempted, CallbackCreated, QueueChange, QueueEvent, Wait};
use crate::id::QueueId;
use crate::{Arguments, Kind, Noted, Reason};

const MINUTE: u64 = 60_000;

impl Desk {
    pub(super) fn on_callback_created(&mut self, there: &mut Conversation, event: &CallbackCreated) {
        let known = there.extra.as_ref().and_then(|extra| extra.callback.as_ref());
        if known.is_some_and(|known| known.state != State::Over) {
            return self.suppress(Some(&there.id), Some(&event.person), None, Reason::Duplicate);
        }
        let most = self.rules.memory().participants();
        let low = event.wait_ms.is_some_and(|wait| self.is_below(event.queue.as_ref(), wait));
        if there.join(&event.person, Role::Visitor, most).is_none() {
            return self.suppress(Some(&there.id), Some(&event.person), None, Reason::Full);
        }
        if let Some(queue) = &event.queue {
            self.waiting.entry(queue.clone()).or_default().insert(there.id.clone());
        }
        let person = event.person.clone();
        there.extra().callback = Some(Callback {
            person: event.person.clone(),
            queue: event.queue.clone(),
            mode: event.mode,
            push: event.push,
            state: if low { State::WaitingLow } else { State::Waiting },
            low,
            told: false,
            attempt: 0,
            attempts: event.attempts.unwrap_or_else(|| self.rules.callbacks().attempts()),
            settles: None,
            rescheduled_at: None,
        });
        if event.push {
            self.note(Some(&there.id), Some(&person), Noted::Taken);
        } else {
            self.suppress(Some(&there.id), Some(&person), None, Reason::NotRequested);
        }
    }

    fn is_below(&self, queue: Option<&QueueId>, wait_ms: u64) -> bool {
        let rules = self.rules.callbacks();
        let own = queue.and_then(|queue| rules.upcoming_below_in().of(queue));
        wait_ms < u64::from(own.unwrap_or_else(|| rules.upcoming_below())) * MINUTE
    }

    pub(super) fn on_wait(&mut self, there: &mut Conversation, slot: u32, wait: Wait, at: UnixTime) {
        let callback = there.extra.as_ref().and_then(|extra| extra.callback.as_ref());
        let queue = callback.and_then(|callback| callback.queue.as_ref());
        let on = if self.is_below(queue, wait.wait_ms) { On::WaitBelow } else { On::WaitNotBelow };
        let minutes = u32::try_from(wait.wait_ms.div_ceil(MINUTE)).unwrap_or(u32::MAX);
        self.step_callback(there, slot, on, at, Arguments { minutes: Some(minutes), ..Arguments::default() });
    }

    pub(super) fn on_accepted(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        event: &Accepted,
        at: UnixTime,
    ) {
        let arguments = Arguments { number: event.number.clone(), ..Arguments::default() };
        self.step_callback(there, slot, On::Accepted, at, arguments);
    }

    pub(super) fn on_attempted(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        event: &Attempted,
        at: UnixTime,
    ) {
        if event.succeeded {
            return self.on_callback(there, slot, On::Completed, at);
        }
        let callback = there.extra.as_mut().and_then(|extra| extra.callback.as_mut());
        let Some(callback) = callback else {
            return self.suppress(Some(&there.id), None, None, Reason::NoCallback);
        };
        if event.attempt <= callback.attempt {
            let person = callback.person.clone();
            return self.suppress(Some(&there.id), Some(&person), None, Reason::Duplicate);
        }
        callback.attempt = event.attempt;
        let of = event.of.unwrap_or(callback.attempts);
        let on = if event.attempt >= of { On::LastAttemptFailed } else { On::AttemptFailed };
        let arguments = Arguments { attempt: Some((event.attempt, of)), ..Arguments::default() };
        self.step_callback(there, slot, on, at, arguments);
    }

    pub(super) fn on_purged(&mut self, there: &mut Conversation, slot: u32, at: UnixTime) {
        let callback = there.extra.as_ref().and_then(|extra| extra.callback.as_ref());
        let rescheduled = callback.and_then(|callback| callback.rescheduled_at);
        let old = rescheduled.is_some_and(|rescheduled| at <= rescheduled + self.rules.callbacks().settle());
        let on = if old { On::PurgedAfterRescheduled } else { On::Purged };
        self.on_callback(there, slot, on, at);
    }

    pub(super) fn on_rescheduled(&mut self, there: &mut Conversation, slot: u32, at: UnixTime) {
        if let Some(callback) = there.extra.as_mut().and_then(|extra| extra.callback.as_mut()) {
            callback.rescheduled_at = callback.rescheduled_at.max(Some(at));
            callback.attempt = 0;
        }
        self.on_callback(there, slot, On::Rescheduled, at);
    }

    pub(super) fn on_callback(&mut self, there: &mut Conversation, slot: u32, on: On, at: UnixTime) {
        self.step_callback(there, slot, on, at, Arguments::default());
    }

    fn step_callback(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        on: On,
        at: UnixTime,
        arguments: Arguments,
    ) {
        let settle = self.rules.callbacks().settle();
        let Some(callback) = there.extra.as_mut().and_then(|extra| extra.callback.as_mut()) else {
            return self.suppress(Some(&there.id), None, None, Reason::NoCallback);
        };
        let person = callback.person.clone();
        let Some(row) = transition(callback.state, on, callback.mode) else { return };
        let kind = if let Does::Send(kind) = row.does { Some(kind) } else { None };
        // A late "upcoming" is dropped (D2), and a fresh one may still come.
        let not_after = at.min(self.now) + self.useful_for(kind);
        if kind.is_some() && not_after <= self.now {
            let upcoming = kind == Some(Kind::CallbackUpcoming);
            if !upcoming {
                self.move_callback(there, row.next);
            }
            return self.suppress(Some(&there.id), Some(&person), kind, Reason::Late);
        }
        callback.told |= kind == Some(Kind::CallbackUpcoming) && callback.push;
        let push = callback.push;
        if row.does == Does::Hold {
            callback.settles = Some(self.now + settle);
        } else if row.next != Next::Stay {
            callback.settles = None;
        }
        self.move_callback(there, row.next);
        if !push {
            if row.does == Does::Hold {
                self.timers.insert((self.now + settle, slot));
            }
            return self.suppress(Some(&there.id), Some(&person), kind, Reason::NotRequested);
        }
        match row.does {
            Does::Suppress(reason) => self.suppress(Some(&there.id), Some(&person), None, reason),
            Does::Note => self.note(Some(&there.id), Some(&person), Noted::Taken),
            Does::Hold => {
                let until = self.now + settle;
                self.timers.insert((until, slot));
                self.note(Some(&there.id), Some(&person), Noted::Held { kind, until });
            }
            Does::Send(kind) => {
                let on = self.rules.callbacks().on();
                let ways = if on { self.rules.ways(kind, Role::Visitor) } else { Err(Reason::KindOff) };
                match ways {
                    Ok(ways) => {
                        let mut draft = Draft::new(&there.id, &person, Role::Visitor, kind, not_after, ways);
                        draft.intent.arguments = arguments;
                        self.send(there, slot, draft);
                    }
                    Err(reason) => self.suppress(Some(&there.id), Some(&person), Some(kind), reason),
                }
            }
        }
    }

    fn useful_for(&self, kind: Option<Kind>) -> Duration {
        let rules = self.rules.callbacks();
        match kind {
            Some(Kind::CallbackUpcoming) => rules.upcoming_useful_for(),
            Some(Kind::CallbackReady | Kind::CallbackNumber) => rules.ready_useful_for(),
            _ => rules.useful_for().max(Duration::from_millis(millis(rules.settle()).saturating_add(1))),
        }
    }

    fn move_callback(&mut self, there: &mut Conversation, next: Next) {
        let id = there.id.clone();
        let Some(callback) = there.extra.as_mut().and_then(|extra| extra.callback.as_mut()) else { return };
        callback.state = match next {
            Next::Stay => callback.state,
            Next::To(state) => state,
            Next::Back if callback.told => State::Told,
            Next::Back if callback.low => State::WaitingLow,
            Next::Back => State::Waiting,
        };
        let Some(queue) = &callback.queue else { return };
        if callback.state != State::Over {
            self.waiting.entry(queue.clone()).or_default().insert(id);
        } else if let Some(waiting) = self.waiting.get_mut(queue) {
            waiting.remove(&id);
            if waiting.is_empty() {
                self.waiting.remove(queue);
            }
        }
    }
}

impl Conversations {
    pub(super) fn on_queue(&mut self, event: QueueEvent) {
        let QueueEvent { queue, at, what } = event;
        let at = self.desk.believed(at);
        let mut any = false;
        for id in self.desk.waiting.get(&queue).cloned().unwrap_or_default() {
            let slot = self.store.find(&id, self.desk.now);
            let Some(slot) = slot.filter(|slot| self.waits_in(*slot, &queue)) else {
                // Forgotten with its conversation.
                if let Some(waiting) = self.desk.waiting.get_mut(&queue) {
                    waiting.remove(&id);
                }
                continue;
            };
            any = true;
            self.visit(slot, |desk, there| match &what {
                QueueChange::EstimatedWait(wait) => desk.on_wait(there, slot, *wait, at),
                QueueChange::Closing => desk.on_callback(there, slot, On::Closing, at),
            });
        }
        if !any {
            self.desk.suppress(None, None, None, Reason::NoRecipient);
        }
    }

    fn waits_in(&self, slot: u32, queue: &QueueId) -> bool {
        let extra = self.store.get(slot).and_then(|there| there.extra.as_deref());
        extra
            .and_then(|extra| extra.callback.as_ref())
            .is_some_and(|callback| callback.queue.as_ref() == Some(queue))
    }
}
