//! Group commit: what all shards want written goes to the store in one go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use reveille_gateway::store::{Committed, Part, Refused, Store, StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::metrics::Metrics;

/// What the store says about one part.
pub type Answer = Result<Result<Committed, Refused>, StoreError>;

/// Parts that one commit takes at most: one for each shard, and some for effects.
const MOST: usize = 512;

struct Wanted {
    part: Part,
    hurries: bool,
    since: Instant,
    answer: oneshot::Sender<Answer>,
}

/// The way to the committer. Clones lead to the same one.
#[derive(Clone)]
pub struct Committer {
    wanted: mpsc::Sender<Wanted>,
    well: Arc<AtomicBool>,
}

impl Committer {
    /// Starts the one task that commits. It waits up to `latency` for more shards, unless a part hurries; while a commit is
    /// under way the next one gathers, so under load zero is a good latency.
    pub fn start<S: Store>(store: Arc<S>, latency: Duration, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let (wanted, queue) = mpsc::channel(2 * MOST);
        let well = Arc::new(AtomicBool::new(true));
        tokio::spawn(run(store, queue, latency, clock, metrics, Arc::clone(&well)));
        Self { wanted, well }
    }

    /// Whether the store took the last commit.
    pub fn is_well(&self) -> bool {
        self.well.load(Relaxed)
    }

    /// Commits a part with whatever comes at the same time.
    pub async fn commit(&self, part: Part, hurries: bool) -> Answer {
        let (answer, answered) = oneshot::channel();
        let wanted = Wanted { part, hurries, since: Instant::now(), answer };
        self.wanted.send(wanted).await.map_err(|_| StoreError::Closed)?;
        answered.await.unwrap_or(Err(StoreError::Closed))
    }
}

async fn run<S: Store>(
    store: Arc<S>,
    mut queue: mpsc::Receiver<Wanted>,
    latency: Duration,
    clock: Clock,
    metrics: Arc<Metrics>,
    well: Arc<AtomicBool>,
) {
    while let Some(first) = queue.recv().await {
        let mut all = vec![first];
        gather(&mut queue, &mut all, latency).await;
        let (parts, askers): (Vec<_>, Vec<_>) =
            all.into_iter().map(|wanted| (wanted.part, (wanted.answer, wanted.since))).unzip();
        metrics.commits.fetch_add(1, Relaxed);
        metrics.groups.fetch_add(parts.iter().filter(|part| part.entry.is_some()).count() as u64, Relaxed);
        let answers = store.commit(parts, clock.now()).await;
        well.store(answers.is_ok(), Relaxed);
        match answers {
            Ok(answers) => {
                // A store that answers too little has not said that the rest is there.
                let mut answers = answers.into_iter();
                for (asker, since) in askers {
                    let detail = || StoreError::Unknown { detail: "no answer for a part".to_owned() };
                    metrics.commit.record(since.elapsed());
                    let _ = asker.send(answers.next().ok_or_else(detail));
                }
            }
            Err(error) => {
                metrics.count("store_errors", if error.passes() { "passes" } else { "stays" });
                for (asker, _) in askers {
                    let _ = asker.send(Err(error.clone()));
                }
            }
        }
    }
}

/// What is there, and what comes within the latency if nothing hurries.
async fn gather(queue: &mut mpsc::Receiver<Wanted>, all: &mut Vec<Wanted>, latency: Duration) {
    let until = tokio::time::Instant::now() + latency;
    loop {
        while all.len() < MOST {
            match queue.try_recv() {
                Ok(wanted) => all.push(wanted),
                Err(_) => break,
            }
        }
        if latency.is_zero() || all.len() >= MOST || all.iter().any(|wanted| wanted.hurries) {
            return;
        }
        match tokio::time::timeout_at(until, queue.recv()).await {
            Ok(Some(wanted)) => all.push(wanted),
            _ => return,
        }
    }
}
