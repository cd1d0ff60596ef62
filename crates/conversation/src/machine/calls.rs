//! Offers (B4–B6, B8, E3).

use std::time::Duration;

use reveille_core::UnixTime;

use super::Desk;
use super::send::Draft;
use super::state::{Conversation, Field, Live, Ring};
use crate::event::Offer;
use crate::event::{Presence, Role};
use crate::lookup::LookupKey;
use crate::rules::PresenceFilter;
use crate::{Cause, Kind, Media, Noted, Output, Reason};

/// No platform rings longer.
const LONGEST_RING: u64 = 600_000;

pub(super) const fn kind_of(media: Media) -> Kind {
    match media {
        Media::Call => Kind::IncomingCall,
        Media::Chat | Media::Callback | Media::Message | Media::Email => Kind::IncomingOffer,
    }
}

impl Desk {
    pub(super) fn on_offer(&mut self, there: &mut Conversation, slot: u32, offer: &mut Offer, at: UnixTime) {
        let kind = kind_of(offer.media);
        let place = there.join(&offer.person, offer.role, self.rules.memory().participants());
        let Some(place) = place else {
            return self.suppress(Some(&there.id), Some(&offer.person), Some(kind), Reason::Full);
        };
        let verdict = self.judge(there, place, offer, at);
        if let Some(member) = there.members.get_mut(place) {
            member.live.get_or_insert_default().offered = true;
        }
        match verdict {
            Verdict::Rings => {}
            Verdict::Not(reason) => {
                return self.suppress(Some(&there.id), Some(&offer.person), Some(kind), reason);
            }
            Verdict::AnsweredBefore(answered_at) => {
                // The answer of this very person overtook the offer: now the others can be told.
                self.suppress(Some(&there.id), Some(&offer.person), Some(kind), Reason::AnsweredBefore);
                return self.answered_elsewhere(there, slot, place, answered_at);
            }
        }
        let rings_for = offer.rings_for_ms.map(|millis| Duration::from_millis(millis.min(LONGEST_RING)));
        let rings_for = rings_for.unwrap_or_else(|| self.rules.calls().ring_for());
        let starts = at.min(self.now);
        let hidden_until = starts + self.rules.calls().hidden_after();
        // A ring that goes on is not hidden again: it has to be cancelled.
        let rings = there.members.get(place).and_then(|member| member.live.as_deref());
        let goes_on = rings.is_some_and(|live| matches!(live.ring, Ring::Rings) && !is_other(live, offer));
        // Whose turn came before their offer did is not hidden any more.
        let hidden = offer.hidden && hidden_until > self.now && !goes_on && !has_timed_out(there, offer, at);
        let until = if hidden { hidden_until + rings_for } else { starts + rings_for };
        if until <= self.now {
            return self.suppress(Some(&there.id), Some(&offer.person), Some(kind), Reason::Late);
        }
        if !self.presence_allows(there, offer) {
            return self.suppress(Some(&there.id), Some(&offer.person), Some(kind), Reason::Presence);
        }
        self.supersede(there, slot, place, offer);
        let Some(member) = there.members.get_mut(place) else { return };
        // Who left may be called back; they take part again when they join.
        member.role = offer.role;
        let live = member.live.get_or_insert_default();
        if !live.ring.is_open() {
            there.episodes = there.episodes.saturating_add(1);
            (live.episode, live.missed) = (there.episodes, false);
        }
        (live.offered_at, live.until, live.media) = (at, until, Some(offer.media));
        live.offer.clone_from(&offer.offer);
        if hidden {
            live.ring = Ring::Hidden(hidden_until, Box::new(offer.clone()));
            let person = member.id.clone();
            self.timers.insert((hidden_until, slot));
            // A log-out takes their turn away, too.
            self.ringing.insert(&person, slot);
            let (kind, until) = (Some(kind), hidden_until);
            return self.note(Some(&there.id), Some(&person), Noted::Held { kind, until });
        }
        self.ring(there, slot, place, offer);
    }

    /// Whether an offer may ring at all.
    fn judge(&self, there: &Conversation, place: usize, offer: &Offer, at: UnixTime) -> Verdict {
        let calls = self.rules.calls();
        let on = if offer.media == Media::Call { calls.calls() } else { calls.offers() };
        let reason = if !on {
            Some(Reason::KindOff)
        } else if there.ended {
            Some(Reason::ConversationOver)
        } else if offer.role == Role::Bot {
            Some(Reason::RoleOff)
        } else if offer.auto_join && calls.respect_auto_join() {
            Some(Reason::AutoJoin)
        } else {
            None
        };
        if let Some(reason) = reason {
            return Verdict::Not(reason);
        }
        let live = there.members.get(place).and_then(|member| member.live.as_deref());
        if let Some(live) = live {
            if let Some(answered_at) = live.answered_at
                && at <= answered_at
                && !live.ring.is_open()
            {
                return Verdict::AnsweredBefore(answered_at);
            }
            if let Some(reason) = self.seen(live, offer, at) {
                return Verdict::Not(reason);
            }
        }
        if there.over_at().is_some_and(|over| at <= over) {
            return Verdict::Not(Reason::AnsweredBefore);
        }
        let rings = live.is_some_and(|live| live.ring.is_open());
        if !rings && !offer.hidden && has_timed_out(there, offer, at) {
            return Verdict::Not(Reason::CancelledBefore);
        }
        Verdict::Rings
    }

    /// Whether this offer came before, or its cancel did.
    fn seen(&self, live: &Live, offer: &Offer, at: UnixTime) -> Option<Reason> {
        let same = offer.offer.is_some() && offer.offer == live.offer;
        if live.ring.is_open() {
            // The ring may have no name, and this offer one whose cancel came.
            if offer.offer.is_some() && !same && live.cancels.cover(offer.offer.as_ref(), at) {
                return Some(Reason::CancelledBefore);
            }
            if is_other(live, offer) {
                return (at < live.offered_at).then_some(Reason::EarlierEpisode);
            }
            let ends = live.rang_at + self.rules.calls().duplicates_within();
            let waits = !matches!(live.ring, Ring::Rings);
            return (offer.restated || waits || self.now < ends).then_some(Reason::Duplicate);
        }
        if live.cancels.cover(offer.offer.as_ref(), at) {
            return Some(Reason::CancelledBefore);
        }
        // A report of the state after the ring was over here, by the time-out or by a cancel.
        let known = matches!(live.ring, Ring::Over(_)) && (same || at <= live.offered_at);
        (known && offer.restated).then_some(Reason::Duplicate)
    }

    /// Presence (B8): it lags, so an assignment counts as proof unless the rules are strict.
    fn presence_allows(&mut self, there: &Conversation, offer: &Offer) -> bool {
        let filter = self.rules.calls().presence();
        let believed = self.rules.calls().presence_for();
        let known = self.presence.get(&offer.person);
        let known = known.filter(|(_, since)| *since + believed > self.now).map(|(presence, _)| *presence);
        let Some(presence) = offer.presence.or(known).filter(|presence| *presence != Presence::Available)
        else {
            return true;
        };
        let rings = match filter {
            PresenceFilter::Off => return true,
            PresenceFilter::Soft => offer.assigned,
            PresenceFilter::Strict => false,
        };
        let what =
            if rings { Noted::PresenceOverridden { presence } } else { Noted::PresenceObeyed { presence } };
        self.note(Some(&there.id), Some(&offer.person), what);
        rings
    }

    /// Another offer of the call to the same person: the cancel of the first got lost, or comes later.
    fn supersede(&mut self, there: &mut Conversation, slot: u32, place: usize, offer: &Offer) {
        let live = there.members.get(place).and_then(|member| member.live.as_deref());
        if live.is_some_and(|live| live.ring.is_open() && is_other(live, offer)) {
            self.stop(there, slot, place, Cause::Superseded, None, None);
        }
    }

    /// It rings, or waits for names to ring with.
    pub(super) fn ring(&mut self, there: &mut Conversation, slot: u32, place: usize, offer: &mut Offer) {
        let kind = kind_of(offer.media);
        let Some(member) = there.members.get_mut(place) else { return };
        let (id, role) = (member.id.clone(), member.role);
        let ways = self.rules.ways(kind, role);
        let live = member.live.get_or_insert_default();
        self.timers.insert((live.until, slot));
        let ways = match ways {
            Ok(ways) => ways,
            Err(reason) => {
                // A ring that goes on stays what it is.
                if !matches!(live.ring, Ring::Rings) {
                    live.ring = Ring::None;
                    self.ringing.remove(&id, slot);
                }
                return self.suppress(Some(&there.id), Some(&id), Some(kind), reason);
            }
        };
        (live.rang_at, live.channels) = (self.now, ways);
        // What left before stays a ring that has to be cancelled, even if its repetition waits for names.
        if !matches!(live.ring, Ring::Rings) {
            live.ring = Ring::Held;
        }
        self.ringing.insert(&id, slot);
        let mut draft = Draft::new(&there.id, &id, role, kind, live.until, ways);
        draft.rings(offer.media, live.episode);
        let lookups = self.rules.lookups();
        if let (None, Some(caller), true) = (&offer.caller_name, &offer.caller, lookups.caller()) {
            draft.wants.push((Field::From, LookupKey::Person(caller.clone())));
        }
        if let (None, Some(queue), true) = (&offer.queue_name, &offer.queue, lookups.queue()) {
            draft.wants.push((Field::Queue, LookupKey::Queue(queue.clone())));
        }
        let arguments = &mut draft.intent.arguments;
        (arguments.from, arguments.queue) = (offer.caller_name.take(), offer.queue_name.take());
        if self.send(there, slot, draft)
            && let Some(live) = there.members.get_mut(place).and_then(|member| member.live.as_mut())
        {
            live.ring = Ring::Rings;
        }
    }

    /// The call rang and nobody took it (E3).
    pub(super) fn miss(&mut self, there: &mut Conversation, slot: u32, place: usize) {
        let Some(member) = there.members.get_mut(place) else { return };
        let (id, role) = (member.id.clone(), member.role);
        let Some(live) = member.live.as_mut() else { return };
        let media = live.media.unwrap_or(Media::Call);
        if live.missed || media != Media::Call {
            return;
        }
        live.missed = true;
        let (episode, offered_at) = (live.episode, live.offered_at.min(self.now));
        if !self.rules.calls().missed() {
            return self.suppress(Some(&there.id), Some(&id), Some(Kind::MissedCall), Reason::KindOff);
        }
        let not_after = offered_at + self.rules.calls().missed_useful_for();
        match self.rules.ways(Kind::MissedCall, role) {
            _ if not_after <= self.now => {
                self.suppress(Some(&there.id), Some(&id), Some(Kind::MissedCall), Reason::Late);
            }
            Ok(ways) => {
                let mut draft = Draft::new(&there.id, &id, role, Kind::MissedCall, not_after, ways);
                draft.rings(media, episode);
                self.send(there, slot, draft);
            }
            Err(reason) => self.suppress(Some(&there.id), Some(&id), Some(Kind::MissedCall), reason),
        }
    }

    pub(super) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }
}

/// Whether both have a name, and not the same.
fn is_other(live: &Live, offer: &Offer) -> bool {
    live.offer.is_some() && offer.offer.is_some() && live.offer != offer.offer
}

/// Whether the platform has stopped ringing all who were offered this by then.
fn has_timed_out(there: &Conversation, offer: &Offer, at: UnixTime) -> bool {
    there.extra.as_ref().is_some_and(|extra| extra.timed_out.cover(offer.offer.as_ref(), at))
}

enum Verdict {
    Rings,
    Not(Reason),
    AnsweredBefore(UnixTime),
}
