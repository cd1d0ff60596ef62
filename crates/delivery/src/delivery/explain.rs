//! "Why is this still here?" and "what became of it?"

use reveille_core::UnixTime;

use super::Delivery;
use super::live::{LegState, Live, Packed, Stage, Why};
use crate::explain::Tried;
use crate::{DeviceId, Fate, HeldBy, JobId};

/// What is known of a job and its legs: returned by [`Delivery::explain`]. Use it to answer "why is this still here?"
/// and "what became of it?".
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Explanation {
    /// Where it stands.
    pub status: Status,
    /// Its legs; of a settled job, none.
    pub legs: Vec<LegExplanation>,
}

/// Where a job stands: its devices are looked up, it is held, it is under way, or it has ended. Read it in
/// [`Explanation::status`]; once it is under way, its legs say more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Its devices are being looked up.
    Resolving,
    /// It is not wanted any more, and whether anything of it had left is still to be heard.
    CalledOff {
        /// How it will have ended, where nothing arrived.
        fate: Fate,
    },
    /// The recipient wants it later.
    Held {
        /// Until when.
        until: UnixTime,
        /// By what.
        by: HeldBy,
    },
    /// It is under way: see the legs.
    UnderWay {
        /// Since when.
        since: UnixTime,
    },
    /// It has ended.
    Settled {
        /// How.
        fate: Fate,
        /// When.
        at: UnixTime,
    },
}

/// What is known of a leg, which is the part of a job that goes to one device. Read it in [`Explanation::legs`] to see
/// what the leg waits for, and which attempts failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct LegExplanation {
    /// On which device.
    pub device: DeviceId,
    /// Where it stands.
    pub status: LegStatus,
    /// The attempt that is made, or the next one, from 1.
    pub attempt: u8,
    /// The attempts that failed.
    pub tried: Vec<Tried>,
}

/// Where a leg stands: it waits, it is on its way, or it has ended. Read it in [`LegExplanation::status`] when somebody
/// asks why a device was not told yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LegStatus {
    /// It waits.
    Waiting {
        /// Until when.
        until: UnixTime,
        /// For what.
        why: Why,
    },
    /// An older generation is on the wire to the device.
    Behind {
        /// It waits until then at most.
        until: UnixTime,
    },
    /// Its attempt has to be in the log first.
    Committing,
    /// With the pacer, or on the wire.
    OnItsWay {
        /// Without a report by then it counts as unanswered.
        until: UnixTime,
        /// It is not wanted any more, and ends like this unless it arrives.
        ended: Option<Fate>,
    },
    /// It has ended.
    Settled(Fate),
}

impl Delivery {
    /// What is known of a job; `None` if nothing is: it never came, or it ended too long ago. Dead letters say more about
    /// what died.
    #[must_use]
    pub fn explain(&self, job: JobId) -> Option<Explanation> {
        let Some(live) = self.place_of(job).and_then(|at| self.jobs.get(at)) else {
            let id = Packed::new(job.to_bits());
            let end = self.settled.find(self.tag(id), id)?;
            let (fate, at) = (end.fate, end.at);
            return Some(Explanation { status: Status::Settled { fate, at }, legs: Vec::new() });
        };
        let status = match live.stage {
            Stage::Asked { called_off: Some(fate), .. } => Status::CalledOff { fate },
            Stage::Resolving { .. } | Stage::Asked { .. } => Status::Resolving,
            Stage::Held { until, by } => Status::Held { until, by },
            Stage::Legs => Status::UnderWay { since: live.submitted },
            Stage::Ended { fate } => Status::Settled { fate, at: self.now },
        };
        let legs = live.legs.as_slice().iter().map(|leg| LegExplanation {
            device: leg.device().id,
            attempt: leg.attempt,
            tried: leg.tried.to_vec(),
            status: match leg.state {
                LegState::Waiting { until, why } => LegStatus::Waiting { until, why },
                LegState::Behind { until } => LegStatus::Behind { until },
                LegState::Committing { .. } => LegStatus::Committing,
                LegState::Sending { until } => LegStatus::OnItsWay { until, ended: leg.ended },
                LegState::Done { fate } => LegStatus::Settled(fate),
            },
        });
        Some(Explanation { status, legs: legs.collect() })
    }
}

/// What happens to a job at `at`.
pub(super) fn reason(live: &Live, at: UnixTime) -> &'static str {
    if live.not_after == at {
        return "a job expires";
    }
    match live.stage {
        Stage::Asked { called_off: Some(_), .. } => "a job that was called off is not waited for any more",
        Stage::Resolving { .. } | Stage::Asked { .. } => "devices are asked for again",
        Stage::Held { .. } => "a job is not held any more",
        _ => "a leg is due",
    }
}
