//! What else happens in conversations: they are handed over and closed, guests go, and callbacks have their whole life.

use std::time::Duration;

use reveille_conversation::event::{
    Accepted, Attempted, CallbackCreated, CallbackMode, HandedOver, Joined, Left, Message, MessageKind, Role,
    StateChanged, Target, Wait, What,
};
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_core::UnixTime;

use super::people::text;
use super::script::Script;

/// The queue that everything waits in.
pub(super) const QUEUE: &str = "sales";

impl Script<'_> {
    /// A guest writes; the conversation goes from hand to hand, and ends.
    pub(super) fn desk(&mut self, at: UnixTime) {
        let there = self.conversation("desk");
        let (Some(guest), Some(first)) = (self.anyone(), self.anyone()) else { return };
        let role = Role::Visitor;
        self.add(&there, What::Joined(Joined { person: guest.clone(), role }), at);
        let role = Role::Primary;
        self.add(&there, What::Joined(Joined { person: first.clone(), role }), at);
        let mut at = at + self.draw.ms(3_000, 6_000);
        for sequence in 1..=2 + self.draw.below(4) {
            let Some(other) = self.anyone() else { return };
            let queue = self.draw.per_mille(200);
            let to = if queue { Target::Queue(text(QUEUE)) } else { Target::Agent(other) };
            let by = self.draw.per_mille(500).then(|| first.clone());
            let handed = HandedOver { to, by_name: by.is_none().then(|| "Ann".into()), by };
            let what = match self.draw.below(4) {
                0 => What::Forwarded(handed),
                1 => What::Invited(handed),
                2 => What::Delegated(handed),
                _ => self.written(&guest, sequence),
            };
            self.add(&there, what, at);
            at += self.draw.ms(0, 20_000);
        }
        match self.draw.below(4) {
            0 => self.add(&there, What::GuestSessionEnded(Left { person: guest }), at),
            1 => self.add(&there, What::StateChanged(StateChanged { open: false }), at),
            2 => {
                self.add(&there, What::StateChanged(StateChanged { open: false }), at);
                let at = at + self.draw.ms(0, 10_000);
                self.add(&there, What::StateChanged(StateChanged { open: true }), at);
                let late = self.written(&first, 9);
                self.add(&there, late, at + Duration::from_secs(1));
            }
            _ => {}
        }
    }

    fn written(&self, sender: &PersonId, sequence: u64) -> What {
        let number = self.events.len();
        What::MessageSent(Message {
            sender: sender.clone(),
            role: Role::Visitor,
            kind: MessageKind::Written,
            message: None,
            sequence: Some(sequence),
            sender_name: Some("Guest".into()),
            preview: Some(format!("event-{number}").as_str().into()),
        })
    }

    /// A callback that is moved, tried, accepted, cancelled, in any order that a source can think of.
    pub(super) fn appointment(&mut self, at: UnixTime) {
        let there: ConversationId = self.conversation("appointment");
        let Some(person) = self.anyone() else { return };
        let mode = if self.draw.per_mille(500) { CallbackMode::CallIn } else { CallbackMode::CallBack };
        let created = CallbackCreated {
            person,
            push: self.draw.per_mille(900),
            mode,
            queue: Some(text(QUEUE)),
            wait_ms: Some(self.draw.below(3_600_000)),
            attempts: Some(2),
        };
        self.add(&there, What::CallbackCreated(created), at);
        let mut at = at + Duration::from_secs(2);
        for attempt in 1..=1 + self.draw.below(5) as u32 {
            at += self.draw.ms(0, 40_000);
            let what = match self.draw.below(9) {
                0 => What::EstimatedWait(Wait { wait_ms: self.draw.below(1_800_000) }),
                1 => What::BusinessClosing,
                2 => What::CallbackReady,
                3 => What::CallbackAccepted(Accepted { number: Some("+41 44 000 00 00".into()) }),
                4 | 5 => {
                    let succeeded = self.draw.per_mille(300);
                    What::CallbackAttempted(Attempted { attempt, of: None, succeeded })
                }
                6 => What::CallbackPurged,
                7 => What::CallbackRescheduled,
                _ => What::CallbackCancelled,
            };
            self.add(&there, what, at);
        }
        if self.draw.per_mille(300) {
            self.add(&there, What::CallbackCompleted, at + Duration::from_secs(5));
        }
    }

    fn anyone(&mut self) -> Option<PersonId> {
        let at = self.someone();
        Some(self.people.people.get(at)?.id.clone())
    }
}
