//! Forwarded, invited, delegated (E4).

use reveille_core::UnixTime;

use super::Desk;
use super::send::Draft;
use super::state::{Conversation, Field};
use crate::event::Role;
use crate::event::{HandedOver, Target};
use crate::lookup::LookupKey;
use crate::{Kind, Reason};

impl Desk {
    pub(super) fn on_handover(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        kind: Kind,
        event: &mut HandedOver,
        at: UnixTime,
    ) {
        let HandedOver { to, by, by_name } = event;
        let Target::Agent(agent) = &*to else {
            return self.suppress(Some(&there.id), None, Some(kind), Reason::ToQueue);
        };
        let rules = self.rules.handovers();
        let on = match kind {
            Kind::Forwarded => rules.forwarded(),
            Kind::Invited => rules.invited(),
            _ => rules.delegated(),
        };
        let not_after = at.min(self.now) + rules.useful_for();
        let window = rules.duplicates_within();
        // An agent who takes part already is what they are; one who is asked to will be a second one.
        let role = there.find(agent).and_then(|place| there.members.get(place));
        let role =
            role.filter(|member| member.role != Role::Visitor).map_or(Role::Secondary, |member| member.role);
        let ways = if there.ended {
            Err(Reason::ConversationOver)
        } else if !on {
            Err(Reason::KindOff)
        } else if by.as_ref() == Some(agent) {
            Err(Reason::ToSender)
        } else if not_after <= self.now {
            Err(Reason::Late)
        } else {
            self.rules.ways(kind, role)
        };
        let ways = ways.and_then(|ways| {
            let event = self.seed.event(&[there.id.as_str(), agent.as_str(), kind.as_str()], &[]);
            let new = self.recent.admit(event, window, self.rules.memory().recent(), self.now);
            if new { Ok(ways) } else { Err(Reason::Duplicate) }
        });
        let ways = match ways {
            Ok(ways) => ways,
            Err(reason) => return self.suppress(Some(&there.id), Some(agent), Some(kind), reason),
        };
        let mut draft = Draft::new(&there.id, agent, role, kind, not_after, ways);
        if let (None, Some(by), true) = (&by_name, &by, self.rules.lookups().sender()) {
            draft.wants.push((Field::From, LookupKey::Person(by.clone())));
        }
        draft.intent.arguments.from = by_name.take();
        self.send(there, slot, draft);
    }
}
