//! A job that is not settled, and its legs: packed, since there may be millions.

use bytes::Bytes;
use reveille_core::{RetrySource, UnixTime};

use crate::explain::Tried;
use crate::{
    Class, Device, DeviceId, Fate, HeldBy, Job, JobId, LegId, PayloadDigest, Priority, RecipientId, Role,
    SlotId, Verdict, WhenUnsure,
};

/// An identifier without the alignment of 16 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packed([u64; 2]);

impl Packed {
    #[inline]
    pub(crate) const fn new(bits: u128) -> Self {
        Self([bits as u64, (bits >> 64) as u64])
    }

    #[inline]
    pub(crate) const fn halves(self) -> [u64; 2] {
        self.0
    }

    #[inline]
    pub(crate) const fn bits(self) -> u128 {
        let [low, high] = self.0;
        (high as u128) << 64 | low as u128
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) id: Packed,
    pub(crate) recipient: Packed,
    pub(crate) generation: u64,
    pub(crate) not_after: UnixTime,
    pub(crate) digest: PayloadDigest,
    pub(crate) submitted: UnixTime,
    pub(crate) content: Bytes,
    pub(crate) stage: Stage,
    pub(crate) legs: Legs,
    /// Not to this one, of a cancel.
    pub(crate) except: Option<Box<DeviceId>>,
    /// Where it was said to go.
    pub(crate) given: Given,
    /// The place of its slot.
    pub(crate) slot: u32,
    pub(crate) priority: Priority,
    pub(crate) when_unsure: WhenUnsure,
    pub(crate) is_cancel: bool,
    /// Of a cancel: an older job may still turn out to have been let go.
    pub(crate) awaits: bool,
}

/// The devices that a job came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// None: they are looked up.
    No,
    /// Those of its legs, in their order.
    AsLegs,
    /// These.
    These(Box<[Device]>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Somebody looks the devices up; asked again at `until`.
    Resolving { until: UnixTime },
    /// The same, and attempts may have left: nobody knows on which devices until the answer comes.
    Asked {
        until: UnixTime,
        /// It is not wanted any more, and ends like this when that is known.
        called_off: Option<Fate>,
        /// Asked before, by a process that died: whatever device is named now may have been told.
        unsure: bool,
    },
    /// Devices are looked up at `until`.
    Held { until: UnixTime, by: HeldBy },
    /// The devices are known: see the legs.
    Legs,
    /// It ended without any.
    Ended { fate: Fate },
}

/// The legs of a job: mostly one, which needs no memory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Legs {
    One(Leg),
    Several(Vec<Leg>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) id: Packed,
    pub(crate) revision: u64,
    /// The last back-off, in milliseconds.
    pub(crate) previous: u64,
    /// When the first attempt was made; `MAX` before that.
    pub(crate) first: UnixTime,
    pub(crate) state: LegState,
    pub(crate) tried: Box<[Tried]>,
    pub(crate) class: Class,
    /// The attempt that is made, or the next one; from 1.
    pub(crate) attempt: u8,
    /// The device may have been told.
    pub(crate) heard: bool,
    /// It is not wanted any more, and ends like this when its attempt has ended.
    pub(crate) ended: Option<Fate>,
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

/// Why a leg waits, and so what has to happen before its next attempt. [`Delivery::explain`](crate::Delivery::explain)
/// returns it with each leg that waits; read it together with the time until which the leg waits.
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
    pub(crate) fn new(device: Device, until: UnixTime) -> Self {
        Self {
            id: Packed::new(device.id.to_bits()),
            revision: device.revision,
            previous: 0,
            first: UnixTime::MAX,
            state: LegState::Waiting { until, why: Why::Turn },
            tried: Box::default(),
            class: device.class,
            attempt: 1,
            heard: false,
            ended: None,
        }
    }

    pub(crate) const fn device(&self) -> Device {
        Device { id: DeviceId::from_bits(self.id.bits()), revision: self.revision, class: self.class }
    }

    pub(crate) fn is_on(&self, device: DeviceId) -> bool {
        self.id == Packed::new(device.to_bits())
    }

    pub(crate) const fn is_done(&self) -> bool {
        matches!(self.state, LegState::Done { .. })
    }

    pub(crate) const fn is_on_wire(&self) -> bool {
        matches!(self.state, LegState::Sending { .. })
    }

    pub(crate) fn remember(&mut self, tried: Tried) {
        let mut all = std::mem::take(&mut self.tried).into_vec();
        all.push(tried);
        self.tried = all.into();
    }

    /// An attempt that was given up as unanswered has not left, as it turns out: it does not count, and is made when the next
    /// one would have been. `false` if this is not the last thing that is known of the leg.
    pub(crate) fn take_back(&mut self, attempt: u8) -> bool {
        let waits = matches!(self.state, LegState::Waiting { why: Why::Retry { .. }, .. });
        let last = self.tried.last().is_some_and(|tried| {
            (tried.attempt, &tried.verdict) == (attempt, &Verdict::NoAnswer) && self.attempt > attempt
        });
        if !waits || !last {
            return false;
        }
        self.attempt = attempt;
        let mut all = std::mem::take(&mut self.tried).into_vec();
        all.pop();
        self.tried = all.into();
        true
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

impl Legs {
    pub(crate) const fn none() -> Self {
        Self::Several(Vec::new())
    }

    pub(crate) fn as_slice(&self) -> &[Leg] {
        match self {
            Self::One(leg) => std::slice::from_ref(leg),
            Self::Several(legs) => legs,
        }
    }

    pub(crate) fn as_mut(&mut self) -> &mut [Leg] {
        match self {
            Self::One(leg) => std::slice::from_mut(leg),
            Self::Several(legs) => legs,
        }
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Leg> {
        self.as_slice().get(at)
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut Leg> {
        self.as_mut().get_mut(at)
    }

    pub(crate) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(crate) fn push(&mut self, leg: Leg) {
        *self = match std::mem::replace(self, Self::none()) {
            Self::Several(legs) if legs.is_empty() => Self::One(leg),
            Self::One(first) => Self::Several(vec![first, leg]),
            Self::Several(mut legs) => {
                legs.push(leg);
                Self::Several(legs)
            }
        };
    }

    /// Without the leg on a device.
    pub(crate) fn remove(&mut self, device: DeviceId) {
        match self {
            Self::One(leg) if leg.is_on(device) => *self = Self::none(),
            Self::One(_) => {}
            Self::Several(legs) => legs.retain(|leg| !leg.is_on(device)),
        }
    }
}

impl Live {
    pub(crate) fn new(job: Job, digest: PayloadDigest, slot: u32, now: UnixTime) -> Self {
        Self {
            id: Packed::new(job.id.to_bits()),
            recipient: Packed::new(job.recipient.to_bits()),
            generation: job.generation,
            not_after: job.not_after,
            digest,
            submitted: now,
            content: job.content,
            stage: Stage::Legs,
            legs: Legs::none(),
            except: match job.role {
                Role::Cancel { except } => except.map(Box::new),
                Role::Show => None,
            },
            given: job.devices.map_or(Given::No, |devices| Given::These(devices.into())),
            slot,
            priority: job.priority,
            when_unsure: job.when_unsure,
            is_cancel: matches!(job.role, Role::Cancel { .. }),
            awaits: false,
        }
    }

    /// The job as it came.
    pub(crate) fn job(&self, slot: SlotId) -> Job {
        let devices = match &self.given {
            Given::No => None,
            Given::AsLegs => Some(self.legs.as_slice().iter().map(Leg::device).collect()),
            Given::These(devices) => Some(devices.to_vec()),
        };
        Job {
            id: self.id(),
            recipient: self.recipient(),
            slot,
            generation: self.generation,
            not_after: self.not_after,
            priority: self.priority,
            when_unsure: self.when_unsure,
            role: self.role(),
            devices,
            content: self.content.clone(),
        }
    }

    pub(crate) const fn id(&self) -> JobId {
        JobId::from_bits(self.id.bits())
    }

    pub(crate) const fn recipient(&self) -> RecipientId {
        RecipientId::from_bits(self.recipient.bits())
    }

    pub(crate) fn role(&self) -> Role {
        if self.is_cancel { Role::Cancel { except: self.except.as_deref().copied() } } else { Role::Show }
    }

    /// The name of a leg.
    pub(crate) fn leg_id(&self, leg: &Leg) -> LegId {
        LegId::of(self.id(), leg.device().id)
    }

    /// Bytes that it counts for in a bound.
    pub(crate) const fn bytes(&self) -> u64 {
        self.content.len() as u64
    }

    /// Keeps what it came with when its legs are no longer just that.
    pub(crate) fn keep_given(&mut self) {
        if self.given == Given::AsLegs {
            self.given = Given::These(self.legs.as_slice().iter().map(Leg::device).collect());
        }
    }

    /// Keeps what it came with but once, if its legs say the same.
    pub(crate) fn share_given(&mut self) {
        if let Given::These(devices) = &self.given
            && devices.iter().copied().eq(self.legs.as_slice().iter().map(Leg::device))
        {
            self.given = Given::AsLegs;
        }
    }

    /// When something has to happen.
    pub(crate) fn next_due(&self) -> UnixTime {
        match self.stage {
            Stage::Asked { until, called_off: Some(_), .. } => until,
            Stage::Resolving { until } | Stage::Asked { until, .. } | Stage::Held { until, .. } => {
                until.min(self.not_after)
            }
            Stage::Legs => {
                let legs = self.legs.as_slice().iter().map(|leg| leg.due(self.not_after)).min();
                let due = legs.unwrap_or(UnixTime::MAX);
                if self.awaits { due.min(self.not_after) } else { due }
            }
            Stage::Ended { .. } => UnixTime::MAX,
        }
    }

    /// How it ended, if it has.
    pub(crate) fn fate(&self) -> Option<Fate> {
        match self.stage {
            Stage::Ended { fate } => Some(fate),
            Stage::Legs if self.awaits => None,
            Stage::Legs => {
                let mut highest = Fate::NoDevice;
                for leg in self.legs.as_slice() {
                    let LegState::Done { fate } = leg.state else { return None };
                    highest = highest.max(fate);
                }
                Some(highest)
            }
            Stage::Resolving { .. } | Stage::Asked { .. } | Stage::Held { .. } => None,
        }
    }

    /// Whether attempts of it may be on the wire to devices that nobody has named yet.
    pub(crate) const fn is_asked(&self) -> bool {
        matches!(self.stage, Stage::Asked { .. })
    }

    pub(crate) fn leg_on(&self, device: DeviceId) -> Option<usize> {
        self.legs.as_slice().iter().position(|leg| leg.is_on(device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Millions of these are kept.
    #[test]
    fn they_are_small() {
        assert!(size_of::<Leg>() <= 80, "{}", size_of::<Leg>());
        assert!(size_of::<Live>() <= 232, "{}", size_of::<Live>());
        assert_eq!(size_of::<Live>(), size_of::<Option<Live>>());
    }
}
