//! Outgoing events: devices that come and go, pushes that fail and arrive again, notifications that were opened, alerts. They
//! are signed webhooks, told at least once.
//!
//! An event is in the store before what caused it is done with: before the effects of its group are committed, before a
//! changed record is written, before a request is answered. It is deleted when the receiver has taken it. What a crash leaves
//! is told after the next start; the id is the same, so a receiver can drop what it has.

mod event;
mod recovery;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures_util::future::try_join_all;
use reveille_core::{Action, UnixTime};
use reveille_delivery::Verdict;
use reveille_gateway::store::seal::{Place, Sealer};
use reveille_gateway::store::{Store, StoreError};
use reveille_registry::DeviceKey;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::channels::Hook;
use crate::channels::answer::{Twice, verdict};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::wire::Wire;

pub(crate) use event::{Event, RETIRED};
pub(crate) use recovery::Recovery;

/// Before the time and the id in the name of what is kept.
const PREFIX: &str = "outgoing/";
/// What nobody took for so long is dropped, and counted.
const KEPT_FOR: Duration = Duration::from_secs(72 * 3_600);
/// More is not kept: the receiver is gone, and the disk is the service's.
const MOST: usize = 100_000;
/// Between two attempts of one event: the first wait, doubled each time up to the last one.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));
/// After so many failures in a row one request at a time tries whether the receiver is back.
const FAILURES: u32 = 5;

/// An event that is in the store.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    name: String,
    revision: u64,
    event: Event,
}

/// Where events go. One for a process, behind an `Arc`.
pub(crate) struct Outgoing<S> {
    hook: Hook,
    store: Arc<S>,
    sealer: Sealer,
    wire: Arc<Wire>,
    clock: Clock,
    metrics: Arc<Metrics>,
    ready: mpsc::UnboundedSender<Kept>,
    count: AtomicUsize,
    attempts: AtomicU64,
}

struct Due {
    at: UnixTime,
    attempt: u32,
    kept: Kept,
}

impl<S: Store> Outgoing<S> {
    pub(crate) fn new(
        hook: Hook,
        (store, sealer): (Arc<S>, Sealer),
        wire: Arc<Wire>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Kept>) {
        let (ready, inbox) = mpsc::unbounded_channel();
        let (count, attempts) = Default::default();
        (Arc::new(Self { hook, store, sealer, wire, clock, metrics, ready, count, attempts }), inbox)
    }

    /// Puts events into the store. They are told when they are [released](Self::release), or after the next start.
    ///
    /// # Errors
    /// [`StoreError`]: some of them may be kept.
    pub(crate) async fn keep(&self, events: Vec<Event>) -> Result<Vec<Kept>, StoreError> {
        let all = try_join_all(events.into_iter().map(|event| self.keep_one(event))).await?;
        Ok(all.into_iter().flatten().collect())
    }

    async fn keep_one(&self, event: Event) -> Result<Option<Kept>, StoreError> {
        if self.count.load(Relaxed) >= MOST {
            self.metrics.count("outgoing", "dropped_full");
            return Ok(None);
        }
        let name = format!("{PREFIX}{:015}-{}", event.at_ms, event.id);
        let Ok(json) = serde_json::to_vec(&event) else { return Ok(None) };
        let Ok(sealed) = self.sealer.seal(Place::Secret(&name), &json) else {
            self.metrics.count("outgoing", "dropped_unsealed");
            return Ok(None);
        };
        let revision = match self.store.put_secret(&name, None, Some(sealed)).await? {
            Ok(revision) => {
                self.count.fetch_add(1, Relaxed);
                revision
            }
            // It is there from before.
            Err(conflict) => conflict.found.unwrap_or_default(),
        };
        Ok(Some(Kept { name, revision, event }))
    }

    /// What caused them is done: they may be told.
    pub(crate) fn release(&self, kept: Vec<Kept>) {
        for kept in kept {
            // Without a sender it stays in the store.
            let _ = self.ready.send(kept);
        }
    }

    /// What should have caused them did not happen.
    pub(crate) async fn discard(&self, kept: Vec<Kept>) {
        for kept in kept {
            self.forget(&kept).await;
        }
    }

    /// Keeps and releases at once: for what is no part of anything else.
    pub(crate) async fn tell(&self, event: Event) -> Result<(), StoreError> {
        self.release(self.keep(vec![event]).await?);
        Ok(())
    }

    async fn forget(&self, kept: &Kept) {
        // If it stays, it is told once more after the next start.
        if let Ok(Ok(_)) = self.store.put_secret(&kept.name, Some(kept.revision), None).await {
            let _ = self.count.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1));
        }
    }

    /// What an earlier process left. Call it before anything is kept.
    ///
    /// # Errors
    /// [`StoreError`]
    pub(crate) async fn load(&self) -> Result<(), StoreError> {
        let names = self.store.secrets().await?;
        let names = names.into_iter().filter(|name| name.starts_with(PREFIX));
        for name in names {
            let Some(sealed) = self.store.secret(&name).await? else { continue };
            self.count.fetch_add(1, Relaxed);
            let opened = self.sealer.open(Place::Secret(&name), &sealed.value).ok();
            let event = opened.and_then(|bytes| serde_json::from_slice::<Event>(&bytes).ok());
            let Some(event) = event else {
                eprintln!("alert: an outgoing event in the store cannot be read: {name}");
                continue;
            };
            let kept = Kept { name, revision: sealed.revision, event };
            match self.happened(&kept.event).await? {
                true => drop(self.ready.send(kept)),
                false => self.forget(&kept).await,
            }
        }
        Ok(())
    }

    /// Whether the record of a device got as far as the event says: the process may have died between the two.
    async fn happened(&self, event: &Event) -> Result<bool, StoreError> {
        let Some((key, revision)) = event.device() else { return Ok(true) };
        let known = self.store.device(&key).await?;
        // A record that is not there any more was deleted, and had got that far.
        Ok(known.is_none_or(|known| known.revision >= revision) || event.name == RETIRED)
    }

    /// Releases what a shard found out. Where somebody else changed the record meanwhile, it says whether it is so.
    ///
    /// # Errors
    /// [`StoreError`]: what is not released is told after the next start.
    pub(crate) async fn settle(&self, kept: Vec<Kept>, conflicts: &[DeviceKey]) -> Result<(), StoreError> {
        for kept in kept {
            let device = kept.event.device().filter(|(key, _)| conflicts.contains(key));
            let is_so = match device {
                Some((key, _)) => self.store.device(&key).await?.is_none_or(|known| !known.is_reachable()),
                None => true,
            };
            match is_so {
                true => self.release(vec![kept]),
                false => self.forget(&kept).await,
            }
        }
        Ok(())
    }

    /// A number that no other attempt of this process, or of one before, has.
    pub(crate) fn attempt(&self) -> u64 {
        let millis = self.clock.now().as_millis();
        (millis << 16) | (self.attempts.fetch_add(1, Relaxed) & 0xFFFF)
    }

    /// Tells, until the task is aborted: what is not told then stays in the store.
    pub(crate) async fn run(self: Arc<Self>, mut inbox: mpsc::UnboundedReceiver<Kept>) {
        let mut due: BinaryHeap<Reverse<Due>> = BinaryHeap::new();
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut tasks: JoinSet<(Due, Verdict)> = JoinSet::new();
        let mut failures = 0_u32;
        loop {
            let now = self.clock.now();
            let places = if failures >= FAILURES { 1 } else { self.hook.in_flight as usize };
            while tasks.len() < places && due.peek().is_some_and(|next| next.0.at <= now) {
                let Some(Reverse(next)) = due.pop() else { break };
                let this = Arc::clone(&self);
                tasks.spawn(async move {
                    let verdict = this.post(&next.kept.event).await;
                    (next, verdict)
                });
            }
            let wait = match due.peek() {
                Some(next) if tasks.len() < places => next.0.at.since(now),
                _ => Duration::from_secs(1),
            };
            let wait = wait.clamp(Duration::from_millis(1), Duration::from_secs(1));
            tokio::select! {
                kept = inbox.recv() => match kept {
                    // Twice the same after a crash: once is enough.
                    Some(kept) if known.insert(kept.name.clone()) => {
                        due.push(Reverse(Due { at: now, attempt: 0, kept }));
                    }
                    Some(_) => {}
                    None => return,
                },
                Some(done) = tasks.join_next() => {
                    let Ok((mut done, verdict)) = done else { continue };
                    self.metrics.count("outgoing", verdict.name());
                    let well = matches!(verdict, Verdict::Accepted { .. });
                    failures = if well { 0 } else { failures.saturating_add(1) };
                    match self.again(&done, &verdict) {
                        None => {
                            known.remove(&done.kept.name);
                            self.forget(&done.kept).await;
                        }
                        Some(at) => {
                            (done.at, done.attempt) = (at, done.attempt.saturating_add(1));
                            due.push(Reverse(done));
                        }
                    }
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn post(&self, event: &Event) -> Verdict {
        let now = self.clock.now();
        match self.hook.signer.request(&self.hook.url, &event.id, event.body(), now) {
            Some(request) => verdict(self.wire.send(request).await, Twice::May, self.clock.now()),
            None => Verdict::NotSent,
        }
    }

    /// When it is tried again; `None`: it is taken, or dropped. At least once means that only time ends it: a receiver that
    /// refuses may be mended.
    fn again(&self, done: &Due, verdict: &Verdict) -> Option<UnixTime> {
        let now = self.clock.now();
        let action = match verdict {
            Verdict::Accepted { .. } => return None,
            Verdict::Refused { action, .. } => Some(action),
            _ => None,
        };
        if now.since(UnixTime::from_millis(done.kept.event.at_ms)) > KEPT_FOR {
            self.metrics.count("outgoing", "dropped_old");
            return None;
        }
        let (first, last) = WAITS;
        let wait = first.saturating_mul(1 << done.attempt.min(16)).min(last);
        Some(action.and_then(Action::not_before).unwrap_or(now).max(now + wait))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// By time, then by age.
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, &self.kept.name).cmp(&(other.at, &other.kept.name))
    }
}
