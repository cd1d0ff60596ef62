//! Names that were looked up, and who waits for which.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

use crate::lookup::LookupKey;
use crate::rules::LookupRules;
use crate::text::Text;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Names {
    known: BTreeMap<LookupKey, (Text, UnixTime)>,
    order: VecDeque<(UnixTime, LookupKey)>,
    /// Asked for and not answered: the places of the conversations that wait. Rebuilt after a restore.
    #[serde(skip)]
    pub(super) asked: BTreeMap<LookupKey, BTreeSet<u32>>,
}

impl Names {
    pub(super) fn find(&self, key: &LookupKey, now: UnixTime) -> Option<Text> {
        if self.known.is_empty() {
            return None;
        }
        let (text, until) = self.known.get(key)?;
        (*until > now).then(|| text.clone())
    }

    /// Keeps a name; over the bound, or when their time is over, the oldest are forgotten.
    pub(super) fn keep(&mut self, key: LookupKey, text: Text, rules: &LookupRules, now: UnixTime) {
        let until = now + rules.names_for();
        if matches!(key, LookupKey::Snippet(..)) || until <= now || rules.names() == 0 {
            return;
        }
        if self.known.insert(key.clone(), (text, until)).is_some() {
            self.order.retain(|(_, known)| *known != key);
        }
        self.order.push_back((until, key));
        while let Some((until, _)) = self.order.front() {
            if *until > now && self.known.len() <= rules.names() as usize {
                break;
            }
            if let Some((_, key)) = self.order.pop_front() {
                self.known.remove(&key);
            }
        }
    }

    /// Whether nobody asked yet.
    pub(super) fn ask(&mut self, key: &LookupKey, slot: u32) -> bool {
        let waiting = self.asked.entry(key.clone()).or_default();
        waiting.insert(slot) && waiting.len() == 1
    }

    pub(super) fn give_up(&mut self, key: &LookupKey, slot: u32) {
        if let Some(waiting) = self.asked.get_mut(key) {
            waiting.remove(&slot);
            if waiting.is_empty() {
                self.asked.remove(key);
            }
        }
    }
}
