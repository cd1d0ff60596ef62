//! Questions that are answered from elsewhere: names and snippets for a text, whether somebody is there, who belongs to an
//! audience.

mod audience;
mod known;
mod names;
mod presence;

use std::sync::Arc;

use reveille_conversation::lookup::Lookup;
use reveille_gateway::audience::Wanted;
use reveille_gateway::store::{ShardId, Store};

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::platform::Platform;
use crate::shards::Shards;

pub use audience::{APP, AudienceNames, AudienceSettings};
pub use presence::AskPresence;

use audience::Audiences;
use names::Names;

/// Answers the questions of shards. Nothing here makes anybody wait: each question is a task of its own.
pub struct Lookups<S> {
    shards: Shards,
    names: Arc<Names>,
    audiences: Arc<Audiences<S>>,
}

impl<S: Store> Lookups<S> {
    /// With a platform that knows names, or without.
    pub fn new(
        store: Arc<S>,
        shards: Shards,
        platform: Option<Arc<Platform>>,
        audiences: &[AudienceSettings],
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let names = Names::new(platform.clone(), clock.clone(), Arc::clone(&metrics));
        let audiences = Audiences::new(store, platform, audiences, clock, metrics);
        Self { shards, names: Arc::new(names), audiences: Arc::new(audiences) }
    }

    /// A name, or the text of a message: answered before its deadline, with nothing if nobody knows.
    pub fn name(&self, shard: ShardId, lookup: Lookup) {
        Names::look_up(&self.names, &self.shards, shard, lookup);
    }

    /// The next people of an audience. Nothing hurries; what is not answered is asked for again.
    pub fn page(&self, shard: ShardId, wanted: Wanted) {
        let (audiences, shards) = (Arc::clone(&self.audiences), self.shards.clone());
        tokio::spawn(async move { audiences.answer(&shards, shard, wanted).await });
    }
}
