//! Names of persons and queues, and the texts of messages, asked of the platform: each once, however many calls wait for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reveille_conversation::lookup::{Answer, Lookup, LookupKey};
use reveille_conversation::text::Text;
use reveille_gateway::Input;
use reveille_gateway::store::ShardId;

use super::known::Known;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::platform::{Haste, Place, Platform, PlatformFailure, path};
use crate::shards::Shards;

/// Names that are kept, for an hour …
const MOST: usize = 20_000;
const KEPT: Duration = Duration::from_secs(3_600);
/// … and that nobody has this one, for a minute.
const UNKNOWN: Duration = Duration::from_secs(60);
/// Questions that are under way. Over it the answer is "unknown" at once.
const UNDER_WAY: usize = 1_000;
/// The machine lets go at the deadline by itself; an answer of ours that is a little earlier saves nothing but says why.
const BEFORE: Duration = Duration::from_millis(20);
/// Nobody believes a deadline that is further away than this.
const LONGEST: Duration = Duration::from_secs(1);
/// What comes too late for one call is there for the next one.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Names {
    platform: Option<Arc<Platform>>,
    clock: Clock,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

struct State {
    known: Known<LookupKey, Option<Text>>,
    /// Who waits for an answer.
    waiting: HashMap<LookupKey, Vec<ShardId>>,
}

impl Names {
    pub(super) fn new(platform: Option<Arc<Platform>>, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let state = State { known: Known::new(MOST), waiting: HashMap::new() };
        Self { platform, clock, metrics, state: Mutex::new(state) }
    }

    pub(super) fn look_up(names: &Arc<Self>, shards: &Shards, shard: ShardId, lookup: Lookup) {
        let Lookup { of, deadline } = lookup;
        let answer = |of, text| shards.answer(shard, Input::Answer(Answer { of, text }));
        let Some(platform) = names.platform.clone() else { return answer(of, None) };
        let mut state = names.state();
        if let Some(known) = state.known.find(&of, names.clock.uptime()) {
            names.metrics.count("names", "kept");
            return answer(of, known);
        }
        let room = state.waiting.len() < UNDER_WAY;
        match state.waiting.entry(of.clone()) {
            Entry::Occupied(mut waiting) => {
                if !waiting.get().contains(&shard) {
                    waiting.get_mut().push(shard);
                }
                return;
            }
            Entry::Vacant(waiting) if room => drop(waiting.insert(vec![shard])),
            Entry::Vacant(_) => {
                names.metrics.count("names", "crowded");
                return answer(of, None);
            }
        }
        drop(state);
        let wait = deadline.since(names.clock.now()).saturating_sub(BEFORE).min(LONGEST);
        let (names, shards) = (Arc::clone(names), shards.clone());
        tokio::spawn(async move { names.ask(&platform, &shards, of, wait).await });
    }

    async fn ask(&self, platform: &Platform, shards: &Shards, of: LookupKey, wait: Duration) {
        let fetch = tokio::time::timeout(PATIENCE, fetch(platform, &of));
        let mut fetch = std::pin::pin!(fetch);
        let late = PlatformFailure::Late;
        let first = tokio::time::timeout(wait, &mut fetch).await;
        let in_time = first.is_ok();
        if !in_time {
            self.metrics.count("names", "late");
            self.answer(shards, &of, None);
        }
        let fetched = match first {
            Ok(fetched) => fetched.unwrap_or(Err(late)),
            Err(_) => fetch.await.unwrap_or(Err(late)),
        };
        if in_time {
            let word = match &fetched {
                Ok(Some(_)) => "found",
                Ok(None) => "unknown",
                Err(_) => "failed",
            };
            self.metrics.count("names", word);
        }
        let text = fetched.as_ref().ok().cloned().flatten();
        // The text of a message is asked for once; and that somebody did not answer says nothing about the name.
        if let (LookupKey::Queue(_) | LookupKey::Person(_), Ok(text)) = (&of, &fetched) {
            let span = if text.is_some() { KEPT } else { UNKNOWN };
            self.state().known.keep(of.clone(), text.clone(), span, self.clock.uptime());
        }
        self.answer(shards, &of, text);
    }

    /// Tells all that wait; whoever asks from now on asks anew.
    fn answer(&self, shards: &Shards, of: &LookupKey, text: Option<Text>) {
        let waiting = self.state().waiting.remove(of).unwrap_or_default();
        for shard in waiting {
            shards.answer(shard, Input::Answer(Answer { of: of.clone(), text: text.clone() }));
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn fetch(platform: &Platform, of: &LookupKey) -> Result<Option<Text>, PlatformFailure> {
    let settings = &platform.settings;
    let (place, path): (&Place, String) = match of {
        LookupKey::Queue(id) => (&settings.queue, path(&settings.queue.path, &[("id", id.as_str())])),
        LookupKey::Person(id) => (&settings.person, path(&settings.person.path, &[("id", id.as_str())])),
        LookupKey::Snippet(conversation, id) => {
            let values = [("conversation", conversation.as_str()), ("id", id.as_str())];
            (&settings.message, path(&settings.message.path, &values))
        }
        _ => return Ok(None),
    };
    let found = platform.get(&path, Haste::Hurries, platform.within(PATIENCE)).await?;
    let text = found.as_ref().and_then(|found| found.pointer(&place.text)?.as_str());
    Ok(text.map(str::trim).filter(|text| !text.is_empty()).map(Text::new))
}
