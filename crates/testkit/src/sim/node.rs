//! What is durable, and the processes that come and go.

use std::fmt::Debug;

use reveille_conversation::Kind;
use reveille_conversation::rules::Rules;
use reveille_core::UnixTime;
use reveille_core::log::LogEntry;
use reveille_delivery::LegId;
use reveille_gateway::admission::Ticket;
use reveille_gateway::{
    Admission, AdmissionLimits, CatchUp, Epoch, Gateway, GatewaySettings, Input, Output, Seed, Shard, Target,
};

use super::post::Post;
use super::shadow::Shadow;

/// A group in the log.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) now: UnixTime,
    pub(super) bytes: Vec<u8>,
    /// The number that the next group has to have.
    pub(super) next: u64,
    /// When it was committed, in true time, and what became durable with it.
    pub(super) truth: UnixTime,
    pub(super) done: Vec<Done>,
}

/// What somebody waits for, and is durable once its group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// An event, by number in the script.
    Event(usize),
    /// A change of rules, in one shard.
    Change {
        change: usize,
        shard: usize,
    },
    /// An announcement, what cancels it, and the end of its list, by number.
    Announced(usize),
    CalledOff(usize),
    ListRead(usize),
    /// That somebody logged out, in one shard.
    LoggedOut {
        number: usize,
        shard: usize,
    },
}

/// What is durable of a shard.
#[derive(Default)]
pub(super) struct Store {
    pub(super) log: Vec<Entry>,
    /// Who claimed it last.
    pub(super) owner: u32,
    /// With the number behind them; the newest last; two are kept.
    pub(super) snapshots: Vec<(u64, Vec<u8>)>,
}

impl Store {
    /// Under a number that is taken it fails, and by somebody who is not the owner any more.
    pub(super) fn append(&mut self, entry: Entry, process: u32) -> bool {
        let free = self.fits(&entry, process);
        if free {
            self.log.push(entry);
        }
        free
    }

    pub(super) fn fits(&self, entry: &Entry, process: u32) -> bool {
        process == self.owner && self.log.last().map_or(1, |last| last.next) == entry.number
    }

    pub(super) fn keep(&mut self, shard: &mut Shard) {
        let mut bytes = Vec::new();
        shard.snapshot(&mut bytes);
        self.snapshots.push((shard.next_number(), bytes));
        if self.snapshots.len() > 2 {
            self.snapshots.remove(0);
        }
    }

    /// As it was then. Gives what is in it no more.
    pub(super) fn roll_back(&mut self, to: UnixTime) -> Vec<Done> {
        let kept = self.log.iter().take_while(|entry| entry.truth <= to).count();
        let mut lost: Vec<Done> = self.log.split_off(kept).into_iter().flat_map(|entry| entry.done).collect();
        // What came twice is lost only if it came first behind it.
        lost.retain(|done| !self.log.iter().any(|entry| entry.done.contains(done)));
        let next = self.log.last().map_or(1, |last| last.next);
        self.snapshots.retain(|(number, _)| *number <= next);
        lost
    }
}

/// A shard in a process.
pub(super) struct Cell {
    pub(super) shard: Shard,
    pub(super) admission: Admission,
    pub(super) groups: usize,
    /// What the clock would show, if it had not been set since the last group.
    pub(super) stepped: Option<UnixTime>,
    /// What waits for its commit.
    pub(super) tickets: Vec<(Ticket, Done)>,
    /// Ends of lists that wait for their commit. They have no tickets: answers about an audience let others pass.
    pub(super) ends: Vec<Done>,
    /// Legs that a service took, with an answer that waits for its commit.
    pub(super) accepted: Vec<LegId>,
    pub(super) shadow: Option<Shadow>,
}

/// A process.
pub(super) struct Node {
    pub(super) number: u32,
    pub(super) cells: Vec<Cell>,
    pub(super) post: Post,
    /// What came while it slept.
    pub(super) mail: Vec<(usize, Input)>,
    /// Until then nobody else lets anything go, in true time.
    pub(super) lease: UnixTime,
}

pub(super) fn settings() -> GatewaySettings {
    GatewaySettings::default()
        .with_trail(100_000)
        // Small pages, so that there are many of them, and more jobs than a lane lets go within some seconds.
        .with_announcements(16, 16, 512)
        .with_fallback(Kind::NewMessage, Target::Sms)
        .with_fallback(Kind::CallbackReady, Target::Sms)
}

fn gateway(seed: Seed) -> Gateway {
    ok(Gateway::new(Rules::default(), settings(), seed), "a gateway")
}

#[allow(clippy::panic, reason = "a test library fails by panicking")]
pub(super) fn fail(why: &str) -> ! {
    panic!("{why}")
}

pub(super) fn ok<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => fail(&format!("{what}: {error:?}")),
    }
}

impl Cell {
    pub(super) fn new(seed: Seed) -> Self {
        Self::of(Shard::new(gateway(seed)))
    }

    fn of(shard: Shard) -> Self {
        Self {
            shard,
            admission: Admission::new(AdmissionLimits::default()),
            groups: 0,
            stepped: None,
            tickets: Vec::new(),
            accepted: Vec::new(),
            ends: Vec::new(),
            shadow: None,
        }
    }

    pub(super) fn admit(&mut self, input: Input) -> Ticket {
        ok(self.admission.admit(input, self.shard.gateway()), "admission")
    }

    /// A new process: a snapshot (the newest is number 0; one more than there are: none), then the log behind it. Gives the
    /// outputs of the replay.
    pub(super) fn restart(
        store: &mut Store,
        seed: Seed,
        snapshot: usize,
        tail: bool,
        epoch: Epoch,
    ) -> (Self, Vec<(u64, Output)>) {
        let kept = store.snapshots.len().checked_sub(snapshot + 1).and_then(|at| store.snapshots.get(at));
        let mut shard = match kept {
            Some((_, bytes)) => ok(Shard::restore(seed, bytes), "a snapshot"),
            None => Shard::new(gateway(seed)),
        };
        let mut outputs = Vec::new();
        if tail {
            let first = shard.next_number();
            for entry in store.log.iter().filter(|entry| entry.next > first) {
                let entry = LogEntry { number: entry.number, now: entry.now, input: &entry.bytes };
                outputs.extend(ok(shard.replay(&entry), "the log"));
            }
        } else {
            let next = shard.next_number();
            store.log.retain(|entry| entry.next <= next);
        }
        let mut cell = Self::of(shard);
        cell.admit(Input::Owner(epoch));
        cell.admit(Input::Recovered(CatchUp::default()));
        (cell, outputs)
    }
}
