//! A job that is not settled, and its legs.

use reveille_core::{RetrySource, UnixTime};

use crate::{Device, DeviceId, Fate, HeldBy, Job, PayloadDigest, Tried};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) job: Job,
    pub(crate) digest: PayloadDigest,
    pub(crate) submitted: UnixTime,
    pub(crate) stage: Stage,
    pub(crate) legs: Vec<Leg>,
    /// For which time its timer is set; `MAX`: none.
    pub(crate) due: UnixTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Somebody looks the devices up; asked again at `until`.
    Resolving { until: UnixTime },
    /// Devices are looked up at `until`.
    Held { until: UnixTime, by: HeldBy },
    /// The devices are known: see the legs.
    Legs,
    /// It ended without any.
    Ended { fate: Fate },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) device: Device,
    /// The attempt that is made, or the next one; from 1.
    pub(crate) attempt: u8,
    /// The last back-off, in milliseconds.
    pub(crate) previous: u64,
    /// When the first attempt was made.
    pub(crate) first: Option<UnixTime>,
    /// The device may have been told.
    pub(crate) heard: bool,
    /// It is not wanted any more, and ends like this when its attempt has ended.
    pub(crate) ended: Option<Fate>,
    pub(crate) state: LegState,
    pub(crate) tried: Vec<Tried>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LegState {
    Waiting {
        until: UnixTime,
        why: Why,
    },
    /// An older generation is on the wire to this device.
    Behind {
        until: UnixTime,
    },
    /// The attempt has to be in the log first.
    Committing {
        until: UnixTime,
    },
    Sending {
        until: UnixTime,
    },
    Done {
        fate: Fate,
    },
}

/// Why a leg waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// For its next attempt. A time that the service named is a point and does not move with the clock.
    Retry {
        /// Who named the time.
        source: RetrySource,
    },
    /// It is held back.
    Held {
        /// By what.
        by: HeldBy,
    },
    /// For its turn, after a crash or a redrive.
    Turn,
}

impl Leg {
    pub(crate) const fn new(device: Device, until: UnixTime) -> Self {
        Self {
            device,
            attempt: 1,
            previous: 0,
            first: None,
            heard: false,
            ended: None,
            state: LegState::Waiting { until, why: Why::Turn },
            tried: Vec::new(),
        }
    }

    pub(crate) const fn is_done(&self) -> bool {
        matches!(self.state, LegState::Done { .. })
    }

    pub(crate) const fn is_on_wire(&self) -> bool {
        matches!(self.state, LegState::Sending { .. })
    }

    /// When something has to happen.
    fn due(&self, not_after: UnixTime) -> UnixTime {
        match self.state {
            LegState::Waiting { until, .. } | LegState::Behind { until } | LegState::Committing { until } => {
                until.min(not_after)
            }
            LegState::Sending { until } => until,
            LegState::Done { .. } => UnixTime::MAX,
        }
    }
}

impl Live {
    /// When something has to happen.
    pub(crate) fn next_due(&self) -> UnixTime {
        match self.stage {
            Stage::Resolving { until } | Stage::Held { until, .. } => until.min(self.job.not_after),
            Stage::Legs => {
                let due = self.legs.iter().map(|leg| leg.due(self.job.not_after)).min();
                due.unwrap_or(UnixTime::MAX)
            }
            Stage::Ended { .. } => UnixTime::MAX,
        }
    }

    /// How it ended, if it has.
    pub(crate) fn fate(&self) -> Option<Fate> {
        match self.stage {
            Stage::Ended { fate } => Some(fate),
            Stage::Legs => {
                let mut highest = Fate::NoDevice;
                for leg in &self.legs {
                    let LegState::Done { fate } = leg.state else { return None };
                    highest = highest.max(fate);
                }
                Some(highest)
            }
            Stage::Resolving { .. } | Stage::Held { .. } => None,
        }
    }

    pub(crate) fn leg_on(&self, device: DeviceId) -> Option<usize> {
        self.legs.iter().position(|leg| leg.device.id == device)
    }
}
