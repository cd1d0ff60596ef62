//! The leases of a process's shards: renewed in one go, and asked before anything leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use reveille_gateway::store::{Claim, ShardId, Store, StoreError};

use super::Out;
use crate::clock::{Clock, Uptime};

/// Until when the shards are ours, on a clock that counts sleep. Clones say the same.
#[derive(Clone, Debug)]
pub struct Lease {
    until: Arc<AtomicU64>,
    clock: Clock,
}

impl Lease {
    /// Claims all shards; waits for those that another process holds, for as long as its lease lasts.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn claim<S: Store>(
        store: &S,
        owner: &str,
        span: Duration,
        clock: &Clock,
    ) -> Result<(Self, Vec<Claim>), StoreError> {
        let all: Vec<ShardId> = ShardId::all().collect();
        loop {
            let begun = clock.uptime();
            let answers = store.claim(&all, owner, span, clock.now()).await?;
            let held = answers.iter().filter_map(|answer| answer.err()).map(|held| held.remaining).max();
            let Some(remaining) = held else {
                let until = Arc::new(AtomicU64::new(begun.after(span).as_millis()));
                let claims = answers.into_iter().filter_map(Result::ok).collect();
                return Ok((Self { until, clock: clock.clone() }, claims));
            };
            // Some are ours already; they are claimed again with the others.
            tokio::time::sleep(remaining.clamp(Duration::from_millis(100), Duration::from_secs(5))).await;
        }
    }

    /// Whether the shards are ours at this moment: asked before a byte leaves. A process that slept through its lease
    /// finds out here.
    pub fn is_ours(&self) -> bool {
        self.clock.uptime().as_millis() < self.until.load(Relaxed)
    }

    /// Renews at a third of the lease, until it is lost.
    pub async fn keep<S: Store>(self, store: Arc<S>, claims: Vec<Claim>, span: Duration) -> Out {
        loop {
            tokio::time::sleep(span / 3).await;
            let begun: Uptime = self.clock.uptime();
            match store.renew(&claims, span, self.clock.now()).await {
                Ok(answers) => match answers.into_iter().find_map(Result::err) {
                    Some(lost) => return Out::Stale { shard: lost.shard.0 },
                    None => self.until.store(begun.after(span).as_millis(), Relaxed),
                },
                // Nothing leaves when the lease is over; the next round may be better.
                Err(error) if error.passes() => {}
                Err(error) => return error.into(),
            }
        }
    }
}
