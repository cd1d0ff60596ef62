//! The last messages of the last conversations, in memory, for pages that come back.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;

/// Messages kept for each conversation, those who take part in it, and conversations kept, in this demonstration.
const MESSAGES: usize = 50;
const PERSONS: usize = 100;
const CONVERSATIONS: usize = 1_000;

/// The one that has been quiet for longest first. Whoever does not take part reads nothing.
#[derive(Default)]
pub(super) struct History(VecDeque<Conversation>);

#[derive(Default)]
struct Conversation {
    id: String,
    persons: BTreeSet<String>,
    messages: VecDeque<Value>,
}

impl History {
    pub(super) fn join(&mut self, person: &str, conversation: &str) {
        let known = self.touch(conversation);
        if known.persons.len() < PERSONS {
            known.persons.insert(person.to_owned());
        }
    }

    pub(super) fn leave(&mut self, person: &str, conversation: &str) {
        if let Some(known) = self.0.iter_mut().find(|known| known.id == conversation) {
            known.persons.remove(person);
        }
    }

    pub(super) fn push(&mut self, conversation: &str, message: Value) {
        let messages = &mut self.touch(conversation).messages;
        if messages.len() == MESSAGES {
            messages.pop_front();
        }
        messages.push_back(message);
    }

    /// What is kept of a conversation, the oldest first; nothing, if the person does not take part.
    pub(super) fn of(&self, person: &str, conversation: &str) -> Vec<Value> {
        let known = self.0.iter().find(|known| known.id == conversation && known.persons.contains(person));
        known.map(|known| known.messages.iter().cloned().collect()).unwrap_or_default()
    }

    /// Puts it last.
    fn touch(&mut self, conversation: &str) -> &mut Conversation {
        let at = self.0.iter().position(|known| known.id == conversation);
        let known = at.and_then(|at| self.0.remove(at));
        if self.0.len() == CONVERSATIONS {
            self.0.pop_front();
        }
        let new = || Conversation { id: conversation.to_owned(), ..Conversation::default() };
        self.0.push_back(known.unwrap_or_else(new));
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_conversation_that_has_been_quiet_for_longest_is_forgotten_first() {
        let mut history = History::default();
        history.join("ana", "0");
        // By its name it would be the first to go.
        history.push("0", json!("early"));
        for i in 0..2_000 {
            history.join("ana", &format!("c{i}"));
            history.push(&format!("c{i}"), json!(i));
            history.push("0", json!(i));
        }
        assert_eq!(history.of("ana", "0"), (1_950..2_000).map(Value::from).collect::<Vec<_>>());
        assert!(history.of("ana", "c0").is_empty());
        assert_eq!(history.of("ana", "c1999"), [json!(1_999)]);
        assert!(history.of("bob", "0").is_empty(), "who does not take part");
        history.leave("ana", "0");
        assert!(history.of("ana", "0").is_empty(), "who does not take part any more");
    }
}
