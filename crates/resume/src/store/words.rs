//! The commands in the words of Redis and of PostgreSQL. `.ci/interop/resume` runs them against both.

use super::StoreCommand;

/// Compare and set, compare and delete: one step in Redis 2.6 and later.
const REPLACE: &str = "local v=redis.call('GET',KEYS[1]) if v==ARGV[1] or v==ARGV[2] then redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) return 1 else return 0 end";
const DELETE: &str =
    "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) else return 0 end";

/// The table that the statements of [`StoreCommand::postgres`] work on. `synchronous_commit` must stay on, or a crash
/// of the server forgets uses.
pub const POSTGRES_TABLE: &str = "CREATE TABLE IF NOT EXISTS reveille_resume (\
    key text PRIMARY KEY, value text NOT NULL, expires_at timestamptz NOT NULL, granted boolean NOT NULL)";

/// Removes what has expired. Run it now and then: reserving does not need it, the table's size does.
pub const POSTGRES_SWEEP: &str = "DELETE FROM reveille_resume WHERE expires_at <= statement_timestamp()";

/// A row whose time is over counts as none. Every branch writes, so that exactly one row always comes back, also to the
/// loser of a race whose snapshot does not show the winner's row; `granted` says in it which branch was taken.
const RESERVE: &str = "INSERT INTO reveille_resume AS t (key, value, expires_at, granted) \
    VALUES ($1, $2, statement_timestamp() + $3::bigint * interval '1 millisecond', true) \
    ON CONFLICT (key) DO UPDATE SET \
    granted = t.expires_at <= statement_timestamp(), \
    value = CASE WHEN t.expires_at <= statement_timestamp() THEN excluded.value ELSE t.value END, \
    expires_at = CASE WHEN t.expires_at <= statement_timestamp() THEN excluded.expires_at ELSE t.expires_at END \
    RETURNING granted, value";

const COMMIT: &str = "UPDATE reveille_resume \
    SET value = $3, expires_at = statement_timestamp() + $4::bigint * interval '1 millisecond' \
    WHERE key = $1 AND value IN ($2, $3) AND expires_at > statement_timestamp()";

const ABORT: &str = "DELETE FROM reveille_resume WHERE key = $1 AND value = $2";

impl StoreCommand {
    /// The command's words for Redis 7.0 or later (`SET … NX GET`) and what speaks its protocol. `SET` answers nil if
    /// it stored the value ([`StoreReply::from_redis`](super::StoreReply::from_redis)); the scripts answer 1 if they did
    /// their work ([`StoreChange::from_count`](super::StoreChange::from_count)).
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

    /// The command as one statement for PostgreSQL 9.5 or later and its parameters, as text; the table is
    /// [`POSTGRES_TABLE`]. Run it as a transaction of its own, at the default isolation level. Reserving returns one row
    /// ([`StoreReply::from_postgres`](super::StoreReply::from_postgres)), the others a number of rows
    /// ([`StoreChange::from_count`](super::StoreChange::from_count)).
    #[must_use]
    pub fn postgres(&self) -> (&'static str, Vec<String>) {
        match self {
            Self::SetIfAbsent { key, value, expires_in_ms } => {
                (RESERVE, vec![key.clone(), value.clone(), expires_in_ms.to_string()])
            }
            Self::Replace { key, expected, value, expires_in_ms } => {
                (COMMIT, vec![key.clone(), expected.clone(), value.clone(), expires_in_ms.to_string()])
            }
            Self::Delete { key, expected } => (ABORT, vec![key.clone(), expected.clone()]),
        }
    }
}
