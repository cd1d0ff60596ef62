//! What a pacer counts: how long requests wait for their turn, and how long services take.

use std::collections::BTreeMap;

use reveille_core::UnixTime;
use reveille_core::metrics::{Counters, Histogram};

use super::{Pacer, ServiceId};
use crate::HeldBy;

/// When a request came, in units of 4 ms, modulo 18 hours: it lies in bytes of its place that nothing else needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Came([u8; 3]);

impl Came {
    const UNIT: u64 = 4;

    pub(super) const fn at(now: UnixTime) -> Self {
        let [low, middle, high, ..] = (now.as_millis() / Self::UNIT).to_le_bytes();
        Self([low, middle, high])
    }

    /// Milliseconds since then.
    const fn until(self, now: UnixTime) -> u64 {
        let ([low, middle, high], [a, b, c]) = (self.0, Self::at(now).0);
        let (came, now) = (u32::from_le_bytes([low, middle, high, 0]), u32::from_le_bytes([a, b, c, 0]));
        (now.wrapping_sub(came) & 0xFF_FFFF) as u64 * Self::UNIT
    }
}

#[derive(Clone, Debug, Default)]
struct Service {
    waited: Histogram,
    took: Histogram,
}

/// What was counted since the process began.
#[derive(Clone, Debug, Default)]
pub(super) struct Counting {
    services: BTreeMap<ServiceId, Service>,
    verdicts: BTreeMap<(ServiceId, &'static str), u64>,
    held: BTreeMap<&'static str, u64>,
}

impl Counting {
    pub(super) fn left(&mut self, service: ServiceId, came: Came, now: UnixTime) {
        self.services.entry(service).or_default().waited.record(came.until(now));
    }

    pub(super) fn answered(&mut self, service: ServiceId, verdict: &'static str, took: u64) {
        self.services.entry(service).or_default().took.record(took);
        count(&mut self.verdicts, (service, verdict));
    }

    pub(super) fn held(&mut self, by: HeldBy) {
        count(&mut self.held, by.name());
    }
}

fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    let number = counts.entry(key).or_default();
    *number = number.saturating_add(1);
}

impl<T> Pacer<T> {
    /// Everything that it counted since it was made, in a fixed order. Labels are the numbers of services, verdicts and what
    /// holds back.
    ///
    /// | name | what |
    /// |---|---|
    /// | `verdicts:SERVICE/VERDICT` | attempts that ended so |
    /// | `held:BY` | requests that went back to wait elsewhere |
    /// | `waiting`, `lanes`, `in_flight` | requests that wait; lanes that are known; requests that have left |
    /// | `waited_ms:SERVICE` | from the offer to the first byte: in steps of 4 ms, up to 18 hours |
    /// | `attempt_ms:SERVICE` | from the first byte to the report |
    #[must_use]
    pub fn counters(&self) -> Counters {
        let (mut counters, counting) = (Counters::default(), &self.counting);
        for ((service, verdict), number) in &counting.verdicts {
            counters.totals.push((format!("verdicts:{}/{verdict}", service.0), *number));
        }
        for (by, number) in &counting.held {
            counters.totals.push((format!("held:{by}"), *number));
        }
        let in_flight = self.lanes.iter().map(|lane| u64::from(lane.in_flight)).sum();
        let sizes =
            [("waiting", self.queued as u64), ("lanes", self.lanes.len() as u64), ("in_flight", in_flight)];
        counters.sizes.extend(sizes.map(|(name, number)| (name.to_owned(), number)));
        for (service, Service { waited, took }) in &counting.services {
            counters.histograms.push((format!("waited_ms:{}", service.0), waited.clone()));
            counters.histograms.push((format!("attempt_ms:{}", service.0), took.clone()));
        }
        counters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_counted_in_steps_of_four_across_the_turn() {
        for (came, now, wait) in
            [(0, 3, 0), (1_003, 2_000, 1_000), ((1 << 26) - 8, (1 << 26) + 8, 16), (8, 4, 67_108_860)]
        {
            let at = UnixTime::from_millis;
            assert_eq!(Came::at(at(came)).until(at(now)), wait, "{came} to {now}");
        }
    }
}
