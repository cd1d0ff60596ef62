//! The requests for many targets.

use bytes::{Bytes, BytesMut};
use http::Request;
use http::request::Parts;
use reveille_payload::TooLarge;

use super::Prepared;
use super::prepared::TAIL;
use crate::target::Target;

/// Bodies are cut from buffers of this size.
const CHUNK: usize = 64 * 1024;

/// The requests of [`Prepared::fan_out`], one for each target: an iterator, so that no more than one request is in
/// memory at a time.
pub struct FanOut<'a, I> {
    prepared: &'a Prepared,
    template: Parts,
    /// The kind of the last target, and what stands in front of one of that kind.
    label: &'static str,
    start: Vec<u8>,
    buffer: BytesMut,
    targets: I,
}

impl<'a, I> FanOut<'a, I> {
    pub(super) fn new(prepared: &'a Prepared, template: Parts, targets: I) -> Self {
        Self { prepared, template, label: "", start: Vec::new(), buffer: BytesMut::new(), targets }
    }
}

impl<'a, I: Iterator<Item = &'a Target>> Iterator for FanOut<'a, I> {
    type Item = Result<Request<Bytes>, TooLarge>;

    fn next(&mut self) -> Option<Self::Item> {
        let target = self.targets.next()?;
        if let Err(too_large) = self.prepared.check(target) {
            return Some(Err(too_large));
        }
        let (label, value) = target.member();
        if self.label != label {
            (self.label, self.start) = (label, self.prepared.start(label, 0));
        }
        let length = self.start.len() + value.len() + TAIL.len();
        // The old buffer again if all its bodies are gone, else a new one.
        if self.buffer.capacity() < length && !self.buffer.try_reclaim(length) {
            self.buffer = BytesMut::with_capacity(length.max(CHUNK));
        }
        self.buffer.extend_from_slice(&self.start);
        self.buffer.extend_from_slice(value.as_bytes());
        self.buffer.extend_from_slice(TAIL);
        Some(Ok(Request::from_parts(self.template.clone(), self.buffer.split().freeze())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.targets.size_hint()
    }
}

impl<I> std::fmt::Debug for FanOut<'_, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FanOut").field("prepared", &self.prepared).finish_non_exhaustive()
    }
}
