//! What the digest says.

use reveille_conversation::{Generation, Withdraw};
use reveille_digest::{Input, Notify, Output};

use super::Gateway;
use super::host::{Host, Key, Message};
use super::jobs::Telling;
use crate::Content;

impl Gateway {
    pub(super) fn on_digest(&mut self, output: Output<Host>) {
        match output {
            Output::Notify(notify) => self.on_notify(notify),
            Output::Clear(clear) => self.on_clear(&clear.key),
            // One conversation's count, and a badge is over all of them: that is the app's.
            Output::Unread { .. } => {}
            Output::Dropped { key, fate, count, .. } => self.on_dropped(key, fate, count),
        }
    }

    fn on_notify(&mut self, notify: Notify<Host>) {
        let Notify { key, generation, summary, samples, .. } = notify;
        let kept = samples.into_iter().rev().find_map(|item| item.payload).map(|Message(intent)| intent);
        // Where a bound forbade to keep a text, its count is told.
        let Some(mut intent) = kept.or_else(|| self.without_text(&key)) else {
            return self.to_digests.push_back(Input::Failure(key, generation));
        };
        intent.generation = self.next_generation();
        // All that is unread now. A conversation that is forgotten, or left, says 0: then what was collected.
        let unread = self.rules.unread(&key.conversation, &key.person);
        let collected = summary.total;
        intent.arguments.unread = if unread == 0 { collected } else { unread };
        if summary.actors.count() > 1 {
            intent.arguments.from = None;
        }
        let told_elsewhere = self.told_elsewhere.remove(&key).unwrap_or(0);
        self.tell(Telling {
            generation: intent.generation.to_bits(),
            not_after: intent.not_after,
            content: Content::Show {
                intent,
                messages: collected,
                senders: u32::try_from(summary.actors.count()).unwrap_or(u32::MAX),
                announcement: None,
            },
            batch: Some(generation),
            except: None,
            told_elsewhere,
        });
    }

    /// Something was sent, and is read now. What time clears (memories that go) takes nothing back: nobody has read it.
    fn on_clear(&mut self, key: &Key) {
        let is_theirs = |withdraw: &Withdraw| {
            withdraw.recipient == key.person && withdraw.conversation == key.conversation
        };
        let Some(mut withdraw) = self.taking_back.take_if(|withdraw| is_theirs(withdraw)) else { return };
        withdraw.generation = self.next_generation();
        self.take_back(withdraw, None);
    }

    /// For all that leaves in the slot of messages. The digest's own numbers count events; these keep up with the time of
    /// day, so that a shard that was restored from a backup goes on above what it had sent. 53 bits are what JSON can hold.
    pub(super) fn next_generation(&mut self) -> Generation {
        self.generation = self.generation.saturating_add(1).max(self.now.as_millis().min(1 << 52));
        Generation::from_bits(self.generation)
    }
}
