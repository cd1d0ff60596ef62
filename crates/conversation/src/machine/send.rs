//! A notification leaves, or waits for its names.

use reveille_core::UnixTime;

use super::state::{Conversation, Extra, Field, HELD, Held, Ring};
use super::{Conversations, Desk};
use crate::event::Role;
use crate::id::{ConversationId, PersonId};
use crate::lookup::{Answer, Lookup, LookupKey};
use crate::rules::Channels;
use crate::{Arguments, CollapseKey, Episode, Generation, Intent, Kind, Media, Noted, Output};

/// A notification to be.
pub(super) struct Draft {
    pub(super) intent: Box<Intent>,
    /// What could be looked up.
    pub(super) wants: Vec<(Field, LookupKey)>,
    /// The message.
    pub(super) sequence: u64,
}

impl Draft {
    pub(super) fn new(
        conversation: &ConversationId,
        recipient: &PersonId,
        role: Role,
        kind: Kind,
        not_after: UnixTime,
        ways: Channels,
    ) -> Self {
        let intent = Box::new(Intent {
            conversation: conversation.clone(),
            recipient: recipient.clone(),
            role,
            kind,
            media: None,
            urgency: kind.urgency(),
            collapse: CollapseKey::from_bits(0),
            generation: Generation::from_bits(0),
            episode: None,
            not_after,
            channels: ways,
            except: Vec::new(),
            arguments: Arguments::default(),
        });
        Self { intent, wants: Vec::new(), sequence: 0 }
    }

    pub(super) fn rings(&mut self, media: Media, episode: u32) {
        (self.intent.media, self.intent.episode) = (Some(media), Some(Episode::from_bits(episode)));
    }
}

fn fill(arguments: &mut Arguments, field: Field, text: crate::text::Text) {
    match field {
        Field::From => arguments.from = Some(text),
        Field::Queue => arguments.queue = Some(text),
        Field::Snippet => arguments.snippet = Some(text),
    }
}

impl Desk {
    /// Whether it left at once.
    pub(super) fn send(&mut self, there: &mut Conversation, slot: u32, draft: Draft) -> bool {
        let Draft { mut intent, mut wants, sequence } = draft;
        wants.retain(|(field, key)| match self.names.find(key, self.now) {
            Some(text) => {
                fill(&mut intent.arguments, *field, text);
                false
            }
            None => true,
        });
        let until = self.now + self.rules.lookups().deadline();
        let waiting = there.extra.as_ref().map_or(0, |extra| extra.held.len());
        if wants.is_empty() || until <= self.now || waiting >= HELD {
            self.stamp(there, &mut intent);
            self.outputs.push_back(Output::Intent(intent));
            return true;
        }
        for (_, key) in &wants {
            if self.names.ask(key, slot) {
                self.outputs.push_back(Output::Lookup(Lookup { of: key.clone(), deadline: until }));
            }
        }
        let kind = Some(intent.kind);
        self.note(Some(&there.id), Some(&intent.recipient), Noted::Held { kind, until });
        self.timers.insert((until, slot));
        there.extra().held.push(Held { intent, missing: wants, until, sequence });
        false
    }

    fn stamp(&self, there: &mut Conversation, intent: &mut Intent) {
        intent.generation = there.next_generation(self.now);
        intent.collapse = self.seed.collapse_key(&intent.recipient, &there.id, intent.kind.slot());
    }

    /// What waits no longer leaves, in the order in which it came.
    pub(super) fn release(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        ready: impl Fn(&Held) -> bool,
    ) -> u32 {
        let Some(held) = there.extra.as_mut().map(|extra| std::mem::take(&mut extra.held)) else { return 0 };
        // All that stays, before anything leaves: what somebody behind still asks for is not given up.
        let (leaves, rest): (Vec<_>, Vec<_>) = held.into_iter().partition(ready);
        let mut left = 0;
        for mut one in leaves {
            left += 1;
            self.stamp(there, &mut one.intent);
            let member = there.find(&one.intent.recipient).and_then(|at| there.members.get_mut(at));
            if let Some(member) = member {
                member.shown |= one.intent.kind == Kind::NewMessage;
                if let Some(live) = member.live.as_mut()
                    && matches!(live.ring, Ring::Held)
                    && one.intent.episode == Some(Episode::from_bits(live.episode))
                {
                    live.ring = Ring::Rings;
                }
            }
            self.forget_asked(&one, &rest, slot);
            self.outputs.push_back(Output::Intent(one.intent));
        }
        there.extra().held = rest;
        left
    }

    /// Drops what waits for somebody, and gives whose and what it was.
    pub(super) fn drop_held(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        gone: impl Fn(&Held) -> bool,
    ) -> Vec<(PersonId, Kind)> {
        let Some(extra) = there.extra.as_mut() else { return Vec::new() };
        let held = std::mem::take(&mut extra.held);
        let (dropped, rest): (Vec<_>, Vec<_>) = held.into_iter().partition(gone);
        for one in &dropped {
            self.forget_asked(one, &rest, slot);
        }
        extra.held = rest;
        dropped.into_iter().map(|one| (one.intent.recipient, one.intent.kind)).collect()
    }

    fn forget_asked(&mut self, one: &Held, rest: &[Held], slot: u32) {
        for (_, key) in &one.missing {
            if !rest.iter().any(|other| other.missing.iter().any(|(_, wanted)| wanted == key)) {
                self.names.give_up(key, slot);
            }
        }
    }
}

impl Conversations {
    pub(super) fn on_answer(&mut self, answer: Answer) {
        let Answer { of, text } = answer;
        let desk = &mut self.desk;
        if let Some(text) = &text {
            desk.names.keep(of.clone(), text.clone(), desk.rules.lookups(), desk.now);
        }
        let mut left = 0;
        for slot in desk.names.asked.remove(&of).unwrap_or_default() {
            let Some((there, _)) = self.store.get_mut(slot) else { continue };
            for one in
                there.extra.as_mut().into_iter().flat_map(|extra: &mut Box<Extra>| extra.held.iter_mut())
            {
                if let Some(text) = &text {
                    for (field, _) in one.missing.iter().filter(|(_, key)| *key == of) {
                        fill(&mut one.intent.arguments, *field, text.clone());
                    }
                }
                one.missing.retain(|(_, key)| *key != of);
            }
            left += desk.release(there, slot, |one| one.missing.is_empty());
        }
        desk.note(None, None, Noted::Answered { waiting: left });
    }
}
