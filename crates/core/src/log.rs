//! A machine beside its log: numbers, snapshots, and the frame of an entry.

use thiserror::Error;

use crate::{Drain, Machine, UnixTime, varint};

/// What a [`Machine`] implements so that a snapshot can shorten its log.
pub trait Snapshot: Machine + Sized {
    /// What is not in a snapshot and has to be there when it is read: secrets, code.
    type Context;
    /// Why bytes are not this machine.
    type Error;

    /// The format of [`write`](Self::write). One that is not this one is refused.
    const FORMAT: u16;
    /// Raised whenever the same inputs give other outputs. "The very same outputs" is promised within a behaviour only, so
    /// a log of another one is refused.
    const BEHAVIOUR: u32;

    /// Tells the secret seed apart from others, without saying anything about it.
    fn seed_fingerprint(&self) -> u64;
    /// The same of the seed that is about to be used.
    fn expected_seed(context: &Self::Context) -> u64;
    /// A digest of policy and limits: who runs it compares it with the settings he wants, and logs a change if they differ.
    fn settings_digest(&self) -> u64;

    /// Appends the whole state. Only after all outputs were taken.
    fn write(&self, out: &mut Vec<u8>);
    /// Total on any bytes; allocates no more than they are long.
    ///
    /// # Errors
    /// Whatever is wrong with them.
    fn read(context: Self::Context, bytes: &[u8]) -> Result<Self, Self::Error>;
}

/// A machine that lives from a log: it takes inputs by their numbers, refuses gaps, and knows how far it is.
///
/// Use it where the log is: one machine, one log, one `Logged`. A machine inside another one needs none.
///
/// ```
/// use reveille_core::log::Logged;
/// use reveille_core::{Machine, UnixTime, Wakeup};
/// # #[derive(Default)]
/// # struct Sum(u64, Option<u64>);
/// # impl Machine for Sum {
/// #     type Input = u64;
/// #     type Output = u64;
/// #     fn step(&mut self, input: u64, _: UnixTime) { self.0 += input; self.1 = Some(self.0) }
/// #     fn next_output(&mut self) -> Option<u64> { self.1.take() }
/// #     fn next_wakeup(&self) -> Option<Wakeup> { None }
/// # }
/// let mut logged = Logged::new(Sum::default());
/// let now = UnixTime::EPOCH;
/// assert_eq!(logged.apply(1, 20, now)?.collect::<Vec<_>>(), [20]);
/// assert_eq!(logged.apply(2, 22, now)?.collect::<Vec<_>>(), [42]);
/// assert!(logged.apply(2, 22, now).is_err(), "it was applied");
/// assert!(logged.apply(4, 22, now).is_err(), "one is missing");
/// # Ok::<(), reveille_core::log::Gap>(())
/// ```
#[derive(Debug)]
pub struct Logged<M> {
    machine: M,
    applied: u64,
}

/// A number is not the next one: an entry of the log is missing, or was applied before. [`Logged::apply`] returns it
/// and changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("entry {given} of the log is not the next one: that is {expected}")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct Gap {
    /// The next one.
    pub expected: u64,
    /// What was given.
    pub given: u64,
}

/// What a snapshot says about itself: which format, which behaviour, up to which input. Read it with [`Head::of`] to
/// choose a snapshot, and the tail of the log that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Head {
    /// The format of the machine's bytes.
    pub format: u16,
    /// The behaviour that made it.
    pub behaviour: u32,
    /// The number of the last input that is in it; the tail of the log begins with the next.
    pub applied: u64,
    /// [`Snapshot::seed_fingerprint`]
    pub seed: u64,
    /// [`Snapshot::settings_digest`]
    pub settings: u64,
}

/// Why bytes are not a snapshot of this machine; the error of [`Logged::restore`]. `E` is the machine's own error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SnapshotError<E> {
    /// It is something else.
    #[error("this is not a snapshot")]
    NotASnapshot,
    /// It was cut or changed.
    #[error("the snapshot is damaged")]
    Damaged,
    /// Another release wrote it.
    #[error("the snapshot has format {given}: this release reads format {expected}")]
    Format {
        /// What it has.
        given: u16,
        /// What is read.
        expected: u16,
    },
    /// It was made under another seed: everything that was sent would get another name.
    #[error("the snapshot was made with another seed")]
    OtherSeed,
    /// The machine does not accept it.
    #[error(transparent)]
    Machine(E),
}

const MAGIC: [u8; 4] = *b"RVSN";
const HEAD: usize = 4 + 2 + 4 + 8 + 8 + 8;

impl<M: Machine> Logged<M> {
    /// A fresh machine; its first input has the number 1.
    pub const fn new(machine: M) -> Self {
        Self { machine, applied: 0 }
    }

    /// Takes in the input with this number, which is in the log, and gives what follows from it.
    ///
    /// # Errors
    /// [`Gap`]: nothing was done.
    pub fn apply(&mut self, number: u64, input: M::Input, now: UnixTime) -> Result<Drain<'_, M>, Gap> {
        let expected = self.next_number();
        if number != expected {
            return Err(Gap { expected, given: number });
        }
        self.applied = number;
        Ok(self.machine.apply(input, now))
    }

    /// Takes in the input with this number as [`apply`](Self::apply) does, but gives nothing yet: take what follows from it
    /// with [`next_output`](Self::next_output), one by one. For whoever keeps the order of things in types of his own; what he
    /// leaves is taken out and discarded before the next input.
    ///
    /// # Errors
    /// [`Gap`]: nothing was done.
    pub fn begin(&mut self, number: u64, input: M::Input, now: UnixTime) -> Result<(), Gap> {
        let expected = self.next_number();
        if number != expected {
            return Err(Gap { expected, given: number });
        }
        self.machine.discard(|_| {});
        self.applied = number;
        self.machine.step(input, now);
        Ok(())
    }

    /// The next thing that follows from the input that was begun last.
    #[inline]
    pub fn next_output(&mut self) -> Option<M::Output> {
        self.machine.next_output()
    }

    /// Takes out all that is left of what follows from that input, and lets `see` look at it.
    #[inline]
    pub fn discard(&mut self, see: impl FnMut(&M::Output)) {
        self.machine.discard(see);
    }

    /// The number that the next input has to have.
    pub const fn next_number(&self) -> u64 {
        self.applied.saturating_add(1)
    }

    /// The number of the last input.
    pub const fn applied(&self) -> u64 {
        self.applied
    }

    /// The machine, to look at.
    pub const fn machine(&self) -> &M {
        &self.machine
    }
}

impl<M: Snapshot> Logged<M> {
    /// Appends the machine and how far it is, with a check sum. What follows from the last input and was not taken is taken
    /// out and discarded first: a snapshot holds what was done, and nothing that is still to be told.
    pub fn snapshot(&mut self, out: &mut Vec<u8>) {
        self.machine.discard(|_| {});
        let start = out.len();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&M::FORMAT.to_le_bytes());
        out.extend_from_slice(&M::BEHAVIOUR.to_le_bytes());
        for number in [self.applied, self.machine.seed_fingerprint(), self.machine.settings_digest()] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        self.machine.write(out);
        let sum = check_sum(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&sum.to_le_bytes());
    }

    /// The machine as it was. It goes on with the input after [`Head::applied`]; neither time nor settings are given here,
    /// because they are inputs.
    ///
    /// # Errors
    /// [`SnapshotError`] says why these bytes cannot be used.
    pub fn restore(context: M::Context, snapshot: &[u8]) -> Result<Self, SnapshotError<M::Error>> {
        let head = Head::of(snapshot).ok_or(SnapshotError::NotASnapshot)?;
        if head.format != M::FORMAT {
            return Err(SnapshotError::Format { given: head.format, expected: M::FORMAT });
        }
        let (summed, sum) = snapshot.split_last_chunk::<8>().ok_or(SnapshotError::Damaged)?;
        if check_sum(summed) != u64::from_le_bytes(*sum) {
            return Err(SnapshotError::Damaged);
        }
        if head.seed != M::expected_seed(&context) {
            return Err(SnapshotError::OtherSeed);
        }
        let body = summed.get(HEAD..).ok_or(SnapshotError::Damaged)?;
        let machine = M::read(context, body).map_err(SnapshotError::Machine)?;
        Ok(Self { machine, applied: head.applied })
    }
}

impl Head {
    /// The head of a snapshot; `None` if it is none. Says nothing about the rest.
    #[must_use]
    pub fn of(snapshot: &[u8]) -> Option<Self> {
        let mut rest = snapshot.strip_prefix(&MAGIC)?;
        let mut next = |len: usize| {
            let (front, back) = rest.split_at_checked(len)?;
            rest = back;
            Some(front.iter().rev().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)))
        };
        Some(Self {
            format: u16::try_from(next(2)?).ok()?,
            behaviour: u32::try_from(next(4)?).ok()?,
            applied: next(8)?,
            seed: next(8)?,
            settings: next(8)?,
        })
    }
}

/// Reads a log that [`log_head`] and [`log_append`] wrote: entry by entry, each checked by its length and its check
/// sum. An entry that a crash cut off is left out, and [`valid_len`](Self::valid_len) says where to go on writing.
///
/// A store that has frames and numbers of its own (a database) needs none of this.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_core::log::{LogEntries, log_append, log_head};
///
/// let mut log = Vec::new();
/// log_head(&mut log, 1);
/// log_append(&mut log, 1, UnixTime::from_secs(5), b"first");
/// log_append(&mut log, 2, UnixTime::from_secs(6), b"second");
/// log.truncate(log.len() - 1);
/// let mut entries = LogEntries::new(&log, 1)?;
/// let first = entries.next().ok_or("nothing")?;
/// assert_eq!((first.number, first.now, first.input), (1, UnixTime::from_secs(5), b"first".as_slice()));
/// assert!(entries.next().is_none(), "the second was not written to its end");
/// assert_eq!(entries.valid_len() + 25 + 6 - 1, log.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LogEntries<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// One entry of a log, as [`LogEntries`] gives it: give its number, time and decoded input to [`Logged::apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct LogEntry<'a> {
    /// The number that it was given when it was written.
    pub number: u64,
    /// When it was.
    pub now: UnixTime,
    /// The input, encoded by the machine's own rules.
    pub input: &'a [u8],
}

/// Why a log cannot be replayed by this release; the error of [`LogEntries::new`]. No entry was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LogError {
    /// It is something else.
    #[error("this is not a log")]
    NotALog,
    /// Other code wrote it: it would not give the same outputs. Run that release once, so that it ends with a snapshot.
    #[error("the log was written by behaviour {given}: this release replays behaviour {expected}")]
    Behaviour {
        /// What it has.
        given: u32,
        /// What is replayed.
        expected: u32,
    },
}

const LOG: [u8; 4] = *b"RVLG";
/// Length, number, time; then the input, then the check sum.
const FRAME: usize = 1 + 8 + 8 + 8;

/// Begins a log at the end of `out`, for inputs of a machine with this behaviour.
pub fn log_head(out: &mut Vec<u8>, behaviour: u32) {
    out.extend_from_slice(&LOG);
    out.extend_from_slice(&behaviour.to_le_bytes());
}

/// Appends an entry. It counts when it is committed.
pub fn log_append(out: &mut Vec<u8>, number: u64, now: UnixTime, input: &[u8]) {
    let start = out.len();
    varint::put(out, input.len() as u64);
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&now.as_millis().to_le_bytes());
    out.extend_from_slice(input);
    let sum = check_sum(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&sum.to_le_bytes());
}

impl<'a> LogEntries<'a> {
    /// The entries of a log.
    ///
    /// # Errors
    /// [`LogError`] if it is none, or one of another behaviour. A log that was cut within its head is empty.
    pub fn new(bytes: &'a [u8], behaviour: u32) -> Result<Self, LogError> {
        let head = LOG.len() + 4;
        if bytes.len() < head {
            let begins = LOG.starts_with(bytes.get(..LOG.len()).unwrap_or(bytes));
            return if begins { Ok(Self { bytes: &[], at: 0 }) } else { Err(LogError::NotALog) };
        }
        let given =
            bytes.strip_prefix(&LOG).and_then(|rest| rest.first_chunk::<4>()).ok_or(LogError::NotALog)?;
        let given = u32::from_le_bytes(*given);
        if given != behaviour {
            return Err(LogError::Behaviour { given, expected: behaviour });
        }
        Ok(Self { bytes, at: head })
    }

    /// How long the part is that was read; at the end, what is behind it was not written to its end and may be cut off.
    #[must_use]
    pub const fn valid_len(&self) -> usize {
        self.at
    }

    fn entry(&self) -> Option<(LogEntry<'a>, usize)> {
        let rest = self.bytes.get(self.at..)?;
        let mut body = rest;
        let length = usize::try_from(varint::take(&mut body)?).ok()?;
        let digits = rest.len() - body.len();
        let (number, body) = body.split_first_chunk::<8>()?;
        let (now, body) = body.split_first_chunk::<8>()?;
        let (input, body) = body.split_at_checked(length)?;
        let sum = body.first_chunk::<8>()?;
        let summed = digits + 16 + length;
        if check_sum(rest.get(..summed)?) != u64::from_le_bytes(*sum) {
            return None;
        }
        let now = UnixTime::from_millis(u64::from_le_bytes(*now));
        Some((LogEntry { number: u64::from_le_bytes(*number), now, input }, summed + 8))
    }
}

impl<'a> Iterator for LogEntries<'a> {
    type Item = LogEntry<'a>;

    fn next(&mut self) -> Option<LogEntry<'a>> {
        let (entry, len) = self.entry()?;
        self.at += len;
        Some(entry)
    }
}

const _: () = assert!(FRAME == 25);

/// Against accidents, not against attackers: four lanes of multiplications, because snapshots are large and a good hash
/// would take most of the time.
#[must_use]
pub fn check_sum(bytes: &[u8]) -> u64 {
    const FACTORS: [u64; 4] =
        [0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x27D4_EB2F_1656_67C5];
    let mut lanes = FACTORS;
    let mix = |lane: &mut u64, word: &[u8; 8], factor: u64| {
        *lane = (*lane ^ u64::from_le_bytes(*word)).wrapping_mul(factor).rotate_left(29);
    };
    let (chunks, rest) = bytes.as_chunks::<32>();
    for chunk in chunks {
        let words = chunk.as_chunks::<8>().0;
        lanes.iter_mut().zip(words).zip(FACTORS).for_each(|((lane, word), factor)| mix(lane, word, factor));
    }
    for ((lane, part), factor) in lanes.iter_mut().zip(rest.chunks(8)).zip(FACTORS) {
        let mut word = [0; 8];
        word.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
        mix(lane, &word, factor);
    }
    lanes.iter().zip(FACTORS).fold(bytes.len() as u64, |sum, (lane, factor)| {
        let mixed = (sum ^ lane).wrapping_mul(factor);
        mixed ^ (mixed >> 32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wakeup;
    use proptest::prelude::*;

    struct Last(u64);

    impl Machine for Last {
        type Input = u64;
        type Output = u64;
        fn step(&mut self, input: u64, _: UnixTime) {
            self.0 = input;
        }
        fn next_output(&mut self) -> Option<u64> {
            None
        }
        fn next_wakeup(&self) -> Option<Wakeup> {
            None
        }
    }

    impl Snapshot for Last {
        type Context = u64;
        type Error = &'static str;
        const FORMAT: u16 = 3;
        const BEHAVIOUR: u32 = 7;
        fn seed_fingerprint(&self) -> u64 {
            11
        }
        fn expected_seed(context: &u64) -> u64 {
            *context
        }
        fn settings_digest(&self) -> u64 {
            12
        }
        fn write(&self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.0.to_le_bytes());
        }
        fn read(_: u64, bytes: &[u8]) -> Result<Self, &'static str> {
            bytes.try_into().map(|bytes| Self(u64::from_le_bytes(bytes))).map_err(|_| "length")
        }
    }

    /// Gives every number up to its input.
    struct Each(u64, u64);

    impl Machine for Each {
        type Input = u64;
        type Output = u64;
        fn step(&mut self, input: u64, _: UnixTime) {
            (self.0, self.1) = (1, input);
        }
        fn next_output(&mut self) -> Option<u64> {
            let next = self.0;
            self.0 += u64::from(next <= self.1);
            (next <= self.1).then_some(next)
        }
        fn next_wakeup(&self) -> Option<Wakeup> {
            None
        }
    }

    #[test]
    fn what_is_begun_is_given_one_by_one_and_what_is_left_is_discarded() {
        let mut logged = Logged::new(Each(1, 0));
        logged.begin(1, 3, UnixTime::EPOCH).unwrap();
        assert_eq!((logged.next_output(), logged.applied()), (Some(1), 1));
        assert_eq!(logged.begin(3, 9, UnixTime::EPOCH), Err(Gap { expected: 2, given: 3 }));
        assert_eq!(logged.next_output(), Some(2), "nothing was done");
        logged.begin(2, 2, UnixTime::EPOCH).unwrap();
        assert_eq!(std::iter::from_fn(|| logged.next_output()).collect::<Vec<_>>(), [1, 2]);
    }

    fn snapshot() -> Vec<u8> {
        let mut logged = Logged::new(Last(0));
        drop(logged.apply(1, 41, UnixTime::EPOCH).unwrap());
        drop(logged.apply(2, 42, UnixTime::EPOCH).unwrap());
        let mut bytes = Vec::new();
        logged.snapshot(&mut bytes);
        bytes
    }

    #[test]
    fn a_snapshot_says_how_far_it_is() {
        let head = Head { format: 3, behaviour: 7, applied: 2, seed: 11, settings: 12 };
        assert_eq!(Head::of(&snapshot()), Some(head));
        let mut logged = Logged::<Last>::restore(11, &snapshot()).unwrap();
        assert_eq!((logged.machine().0, logged.applied()), (42, 2));
        assert_eq!(logged.apply(4, 1, UnixTime::EPOCH).err(), Some(Gap { expected: 3, given: 4 }));
        assert_eq!(logged.machine().0, 42);
    }

    #[test]
    fn texts() {
        let restore =
            |seed, bytes: &[u8]| Logged::<Last>::restore(seed, bytes).map(|_| ()).unwrap_err().to_string();
        let mut other = snapshot();
        other[4] = 9;
        let mut damaged = snapshot();
        damaged[40] ^= 1;
        let all = [
            restore(11, b"RV"),
            restore(11, &other),
            restore(11, &damaged),
            restore(10, &snapshot()),
            Gap { expected: 2, given: 3 }.to_string(),
            LogEntries::new(b"nothing of the kind", 7).unwrap_err().to_string(),
            LogEntries::new(b"RVLG\x06\0\0\0", 7).unwrap_err().to_string(),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        this is not a snapshot
        the snapshot has format 9: this release reads format 3
        the snapshot is damaged
        the snapshot was made with another seed
        entry 3 of the log is not the next one: that is 2
        this is not a log
        the log was written by behaviour 6: this release replays behaviour 7
        ");
    }

    #[test]
    fn a_whole_log_is_read_to_its_end_whatever_the_lengths() {
        let lengths = [0, 1, 127, 128, 129, 255, 256, 16_383, 16_384, 16_385, 70_000];
        let (mut log, mut ends) = (Vec::new(), Vec::new());
        log_head(&mut log, 7);
        for (number, length) in (u64::MAX - 5..=u64::MAX).chain(0..5).zip(lengths) {
            log_append(&mut log, number, UnixTime::from_millis(number), &vec![number as u8; length]);
            ends.push(log.len());
        }
        let mut entries = LogEntries::new(&log, 7).unwrap();
        for (at, length) in lengths.into_iter().enumerate() {
            let number = (u64::MAX - 5).wrapping_add(at as u64);
            let entry = entries.next().unwrap();
            assert_eq!((entry.number, entry.now), (number, UnixTime::from_millis(number)), "{length}");
            assert_eq!(entry.input, vec![number as u8; length]);
            assert_eq!(entries.valid_len(), ends[at]);
        }
        assert_eq!(entries.next(), None);
        // Cut anywhere: what was written to its end, and no more.
        for cut in (8..2_000).chain([ends[9] - 1, ends[9], ends[9] + 1, log.len() - 1]) {
            let mut entries = LogEntries::new(&log[..cut], 7).unwrap();
            let whole = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(entries.by_ref().count(), whole, "{cut}");
            assert_eq!(entries.valid_len(), if whole == 0 { 8 } else { ends[whole - 1] });
        }
    }

    proptest! {
        /// However a log is cut or one byte of it changed: what is read is a beginning of what was written.
        #[test]
        fn a_log_that_was_cut_is_a_shorter_log(
            inputs in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..6),
            cut: prop::sample::Index,
            change: Option<(prop::sample::Index, u8)>,
        ) {
            let mut log = Vec::new();
            log_head(&mut log, 7);
            for (number, input) in inputs.iter().enumerate() {
                log_append(&mut log, number as u64, UnixTime::from_millis(5), input);
            }
            log.truncate(cut.index(log.len() + 1));
            if let Some((at, byte)) = change.filter(|_| log.len() > 8) {
                let at = 8 + at.index(log.len() - 8);
                log[at] = byte;
            }
            let entries = LogEntries::new(&log, 7).unwrap();
            for (entry, (number, input)) in entries.zip(inputs.iter().enumerate()) {
                prop_assert_eq!((entry.number, entry.input), (number as u64, input.as_slice()));
            }
        }

        #[test]
        fn any_bytes_are_harmless(bytes: Vec<u8>) {
            let _ = Logged::<Last>::restore(11, &bytes);
            if let Ok(entries) = LogEntries::new(&bytes, 7) {
                let _ = entries.count();
            }
            let mut log = Vec::new();
            log_head(&mut log, 7);
            log.extend_from_slice(&bytes);
            let mut entries = LogEntries::new(&log, 7).unwrap();
            let _ = entries.by_ref().count();
            prop_assert!(entries.valid_len() <= log.len());
        }
    }
}
