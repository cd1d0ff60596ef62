//! Messages and reads (A2, E1, E2).

use reveille_core::UnixTime;

use super::Desk;
use super::send::Draft;
use super::state::{Conversation, Field};
use crate::event::{Message, Read};
use crate::event::{MessageKind, Role};
use crate::lookup::LookupKey;
use crate::{Cause, Kind, Reason};

const KIND: Option<Kind> = Some(Kind::NewMessage);

/// A message, for one after the other of those who are told of it.
struct News<'a> {
    message: &'a mut Message,
    sequence: u64,
    useful_until: UnixTime,
    /// Nobody is told after this one.
    last: bool,
}

impl Desk {
    pub(super) fn on_message(
        &mut self,
        there: &mut Conversation,
        slot: u32,
        message: &mut Message,
        at: UnixTime,
    ) {
        let most = self.rules.memory().participants();
        let refused = if there.ended {
            Some(Reason::ConversationOver)
        } else if message.kind == MessageKind::System {
            Some(Reason::SystemMessage)
        } else if message.role == Role::Bot && !self.rules.messages().from_bots() {
            Some(Reason::BotMessage)
        } else {
            None
        };
        if let Some(reason) = refused {
            return self.suppress(Some(&there.id), None, KIND, reason);
        }
        let Some(sender) = there.join(&message.sender, message.role, most) else {
            return self.suppress(Some(&there.id), None, KIND, Reason::Full);
        };
        let Some(sequence) = self.number(there, message, at) else {
            return self.suppress(Some(&there.id), None, KIND, Reason::Duplicate);
        };
        there.sequence = there.sequence.max(sequence);
        if let Some(member) = there.members.get_mut(sender) {
            member.role = message.role;
        }
        // Whoever writes has read what was before.
        self.reads(there, slot, sender, sequence);
        let useful_until = at.min(self.now) + self.rules.messages().useful_for();
        let before = self.outputs.len();
        let mut others = (0..there.members.len()).filter(|place| *place != sender).peekable();
        let mut news = News { message, sequence, useful_until, last: false };
        while let Some(place) = others.next() {
            news.last = others.peek().is_none();
            self.tell(there, slot, place, &mut news);
        }
        there.trim();
        if self.outputs.len() == before {
            self.suppress(Some(&there.id), None, KIND, Reason::NoRecipient);
        }
    }

    /// The number of a message; `None` if it came before.
    fn number(&mut self, there: &mut Conversation, message: &Message, at: UnixTime) -> Option<u64> {
        if let Some(sequence) = message.sequence {
            return there.write(sequence).then_some(sequence);
        }
        let (name, preview) = (message.message.as_ref(), message.preview.as_ref());
        let name =
            name.map_or_else(|| preview.map_or("", crate::text::Text::as_str), crate::id::MessageId::as_str);
        let time = if message.message.is_some() { 0 } else { at.as_millis() };
        let event = self.seed.event(&[there.id.as_str(), message.sender.as_str(), name], &[time]);
        let memory = self.rules.memory();
        if !self.recent.admit(event, memory.duplicates_within(), memory.recent(), self.now) {
            return None;
        }
        let sequence = there.sequence.saturating_add(1);
        there.write(sequence).then_some(sequence)
    }

    fn tell(&mut self, there: &mut Conversation, slot: u32, place: usize, news: &mut News<'_>) {
        let News { message, sequence, useful_until, last } = news;
        let (sequence, useful_until) = (*sequence, *useful_until);
        let Some(member) = there.members.get(place) else { return };
        if member.left || member.role == Role::Bot {
            return;
        }
        let rules = self.rules.messages();
        let told = match member.role {
            Role::Visitor => rules.visitor(),
            Role::Primary => rules.primary(),
            Role::Secondary => rules.secondary(),
            Role::Bot => false,
        };
        let ways = if sequence <= member.read {
            Err(Reason::ReadBefore)
        } else if !told {
            Err(Reason::RoleOff)
        } else if useful_until <= self.now {
            Err(Reason::Late)
        } else {
            self.rules.ways(Kind::NewMessage, member.role)
        };
        let ways = match ways {
            Ok(ways) => ways,
            Err(reason) => return self.suppress(Some(&there.id), Some(&member.id), KIND, reason),
        };
        let mut draft = Draft::new(&there.id, &member.id, member.role, Kind::NewMessage, useful_until, ways);
        draft.sequence = sequence;
        let intent = &mut *draft.intent;
        if member.looks
            && let Some(live) = &member.live
        {
            let views = live.views.iter().filter(|(_, until)| *until > self.now);
            intent.except = views.map(|(device, _)| device.clone()).collect();
        }
        intent.arguments.unread = there.unread(member);
        let lookups = self.rules.lookups();
        if message.sender_name.is_none() && lookups.sender() {
            draft.wants.push((Field::From, LookupKey::Person(message.sender.clone())));
        }
        if let (None, Some(id), true) = (&message.preview, &message.message, lookups.snippet()) {
            draft.wants.push((Field::Snippet, LookupKey::Snippet(there.id.clone(), id.clone())));
        }
        // A copy of a text is an operation on memory that all processors share: the last one gets the text itself.
        let (from, snippet) = (&mut message.sender_name, &mut message.preview);
        (draft.intent.arguments.from, draft.intent.arguments.snippet) =
            if *last { (from.take(), snippet.take()) } else { (from.clone(), snippet.clone()) };
        let left = self.send(there, slot, draft);
        if let Some(member) = there.members.get_mut(place) {
            member.shown |= left;
        }
    }

    pub(super) fn on_read(&mut self, there: &mut Conversation, slot: u32, read: &Read) {
        let Some(place) = there.find(&read.person) else {
            return self.suppress(Some(&there.id), Some(&read.person), None, Reason::NotParticipant);
        };
        let up_to = read.sequence.unwrap_or(there.sequence);
        let known = there.members.get(place).map_or(0, |member| member.read);
        if up_to <= known {
            return self.suppress(Some(&there.id), Some(&read.person), None, Reason::AlreadyRead);
        }
        let before = self.outputs.len();
        self.reads(there, slot, place, up_to);
        there.trim();
        if self.outputs.len() > before {
            return;
        }
        let unread = there.members.get(place).map_or(0, |member| there.unread(member));
        let reason = if unread > 0 { Reason::StillUnread } else { Reason::NothingShown };
        self.suppress(Some(&there.id), Some(&read.person), None, reason);
    }

    /// A member has read up to here. When nothing is left, what is shown is invalidated.
    fn reads(&mut self, there: &mut Conversation, slot: u32, place: usize, up_to: u64) {
        there.read(place, up_to);
        let Some(member) = there.members.get(place) else { return };
        let (id, read, shown) = (member.id.clone(), member.read, member.shown);
        let unread = there.unread(member);
        if there.extra.as_ref().is_some_and(|extra| !extra.held.is_empty()) {
            let gone = self.drop_held(there, slot, |held| {
                held.intent.kind == Kind::NewMessage && held.intent.recipient == id && held.sequence <= read
            });
            if !gone.is_empty() {
                self.suppress(Some(&there.id), Some(&id), KIND, Reason::ReadBefore);
            }
        }
        if shown && unread == 0 {
            if let Some(member) = there.members.get_mut(place) {
                member.shown = false;
            }
            if self.rules.reads().invalidate() {
                self.invalidate(there, place, Cause::Read);
            } else {
                // Whoever collects messages has to hear of it all the same.
                self.suppress(Some(&there.id), Some(&id), KIND, Reason::KindOff);
            }
        }
    }
}
