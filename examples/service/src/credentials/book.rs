//! The apps in force: those of the settings, and those that were given through the API, which lie sealed in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use reveille_gateway::store::seal::{Place, Sealer};
use reveille_gateway::store::{Store, StoreError};
use reveille_writer::{Languages, Writer};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::{Mutex, mpsc};

use super::app::Read;
use super::probe::probe;
use super::{AppCredentials, Tested, Workshop};
use crate::clock::Clock;
use crate::desk::Mail;
use crate::provider_tokens;
use crate::settings::InvalidSettings;
use crate::wire::Wire;

/// What all names in the store begin with.
const PREFIX: &str = "credentials/";
/// How many apps there may be.
const MOST: usize = 1_000;
/// How often somebody else may be faster.
const TIMES: usize = 8;

/// Why credentials were not changed. What was in force stays in force.
#[derive(Debug, Error)]
pub enum BookFailure {
    /// They cannot be read, or the app's name cannot be used.
    #[error(transparent)]
    Invalid(#[from] InvalidSettings),
    /// A service refused them.
    #[error("a service refuses these credentials: see tests")]
    Refused(Vec<Tested>),
    /// A service could not say.
    #[error("a service could not be asked: see tests")]
    Later(Vec<Tested>),
    /// There are enough apps.
    #[error("there are {MOST} apps already")]
    TooMany,
    /// They stand in the settings.
    #[error("these credentials stand in the file of settings")]
    OfSettings,
    /// The store.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// They could not be sealed.
    #[error("the credentials could not be sealed")]
    Seal,
    /// Somebody else changes them all the time.
    #[error("others change these credentials all the time")]
    Busy,
}

/// One app.
struct Entry {
    id: String,
    credentials: AppCredentials,
    read: Read,
    /// What the settings say, if they do.
    of_settings: Option<AppCredentials>,
    stored: bool,
}

/// All apps, and how to change them.
pub struct Book<S> {
    store: Arc<S>,
    sealer: Sealer,
    workshop: Workshop,
    /// In the order in which they came.
    entries: Mutex<Vec<Entry>>,
}

/// Whether somebody has given credentials through the API: then no local services are needed.
///
/// # Errors
/// [`StoreError`]
pub async fn are_stored<S: Store>(store: &S) -> Result<bool, StoreError> {
    Ok(store.secrets().await?.iter().any(|name| name.starts_with(PREFIX)))
}

impl<S: Store> Book<S> {
    /// Reads what the store has; that goes before what the settings say. Gives the first writer, too.
    ///
    /// # Errors
    /// [`BookFailure`]. Credentials in the store that cannot be read are left out, and say so.
    pub async fn open(
        store: Arc<S>,
        sealer: Sealer,
        workshop: Workshop,
        apps: Vec<(String, AppCredentials)>,
    ) -> Result<(Self, Writer), BookFailure> {
        let mut stored = BTreeMap::new();
        for name in store.secrets().await? {
            let Some(id) = name.strip_prefix(PREFIX) else { continue };
            let Some(sealed) = store.secret(&name).await? else { continue };
            let opened = sealer.open(Place::Secret(&name), &sealed.value).ok();
            let read = opened.and_then(|bytes| serde_json::from_slice::<AppCredentials>(&bytes).ok());
            match read.and_then(|credentials| Some((credentials.read(id, &workshop).ok()?, credentials))) {
                Some(both) => drop(stored.insert(id.to_owned(), both)),
                None => eprintln!("alert: credentials in the store cannot be read: {name}"),
            }
        }
        let mut entries = Vec::new();
        for (id, of_settings) in apps {
            let entry = match stored.remove(&id) {
                Some((read, credentials)) => {
                    Entry { id, credentials, read, of_settings: Some(of_settings), stored: true }
                }
                None => {
                    let read = of_settings.read(&id, &workshop);
                    let read = read.map_err(|error| error.within(&format!("apps.{id}")))?;
                    let credentials = of_settings.clone();
                    Entry { id, credentials, read, of_settings: Some(of_settings), stored: false }
                }
            };
            entries.push(entry);
        }
        entries.extend(stored.into_iter().map(|(id, (read, credentials))| Entry {
            id,
            credentials,
            read,
            of_settings: None,
            stored: true,
        }));
        let writer = workshop.writer(entries.iter().map(|entry| entry.read.app.clone()))?;
        workshop.brands.set(texts(&entries));
        Ok((Self { store, sealer, workshop, entries: Mutex::new(entries) }, writer))
    }

    /// All apps, masked, in the order of their names.
    pub async fn list(&self) -> Vec<Value> {
        let entries = self.entries.lock().await;
        let mut all: Vec<_> = entries.iter().map(|entry| (&entry.id, entry.masked())).collect();
        all.sort_by(|one, other| one.0.cmp(other.0));
        all.into_iter().map(|(_, masked)| masked).collect()
    }

    /// One app, masked.
    pub async fn show(&self, id: &str) -> Option<Value> {
        self.entries.lock().await.iter().find(|entry| entry.id == id).map(Entry::masked)
    }

    /// Whether somebody has given credentials since the start, or before it.
    pub async fn has_stored(&self) -> bool {
        self.entries.lock().await.iter().any(|entry| entry.stored)
    }

    /// Whether there is such an app.
    pub async fn knows(&self, id: &str) -> bool {
        self.entries.lock().await.iter().any(|entry| entry.id == id)
    }

    /// Tests what is in force for an app.
    pub async fn test(&self, id: &str, wire: &Wire, clock: &Clock) -> Option<Vec<Tested>> {
        let read =
            self.entries.lock().await.iter().find(|entry| entry.id == id).map(|entry| entry.read.clone())?;
        Some(probe(&read, wire, clock).await)
    }

    /// Reads credentials, tests them, keeps them, and sends with them from now on. Gives them masked, and the tests.
    ///
    /// # Errors
    /// [`BookFailure`]: nothing has changed then.
    pub async fn put(
        &self,
        id: &str,
        credentials: AppCredentials,
        (wire, clock): (&Wire, &Clock),
        desk: &mpsc::UnboundedSender<Mail>,
    ) -> Result<(Value, Vec<Tested>), BookFailure> {
        let read = credentials.read(id, &self.workshop)?;
        provider_tokens::begin(
            &*self.store,
            &self.sealer,
            &provider_tokens::list(&self.workshop.apple),
            clock.now(),
        )
        .await?;
        let tests = probe(&read, wire, clock).await;
        if tests.iter().any(|test| !test.good && !test.later) {
            return Err(BookFailure::Refused(tests));
        }
        if tests.iter().any(|test| !test.good) {
            return Err(BookFailure::Later(tests));
        }
        let mut entries = self.entries.lock().await;
        let at = entries.iter().position(|entry| entry.id == id);
        if at.is_none() && entries.len() >= MOST {
            return Err(BookFailure::TooMany);
        }
        self.write(id, Some(&credentials)).await?;
        let entry = Entry { id: id.to_owned(), credentials, read, of_settings: None, stored: true };
        let masked = entry.masked();
        match at.and_then(|at| entries.get_mut(at)) {
            Some(old) => *old = Entry { of_settings: old.of_settings.take(), ..entry },
            None => entries.push(entry),
        }
        self.activate(&entries, desk)?;
        Ok((masked, tests))
    }

    /// Takes credentials away that were given through the API; what the settings say is in force again. `false`: there
    /// were none.
    ///
    /// # Errors
    /// [`BookFailure`]: nothing has changed then.
    pub async fn remove(&self, id: &str, desk: &mpsc::UnboundedSender<Mail>) -> Result<bool, BookFailure> {
        let mut entries = self.entries.lock().await;
        let Some(at) = entries.iter().position(|entry| entry.id == id) else { return Ok(false) };
        let Some(entry) = entries.get_mut(at).filter(|entry| entry.stored) else {
            return Err(BookFailure::OfSettings);
        };
        let again = match &entry.of_settings {
            Some(credentials) => Some((credentials.read(id, &self.workshop)?, credentials.clone())),
            None => None,
        };
        self.write(id, None).await?;
        match again {
            Some((read, credentials)) => {
                (entry.read, entry.credentials, entry.stored) = (read, credentials, false)
            }
            None => drop(entries.remove(at)),
        }
        self.activate(&entries, desk)?;
        Ok(true)
    }

    /// The keys that sign resume tokens.
    ///
    /// # Errors
    /// [`InvalidSettings`]
    pub fn resume_keys(
        &self,
    ) -> Result<reveille_resume::KeyRing<reveille_resume::CompactKey>, InvalidSettings> {
        self.workshop.resume_keys()
    }

    /// The sources of tokens for Apple.
    pub fn apple(&self) -> provider_tokens::Shared {
        Arc::clone(&self.workshop.apple)
    }

    fn activate(&self, entries: &[Entry], desk: &mpsc::UnboundedSender<Mail>) -> Result<(), BookFailure> {
        let writer = self.workshop.writer(entries.iter().map(|entry| entry.read.app.clone()))?;
        self.workshop.brands.set(texts(entries));
        // A desk that is gone sends nothing any more.
        let _ = desk.send(Mail::Writer(Arc::new(writer)));
        Ok(())
    }

    async fn write(&self, id: &str, credentials: Option<&AppCredentials>) -> Result<(), BookFailure> {
        let place = format!("{PREFIX}{id}");
        let sealed = match credentials {
            Some(credentials) => {
                let json = serde_json::to_vec(credentials).map_err(|_| BookFailure::Seal)?;
                Some(self.sealer.seal(Place::Secret(&place), &json).map_err(|_| BookFailure::Seal)?)
            }
            None => None,
        };
        for _ in 0..TIMES {
            let revision = self.store.secret(&place).await?.map(|old| old.revision);
            if self.store.put_secret(&place, revision, sealed.clone()).await?.is_ok() {
                return Ok(());
            }
        }
        Err(BookFailure::Busy)
    }
}

fn texts(entries: &[Entry]) -> BTreeMap<String, Arc<Languages>> {
    entries
        .iter()
        .filter_map(|entry| Some((entry.id.clone(), Arc::clone(entry.read.texts.as_ref()?))))
        .collect()
}

impl Entry {
    fn masked(&self) -> Value {
        let mut masked = self.credentials.masked(&self.id);
        if let Some(fields) = masked.as_object_mut() {
            fields.insert("from".to_owned(), json!(if self.stored { "api" } else { "settings" }));
            fields.insert("warnings".to_owned(), json!(self.credentials.warnings()));
        }
        masked
    }
}
