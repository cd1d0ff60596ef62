//! What is to be delivered.

use bytes::Bytes;
use reveille_core::UnixTime;

use crate::{DeviceId, JobId, RecipientId, SlotId};

/// One notification for one recipient. Make one whenever something should be sent, and submit it as an
/// [`Input`](crate::Input).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// For whom.
    pub recipient: RecipientId,
    /// What it replaces.
    pub slot: SlotId,
    /// In a slot a higher generation supersedes a lower one.
    pub generation: u64,
    /// When it is of no more use, exclusive. Default: never.
    pub not_after: UnixTime,
    /// Default: [`Priority::Normal`].
    pub priority: Priority,
    /// Default: [`WhenUnsure::SendAgain`].
    pub when_unsure: WhenUnsure,
    /// Default: [`Role::Show`].
    pub role: Role,
    /// Where to send it; `None` (the default): to what [`Output::Resolve`](crate::Output::Resolve) is answered with.
    pub devices: Option<Vec<Device>>,
    /// The message, as the writer of requests understands it. Delivery only compares it.
    pub content: Bytes,
}

impl Job {
    /// A job with the defaults.
    #[must_use]
    pub fn new(
        id: JobId,
        recipient: RecipientId,
        slot: SlotId,
        generation: u64,
        content: impl Into<Bytes>,
    ) -> Self {
        Self {
            id,
            recipient,
            slot,
            generation,
            not_after: UnixTime::MAX,
            priority: Priority::default(),
            when_unsure: WhenUnsure::default(),
            role: Role::default(),
            devices: None,
            content: content.into(),
        }
    }

    /// Sets when it is of no more use.
    #[must_use]
    pub const fn with_not_after(mut self, not_after: UnixTime) -> Self {
        self.not_after = not_after;
        self
    }

    /// Sets how much it hurries; [`Priority::Normal`] if this is not called.
    #[must_use]
    pub const fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Sets what happens when nobody knows whether it was sent.
    #[must_use]
    pub const fn with_when_unsure(mut self, when_unsure: WhenUnsure) -> Self {
        self.when_unsure = when_unsure;
        self
    }

    /// Sets what it does to the slot.
    #[must_use]
    pub const fn with_role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Sets where to send it.
    #[must_use]
    pub fn with_devices(mut self, devices: impl Into<Vec<Device>>) -> Self {
        self.devices = Some(devices.into());
        self
    }

    /// Bytes that it counts for in a bound.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.content.len() as u64
    }
}

/// A device as the registry named it when the job was resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Device {
    /// Its name.
    pub id: DeviceId,
    /// The revision of its record: what delivery finds out about it holds for this one only.
    pub revision: u64,
    /// Which [`RetryPolicy`](crate::retry::RetryPolicy) is for it, mostly one per service.
    pub class: Class,
}

impl Device {
    /// A device of class 0.
    #[must_use]
    pub const fn new(id: DeviceId, revision: u64) -> Self {
        Self { id, revision, class: Class(0) }
    }

    /// Sets the class, and with it the retry policy for this device.
    #[must_use]
    pub const fn with_class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }
}

/// The number of a retry policy in the [`DeliverySettings`](crate::DeliverySettings). Give one number to all devices of
/// a service that needs back-offs of its own; a class without a policy uses that of class 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a number under a name")]
pub struct Class(pub u8);

/// How much a job hurries: the pacer prefers urgent requests to the others. Use [`Urgent`](Self::Urgent) for what
/// somebody waits for this second, such as a ring, and [`Low`](Self::Low) for what nobody waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Priority {
    /// Rings and their cancels.
    Urgent,
    /// Messages.
    #[default]
    Normal,
    /// What nobody waits for: large audiences, health checks.
    Low,
}

/// What to do when a request left and no answer came, or the process died in between: nobody knows then whether the
/// recipient was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WhenUnsure {
    /// Maybe twice: for what the receiver can recognise (chat, rings, webhooks).
    #[default]
    SendAgain,
    /// Maybe never: for what nothing can take back (SMS). Every attempt is committed to the log before the wire, and one
    /// without an outcome ends as [`Fate::Unknown`](crate::Fate::Unknown).
    GiveUp,
}

/// What a job does to what its slot shows on a device: show something new, or take away what is there. Use
/// [`Cancel`](Self::Cancel) when, for example, a ring has ended, so that the devices which were told stop showing it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// It is shown, in place of older generations.
    #[default]
    Show,
    /// It takes older generations away: it is sent to those devices only that were told of one, or may have been, and
    /// to no device at all if there is none.
    Cancel {
        /// Not to this one: it answered, and knows.
        except: Option<DeviceId>,
    },
}
