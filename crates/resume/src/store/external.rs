//! The store: what it is told, and what it answers.

use std::time::Duration;

use reveille_core::{UnixTime, millis};

use crate::replay::{Reservation, ReservationError};
use crate::verdict::Authentic;
use crate::{Attempt, Policy, Reason, TokenId, Verdict};

/// How single use is counted in a store that several nodes share.
///
/// 1. [`reserve`](Self::reserve) gives a command; run it.
/// 2. [`settle`](Self::settle) turns the store's answer into the verdict.
/// 3. [`commit`](Self::commit) gives the command that uses the token up; [`ReservationError`] says what to make of its
///    answer ([`StoreChange::committed`]). Or [`abort`](Self::abort).
///
/// How long the store keeps an entry is a constant, and the store's own clock measures it: the nodes' clocks decide
/// nothing here. The constant covers nodes that differ by [`with_skew`](Self::with_skew), 10 minutes by default.
///
/// **The store must not evict**: a key that goes before its time is a token that is good twice. In Redis that is
/// `maxmemory-policy noeviction`, in a database of its own if others share the memory. A store that forgets, because it
/// came back empty or failed over to a replica that lags, needs [`with_complete_since`](Self::with_complete_since).
///
/// ```
/// # use reveille_core::UnixTime;
/// # use reveille_crypto_ring::PROVIDER;
/// use reveille_resume::*;
/// use reveille_resume::store::{StoreChange, StoreReply};
/// # let keys = KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &TokenSecret::from_bytes(&[7; 32])?)?);
/// # let mine = Bindings { contact: "c-1", conversation: "k-1", device: "d-1", channel: "web" };
/// # let now = UnixTime::from_secs(1_700_000_000);
/// # let token = Issuer::new(PROVIDER).issue(&keys, &mine, now)?;
/// let verifier = Verifier::default();
/// let (store, attempt) = (ExternalStore::new(verifier.policy), Attempt::new(1));
/// let authentic = verifier.check(&keys, &token, &mine, now).expect("good");
///
/// let command = store.reserve(&authentic, attempt, now).expect("not cold");
/// assert_eq!(command.redis()[0..1], ["SET"]);
/// assert_eq!(command.redis()[3..], ["NX", "GET", "PX", "10000"]);
///
/// // Redis answers nil when it stored the value, else the value that was there.
/// let verdict = store.settle(authentic, attempt, StoreReply::from_redis(None), now);
/// let Verdict::Resume { reservation, .. } = verdict else { panic!("{verdict:?}") };
/// assert_eq!(store.commit(&reservation).redis()[0], "EVAL");
/// assert_eq!(StoreChange::from_count(1).committed(), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalStore {
    prefix: String,
    lease: Duration,
    longest: Duration,
    skew: Duration,
    complete_since: Option<UnixTime>,
}

/// What the store is to do: [`redis`](Self::redis) and [`postgres`](Self::postgres) say it in their words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "users match all of it: there is nothing else")]
pub enum StoreCommand {
    /// Set `key` if there is none; else give what is there.
    SetIfAbsent {
        /// The key in the store.
        key: String,
        /// The value to set.
        value: String,
        /// Life time in ms, by the store's clock.
        expires_in_ms: u64,
    },
    /// Set `key` if its value is `expected`, or `value` already; say whether that was so.
    Replace {
        /// The key in the store.
        key: String,
        /// Value it must have.
        expected: String,
        /// Value it gets.
        value: String,
        /// Life time in ms, by the store's clock.
        expires_in_ms: u64,
    },
    /// Delete `key` if its value is `expected`; say whether that was so.
    Delete {
        /// The key in the store.
        key: String,
        /// Value it must have.
        expected: String,
    },
}

/// What the store said to [`StoreCommand::SetIfAbsent`]; given to [`ExternalStore::settle`], which makes the verdict
/// of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "users match all of it: there is nothing else")]
pub enum StoreReply<'a> {
    /// There was nothing, it is ours.
    Stored,
    /// There was this value.
    Held(&'a str),
    /// It did not answer, or not in time.
    Unavailable,
}

impl<'a> StoreReply<'a> {
    /// From Redis' answer to `SET … NX GET`: nil, or the value that is there.
    #[must_use]
    pub const fn from_redis(answer: Option<&'a str>) -> Self {
        match answer {
            None => Self::Stored,
            Some(value) => Self::Held(value),
        }
    }

    /// From the row that PostgreSQL returns: `granted` and `value`.
    #[must_use]
    pub const fn from_postgres(granted: bool, value: &'a str) -> Self {
        if granted { Self::Stored } else { Self::Held(value) }
    }
}

/// What the store said to [`StoreCommand::Replace`] or [`StoreCommand::Delete`]; [`committed`](Self::committed) says
/// what that means for the reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "users match all of it: there is nothing else")]
pub enum StoreChange {
    /// It did it.
    Done,
    /// The value was another one, or gone.
    Refused,
    /// It did not answer, or not in time.
    Unavailable,
}

impl StoreChange {
    /// From the number that the Redis scripts return, or the number of rows that PostgreSQL changed.
    #[must_use]
    pub const fn from_count(count: u64) -> Self {
        if count == 0 { Self::Refused } else { Self::Done }
    }

    /// What it means for a commit, or for an abort. Let the user in only on `Ok`.
    ///
    /// # Errors
    /// [`ReservationError::Lapsed`]: the lease is over, the token is somebody else's or used. After an abort that is
    /// no fault. [`ReservationError::Unknown`]: no answer; run the same command again, the answer will be the same.
    pub const fn committed(self) -> Result<(), ReservationError> {
        match self {
            Self::Done => Ok(()),
            Self::Refused => Err(ReservationError::Lapsed),
            Self::Unavailable => Err(ReservationError::Unknown),
        }
    }
}

impl ExternalStore {
    /// For tokens that live as long as `policy` lets them, with leases of 10 s, nodes whose clocks differ by 10 minutes
    /// at most, and keys that begin with `reveille:resume:`.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            prefix: "reveille:resume:".to_owned(),
            lease: Duration::from_secs(10),
            longest: policy.overlap(),
            skew: Duration::from_secs(600),
            complete_since: None,
        }
    }

    /// With other keys: what they begin with.
    #[must_use]
    pub fn with_prefix(self, prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..self }
    }

    /// With another time, 1 ms or more, for which a reservation holds without a commit.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// With another bound on how far the nodes' clocks differ. It only lengthens the time for which a use is kept.
    #[must_use]
    pub fn with_skew(self, skew: Duration) -> Self {
        Self { skew, ..self }
    }

    /// Since when the store has lost nothing: tokens issued before are refused. Give the time at which it came back, plus
    /// what the issuers' clocks may be ahead.
    #[must_use]
    pub fn with_complete_since(self, since: UnixTime) -> Self {
        Self { complete_since: Some(since), ..self }
    }

    /// How long the store keeps a use: from the first moment at which a token can be used to the last.
    #[must_use]
    pub const fn keep_for(&self) -> Duration {
        self.longest.saturating_add(self.skew)
    }

    /// The command that reserves a token for an attempt.
    ///
    /// # Errors
    /// [`Reason::ColdStart`] for a token that is too old for the store.
    pub fn reserve(
        &self,
        token: &Authentic,
        attempt: Attempt,
        now: UnixTime,
    ) -> Result<StoreCommand, Reason> {
        if self.complete_since.is_some_and(|since| token.single_use().issued_at <= since) {
            return Err(Reason::ColdStart);
        }
        let reservation = self.reservation(token, attempt, now);
        Ok(StoreCommand::SetIfAbsent {
            key: self.key(reservation.token_id),
            value: value('r', &reservation),
            expires_in_ms: millis(self.lease).max(1),
        })
    }

    /// The verdict, from the store's answer to [`reserve`](Self::reserve) with the same `attempt` and `now`. The same
    /// attempt gets the reservation that it has; once it has committed, for the time of its lease.
    pub fn settle(
        &self,
        token: Authentic,
        attempt: Attempt,
        reply: StoreReply<'_>,
        now: UnixTime,
    ) -> Verdict {
        let own = self.reservation(&token, attempt, now);
        token.settle(match reply {
            StoreReply::Stored => Ok(own),
            StoreReply::Unavailable => Err(Reason::StoreUnavailable),
            StoreReply::Held(value) => judge(value, own, now),
        })
    }

    /// The command that marks the token as used. Let the user in only if the store says that it did it. Where its answer
    /// was lost, run it once more: that is harmless, and the answer is the same.
    #[must_use]
    pub fn commit(&self, reservation: &Reservation) -> StoreCommand {
        StoreCommand::Replace {
            key: self.key(reservation.token_id),
            expected: value('r', reservation),
            value: value('c', reservation),
            expires_in_ms: millis(self.keep_for()).max(1),
        }
    }

    /// The command that makes the token good again.
    #[must_use]
    pub fn abort(&self, reservation: &Reservation) -> StoreCommand {
        StoreCommand::Delete { key: self.key(reservation.token_id), expected: value('r', reservation) }
    }

    fn reservation(&self, token: &Authentic, attempt: Attempt, now: UnixTime) -> Reservation {
        let single_use = token.single_use();
        let (token_id, keep_until) = (single_use.token_id, single_use.keep_until);
        Reservation { token_id, attempt, until: now + self.lease, keep_until, repeated: false }
    }

    fn key(&self, token_id: TokenId) -> String {
        format!("{}{token_id}", self.prefix)
    }
}

/// `r` (reserved) or `c` (committed), the attempt, the end of its lease by the clock of the node that reserved. That time
/// is part of the reservation's name; whether it is over is asked only of the attempt that committed.
fn value(state: char, reservation: &Reservation) -> String {
    format!("{state}.{:016x}.{}", reservation.attempt.as_u64(), reservation.until)
}

/// What a value that is already there means for an attempt. A value of somebody else's making counts as a use.
fn judge(value: &str, own: Reservation, now: UnixTime) -> Result<Reservation, Reason> {
    let mut parts = value.split('.');
    let (state, held_by, until) = (parts.next(), parts.next(), parts.next());
    let same = held_by == Some(format!("{:016x}", own.attempt.as_u64()).as_str());
    let until = until.and_then(|until| until.parse().ok()).map(UnixTime::from_millis);
    match (state, until) {
        (Some("r"), Some(until)) if same => Ok(Reservation { until, repeated: true, ..own }),
        (Some("r"), Some(_)) => Err(Reason::InUse),
        (Some("c"), Some(until)) if same && now < until => Ok(Reservation { until, repeated: true, ..own }),
        // Not an alarm: its own lost answer, asked for late or on a node whose clock is ahead.
        (Some("c"), Some(_)) if same => Err(Reason::RepeatedAttempt),
        _ => Err(Reason::Replayed),
    }
}
