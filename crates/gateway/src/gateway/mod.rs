//! The machine: rules, digest and delivery of one shard, composed.

mod accepted;
mod audiences;
mod collected;
mod counters;
mod deliveries;
mod digests;
mod handle;
mod host;
mod jobs;
mod questions;
mod resume;
mod rules;
mod snapshot;
mod timeline;
mod trail;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use reveille_conversation::rules::Rules;
use reveille_conversation::{self as conversation, Conversations, Withdraw};
use reveille_core::{Machine, UnixTime, Wakeup};
use reveille_delivery::{self as delivery, Delivery, JobId};
use reveille_digest::{self as digest, Engine};

use crate::hashed::Hashed;
use crate::settings::InvalidGateway;
use crate::{Epoch, GatewaySettings, Input, Note, Output, Seed};
use accepted::Accepted;
use audiences::Audiences;
use counters::Counting;
use host::{Host, Key};
use jobs::Live;
use resume::Handshakes;
use timeline::Timeline;
use trail::Trail;

pub use questions::JobExplanation;
pub use snapshot::RestoreError;
pub use trail::{Followed, Why};

/// The last time that is told apart from "never": the year 10,889. Above it, sums of times would not fit.
const END: UnixTime = UnixTime::from_millis(1 << 48);
/// Memory in bytes that digests keep although nothing is collected, for what comes next.
const ROOM: usize = 64 << 10;
/// On so many ways a person is told at once: their devices, the webhook, their mailbox.
pub(crate) const WAYS: usize = 3;
/// A clock that is less behind than this stands still; one that is more was set.
const TOLERANCE: Duration = Duration::from_secs(60);

/// One shard of conversations: who is told what, when, and what became of it. See the [crate's documentation](crate) for
/// the order of things around it.
///
/// It is single-threaded, holds no secret but the seed of its names, does no I/O, and its outputs are a function of its
/// inputs and their times. Give it to a [`Shard`](crate::Shard), which keeps the order.
pub struct Gateway {
    seed: Seed,
    settings: GatewaySettings,
    now: UnixTime,
    timeline: Timeline,
    epoch: Epoch,
    /// The last number of what left in a slot of messages.
    generation: u64,
    rules: Conversations,
    digests: Engine<Host>,
    delivery: Delivery,
    /// Jobs that are not settled.
    jobs: HashMap<JobId, Live, Hashed>,
    accepted: Accepted,
    handshakes: Handshakes,
    audiences: Audiences,
    trail: Trail,
    counting: Counting,
    /// Messages of a digest that came back because the person wants quiet, and that webhook or mail were told of.
    told_elsewhere: BTreeMap<Key, u32>,
    // Empty between two inputs:
    staged: Option<Input>,
    /// What the rules take back at this moment: the digest says whether anything was sent.
    taking_back: Option<Box<Withdraw>>,
    /// Who leaves a conversation with this event: what was collected for them goes when the rules have said all of it.
    leaving: Option<Key>,
    /// The job of which an attempt is being answered.
    answering: JobId,
    told: Told,
    to_digests: VecDeque<digest::Input<Host>>,
    to_delivery: VecDeque<delivery::Input>,
    out: VecDeque<Output>,
    /// Where contents are encoded.
    scratch: Vec<u8>,
}

/// Who may have something to say, or to do: asking everybody after each step costs more than most steps.
#[derive(Clone, Copy, Debug)]
struct Told {
    delivery: bool,
    digests: bool,
    /// Something was done since it was found that time has brought nothing.
    time: bool,
}

impl Gateway {
    /// Makes a gateway that knows of nothing yet. Give it to [`Shard::new`](crate::Shard::new).
    ///
    /// # Errors
    /// [`InvalidGateway`] says which rule or setting cannot work.
    pub fn new(rules: Rules, settings: GatewaySettings, seed: Seed) -> Result<Self, InvalidGateway> {
        settings.check()?;
        let mut trail = Trail::default();
        trail.set_bound(settings.more.trail);
        Ok(Self {
            seed,
            now: UnixTime::EPOCH,
            timeline: Timeline::default(),
            epoch: Epoch::default(),
            generation: 0,
            rules: Conversations::new(rules, seed.conversations())?,
            digests: Engine::new(Host, settings.digest_policy(), settings.digest_limits, seed.digests())?,
            delivery: Delivery::new(settings.delivery()?, seed.delivery()),
            jobs: HashMap::default(),
            accepted: Accepted::default(),
            handshakes: Handshakes::default(),
            audiences: Audiences::default(),
            trail,
            counting: Counting::default(),
            told_elsewhere: BTreeMap::new(),
            settings,
            staged: None,
            taking_back: None,
            leaving: None,
            answering: JobId::default(),
            told: Told { delivery: true, digests: true, time: true },
            to_digests: VecDeque::new(),
            to_delivery: VecDeque::new(),
            out: VecDeque::new(),
            scratch: Vec::new(),
        })
    }

    /// Returns the settings in force, which [`Input::Settings`] changes.
    #[must_use]
    pub const fn settings(&self) -> &GatewaySettings {
        &self.settings
    }

    /// Returns the rules in force, which [`Input::Rules`] changes.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        self.rules.rules()
    }

    /// Returns who claimed the shard last; a process with a lower epoch is out.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns the last time that it was told: it never falls but by a [`ClockStep`](Input::ClockStep).
    #[must_use]
    pub const fn now(&self) -> UnixTime {
        self.now
    }

    fn note(&mut self, note: Note) {
        self.out.push_back(Output::Note(note));
    }

    /// The clock was set, or fell: every part hears of it before anything else happens.
    fn step_clock(&mut self, was: UnixTime, is: UnixTime) {
        let (was, is) = (was.min(END).max(self.now), is.min(END));
        self.timeline.step(was, is);
        self.tell_digests(digest::Input::ClockStep { was, is }, is);
        // What is due by the old clock comes first; what the new one brings is looked at afterwards.
        self.tell_delivery(delivery::Input::ClockStep { was, is }, self.now);
        self.now = is;
        self.note(Note::ClockStepped { was, is });
    }

    /// Goes on until there is an output, or nothing to do.
    fn work(&mut self) {
        while self.out.is_empty() && self.advance() {}
    }

    /// Does one thing that has to be done; `false` if nothing has. The order is fixed, and what follows from a thing is done
    /// before the next: delivery, digests, rules; then what time has brought; then the input.
    fn advance(&mut self) -> bool {
        if self.advance_parts() {
            self.told.time = true;
            return true;
        }
        if self.told.time {
            if self.advance_time() {
                return true;
            }
            self.told.time = false;
        }
        if let Some(input) = self.staged.take() {
            self.handle(input);
        } else if !self.ask_page() {
            // That was the last thing: everything that this input has brought is done.
            self.rest();
            return false;
        }
        self.told.time = true;
        true
    }

    /// Does one thing that follows from what was done.
    fn advance_parts(&mut self) -> bool {
        if self.told.delivery {
            if let Some(output) = self.delivery.next_output() {
                self.on_delivery(output);
                return true;
            }
            self.told.delivery = false;
        }
        if let Some(input) = self.to_delivery.pop_front() {
            if let delivery::Input::Outcome { job, .. } = &input {
                self.answering = *job;
            }
            self.tell_delivery(input, self.now);
            return true;
        }
        if self.told.digests {
            if let Some(output) = self.digests.next_output() {
                self.on_digest(output);
                return true;
            }
            self.told.digests = false;
        }
        if let Some(input) = self.to_digests.pop_front() {
            self.tell_digests(input, self.now);
        } else if let Some(output) = self.rules.next_output() {
            self.on_rules(output);
        } else if let Some(key) = self.leaving.take() {
            self.forget_collected(key);
        } else {
            return false;
        }
        true
    }

    /// Does one thing that time has brought.
    fn advance_time(&mut self) -> bool {
        if due(self.rules_wakeup(), self.now) {
            self.rules.step(conversation::Input::Tick, self.timeline.of_rules(self.now));
        } else if due(Machine::next_wakeup(&self.digests), self.now) {
            self.tell_digests(digest::Input::Tick, self.now);
        } else if self.delivery.is_due(self.now) {
            self.tell_delivery(delivery::Input::Tick, self.now);
        } else if due(self.handshakes.next_wakeup(&self.timeline), self.now) {
            self.fail_handshake();
        } else if due(self.audiences.next_wakeup(&self.timeline), self.now) {
            self.audiences_due();
        } else {
            return false;
        }
        true
    }

    fn tell_delivery(&mut self, input: delivery::Input, now: UnixTime) {
        self.told.delivery = true;
        self.delivery.step(input, now);
    }

    fn tell_digests(&mut self, input: digest::Input<Host>, now: UnixTime) {
        self.told.digests = true;
        self.digests.step(input, now);
    }

    /// What no snapshot holds is empty: whatever is done next does not depend on it.
    fn is_between_inputs(&self) -> bool {
        self.staged.is_none()
            && self.taking_back.is_none()
            && self.leaving.is_none()
            && self.answering == JobId::default()
            && self.to_digests.is_empty()
            && self.to_delivery.is_empty()
            && self.out.is_empty()
    }

    /// All is done. What the digests' memory was for may be over.
    fn rest(&mut self) {
        (self.taking_back, self.answering) = (None, JobId::default());
        self.trail.leave();
        if self.digests.keys() == 0 && self.digests.memory() > ROOM {
            self.digests.tidy();
        }
    }

    /// The rules live on a clock that is never set.
    fn rules_wakeup(&self) -> Option<Wakeup> {
        let wakeup = self.rules.next_wakeup()?;
        Some(Wakeup { at: self.timeline.of_wall(wakeup.at), ..wakeup })
    }
}

fn due(wakeup: Option<Wakeup>, now: UnixTime) -> bool {
    wakeup.is_some_and(|wakeup| wakeup.at <= now)
}

impl Machine for Gateway {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, input: Input, now: UnixTime) {
        let now = now.min(END);
        if let Input::ClockStep { was, is } = input {
            self.step_clock(was, is);
        }
        if self.now.since(now) > TOLERANCE {
            self.step_clock(self.now, now);
        }
        self.now = self.now.max(now);
        if let Input::Recovered(catch_up) = input {
            // Before what is due: it says how that is to be treated.
            self.tell_digests(digest::Input::Recovered(catch_up.digests), self.now);
            self.to_delivery.push_back(delivery::Input::Recovered { spread: catch_up.spread });
        }
        let span = self.settings.event_ids_for();
        let rules_now = self.timeline.of_rules(self.now);
        self.accepted.forget(span, self.settings.more.event_ids, rules_now);
        self.handshakes.forget(self.settings.more.event_ids_for, self.settings.more.handshakes, rules_now);
        self.told.time = true;
        self.staged = Some(input);
    }

    #[inline]
    fn next_output(&mut self) -> Option<Output> {
        if self.out.is_empty() {
            self.work();
        }
        self.out.pop_front()
    }

    fn discard(&mut self, mut see: impl FnMut(&Output)) {
        loop {
            self.work();
            if self.out.is_empty() {
                return;
            }
            // Where they lie: each is large, and was written just now.
            self.out.iter().for_each(&mut see);
            self.out.clear();
        }
    }

    fn next_wakeup(&self) -> Option<Wakeup> {
        let digests = Machine::next_wakeup(&self.digests);
        let all = [self.rules_wakeup(), digests, self.delivery.next_wakeup()];
        let more = [self.handshakes.next_wakeup(&self.timeline), self.audiences.next_wakeup(&self.timeline)];
        all.into_iter().chain(more).flatten().min_by_key(|wakeup| wakeup.at)
    }
}

impl fmt::Debug for Gateway {
    /// Sizes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("conversations", &self.rules.live())
            .field("jobs", &self.delivery.len())
            .field("next_wakeup", &self.next_wakeup())
            .finish_non_exhaustive()
    }
}
