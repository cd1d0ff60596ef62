//! The shards of a process: 256, on a few threads, each owned by one task.
//!
//! Everything that concerns a conversation goes to its shard's inbox. The task admits it, commits a group, and lets the
//! outputs go; while a commit is under way the next group gathers.

mod credits;
mod effects;
mod lease;
mod open;
mod owner;

use std::sync::Arc;
use std::time::Duration;

use reveille_conversation::rules::Rules;
use reveille_gateway::admission::{Bound, Refused};
use reveille_gateway::store::seal::Sealer;
use reveille_gateway::store::{Claim, ShardId, Store, StoreError};
use reveille_gateway::{Gateway, GatewaySettings, Input, Seed};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::committer::Committer;
use crate::desk::Mail;
use crate::metrics::Metrics;
use crate::outgoing::Outgoing;

pub use credits::Credits;
pub use lease::Lease;
pub use open::OpenFailure;

use credits::Credit;
use owner::Owner;

/// How shards are kept.
#[derive(Clone, Debug)]
pub struct ShardSettings {
    /// The name of this process among those that share a store: the same after a restart.
    pub owner: String,
    /// Threads. Default: the number of processors.
    pub threads: usize,
    /// For how long a shard is claimed; renewed at a third of it. Default: 30 s.
    pub lease: Duration,
    /// A snapshot is taken after so many inputs. Default: 20,000.
    pub snapshot_inputs: u64,
    /// … and when the last one is so old and something happened since. Default: 12 h.
    pub snapshot_age: Duration,
    /// The machine's own settings.
    pub gateway: GatewaySettings,
    /// The rules.
    pub rules: Rules,
}

/// What every shard needs. Clones are for the same process.
pub struct Shared<S> {
    /// Where everything lies.
    pub store: Arc<S>,
    /// The way into it.
    pub committer: Committer,
    /// Seals what goes there.
    pub sealer: Sealer,
    /// Names everything.
    pub seed: Seed,
    /// The time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where outputs go.
    pub desk: mpsc::UnboundedSender<Mail>,
    /// Who is told of what happens, if anybody.
    pub(crate) outgoing: Option<Arc<Outgoing<S>>>,
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            committer: self.committer.clone(),
            sealer: self.sealer.clone(),
            seed: self.seed,
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
            desk: self.desk.clone(),
            outgoing: self.outgoing.clone(),
        }
    }
}

/// The way to the shards of this process. Clones lead to the same ones.
#[derive(Clone)]
pub struct Shards {
    seed: Seed,
    inboxes: Arc<[mpsc::UnboundedSender<Ask>]>,
    credits: Credits,
    committer: Committer,
}

pub(crate) enum Ask {
    /// Events: refused over a bound, answered when they are on disk.
    Events { inputs: Vec<Input>, credit: Credit, answer: oneshot::Sender<Result<(), NotTaken>> },
    /// What answers an output, or what the process itself wants: never refused.
    Answer(Input),
    /// A question between two groups.
    Question(Box<dyn FnOnce(&Gateway) + Send>),
}

/// Events that wait for their commit.
#[must_use = "they are not on disk yet"]
pub struct Submitted(oneshot::Receiver<Result<(), NotTaken>>);

impl Submitted {
    /// Waits until they are on disk.
    ///
    /// # Errors
    /// [`NotTaken`], as [`Shards::submit`] has it.
    pub async fn done(self) -> Result<(), NotTaken> {
        self.0.await.unwrap_or(Err(NotTaken::Stopping))
    }
}

/// Why events are not taken in. Nothing of what was refused is there, unless the text says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotTaken {
    /// Over a bound of the shard.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Over a bound of the process.
    #[error("the bound waiting_{bound} is reached")]
    Busy {
        /// `events` or `bytes`.
        bound: &'static str,
    },
    /// The store did not take the group: it may still do so, so send the same event ids again.
    #[error("the store does not answer: {0}")]
    Store(StoreError),
    /// The process stops.
    #[error("the service is stopping")]
    Stopping,
}

impl NotTaken {
    /// The name of the bound, if it is one.
    pub fn bound(&self) -> Option<String> {
        match self {
            Self::Refused(Refused { bound, .. }) => Some(Bound::name(*bound).to_owned()),
            Self::Busy { bound } => Some(format!("waiting_{bound}")),
            _ => None,
        }
    }
}

/// Why the shards of a process stopped by themselves: the process has to stop, too.
#[derive(Debug, Error)]
pub enum Out {
    /// Another process has claimed the shard.
    #[error("shard {shard}: another process has claimed it")]
    Stale {
        /// Which.
        shard: u8,
    },
    /// The log is not what this process thought.
    #[error("shard {shard}: {refused}")]
    Log {
        /// Which.
        shard: u8,
        /// What the store said.
        refused: reveille_gateway::store::Refused,
    },
    /// The store failed for good.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// What goes into the store could not be sealed.
    #[error("sealing failed")]
    Seal,
    /// A shard could not be opened.
    #[error("shard {shard}: {failure}")]
    Open {
        /// Which.
        shard: u8,
        /// Why.
        failure: OpenFailure,
    },
}

impl Shards {
    /// Opens claimed shards on threads of their own and runs them until `stop` says so, or one of them is out. Returns when
    /// all are open.
    ///
    /// # Errors
    /// [`Out::Open`] if one of them cannot be opened: nothing runs then.
    pub async fn start<S: Store>(
        settings: &ShardSettings,
        claims: Vec<Claim>,
        shared: Shared<S>,
        credits: Credits,
        stop: watch::Receiver<bool>,
    ) -> Result<(Self, Vec<oneshot::Receiver<Result<(), Out>>>), Out> {
        let (senders, mut receivers): (Vec<_>, Vec<_>) =
            claims.iter().map(|_| mpsc::unbounded_channel::<Ask>()).unzip();
        let committer = shared.committer.clone();
        let seed = shared.seed;
        let threads = settings.threads.clamp(1, claims.len().max(1));
        let mut portions: Vec<Vec<_>> = (0..threads).map(|_| Vec::new()).collect();
        for (at, (claim, inbox)) in claims.into_iter().zip(receivers.drain(..)).enumerate() {
            portions[at % threads].push((claim, inbox));
        }
        let (mut opened, mut ended) = (Vec::new(), Vec::new());
        for (number, portion) in portions.into_iter().enumerate() {
            let (open, is_open) = oneshot::channel();
            let (end, has_ended) = oneshot::channel();
            let (settings, shared, stop) = (settings.clone(), shared.clone(), stop.clone());
            let run = move || thread(portion, settings, shared, stop, open, end);
            std::thread::Builder::new()
                .name(format!("shards-{number}"))
                .spawn(run)
                .map_err(|error| StoreError::Unavailable { detail: format!("no thread: {error}") })?;
            opened.push(is_open);
            ended.push(has_ended);
        }
        for is_open in opened {
            is_open.await.unwrap_or(Err(Out::Store(StoreError::Closed)))?;
        }
        Ok((Self { seed, inboxes: senders.into(), credits, committer }, ended))
    }

    /// The shard of an input that belongs to a conversation.
    pub fn of(&self, input: &Input) -> Option<ShardId> {
        input.conversation().map(|conversation| ShardId(self.seed.shard(conversation)))
    }

    /// Puts events of one shard into its inbox, in the order of the calls. They are on disk when what is returned is
    /// [`done`](Submitted::done).
    ///
    /// # Errors
    /// [`NotTaken`] says why not, and which bound is reached.
    pub fn submit(&self, shard: ShardId, inputs: Vec<Input>) -> Result<Submitted, NotTaken> {
        if !self.committer.is_well() && self.credits.waiting() > 0 {
            return Err(NotTaken::Store(StoreError::Unavailable {
                detail: "the last commit failed".to_owned(),
            }));
        }
        let credit = self.credits.take(&inputs)?;
        let (answer, answered) = oneshot::channel();
        let inbox = self.inboxes.get(usize::from(shard.0)).ok_or(NotTaken::Stopping)?;
        inbox.send(Ask::Events { inputs, credit, answer }).map_err(|_| NotTaken::Stopping)?;
        Ok(Submitted(answered))
    }

    /// Hands in what answers an output of this shard.
    pub fn answer(&self, shard: ShardId, input: Input) {
        if let Some(inbox) = self.inboxes.get(usize::from(shard.0)) {
            // A shard that is out wants no answer.
            let _ = inbox.send(Ask::Answer(input));
        }
    }

    /// Asks a shard something, between two groups.
    pub async fn ask<T: Send + 'static>(
        &self,
        shard: ShardId,
        question: impl FnOnce(&Gateway) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let question = Box::new(move |gateway: &Gateway| drop(answer.send(question(gateway))));
        self.inboxes.get(usize::from(shard.0))?.send(Ask::Question(question)).ok()?;
        answered.await.ok()
    }

    /// Whether the store took the last commit.
    pub fn is_well(&self) -> bool {
        self.committer.is_well()
    }

    /// Events that wait for their commit.
    pub fn waiting(&self) -> usize {
        self.credits.waiting()
    }
}

type Inbox = mpsc::UnboundedReceiver<Ask>;

/// One thread: opens its shards side by side, says so, and runs them.
fn thread<S: Store>(
    portion: Vec<(Claim, Inbox)>,
    settings: ShardSettings,
    shared: Shared<S>,
    stop: watch::Receiver<bool>,
    opened: oneshot::Sender<Result<(), Out>>,
    ended: oneshot::Sender<Result<(), Out>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let detail = format!("no runtime: {error}");
            let _ = opened.send(Err(Out::Store(StoreError::Unavailable { detail })));
            return;
        }
    };
    let local = tokio::task::LocalSet::new();
    let all = local.run_until(async move {
        let opening = portion.into_iter().map(|(claim, inbox)| {
            let (settings, shared) = (settings.clone(), shared.clone());
            async move { Owner::open(claim, settings, shared).await.map(|owner| (owner, inbox)) }
        });
        let owners = match futures_util::future::try_join_all(opening).await {
            Ok(owners) => owners,
            Err(out) => return drop(opened.send(Err(out))),
        };
        let _ = opened.send(Ok(()));
        let running =
            owners.into_iter().map(|(owner, inbox)| tokio::task::spawn_local(owner.run(inbox, stop.clone())));
        let mut running: futures_util::stream::FuturesUnordered<_> = running.collect();
        use futures_util::StreamExt as _;
        let mut end = Ok(());
        while let Some(done) = running.next().await {
            let done = done.unwrap_or(Err(Out::Store(StoreError::Closed)));
            // The others of this thread end with it, as in a crash: the process has to stop in any case.
            if let Err(out) = done {
                let _ = ended.send(Err(out));
                return;
            }
            end = Ok(());
        }
        let _ = ended.send(end);
    });
    runtime.block_on(all);
}
