//! The true time, and what the nodes' clocks make of it.

use std::time::Duration;

use reveille_core::UnixTime;

use super::Adversity;

/// The clocks of some nodes, each with an error of its own: ask it for `now` in a test of what keeps time. Real time
/// only ever goes on.
#[derive(Clone, Debug)]
pub struct Clocks {
    truth: UnixTime,
    errors_ms: Vec<i64>,
}

impl Clocks {
    /// `nodes` clocks that are right at `start`.
    #[must_use]
    pub fn new(start: UnixTime, nodes: usize) -> Self {
        Self { truth: start, errors_ms: vec![0; nodes.max(1)] }
    }

    /// The real time, which no code under test ever sees.
    #[must_use]
    pub const fn truth(&self) -> UnixTime {
        self.truth
    }

    /// What a node's clock shows. Node numbers go around.
    #[must_use]
    pub fn now(&self, node: usize) -> UnixTime {
        let error = self.errors_ms.get(node % self.errors_ms.len()).copied().unwrap_or_default();
        let span = Duration::from_millis(error.unsigned_abs());
        if error < 0 { self.truth - span } else { self.truth + span }
    }

    /// Lets time pass, and sets the clock that an event sets.
    pub fn apply(&mut self, event: &Adversity) {
        match event {
            Adversity::Wait { ms } => self.truth += Duration::from_millis(*ms),
            Adversity::SetClock { node, error_ms } | Adversity::Restart { node, error_ms, .. } => {
                self.set(*node, *error_ms);
            }
            Adversity::Act { .. }
            | Adversity::Fork { .. }
            | Adversity::FlipBit { .. }
            | Adversity::StoreForgets
            | Adversity::StoreAnswersLate => {}
        }
    }

    /// Sets a node's clock to the real time plus an error.
    pub fn set(&mut self, node: usize, error_ms: i64) {
        let nodes = self.errors_ms.len();
        if let Some(error) = self.errors_ms.get_mut(node % nodes) {
            *error = error_ms;
        }
    }
}
