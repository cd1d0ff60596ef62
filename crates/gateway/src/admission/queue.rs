//! What comes in waits here, bounded, until it is in a group. Whatever is to be refused is refused here, before the log.

use std::collections::{BTreeMap, VecDeque};

use reveille_conversation::id::ConversationId;

use super::{Bound, Refused, Ticket};
use crate::{AdmissionLimits, Gateway, Input};

/// The queue before a shard's log, with credits in number and bytes, in all and for each conversation.
///
/// Events are refused over a bound. What answers the machine's own outputs never is: there are no more of these than the
/// machine has asked for.
///
/// ```
/// use reveille_conversation::event::{Event, What};
/// use reveille_core::UnixTime;
/// use reveille_gateway::{Admission, AdmissionLimits, Gateway, GatewaySettings, Input, Seed, SourceId};
///
/// let gateway = Gateway::new(Default::default(), GatewaySettings::default(), Seed::new([7; 16]))?;
/// let mut admission = Admission::new(AdmissionLimits { events_of_one: 1, ..AdmissionLimits::default() });
/// let event = || Event::new("c1".parse().unwrap(), What::CallbackReady, UnixTime::from_secs(5));
/// let input = || Input::Event { source: SourceId(0), event: event().into() };
/// admission.admit(input(), &gateway)?;
/// let refused = admission.admit(input(), &gateway).unwrap_err();
/// assert_eq!(refused.to_string(), "the bound events_of_one is reached: 1 wait, at most 1 may");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    queue: VecDeque<Waiting>,
    events: usize,
    bytes: usize,
    by_conversation: BTreeMap<ConversationId, (usize, usize)>,
    next: u64,
    urgent: usize,
}

#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) input: Input,
    pub(crate) encoded: Vec<u8>,
    pub(crate) ticket: Ticket,
}

impl Admission {
    /// Makes an empty queue with these limits.
    #[must_use]
    pub const fn new(limits: AdmissionLimits) -> Self {
        Self {
            limits,
            queue: VecDeque::new(),
            events: 0,
            bytes: 0,
            by_conversation: BTreeMap::new(),
            next: 1,
            urgent: 0,
        }
    }

    /// Takes an input in, to be put into the next group. Its source is acknowledged when that is committed.
    ///
    /// # Errors
    /// [`Refused`], for events only.
    pub fn admit(&mut self, input: Input, gateway: &Gateway) -> Result<Ticket, Refused> {
        let mut encoded = Vec::new();
        input.encode(&mut encoded);
        if let Some(conversation) = input.conversation() {
            self.check(conversation, encoded.len(), gateway)?;
        }
        let ticket = Ticket(self.next);
        self.next = self.next.saturating_add(1);
        let waiting = Waiting { input, encoded, ticket };
        self.count(&waiting);
        self.queue.push_back(waiting);
        Ok(ticket)
    }

    fn check(&self, conversation: &ConversationId, size: usize, gateway: &Gateway) -> Result<(), Refused> {
        let (of_one, bytes_of_one) = self.by_conversation.get(conversation).copied().unwrap_or_default();
        let limits = &self.limits;
        let bounds = [
            (Bound::Events, self.events, 1, limits.events),
            (Bound::Bytes, self.bytes, size, limits.bytes),
            (Bound::EventsOfOne, of_one, 1, limits.events_of_one),
            (Bound::BytesOfOne, bytes_of_one, size, limits.bytes_of_one),
        ];
        for (bound, waiting, more, most) in bounds {
            if waiting.saturating_add(more) > most {
                return Err(Refused { bound, waiting: waiting as u64, most: most as u64 });
            }
        }
        let most = u64::from(gateway.settings().more.jobs);
        gateway.room().map_err(|_| Refused { bound: Bound::Jobs, waiting: gateway.open_jobs(), most })
    }

    fn count(&mut self, waiting: &Waiting) {
        self.urgent += usize::from(waiting.input.is_urgent());
        let Some(conversation) = waiting.input.conversation() else { return };
        let size = waiting.encoded.len();
        (self.events, self.bytes) = (self.events.saturating_add(1), self.bytes.saturating_add(size));
        let (events, bytes) = self.by_conversation.entry(conversation.clone()).or_default();
        (*events, *bytes) = (events.saturating_add(1), bytes.saturating_add(size));
    }

    /// Takes what fits into one group, the oldest first.
    pub(crate) fn take(&mut self) -> Vec<Waiting> {
        let (mut taken, mut bytes) = (Vec::new(), 0_usize);
        while let Some(next) = self.queue.front() {
            bytes = bytes.saturating_add(next.encoded.len());
            let full = taken.len() >= self.limits.group.max(1) || bytes > self.limits.group_bytes;
            if full && !taken.is_empty() {
                break;
            }
            let Some(waiting) = self.queue.pop_front() else { break };
            self.give_back(&waiting);
            taken.push(waiting);
        }
        taken
    }

    fn give_back(&mut self, waiting: &Waiting) {
        self.urgent = self.urgent.saturating_sub(usize::from(waiting.input.is_urgent()));
        let Some(conversation) = waiting.input.conversation() else { return };
        let size = waiting.encoded.len();
        (self.events, self.bytes) = (self.events.saturating_sub(1), self.bytes.saturating_sub(size));
        let Some((events, bytes)) = self.by_conversation.get_mut(conversation) else { return };
        (*events, *bytes) = (events.saturating_sub(1), bytes.saturating_sub(size));
        if *events == 0 {
            self.by_conversation.remove(conversation);
        }
    }

    /// Puts back what was not committed, in front.
    pub(crate) fn put_back(&mut self, inputs: Vec<Waiting>) {
        for waiting in inputs.into_iter().rev() {
            self.count(&waiting);
            self.queue.push_front(waiting);
        }
    }

    /// How many inputs wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Returns whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether something waits that must not wait for others: close the group now.
    #[must_use]
    pub const fn hurries(&self) -> bool {
        self.urgent > 0
    }
}
