//! The tokens that are kept, and which of them is good now.
//!
//! More than one, because the clock may jump for a moment: what is signed for the wrong time must not take the place of
//! the token that is good again when the clock is right.

use std::time::Duration;

use http::HeaderValue;
use reveille_core::UnixTime;

use super::Token;
use super::token::LIFE;

/// "No more than once every 20 minutes" (Apple).
pub(super) const SHORTEST: Duration = Duration::from_secs(20 * 60);
/// Clocks of two machines, and of two threads that read one, differ by so much without being wrong.
pub(super) const SKEW: Duration = Duration::from_secs(60);
/// The one in use, and those of three other times.
const KEPT: usize = 4;

#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    tokens: Vec<Entry>,
    /// Counts uses, so that the token that was longest out of use goes first.
    uses: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    token: Token,
    /// APNs refused it as expired.
    refused: bool,
    last_use: u64,
}

/// What the best token is good for, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// To be used.
    Good,
    /// Issued up to 20 minutes in the future, by a clock that was ahead or is behind now. It is used: a new one would be
    /// the second within 20 minutes.
    Ahead,
    /// Refused, and too young to be the fault: used, until it is 20 minutes old.
    Doubted,
    /// To be renewed, and used meanwhile.
    Due,
    /// Refused, and to be replaced.
    Refused,
}

impl Kept {
    /// The best token for `now`; none that is an hour old, or more than 20 minutes ahead.
    pub(super) fn best(&self, renew_after: Duration, now: UnixTime) -> Option<(Rank, &Token)> {
        self.position(renew_after, now).and_then(|(rank, at)| Some((rank, &self.tokens.get(at)?.token)))
    }

    /// The same, and it counts as used.
    pub(super) fn use_best(&mut self, renew_after: Duration, now: UnixTime) -> Option<(Rank, Token)> {
        let (rank, at) = self.position(renew_after, now)?;
        self.uses = self.uses.saturating_add(1);
        let entry = self.tokens.get_mut(at)?;
        entry.last_use = self.uses;
        Some((rank, entry.token.clone()))
    }

    fn position(&self, renew_after: Duration, now: UnixTime) -> Option<(Rank, usize)> {
        let usable = self.tokens.iter().enumerate().filter(|(_, entry)| {
            entry.token.issued_at() <= now + SHORTEST && now.since(entry.token.issued_at()) < LIFE
        });
        let ranked = usable.map(|(at, entry)| (entry.rank(renew_after, now), entry.token.issued_at(), at));
        let best = ranked.min_by_key(|(rank, issued_at, _)| (*rank, std::cmp::Reverse(*issued_at)))?;
        Some((best.0, best.2))
    }

    /// Adds a token; of too many, the one that was longest out of use goes.
    pub(super) fn add(&mut self, token: Token) {
        if self.tokens.len() >= KEPT
            && let Some(at) =
                (0..self.tokens.len()).min_by_key(|at| self.tokens.get(*at).map(|entry| entry.last_use))
        {
            self.tokens.swap_remove(at);
        }
        self.uses = self.uses.saturating_add(1);
        self.tokens.push(Entry { token, refused: false, last_use: self.uses });
    }

    /// Marks a token as refused: its time of issue, if it is one of these.
    pub(super) fn refuse(&mut self, authorization: &HeaderValue) -> Option<UnixTime> {
        let entry = self.tokens.iter_mut().find(|entry| entry.token.authorization() == authorization)?;
        entry.refused = true;
        Some(entry.token.issued_at())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}

impl Entry {
    fn rank(&self, renew_after: Duration, now: UnixTime) -> Rank {
        let issued_at = self.token.issued_at();
        let (age, ahead) = (now.since(issued_at), issued_at > now + SKEW);
        match (self.refused, ahead) {
            // A token of a clock that was ahead is refused for that, however young it is.
            (true, true) => Rank::Refused,
            (true, false) if age >= SHORTEST => Rank::Refused,
            (true, false) => Rank::Doubted,
            (false, true) => Rank::Ahead,
            (false, false) if age >= renew_after.min(LIFE) => Rank::Due,
            (false, false) => Rank::Good,
        }
    }
}
