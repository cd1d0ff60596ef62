//! A whole gateway under a virtual clock: people, devices, services and faults come from a seed, and an oracle judges.
//!
//! The oracle knows two lists only: the events that were committed, and what the simulated services received. What the
//! machine explains about itself is not asked. The driver that runs the shards is the one under test as well: a
//! [`Meddle`] breaks it on purpose, and the oracle has to notice.
//!
//! ```
//! use reveille_testkit::sim::{Faults, Simulation};
//!
//! let report = Simulation::new(1).with_events(200).with_faults(Faults::Some).run();
//! assert_eq!(report.violations, Vec::<String>::new());
//! assert_eq!(report.fingerprint, Simulation::new(1).with_events(200).with_faults(Faults::Some).run().fingerprint);
//! ```

mod carry;
mod changes;
mod crowd;
mod curve;
mod desk;
mod draw;
mod faults;
mod meddle;
mod next;
mod node;
mod operator;
mod oracle;
mod people;
mod plan;
mod post;
mod script;
mod services;
mod shadow;
mod tokens;
mod wire;
mod world;

pub use meddle::{Faithful, Meddle};

use world::World;

/// How much goes wrong in a run; give it to [`Simulation::with_faults`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "tests match all of it")]
pub enum Faults {
    /// Nothing.
    None,
    /// Some requests fail, some answers are late or come twice, sources repeat events.
    #[default]
    Some,
    /// Besides, the process dies at any step, snapshots are old, clocks are set, questions have no answer.
    Hell,
}

/// A run to be made: give it a seed and the faults, then run it.
#[derive(Clone, Copy, Debug)]
pub struct Simulation {
    seed: u64,
    events: usize,
    people: usize,
    faults: Faults,
}

/// What a run has shown, returned by [`Simulation::run`]: look at its violations first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Events of the sources, repetitions not counted.
    pub events: usize,
    /// Requests of which a byte left.
    pub requests: usize,
    /// Requests that a service took.
    pub accepted: usize,
    /// How often the process died.
    pub crashes: usize,
    /// Text messages.
    pub fallbacks: usize,
    /// Requests that a service had taken before: allowed where its answer was lost.
    pub repeated: usize,
    /// How often somebody was not told, by reason.
    pub suppressed: std::collections::BTreeMap<String, u64>,
    /// Jobs that ended in the dead letters.
    pub dead_lettered: u64,
    /// What the oracle found.
    pub violations: Vec<String>,
    /// A hash over all outputs and requests, in their order.
    pub fingerprint: u64,
}

impl Simulation {
    /// 1,000 events for 12 people, some faults.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, events: 1_000, people: 12, faults: Faults::Some }
    }

    /// Sets how many events the sources have.
    #[must_use]
    pub const fn with_events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    /// Sets how many people there are; at least 3.
    #[must_use]
    pub fn with_people(mut self, people: usize) -> Self {
        self.people = people.max(3);
        self
    }

    /// Sets how much goes wrong.
    #[must_use]
    pub const fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Runs it to the end.
    #[must_use]
    pub fn run(&self) -> Report {
        self.run_with(Faithful)
    }

    /// Runs it with a driver that does something wrong.
    #[must_use]
    pub fn run_with(&self, meddle: impl Meddle + 'static) -> Report {
        World::new(*self, Box::new(meddle)).run()
    }
}
