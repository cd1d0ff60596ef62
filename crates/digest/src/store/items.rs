//! Pending events that are kept, of all keys: written one behind the other, as they come, each with the number of the one
//! before it of its key. So an event that joins its key's others touches no memory of theirs.

use reveille_core::UnixTime;

use crate::batch::Select;
use crate::sums::Sums;
use crate::{EventId, Item};

const CHUNK_BITS: u32 = 12;
const CHUNK: usize = 1 << CHUNK_BITS;
/// The number of no event.
pub(crate) const NONE: u32 = u32::MAX;

/// All but the payload: one cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Node {
    pub(crate) id: u128,
    pub(crate) seq: u64,
    pub(crate) actor: u64,
    pub(crate) at: u64,
    pub(crate) useful_until: u64,
    pub(crate) rank: u32,
    pub(crate) bytes: u32,
    /// The one before it of the same key.
    before: u32,
    pub(crate) kind: u16,
    pub(crate) class: u8,
    /// It was taken out of a large list, and is passed over.
    gone: bool,
}

pub(crate) struct Items<T> {
    chunks: Vec<Chunk<T>>,
    /// Numbers to use again, the next one last. Not a list in the nodes: those would have to be waited for.
    free: Vec<u32>,
    made: u32,
}

/// So many events, and their payloads; always as many of the one as of the other.
struct Chunk<T> {
    nodes: Vec<Node>,
    payloads: Vec<Option<T>>,
}

const fn place(number: u32) -> (usize, usize) {
    ((number >> CHUNK_BITS) as usize, number as usize & (CHUNK - 1))
}

impl<T> Items<T> {
    pub(crate) const fn new() -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), made: 0 }
    }

    /// Whether another event can be added.
    #[inline(always)]
    pub(crate) const fn has_room(&self) -> bool {
        self.made < NONE || !self.free.is_empty()
    }

    /// Adds an event behind that number, and gives its own. There must be room.
    #[inline(always)]
    pub(crate) fn push(&mut self, item: Item<T>, before: u32) -> u32 {
        let node = Node { before, ..Node::of(&item) };
        let payload = item.payload;
        if let Some(number) = self.free.pop() {
            if let Some((old, old_payload)) = self.both_mut(number) {
                (*old, *old_payload) = (node, payload);
            }
            return number;
        }
        let (number, (chunk, _)) = (self.made, place(self.made));
        if self.chunks.len() <= chunk {
            self.grow();
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.nodes.push(node);
            chunk.payloads.push(payload);
        }
        self.made += 1;
        number
    }

    #[cold]
    fn grow(&mut self) {
        // The first chunk grows as needed, so that a small engine is small.
        let capacity = if self.chunks.is_empty() { 0 } else { CHUNK };
        let (nodes, payloads) = (Vec::with_capacity(capacity), Vec::with_capacity(capacity));
        self.chunks.push(Chunk { nodes, payloads });
    }

    #[inline(always)]
    pub(crate) fn node(&self, number: u32) -> Option<&Node> {
        let (chunk, place) = place(number);
        self.chunks.get(chunk)?.nodes.get(place)
    }

    /// An event and its payload.
    #[inline(always)]
    fn both(&self, number: u32) -> Option<(&Node, Option<&T>)> {
        let (chunk, place) = place(number);
        let chunk = self.chunks.get(chunk)?;
        Some((chunk.nodes.get(place)?, chunk.payloads.get(place)?.as_ref()))
    }

    #[inline(always)]
    fn both_mut(&mut self, number: u32) -> Option<(&mut Node, &mut Option<T>)> {
        let (chunk, place) = place(number);
        let chunk = self.chunks.get_mut(chunk)?;
        Some((chunk.nodes.get_mut(place)?, chunk.payloads.get_mut(place)?))
    }

    /// The number of the event before that one, and whether that one has a payload: reading both ahead of time brings both
    /// halves of the event into the cache.
    #[inline(always)]
    pub(crate) fn before(&self, number: u32) -> (u32, bool) {
        self.both(number).map_or((NONE, false), |(node, payload)| (node.before, payload.is_some()))
    }

    /// An event and those before it, with their numbers and payloads, the newest first.
    pub(crate) fn back_from(&self, last: u32) -> impl Iterator<Item = (u32, &Node, Option<&T>)> {
        let step = |number: u32| self.both(number).map(|(node, payload)| (number, node, payload));
        let all = std::iter::successors(step(last), move |(_, node, _)| step(node.before));
        all.filter(|(_, node, _)| !node.gone)
    }

    /// For a step of the clock.
    pub(crate) fn each_time(&mut self, last: u32, mut change: impl FnMut(&mut u64)) {
        let mut number = last;
        while let Some((node, _)) = self.both_mut(number) {
            change(&mut node.at);
            number = node.before;
        }
    }

    /// Takes an event and those before it out, `count` in all; they come oldest first.
    pub(crate) fn take(&mut self, last: u32, count: usize) -> Vec<Item<T>> {
        let mut items = Vec::with_capacity(count);
        let mut number = last;
        while let Some((node, payload)) = self.both_mut(number) {
            if !node.gone {
                items.push(node.item(payload.take()));
            }
            let before = node.before;
            self.free.push(number);
            number = before;
        }
        items.reverse();
        items
    }

    /// Takes those out of an event and those before it that `select` names, and hands each of the others to `stays`; the
    /// newest first. Gives the number of the last that stays.
    pub(crate) fn take_some(
        &mut self,
        last: u32,
        select: impl Fn(&Node) -> bool,
        mut goes: impl FnMut(&Node),
        mut stays: impl FnMut(&Node),
    ) -> u32 {
        let (mut first_kept, mut behind, mut number, mut linked) = (NONE, NONE, last, true);
        while let Some((node, payload)) = self.both_mut(number) {
            let before = node.before;
            if node.gone || select(node) {
                if !node.gone {
                    goes(node);
                }
                *payload = None;
                self.free.push(number);
                linked = false;
            } else {
                stays(node);
                if first_kept == NONE {
                    first_kept = number;
                }
                if !linked {
                    self.link(behind, number);
                }
                (behind, linked) = (number, true);
            }
            number = before;
        }
        self.link(behind, NONE);
        first_kept
    }

    /// Takes one out of the middle: it stays in its place, and is passed over from now on.
    pub(crate) fn leave_out(&mut self, number: u32) -> Option<Node> {
        let (node, payload) = self.both_mut(number)?;
        (node.gone, *payload) = (true, None);
        Some(*node)
    }

    /// Gives back what was taken out at the newest end of a list. Returns the number of the last that stays, and how many
    /// these were.
    pub(crate) fn cut_gone(&mut self, last: u32) -> (u32, u32) {
        let (mut number, mut gone) = (last, 0);
        while let Some(before) = self.node(number).filter(|node| node.gone).map(|node| node.before) {
            self.free.push(number);
            (number, gone) = (before, gone + 1);
        }
        (number, gone)
    }

    fn link(&mut self, number: u32, before: u32) {
        if let Some((node, _)) = self.both_mut(number)
            && node.before != before
        {
            node.before = before;
        }
    }

    /// Bytes that are held, without what payloads hold themselves.
    pub(crate) fn memory(&self) -> usize {
        let nodes: usize = self.chunks.iter().map(|chunk| chunk.nodes.capacity()).sum();
        let payloads: usize = self.chunks.iter().map(|chunk| chunk.payloads.capacity()).sum();
        let lists = self.chunks.capacity() * size_of::<Chunk<T>>();
        nodes * size_of::<Node>()
            + payloads * size_of::<Option<T>>()
            + lists
            + self.free.capacity() * size_of::<u32>()
    }

    /// Gives all memory back, if nothing is kept.
    pub(crate) fn shrink(&mut self) {
        if self.free.len() == self.made as usize {
            *self = Self::new();
        }
    }
}

impl Node {
    #[inline(always)]
    pub(crate) fn of<T>(item: &Item<T>) -> Self {
        let Item { id, seq, actor, at, useful_until, kind, class, rank, bytes, payload: _ } = *item;
        let (id, at, useful_until) = (id.0, at.as_millis(), useful_until.as_millis());
        Self { id, seq, actor, at, useful_until, rank, bytes, before: NONE, kind, class, gone: false }
    }

    pub(crate) fn is_of(&self, select: Select) -> bool {
        select.takes_one(EventId(self.id), self.kind, self.seq, self.at, self.useful_until)
    }

    #[inline(always)]
    pub(crate) fn add_to(&self, sums: &mut Sums) {
        sums.add(self.at, self.bytes, self.seq, self.class);
    }

    fn item<T>(&self, payload: Option<T>) -> Item<T> {
        let Self { id, seq, actor, at, useful_until, rank, bytes, before: _, kind, class, gone: _ } = *self;
        let (at, useful_until) = (UnixTime::from_millis(at), UnixTime::from_millis(useful_until));
        Item { id: EventId(id), seq, actor, at, useful_until, kind, class, rank, bytes, payload }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Plain};
    use proptest::prelude::*;

    #[test]
    fn a_node_is_a_cache_line() {
        assert_eq!((size_of::<Node>(), align_of::<Node>()), (64, 64));
    }

    proptest! {
        #[test]
        fn behaves_like_lists(ops in proptest::collection::vec((0usize..5, 0u32..8), 0..400)) {
            let mut items = Items::new();
            let (mut lists, mut lasts) = (vec![Vec::<Item<String>>::new(); 5], [NONE; 5]);
            for (n, (list, op)) in ops.into_iter().enumerate() {
                if op == 1 && !lists[list].is_empty() {
                    let place = n % lists[list].len();
                    let (number, ..) = items.back_from(lasts[list]).nth(lists[list].len() - 1 - place).unwrap();
                    let left = items.leave_out(number).unwrap();
                    prop_assert_eq!(EventId(left.id), lists[list].remove(place).id);
                } else if op == 2 {
                    // Those left out go, and so does every second of the others.
                    let mut gone = Vec::new();
                    let even = |node: &Node| node.id & 1 == 0;
                    let kept = items.take_some(lasts[list], even, |node| gone.push(EventId(node.id)), |_| ());
                    lasts[list] = kept;
                    let (out, stay): (Vec<_>, _) = lists[list].drain(..).partition(|item| item.id.0 & 1 == 0);
                    lists[list] = stay;
                    prop_assert!(out.iter().rev().map(|item| item.id).eq(gone));
                } else if op > 0 {
                    let event = Event::<Plain<u8, String>>::new(0, EventId(n as u128), n.to_string());
                    let (_, item) = event.with_seq(7).with_kind(3).into_item(n as u64);
                    lists[list].push(item.clone());
                    lasts[list] = items.push(item, lasts[list]);
                } else {
                    let expected = std::mem::take(&mut lists[list]);
                    prop_assert_eq!(items.take(lasts[list], expected.len()), expected);
                    lasts[list] = NONE;
                }
                for (list, last) in lists.iter().zip(lasts) {
                    let ids: Vec<_> = items.back_from(last).map(|(_, node, _)| EventId(node.id)).collect();
                    prop_assert!(list.iter().rev().map(|item| item.id).eq(ids));
                    let texts: Vec<_> = items.back_from(last).map(|(.., payload)| payload.cloned()).collect();
                    prop_assert!(list.iter().rev().map(|item| item.payload.clone()).eq(texts));
                }
            }
            for last in lasts {
                items.take(last, 0);
            }
            items.shrink();
            prop_assert_eq!((items.made, items.chunks.len()), (0, 0));
        }
    }
}
