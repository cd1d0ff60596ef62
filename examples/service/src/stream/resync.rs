//! After a gap: what goes on now, asked of the platform. The stream gives no catch-up (B2).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use reveille_conversation as conversation;
use reveille_conversation::event::{Event, StateChanged, What};
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_conversation::source::{Genesys, Parsed};
use reveille_core::UnixTime;
use reveille_gateway::store::{Store, Subject};
use serde_json::{Value, json};

use super::settings::ResyncSettings;
use super::taking::Taking;
use crate::clock::Clock;
use crate::platform::{Haste, Platform, PlatformFailure, path};

/// Pages of a list; nobody has more that goes on at once.
const PAGES: usize = 200;
/// Conversations that ring here and are asked for one by one.
const RINGING: usize = 1_000;
/// For one answer, its turn included.
const PATIENCE: Duration = Duration::from_secs(120);
/// A question that fails is asked again after this, twice as long each time, …
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// … so often in all.
const TIMES: u32 = 6;

pub(super) struct Resync<S> {
    pub(super) store: Arc<S>,
    pub(super) platform: Arc<Platform>,
    pub(super) taking: Taking,
    pub(super) clock: Clock,
    pub(super) list: Option<ResyncSettings>,
    pub(super) topics: Vec<String>,
}

/// Why a re-sync is not complete.
enum Short {
    Platform(PlatformFailure),
    /// The store does not answer, or the service stops.
    Here,
}

impl From<PlatformFailure> for Short {
    fn from(failure: PlatformFailure) -> Self {
        Self::Platform(failure)
    }
}

impl<S: Store> Resync<S> {
    /// Asks for everything that may be missing since then, until it is there or the platform does not want to.
    pub(super) async fn run(&self, since: UnixTime) {
        let word = match self.all(since).await {
            Ok(()) => "done",
            Err(Short::Here) => "stopped",
            Err(Short::Platform(failure)) => {
                eprintln!(
                    "alert: after a gap in the stream the platform was not asked for everything: {failure}"
                );
                "short"
            }
        };
        self.taking.metrics.count("resyncs", word);
    }

    async fn all(&self, since: UnixTime) -> Result<(), Short> {
        // One part that fails keeps no other one from being asked for; what rings hurries most.
        let ringing = self.ringing().await;
        let listed = self.listed(since).await;
        let presences = self.presences().await;
        ringing.and(listed).and(presences)
    }

    /// What rings here for the people of this stream: does it still ring?
    async fn ringing(&self) -> Result<(), Short> {
        let mut known: BTreeSet<ConversationId> = BTreeSet::new();
        for person in self.people(|_| true) {
            let shards = self.store.live(&Subject::Person(person.clone())).await.map_err(|_| Short::Here)?;
            let now = self.clock.now();
            let asked = shards.into_iter().map(|shard| {
                let person = person.clone();
                self.taking.shards.ask(shard, move |gateway| gateway.ringing(&person, now))
            });
            let ringing = join_all(asked).await.into_iter().flatten().flatten();
            known.extend(ringing.map(|ring| ring.conversation).take(RINGING.saturating_sub(known.len())));
        }
        for conversation in known {
            let path = path(&self.platform.settings.conversation, &[("id", conversation.as_str())]);
            // As of the question: what the stream says meanwhile is newer.
            let now = self.clock.now();
            let inputs = match self.get(&path).await? {
                Some(found) => self.read("v2.users.resync.conversations", &found, now),
                // Nobody knows it any more: it is over.
                None => {
                    let what = What::StateChanged(StateChanged { open: false });
                    vec![conversation::Input::Event(Event::new(conversation, what, now))]
                }
            };
            self.taking.take(vec![inputs]).await.map_err(|_| Short::Here)?;
        }
        Ok(())
    }

    async fn listed(&self, since: UnixTime) -> Result<(), Short> {
        let Some(list) = &self.list else { return Ok(()) };
        let since = since.as_millis().to_string();
        for page in 1..=PAGES {
            let page = page.to_string();
            let values = [("page", page.as_str()), ("since", since.as_str())];
            let now = self.clock.now();
            let found = self.get(&path(&list.path, &values)).await?;
            let items = found.as_ref().and_then(|found| found.pointer(&list.items)?.as_array());
            let Some(items) = items.filter(|items| !items.is_empty()) else { return Ok(()) };
            let inputs = items.iter().map(|item| self.read(&list.topic, item, now)).collect();
            self.taking.take(inputs).await.map_err(|_| Short::Here)?;
            if !list.path.contains("{page}") {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn presences(&self) -> Result<(), Short> {
        for person in self.people(|kind| kind == "presence") {
            let path = path(&self.platform.settings.presence.path, &[("id", person.as_str())]);
            let now = self.clock.now();
            let Some(found) = self.get(&path).await? else { continue };
            let inputs = self.read(&format!("v2.users.{person}.presence"), &found, now);
            self.taking.take(vec![inputs]).await.map_err(|_| Short::Here)?;
        }
        Ok(())
    }

    /// The people whom topics name: `v2.users.kate.conversations`.
    fn people(&self, wanted: impl Fn(&str) -> bool) -> BTreeSet<PersonId> {
        let of = |topic: &String| {
            let mut parts = topic.strip_prefix("v2.users.")?.split('.');
            let (person, kind) = (parts.next()?, parts.next()?);
            if wanted(kind) { person.parse().ok() } else { None }
        };
        self.topics.iter().filter_map(of).collect()
    }

    /// The API's documents are the bodies of its events.
    fn read(&self, topic: &str, body: &Value, now: UnixTime) -> Vec<conversation::Input> {
        let document = json!({"topicName": topic, "eventBody": body}).to_string();
        match Genesys::new().read(&document, now) {
            Ok(Parsed::Inputs(inputs)) => inputs,
            _ => {
                self.taking.metrics.count("resync_documents", "malformed");
                Vec::new()
            }
        }
    }

    async fn get(&self, path: &str) -> Result<Option<Value>, PlatformFailure> {
        let mut wait = FIRST_WAIT;
        for _ in 1..TIMES {
            match self.platform.get(path, Haste::Patient, self.platform.within(PATIENCE)).await {
                // These do not get better by themselves.
                Err(failure @ PlatformFailure::Refused { status: 300..=499 }) => return Err(failure),
                Err(_) => tokio::time::sleep(wait).await,
                found => return found,
            }
            wait = wait.saturating_mul(2);
        }
        self.platform.get(path, Haste::Patient, self.platform.within(PATIENCE)).await
    }
}
