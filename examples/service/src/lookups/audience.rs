//! Who belongs to an audience: everybody with a device in an app, read from the store; or a list that the platform keeps.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use reveille_conversation::id::{AudienceId, PersonId};
use reveille_gateway::Input;
use reveille_gateway::audience::{AnnouncementId, Page, Wanted};
use reveille_gateway::store::{ShardId, Store, StoreError};
use reveille_registry::{DeviceKey, State};
use serde::Deserialize;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::platform::{Haste, Platform, path};
use crate::settings::{InvalidSettings, wrong};
use crate::shards::Shards;

/// What the name of an audience begins with that has a device in an app; the rest is the app.
pub const APP: &str = "app:";

/// People who are kept of one reading: whoever reads a million devices for each page reads for hours, and whoever keeps all
/// people needs room for all.
const WINDOW: usize = 65_536;
/// Readings that are kept.
const WINDOWS: usize = 16;
/// Devices that are read at once.
const AT_ONCE: usize = 1_000;
/// The machine asks again after half a minute.
const PATIENCE: Duration = Duration::from_secs(20);

/// A list of people that the platform keeps.
///
/// ```toml
/// [[audiences]]
/// id = "subscribers"
/// path = "/lists/subscribers?after={after}&limit={limit}"
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudienceSettings {
    /// Its name.
    pub id: String,
    /// Where the platform says who belongs to it: people whose ids are greater than `{after}`, in the order of their bytes, at
    /// most `{limit}`. `{after}` is empty at the beginning. Fewer are the last ones.
    pub path: String,
    /// Where in the answer the list of ids stands (RFC 6901). Default: `/people`.
    #[serde(default = "people")]
    pub people: String,
}

/// The audiences that there are.
#[derive(Clone, Debug, Default)]
pub struct AudienceNames(BTreeSet<String>);

impl AudienceNames {
    /// Those of the settings.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the list.
    pub fn new(lists: &[AudienceSettings], has_platform: bool) -> Result<Self, InvalidSettings> {
        let mut names = BTreeSet::new();
        for list in lists {
            let problem = match () {
                () if !has_platform => "lists are asked for at [platform], which is not there",
                () if list.id.starts_with(APP) => "a list's name does not begin with app:",
                () if list.id.parse::<AudienceId>().is_err() => "a list's name has 1 to 128 bytes",
                () if !list.path.contains("{after}") => "the path has {after}",
                () if !names.insert(list.id.clone()) => "there are two of this name",
                () => continue,
            };
            return Err(wrong(format!("audiences: {}", list.id), problem));
        }
        Ok(Self(names))
    }

    /// Whether there is an audience of this name. An app need not have devices yet.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name) || name.strip_prefix(APP).is_some_and(|app| !app.is_empty())
    }
}

pub(super) struct Audiences<S> {
    store: Arc<S>,
    platform: Option<Arc<Platform>>,
    lists: BTreeMap<String, AudienceSettings>,
    clock: Clock,
    metrics: Arc<Metrics>,
    /// One is read after the other.
    windows: tokio::sync::Mutex<HashMap<AnnouncementId, Window>>,
}

/// People behind `after`, rising; all of them if it is `complete`.
struct Window {
    after: Option<PersonId>,
    people: BTreeSet<PersonId>,
    complete: bool,
}

impl<S: Store> Audiences<S> {
    pub(super) fn new(
        store: Arc<S>,
        platform: Option<Arc<Platform>>,
        lists: &[AudienceSettings],
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let lists = lists.iter().map(|list| (list.id.clone(), list.clone())).collect();
        Self { store, platform, lists, clock, metrics, windows: tokio::sync::Mutex::default() }
    }

    /// Answers, or says nothing: then the machine asks again.
    pub(super) async fn answer(&self, shards: &Shards, shard: ShardId, wanted: Wanted) {
        let page = match (self.lists.get(wanted.audience.as_str()), app_of(&wanted.audience)) {
            (Some(list), _) => self.of_platform(list, &wanted).await,
            (None, Some(app)) => match self.of_store(app, &wanted).await {
                Ok(page) => Some(page),
                Err(error) => {
                    eprintln!("an audience cannot be read: {error}");
                    None
                }
            },
            // Its settings are gone: nobody else is told.
            (None, None) => Some(Page::of(&wanted, Vec::new(), true)),
        };
        self.metrics.count("audience_pages", if page.is_some() { "answered" } else { "failed" });
        if let Some(page) = page {
            shards.answer(shard, Input::Page(page));
        }
    }

    async fn of_store(&self, app: &str, wanted: &Wanted) -> Result<Page, StoreError> {
        let mut windows = self.windows.lock().await;
        let kept = windows.remove(&wanted.announcement);
        let fits =
            |window: &Window| window.after == wanted.after && (window.complete || !window.people.is_empty());
        let mut window = match kept.filter(fits) {
            Some(window) => window,
            None => self.read(app, wanted.after.as_ref()).await?,
        };
        let mut people = Vec::new();
        while people.len() < usize::from(wanted.limit) {
            let Some(person) = window.people.pop_first() else { break };
            people.push(person);
        }
        let last = window.complete && window.people.is_empty();
        if !last {
            if windows.len() >= WINDOWS
                && let Some(other) = windows.keys().next().copied()
            {
                windows.remove(&other);
            }
            window.after = people.last().cloned().or(window.after);
            windows.insert(wanted.announcement, window);
        }
        Ok(Page::of(wanted, people, last))
    }

    /// The first people behind `after` who have a device in the app.
    async fn read(&self, app: &str, after: Option<&PersonId>) -> Result<Window, StoreError> {
        let mut window = Window { after: after.cloned(), people: BTreeSet::new(), complete: true };
        let mut from = DeviceKey::new(app.to_owned(), String::new());
        loop {
            let devices = self.store.devices(Some(&from), AT_ONCE).await?;
            let Some(end) = devices.last().map(|device| device.key.clone()) else { return Ok(window) };
            for device in
                devices.iter().filter(|device| device.key.app == app && device.state == State::Active)
            {
                let Ok(person) = device.owner.parse::<PersonId>() else { continue };
                if after.is_none_or(|after| person > *after) {
                    window.take(person);
                }
            }
            if end.app != app || devices.len() < AT_ONCE {
                return Ok(window);
            }
            from = end;
        }
    }

    async fn of_platform(&self, list: &AudienceSettings, wanted: &Wanted) -> Option<Page> {
        let platform = self.platform.as_ref()?;
        let limit = wanted.limit.to_string();
        let after = wanted.after.as_ref().map_or("", PersonId::as_str);
        let path = path(&list.path, &[("after", after), ("limit", &limit)]);
        let asked = platform.get(&path, Haste::Patient, self.clock.uptime().after(PATIENCE));
        let found = tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()??;
        let listed = found.pointer(&list.people)?.as_array()?;
        let people: Option<Vec<PersonId>> =
            listed.iter().map(|person| person.as_str()?.parse().ok()).collect();
        let mut people = people?;
        let last = people.len() < usize::from(wanted.limit);
        people.truncate(wanted.limit.into());
        Some(Page::of(wanted, people, last))
    }
}

impl Window {
    fn take(&mut self, person: PersonId) {
        self.people.insert(person);
        if self.people.len() > WINDOW {
            self.people.pop_last();
            self.complete = false;
        }
    }
}

fn app_of(audience: &AudienceId) -> Option<&str> {
    audience.as_str().strip_prefix(APP)
}

fn people() -> String {
    "/people".to_owned()
}
