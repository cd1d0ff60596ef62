//! What answers say about everything but their own message.

use reveille_core::{Action, Scope, UnixTime, millis};

use super::offer::Judged;
use super::pauses;
use super::{
    Alert, Breaker, BreakerChange, BreakerSettings, CredentialId, Pacer, PlatformId, PruneBreaker, Pruning,
    Ticket, at_service,
};
use crate::Verdict;

use std::time::Duration;

impl<T> Pacer<T> {
    /// Takes the result of a request that has left, and gives what is to be reported to the delivery: a dead target is only
    /// suspected while pruning is stopped, and a target is not blamed for a message that all refuse.
    pub fn report(&mut self, ticket: Ticket, verdict: Verdict, now: UnixTime) -> Judged {
        self.end(&ticket);
        let well = is_well(&verdict);
        let took = now.since(ticket.started);
        if let Some(lane) = self.lanes.get_mut(ticket.lane as usize) {
            let change = lane.breaker.record(ticket.permit, well, took, now);
            if let Some(connection) = ticket.connection
                && matches!(&verdict, Verdict::Refused { action, .. } if action.reconnects() || action.scope() == Some(Scope::Connection))
            {
                lane.streams.close(connection);
            }
            self.counting.answered(lane.service, verdict.name(), millis(took));
            let lane = lane.id;
            if let Some(change) = change {
                self.alerts.push_back(Alert::Breaker { lane, change });
            }
        }
        if let Some(throttle) = self.throttle.as_mut().filter(|_| well) {
            throttle.accepted(now);
        }
        self.weigh_credential(&ticket, &verdict, now);
        self.weigh_pause(&ticket, &verdict, now);
        let verdict = self.weigh_target(&ticket, verdict, now);
        if is_final(&verdict) {
            self.order.finish(ticket.leg);
        } else {
            self.order.comes_back(ticket.leg);
        }
        self.unblock(ticket.lane);
        Judged { verdict }
    }

    /// Takes back a ticket whose request did not leave, not by one byte: all that was taken for it is free again. Report
    /// [`Verdict::NotSent`].
    pub fn give_back(&mut self, ticket: Ticket, now: UnixTime) {
        self.end(&ticket);
        self.order.comes_back(ticket.leg);
        if let Some(lane) = self.lanes.get_mut(ticket.lane as usize) {
            lane.breaker.release(ticket.permit);
            lane.refund(ticket.cost, now);
        }
        for (key, permit) in credential_permits(&ticket) {
            if let Some(breaker) = self.credentials.get_mut(&key) {
                breaker.release(permit);
            }
        }
        self.refund_keys(ticket.recipient, ticket.device, ticket.conversation, now);
        self.unblock(ticket.lane);
    }

    fn end(&mut self, ticket: &Ticket) {
        if let Some(lane) = self.lanes.get_mut(ticket.lane as usize) {
            lane.in_flight = lane.in_flight.saturating_sub(1);
            if let Some(connection) = ticket.connection {
                lane.streams.release(connection);
            }
        }
    }

    /// The credential's own breaker: one answer is enough to open it.
    fn weigh_credential(&mut self, ticket: &Ticket, verdict: &Verdict, now: UnixTime) {
        if let Verdict::Refused { action: Action::FixCredential { scope }, .. } = verdict {
            let platform = (*scope == Scope::Platform).then_some(ticket.platform);
            let seed = self.seed ^ u64::from(ticket.credential.to_bits());
            let key = (ticket.credential, platform);
            let breaker = self
                .credentials
                .entry(key)
                .or_insert_with(|| Breaker::new(BreakerSettings::CREDENTIAL, seed));
            let open = breaker.peek(now).is_err();
            // A probe that fails opens it for longer.
            let probe = credential_permits(ticket).find(|(probed, _)| *probed == key);
            let reopened = probe.and_then(|(_, permit)| breaker.record(permit, false, Duration::ZERO, now));
            let until = match reopened {
                Some(BreakerChange::Opened { until }) => until,
                _ => breaker.trip(now),
            };
            if !open {
                let (credential, platform) = key;
                self.alerts.push_back(Alert::CredentialBad { credential, platform, until });
            }
            return;
        }
        // Only an answer says something about a credential.
        let answered = matches!(verdict, Verdict::Accepted { .. } | Verdict::Refused { .. });
        for (key, permit) in credential_permits(ticket) {
            let Some(breaker) = self.credentials.get_mut(&key) else { continue };
            if !answered {
                breaker.release(permit);
            } else if breaker.record(permit, true, Duration::ZERO, now) == Some(BreakerChange::Closed) {
                self.credentials.remove(&key);
                self.alerts.push_back(Alert::CredentialWell { credential: key.0 });
            }
        }
    }

    fn weigh_pause(&mut self, ticket: &Ticket, verdict: &Verdict, now: UnixTime) {
        let Verdict::Refused { action: Action::SlowDown { scope, until, .. }, .. } = verdict else { return };
        let paused = match scope {
            Scope::Target if ticket.device == 0 => return,
            Scope::Target => return self.device_pauses.pause(ticket.device, *until, now),
            Scope::Connection => return,
            Scope::Platform => pauses::Scope::Platform(ticket.credential, ticket.platform),
            Scope::Credential => pauses::Scope::Credential(ticket.credential),
            _ => match self.lanes.get(ticket.lane as usize) {
                Some(lane) => pauses::Scope::Service(lane.service),
                None => return,
            },
        };
        self.pauses.pause(paused, *until, now);
    }

    /// Is it the target, the message, or all targets at once?
    fn weigh_target(&mut self, ticket: &Ticket, verdict: Verdict, now: UnixTime) -> Verdict {
        let service = self.lanes.get(ticket.lane as usize).map(|lane| lane.service).unwrap_or_default();
        let message = at_service(ticket.digest, service);
        let prune = self.prune.entry(ticket.credential).or_insert_with(|| {
            let settings = &self.settings;
            PruneBreaker::checked(settings.prune_per_mille, settings.prune_minimum, settings.prune_pause)
        });
        let (status, reason, action) = match verdict {
            Verdict::Refused { status, reason, action } => (status, reason, action),
            Verdict::Accepted { .. } => {
                prune.well(now);
                self.poison.accepted(message);
                return verdict;
            }
            other => return other,
        };
        let mut action = action;
        if matches!(action, Action::DropTarget { .. } | Action::SuspectTarget) {
            let pruning = prune.dead(now);
            self.alerts.extend(Alert::pruning(ticket.credential, pruning));
            if pruning != Pruning::Allowed {
                action = Action::SuspectTarget;
            }
        }
        // A 400 is about the message or about the target; the others who get the same message know which.
        if matches!(action, Action::FixRequest { .. }) || (status == 400 && action == Action::SuspectTarget) {
            if self.poison.refused(message, ticket.device, now) {
                self.alerts.push_back(Alert::Poison { digest: ticket.digest });
            }
            if action == Action::SuspectTarget && self.poison.is_poison(message, now).is_some() {
                action = Action::FixRequest { field: None };
            }
        }
        Verdict::Refused { status, reason, action }
    }
}

type CredentialKey = (CredentialId, Option<PlatformId>);

fn credential_permits(ticket: &Ticket) -> impl Iterator<Item = (CredentialKey, super::Permit)> + use<> {
    let all = ticket.credential_permit.map(|permit| ((ticket.credential, None), permit));
    let platform = ticket.platform_permit.map(|permit| ((ticket.credential, Some(ticket.platform)), permit));
    all.into_iter().chain(platform)
}

/// Whether the service works: also when it says that a target is gone, or that it is asked too often.
const fn is_well(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Accepted { .. } => true,
        Verdict::Refused { action, .. } => !matches!(action, Action::Retry { .. } | Action::Reconnect),
        Verdict::NotSent | Verdict::NoAnswer => false,
    }
}

/// Whether no further attempt follows.
const fn is_final(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Accepted { .. } => true,
        Verdict::Refused { action, .. } => matches!(
            action,
            Action::DropTarget { .. } | Action::SuspectTarget | Action::FixRequest { .. } | Action::GiveUp
        ),
        Verdict::NotSent | Verdict::NoAnswer => false,
    }
}
