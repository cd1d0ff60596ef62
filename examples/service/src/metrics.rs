//! What the service itself counts and measures, as Prometheus reads it. What its parts count is theirs
//! ([`Counters`](reveille_core::metrics::Counters)), and is written by [`prometheus`](crate::prometheus).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper ends of the buckets, in µs: 250 µs to about 8 s, each twice the one before.
const FIRST: u64 = 250;
const BUCKETS: usize = 16;

/// How long something took, in buckets of seconds. Threads share it without a lock.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS + 1],
    sum: AtomicU64,
}

/// Everything that the service counts by itself; what the machine counts is asked of the shards.
#[derive(Debug, Default)]
pub struct Metrics {
    /// From the first group's arrival at the committer to the store's answer.
    pub commit: Histogram,
    /// Groups in one commit, counted.
    pub commits: AtomicU64,
    /// Groups that were committed.
    pub groups: AtomicU64,
    /// From an event's arrival to its acknowledgement.
    pub accepted: Histogram,
    /// From the request to the service's answer.
    pub answered: Histogram,
    /// From the decision to the first byte.
    pub left: Histogram,
    named: Mutex<BTreeMap<(&'static str, String), u64>>,
}

impl Histogram {
    /// One more took so long.
    pub fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let at = (0..BUCKETS).find(|at| micros <= FIRST << at).unwrap_or(BUCKETS);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Relaxed);
        }
        self.sum.fetch_add(micros, Relaxed);
    }

    fn write(&self, name: &str, out: &mut String) {
        let mut count = 0;
        let _ = writeln!(out, "# TYPE {name} histogram");
        for (at, bucket) in self.buckets.iter().enumerate() {
            count += bucket.load(Relaxed);
            match at {
                BUCKETS => _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}"),
                _ => _ = writeln!(out, "{name}_bucket{{le=\"{}\"}} {count}", (FIRST << at) as f64 / 1e6),
            }
        }
        let _ = writeln!(out, "{name}_sum {}\n{name}_count {count}", self.sum.load(Relaxed) as f64 / 1e6);
    }
}

impl Metrics {
    /// One more of this name, with this label. Labels are words of this program, never of a user.
    pub fn count(&self, name: &'static str, label: &str) {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        *named.entry((name, label.to_owned())).or_default() += 1;
    }

    /// How many of this name there were, over all labels.
    pub fn of(&self, name: &str) -> u64 {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.iter().filter(|((known, _), _)| *known == name).map(|(_, count)| count).sum()
    }

    /// All of the service's own, in the text format 0.0.4 of Prometheus.
    pub fn write(&self, out: &mut String) {
        for (name, histogram) in [
            ("reveille_commit_seconds", &self.commit),
            ("reveille_accepted_seconds", &self.accepted),
            ("reveille_answered_seconds", &self.answered),
            ("reveille_left_seconds", &self.left),
        ] {
            histogram.write(name, out);
        }
        let _ = writeln!(out, "reveille_commits_total {}", self.commits.load(Relaxed));
        let _ = writeln!(out, "reveille_groups_total {}", self.groups.load(Relaxed));
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        for ((name, label), count) in named.iter() {
            let _ = writeln!(out, "reveille_{name}_total{{kind=\"{label}\"}} {count}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prometheus;
    use reveille_core::metrics::Counters;

    #[test]
    fn buckets_add_up() {
        let metrics = Metrics::default();
        for micros in [1, 250, 251, 1_000_000, u64::MAX] {
            metrics.commit.record(Duration::from_micros(micros));
        }
        metrics.count("refused", "events");
        let mut text = String::new();
        metrics.write(&mut text);
        let mut machine = Counters::default();
        (machine.totals, machine.sizes) = (vec![("settled:accepted".into(), 3)], vec![("trail".into(), 4)]);
        prometheus::write("gateway", &machine, &mut text);
        for line in [
            "reveille_commit_seconds_bucket{le=\"0.00025\"} 2",
            "reveille_commit_seconds_bucket{le=\"0.0005\"} 3",
            "reveille_commit_seconds_bucket{le=\"+Inf\"} 5",
            "reveille_commit_seconds_count 5",
            "reveille_refused_total{kind=\"events\"} 1",
            "reveille_gateway_settled_total{kind=\"accepted\"} 3",
            "reveille_gateway_trail 4",
        ] {
            assert!(text.lines().any(|has| has == line), "{line} in\n{text}");
        }
    }
}
