//! A piece of work, and how long commits take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reveille_gateway::store::StoreError;
use tokio::sync::oneshot;

use super::writes::Writes;

/// Work for the thread: it is run in a transaction, and answered when that is committed.
pub(super) trait Work: Send {
    /// Changes the tables. An error ends the whole transaction.
    fn run(&mut self, writes: &mut Writes<'_>) -> Result<(), redb::Error>;
    /// Tells whoever waits.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

pub(super) struct Piece<F, T> {
    pub(super) work: Option<F>,
    pub(super) found: Option<T>,
    pub(super) reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Work for Piece<F, T>
where
    F: FnOnce(&mut Writes<'_>) -> Result<T, redb::Error> + Send,
    T: Send,
{
    fn run(&mut self, writes: &mut Writes<'_>) -> Result<(), redb::Error> {
        if let Some(work) = self.work.take() {
            self.found = Some(work(writes)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { found, reply, .. } = *self;
        // If nobody waits any more, nobody wants to know.
        let _ = reply.send(committed.and_then(|()| found.ok_or(StoreError::Closed)));
    }
}

/// How long commits took, from the first piece of work to the end of the sync: a histogram for metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommitTimes {
    /// How many commits there were.
    pub commits: u64,
    /// How many pieces of work were in them.
    pub pieces: u64,
    /// How long all of them took together.
    pub total: Duration,
    /// How many took less than 2^n microseconds, but not less than half of that, for n from 0.
    pub less_than: [u64; 32],
}

#[derive(Debug, Default)]
pub(super) struct Counted {
    commits: AtomicU64,
    pieces: AtomicU64,
    micros: AtomicU64,
    less_than: [AtomicU64; 32],
}

impl Counted {
    pub(super) fn add(&self, pieces: usize, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = (64 - micros.leading_zeros()) as usize;
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.pieces.fetch_add(pieces as u64, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        if let Some(count) = self.less_than.get(place).or(self.less_than.last()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn times(&self) -> CommitTimes {
        CommitTimes {
            commits: self.commits.load(Ordering::Relaxed),
            pieces: self.pieces.load(Ordering::Relaxed),
            total: Duration::from_micros(self.micros.load(Ordering::Relaxed)),
            less_than: std::array::from_fn(|at| {
                self.less_than.get(at).map_or(0, |count| count.load(Ordering::Relaxed))
            }),
        }
    }
}
