//! What can happen in a run.

use std::time::Duration;

use reveille_gateway::{Input, Recipient};

use super::operator::Operator;
use super::wire::Weather;

/// Something that will happen.
pub(super) enum Next {
    /// A source delivers an event.
    Arrive(usize),
    /// The same with an announcement, and then somebody wants it to stop.
    Announce(usize),
    CallNewsOff(usize),
    /// An answer comes back to the process with this number.
    Answer {
        process: u32,
        shard: usize,
        input: Box<Input>,
    },
    /// Somebody looks devices up, because of this input, while so many were committed.
    Resolve {
        process: u32,
        shard: usize,
        recipient: Box<Recipient>,
        cause: (u64, u64),
    },
    /// A service has answered, or nobody has for too long.
    Answered {
        process: u32,
        flight: u64,
        how: Box<super::carry::How>,
    },
    /// The token server has answered.
    Fetched {
        credential: reveille_writer::credential::Credential,
        fetch: reveille_fcm::credential::FetchId,
        well: bool,
    },
    /// What waits is put into a group.
    Commit {
        process: u32,
        shard: usize,
    },
    Restart,
    SetClock(i64),
    Register(usize),
    Rotate(usize),
    Forget(usize),
    Pause(usize, Duration),
    Weather(Weather),
    /// Google revokes what it gave out.
    Revoke,
    /// Other rules and settings, for all shards.
    Change,
    Operator(Operator),
    /// The process stops for a while, and another one takes over.
    Sleep,
    Wake {
        process: u32,
    },
    /// All stores are as they were so long ago.
    Backup(Duration),
    /// A step of a token on its way back into its conversation.
    Resume {
        shard: usize,
        input: Box<Input>,
    },
}
