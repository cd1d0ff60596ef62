//! Requests come in, and are withdrawn.

use std::hint::black_box;

use reveille_core::UnixTime;

use super::metrics::Came;
use super::queue::{Entry, halves};
use super::{CROWDED, CredentialId, Held, Offer, Pacer, PlatformId, ServiceId, at_service, pauses};
use crate::{HeldBy, LegId, Priority};

impl<T> Pacer<T> {
    /// Puts a request into its lane. A later attempt of a leg that waits already takes its place.
    ///
    /// # Errors
    /// [`Held`]: not now. Nothing is kept; tell the delivery.
    pub fn offer(&mut self, offer: Offer<T>, now: UnixTime) -> Result<(), Held<T>> {
        // What will be needed comes from memory all at once, not one after the other.
        let tag = self.tag(offer.leg);
        black_box(self.by_leg.touch(tag));
        let known = self.known_lane(offer.lane);
        black_box(
            known.and_then(|at| self.lanes.get(at as usize)).map(|lane| lane.touch_end(offer.recipient)),
        );
        let stopped = self.stopped_at_the_door(&offer, known, now);
        if let Some(place) = self.queued_at(tag, offer.leg).and_then(|at| self.places.get_mut(at)) {
            place.entry.attempt = offer.attempt;
            place.content = Some(offer.content);
            return Ok(());
        }
        let (leg, not_after) = (offer.leg, offer.not_after);
        let refused =
            |content, (until, by)| Held { leg, until: UnixTime::min(until, not_after), by, content };
        if let Some(stop) = stopped {
            self.counting.held(stop.1);
            return Err(refused(offer.content, stop));
        }
        let Some(lane) = known.or_else(|| self.new_lane(offer.lane, offer.service, now)) else {
            self.counting.held(HeldBy::Full);
            return Err(refused(offer.content, (now + CROWDED, HeldBy::Full)));
        };
        self.enqueue(lane, tag, offer, now);
        Ok(())
    }

    /// What makes it useless to queue a request.
    fn stopped_at_the_door(
        &mut self,
        offer: &Offer<T>,
        lane: Option<u32>,
        now: UnixTime,
    ) -> Option<(UnixTime, HeldBy)> {
        let full = self.queued >= self.settings.queued
            || self.queued_bytes.saturating_add(offer.bytes.into()) > self.settings.queued_bytes;
        if full {
            return Some((now + CROWDED, HeldBy::Full));
        }
        if let Some(until) = self.poison.is_poison(at_service(offer.digest, offer.service), now) {
            return Some((until, HeldBy::Poison));
        }
        if self.settings.lane(offer.service).ordered {
            // It keeps its place in the order, and waits there.
            return None;
        }
        let stop = self.pause_of(offer.service, offer.credential, offer.platform, offer.device, now);
        let lane = lane.and_then(|at| self.lanes.get(at as usize));
        // A lane that is stopped is not looked at before its end: what came into it would wait as long.
        let open = || Some((lane?.breaker.open_until(now)?, HeldBy::Breaker));
        stop.max(open()).filter(|(until, _)| *until > now + self.settings.hold)
    }

    #[inline]
    pub(super) fn pause_of(
        &self,
        service: ServiceId,
        credential: CredentialId,
        platform: PlatformId,
        device: u64,
        now: UnixTime,
    ) -> Option<(UnixTime, HeldBy)> {
        if self.pauses.is_quiet(now) && self.device_pauses.is_quiet(now) && self.credentials.is_empty() {
            return None;
        }
        let scopes = [
            pauses::Scope::Service(service),
            pauses::Scope::Credential(credential),
            pauses::Scope::Platform(credential, platform),
        ];
        let paused = scopes.into_iter().filter_map(|scope| self.pauses.until(&scope, now));
        let paused = paused.chain(self.device_pauses.until(&device, now)).max();
        let bad = [(credential, None), (credential, Some(platform))].into_iter();
        let bad = bad.filter_map(|key| {
            let breaker = self.credentials.get(&key)?;
            // A probe that is under way may have its answer soon.
            let lease_end = breaker.peek(now).err()?;
            Some(breaker.open_until(now).unwrap_or_else(|| lease_end.min(now + CROWDED)))
        });
        let bad = bad.max();
        match (paused, bad) {
            (None, None) => None,
            (paused, bad) if paused >= bad => Some((paused?, HeldBy::SlowDown)),
            (_, bad) => Some((bad?, HeldBy::Credential)),
        }
    }

    fn enqueue(&mut self, lane: u32, tag: u32, offer: Offer<T>, now: UnixTime) {
        let Some(known) = self.lanes.get_mut(lane as usize) else { return };
        let ordered = known.ordered;
        let priority = if ordered { Priority::Normal } else { offer.priority };
        let entry = Entry {
            leg: halves(offer.leg),
            recipient: offer.recipient,
            device: offer.device,
            conversation: offer.conversation,
            not_after: offer.not_after,
            digest: offer.digest,
            credential: offer.credential.to_bits(),
            platform: offer.platform.to_bits(),
            bytes: offer.bytes,
            lane,
            tag,
            attempt: offer.attempt,
            came: Came::at(now),
        };
        // What is tried again in an ordered lane goes before what came later.
        let (key, in_front) = if ordered {
            (offer.conversation, self.order.is_owner(lane, offer.conversation, offer.leg))
        } else {
            (offer.recipient, false)
        };
        let Some(at) = self.places.insert(entry, offer.content) else { return };
        known.push(&mut self.places, at, priority, key, in_front);
        self.by_leg.insert(tag, at);
        self.queued += 1;
        self.queued_bytes = self.queued_bytes.saturating_add(offer.bytes.into());
        if ordered {
            // Its conversation may be free while those that wait are not.
            self.unblock(lane);
        }
        self.ring(lane);
    }

    fn queued_at(&self, tag: u32, leg: LegId) -> Option<u32> {
        let leg = halves(leg);
        self.by_leg.find(tag, |at| self.places.get(at).is_some_and(|place| place.entry.leg == leg))
    }

    /// What a leg is found by.
    #[inline]
    fn tag(&self, leg: LegId) -> u32 {
        self.hiding.tag(halves(leg))
    }

    /// Takes a leg's request out, wherever it waits, because delivery withdraws it. What has left already is not found. Report
    /// [`Verdict::NotSent`](crate::Verdict::NotSent) for what is found. In an ordered lane it keeps its turn, if it had it: it
    /// may come again.
    pub fn withdraw(&mut self, leg: LegId) -> Option<T> {
        let at = self.queued_at(self.tag(leg), leg)?;
        let place = self.places.get_mut(at)?;
        let (content, entry) = (place.content.take()?, place.entry);
        self.forget(at, &entry);
        Some(content)
    }

    /// A leg has ended: what of it still waits is dropped, and in an ordered lane it is the next one's turn.
    pub fn settled(&mut self, leg: LegId) {
        if let Some(lane) = self.order.finish(leg) {
            self.unblock(lane);
        }
        drop(self.withdraw(leg));
    }

    /// An entry waits no more.
    pub(super) fn forget(&mut self, at: u32, entry: &Entry) {
        self.by_leg.remove(entry.tag, at);
        self.queued = self.queued.saturating_sub(1);
        self.queued_bytes = self.queued_bytes.saturating_sub(entry.bytes.into());
        if let Some(lane) = self.lanes.get_mut(entry.lane as usize) {
            lane.waiting = lane.waiting.saturating_sub(1);
        }
    }
}
