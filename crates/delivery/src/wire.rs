//! Inputs and state as bytes: integers as LEB128, identifiers as 16 bytes, enums as a number and their fields.

use std::time::Duration;

use bytes::Bytes;
use reveille_core::{Action, RetrySource, Scope, UnixTime, millis, varint};

use crate::dead::{DeadId, DeadLetter};
use crate::explain::Tried;
use crate::{
    Class, Device, DeviceId, Fate, HeldBy, Input, Job, JobId, PayloadDigest, Priority, RecipientId, Role,
    SlotId, Verdict, WhenUnsure,
};

/// A value with one encoding. `take` allocates no more than it reads.
pub(crate) trait Wire: Sized {
    fn put(&self, out: &mut Vec<u8>);
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

pub(crate) fn split<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (front, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(front)
}

impl Wire for u64 {
    #[inline]
    fn put(&self, out: &mut Vec<u8>) {
        varint::put(out, *self);
    }
    #[inline]
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        varint::take(bytes)
    }
}

macro_rules! small {
    ($($int:ty),*) => {$(
        impl Wire for $int {
            fn put(&self, out: &mut Vec<u8>) {
                u64::from(*self).put(out);
            }
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Self::try_from(u64::take(bytes)?).ok()
            }
        }
    )*};
}
small!(u16, u32);

impl Wire for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        split(bytes, 1)?.first().copied()
    }
}

impl Wire for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        match u8::take(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Wire for u128 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self::from_le_bytes(split(bytes, 16)?.try_into().ok()?))
    }
}

impl Wire for UnixTime {
    /// "Never" is common, and ten bytes as it is: times are shifted by one, around the end.
    fn put(&self, out: &mut Vec<u8>) {
        self.as_millis().wrapping_add(1).put(out);
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self::from_millis(u64::take(bytes)?.wrapping_sub(1)))
    }
}

/// In milliseconds.
impl Wire for Duration {
    fn put(&self, out: &mut Vec<u8>) {
        millis(*self).put(out);
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self::from_millis(u64::take(bytes)?))
    }
}

impl Wire for Bytes {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        out.extend_from_slice(self);
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let len = usize::try_from(u64::take(bytes)?).ok()?;
        Some(Self::copy_from_slice(split(bytes, len)?))
    }
}

impl Wire for Box<str> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        out.extend_from_slice(self.as_bytes());
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let len = usize::try_from(u64::take(bytes)?).ok()?;
        Some(std::str::from_utf8(split(bytes, len)?).ok()?.into())
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(if bool::take(bytes)? { Some(T::take(bytes)?) } else { None })
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        for value in self {
            value.put(out);
        }
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        // Every value takes a byte at least, so a forged count ends with the bytes.
        let len = u64::take(bytes)?;
        let mut values = Self::new();
        for _ in 0..len {
            values.push(T::take(bytes)?);
        }
        Some(values)
    }
}

impl<T: Wire> Wire for Box<[T]> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        self.iter().for_each(|value| value.put(out));
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Vec::take(bytes).map(Self::from)
    }
}

macro_rules! wire_ids {
    ($($name:ident),*) => {$(
        impl Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                self.to_bits().put(out);
            }
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self::from_bits(Wire::take(bytes)?))
            }
        }
    )*};
}
wire_ids!(JobId, RecipientId, SlotId, DeviceId, PayloadDigest, DeadId);

/// A struct, field by field.
macro_rules! wire_struct {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::wire::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                $(let $field = $crate::wire::Wire::take(bytes)?;)*
                Some(Self { $($field),* })
            }
        }
    };
}
pub(crate) use wire_struct;

/// An enum: a number, then the fields. A number is never used again for something else.
macro_rules! wire_enum {
    ($name:ident { $($tag:literal => $variant:ident $({ $($field:ident),* $(,)? })?),* $(,)? }) => {
        impl $crate::wire::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        out.push($tag);
                        $($($field.put(out);)*)?
                    })*
                }
            }
            fn take(bytes: &mut &[u8]) -> Option<Self> {
                match <u8 as $crate::wire::Wire>::take(bytes)? {
                    $($tag => Some(Self::$variant $({ $($field: $crate::wire::Wire::take(bytes)?),* })?),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use wire_enum;

wire_enum!(Priority { 0 => Urgent, 1 => Normal, 2 => Low });
wire_enum!(WhenUnsure { 0 => SendAgain, 1 => GiveUp });
wire_enum!(Role { 0 => Show, 1 => Cancel { except } });
wire_enum!(HeldBy {
    0 => Quiet, 1 => Pause, 2 => Rate, 3 => SlowDown, 4 => Breaker, 5 => Credential, 6 => Throttle,
    7 => RetryBudget, 8 => Full, 9 => Poison, 10 => Process,
});
wire_enum!(Verdict {
    0 => Accepted { status },
    1 => Refused { status, reason, action },
    2 => NotSent,
    3 => NoAnswer,
});
wire_enum!(Input {
    0 => Tick,
    1 => Submit { job },
    2 => Resolved { job, devices },
    3 => Attempt { job, device, attempt },
    4 => Outcome { job, device, attempt, verdict },
    5 => Deferred { job, device, until, by },
    6 => Cancel { slot, generation },
    7 => DropDevice { device },
    8 => Redrive { from, to, every, until },
    9 => Discard { letter },
    10 => ClockStep { was, is },
    11 => Recovered { spread },
    12 => LetGo { job, devices },
});
wire_struct!(Device { id, revision, class });
wire_struct!(Tried { attempt, at, verdict });
wire_struct!(DeadLetter { job, device, fate, died, digest, tried, unwanted });
wire_struct!(Job {
    id,
    recipient,
    slot,
    generation,
    not_after,
    priority,
    when_unsure,
    role,
    devices,
    content
});

impl Wire for Class {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self(u8::take(bytes)?))
    }
}

impl Wire for Fate {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.code());
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Self::from_code(u8::take(bytes)?)
    }
}

impl<T: Wire> Wire for Box<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (**self).put(out);
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        T::take(bytes).map(Self::new)
    }
}

impl Wire for Scope {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Target => 0,
            Self::Connection => 1,
            Self::Platform => 2,
            Self::Credential => 3,
            _ => 4,
        });
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        [Self::Target, Self::Connection, Self::Platform, Self::Credential, Self::Service]
            .get(usize::from(u8::take(bytes)?))
            .copied()
    }
}

impl Wire for RetrySource {
    fn put(&self, out: &mut Vec<u8>) {
        (*self == Self::Service).put(out);
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(if bool::take(bytes)? { Self::Service } else { Self::Guess })
    }
}

impl Wire for Action {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Retry { not_before, source } => {
                out.push(0);
                not_before.put(out);
                source.put(out);
            }
            Self::SlowDown { scope, until, source } => {
                out.push(1);
                scope.put(out);
                until.put(out);
                source.put(out);
            }
            Self::DropTarget { if_registered_before } => {
                out.push(2);
                if_registered_before.put(out);
            }
            Self::SuspectTarget => out.push(3),
            Self::RefreshCredential { also_reconnect } => {
                out.push(4);
                also_reconnect.put(out);
            }
            Self::Reconnect => out.push(5),
            Self::FixRequest { field } => {
                out.push(6);
                field.as_deref().map(Box::<str>::from).put(out);
            }
            Self::FixCredential { scope } => {
                out.push(7);
                scope.put(out);
            }
            _ => out.push(8),
        }
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(match u8::take(bytes)? {
            0 => Self::Retry { not_before: Wire::take(bytes)?, source: Wire::take(bytes)? },
            1 => Self::SlowDown {
                scope: Wire::take(bytes)?,
                until: Wire::take(bytes)?,
                source: Wire::take(bytes)?,
            },
            2 => Self::DropTarget { if_registered_before: Wire::take(bytes)? },
            3 => Self::SuspectTarget,
            4 => Self::RefreshCredential { also_reconnect: Wire::take(bytes)? },
            5 => Self::Reconnect,
            6 => Self::FixRequest {
                field: <Option<Box<str>> as Wire>::take(bytes)?.map(|field| String::from(field).into()),
            },
            7 => Self::FixCredential { scope: Wire::take(bytes)? },
            8 => Self::GiveUp,
            _ => return None,
        })
    }
}

/// Why bytes are not an input of this version: the error of [`Input::decode`]. Stop the replay of a log when it comes,
/// because later inputs build on the one that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidInput {
    /// Another version wrote it.
    #[error("the input has version {given}: this library reads version {expected}")]
    Version {
        /// What it has.
        given: u8,
        /// What is read.
        expected: u8,
    },
    /// It was cut or changed.
    #[error("the input is damaged near byte {at}")]
    Damaged {
        /// Where that was noticed.
        at: usize,
    },
}

impl Input {
    /// The version of the encoding that [`encode`](Self::encode) writes; it is the first byte.
    pub const VERSION: u8 = 1;

    /// Appends the input as the log keeps it: a few dozen bytes beside a job's content.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(Self::VERSION);
        self.put(out);
    }

    /// Reads what [`encode`](Self::encode) wrote, and nothing more.
    ///
    /// # Errors
    /// [`InvalidInput`].
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidInput> {
        let Some((version, mut rest)) = bytes.split_first() else {
            return Err(InvalidInput::Damaged { at: 0 });
        };
        if *version != Self::VERSION {
            return Err(InvalidInput::Version { given: *version, expected: Self::VERSION });
        }
        let input = Self::take(&mut rest).filter(|_| rest.is_empty());
        input.ok_or(InvalidInput::Damaged { at: bytes.len() - rest.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        insta::assert_snapshot!(Input::decode(&[9, 0]).unwrap_err(), @"the input has version 9: this library reads version 1");
        insta::assert_snapshot!(Input::decode(&[1, 99]).unwrap_err(), @"the input is damaged near byte 2");
        assert_eq!(Input::decode(&[1, 0, 0]), Err(InvalidInput::Damaged { at: 2 }));
    }

    /// The log outlives a release: what these inputs look like must not change within a version.
    #[test]
    fn the_encoding_is_pinned() {
        fn hex(input: &Input) -> String {
            let mut out = Vec::new();
            input.encode(&mut out);
            assert_eq!(Input::decode(&out).as_ref(), Ok(input));
            out.iter().map(|byte| format!("{byte:02x}")).collect()
        }
        let (id, device) = (JobId::from_bits(1), DeviceId::from_bits(2));
        let job = Job::new(id, RecipientId::from_bits(3), SlotId::from_bits(4), 5, "hi");
        insta::assert_snapshot!(hex(&Input::Submit { job: job.into() }), @"0101010000000000000000000000000000000300000000000000000000000000000004000000000000000000000000000000050001000000026869");
        let action = Action::SlowDown {
            scope: Scope::Target,
            until: UnixTime::from_secs(9),
            source: RetrySource::Service,
        };
        let verdict = Verdict::Refused { status: 429, reason: Some("slow".into()), action };
        insta::assert_snapshot!(hex(&Input::Outcome { job: id, device, attempt: 2, verdict }), @"010401000000000000000000000000000000020000000000000000000000000000000201ad030104736c6f770100a94601");
        insta::assert_snapshot!(hex(&Input::Tick), @"0100");
    }
}
