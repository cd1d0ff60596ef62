//! What happens in the world: chats, calls and callbacks, with a time each and a time of arrival.

use std::time::Duration;

use reveille_conversation::Cause;
use reveille_conversation::event::{
    Answered, CallbackCreated, Declined, Ended, Event, Joined, Left, Message, Offer, Read, TimedOut, Viewing,
    What, Withdrawn,
};
use reveille_conversation::event::{CallbackMode, MessageKind, Role};
use reveille_conversation::id::ConversationId;
use reveille_core::UnixTime;

use super::Faults;
use super::draw::Draw;
use super::people::{People, text};

/// An event, and when its source delivers it; more than once, if it repeats itself.
#[derive(Debug)]
pub(super) struct Scripted {
    pub(super) event: Event,
    pub(super) arrives: Vec<UnixTime>,
}

pub(super) struct Script<'a> {
    pub(super) people: &'a People,
    pub(super) draw: &'a mut Draw,
    faults: Faults,
    pub(super) events: Vec<Scripted>,
    conversations: usize,
}

/// `events` events from `start` on.
pub(super) fn script(
    people: &People,
    events: usize,
    faults: Faults,
    start: UnixTime,
    draw: &mut Draw,
) -> Vec<Scripted> {
    let mut script = Script { people, draw, faults, events: Vec::new(), conversations: 0 };
    let mut at = start;
    while script.events.len() < events {
        at += script.draw.ms(0, 8_000);
        match script.draw.below(12) {
            0..5 => script.chat(at),
            5..9 => script.call(at),
            9 => script.callback(at),
            10 => script.desk(at),
            _ => script.appointment(at),
        }
    }
    script.events.truncate(events);
    script.events
}

impl Script<'_> {
    pub(super) fn add(&mut self, conversation: &ConversationId, what: What, at: UnixTime) {
        let number = self.events.len();
        let id = Some(text(&format!("event-{number}")));
        let event = Event { conversation: conversation.clone(), at, id, what };
        let slow = if self.faults == Faults::None { 0 } else { 1_500 };
        let mut arrives = vec![at + self.draw.ms(0, slow)];
        if self.faults != Faults::None && self.draw.per_mille(40) {
            arrives.push(at + self.draw.ms(0, 60_000));
        }
        self.events.push(Scripted { event, arrives });
    }

    pub(super) fn conversation(&mut self, name: &str) -> ConversationId {
        self.conversations += 1;
        text(&format!("{name}-{}", self.conversations))
    }

    pub(super) fn someone(&mut self) -> usize {
        self.draw.index(self.people.regulars)
    }

    /// Two or three people write to each other, and read some of it.
    fn chat(&mut self, at: UnixTime) {
        let there = self.conversation("chat");
        let first = self.someone();
        let all = self.people.regulars;
        let people: Vec<_> = (0..2 + self.draw.index(2)).map(|step| (first + step) % all).collect();
        let ids: Vec<_> =
            people.iter().filter_map(|at| Some(self.people.people.get(*at)?.id.clone())).collect();
        for (place, person) in ids.iter().enumerate() {
            let role = if place == 0 { Role::Visitor } else { Role::Primary };
            self.add(&there, What::Joined(Joined { person: person.clone(), role }), at);
        }
        let mut at = at + self.draw.ms(3_000, 6_000);
        for sequence in 1..=2 + self.draw.below(7) {
            let place = self.draw.index(ids.len());
            let Some(person) = ids.get(place).cloned() else { return };
            if self.draw.per_mille(40) {
                // Whoever looks at it is not told, and is when they have looked away without reading.
                let device = self.people.find(&person).and_then(|person| person.devices.first());
                if let Some(device) = device.map(|known| known.name.clone()) {
                    let for_ms = 1_000 + self.draw.below(30_000);
                    self.add(&there, What::Viewing(Viewing { person: person.clone(), device, for_ms }), at);
                    at += self.draw.ms(0, 1_000);
                }
            }
            if sequence > 2 && self.draw.per_mille(40) {
                self.add(&there, What::Left(Left { person: person.clone() }), at);
                at += self.draw.ms(0, 10_000);
            }
            if self.draw.per_mille(250) {
                let sequence = Some(self.draw.below(sequence));
                self.add(&there, What::ReadUpTo(Read { person: person.clone(), sequence }), at);
                at += self.draw.ms(0, 3_000);
            }
            let role = if place == 0 { Role::Visitor } else { Role::Primary };
            let number = self.events.len();
            let message = Message {
                sender: person,
                role,
                kind: MessageKind::Written,
                message: None,
                sequence: Some(sequence),
                sender_name: Some("Ann".into()),
                preview: Some(format!("event-{number}").as_str().into()),
            };
            self.add(&there, What::MessageSent(message), at);
            at += self.draw.ms(0, 45_000);
        }
    }

    /// One or two agents are rung; somebody answers, declines, the caller hangs up, routing takes it back, or nothing.
    fn call(&mut self, at: UnixTime) {
        let there = self.conversation("call");
        let first = self.someone();
        let all = self.people.regulars;
        let agents: Vec<_> = (0..1 + self.draw.index(2)).map(|step| (first + step) % all).collect();
        let named = self.draw.per_mille(700);
        for agent in &agents {
            let Some(person) = self.people.people.get(*agent) else { continue };
            let offer = Offer {
                offer: Some(text(&format!("offer-{}-{agent}", self.conversations))),
                caller: (!named).then(|| text("caller")),
                caller_name: named.then(|| "Bob".into()),
                queue_name: Some("Sales".into()),
                ..Offer::new(person.id.clone())
            };
            self.add(&there, What::CallOffered(offer), at);
        }
        let Some(person) = agents.first().and_then(|agent| self.people.people.get(*agent)) else { return };
        let offer = Some(text(&format!("offer-{}-{}", self.conversations, agents.first().unwrap_or(&0))));
        let (id, device) = (person.id.clone(), person.devices.first().map(|known| known.name.clone()));
        let at = at + self.draw.ms(0, 20_000);
        let what = match self.draw.below(7) {
            0 | 1 => What::CallAnswered(Answered { person: id, role: None, device, offer: None }),
            2 => What::CallDeclined(Declined { person: id, device, offer: None }),
            3 => What::CallEnded(Ended { abandoned: true }),
            5 => {
                let whom = self.draw.per_mille(500).then_some(id);
                What::CallTimedOut(TimedOut { offer: offer.filter(|_| whom.is_some()), person: whom })
            }
            4 => What::CallWithdrawn(Withdrawn { person: id, cause: Cause::Transferred, offer: None }),
            _ => return,
        };
        self.add(&there, what, at);
    }

    fn callback(&mut self, at: UnixTime) {
        let there = self.conversation("callback");
        let Some(person) = self.people.people.get(self.draw.index(self.people.regulars)) else { return };
        let created = CallbackCreated {
            person: person.id.clone(),
            push: true,
            mode: CallbackMode::CallIn,
            queue: None,
            wait_ms: Some(3_600_000),
            attempts: None,
        };
        self.add(&there, What::CallbackCreated(created), at);
        let at = at + Duration::from_secs(5) + self.draw.ms(0, 60_000);
        let what = if self.draw.per_mille(700) { What::CallbackReady } else { What::CallbackPurged };
        self.add(&there, what, at);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::world::World;
    use super::super::{Faithful, Simulation};
    use super::*;

    #[test]
    fn every_kind_of_event_happens() {
        let mut seen = BTreeSet::new();
        for seed in 0..4 {
            let plan = Simulation::new(seed).with_faults(Faults::Hell);
            let world = World::new(plan, Box::new(Faithful));
            seen.extend(world.script.iter().map(|one| one.event.what.as_str()));
        }
        assert_eq!(seen, What::NAMES.iter().copied().collect());
    }
}
