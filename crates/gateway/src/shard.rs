//! The order of things, as types: a group is filled, sealed, committed, applied. Its outputs exist after that only.

use reveille_core::log::{Gap, LogEntry, Logged, Snapshot, SnapshotError};
use reveille_core::{Machine, UnixTime, Wakeup};
use thiserror::Error;

use crate::admission::Ticket;
use crate::admission::waiting::{NO_TICKET, Taken, Waiting};
use crate::log::{InvalidInput, RestoreError};
use crate::output_hash::OutputHash;
use crate::{Admission, Gateway, Input, Output, Seed};

/// So many inputs are looked at together.
const AHEAD: usize = 16;
/// The version of a group's frame.
const VERSION: u8 = 1;
/// Version, behaviour, hash of the outputs before.
const HEAD: usize = 1 + 4 + 8;
/// Bytes of the shortest inputs that come in great numbers, which are outcomes.
const SHORTEST: usize = 40;

/// A [`Gateway`] beside its log. Use one for each shard that the process owns.
///
/// [`group`](Self::group) → [`fill`](Group::fill) → [`seal`](Group::seal) → append [`bytes`](Sealed::bytes) to the log and
/// commit → [`committed`](Sealed::committed) → let the outputs go. Each step consumes the one before, and the shard is
/// borrowed meanwhile: nothing can be applied that is not in the log, and no output can be had before its group is.
///
/// A group that is sealed has no outputs yet:
///
/// ```compile_fail
/// # use reveille_gateway::*;
/// fn too_early(sealed: log::Sealed<'_>) -> Vec<(u64, Output)> {
///     sealed.collect() // a `Sealed` is no iterator: commit it first
/// }
/// ```
///
/// Nor can its sources be acknowledged yet:
///
/// ```compile_fail
/// # use reveille_gateway::*;
/// fn acknowledge_early(sealed: &log::Sealed<'_>) -> Option<admission::Ticket> {
///     sealed.ticket() // only what is committed has one: `Applied::ticket`
/// }
/// ```
///
/// And there is no way around the group to the machine:
///
/// ```compile_fail
/// # use reveille_gateway::*;
/// # use reveille_core::{Machine, UnixTime};
/// fn around(shard: &mut Shard) {
///     shard.gateway().apply(Input::Tick, UnixTime::EPOCH); // only questions can be asked here
/// }
/// ```
///
/// Nor can the next group begin while the outputs of the last one are not taken:
///
/// ```compile_fail
/// # use reveille_gateway::*;
/// # use reveille_core::UnixTime;
/// fn overtake(shard: &mut Shard) {
///     let applied = shard.group(UnixTime::EPOCH).seal().committed();
///     let next = shard.group(UnixTime::EPOCH);
///     for _ in applied {}
/// }
/// ```
#[derive(Debug)]
pub struct Shard {
    logged: Logged<Gateway>,
    /// A hash of the last group's outputs.
    outputs: u64,
    /// The group that is made now, or was dropped on the way: then its inputs come first in the next one.
    open: Taken,
}

/// Inputs that will be committed together, at one time: [`Shard::group`] begins one. Fill and [seal](Self::seal) it.
#[derive(Debug)]
#[must_use = "seal it, or its inputs wait for the next group"]
pub struct Group<'s> {
    shard: &'s mut Shard,
    now: UnixTime,
}

/// A group as the log holds it. Append it and commit; then, and only then, call [`committed`](Self::committed). One that is
/// dropped instead, with an error on its way for instance, loses nothing: its inputs are in the shard's next group, and are not
/// acknowledged before that is committed. Where nobody knows whether the store has it, [replay](Shard::replay) what the log has since:
/// what is in it is not committed once more. With a shard that is thrown away goes what it holds, so throw its [`Admission`] away, too,
/// or [abandon](Self::abandon) first: else its next ticket would acknowledge what is gone.
#[derive(Debug)]
#[must_use = "commit it, or abandon it"]
pub struct Sealed<'s> {
    shard: &'s mut Shard,
    now: UnixTime,
    number: u64,
}

/// A committed group: gives each output with the number of the input that it follows from. What is not read is lost, but
/// applied.
#[derive(Debug)]
#[must_use = "outputs that are not read are lost"]
pub struct Applied<'s> {
    shard: &'s mut Shard,
    now: UnixTime,
    inputs: std::vec::IntoIter<Waiting>,
    number: u64,
    /// Inputs of which the machine has read already what they are about.
    ahead: usize,
    hash: OutputHash,
    over: bool,
    ticket: Ticket,
    size: (usize, usize),
}

/// Why a group of the log cannot be applied. Nothing was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A group is missing.
    #[error(transparent)]
    Gap(#[from] Gap),
    /// It is no group.
    #[error("entry {number} is no group of inputs")]
    Damaged {
        /// The number of its first input.
        number: u64,
    },
    /// It holds something that is no input.
    #[error("input {number}: {error}")]
    Input {
        /// Its number.
        number: u64,
        /// Why not.
        error: InvalidInput,
    },
    /// Other code wrote it, and would have decided otherwise. Run that release once, so that it ends with a snapshot.
    #[error("entry {number} was written by behaviour {given}: this release replays behaviour {expected}")]
    Behaviour {
        /// The number of its first input.
        number: u64,
        /// What it has.
        given: u32,
        /// What is replayed.
        expected: u32,
    },
    /// The outputs before it were not these when they were made: the shard stops instead of guessing, and
    /// [`Shard::overrule`] is the way out.
    #[error("before entry {number} the outputs were others than now")]
    Diverged {
        /// The number of its first input.
        number: u64,
    },
}

impl Shard {
    /// A shard that begins.
    #[must_use]
    pub const fn new(gateway: Gateway) -> Self {
        Self { logged: Logged::new(gateway), outputs: 0, open: Taken::new() }
    }

    /// The gateway, for questions.
    #[must_use]
    pub const fn gateway(&self) -> &Gateway {
        self.logged.machine()
    }

    /// The number that the next input gets. They begin at 1.
    #[must_use]
    pub const fn next_number(&self) -> u64 {
        self.logged.next_number()
    }

    /// When a group is wanted at the latest, with nothing but a tick in it if nothing else came.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Wakeup> {
        self.logged.machine().next_wakeup()
    }

    /// Begins a group: all of its inputs happen at `now`.
    pub fn group(&mut self, now: UnixTime) -> Group<'_> {
        if !self.open.bytes.is_empty() {
            let head = head(self.outputs);
            self.open.begin_again(&head);
        }
        Group { shard: self, now }
    }

    /// Appends the whole shard as a snapshot. Keep two; then the part of the log that the older one covers can go.
    pub fn snapshot(&mut self, out: &mut Vec<u8>) {
        self.logged.snapshot(out);
        out.extend_from_slice(&self.outputs.to_le_bytes());
    }

    /// Reads what [`snapshot`](Self::snapshot) wrote. It takes neither time nor settings: they are in it. Then
    /// [`replay`](Self::replay) the log, and commit an [`Input::Recovered`].
    ///
    /// # Errors
    /// [`SnapshotError`]: take the older snapshot and more of the log.
    pub fn restore(seed: Seed, snapshot: &[u8]) -> Result<Self, SnapshotError<RestoreError>> {
        let (snapshot, outputs) = snapshot.split_last_chunk::<8>().ok_or(SnapshotError::NotASnapshot)?;
        let logged = Logged::restore(seed, snapshot)?;
        Ok(Self { logged, outputs: u64::from_le_bytes(*outputs), open: Taken::new() })
    }

    /// Applies a group that was read from the log; one that the snapshot covers is passed over. Its outputs are what they
    /// were: apply those that are an [effect](Output::is_effect) as far as the store lacks them, and drop the others;
    /// [`Applied::effects`] does so.
    ///
    /// # Errors
    /// [`ReplayError`]: nothing was applied.
    pub fn replay(&mut self, entry: &LogEntry<'_>) -> Result<Applied<'_>, ReplayError> {
        self.read(entry, false)
    }

    /// The same, although other outputs were made before this group than now: an operator's way out of
    /// [`ReplayError::Diverged`], after the fault that made them others was understood, and never a driver's. Nothing of the log
    /// is lost: it says what happened, and what follows is decided anew. So what left then may leave again, under other ids, and
    /// a device may keep a notification that nobody takes back. Read the rest of the log this way, commit the recovery as always,
    /// and take a snapshot at once, so that it is not read again.
    ///
    /// # Errors
    /// [`ReplayError`], but not [`Diverged`](ReplayError::Diverged): nothing was applied.
    pub fn overrule(&mut self, entry: &LogEntry<'_>) -> Result<Applied<'_>, ReplayError> {
        self.read(entry, true)
    }

    fn read(&mut self, entry: &LogEntry<'_>, overrule: bool) -> Result<Applied<'_>, ReplayError> {
        let number = entry.number;
        let (outputs, inputs) = open(entry)?;
        let end = number.saturating_add(inputs.len() as u64);
        if end <= self.next_number() {
            return Ok(self.applied(Vec::new(), entry.now, number, true));
        }
        if number != self.next_number() {
            return Err(Gap { expected: self.next_number(), given: number }.into());
        }
        if outputs != self.outputs && !overrule {
            return Err(ReplayError::Diverged { number });
        }
        // The store may have a group that was dropped on the way.
        self.open.forget(HEAD, frames(entry.input.get(HEAD..).unwrap_or_default()));
        Ok(self.applied(inputs, entry.now, number, false))
    }

    /// The inputs of a group that was read from the log, without applying them: for a replay with other rules.
    ///
    /// # Errors
    /// [`ReplayError`], as [`replay`](Self::replay) has it; nothing can be missing here, or differ.
    pub fn inputs(entry: &LogEntry<'_>) -> Result<Vec<Input>, ReplayError> {
        open(entry).map(|(_, inputs)| inputs.into_iter().map(|waiting| waiting.input).collect())
    }

    fn applied(&mut self, inputs: Vec<Waiting>, now: UnixTime, number: u64, over: bool) -> Applied<'_> {
        // A group with nothing in it is passed over when it is read again: it changes nothing now, either.
        let over = over || inputs.is_empty();
        let (inputs, hash, size) = (inputs.into_iter(), OutputHash::default(), (0, 0));
        Applied { shard: self, now, inputs, number, ahead: 0, hash, over, ticket: NO_TICKET, size }
    }
}

impl<'s> Group<'s> {
    /// Takes from the queue what fits into one group.
    pub fn fill(mut self, admission: &mut Admission) -> Self {
        self.begin();
        admission.take(&mut self.shard.open);
        self
    }

    /// Adds a tick: when [`Shard::next_wakeup`] is due, and nothing else has come.
    pub fn tick(mut self) -> Self {
        let taken = self.begin();
        let (place, at) = (taken.inputs.len(), taken.bytes.len());
        taken.insert(place, at, Input::Tick);
        self
    }

    /// Says that the wall clock was set since the last group: it would show `was` now. Comes before all other inputs, because
    /// what is due is due by the new clock.
    pub fn after_step(mut self, was: UnixTime) -> Self {
        let step = Input::ClockStep { was, is: self.now };
        self.begin().insert(0, HEAD, step);
        self
    }

    /// Whether there is nothing to commit.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.shard.open.inputs.is_empty()
    }

    /// Closes the group: its bytes are complete. A [recovery](Input::Recovered) comes before all but a step of the clock,
    /// wherever it was admitted: with anything else before it, what is overdue would happen as if the process had not died.
    pub fn seal(mut self) -> Sealed<'s> {
        let taken = self.begin();
        let steps = taken
            .inputs
            .iter()
            .take_while(|waiting| matches!(waiting.input, Input::ClockStep { .. }))
            .count();
        if let Some(at) = taken.inputs.iter().position(|waiting| matches!(waiting.input, Input::Recovered(_)))
        {
            taken.move_up(at, steps, HEAD);
        }
        let Self { shard, now } = self;
        let number = shard.next_number();
        Sealed { shard, now, number }
    }

    /// Writes the head, unless that is done.
    fn begin(&mut self) -> &mut Taken {
        let Shard { outputs, open, .. } = &mut *self.shard;
        if open.bytes.is_empty() {
            open.bytes.extend_from_slice(&head(*outputs));
        }
        open
    }
}

impl<'s> Sealed<'s> {
    /// The number of the first input: the group's key in the log. An append under a number that is taken must fail.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Returns how many inputs are in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.shard.open.inputs.len()
    }

    /// Returns whether there is nothing to commit.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.shard.open.inputs.is_empty()
    }

    /// Returns the number of the input after its last one: the number of the next group.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.number.saturating_add(self.len() as u64)
    }

    /// Returns the time at which all of it happens.
    #[must_use]
    pub const fn now(&self) -> UnixTime {
        self.now
    }

    /// What is to be appended.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.shard.open.bytes
    }

    /// The store has it, for certain: now it happens. The one thing that types cannot see is whether that is true.
    pub fn committed(self) -> Applied<'s> {
        let Self { shard, now, number } = self;
        let Taken { inputs, bytes, ticket } = std::mem::replace(&mut shard.open, Taken::new());
        let size = (inputs.len(), bytes.len());
        let mut applied = shard.applied(inputs, now, number, false);
        (applied.ticket, applied.size) = (ticket, size);
        applied
    }

    /// The store does not have it, for certain: its inputs wait again, but for a tick and a step of the clock, which are added
    /// to the next group. If nobody knows whether the store has it, read the log first.
    pub fn abandon(self, admission: &mut Admission) {
        let Taken { inputs, bytes, .. } = std::mem::replace(&mut self.shard.open, Taken::new());
        admission.put_back(inputs, bytes.get(HEAD..).unwrap_or_default());
    }
}

impl Applied<'_> {
    /// All inputs up to this one are committed: acknowledge their sources. `None` if the group has none for which a source
    /// waits, and for one that was read from the log.
    #[must_use]
    pub fn ticket(&self) -> Option<Ticket> {
        Some(self.ticket).filter(|ticket| *ticket > NO_TICKET)
    }

    /// How many inputs were committed, and in how many bytes; nothing for a group that was read from the log.
    pub(crate) const fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Gives those outputs alone that are an [effect](Output::is_effect), and drops the others: for a recovery, which so takes
    /// less time than one that reads all of them.
    pub fn effects(mut self) -> Vec<(u64, Output)> {
        let mut effects = Vec::new();
        self.look(|number, output| {
            if output.is_effect() {
                effects.push((number, output.clone()));
            }
        });
        effects
    }

    /// Goes to the end, with a look at each output where it lies.
    fn look(&mut self, mut see: impl FnMut(u64, &Output)) {
        while !self.over {
            let (number, hash) = (self.number, &mut self.hash);
            self.shard.logged.discard(|output| {
                hash.take_in(output);
                see(number, output);
            });
            if !self.begin_next() {
                return;
            }
        }
    }

    /// Begins with the next input; `false` if there is none.
    fn begin_next(&mut self) -> bool {
        if self.ahead == 0 {
            let next = self.inputs.as_slice().iter().take(AHEAD);
            self.ahead = next.len();
            self.shard.gateway().read_ahead(next.map(|waiting| &waiting.input));
        }
        self.ahead = self.ahead.saturating_sub(1);
        let Some(Waiting { input, .. }) = self.inputs.next() else {
            if !std::mem::replace(&mut self.over, true) {
                self.shard.outputs = self.hash.sum();
            }
            return false;
        };
        self.number = self.shard.next_number();
        self.shard.logged.begin(self.number, input, self.now).is_ok()
    }
}

impl Iterator for Applied<'_> {
    type Item = (u64, Output);

    fn next(&mut self) -> Option<(u64, Output)> {
        while !self.over {
            let next = self.shard.logged.next_output().map(|output| (self.number, output));
            if let Some((_, output)) = &next {
                self.hash.take_in(output);
                return next;
            }
            if !self.begin_next() {
                return None;
            }
        }
        None
    }
}

/// The log has the group: so the machine takes all of it in, whoever reads.
impl Drop for Applied<'_> {
    fn drop(&mut self) {
        self.look(|_, _| {});
    }
}

/// What a group begins with: its version, the behaviour, the hash of the outputs before it.
fn head(outputs: u64) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    let behaviour = Gateway::BEHAVIOUR.to_le_bytes();
    let bytes = [VERSION].into_iter().chain(behaviour).chain(outputs.to_le_bytes());
    head.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    head
}

/// The inputs of a group as they are written, each with its length.
fn frames(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let mut rest = bytes;
        let length = take_length(&mut rest)?;
        let (frame, behind) =
            bytes.split_at_checked(bytes.len().saturating_sub(rest.len()).saturating_add(length))?;
        bytes = behind;
        Some(frame)
    })
}

fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    let mut length = 0_usize;
    for digit in 0..5 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        length |= usize::from(byte & 0x7F).checked_shl(digit * 7)?;
        if byte & 0x80 == 0 {
            return Some(length);
        }
    }
    None
}

/// The hash of the outputs before a group, and its inputs.
fn open(entry: &LogEntry<'_>) -> Result<(u64, Vec<Waiting>), ReplayError> {
    let damaged = ReplayError::Damaged { number: entry.number };
    let (head, mut rest) = entry.input.split_first_chunk::<HEAD>().ok_or(damaged)?;
    let mut head = head.as_slice();
    let mut take = |length: usize| {
        let (front, back) = head.split_at_checked(length)?;
        head = back;
        Some(front.iter().rev().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)))
    };
    if take(1) != Some(u64::from(VERSION)) {
        return Err(damaged);
    }
    let behaviour = take(4).and_then(|behaviour| u32::try_from(behaviour).ok()).ok_or(damaged)?;
    let outputs = take(8).ok_or(damaged)?;
    if behaviour != Gateway::BEHAVIOUR {
        // Its inputs may look like nothing that is known here.
        let (number, expected) = (entry.number, Gateway::BEHAVIOUR);
        return Err(ReplayError::Behaviour { number, given: behaviour, expected });
    }
    let mut inputs = Vec::with_capacity(rest.len() / SHORTEST);
    while !rest.is_empty() {
        let length = take_length(&mut rest).ok_or(damaged)?;
        let (input, more) = rest.split_at_checked(length).ok_or(damaged)?;
        rest = more;
        let number = entry.number.saturating_add(inputs.len() as u64);
        let input = Input::decode(input).map_err(|error| ReplayError::Input { number, error })?;
        inputs.push(Waiting::from(input));
    }
    Ok((outputs, inputs))
}
