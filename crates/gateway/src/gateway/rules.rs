//! What the rules say.

use reveille_conversation::id::{ConversationId, PersonId};
use reveille_conversation::lookup::Takes;
use reveille_conversation::{
    self as conversation, CollapseKey, Generation, Intent, Kind, Noted, Output, Reason, Slot, Withdraw,
};
use reveille_digest::retract::Read;
use reveille_digest::{EventId, Input};

use super::Gateway;
use super::host::{Key, Message};
use super::jobs::Telling;
use super::trail::For;
use crate::{Content, LookUp, Note};

impl Gateway {
    pub(super) fn on_rules(&mut self, output: Output) {
        self.taking_back = None;
        match output {
            Output::Intent(intent) => self.on_intent(intent),
            Output::Withdraw(withdraw) => self.on_withdraw(withdraw),
            Output::Suppressed(suppressed) => {
                self.counting.suppressed(suppressed.reason);
                self.trail.suppressed(suppressed.recipient.as_ref(), suppressed.reason);
                if let (Some(conversation), Some(person), Some(kind)) =
                    (&suppressed.conversation, &suppressed.recipient, suppressed.kind)
                {
                    self.waits_no_longer(person, conversation, kind, suppressed.reason);
                }
                if let (Some(conversation), Some(person), Reason::NoChannel) =
                    (&suppressed.conversation, &suppressed.recipient, suppressed.reason)
                    && self
                        .rules
                        .ringing(person, self.timeline.of_rules(self.now))
                        .iter()
                        .all(|ring| ring.conversation != *conversation)
                {
                    self.stop_everywhere(person, conversation);
                }
                if suppressed.kind == Some(Kind::NewMessage)
                    && let (Some(conversation), Some(person), Reason::NoChannel | Reason::KindOff) =
                        (&suppressed.conversation, &suppressed.recipient, suppressed.reason)
                {
                    self.read_in_silence(person, conversation);
                }
                self.note(Note::Suppressed(suppressed));
            }
            Output::Lookup(lookup) => {
                let deadline = self.timeline.of_wall(lookup.deadline);
                let lookup = conversation::lookup::Lookup { deadline, ..lookup };
                self.out.push_back(crate::Output::LookUp(LookUp::Name(lookup)));
            }
            Output::Note(mut note) => {
                if let Noted::Held { kind, until } = &mut note.what {
                    *until = self.timeline.of_wall(*until);
                    if let (Some(person), Some(conversation)) = (&note.person, &note.conversation) {
                        let messages = self.messages(person, conversation);
                        self.trail.waits(person, messages, For::of(*kind));
                    }
                }
                self.note(Note::Rules(note));
            }
            _ => {}
        }
    }

    fn on_intent(&mut self, mut intent: Box<Intent>) {
        intent.not_after = self.timeline.of_wall(intent.not_after);
        self.counting.intents = self.counting.intents.saturating_add(1);
        if intent.kind == Kind::NewMessage {
            return self.collect(intent);
        }
        self.tell(Telling {
            generation: intent.generation.to_bits(),
            not_after: intent.not_after,
            content: Content::Show { intent, messages: 1, senders: 1, announcement: None },
            batch: None,
            except: None,
            told_elsewhere: 0,
        });
    }

    /// A7: messages wait for others of their conversation.
    fn collect(&mut self, intent: Box<Intent>) {
        let key = Key { person: intent.recipient.clone(), conversation: intent.conversation.clone() };
        self.trail.collected(&key.person, intent.collapse);
        let until = intent.not_after;
        let text = intent.arguments.snippet.as_ref().map_or(0, |snippet| snippet.as_str().len());
        let sender = intent.arguments.from.as_ref().map_or(0, |from| self.seed.text(from.as_str()));
        // Nothing is cancelled by its id, and duplicates are known to the rules.
        let event = reveille_digest::Event::new(key, EventId::default(), Message(intent))
            .with_actor(sender)
            .with_bytes(u32::try_from(text).unwrap_or(u32::MAX))
            .with_useful_until(until);
        self.to_digests.push_back(Input::Event(event));
    }

    /// What messages of a conversation replace on somebody's screen.
    pub(super) fn messages(&self, person: &PersonId, conversation: &ConversationId) -> CollapseKey {
        self.seed.conversations().collapse_key(person, conversation, Slot::Message)
    }

    fn on_withdraw(&mut self, mut withdraw: Box<Withdraw>) {
        withdraw.not_after = self.timeline.of_wall(withdraw.not_after);
        self.counting.withdrawn = self.counting.withdrawn.saturating_add(1);
        if let Some(device) = &withdraw.only {
            // A log-out: the app knows, and the device is not to be pushed to any more.
            let device = self.seed.device(device);
            return self.to_delivery.push_back(reveille_delivery::Input::DropDevice { device });
        }
        if withdraw.how == Takes::Invalidate && withdraw.of == Kind::NewMessage {
            let key = Key { person: withdraw.recipient.clone(), conversation: withdraw.conversation.clone() };
            let told_elsewhere = self.told_elsewhere.remove(&key).is_some();
            self.forget_dead(&withdraw);
            self.to_digests.push_back(Input::Read(key, Read::All));
            if told_elsewhere {
                // The digest has not sent it, since the person wants quiet: but others were told of it.
                withdraw.generation = self.next_generation();
                return self.take_back(withdraw, None);
            }
            self.taking_back = Some(withdraw);
            return;
        }
        let except = withdraw.except.as_ref().map(|device| self.seed.device(device));
        self.take_back(withdraw, except);
    }

    pub(super) fn take_back(&mut self, withdraw: Box<Withdraw>, except: Option<reveille_delivery::DeviceId>) {
        self.tell(Telling {
            generation: Generation::to_bits(withdraw.generation),
            not_after: withdraw.not_after,
            content: Content::TakeBack(withdraw),
            batch: None,
            except,
            told_elsewhere: 0,
        });
    }
}
