//! What is collected for somebody ends with their interest in it, whatever the rules take back and on which channels.

use reveille_conversation::id::{ConversationId, PersonId};
use reveille_conversation::{Intent, Kind, Reason, Withdraw};
use reveille_delivery::{JobId, SlotId};
use reveille_digest::retract::{Read, Selector};
use reveille_digest::{Fate, Input};

use super::Gateway;
use super::host::Key;
use super::jobs::Live;
use super::trail::For;
use crate::Note;

impl Gateway {
    /// They left, and the rules have said all that follows from it: they are told of no more messages, and what waits or is tried
    /// again for their devices goes no more.
    pub(super) fn forget_collected(&mut self, key: Key) {
        self.taking_back = None;
        self.waits_no_longer(&key.person, &key.conversation, Kind::NewMessage, Reason::NotParticipant);
        self.stop_pushes(&key);
        if self.digests.unread(&key) > 0 {
            self.to_digests.push_back(Input::Cancel(key, Selector::All));
        }
    }

    /// If nothing of this kind waits for a name or a turn any more, what waited has become nothing.
    pub(super) fn waits_no_longer(
        &mut self,
        person: &PersonId,
        conversation: &ConversationId,
        kind: Kind,
        reason: Reason,
    ) {
        let (messages, waited_for) = (self.messages(person, conversation), For::of(Some(kind)));
        if self.trail.anything_waits(messages, waited_for) && !self.rules.holds(conversation, person, kind) {
            self.trail.suppressed_later(messages, waited_for, reason);
        }
    }

    /// They have read everything, and there is no channel on which to say so: nobody is told of it any more, either.
    pub(super) fn read_in_silence(&mut self, person: &PersonId, conversation: &ConversationId) {
        let key = Key { person: person.clone(), conversation: conversation.clone() };
        if self.rules.unread(conversation, person) > 0 {
            return;
        }
        self.stop_pushes(&key);
        if self.digests.unread(&key) > 0 {
            self.to_digests.push_back(Input::Read(key, Read::All));
        }
    }

    /// What tells of these messages does not leave any more, or again; what takes them back does.
    fn stop_pushes(&mut self, key: &Key) {
        let slot = self.seed.slot(self.messages(&key.person, &key.conversation), 0);
        self.stop_shows(slot, |_| true);
    }

    /// What is read shall not live again: the digest says nothing of what it knows to have failed.
    pub(super) fn forget_dead(&mut self, withdraw: &Withdraw) {
        self.stop_shows(self.seed.slot(withdraw.collapse, 0), |live| live.again);
    }

    /// Of the jobs of a slot, those that show messages and that are meant end, and so does what is dead there: up to the newest of them,
    /// so that what took older ones back goes on.
    fn stop_shows(&mut self, slot: SlotId, is_meant: impl Fn(&Live) -> bool) {
        let is_one = |job: &JobId| match self.jobs.get(job) {
            Some(live) => is_meant(live) && live.content.announcement().is_none(),
            // It came back from the dead letters, and waits for its turn.
            None => true,
        };
        let shows =
            self.delivery.shows_in(slot).filter(|(job, _)| is_one(job)).map(|(_, generation)| generation);
        let newest = shows.chain(self.delivery.latest_dead(slot)).max();
        if let Some(newest) = newest {
            let generation = newest.saturating_add(1);
            self.to_delivery.push_back(reveille_delivery::Input::Cancel { slot, generation });
        }
    }

    /// What is told of messages whose texts could not be kept.
    pub(super) fn without_text(&self, key: &Key) -> Option<Box<Intent>> {
        let mut intent = self.rules.told_of_messages(&key.conversation, &key.person)?;
        intent.not_after = self.timeline.of_wall(intent.not_after);
        Some(intent)
    }

    pub(super) fn on_dropped(&mut self, key: Key, fate: Fate, count: u32) {
        // Others were told of the oldest. Those go first where time ends them; what comes too often, or again, is the newest.
        let left = match (fate, self.told_elsewhere.get(&key)) {
            (_, None) => 0,
            (Fate::Throttled | Fate::Duplicate | Fate::Refused, Some(told)) => *told,
            (Fate::Expired, Some(told)) => told.saturating_sub(count),
            _ => 0,
        };
        if left > 0 {
            self.told_elsewhere.insert(key.clone(), left);
        } else {
            self.told_elsewhere.remove(&key);
        }
        self.trail.dropped(self.messages(&key.person, &key.conversation), fate, count);
        self.note(Note::Dropped { person: key.person, conversation: key.conversation, fate, count });
    }
}
