//! Who takes part, who looks, who is there (A2, B3, B8).

use std::ops::Bound;
use std::time::Duration;

use reveille_core::UnixTime;

use super::state::{Conversation, VIEWS};
use super::{Conversations, Desk};
use crate::event::Presence;
use crate::event::{Joined, Left, PersonChange, PersonEvent, Viewing};
use crate::id::{DeviceId, PersonId};
use crate::{Cause, Kind, Noted, Reason};

impl Desk {
    pub(super) fn on_joined(&mut self, there: &mut Conversation, event: &Joined) {
        let most = self.rules.memory().participants();
        let Some(place) = there.join(&event.person, event.role, most) else {
            return self.suppress(Some(&there.id), Some(&event.person), None, Reason::Full);
        };
        let sequence = there.sequence;
        if let Some(member) = there.members.get_mut(place) {
            member.role = event.role;
            if std::mem::take(&mut member.left) {
                (member.read, member.older) = (member.read.max(sequence), 0);
            }
        }
        self.note(Some(&there.id), Some(&event.person), Noted::Taken);
    }

    pub(super) fn on_left(&mut self, there: &mut Conversation, slot: u32, event: &Left, at: UnixTime) {
        self.leaves(there, slot, &event.person, Cause::Left, at);
    }

    /// The guest is gone: what is shown is taken back, and nothing more is told (A1).
    pub(super) fn on_session_ended(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        event: &Left,
        at: UnixTime,
    ) {
        self.leaves(there, slot, &event.person, Cause::Ended, at);
    }

    fn leaves(&mut self, there: &mut Conversation, slot: u32, person: &PersonId, cause: Cause, at: UnixTime) {
        let Some(place) = there.find(person) else {
            return self.suppress(Some(&there.id), Some(person), None, Reason::NotParticipant);
        };
        self.drop_held(there, slot, |held| {
            held.intent.recipient == *person && held.intent.kind == Kind::NewMessage
        });
        let Some(member) = there.members.get_mut(place) else { return };
        let (shown, again) = (std::mem::take(&mut member.shown), std::mem::replace(&mut member.left, true));
        let rings = member.live.as_deref_mut().is_some_and(|live| {
            live.views.clear();
            // One that was offered after they left is for their return.
            let rings = live.ring.is_open() && live.offered_at <= at;
            live.cancel(None, at, rings);
            rings
        });
        if again && !rings {
            return self.suppress(Some(&there.id), Some(person), None, Reason::NotParticipant);
        }
        if rings {
            self.stop(there, slot, place, cause, None, None);
        }
        if shown && cause == Cause::Ended {
            self.invalidate(there, place, cause);
        }
        there.trim();
        self.note(Some(&there.id), Some(person), Noted::Taken);
    }

    pub(super) fn on_viewing(&mut self, there: &mut Conversation, event: &Viewing) {
        let Viewing { person, device, for_ms } = event;
        let Some(place) = there.find(person) else {
            return self.suppress(Some(&there.id), Some(person), None, Reason::NotParticipant);
        };
        let lease = Duration::from_millis(*for_ms).min(self.rules.viewing().at_most());
        let (now, until) = (self.now, self.now + lease);
        let Some(member) = there.members.get_mut(place) else { return };
        let views = &mut member.live.get_or_insert_default().views;
        views.retain(|(known, until)| known != device && *until > now);
        if until > now {
            if views.len() >= VIEWS {
                views.remove(0);
            }
            views.push((device.clone(), until));
        }
        member.looks = !views.is_empty();
        self.note(Some(&there.id), Some(person), Noted::Taken);
    }

    pub(super) fn on_state(&mut self, there: &mut Conversation, slot: u32, open: bool, at: UnixTime) {
        let known = std::mem::replace(&mut there.ended, !open);
        if open || known {
            return self.note(Some(&there.id), None, Noted::Taken);
        }
        let extra = there.extra();
        extra.over_at = extra.over_at.max(Some(at));
        for place in 0..there.members.len() {
            let rings = there.members.get(place).and_then(|member| member.live.as_deref());
            if rings.is_some_and(|live| live.ring.is_open()) {
                self.stop(there, slot, place, Cause::Ended, None, None);
            }
        }
        for (person, kind) in self.drop_held(there, slot, |held| held.intent.kind != Kind::MissedCall) {
            self.suppress(Some(&there.id), Some(&person), Some(kind), Reason::ConversationOver);
        }
        self.note(Some(&there.id), None, Noted::Taken);
    }

    /// Only who is not available is remembered: that is the exception among those who get events.
    pub(super) fn on_presence(&mut self, person: PersonId, presence: Presence, at: UnixTime) {
        let at = at.min(self.now);
        if self.presence.get(&person).is_some_and(|(_, since)| *since > at) {
            return self.suppress(None, Some(&person), None, Reason::Late);
        }
        self.forget_presence(&person);
        if presence == Presence::Available {
            self.presence.remove(&person);
        } else if self.presence.len() < self.rules.memory().people() as usize
            || self.presence.contains_key(&person)
        {
            self.presence.insert(person.clone(), (presence, at));
        } else {
            return self.suppress(None, Some(&person), None, Reason::Full);
        }
        self.note(None, Some(&person), Noted::Taken);
    }

    /// Two of those who come behind somebody, if what was said of them is not believed any more: so what is old makes room
    /// without a look at all.
    fn forget_presence(&mut self, person: &PersonId) {
        let believed = self.rules.calls().presence_for();
        let behind = self.presence.range::<PersonId, _>((Bound::Excluded(person), Bound::Unbounded));
        let old =
            behind.chain(&self.presence).take(2).filter(|(_, (_, since))| *since + believed <= self.now);
        for person in old.map(|(person, _)| person.clone()).collect::<Vec<_>>() {
            self.presence.remove(&person);
        }
    }
}

impl Conversations {
    pub(super) fn on_person(&mut self, event: PersonEvent) {
        let PersonEvent { person, at, what } = event;
        match what {
            PersonChange::Presence(presence) => self.desk.on_presence(person, presence, at),
            PersonChange::LoggedOut(device) => self.on_logged_out(&person, device.as_ref()),
        }
    }

    fn on_logged_out(&mut self, person: &PersonId, device: Option<&DeviceId>) {
        let mut any = false;
        for slot in self.rings_for(person, self.desk.now) {
            self.visit(slot, |desk, there| {
                let Some(place) = there.find(person) else { return };
                any |= match device {
                    Some(device) => desk.stop_on(there, place, device.clone()),
                    None => {
                        desk.stop(there, slot, place, Cause::LoggedOut, None, None);
                        true
                    }
                };
            });
        }
        if !any {
            self.desk.suppress(None, Some(person), None, Reason::NothingRings);
        }
    }
}
