//! Single use counted by a shared store, a Redis for instance: the commands as data, the answers as data.

use std::time::Duration;

use reveille_core::{UnixTime, millis};

use crate::{Attempt, Authentic, Reason, Reservation, Verdict};

/// How single use is counted in a shared store.
///
/// 1. [`reserve`](Self::reserve) gives a command; run it.
/// 2. [`settle`](Self::settle) turns the store's answer into the verdict.
/// 3. [`commit`](Self::commit) or [`abort`](Self::abort) give the command that ends it.
///
/// ```
/// # use reveille_core::{UnixTime, millis};
/// # use reveille_crypto_ring::PROVIDER;
/// use reveille_resume::*;
/// # let keys = KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &TokenSecret::from_bytes(&[7; 32])?)?);
/// # let mine = Bindings { contact: "c-1", conversation: "k-1", device: "d-1", channel: "web" };
/// # let now = UnixTime::from_secs(1_700_000_000);
/// # let token = Issuer::new(PROVIDER).issue(&keys, &mine, now)?;
/// let (store, attempt) = (ExternalStore::default(), Attempt::new(1));
/// let authentic = Verifier::default().check(&keys, &token, &mine, now).unwrap();
///
/// let command = store.reserve(&authentic, attempt, now).unwrap();
/// let StoreCommand::SetIfAbsent { key, value, expires_in_ms } = &command else { panic!() };
/// assert_eq!(command.redis()[0..1], ["SET"]);
/// assert_eq!(command.redis()[3..], ["NX", "GET", "PX", "10000"]);
///
/// // Redis answers nil when it stored the value, else the value that was there.
/// let verdict = store.settle(authentic, attempt, StoreReply::Stored, now);
/// let Verdict::Resume(claims) = verdict else { panic!("{verdict:?}") };
/// assert_eq!(store.commit(&claims.reservation, now).redis()[0], "EVAL");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExternalStore {
    /// What keys begin with: `reveille:resume:` by default.
    pub prefix: String,
    /// How long a reservation holds without a commit: 10 s by default.
    pub lease: Duration,
    /// Since when the store has lost nothing; tokens issued before are refused. `None`: it never did. Set it, plus
    /// the issuers' clock skew, when a store comes back empty or fails over to a replica that lags.
    pub complete_since: Option<UnixTime>,
}

impl Default for ExternalStore {
    fn default() -> Self {
        Self { prefix: "reveille:resume:".to_owned(), lease: Duration::from_secs(10), complete_since: None }
    }
}

/// What the store is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreCommand {
    /// Set `key` if there is none; else give what is there.
    SetIfAbsent {
        /// Key.
        key: String,
        /// Value.
        value: String,
        /// Life time in ms.
        expires_in_ms: u64,
    },
    /// Set `key` if its value is `expected`, or `value` already; say whether that was so.
    Replace {
        /// Key.
        key: String,
        /// Value it must have.
        expected: String,
        /// Value it gets.
        value: String,
        /// Life time in ms.
        expires_in_ms: u64,
    },
    /// Delete `key` if its value is `expected`; say whether that was so.
    Delete {
        /// Key.
        key: String,
        /// Value it must have.
        expected: String,
    },
}

/// What the store said to [`StoreCommand::SetIfAbsent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreReply<'a> {
    /// There was nothing, it is ours.
    Stored,
    /// There was this value.
    Held(&'a str),
    /// It did not answer, or not in time.
    Unavailable,
}

impl ExternalStore {
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
        let single_use = token.single_use();
        if self.complete_since.is_some_and(|since| single_use.issued_at <= since) {
            return Err(Reason::ColdStart);
        }
        let reservation = self.reservation(token, attempt, now);
        Ok(StoreCommand::SetIfAbsent {
            key: self.key(&reservation),
            value: reserved(&reservation),
            expires_in_ms: millis(reservation.until.since(now)),
        })
    }

    /// The verdict, from the store's answer to [`reserve`](Self::reserve) with the same `attempt` and `now`.
    pub fn settle(
        &self,
        token: Authentic,
        attempt: Attempt,
        reply: StoreReply<'_>,
        now: UnixTime,
    ) -> Verdict {
        token.settle(match reply {
            StoreReply::Stored => Ok(self.reservation(&token, attempt, now)),
            StoreReply::Unavailable => Err(Reason::StoreUnavailable),
            StoreReply::Held(value) => Err(judge(value, attempt, now)),
        })
    }

    /// The command that marks the token as used. Let the user in only if the store says that it did it. Where its answer
    /// was lost, run it once more: that is harmless, and the answer is the same.
    #[must_use]
    pub fn commit(&self, reservation: &Reservation, now: UnixTime) -> StoreCommand {
        StoreCommand::Replace {
            key: self.key(reservation),
            expected: reserved(reservation),
            value: value('c', reservation),
            expires_in_ms: millis(reservation.keep_until.since(now)).max(1),
        }
    }

    /// The command that makes the token good again.
    #[must_use]
    pub fn abort(&self, reservation: &Reservation) -> StoreCommand {
        StoreCommand::Delete { key: self.key(reservation), expected: reserved(reservation) }
    }

    fn reservation(&self, token: &Authentic, attempt: Attempt, now: UnixTime) -> Reservation {
        let single_use = token.single_use();
        // At least 1 ms: a life time of 0 is an error in Redis.
        let until = (now + self.lease).min(single_use.keep_until).max(now + Duration::from_millis(1));
        Reservation { token_id: single_use.token_id, attempt, until, keep_until: single_use.keep_until }
    }

    fn key(&self, reservation: &Reservation) -> String {
        format!("{}{}", self.prefix, reservation.token_id)
    }
}

fn reserved(reservation: &Reservation) -> String {
    value('r', reservation)
}

/// `r` (reserved) or `c` (committed), the attempt, the end of its lease in ms.
fn value(state: char, reservation: &Reservation) -> String {
    format!("{state}.{:016x}.{}", reservation.attempt.as_u64(), reservation.until)
}

/// What a value that is already there means. A value of somebody else's making counts as a use.
fn judge(value: &str, attempt: Attempt, now: UnixTime) -> Reason {
    let mut parts = value.split('.');
    let (state, held_by, until) = (parts.next(), parts.next(), parts.next());
    let same = held_by == Some(format!("{:016x}", attempt.as_u64()).as_str());
    let in_lease =
        until.and_then(|until| until.parse().ok()).is_some_and(|until| now < UnixTime::from_millis(until));
    match state {
        Some("r" | "c") if same && in_lease => Reason::RepeatedAttempt,
        Some("r") => Reason::InUse,
        _ => Reason::Replayed,
    }
}

/// Compare and set, compare and delete: one step in Redis 2.6 and later.
const REPLACE: &str = "local v=redis.call('GET',KEYS[1]) if v==ARGV[1] or v==ARGV[2] then redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) return 1 else return 0 end";
const DELETE: &str =
    "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) else return 0 end";

impl StoreCommand {
    /// The command's words for Redis 7.0 or later (`SET … NX GET`) and what speaks its protocol. `SET` answers nil if
    /// it stored the value; the scripts answer 1 if they did their work.
    #[must_use]
    pub fn redis(&self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::SetIfAbsent { key, value, expires_in_ms } => {
                words(&["SET", key, value, "NX", "GET", "PX", &expires_in_ms.to_string()])
            }
            Self::Replace { key, expected, value, expires_in_ms } => {
                words(&["EVAL", REPLACE, "1", key, expected, value, &expires_in_ms.to_string()])
            }
            Self::Delete { key, expected } => words(&["EVAL", DELETE, "1", key, expected]),
        }
    }
}
