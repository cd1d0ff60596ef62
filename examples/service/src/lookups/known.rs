//! What was answered lately: bounded, and each for its time.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::clock::Uptime;

/// Two generations: when the younger one is full, the older one goes. What is asked for again becomes young.
#[derive(Debug)]
pub(super) struct Known<K, V> {
    young: HashMap<K, (V, Uptime)>,
    old: HashMap<K, (V, Uptime)>,
    /// In each generation.
    most: usize,
}

impl<K: Clone + Eq + Hash, V: Clone> Known<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), most: (most / 2).max(1) }
    }

    pub(super) fn find(&mut self, key: &K, now: Uptime) -> Option<V> {
        if let Some((value, until)) = self.young.get(key) {
            return (*until > now).then(|| value.clone());
        }
        let (value, until) = self.old.remove(key)?;
        if until <= now {
            return None;
        }
        self.put(key.clone(), value.clone(), until);
        Some(value)
    }

    pub(super) fn keep(&mut self, key: K, value: V, span: Duration, now: Uptime) {
        self.put(key, value, now.after(span));
    }

    fn put(&mut self, key: K, value: V, until: Uptime) {
        if self.young.len() >= self.most && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, (value, until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_ends() {
        let (mut known, now) = (Known::new(10), Uptime::default());
        for number in 0..1_000 {
            known.keep(number, number, Duration::from_secs(1), now);
            assert_eq!(known.find(&0, now), Some(0), "what is asked for stays");
            assert!(known.young.len() + known.old.len() <= 10);
        }
        assert_eq!(known.find(&500, now), None);
        assert_eq!(known.find(&999, now), Some(999));
        assert_eq!(known.find(&999, now.after(Duration::from_secs(1))), None);
        assert_eq!(known.find(&0, now.after(Duration::from_secs(1))), None);
    }
}
