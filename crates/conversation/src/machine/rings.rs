//! What takes a ring back (B7, E3), and what rings now (B10).

use reveille_core::UnixTime;

use super::calls::kind_of;
use super::cancels::after_effect;
use super::state::{Conversation, Live, Ring};
use super::{Conversations, Desk};
use crate::event::Role;
use crate::event::{Answered, Declined, Ended, TimedOut, Withdrawn};
use crate::id::{ConversationId, DeviceId, OfferId, PersonId};
use crate::lookup::Takes;
use crate::rules::Channels;
use crate::{Cause, Episode, Forms, Kind, Media, Output, Reason, Withdraw};

/// Something that rings for somebody now: returned by [`Conversations::ringing`]. Give it to an app that asks by itself
/// because no push came (B10).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Ringing {
    /// The conversation that rings.
    pub conversation: ConversationId,
    /// What is offered.
    pub media: Media,
    /// The number of the ring: it changes when a call comes back.
    pub episode: Episode,
    /// It stops by itself at this time.
    pub until: UnixTime,
}

/// What a ring is taken back for.
struct Stop<'a> {
    cause: Cause,
    at: UnixTime,
    offer: Option<&'a OfferId>,
    answered_by: Option<&'a PersonId>,
    except: Option<&'a DeviceId>,
}

impl<'a> Stop<'a> {
    const fn new(cause: Cause, at: UnixTime, offer: Option<&'a OfferId>) -> Self {
        Self { cause, at, offer, answered_by: None, except: None }
    }

    /// Whether it is about this ring: by the offer's name, or else by time.
    fn is_about(&self, live: &Live) -> bool {
        match (self.offer, &live.offer) {
            (Some(wanted), Some(rings)) => wanted == rings,
            _ => live.offered_at <= self.at,
        }
    }
}

impl Conversations {
    /// What should ring for a person now, in the order of the conversations' ids.
    #[must_use]
    pub fn ringing(&self, person: &PersonId, now: UnixTime) -> Vec<Ringing> {
        let now = self.desk.now.max(now);
        let mut found = Vec::new();
        for slot in self.rings_for(person, now) {
            let Some(there) = self.store.get(slot) else { continue };
            let member = there.find(person).and_then(|place| there.members.get(place));
            let Some(live) = member.and_then(|member| member.live.as_deref()) else { continue };
            if matches!(live.ring, Ring::Rings | Ring::Held) && live.until > now {
                found.push(Ringing {
                    conversation: there.id.clone(),
                    media: live.media.unwrap_or(Media::Call),
                    episode: Episode::from_bits(live.episode),
                    until: live.until,
                });
            }
        }
        found
    }

    /// The places of the conversations that ring for a person, or will, in the order of their ids.
    pub(super) fn rings_for(&self, person: &PersonId, now: UnixTime) -> Vec<u32> {
        let mut found: Vec<(&ConversationId, u32)> = Vec::new();
        for slot in self.desk.ringing.of(person) {
            // One that was forgotten leaves its place to another one.
            let Some(there) = self.store.remembered(*slot, now) else { continue };
            let member = there.find(person).and_then(|place| there.members.get(place));
            if member.and_then(|member| member.live.as_deref()).is_some_and(|live| live.ring.is_open()) {
                found.push((&there.id, *slot));
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(_, slot)| slot).collect()
    }
}

impl Desk {
    pub(super) fn on_answered(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        event: &Answered,
        at: UnixTime,
    ) {
        let place = there.find(&event.person);
        let role = place.and_then(|place| there.members.get(place)).map(|member| member.role);
        if event.role.or(role) == Some(Role::Visitor) {
            return self.suppress(Some(&there.id), Some(&event.person), None, Reason::CustomersLeg);
        }
        let most = self.rules.memory().participants();
        let Some(place) = there.join(&event.person, event.role.unwrap_or(Role::Primary), most) else {
            return self.suppress(Some(&there.id), Some(&event.person), None, Reason::Full);
        };
        let Some(live) = there.members.get_mut(place).map(|member| member.live.get_or_insert_default())
        else {
            return;
        };
        let again = match &event.offer {
            Some(offer) => live.answered_offer.as_ref() == Some(offer),
            None => matches!(live.ring, Ring::Over(Cause::Answered)),
        };
        if again {
            // A report of the state says it again; the call may ring for others by now.
            return self.suppress(Some(&there.id), Some(&event.person), None, Reason::Duplicate);
        }
        let rung = live.offered;
        live.answered_offer.clone_from(&event.offer);
        live.answered_at = live.answered_at.max(Some(at));
        let mut stop = Stop::new(Cause::Answered, at, event.offer.as_ref());
        (stop.answered_by, stop.except) = (Some(&event.person), event.device.as_ref());
        self.stop_for(there, slot, place, &stop);
        // Of somebody who was not rung nothing follows, until their offer comes: it may be a supervisor who listens.
        if rung || event.device.is_some() {
            self.answered_elsewhere(there, slot, place, at);
        }
    }

    /// The rings of all others stop, and offers from before do not ring any more.
    pub(super) fn answered_elsewhere(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        by: usize,
        at: UnixTime,
    ) {
        let extra = there.extra();
        extra.over_at = extra.over_at.max(Some(at));
        let Some(who) = there.members.get(by).map(|member| member.id.clone()) else { return };
        for place in 0..there.members.len() {
            let mut stop = Stop::new(Cause::AnsweredElsewhere, at, None);
            stop.answered_by = Some(&who);
            if place != by && self.rings_since(there, place, &stop) {
                self.stop_for(there, slot, place, &stop);
            }
        }
    }

    pub(super) fn on_ended(&mut self, there: &mut Conversation, slot: u32, event: &Ended, at: UnixTime) {
        let extra = there.extra();
        extra.over_at = extra.over_at.max(Some(at));
        let stop = Stop::new(if event.abandoned { Cause::Abandoned } else { Cause::Ended }, at, None);
        if !self.stop_all(there, slot, &stop) {
            self.suppress(Some(&there.id), None, None, Reason::NothingRings);
        }
    }

    fn stop_all(&mut self, there: &mut Conversation, slot: u32, stop: &Stop<'_>) -> bool {
        let mut any = false;
        for place in 0..there.members.len() {
            if self.rings_since(there, place, stop) || self.missed_after_revoke(there, place, stop) {
                any = true;
                self.stop_for(there, slot, place, stop);
            }
        }
        any
    }

    fn rings_since(&self, there: &Conversation, place: usize, stop: &Stop<'_>) -> bool {
        let live = there.members.get(place).and_then(|member| member.live.as_deref());
        live.is_some_and(|live| live.ring.is_open() && stop.is_about(live))
    }

    /// "Revoked" came first, and now that nobody took it: in either order a "missed" stays (E3).
    fn missed_after_revoke(&self, there: &Conversation, place: usize, stop: &Stop<'_>) -> bool {
        let live = there.members.get(place).and_then(|member| member.live.as_deref());
        matches!(stop.cause, Cause::Abandoned | Cause::TimedOut)
            && live.is_some_and(|live| {
                matches!(live.ring, Ring::Over(Cause::Revoked))
                    && live.media == Some(Media::Call)
                    && !live.missed
                    && stop.is_about(live)
            })
    }

    pub(super) fn on_withdrawn(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        event: &Withdrawn,
        at: UnixTime,
    ) {
        let stop = Stop::new(event.cause, at, event.offer.as_ref());
        self.stop_one(there, slot, &event.person, &stop);
    }

    pub(super) fn on_declined(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        event: &Declined,
        at: UnixTime,
    ) {
        let mut stop = Stop::new(Cause::Declined, at, event.offer.as_ref());
        stop.except = event.device.as_ref();
        self.stop_one(there, slot, &event.person, &stop);
    }

    pub(super) fn on_timed_out(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        event: &TimedOut,
        at: UnixTime,
    ) {
        let stop = Stop::new(Cause::TimedOut, at, event.offer.as_ref());
        if let Some(person) = &event.person {
            return self.stop_one(there, slot, person, &stop);
        }
        let hidden: Vec<usize> = (0..there.members.len()).filter(|place| hides(there, *place)).collect();
        let mut any = false;
        for place in 0..there.members.len() {
            if !hidden.contains(&place)
                && (self.rings_since(there, place, &stop) || self.missed_after_revoke(there, place, &stop))
            {
                any = true;
                self.stop_for(there, slot, place, &stop);
            }
        }
        // Hidden agents only after the others did not answer (E3).
        for place in hidden {
            any = true;
            self.reveal(there, slot, place);
        }
        // Their offers may come later.
        let before = if any { after_effect(at) } else { at };
        there.extra().timed_out.add(event.offer.as_ref(), before);
        if !any {
            self.suppress(Some(&there.id), None, None, Reason::NothingRings);
        }
    }

    /// A hidden agent's turn.
    pub(super) fn reveal(&mut self, there: &mut Conversation, slot: u32, place: usize) {
        let now = self.now;
        let Some(member) = there.members.get_mut(place) else { return };
        let id = member.id.clone();
        let Some(live) = member.live.as_mut() else { return };
        let Ring::Hidden(turn, mut offer) = std::mem::take(&mut live.ring) else { return };
        // Their turn may come early.
        live.until = live.until.min(now + live.until.since(turn));
        if live.until <= now {
            live.ring = Ring::Over(Cause::TimedOut);
            self.ringing.remove(&id, slot);
            return self.suppress(Some(&there.id), Some(&id), Some(kind_of(offer.media)), Reason::Late);
        }
        self.ring(there, slot, place, &mut offer);
    }

    fn stop_one(&mut self, there: &mut Conversation, slot: u32, person: &PersonId, stop: &Stop<'_>) {
        // A cancel may overtake its offer: the person is remembered for it.
        let most = self.rules.memory().participants();
        let Some(place) = there.join(person, Role::Primary, most) else {
            return self.suppress(Some(&there.id), Some(person), None, Reason::Full);
        };
        self.stop_for(there, slot, place, stop);
    }

    /// Stops what rings, whatever it is.
    pub(super) fn stop(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        place: usize,
        cause: Cause,
        answered_by: Option<&PersonId>,
        except: Option<&DeviceId>,
    ) {
        let stop = Stop { answered_by, except, ..Stop::new(cause, UnixTime::MAX, None) };
        self.stop_now(there, slot, place, &stop);
    }

    fn stop_for(&mut self, there: &mut Conversation, slot: u32, place: usize, stop: &Stop<'_>) {
        let Some(member) = there.members.get_mut(place) else { return };
        let id = member.id.clone();
        let live = member.live.get_or_insert_default();
        let kind = live.media.map(kind_of);
        if live.ring.is_open() && stop.is_about(live) {
            return self.stop_now(there, slot, place, stop);
        }
        live.cancel(stop.offer, stop.at, false);
        if live.ring.is_open() {
            return self.suppress(Some(&there.id), Some(&id), kind, Reason::EarlierEpisode);
        }
        let declined = matches!(live.ring, Ring::Over(Cause::Declined));
        if self.missed_after_revoke(there, place, stop) {
            return self.miss(there, slot, place);
        }
        let unheard = matches!(stop.cause, Cause::Abandoned | Cause::TimedOut);
        let reason = if declined && unheard { Reason::DeclinedBefore } else { Reason::NothingRings };
        self.suppress(Some(&there.id), Some(&id), kind, reason);
    }

    fn stop_now(&mut self, there: &mut Conversation, slot: u32, place: usize, stop: &Stop<'_>) {
        let Some(member) = there.members.get_mut(place) else { return };
        let id = member.id.clone();
        let Some(live) = member.live.as_mut() else { return };
        let kind = kind_of(live.media.unwrap_or(Media::Call));
        let was = std::mem::replace(&mut live.ring, Ring::Over(stop.cause));
        let (episode, ways) = (Episode::from_bits(live.episode), live.channels);
        // What has no time of its own (a time-out here, a log-out) is about what rang.
        let at = if stop.at == UnixTime::MAX { live.offered_at } else { stop.at };
        let offer = stop.offer.or(live.offer.as_ref()).cloned();
        live.cancel(offer.as_ref(), at, true);
        self.ringing.remove(&id, slot);
        match was {
            Ring::Rings => {
                self.drop_held(there, slot, |held| {
                    held.intent.recipient == id && held.intent.episode == Some(episode)
                });
                let withdraw = self.withdraw(
                    there,
                    &id,
                    kind,
                    stop.cause,
                    ways.and(self.rules.channels().revoked_call()),
                );
                self.push_withdraw(Withdraw {
                    how: Takes::Cancel,
                    episode: Some(episode),
                    answered_by: stop.answered_by.cloned(),
                    except: stop.except.cloned(),
                    ..withdraw
                });
            }
            Ring::Held => {
                self.drop_held(there, slot, |held| {
                    held.intent.recipient == id && held.intent.episode == Some(episode)
                });
                self.suppress(Some(&there.id), Some(&id), Some(kind), Reason::CancelledBefore);
            }
            Ring::Hidden(..) => {
                self.suppress(Some(&there.id), Some(&id), Some(kind), Reason::CancelledBefore);
            }
            Ring::None | Ring::Over(_) => {
                self.suppress(Some(&there.id), Some(&id), Some(kind), Reason::NothingRings);
            }
        }
        if matches!(stop.cause, Cause::Abandoned | Cause::TimedOut) && matches!(was, Ring::Rings | Ring::Held)
        {
            self.miss(there, slot, place);
        }
    }

    /// What is shown of messages disappears (E2).
    pub(super) fn invalidate(&mut self, there: &mut Conversation, place: usize, cause: Cause) {
        let Some(member) = there.members.get(place) else { return };
        let (id, role) = (member.id.clone(), member.role);
        let reach = match role {
            Role::Visitor => self.rules.recipients().visitor(),
            Role::Primary => self.rules.recipients().primary(),
            Role::Secondary | Role::Bot => self.rules.recipients().secondary(),
        };
        let ways = self.rules.channels().read_message().and(reach);
        let withdraw = self.withdraw(there, &id, Kind::NewMessage, cause, ways);
        self.push_withdraw(withdraw);
    }

    /// A log-out on one device: the ring stops there, and goes on elsewhere (B3).
    pub(super) fn stop_on(&mut self, there: &mut Conversation, place: usize, device: DeviceId) -> bool {
        let Some(member) = there.members.get(place) else { return false };
        let id = member.id.clone();
        let Some(live) = member.live.as_deref().filter(|live| matches!(live.ring, Ring::Rings)) else {
            return false;
        };
        let (kind, episode) = (kind_of(live.media.unwrap_or(Media::Call)), Episode::from_bits(live.episode));
        let ways = live.channels.and(self.rules.channels().revoked_call());
        let withdraw = self.withdraw(there, &id, kind, Cause::LoggedOut, ways);
        self.push_withdraw(Withdraw {
            how: Takes::Cancel,
            episode: Some(episode),
            only: Some(device),
            ..withdraw
        });
        true
    }

    fn push_withdraw(&mut self, withdraw: Withdraw) {
        if withdraw.channels.is_empty() {
            let (id, who) = (withdraw.conversation, withdraw.recipient);
            return self.suppress(Some(&id), Some(&who), Some(withdraw.of), Reason::NoChannel);
        }
        self.push(Output::Withdraw(Box::new(withdraw)));
    }

    fn withdraw(
        &self,
        there: &mut Conversation,
        id: &PersonId,
        of: Kind,
        cause: Cause,
        ways: Channels,
    ) -> Withdraw {
        let cancels = self.rules.cancels();
        Withdraw {
            conversation: there.id.clone(),
            recipient: id.clone(),
            of,
            how: Takes::Invalidate,
            cause,
            collapse: self.seed.collapse_key(id, &there.id, of.slot()),
            generation: there.next_generation(self.now),
            episode: None,
            answered_by: None,
            except: None,
            only: None,
            channels: ways,
            forms: Forms { apns: cancels.apns(), fcm: cancels.fcm(), web_push: cancels.web_push() },
            not_after: self.now + self.rules.messages().useful_for(),
        }
    }
}

fn hides(there: &Conversation, place: usize) -> bool {
    let live = there.members.get(place).and_then(|member| member.live.as_deref());
    live.is_some_and(|live| matches!(live.ring, Ring::Hidden(..)))
}
