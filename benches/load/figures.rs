//! Latencies, in order.

use std::fmt;
use std::time::Duration;

#[derive(Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    pub fn push(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    fn at(sorted: &[Duration], per_mille: usize) -> f64 {
        let place = (sorted.len() * per_mille / 1_000).min(sorted.len().saturating_sub(1));
        sorted.get(place).copied().unwrap_or_default().as_secs_f64() * 1_000.0
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let [half, most, last] = [500, 990, 1_000].map(|per_mille| Self::at(&sorted, per_mille));
        write!(f, "p50 {half:.1} ms, p99 {most:.1} ms, longest {last:.1} ms, of {}", sorted.len())
    }
}
