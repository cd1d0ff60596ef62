//! The last messages of the last conversations, in memory, for pages that come back.

use std::collections::VecDeque;

use serde_json::Value;

/// Messages kept for each conversation, and conversations kept, in this demonstration.
const MESSAGES: usize = 50;
const CONVERSATIONS: usize = 1_000;

/// By user and conversation, so that nobody reads what was said to another user of the same conversation; the one that has
/// been quiet for longest first.
#[derive(Default)]
pub struct History(VecDeque<(Key, VecDeque<Value>)>);

/// User and conversation.
type Key = (String, String);

impl History {
    pub fn push(&mut self, user: &str, conversation: &str, message: Value) {
        let at = self.0.iter().position(|(key, _)| is(key, user, conversation));
        let known = at.and_then(|at| self.0.remove(at));
        let (key, mut messages) =
            known.unwrap_or_else(|| ((user.to_owned(), conversation.to_owned()), VecDeque::new()));
        if self.0.len() == CONVERSATIONS {
            self.0.pop_front();
        }
        if messages.len() == MESSAGES {
            messages.pop_front();
        }
        messages.push_back(message);
        self.0.push_back((key, messages));
    }

    /// What is kept of a user's conversation, the oldest first.
    pub fn of(&self, user: &str, conversation: &str) -> Vec<Value> {
        let known = self.0.iter().find(|(key, _)| is(key, user, conversation));
        known.map(|(_, messages)| messages.iter().cloned().collect()).unwrap_or_default()
    }
}

fn is(key: &Key, user: &str, conversation: &str) -> bool {
    key.0 == user && key.1 == conversation
}
