//! Numbers to be exported: what the machine counts, and what its driver can measure.
//!
//! [`Gateway::counters`](crate::Gateway::counters) gives what one shard has counted, as it follows from its log. How long
//! things take outside is for whoever has a clock: [`Commits`] for the way into the log, the pacer for the way to a service.

use std::collections::VecDeque;

use reveille_core::{UnixTime, millis};

pub use reveille_core::metrics::{Counters, Histogram};

use crate::admission::Ticket;
use crate::admission::waiting::NO_TICKET;
use crate::log::Applied;

/// How long inputs wait for their commit, and how large groups are: a driver keeps one beside each
/// [`Admission`](crate::Admission), and tells it the time at both ends.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_gateway::metrics::Commits;
/// use reveille_gateway::{Admission, AdmissionLimits, Epoch, Gateway, GatewaySettings, Input, Seed, Shard};
///
/// let gateway = Gateway::new(Default::default(), GatewaySettings::default(), Seed::new([7; 16]))?;
/// let (mut shard, mut admission) = (Shard::new(gateway), Admission::new(AdmissionLimits::default()));
/// let (mut commits, now) = (Commits::default(), UnixTime::from_secs(1_800_000_000));
///
/// commits.admitted(admission.admit(Input::Owner(Epoch(1)), shard.gateway())?, now);
/// let sealed = shard.group(now).fill(&mut admission).seal();
/// // … append, fsync: that took 7 ms.
/// let applied = sealed.committed();
/// commits.committed(&applied, now + std::time::Duration::from_millis(7));
/// applied.for_each(drop);
///
/// let counters = commits.counters();
/// assert_eq!(counters.histogram("admission_to_commit_ms").map(|spans| spans.largest()), Some(7));
/// assert_eq!(counters.histogram("group_inputs").map(|sizes| sizes.sum()), Some(1));
/// # Ok::<(), reveille_gateway::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commits {
    /// The first and the last ticket of those that came at one time, and when.
    waiting: VecDeque<(Ticket, Ticket, UnixTime)>,
    waited: Histogram,
    inputs: Histogram,
    bytes: Histogram,
}

impl Commits {
    /// An input was admitted. How long answers about an audience wait is not measured: they let everything else pass.
    pub fn admitted(&mut self, ticket: Ticket, now: UnixTime) {
        if ticket == NO_TICKET {
            return;
        }
        match self.waiting.back_mut() {
            Some((_, last, at)) if *at == now => *last = ticket,
            _ => self.waiting.push_back((ticket, ticket, now)),
        }
    }

    /// A group is in the log since `now`; its outputs need not be read yet.
    pub fn committed(&mut self, applied: &Applied<'_>, now: UnixTime) {
        let (inputs, bytes) = applied.size();
        self.inputs.record(inputs as u64);
        self.bytes.record(bytes as u64);
        let Some(ticket) = applied.ticket() else { return };
        while let Some((first, last, at)) = self.waiting.front_mut().filter(|(first, ..)| *first <= ticket) {
            let upto = ticket.min(*last);
            let count = upto.0.saturating_sub(first.0).saturating_add(1);
            self.waited.record_many(millis(now.since(*at)), count);
            if upto == *last {
                self.waiting.pop_front();
            } else {
                *first = Ticket(upto.0.saturating_add(1));
            }
        }
    }

    /// Returns what was measured since the process began: `admission_to_commit_ms`, `group_inputs`, `group_bytes`.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut counters = Counters::default();
        let all = [
            ("admission_to_commit_ms", &self.waited),
            ("group_inputs", &self.inputs),
            ("group_bytes", &self.bytes),
        ];
        counters.histograms = all.map(|(name, histogram)| (name.to_owned(), histogram.clone())).into();
        counters
    }
}
