//! One rate for many keys, in bounded memory.

use std::hash::Hasher as _;
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_core::settings::{InvalidSettings, number};
use reveille_core::siphash::Sip13;

use super::settings::MOST_KEYS;
use super::{Level, Rate};

const WAYS: usize = 8;

/// One [`Rate`] for each of many recipients, devices or conversations, in a fixed amount of memory. A
/// [`Pacer`](super::Pacer) has its own; use this one to limit what does not go through a pacer.
///
/// Eight keys share a line of a fixed table. When a line is full, the key that owes least goes: it holds the least that
/// could be forgotten (its next take begins afresh). Keys are hashed with a secret seed, so nobody can crowd a line on
/// purpose.
#[derive(Debug)]
pub struct Keyed {
    rate: Rate,
    seed: u64,
    lines: Vec<Line>,
}

/// The names first: they are one line of memory.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Line {
    names: [u64; WAYS],
    levels: [Level; WAYS],
}

impl Keyed {
    /// A limiter that knows at least `keys` keys at once: 24 bytes each, taken at the start.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 to 16,777,216 keys.
    pub fn new(rate: Rate, keys: usize, seed: u64) -> Result<Self, InvalidSettings> {
        number("keys", keys as u64, 1..=MOST_KEYS)?;
        Ok(Self::checked(rate, keys, seed))
    }

    pub(super) fn checked(rate: Rate, keys: usize, seed: u64) -> Self {
        let lines = keys.div_ceil(WAYS).next_power_of_two();
        Self { rate, seed, lines: vec![Line::default(); lines] }
    }

    /// The rate of every key.
    #[must_use]
    pub const fn rate(&self) -> &Rate {
        &self.rate
    }

    /// Takes one for a key.
    ///
    /// # Errors
    /// When to come again.
    #[inline]
    pub fn take(&mut self, key: u64, now: UnixTime) -> Result<(), UnixTime> {
        let rate = self.rate;
        self.level(key, now).map_or(Ok(()), |level| level.take(&rate, now))
    }

    /// When one could be taken for a key.
    ///
    /// # Errors
    /// When to come again.
    #[inline]
    pub fn peek(&self, key: u64, now: UnixTime) -> Result<(), UnixTime> {
        let (name, at) = self.place(key);
        let known = self.lines.get(at).and_then(|line| line.levels.get(line.way(name)?));
        known.map_or(Ok(()), |level| level.peek(&self.rate, now))
    }

    /// Gives one back that was taken for a key and not used. A key that was forgotten meanwhile has nothing to give back to.
    pub fn refund(&mut self, key: u64, now: UnixTime) {
        let (name, at) = self.place(key);
        let Some(line) = self.lines.get_mut(at) else { return };
        if let Some(level) = line.way(name).and_then(|way| line.levels.get_mut(way)) {
            level.refund(&self.rate, now);
        }
    }

    /// Lets nothing of a key through before `until`.
    pub fn block(&mut self, key: u64, until: UnixTime, now: UnixTime) {
        let rate = self.rate;
        if let Some(level) = self.level(key, now) {
            level.block(&rate, until, now);
        }
    }

    /// A place behind those that wait for the key's rate; the first of them may come again at `first`.
    pub(super) fn queue(&mut self, key: u64, furthest: Duration, first: UnixTime) -> Duration {
        let rate = self.rate;
        self.level(key, first).map_or(Duration::ZERO, |level| level.queue(&rate, furthest, first))
    }

    /// Reads a key's line, so that it comes from memory.
    #[inline]
    pub(super) fn touch(&self, key: u64) -> u64 {
        let (_, at) = self.place(key);
        let line = self.lines.get(at);
        line.map_or(0, |Line { names: [name, ..], levels: [level, ..] }| name ^ level.since())
    }

    /// A name that is not 0, and where it belongs.
    #[inline]
    fn place(&self, key: u64) -> (u64, usize) {
        let mut hash = Sip13::new(self.seed, u64::from_le_bytes(*b"keyed\0\0\0"));
        hash.write_u64(key);
        let name = hash.finish();
        (name | 1, (name >> 1) as usize & (self.lines.len().wrapping_sub(1)))
    }

    #[inline]
    fn level(&mut self, key: u64, now: UnixTime) -> Option<&mut Level> {
        let (name, at) = self.place(key);
        let line = self.lines.get_mut(at)?;
        if let Some(way) = line.way(name) {
            return line.levels.get_mut(way);
        }
        let way = line.least(now);
        *line.names.get_mut(way)? = name;
        let level = line.levels.get_mut(way)?;
        *level = Level::EMPTY;
        Some(level)
    }
}

impl Line {
    #[inline]
    fn way(&self, name: u64) -> Option<usize> {
        self.names.iter().position(|known| *known == name)
    }

    /// The way that owes least; nobody owes less than nothing.
    #[inline]
    fn least(&self, now: UnixTime) -> usize {
        let mut least = (u64::MAX, 0);
        for (way, level) in self.levels.iter().enumerate() {
            let owed = level.owed(now);
            if owed == 0 {
                return way;
            }
            if owed < least.0 {
                least = (owed, way);
            }
        }
        least.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn keys_do_not_disturb_each_other() {
        let rate = Rate::new(1, Duration::from_secs(1), 2).unwrap();
        let mut keyed = Keyed::new(rate, 10_000, 3).unwrap();
        let mut exact: HashMap<u64, Level> = HashMap::new();
        for step in 0..20_000_u64 {
            let (key, now) = (step * step % 701, UnixTime::from_millis(step * 3));
            let expected = exact.entry(key).or_default().take(&rate, now);
            assert_eq!(keyed.peek(key, now).is_ok(), expected.is_ok());
            assert_eq!(keyed.take(key, now), expected);
        }
    }

    /// governor's keyed store grows with every key (its issue about memory and IPv6 addresses).
    #[test]
    fn a_flood_of_keys_neither_grows_it_nor_frees_who_owes_most() {
        let rate = Rate::new(1, Duration::from_secs(60), 4).unwrap();
        let mut keyed = Keyed::new(rate, 64, 3).unwrap();
        let (heavy, now) = (1_u64 << 40, UnixTime::from_secs(9));
        let size = keyed.lines.len();
        for flood in 0..100_000 {
            if keyed.peek(heavy, now).is_ok() {
                keyed.take(heavy, now).unwrap();
            }
            keyed.take(flood, now).unwrap();
        }
        assert_eq!(keyed.lines.len(), size);
        assert!(keyed.peek(heavy, now).is_err(), "the flood pushes out itself");
    }

    #[test]
    fn a_refund_for_a_key_that_was_forgotten_pushes_nobody_out() {
        let rate = Rate::new(1, Duration::from_secs(60), 1).unwrap();
        let (mut keyed, now) = (Keyed::new(rate, WAYS, 3).unwrap(), UnixTime::from_secs(9));
        (0..WAYS as u64).for_each(|key| keyed.take(key, now).unwrap());
        (100..1_000).for_each(|key| keyed.refund(key, now));
        assert!((0..WAYS as u64).all(|key| keyed.peek(key, now).is_err()));
    }
}
