//! Names. All are opaque: delivery compares them and never looks inside.

use std::hash::Hasher as _;

use reveille_core::siphash::Sip13;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($bits:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name($bits);

        impl $name {
            /// Makes it from its bits: a hash, a number of your own, or what [`to_bits`](Self::to_bits) gave.
            #[must_use]
            pub const fn from_bits(bits: $bits) -> Self {
                Self(bits)
            }

            /// Gives the bits, for example to store them.
            #[must_use]
            pub const fn to_bits(self) -> $bits {
                self.0
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}({:x})", stringify!($name), self.0)
            }
        }
    };
}
pub(crate) use id;

id! {
    /// The name of one notification for one recipient: a hash of recipient, conversation, kind and generation. Give the
    /// same notification the same name when it is submitted again: the second one is ignored, for as long as the first
    /// is known.
    JobId(u128)
}
id! {
    /// The name of a person, or of whoever else owns devices. Use the same name for the same person everywhere: devices
    /// are asked for by it, and the pacer's fairness and rates go by it.
    RecipientId(u128)
}
id! {
    /// What replaces what: a hash of recipient, conversation and kind of notification, without the generation. A ring
    /// and its cancel share one.
    SlotId(u128)
}
id! {
    /// The name of one device of a recipient, as the registry gives it; it is not a token. Use a name that stays when
    /// the token changes: the token is looked up only when a request is made.
    DeviceId(u128)
}
id! {
    /// The name of a job on one device; every attempt has the same one. Use it where a service wants a message to have
    /// a name (`apns-id`), so that the service can recognise an attempt that is made again.
    LegId(u128)
}
id! {
    /// What a message says, as a hash: the same content has the same digest on every device. The pacer needs it to tell
    /// a message that nobody accepts from a target that accepts nothing.
    PayloadDigest(u64)
}

impl LegId {
    /// The name of `job` on `device`: the same on every machine and in every version.
    ///
    /// ```
    /// use reveille_delivery::{DeviceId, JobId, LegId};
    /// let leg = LegId::of(JobId::from_bits(1), DeviceId::from_bits(2));
    /// assert_eq!(leg.to_bits(), 0xb78e_5c30_0cad_7b27_4978_0818_a18b_5953);
    /// ```
    #[must_use]
    pub fn of(job: JobId, device: DeviceId) -> Self {
        let mut hash = Sip13::new(u64::from_le_bytes(*b"reveille"), u64::from_le_bytes(*b"delivery"));
        hash.write_u128(job.0);
        hash.write_u128(device.0);
        Self(hash.halfway().both())
    }
}

/// What tells the slot of one job alone from the name of that job.
const ALONE: u128 = u128::from_le_bytes(*b"reveille: alone.");

impl SlotId {
    /// The slot of a job that replaces nothing and is replaced by nothing, such as a webhook, which wants every event. Nothing
    /// is remembered of it once the job has ended, so it needs no memory; and it can be
    /// [cancelled](crate::Input::Cancel) only while the job lives, or lies among the dead letters.
    #[must_use]
    pub const fn alone(job: JobId) -> Self {
        Self(job.0 ^ ALONE)
    }

    /// The job whose own slot this is, if it is one.
    pub(crate) const fn owner(self) -> JobId {
        JobId(self.0 ^ ALONE)
    }
}

impl PayloadDigest {
    /// Of the bytes of a message, under `seed`.
    #[must_use]
    pub fn of(content: &[u8], seed: u64) -> Self {
        let mut hash = Sip13::new(seed, u64::from_le_bytes(*b"payload\0"));
        hash.write(content);
        Self(hash.finish())
    }
}
