//! Numbers to be exported: plain data under names that stay.

use serde::{Deserialize, Serialize};

/// Values below this have a bucket each; above it, each doubling has as many as this is long in halves.
const EXACT: u64 = 8;
/// Buckets of each doubling.
const STEPS: u64 = 4;
/// The last bucket has no bound: what is over 2^40 is in it (as milliseconds, 34 years).
const LAST: usize = 8 + 37 * 4;

/// How values are spread: a histogram with fixed, log-linear buckets. Values up to 7 are counted exactly, larger ones to a
/// quarter of their size at most. It is integers only, and takes no more than 157 of them; use it for spans in
/// milliseconds, for sizes and for counts.
///
/// ```
/// use reveille_core::metrics::Histogram;
///
/// let mut spans = Histogram::default();
/// [3, 3, 5, 90, 1_000].map(|ms| spans.record(ms));
/// assert_eq!((spans.count(), spans.sum(), spans.largest()), (5, 1_101, 1_000));
/// // Each bucket by its upper bound, which is in it, and how many values it has.
/// let buckets: Vec<_> = spans.buckets().collect();
/// assert_eq!(buckets, [(3, 2), (5, 1), (95, 1), (1_023, 1)]);
/// assert_eq!((spans.quantile(500), spans.quantile(990)), (5, 1_000));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// As long as the largest value needs.
    buckets: Vec<u64>,
    count: u64,
    sum: u64,
    largest: u64,
}

impl Histogram {
    /// Counts a value once.
    pub fn record(&mut self, value: u64) {
        self.record_many(value, 1);
    }

    /// Counts a value that came so many times.
    pub fn record_many(&mut self, value: u64, times: u64) {
        if times == 0 {
            return;
        }
        let place = place(value);
        if self.buckets.len() <= place {
            self.buckets.resize(place + 1, 0);
        }
        if let Some(bucket) = self.buckets.get_mut(place) {
            *bucket = bucket.saturating_add(times);
        }
        self.count = self.count.saturating_add(times);
        self.sum = self.sum.saturating_add(value.saturating_mul(times));
        self.largest = self.largest.max(value);
    }

    /// Adds what another one has counted, of another shard or thread.
    pub fn merge(&mut self, other: &Self) {
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len().min(LAST + 1), 0);
        }
        for (bucket, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket = bucket.saturating_add(*more);
        }
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.largest = self.largest.max(other.largest);
    }

    /// Returns how many values were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the sum of all values.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// Returns the largest of them, exactly; 0 if there is none.
    #[must_use]
    pub const fn largest(&self) -> u64 {
        self.largest
    }

    /// The buckets that are not empty, rising: the largest value that belongs into each, and how many there are.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        let all = self.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        all.map(|(place, count)| (bound(place), *count))
    }

    /// A value below or at which so many thousandths of all are: the bound of its bucket, at most the largest value. 0 if
    /// nothing was counted.
    #[must_use]
    pub fn quantile(&self, per_mille: u32) -> u64 {
        let wanted = u128::from(self.count) * u128::from(per_mille.min(1_000));
        let mut seen = 0_u128;
        for (bound, count) in self.buckets() {
            seen += u128::from(count) * 1_000;
            if seen >= wanted {
                return bound.min(self.largest);
            }
        }
        self.largest
    }
}

fn place(value: u64) -> usize {
    if value < EXACT {
        return value as usize;
    }
    let doubling = u64::from(value.ilog2());
    // The two bits below the highest one.
    let step = (value >> (doubling - 2)) & (STEPS - 1);
    ((EXACT + (doubling - 3) * STEPS + step) as usize).min(LAST)
}

fn bound(place: usize) -> u64 {
    let place = place as u64;
    if place < EXACT {
        return place;
    }
    if place >= LAST as u64 {
        return u64::MAX;
    }
    let (doubling, step) = ((place - EXACT) / STEPS + 3, (place - EXACT) % STEPS);
    (1 << doubling) + ((step + 1) << (doubling - 2)) - 1
}

/// Counters, sizes and histograms of one part, to be exported: ask for them when somebody scrapes. Names are stable; a name
/// with `:` has the value of a label behind it. Names that end in `_ms` are spans in milliseconds, in `_bytes` sizes; all
/// others are counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Numbers that only grow.
    pub totals: Vec<(String, u64)>,
    /// Numbers that go up and down.
    pub sizes: Vec<(String, u64)>,
    /// How values are spread.
    pub histograms: Vec<(String, Histogram)>,
}

impl Counters {
    /// The number of this name, of totals or sizes; 0 if nothing was counted.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        let all = self.totals.iter().chain(&self.sizes);
        all.into_iter().find(|(known, _)| known == name).map_or(0, |(_, number)| *number)
    }

    /// Adds what another part of the same kind has counted, of another shard or thread, so that all are shown as one. Numbers
    /// are added up and histograms merged; of sizes that are spans (`_ms`) the longest stays.
    ///
    /// ```
    /// use reveille_core::metrics::Counters;
    ///
    /// let part = |jobs, oldest| {
    ///     let mut counters = Counters::default();
    ///     counters.totals.push(("jobs".to_owned(), jobs));
    ///     counters.sizes.push(("oldest_job_ms".to_owned(), oldest));
    ///     counters
    /// };
    /// let mut all = part(2, 500);
    /// all.merge(&part(3, 40));
    /// assert_eq!((all.of("jobs"), all.of("oldest_job_ms")), (5, 500));
    /// ```
    pub fn merge(&mut self, other: &Self) {
        for (name, more) in &other.totals {
            add(&mut self.totals, name, more, |total, more| *total = total.saturating_add(*more));
        }
        for (name, more) in &other.sizes {
            let is_span = base(name).ends_with("_ms");
            let sum = |size: &mut u64, more: &u64| {
                *size = if is_span { (*size).max(*more) } else { size.saturating_add(*more) };
            };
            add(&mut self.sizes, name, more, sum);
        }
        for (name, more) in &other.histograms {
            add(&mut self.histograms, name, more, Histogram::merge);
        }
    }

    /// The histogram of this name; `None` if nothing was counted.
    #[must_use]
    pub fn histogram(&self, name: &str) -> Option<&Histogram> {
        self.histograms.iter().find(|(known, _)| known == name).map(|(_, histogram)| histogram)
    }
}

/// A name without its label.
fn base(name: &str) -> &str {
    name.split_once(':').map_or(name, |(base, _)| base)
}

/// Adds to what has this name; a new one stands behind those that differ from it in the label.
fn add<T: Clone>(all: &mut Vec<(String, T)>, name: &str, more: &T, merge: impl FnOnce(&mut T, &T)) {
    if let Some((_, known)) = all.iter_mut().find(|(known, _)| known == name) {
        return merge(known, more);
    }
    let behind = all.iter().rposition(|(known, _)| base(known) == base(name));
    all.insert(behind.map_or(all.len(), |last| last + 1), (name.to_owned(), more.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bounds_rise_without_a_gap() {
        assert_eq!((place(0), place(7), place(8), place(9), place(10)), (0, 7, 8, 8, 9));
        for at in 0..LAST {
            assert_eq!(place(bound(at)), at, "the bound of {at} is in it");
            assert_eq!(place(bound(at) + 1), at + 1, "and the next value is not");
        }
        assert_eq!((place(u64::MAX), bound(LAST)), (LAST, u64::MAX));
        assert_eq!(bound(LAST - 1), (1 << 40) - 1);
    }

    #[test]
    fn labels_of_one_name_stay_together() {
        let part = |names: &[&str], count: u64| {
            let mut spans = Histogram::default();
            spans.record_many(7, count);
            Counters {
                totals: names.iter().map(|name| ((*name).to_owned(), count)).collect(),
                sizes: vec![("open".into(), count), ("oldest_ms:a".into(), count)],
                histograms: vec![(format!("spans:{}", names[0]), spans)],
            }
        };
        let mut all = part(&["late:a", "jobs"], 2);
        all.merge(&part(&["late:b", "late:a"], 5));
        let totals: Vec<_> = all.totals.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(totals, [("late:a", 7), ("late:b", 5), ("jobs", 2)]);
        assert_eq!((all.of("open"), all.of("oldest_ms:a")), (7, 5), "the longest span, not their sum");
        let counts = ["spans:late:a", "spans:late:b"].map(|name| all.histogram(name).map(Histogram::count));
        assert_eq!(counts, [Some(2), Some(5)]);
        all.merge(&all.clone());
        assert_eq!(all.histogram("spans:late:b").map(Histogram::count), Some(10));
    }

    proptest! {
        #[test]
        fn counts_and_bounds(values in proptest::collection::vec(any::<u64>().prop_map(|v| v >> (v % 64)), 1..200)) {
            let (mut one, mut left, mut right) = (Histogram::default(), Histogram::default(), Histogram::default());
            for (at, value) in values.iter().enumerate() {
                one.record(*value);
                if at % 2 == 0 { left.record(*value) } else { right.record_many(*value, 1) }
            }
            left.merge(&right);
            prop_assert_eq!(&left, &one);
            prop_assert_eq!(one.buckets().map(|(_, count)| count).sum::<u64>(), values.len() as u64);
            for value in &values {
                let (bound, _) = one.buckets().find(|(bound, _)| value <= bound).unwrap();
                prop_assert!(*value >= 1 << 40 || bound - value <= value / 4, "{} in {}", value, bound);
            }
            let (mut sorted, half) = (values.clone(), one.quantile(500));
            sorted.sort_unstable();
            let exact = sorted[(values.len() - 1) / 2];
            prop_assert!(half >= exact && (exact >= 1 << 40 || half - exact <= exact / 4));
        }
    }
}
