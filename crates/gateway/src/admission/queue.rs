//! What comes in waits here, bounded, until it is in a group. Whatever is to be refused is refused here, before the log.

use std::collections::{BTreeMap, VecDeque};

use reveille_conversation::event::What;
use reveille_conversation::id::ConversationId;

use super::{Bound, Refused, Ticket};
use crate::{AdmissionLimits, Gateway, Input};

/// After so many groups without it, a group takes some of what is for audiences in any case.
const LOW_TURN: u32 = 15;

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
    /// What is for audiences, behind everything else.
    low: VecDeque<Waiting>,
    /// Groups that left without any of it.
    passed: u32,
    announcements: usize,
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
    /// It is for an audience: it lets others pass.
    pub(crate) low: bool,
}

impl Waiting {
    fn hurries(&self) -> bool {
        !self.low && self.input.is_urgent()
    }
}

impl Admission {
    /// Makes an empty queue with these limits.
    #[must_use]
    pub const fn new(limits: AdmissionLimits) -> Self {
        Self {
            limits,
            queue: VecDeque::new(),
            low: VecDeque::new(),
            passed: 0,
            announcements: 0,
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
        if let Input::Event { event, .. } = &input
            && matches!(event.what, What::MessageSent(_))
        {
            let (waiting, most) = gateway.collecting();
            if waiting >= most {
                return Err(Refused { bound: Bound::Collecting, waiting, most });
            }
        }
        if let Input::Announce { .. } = input {
            let waiting = gateway.announcements().saturating_add(self.announcements);
            let most = usize::from(gateway.settings().more.announcements);
            if waiting >= most {
                let (waiting, most) = (waiting as u64, most as u64);
                return Err(Refused { bound: Bound::Announcements, waiting, most });
            }
        }
        let ticket = Ticket(self.next);
        self.next = self.next.saturating_add(1);
        let low = gateway.is_for_an_audience(&input);
        let waiting = Waiting { input, encoded, ticket, low };
        self.count(&waiting);
        if low {
            self.low.push_back(waiting);
        } else {
            self.queue.push_back(waiting);
        }
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
        self.urgent += usize::from(waiting.hurries());
        self.announcements += usize::from(matches!(waiting.input, Input::Announce { .. }));
        let Some(conversation) = waiting.input.conversation() else { return };
        let size = waiting.encoded.len();
        (self.events, self.bytes) = (self.events.saturating_add(1), self.bytes.saturating_add(size));
        let (events, bytes) = self.by_conversation.entry(conversation.clone()).or_default();
        (*events, *bytes) = (events.saturating_add(1), bytes.saturating_add(size));
    }

    /// Takes what fits into one group, the oldest first. What is for audiences comes last, and not with what hurries; each
    /// sixteenth group that passed it takes a little of it all the same, since services wait for its answers, too.
    pub(crate) fn take(&mut self) -> Vec<Waiting> {
        let most = self.limits.group.max(1);
        let (mut taken, mut bytes) = (Vec::new(), 0_usize);
        while let Some(waiting) = self.next(false, taken.len(), most, &mut bytes) {
            taken.push(waiting);
        }
        if self.low.is_empty() {
            return taken;
        }
        let (turn, before) = (self.passed >= LOW_TURN, taken.len());
        let most = if turn { most.max(before.saturating_add(most / 16)) } else { most };
        if turn || !taken.iter().any(Waiting::hurries) {
            bytes = if turn { 0 } else { bytes };
            while let Some(waiting) = self.next(true, taken.len(), most, &mut bytes) {
                let page = matches!(waiting.input, Input::Page(_));
                taken.push(waiting);
                // Much follows from it.
                if page {
                    break;
                }
            }
        }
        self.passed = if taken.len() > before { 0 } else { self.passed.saturating_add(1) };
        taken
    }

    /// The next one of a queue, if the group has room for it; one input always has.
    fn next(&mut self, low: bool, taken: usize, most: usize, bytes: &mut usize) -> Option<Waiting> {
        let queue = if low { &mut self.low } else { &mut self.queue };
        *bytes = bytes.saturating_add(queue.front()?.encoded.len());
        if taken > 0 && (taken >= most || *bytes > self.limits.group_bytes) {
            return None;
        }
        let waiting = queue.pop_front()?;
        self.give_back(&waiting);
        Some(waiting)
    }

    fn give_back(&mut self, waiting: &Waiting) {
        self.urgent = self.urgent.saturating_sub(usize::from(waiting.hurries()));
        let announces = usize::from(matches!(waiting.input, Input::Announce { .. }));
        self.announcements = self.announcements.saturating_sub(announces);
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
            if waiting.low {
                self.low.push_front(waiting);
            } else {
                self.queue.push_front(waiting);
            }
        }
    }

    /// How many inputs wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len().saturating_add(self.low.len())
    }

    /// Returns whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.low.is_empty()
    }

    /// Whether something waits that must not wait for others: close the group now.
    #[must_use]
    pub const fn hurries(&self) -> bool {
        self.urgent > 0
    }
}
