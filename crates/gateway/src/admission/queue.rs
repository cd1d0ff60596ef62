//! What comes in waits here, bounded, until it is in a group. Whatever is to be refused is refused here, before the log.

use std::collections::HashMap;

use reveille_conversation::event::What;
use reveille_delivery::NotAdmitted;

use super::credit::{Credit, ends_something};
use super::waiting::{Counted, NO_TICKET, Queue, ROOM, Taken, Waiting, framed};
use super::{Bound, Refused, Ticket};
use crate::hashed::Hashed;
use crate::resume::{Resume, ResumeStep};
use crate::{AdmissionLimits, Gateway, Input};

/// After so many groups without it, a group takes some of what is for audiences in any case.
const LOW_TURN: u32 = 15;

/// The queue before a shard's log, with credits in number and bytes, in all and for each conversation.
///
/// What comes by itself is refused over a bound: events, announcements, what becomes known of a person or a queue, resumes,
/// dropped devices, rules, settings and commands. What answers the machine's own outputs never is, for there is no more of
/// it than the machine has asked for; nor what a driver needs to go on (ticks, steps of the clock, owner, recovery).
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
    queue: Queue,
    /// What is for audiences, behind everything else.
    low: Queue,
    /// Groups that left without any of it.
    passed: u32,
    announcements: usize,
    events: usize,
    bytes: usize,
    /// Room that is held for what follows from these events.
    held: Credit,
    /// Reservations of resume tokens.
    reserved: usize,
    /// Events and their bytes, by the keyed hash of their conversation.
    by_conversation: HashMap<u64, (usize, usize), Hashed>,
    next: u64,
    urgent: usize,
    /// Where an input is encoded; its memory is used again.
    scratch: Vec<u8>,
}

/// A group that takes inputs in.
struct Filling<'a> {
    into: &'a mut Taken,
    /// Inputs that it held before.
    before: usize,
    /// Bytes that were taken.
    bytes: usize,
}

impl Filling<'_> {
    fn taken(&self) -> &[Waiting] {
        self.into.inputs.get(self.before..).unwrap_or_default()
    }
}

impl Admission {
    /// Makes an empty queue with these limits.
    #[must_use]
    pub const fn new(limits: AdmissionLimits) -> Self {
        Self {
            limits,
            queue: Queue::new(),
            low: Queue::new(),
            passed: 0,
            announcements: 0,
            events: 0,
            bytes: 0,
            held: Credit { jobs: 0, bytes: 0 },
            reserved: 0,
            by_conversation: HashMap::with_hasher(Hashed),
            next: 1,
            urgent: 0,
            scratch: Vec::new(),
        }
    }

    /// Takes an input in, to be put into the next group. Its source is acknowledged when that is committed:
    /// [`Applied::ticket`](crate::log::Applied::ticket) says up to which ticket all are.
    ///
    /// # Errors
    /// [`Refused`], for what comes by itself.
    pub fn admit(&mut self, input: Input, gateway: &Gateway) -> Result<Ticket, Refused> {
        self.scratch.clear();
        input.encode(&mut self.scratch);
        let size = self.scratch.len();
        let counted = Counted::of(&input, gateway);
        self.check(counted, size)?;
        self.check_room(&input, size, gateway)?;
        self.check_memory(&input, counted, gateway)?;
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
        let low = gateway.is_for_an_audience(&input);
        let ticket = if low { NO_TICKET } else { Ticket(self.next) };
        self.next = self.next.saturating_add(u64::from(!low));
        let waiting = Waiting { input, size, ticket, counted, low };
        self.count(&waiting);
        let queue = if low { &mut self.low } else { &mut self.queue };
        queue.push_back(waiting, &self.scratch);
        if self.scratch.capacity() > ROOM {
            self.scratch = Vec::new();
        }
        Ok(ticket)
    }

    fn check(&self, counted: Counted, size: usize) -> Result<(), Refused> {
        let one = match counted {
            Counted::No => return Ok(()),
            Counted::InAll => None,
            Counted::For(conversation) => {
                Some(self.by_conversation.get(&conversation).copied().unwrap_or_default())
            }
        };
        let limits = &self.limits;
        let all =
            [(Bound::Events, self.events, 1, limits.events), (Bound::Bytes, self.bytes, size, limits.bytes)];
        let one = one.map(|(events, bytes)| {
            [
                (Bound::EventsOfOne, events, 1, limits.events_of_one),
                (Bound::BytesOfOne, bytes, size, limits.bytes_of_one),
            ]
        });
        for (bound, waiting, more, most) in all.into_iter().chain(one.into_iter().flatten()) {
            if waiting.saturating_add(more) > most {
                return Err(Refused { bound, waiting: waiting as u64, most: most as u64 });
            }
        }
        Ok(())
    }

    /// What was acknowledged finds room when it is applied, so what waits counts as if it had led to its jobs already. What
    /// ends something holds room, too, but needs none to come in: it makes room, and delivery has a reserve for cancels.
    fn check_room(&self, input: &Input, size: usize, gateway: &Gateway) -> Result<(), Refused> {
        let credit = Credit::of(input, size);
        if credit == Credit::default() || ends_something(input) {
            return Ok(());
        }
        let Credit { jobs, bytes } = self.held.and(credit);
        gateway.room(jobs, bytes).map_err(|full| {
            let more = &gateway.settings().more;
            match full {
                NotAdmitted::Bytes { waiting, .. } => Refused {
                    bound: Bound::JobBytes,
                    waiting: waiting.saturating_add(self.held.bytes),
                    most: more.job_bytes,
                },
                _ => Refused {
                    bound: Bound::Jobs,
                    waiting: gateway.open_jobs().saturating_add(self.held.jobs as u64),
                    most: more.jobs.into(),
                },
            }
        })
    }

    /// What the machine would only suppress as `full`, or fail, is refused while it can be.
    fn check_memory(&mut self, input: &Input, counted: Counted, gateway: &Gateway) -> Result<(), Refused> {
        let (bound, (here, most), waiting) = match (input, counted) {
            (Input::Event { event, .. }, Counted::For(hash)) => {
                // Each that waits counts as new: to look all of them up would cost every event what few of them need.
                let waiting = self.by_conversation.len();
                let (live, most) = gateway.conversations();
                if live.saturating_add(waiting as u64) < most
                    || self.by_conversation.contains_key(&hash)
                    || gateway.remembers(&event.conversation)
                    || ends_something(input)
                {
                    return Ok(());
                }
                (Bound::Conversations, (live, most), waiting)
            }
            (Input::Resume(Resume { token, step: ResumeStep::Reserved { .. } }), _)
                if !gateway.awaits(*token) =>
            {
                (Bound::Handshakes, gateway.handshakes(), self.reserved)
            }
            _ => return Ok(()),
        };
        let waiting = here.saturating_add(waiting as u64);
        if waiting < most {
            return Ok(());
        }
        if bound == Bound::Conversations && self.is_empty() {
            // What is over is forgotten with the next input, and perhaps no other one comes.
            self.push_tick();
        }
        Err(Refused { bound, waiting, most })
    }

    fn push_tick(&mut self) {
        let mut tick = Vec::new();
        Input::Tick.encode(&mut tick);
        self.queue.push_back(Waiting { size: tick.len(), ..Waiting::from(Input::Tick) }, &tick);
    }

    fn count(&mut self, waiting: &Waiting) {
        self.urgent += usize::from(waiting.hurries());
        self.announcements += usize::from(matches!(waiting.input, Input::Announce { .. }));
        self.reserved += usize::from(is_reservation(&waiting.input));
        self.held = self.held.and(Credit::of(&waiting.input, waiting.size));
        if waiting.counted == Counted::No {
            return;
        }
        let size = waiting.size;
        (self.events, self.bytes) = (self.events.saturating_add(1), self.bytes.saturating_add(size));
        let Counted::For(conversation) = waiting.counted else { return };
        let (events, bytes) = self.by_conversation.entry(conversation).or_default();
        (*events, *bytes) = (events.saturating_add(1), bytes.saturating_add(size));
    }

    /// Takes what fits into one group, the oldest first. What is for audiences comes last, and not with what hurries; each
    /// sixteenth group that passed it takes a little of it all the same, since services wait for its answers, too.
    pub(crate) fn take(&mut self, into: &mut Taken) {
        let most = self.limits.group.max(1);
        // What was in a group before that came to nothing has taken its part of the room.
        let before = into.inputs.iter().take_while(|waiting| waiting.came_by_itself()).count();
        let bytes = into.inputs.iter().skip(before).map(|waiting| waiting.size).sum();
        into.inputs.reserve(self.queue.len().min(most));
        let mut group = Filling { into, before, bytes };
        while self.next(false, most, &mut group) {}
        if self.low.is_empty() {
            return;
        }
        let (turn, taken) = (self.passed >= LOW_TURN, group.taken().len());
        let most = if turn { most.max(taken.saturating_add((most / 16).max(1))) } else { most };
        if turn || !group.taken().iter().any(Waiting::hurries) {
            group.bytes = if turn { 0 } else { group.bytes };
            while self.next(true, most, &mut group) {
                // Much follows from a page.
                if group.taken().last().is_some_and(|waiting| matches!(waiting.input, Input::Page(_))) {
                    break;
                }
            }
        }
        self.passed = if group.taken().len() > taken { 0 } else { self.passed.saturating_add(1) };
    }

    /// Takes the next one of a queue, if the group has room for it; one input always has.
    fn next(&mut self, low: bool, most: usize, group: &mut Filling<'_>) -> bool {
        let queue = if low { &mut self.low } else { &mut self.queue };
        let (taken, Some(next)) = (group.taken().len(), queue.front()) else { return false };
        group.bytes = group.bytes.saturating_add(next.size);
        if taken > 0 && (taken >= most || group.bytes > self.limits.group_bytes) {
            return false;
        }
        let Some(waiting) = queue.pop_front(&mut group.into.bytes) else { return false };
        self.give_back(&waiting);
        group.into.ticket = group.into.ticket.max(waiting.ticket);
        group.into.inputs.push(waiting);
        true
    }

    fn give_back(&mut self, waiting: &Waiting) {
        self.urgent = self.urgent.saturating_sub(usize::from(waiting.hurries()));
        let announces = usize::from(matches!(waiting.input, Input::Announce { .. }));
        self.announcements = self.announcements.saturating_sub(announces);
        self.reserved = self.reserved.saturating_sub(usize::from(is_reservation(&waiting.input)));
        self.held = self.held.without(Credit::of(&waiting.input, waiting.size));
        if waiting.counted == Counted::No {
            return;
        }
        let size = waiting.size;
        (self.events, self.bytes) = (self.events.saturating_sub(1), self.bytes.saturating_sub(size));
        let Counted::For(conversation) = waiting.counted else { return };
        let Some((events, bytes)) = self.by_conversation.get_mut(&conversation) else { return };
        (*events, *bytes) = (events.saturating_sub(1), bytes.saturating_sub(size));
        if *events == 0 {
            self.by_conversation.remove(&conversation);
        }
    }

    /// Puts back what was not committed, in front; `bytes` are those of all of these inputs.
    pub(crate) fn put_back(&mut self, inputs: Vec<Waiting>, bytes: &[u8]) {
        let mut bytes = bytes;
        for waiting in inputs.into_iter().rev() {
            let start = bytes.len().saturating_sub(framed(waiting.size));
            let (before, framed) = bytes.split_at_checked(start).unwrap_or((bytes, &[]));
            bytes = before;
            if waiting.came_by_itself() {
                continue;
            }
            self.count(&waiting);
            let queue = if waiting.low { &mut self.low } else { &mut self.queue };
            queue.push_front(waiting, framed);
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

const fn is_reservation(input: &Input) -> bool {
    matches!(input, Input::Resume(Resume { step: ResumeStep::Reserved { .. }, .. }))
}
