//! Keys, payloads and folds as bytes.

use reveille_core::varint::{put, take};

/// A value that can go into a snapshot: a plain encoding that knows its own length. Implement it for the key, the
/// payload, the fold and the calendar of your [`Host`](crate::Host) if the engine's state or its inputs are stored.
///
/// Implemented for integers, `bool`, `()`, `String`, `Vec<u8>`, byte arrays, `Option` and tuples up to four.
pub trait Codec: Sized {
    /// Appends the value.
    fn encode(&self, out: &mut Vec<u8>);
    /// Takes the value from the front; `None` if it is not there. Must not allocate more than it reads.
    fn decode(bytes: &mut &[u8]) -> Option<Self>;
}

fn split<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (front, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(front)
}

macro_rules! small_integers {
    ($($int:ty),*) => {$(
        impl Codec for $int {
            fn encode(&self, out: &mut Vec<u8>) {
                put(out, u64::from(*self));
            }
            fn decode(bytes: &mut &[u8]) -> Option<Self> {
                Self::try_from(take(bytes)?).ok()
            }
        }
    )*};
}
small_integers!(u8, u16, u32, u64);

impl Codec for u128 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self::from_le_bytes(split(bytes, 16)?.try_into().ok()?))
    }
}

impl Codec for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        match split(bytes, 1)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl Codec for () {
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(_: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

impl Codec for Vec<u8> {
    fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.len() as u64);
        out.extend_from_slice(self);
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let len = usize::try_from(take(bytes)?).ok()?;
        Some(split(bytes, len)?.to_vec())
    }
}

impl Codec for String {
    fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.len() as u64);
        out.extend_from_slice(self.as_bytes());
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Self::from_utf8(Vec::decode(bytes)?).ok()
    }
}

impl<const N: usize> Codec for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        split(bytes, N)?.try_into().ok()
    }
}

impl<T: Codec> Codec for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.is_some().encode(out);
        if let Some(value) = self {
            value.encode(out);
        }
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Some(if bool::decode(bytes)? { Some(T::decode(bytes)?) } else { None })
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: Codec),+> Codec for ($($name,)+) {
            #[allow(non_snake_case)]
            fn encode(&self, out: &mut Vec<u8>) {
                let ($($name,)+) = self;
                $($name.encode(out);)+
            }
            fn decode(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($name::decode(bytes)?,)+))
            }
        }
    };
}
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type All = ((u8, u16, u32, u64), (u128, bool, Option<u64>), String, (Vec<u8>, [u8; 3], ()));

    proptest! {
        #[test]
        fn round_trip(
            numbers: (u8, u16, u32, u64), more: (u128, bool, Option<u64>), text: String, bytes: (Vec<u8>, [u8; 3]),
        ) {
            let value: All = (numbers, more, text, (bytes.0, bytes.1, ()));
            let mut out = Vec::new();
            value.encode(&mut out);
            let mut rest = out.as_slice();
            prop_assert_eq!(All::decode(&mut rest), Some(value));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn decoding_is_total(bytes: Vec<u8>) {
            let mut rest = bytes.as_slice();
            let _ = All::decode(&mut rest);
        }
    }

    #[test]
    fn a_number_has_one_encoding() {
        assert_eq!(take(&mut [0x80, 0x00].as_slice()), None);
        assert_eq!(take(&mut [0xFF; 10].as_slice()), None);
        let mut out = Vec::new();
        put(&mut out, u64::MAX);
        assert_eq!(take(&mut out.as_slice()), Some(u64::MAX));
    }
}
