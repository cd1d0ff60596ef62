//! What may follow from an event: it holds so much room from its admission on until it is applied.

use reveille_conversation::event::What;

use crate::Input;
use crate::gateway::WAYS;

/// Bytes that a job's content may have besides what the event says: ids, names that are looked up, the decision.
const DECIDED: u64 = 512;

/// Room for jobs, and for their contents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Credit {
    pub(super) jobs: usize,
    pub(super) bytes: u64,
}

impl Credit {
    /// What an input of so many bytes takes: the jobs of one person, who is told on every way. Only events lead to jobs at
    /// once; an audience is asked for where there is room.
    pub(super) const fn of(input: &Input, size: usize) -> Self {
        match input {
            Input::Event { .. } => {
                Self { jobs: WAYS, bytes: (DECIDED + size as u64).saturating_mul(WAYS as u64) }
            }
            _ => Self { jobs: 0, bytes: 0 },
        }
    }

    pub(super) const fn and(self, other: Self) -> Self {
        let (jobs, bytes) = (self.jobs.saturating_add(other.jobs), self.bytes.saturating_add(other.bytes));
        Self { jobs, bytes }
    }

    pub(super) const fn without(self, other: Self) -> Self {
        let (jobs, bytes) = (self.jobs.saturating_sub(other.jobs), self.bytes.saturating_sub(other.bytes));
        Self { jobs, bytes }
    }
}

/// Whether an event ends what others wait for, or ring for: it is not kept out when there is no room for more.
pub(super) const fn ends_something(input: &Input) -> bool {
    let Input::Event { event, .. } = input else { return false };
    matches!(
        event.what,
        What::ReadUpTo(_)
            | What::CallAnswered(_)
            | What::CallEnded(_)
            | What::CallWithdrawn(_)
            | What::CallDeclined(_)
            | What::CallTimedOut(_)
            | What::Left(_)
            | What::GuestSessionEnded(_)
            | What::CallbackAccepted(_)
            | What::CallbackPurged
            | What::CallbackCancelled
            | What::CallbackCompleted
            | What::StateChanged(_)
    )
}
