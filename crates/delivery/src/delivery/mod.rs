//! The logged machine.

mod answer;
mod at_once;
mod cancel;
mod clock;
mod explain;
mod jobs;
pub(crate) mod live;
mod redrive;
mod send;
mod settled;
mod slot;
mod snapshot;
mod submit;
mod timers;

use std::collections::VecDeque;
use std::hint::black_box;

use bytes::Bytes;
use reveille_core::{Machine, UnixTime, Wakeup};
use thiserror::Error;

use crate::dead::DeadLetters;
use crate::dead::{DeadId, DeadLetter};
use crate::index::Hiding;
use crate::{DeliverySettings, DeviceId, Fate, Input, Job, JobId, Note, Output, PayloadDigest, Role, SlotId};

pub use explain::{Explanation, LegExplanation, LegStatus, Status};
use jobs::Jobs;
pub use live::Why;
use live::{Live, Packed, Stage};
use settled::SettledJobs;
use slot::Slots;
pub use snapshot::RestoreError;

/// Everything between "this should be sent" and "it is settled" that must survive a crash: legs, attempts, retry times,
/// supersession, cancels, dead letters. One for each shard; its state is a fold of its inputs ([`Machine`]).
///
/// The loop, with a driver that asks a [`Pacer`](crate::pacer::Pacer) when each request may leave:
///
/// 1. commit the input to the log, [`apply`](Machine::apply) it and drain;
/// 2. do what the outputs say: `Resolve` devices, `Commit` attempts, `Send` requests; each is answered with an input;
/// 3. sleep until [`next_wakeup`](Machine::next_wakeup) and commit a [`Input::Tick`].
///
/// ```
/// use reveille_core::{Machine, UnixTime};
/// use reveille_delivery::{
///     Delivery, DeliverySettings, Device, DeviceId, Fate, Input, Job, JobId, Output, RecipientId, SlotId, Verdict,
/// };
///
/// let mut delivery = Delivery::new(DeliverySettings::default(), 7);
/// let now = UnixTime::from_secs(1_000);
/// let (alice, slot, phone) = (RecipientId::from_bits(1), SlotId::from_bits(2), DeviceId::from_bits(3));
/// let job = Job::new(JobId::from_bits(4), alice, slot, 1, "hello").with_devices([Device::new(phone, 1)]);
/// let outputs: Vec<_> = delivery.apply(Input::Submit { job: job.into() }, now).collect();
/// let [Output::Send(send)] = outputs.as_slice() else { panic!("{outputs:?}") };
/// assert_eq!((send.attempt, &send.content[..]), (1, &b"hello"[..]));
///
/// // Nobody knows what became of the first attempt: a second one follows, after a back-off, under the same name.
/// let outcome = |attempt, verdict| Input::Outcome { job: send.job, device: phone, attempt, verdict };
/// assert_eq!(delivery.apply(outcome(1, Verdict::NoAnswer), now).count(), 0);
/// let later = delivery.next_wakeup().unwrap().at;
/// let outputs: Vec<_> = delivery.apply(Input::Tick, later).collect();
/// assert!(matches!(&outputs[..], [Output::Send(again)] if again.leg == send.leg && again.attempt == 2));
///
/// let outputs: Vec<_> = delivery.apply(outcome(2, Verdict::Accepted { status: 201 }), later).collect();
/// assert_eq!(outputs.last(), Some(&Output::Settled { job: send.job, fate: Fate::Accepted }));
/// assert_eq!(delivery.next_wakeup(), None);
/// ```
///
/// **Clocks.** `now` never falls. When the driver saw the clock being set, it says so with [`Input::ClockStep`]: back-offs
/// and waits for answers move along, while `not_after` and times that a service named stay where they are.
#[derive(Debug)]
pub struct Delivery {
    settings: DeliverySettings,
    seed: u64,
    hiding: Hiding,
    now: UnixTime,
    jobs: Jobs,
    /// Content of all of them.
    bytes: u64,
    slots: Slots,
    settled: SettledJobs,
    dead: DeadLetters,
    counts: Counts,
    // Empty between two inputs:
    input: Option<Input>,
    out: VecDeque<Output>,
    /// Legs that left the wire: newer generations may wait behind them.
    freed: Vec<(u32, DeviceId)>,
    /// Slots of jobs of which it is known now whom they told.
    answered: Vec<u32>,
    /// What was hashed last.
    digested: Option<(Bytes, PayloadDigest)>,
}

/// How many jobs came and how they ended: returned by [`Delivery::counts`]. Read it for metrics; the numbers are part
/// of a snapshot, so they go on after a restart.
///
/// `submitted + reopened` is always the jobs that are not settled and the sum of [`settled`](Self::settled).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs taken in.
    pub submitted: u64,
    /// Settled jobs that a redrive opened again.
    pub reopened: u64,
    pub(crate) settled: [u64; Fate::ALL.len()],
}

impl Counts {
    /// Jobs that ended like this.
    #[must_use]
    pub fn settled(&self, fate: Fate) -> u64 {
        self.settled.get(usize::from(fate.code())).copied().unwrap_or_default()
    }
}

/// Why a job is not taken in, because a bound is reached: the error of [`Delivery::admit`]. Nothing has changed; tell
/// the source to send the job again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotAdmitted {
    /// Too many jobs.
    #[error("{waiting} jobs are not settled: the bound is {bound}")]
    Jobs {
        /// How many there are.
        waiting: usize,
        /// How many there may be.
        bound: usize,
    },
    /// Too many bytes.
    #[error("jobs that are not settled hold {waiting} bytes, this one {given}: the bound is {bound}")]
    Bytes {
        /// How many there are.
        waiting: u64,
        /// How many this job has.
        given: u64,
        /// How many there may be.
        bound: u64,
    },
}

impl Delivery {
    /// A delivery without jobs. `seed` spreads retries; another shard has another one.
    #[must_use]
    pub fn new(settings: DeliverySettings, seed: u64) -> Self {
        Self {
            settings,
            seed,
            hiding: Hiding::new(seed, *b"reveille"),
            now: UnixTime::EPOCH,
            jobs: Jobs::new(),
            bytes: 0,
            slots: Slots::new(),
            settled: SettledJobs::default(),
            dead: DeadLetters::default(),
            counts: Counts::default(),
            input: None,
            out: VecDeque::new(),
            freed: Vec::new(),
            answered: Vec::new(),
            digested: None,
        }
    }

    /// Whether there is room for a job. To be asked before it is written to the log; afterwards nothing is refused, and a
    /// job without room ends as [`Fate::Overflow`]. A cancel may take a quarter more than the bounds say: for others to end,
    /// it has to begin.
    ///
    /// # Errors
    /// [`NotAdmitted`], with the bound.
    pub fn admit(&self, job: &Job) -> Result<(), NotAdmitted> {
        let DeliverySettings { jobs, bytes, .. } = self.settings;
        match job.role {
            Role::Cancel { .. } => {
                let (jobs, bytes) =
                    (jobs.saturating_add(jobs.div_ceil(4)), bytes.saturating_add(bytes.div_ceil(4)));
                self.fits(1, job.bytes(), jobs, bytes)
            }
            _ => self.fits(1, job.bytes(), jobs, bytes),
        }
    }

    /// Whether there is room for so many jobs that are no cancels, with so many bytes of content in all: for whoever takes in
    /// what leads to jobs later.
    ///
    /// # Errors
    /// [`NotAdmitted`], with the bound.
    pub fn room(&self, jobs: usize, bytes: u64) -> Result<(), NotAdmitted> {
        self.fits(jobs, bytes, self.settings.jobs, self.settings.bytes)
    }

    fn fits(&self, jobs: usize, given: u64, most: usize, bound: u64) -> Result<(), NotAdmitted> {
        if self.jobs.len().saturating_add(jobs) > most {
            return Err(NotAdmitted::Jobs { waiting: self.jobs.len(), bound: most });
        }
        if self.bytes.saturating_add(given) > bound {
            return Err(NotAdmitted::Bytes { waiting: self.bytes, given, bound });
        }
        Ok(())
    }

    /// Jobs that are not settled.
    #[must_use]
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether every job is settled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.len() == 0
    }

    /// A job that is not settled, as it was submitted.
    #[must_use]
    pub fn job(&self, job: JobId) -> Option<Job> {
        let live = self.jobs.get(self.place_of(job)?)?;
        Some(live.job(self.slot_of(live)))
    }

    /// Whether this generation of a slot, and what is older, was cancelled and nothing newer has come since.
    #[must_use]
    pub fn is_cancelled(&self, slot: SlotId, generation: u64) -> bool {
        let known = self.known_slot(slot).and_then(|at| self.slots.get(at));
        known.is_some_and(|slot| slot.cancelled && generation < slot.lowest)
    }

    /// Reads what is known of these jobs, and changes nothing: call it before their answers are applied, a few at a time,
    /// because memory answers ten questions nearly as fast as one.
    pub fn read_ahead(&self, jobs: impl IntoIterator<Item = JobId>) {
        let there = jobs.into_iter().filter_map(|job| self.jobs.get(self.place_of(job)?));
        black_box(there.fold(0, |read, live| read ^ live.generation ^ live.legs.len() as u64));
    }

    /// How many jobs came and how they ended.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The dead letters, the oldest first.
    pub fn dead_letters(&self) -> impl Iterator<Item = (DeadId, &DeadLetter)> {
        self.dead.letters().iter().map(|(id, letter)| (*id, letter))
    }

    /// The highest generation of what is dead in a slot, would show something, and may live again.
    #[must_use]
    pub fn latest_dead(&self, slot: SlotId) -> Option<u64> {
        self.dead.latest_show(slot)
    }

    /// The jobs under way in a slot that show something, and their generations.
    pub fn shows_in(&self, slot: SlotId) -> impl Iterator<Item = (JobId, u64)> {
        let places = self.known_slot(slot).into_iter().flat_map(|at| self.jobs_in(at));
        let jobs = places.filter_map(|place| self.jobs.get(place)).filter(|live| !live.is_cancel);
        jobs.map(|live| (live.id(), live.generation))
    }

    /// A dead letter by its name.
    #[must_use]
    pub fn dead_letter(&self, id: DeadId) -> Option<&DeadLetter> {
        self.dead.letters().get(&id)
    }

    /// Dead letters that were pushed out by newer ones.
    #[must_use]
    pub const fn dead_letters_lost(&self) -> u64 {
        self.dead.lost
    }

    fn handle(&mut self, input: Input) {
        match input {
            Input::Tick => {}
            Input::Submit { job } => self.submit(*job),
            Input::Resolved { job, devices } => self.resolved(job, &devices),
            Input::LetGo { job, devices } => self.let_go(job, &devices),
            Input::Attempt { job, device, attempt } => self.attempt(job, device, attempt),
            Input::Outcome { job, device, attempt, verdict } => self.outcome(job, device, attempt, verdict),
            Input::Deferred { job, device, until, by } => self.deferred(job, device, until, by),
            Input::Cancel { slot, generation } => self.cancel(slot, generation),
            Input::DropDevice { device } => self.drop_device(device),
            Input::Redrive { from, to, every, until } => self.redrive(from, to, every, until),
            Input::Discard { letter } => drop(self.dead.remove(letter)),
            Input::ClockStep { was, is } => self.clock_step(was, is),
            Input::Recovered { spread } => self.recovered(spread),
        }
    }

    /// What a name is found by.
    #[inline]
    fn tag(&self, id: Packed) -> u32 {
        self.hiding.tag(id.halves())
    }

    /// The place of a job that is not settled.
    fn place_of(&self, id: JobId) -> Option<u32> {
        let id = Packed::new(id.to_bits());
        self.jobs.find(self.tag(id), id)
    }

    /// Works on a job: takes it out, and puts it back with its timer right, or settles it.
    fn with_job<T>(&mut self, at: u32, work: impl FnOnce(&mut Self, &mut Live) -> T) -> Option<T> {
        let live = self.jobs.take(at)?;
        Some(self.work_on(at, live, work))
    }

    /// The same for one that was taken, or is new.
    #[inline]
    fn work_on<T>(&mut self, at: u32, mut live: Live, work: impl FnOnce(&mut Self, &mut Live) -> T) -> T {
        let (slot, asked) = (live.slot, live.is_asked());
        let result = work(self, &mut live);
        if asked && !live.is_asked() {
            self.answered.push(slot);
        }
        match live.fate() {
            None => self.jobs.put_back(at, live),
            Some(fate) => self.end(at, &live, fate),
        }
        while let Some((slot, device)) = self.freed.pop() {
            self.free_behind(slot, device);
        }
        while let Some(slot) = self.answered.pop() {
            self.go_on_in(slot);
        }
        result
    }

    /// A job that lived has ended.
    fn end(&mut self, at: u32, live: &Live, fate: Fate) {
        let tag = self.tag(live.id);
        self.unlink_from_slot(live.slot, at);
        self.jobs.remove(tag, at);
        self.bytes = self.bytes.saturating_sub(live.bytes());
        self.settle(tag, live.id, fate);
        self.leave_slot(live.slot);
    }

    /// A job has ended, or ends as it comes.
    fn settle(&mut self, tag: u32, id: Packed, fate: Fate) {
        if let Some(count) = self.counts.settled.get_mut(usize::from(fate.code())) {
            *count = count.saturating_add(1);
        }
        self.settled.push(tag, id, fate, self.now, self.settings.settled);
        self.out.push_back(Output::Settled { job: JobId::from_bits(id.bits()), fate });
    }

    /// Whether something is due: as [`next_wakeup`](Machine::next_wakeup) says, without the reason.
    #[must_use]
    pub fn is_due(&self, now: UnixTime) -> bool {
        self.jobs.first_due().is_some_and(|(due, _)| due <= now)
    }

    /// Does one thing that has to be done; `false` if nothing has.
    fn advance(&mut self) -> bool {
        // Before what is due: what leaves now is not what was on its way when the process died.
        if let Some(recovered) = self.input.take_if(|input| matches!(input, Input::Recovered { .. })) {
            self.handle(recovered);
            return true;
        }
        if self.fire() {
            return true;
        }
        let Some(input) = self.input.take() else {
            self.forget_slots();
            return false;
        };
        self.handle(input);
        true
    }

    /// Does what is due for one job; `false` if nothing is.
    fn fire(&mut self) -> bool {
        match self.jobs.first_due() {
            Some((due, at)) if due <= self.now => self.with_job(at, Self::progress).is_some(),
            _ => false,
        }
    }

    /// Whatever time has brought about.
    fn progress(&mut self, live: &mut Live) {
        let expired = self.is_over(live.not_after);
        match live.stage {
            Stage::Resolving { .. } | Stage::Held { .. } if expired => {
                live.stage = Stage::Ended { fate: Fate::Expired };
            }
            Stage::Asked { called_off: None, .. } if expired => self.call_off(live, Fate::Expired),
            Stage::Asked { until, .. } if until <= self.now => self.ask_again(live),
            Stage::Resolving { until } | Stage::Held { until, .. } if until <= self.now => self.resolve(live),
            Stage::Legs => {
                if live.awaits && expired {
                    Self::await_no_longer(live, Fate::Expired);
                }
                self.progress_legs(live, expired);
            }
            _ => {}
        }
    }

    /// Whether a job is of no more use.
    fn is_over(&self, not_after: UnixTime) -> bool {
        not_after != UnixTime::MAX && not_after <= self.now
    }

    fn note(&mut self, note: Note) {
        self.out.push_back(Output::Note(note));
    }
}

impl Machine for Delivery {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, input: Input, now: UnixTime) {
        self.now = self.now.max(now);
        self.input = Some(input);
    }

    /// What is due comes first, then the input, then what the input made due; only a recovery comes before all.
    #[inline]
    fn next_output(&mut self) -> Option<Output> {
        while self.out.is_empty() && self.advance() {}
        self.out.pop_front()
    }

    fn next_wakeup(&self) -> Option<Wakeup> {
        let (due, at) = self.jobs.first_due()?;
        let reason = self.jobs.get(at).map_or("a job is due", |live| explain::reason(live, due));
        Some(Wakeup { at: due, reason })
    }
}
