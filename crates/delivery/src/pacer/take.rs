//! What a request takes, together or not at all.

use reveille_core::UnixTime;

use super::queue::{Entry, whole};
use super::shared::Shared;
use super::{CROWDED, CredentialId, Pacer, PlatformId, Ticket, at_service};
use crate::{HeldBy, Priority};

/// What stops a request, and whether the whole lane with it.
pub(super) enum Stop {
    Lane(UnixTime, HeldBy),
    /// Until a report makes room, or until then.
    Park(UnixTime),
    Request(UnixTime, HeldBy),
}

impl Stop {
    /// Until a report makes room.
    const PARK: Self = Self::Park(UnixTime::MAX);
}

impl<T> Pacer<T> {
    /// Everything that has to be free, taken together or not at all.
    pub(super) fn try_entry(
        &mut self,
        at: u32,
        entry: &Entry,
        priority: Priority,
        ordered: bool,
        now: UnixTime,
    ) -> Result<Ticket, Stop> {
        if entry.not_after <= now && entry.not_after != UnixTime::MAX {
            return Err(Stop::Request(entry.not_after, HeldBy::Rate));
        }
        let lane = self.lanes.get(at as usize).ok_or(Stop::PARK)?;
        if let Some(until) = self.poison.is_poison(at_service(entry.digest, lane.service), now) {
            return Err(Stop::Request(until, HeldBy::Poison));
        }
        let (credential, platform) =
            (CredentialId::from_bits(entry.credential), PlatformId::from_bits(entry.platform));
        let service = lane.service;
        if let Some((until, by)) = self.pause_of(service, credential, platform, entry.device, now) {
            return Err(Stop::Request(until, by));
        }
        let lane = self.lanes.get_mut(at as usize).ok_or(Stop::PARK)?;
        // Probes that have just left say soon whether the others may follow.
        let soon = lane.breaker.probing_since().map(|since| since + self.settings.hold);
        lane.breaker.peek(now).map_err(|until| match soon {
            Some(soon) if now < soon => Stop::Park(soon.min(until)),
            _ => Stop::Lane(until, HeldBy::Breaker),
        })?;
        if !lane.has_room() {
            return Err(Stop::PARK);
        }
        let cost = lane.take(now).map_err(|until| Stop::Lane(until, HeldBy::Rate))?;
        let taken = self.take_keys(entry, priority, now);
        let lane = self.lanes.get_mut(at as usize).ok_or(Stop::PARK)?;
        if let Err(until) = taken {
            lane.refund(cost, now);
            return Err(Stop::Request(until, HeldBy::Rate));
        }
        let connection = lane.streams.acquire();
        let stop = if connection.is_none() && !lane.streams.is_empty() {
            Some(Stop::PARK)
        } else if entry.attempt > 1 && !self.budget.allows(now) {
            Some(Stop::Request(now + CROWDED, HeldBy::RetryBudget))
        } else if self.throttle.as_mut().is_some_and(|throttle| !throttle.start(now)) {
            Some(Stop::Request(now + CROWDED, HeldBy::Throttle))
        } else {
            None
        };
        let permit = match (stop, lane.breaker.admit(now)) {
            (None, Ok(permit)) => permit,
            (stop, admitted) => {
                if let Ok(permit) = admitted {
                    lane.breaker.release(permit);
                }
                if let Some(connection) = connection {
                    lane.streams.release(connection);
                }
                lane.refund(cost, now);
                self.refund_keys(entry.recipient, entry.device, entry.conversation, now);
                let breaker = Stop::Lane(admitted.err().unwrap_or(now + CROWDED), HeldBy::Breaker);
                return Err(stop.unwrap_or(breaker));
            }
        };
        lane.leaves(now);
        if entry.attempt > 1 {
            self.budget.retry(now);
        } else {
            self.budget.request(now);
        }
        if ordered {
            self.order.begin(at, entry.conversation, whole(entry.leg), now);
        }
        let mut probe = |key| self.credentials.get_mut(&key).and_then(|breaker| breaker.admit(now).ok());
        Ok(Ticket {
            leg: whole(entry.leg),
            lane: at,
            credential,
            platform,
            recipient: entry.recipient,
            device: entry.device,
            conversation: entry.conversation,
            digest: entry.digest,
            started: now,
            cost,
            connection,
            permit,
            credential_permit: probe((credential, None)),
            platform_permit: probe((credential, Some(platform))),
        })
    }

    fn take_keys(&mut self, entry: &Entry, priority: Priority, now: UnixTime) -> Result<(), UnixTime> {
        let mut levels = self.levels(entry.recipient, entry.device, entry.conversation);
        let mut taken = 0;
        let mut blocked = None;
        for (shared, key) in levels.iter_mut().flatten() {
            if let Err(until) = shared.rate.take(*key, now) {
                let urgent = priority == Priority::Urgent;
                blocked = Some(shared.turn(*key, urgent, until, entry.not_after));
                break;
            }
            taken += 1;
        }
        if let Some(mut until) = blocked {
            // All together or not at all.
            for (at, (shared, key)) in levels.into_iter().flatten().enumerate() {
                if at < taken {
                    shared.rate.refund(key, now);
                } else if at > taken {
                    until = until.max(shared.rate.peek(key, now).err().unwrap_or(until));
                }
            }
            return Err(until);
        }
        if let Some(rate) = &self.settings.global {
            self.global.take(rate, now)?;
        }
        Ok(())
    }

    pub(super) fn refund_keys(&mut self, recipient: u64, device: u64, conversation: u64, now: UnixTime) {
        for (shared, key) in self.levels(recipient, device, conversation).into_iter().flatten() {
            shared.rate.refund(key, now);
        }
        if let Some(rate) = &self.settings.global {
            self.global.refund(rate, now);
        }
    }

    /// Rates by key, of those that are named: 0 is nobody.
    fn levels(&mut self, recipient: u64, device: u64, conversation: u64) -> [Option<(&mut Shared, u64)>; 3] {
        [
            named(&mut self.recipients, recipient),
            named(&mut self.devices, device),
            named(&mut self.conversations, conversation),
        ]
    }

    /// Asks for one call of the platform's API (presence, look-ups, re-sync, write-back share it), by this client.
    ///
    /// # Errors
    /// When to ask again.
    pub fn take_api(&mut self, client: u64, now: UnixTime) -> Result<(), UnixTime> {
        self.clients.take(client, now)
    }
}

fn named(shared: &mut Option<Shared>, key: u64) -> Option<(&mut Shared, u64)> {
    shared.as_mut().filter(|_| key != 0).map(|shared| (shared, key))
}
