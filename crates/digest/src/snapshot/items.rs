//! Events that are kept. There are more of them than of anything else, so their numbers have as few bytes as they need; how
//! many those are stands in front, so that no byte has to be asked whether it is the last.
//!
//! ```text
//! has, and the width of `bytes` << 4 | width of `seq`, of `actor` << 4 | width of `at` | id | seq | actor | at | bytes
//!                                  | kind, class, if HAS_SORT | useful until, rank, if HAS_RARE | payload, if HAS_PAYLOAD
//! ```

use reveille_core::UnixTime;

use super::Codec;
use crate::store::items::Node;
use crate::time::NEVER;
use crate::{EventId, Item};

/// The least size of an event: three widths and the id.
const LEAST: usize = 3 + 16;
/// What one takes, more or less.
pub(super) const TYPICAL: usize = 32;
/// The most before what is rare, and room for a whole word behind it.
const MOST: usize = LEAST + 3 * 8 + 4 + 8;
/// What few events have: a time until which they are of use, or a rank.
const HAS_RARE: u8 = 1;
const HAS_PAYLOAD: u8 = 2;
/// A kind or a class.
const HAS_SORT: u8 = 4;
const HAS: u8 = HAS_RARE | HAS_PAYLOAD | HAS_SORT;

pub(super) fn write_items<T: Codec>(items: &[Item<T>], out: &mut Vec<u8>) {
    (items.len() as u64).encode(out);
    for item in items {
        write_node(&Node::of(item), item.payload.as_ref(), out);
    }
}

#[inline(always)]
pub(super) fn write_node<T: Codec>(node: &Node, payload: Option<&T>, out: &mut Vec<u8>) {
    let rare = node.useful_until != NEVER || node.rank != 0;
    let sort = node.kind != 0 || node.class != 0;
    let has =
        u8::from(rare) * HAS_RARE + u8::from(payload.is_some()) * HAS_PAYLOAD + u8::from(sort) * HAS_SORT;
    let widths = [node.bytes.into(), node.seq, node.actor, node.at].map(width);
    let [bytes, seq, actor, at] = widths;
    let start = out.len();
    // Room that is written over, and cut off where it is not: so each number goes to its place in one piece.
    out.extend_from_slice(&[0; MOST]);
    let mut len = LEAST;
    if let Some(all) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<MOST>) {
        let [first, second, third, id @ ..] = all;
        (*first, *second, *third) = (has | (bytes as u8) << 4, seq as u8 | (actor as u8) << 4, at as u8);
        if let Some(place) = id.first_chunk_mut() {
            *place = node.id.to_le_bytes();
        }
        for (number, width) in
            [(node.seq, seq), (node.actor, actor), (node.at, at), (node.bytes.into(), bytes)]
        {
            if let Some(place) = all.get_mut(len..).and_then(<[u8]>::first_chunk_mut) {
                *place = number.to_le_bytes();
            }
            len += width;
        }
    }
    out.truncate(start + len);
    if sort {
        out.extend_from_slice(&node.kind.to_le_bytes());
        out.push(node.class);
    }
    if rare {
        out.extend_from_slice(&node.useful_until.to_le_bytes());
        out.extend_from_slice(&node.rank.to_le_bytes());
    }
    if let Some(payload) = payload {
        payload.encode(out);
    }
}

/// How many bytes a number needs; none for zero.
const fn width(number: u64) -> usize {
    (u64::BITS - number.leading_zeros()).div_ceil(8) as usize
}

pub(super) fn read_items<T: Codec>(bytes: &mut &[u8]) -> Option<Vec<Item<T>>> {
    let len = usize::try_from(u64::decode(bytes)?).ok()?;
    if len > bytes.len() / LEAST {
        return None;
    }
    (0..len).map(|_| read_item(bytes)).collect()
}

fn read_item<T: Codec>(bytes: &mut &[u8]) -> Option<Item<T>> {
    let [first, second, at] = fixed(bytes)?;
    let (has, id) = (first & 0xF, EventId(u128::from_le_bytes(fixed(bytes)?)));
    let mut number = |width: u8| {
        let (front, rest) = bytes.split_at_checked(usize::from(width))?;
        *bytes = rest;
        let mut word = [0; 8];
        word.get_mut(..front.len())?.copy_from_slice(front);
        // One way to write a number.
        (front.last() != Some(&0)).then_some(u64::from_le_bytes(word))
    };
    let (seq, actor) = (number(second & 0xF)?, number(second >> 4)?);
    let (at, size) = (number(at)?, u32::try_from(number(first >> 4)?).ok()?);
    let (mut kind, mut class, mut useful_until, mut rank) = (0, 0, NEVER, 0);
    if has & HAS_SORT != 0 {
        (kind, [class]) = (u16::from_le_bytes(fixed(bytes)?), fixed(bytes)?);
    }
    if has & HAS_RARE != 0 {
        (useful_until, rank) = (u64::from_le_bytes(fixed(bytes)?), u32::from_le_bytes(fixed(bytes)?));
    }
    // One way to write an event.
    let (rare, sort) = (useful_until != NEVER || rank != 0, kind != 0 || class != 0);
    if has & !HAS != 0 || rare != (has & HAS_RARE != 0) || sort != (has & HAS_SORT != 0) {
        return None;
    }
    let payload = if has & HAS_PAYLOAD != 0 { Some(T::decode(bytes)?) } else { None };
    let (at, useful_until) = (UnixTime::from_millis(at), UnixTime::from_millis(useful_until));
    Some(Item { id, seq, actor, at, useful_until, kind, class, rank, bytes: size, payload })
}

/// So many bytes from the front.
pub(super) fn fixed<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (front, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*front)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items() -> impl Strategy<Value = Item<String>> {
        let small = || prop_oneof![Just(0), Just(NEVER), 0_u64..300, any::<u64>()];
        let numbers = (any::<u128>(), small(), small(), small(), small());
        (numbers, small(), 0_u16..3, 0_u8..3, 0_u32..3, proptest::option::of("[a-z]{0,9}")).prop_map(
            |((id, seq, actor, at, useful_until), bytes, kind, class, rank, payload)| {
                let (at, useful_until) = (UnixTime::from_millis(at), UnixTime::from_millis(useful_until));
                let bytes = bytes as u32;
                Item { id: EventId(id), seq, actor, at, useful_until, kind, class, rank, bytes, payload }
            },
        )
    }

    proptest! {
        #[test]
        fn events_come_back_and_have_one_form(events in proptest::collection::vec(items(), 0..9), place: usize, bit in 0..8_u32) {
            let mut bytes = Vec::new();
            write_items(&events, &mut bytes);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(read_items(&mut rest), Some(events));
            prop_assert!(rest.is_empty());
            // Whatever else can be read is written as it was.
            let place = place % bytes.len();
            bytes[place] ^= 1_u8 << bit;
            let mut rest = bytes.as_slice();
            if let Some(other) = read_items::<String>(&mut rest) {
                let mut again = Vec::new();
                write_items(&other, &mut again);
                prop_assert_eq!(again.as_slice(), &bytes[..bytes.len() - rest.len()]);
            }
        }
    }

    #[test]
    fn the_widest_event_fits() {
        let (id, at) = (EventId(u128::MAX), UnixTime::MAX);
        let (seq, actor, kind, class, rank, bytes) =
            (u64::MAX, u64::MAX, u16::MAX, u8::MAX, u32::MAX, u32::MAX);
        let item = Item {
            id,
            seq,
            actor,
            at,
            useful_until: UnixTime::from_millis(1),
            kind,
            class,
            rank,
            bytes,
            payload: Some(7_u8),
        };
        let mut written = Vec::new();
        write_items(std::slice::from_ref(&item), &mut written);
        assert_eq!(written.len(), 1 + LEAST + 3 * 8 + 4 + 3 + 12 + 1);
        assert_eq!(read_items(&mut written.as_slice()), Some(vec![item]));
    }
}
