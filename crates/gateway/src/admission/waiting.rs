//! Inputs on their way into a group, and their bytes: one piece of memory for all, since each input is written into a log
//! once, as it was encoded when it came.

use std::collections::VecDeque;

use super::Ticket;
use crate::{Gateway, Input};

/// Memory that is kept for bytes although nothing waits.
pub(super) const ROOM: usize = 64 << 10;
/// What no source waits for.
pub(crate) const NO_TICKET: Ticket = Ticket(0);

#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) input: Input,
    /// How many bytes it is, encoded.
    pub(crate) size: usize,
    pub(crate) ticket: Ticket,
    pub(super) counted: Counted,
    /// It is for an audience: it lets others pass.
    pub(crate) low: bool,
}

/// Where an input counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// Nowhere: the machine has asked for it, or the driver needs it to go on.
    No,
    /// In all that waits.
    InAll,
    /// Also for its conversation, by the keyed hash of that.
    For(u64),
}

impl Counted {
    pub(super) fn of(input: &Input, gateway: &Gateway) -> Self {
        match input {
            Input::Event { event, .. } => Self::For(gateway.hash_of(&event.conversation)),
            Input::Announce { announcement, .. } => Self::For(gateway.hash_of(&announcement.conversation)),
            Input::Person(_)
            | Input::Queue(_)
            | Input::DropDevice(_)
            | Input::Resume(_)
            | Input::Rules(_)
            | Input::Settings(_)
            | Input::Command(_) => Self::InAll,
            Input::Tick
            | Input::Page(_)
            | Input::Answer(_)
            | Input::Devices(_)
            | Input::Attempt { .. }
            | Input::Outcome(_)
            | Input::Deferred(_)
            | Input::Recovered(_)
            | Input::ClockStep { .. }
            | Input::Owner(_) => Self::No,
        }
    }
}

impl Waiting {
    /// A tick, a step of the clock: a group has it from no queue.
    pub(super) fn came_by_itself(&self) -> bool {
        !self.low && self.ticket == NO_TICKET
    }

    pub(super) fn hurries(&self) -> bool {
        !self.low && self.input.is_urgent()
    }
}

/// What comes out of a log, or from the group itself.
impl From<Input> for Waiting {
    fn from(input: Input) -> Self {
        Self { input, size: 0, ticket: NO_TICKET, counted: Counted::No, low: false }
    }
}

/// Inputs in their order. Their bytes are those of a group: before each one stands its length.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    bytes: Vec<u8>,
    /// Bytes in front that are taken.
    taken: usize,
}

impl Queue {
    pub(super) const fn new() -> Self {
        Self { waiting: VecDeque::new(), bytes: Vec::new(), taken: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn front(&self) -> Option<&Waiting> {
        self.waiting.front()
    }

    pub(super) fn push_back(&mut self, waiting: Waiting, encoded: &[u8]) {
        self.bytes.extend(length(encoded.len()));
        self.bytes.extend_from_slice(encoded);
        self.waiting.push_back(waiting);
    }

    /// With the bytes that [`pop_front`](Self::pop_front) gave.
    pub(super) fn push_front(&mut self, waiting: Waiting, bytes: &[u8]) {
        self.bytes.splice(..self.taken, bytes.iter().copied());
        self.taken = 0;
        self.waiting.push_front(waiting);
    }

    pub(super) fn pop_front(&mut self, bytes: &mut Vec<u8>) -> Option<Waiting> {
        let waiting = self.waiting.pop_front()?;
        let end = self.taken.saturating_add(framed(waiting.size)).min(self.bytes.len());
        bytes.extend_from_slice(self.bytes.get(self.taken..end).unwrap_or_default());
        self.taken = end;
        // What is left moves to the front when it is less than what is gone: each byte moves once at most.
        if self.taken.saturating_mul(2) > self.bytes.len() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
            if self.bytes.is_empty() && self.bytes.capacity() > ROOM {
                self.bytes = Vec::new();
            }
        }
        Some(waiting)
    }
}

/// How many bytes an input takes in a group.
pub(super) const fn framed(size: usize) -> usize {
    let bits = usize::BITS - (size | 1).leading_zeros();
    size.saturating_add(bits.div_ceil(7) as usize)
}

/// A length as LEB128.
fn length(size: usize) -> impl Iterator<Item = u8> {
    let digits = std::iter::successors(Some(size), |rest| Some(rest >> 7).filter(|rest| *rest > 0));
    digits.map(|rest| if rest < 0x80 { rest as u8 } else { rest as u8 | 0x80 })
}

/// What a group holds.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) inputs: Vec<Waiting>,
    /// What is to be written, to be begun by whoever makes the group.
    pub(crate) bytes: Vec<u8>,
    /// The highest ticket.
    pub(crate) ticket: Ticket,
}

impl Taken {
    pub(crate) const fn new() -> Self {
        Self { inputs: Vec::new(), bytes: Vec::new(), ticket: NO_TICKET }
    }

    /// What a group holds that was dropped before it was committed, without what came from no queue, behind another head.
    pub(crate) fn begin_again(&mut self, head: &[u8]) {
        let old = std::mem::take(&mut self.bytes);
        let mut rest = old.get(head.len()..).unwrap_or_default();
        self.bytes.extend_from_slice(head);
        self.inputs.retain(|waiting| {
            let (own, behind) = rest.split_at_checked(framed(waiting.size)).unwrap_or((rest, &[]));
            rest = behind;
            let stays = !waiting.came_by_itself();
            self.bytes.extend_from_slice(if stays { own } else { &[] });
            stays
        });
        if self.inputs.is_empty() {
            self.bytes.clear();
        }
    }

    /// Takes out what a log has of it: these inputs in the order of its own, the first of them in front. Their bytes begin at
    /// `head`. The ticket stays: what is in the log can be acknowledged.
    pub(crate) fn forget<'a>(&mut self, head: usize, mut written: impl Iterator<Item = &'a [u8]>) {
        let mut rest = self.bytes.get(head..).unwrap_or_default();
        let mut known = 0;
        for waiting in &self.inputs {
            let (own, behind) = rest.split_at_checked(framed(waiting.size)).unwrap_or((rest, &[]));
            if !written.any(|other| other == own) {
                break;
            }
            (known, rest) = (known + 1, behind);
        }
        let end = self.bytes.len().saturating_sub(rest.len());
        if known > 0 {
            self.inputs.drain(..known);
            self.bytes.drain(head.min(end)..end);
        }
    }

    /// Moves an input to an earlier place, with its bytes; those of the first one begin at `head`.
    pub(crate) fn move_up(&mut self, from: usize, to: usize, head: usize) {
        let begin = |place: usize| {
            let before = self.inputs.iter().take(place);
            before.fold(head, |at, waiting| at.saturating_add(framed(waiting.size)))
        };
        let (first, own, end) = (begin(to), begin(from), begin(from.saturating_add(1)));
        if let (Some(bytes), Some(inputs)) = (self.bytes.get_mut(first..end), self.inputs.get_mut(to..=from))
        {
            bytes.rotate_right(end.saturating_sub(own));
            inputs.rotate_right(1);
        }
    }

    /// Adds what came from no queue, in front of the input at a place whose bytes begin there.
    pub(crate) fn insert(&mut self, place: usize, at: usize, input: Input) {
        let mut encoded = Vec::new();
        input.encode(&mut encoded);
        let size = encoded.len();
        encoded.splice(..0, length(size));
        self.bytes.splice(at..at, encoded);
        self.inputs.insert(place, Waiting { size, ..Waiting::from(input) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Op {
        /// So many bytes come.
        Push(usize),
        Pop,
        /// What was taken last was not committed.
        PutBack,
    }

    fn op() -> impl Strategy<Value = Op> {
        // Lengths of one, two and three digits.
        let size = prop_oneof![4 => 1..200_usize, 1 => 16_380..16_390_usize];
        prop_oneof![3 => size.prop_map(Op::Push), 3 => Just(Op::Pop), 1 => Just(Op::PutBack)]
    }

    proptest! {
        /// Beside a list in which each input has its own bytes.
        #[test]
        fn each_has_its_bytes(ops in prop::collection::vec(op(), 0..120)) {
            let (mut queue, mut model) = (Queue::new(), VecDeque::new());
            let mut taken = Vec::new();
            for (number, op) in (1..).zip(ops) {
                match op {
                    Op::Push(size) => {
                        let encoded = vec![number as u8; size];
                        let waiting = Waiting { size, ticket: Ticket(number), ..Waiting::from(Input::Tick) };
                        queue.push_back(waiting, &encoded);
                        model.push_back((Ticket(number), encoded));
                    }
                    Op::Pop => {
                        let mut bytes = vec![7];
                        let waiting = queue.pop_front(&mut bytes);
                        prop_assert_eq!(waiting.is_some(), !model.is_empty());
                        let (Some(waiting), Some((ticket, encoded))) = (waiting, model.pop_front()) else { continue };
                        prop_assert_eq!(waiting.ticket, ticket);
                        let framed: Vec<u8> = length(encoded.len()).chain(encoded.iter().copied()).collect();
                        prop_assert_eq!(framed.len(), super::framed(encoded.len()));
                        prop_assert_eq!(&bytes[1..], &framed);
                        taken.push((waiting, framed, encoded));
                    }
                    Op::PutBack => {
                        let Some((waiting, framed, encoded)) = taken.pop() else { continue };
                        model.push_front((waiting.ticket, encoded));
                        queue.push_front(waiting, &framed);
                    }
                }
                prop_assert_eq!(queue.len(), model.len());
            }
        }
    }
}
