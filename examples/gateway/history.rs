//! The last messages of the last conversations, in memory, for pages that come back.

use std::collections::VecDeque;

use serde_json::Value;

/// Messages kept for each conversation, and conversations kept, in this demonstration.
const MESSAGES: usize = 50;
const CONVERSATIONS: usize = 1_000;

/// By conversation, the one that has been quiet for longest first.
#[derive(Default)]
pub struct History(VecDeque<(String, VecDeque<Value>)>);

impl History {
    pub fn push(&mut self, conversation: &str, message: Value) {
        let at = self.0.iter().position(|(id, _)| id == conversation);
        let known = at.and_then(|at| self.0.remove(at));
        let (id, mut messages) = known.unwrap_or_else(|| (conversation.to_owned(), VecDeque::new()));
        if self.0.len() == CONVERSATIONS {
            self.0.pop_front();
        }
        if messages.len() == MESSAGES {
            messages.pop_front();
        }
        messages.push_back(message);
        self.0.push_back((id, messages));
    }

    /// What is kept of a conversation, the oldest first.
    pub fn of(&self, conversation: &str) -> Vec<Value> {
        let known = self.0.iter().find(|(id, _)| id == conversation);
        known.map(|(_, messages)| messages.iter().cloned().collect()).unwrap_or_default()
    }
}
