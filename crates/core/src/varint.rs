//! Whole numbers as LEB128, in one way only: the encoding of every log and snapshot here.
//!
//! ```
//! use reveille_core::varint;
//! let mut bytes = Vec::new();
//! varint::put(&mut bytes, 300);
//! assert_eq!(bytes, [0xAC, 0x02]);
//! let mut rest = &bytes[..];
//! assert_eq!(varint::take(&mut rest), Some(300));
//! assert!(rest.is_empty());
//! assert_eq!(varint::take(&mut &[0x80, 0x00][..]), None, "a zero on top");
//! ```

/// Appends a number: 1 to 10 bytes.
#[inline]
pub fn put(out: &mut Vec<u8>, mut number: u64) {
    // Most numbers are small; the others go in one piece.
    if number < 0x80 {
        out.push(number as u8);
        return;
    }
    let (mut bytes, mut len) = ([0_u8; 10], 0);
    for byte in &mut bytes {
        len += 1;
        *byte = number as u8 | 0x80;
        number >>= 7;
        if number == 0 {
            *byte &= 0x7F;
            break;
        }
    }
    out.extend_from_slice(bytes.get(..len).unwrap_or_default());
}

/// Takes a number from the front; `None` if there is none, or if it is not written in the shortest way.
#[inline]
pub fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    if *first < 0x80 {
        return Some(u64::from(*first));
    }
    let mut number = u64::from(*first & 0x7F);
    for shift in (7..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(*byte & 0x7F);
        if shift == 63 && bits > 1 {
            return None;
        }
        number |= bits << shift;
        if *byte < 0x80 {
            return (bits != 0).then_some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn there_and_back(number: u64, bits in 0..64_u32, after: Vec<u8>) {
            let number = number >> bits;
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            prop_assert_eq!(bytes.len(), (64 - number.leading_zeros()).div_ceil(7).max(1) as usize);
            bytes.extend(&after);
            let mut rest = &bytes[..];
            prop_assert_eq!(take(&mut rest), Some(number));
            prop_assert_eq!(rest, &after[..]);
        }

        /// One value, one encoding.
        #[test]
        fn what_is_read_is_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut rest = &bytes[..];
            if let Some(number) = take(&mut rest) {
                let mut again = Vec::new();
                put(&mut again, number);
                prop_assert_eq!(&bytes[..bytes.len() - rest.len()], &again[..]);
            }
        }
    }

    #[test]
    fn no_number_is_larger_than_64_bits() {
        let mut most = vec![0xFF; 9];
        most.push(1);
        assert_eq!(take(&mut &most[..]), Some(u64::MAX));
        most[9] = 2;
        assert_eq!(take(&mut &most[..]), None);
        assert_eq!(take(&mut &[0xFF; 12][..]), None);
        // The tenth byte is the last, and must say so.
        for tenth in [0x80, 0x81] {
            most[9] = tenth;
            let more = [&most[..], &[0, 1]].concat();
            assert_eq!(take(&mut &more[..]), None);
        }
        assert_eq!(take(&mut &[0x80][..]), None);
    }
}
