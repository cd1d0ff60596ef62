//! What a writer counts, for all threads together.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use reveille_core::metrics::{Counters, Histogram};

use crate::pick::Choice;
use crate::{Picked, Sent, Writer, Written};

/// What was counted since the process began. The lock is held for a few additions, once for each call.
#[derive(Debug, Default)]
pub(crate) struct Counting(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    totals: BTreeMap<(&'static str, &'static str), u64>,
    batches: Histogram,
    bodies: Histogram,
}

impl Counts {
    fn one(&mut self, name: &'static str, label: &'static str) {
        let number = self.totals.entry((name, label)).or_default();
        *number = number.saturating_add(1);
    }
}

impl Counting {
    fn with<T>(&self, change: impl FnOnce(&mut Counts) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn picked(&self, picked: &Picked) {
        self.with(|counts| {
            for choice in &picked.each {
                match choice {
                    Choice::Leg(_) => counts.one("picked", "leg"),
                    Choice::Held { by, .. } => counts.one("held", by.name()),
                    Choice::Skipped(skip) => counts.one("skipped", skip.name()),
                }
            }
        });
    }

    pub(crate) fn written(&self, all: &[Written]) {
        self.with(|counts| {
            counts.batches.record(all.len() as u64);
            for written in all {
                match written {
                    Written::Ready(ready) => {
                        counts.one("written", service(&ready.sent));
                        counts.bodies.record(ready.request.body().len() as u64);
                        if !ready.cuts.is_empty() {
                            counts.one("shortened", service(&ready.sent));
                        }
                        if ready.without_token.is_some() {
                            counts.one("without_token", service(&ready.sent));
                        }
                    }
                    Written::Deferred(deferred) => counts.one("deferred", deferred.by.name()),
                    Written::Silent { .. } => counts.one("silent", "invisible_budget"),
                    Written::Unwritten { why, .. } => counts.one("unwritten", why.name()),
                }
            }
        });
    }

    pub(crate) fn read(&self, verdict: &'static str) {
        self.with(|counts| counts.one("answers", verdict));
    }
}

fn service(sent: &Sent) -> &'static str {
    use crate::credential::Credential;
    match sent.credential() {
        Credential::WebPush(_) => "web_push",
        Credential::Apns(_) => "apns",
        Credential::Fcm(_) => "fcm",
    }
}

impl Writer {
    /// Everything that this writer counted since it was made, in a fixed order: numbers only, no name of a person or a device.
    ///
    /// | name | what |
    /// |---|---|
    /// | `picked:leg`, `held:BY`, `skipped:REASON` | devices: told, to wait, passed over ([`Skip`](crate::device::Skip)) |
    /// | `written:SERVICE` | requests that are ready: `web_push`, `apns`, `fcm` |
    /// | `shortened:SERVICE`, `without_token:SERVICE` | of these, with texts that were cut, and without the resume token that should be in them |
    /// | `deferred:BY`, `unwritten:REASON` | legs that wait, and that cannot be written ([`Unwritten`](crate::Unwritten)) |
    /// | `silent:invisible_budget` | legs that would show nothing, and were left out |
    /// | `answers:VERDICT` | answers that were read |
    /// | `batch_legs` | legs in one call of [`write`](Self::write) |
    /// | `body_bytes` | bodies of requests |
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counting.with(|counts| {
            let mut counters = Counters::default();
            let totals =
                counts.totals.iter().map(|((name, label), number)| (format!("{name}:{label}"), *number));
            counters.totals = totals.collect();
            let histograms = [("batch_legs", &counts.batches), ("body_bytes", &counts.bodies)];
            counters.histograms = histograms.map(|(name, one)| (name.to_owned(), one.clone())).into();
            counters
        })
    }
}
