//! Keys of event sources and operators: named, with rights, and kept as a hash. One key, that of the file of keys, has all
//! rights and is not in the store, so that nobody can lock themselves out.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use reveille_core::{Secret, UnixTime};
use reveille_crypto::base64url;
use reveille_crypto_ring::PROVIDER;
use reveille_gateway::SourceId;
use reveille_gateway::store::seal::{Place, Sealer};
use reveille_gateway::store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What all names in the store begin with.
const PREFIX: &str = "key/";
/// The name of the key in the file of keys.
pub const FIRST: &str = "first";
/// How many keys there may be: each is a source of events by itself, and every start reads all.
const MOST: usize = 1_000;
/// How often somebody else may be faster.
const TIMES: usize = 8;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Say what happened.
    Events,
    /// Act for any person: register devices, pause, read marks, what rings.
    People,
    /// Look at everything, send dead letters again, read the metrics.
    Operate,
    /// Change what the apps send with.
    Credentials,
    /// Make keys with any rights, and take them away.
    Keys,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Events, Self::People, Self::Operate, Self::Credentials, Self::Keys];
}

/// A key, without what is shown: that is kept by its owner alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The version of this form.
    v: u8,
    /// Its name, which metrics and lists show.
    pub name: String,
    /// SHA-256 of what is shown, as base64url. What is hashed has 256 random bits, so no slow hash is needed.
    hash: String,
    /// What it may do.
    pub rights: Vec<Right>,
    /// Ids of events are unique within this number. Keys that share one are one source.
    pub source: u16,
    /// When it was made, or changed.
    pub made: UnixTime,
}

impl Key {
    /// Whether it has a right.
    pub fn has(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }

    /// The source of its events.
    pub fn source(&self) -> SourceId {
        SourceId(self.source)
    }
}

/// Why a text is no name of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a key's name has 1 to 64 of the characters a–z, 0–9, - and _, and is not \"{FIRST}\"")]
pub struct InvalidKeyName;

/// Why a key was not made or taken away.
#[derive(Debug, Error)]
pub enum KeyFailure {
    /// The name.
    #[error(transparent)]
    Name(#[from] InvalidKeyName),
    /// There are enough.
    #[error("there are {MOST} keys already")]
    TooMany,
    /// The store.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// No random bytes, or nothing could be sealed.
    #[error("the key could not be made")]
    Crypto,
    /// Somebody else changes it all the time.
    #[error("others change this key all the time")]
    Busy,
}

/// All keys, and where they are kept.
pub struct KeyTable<S> {
    store: Arc<S>,
    sealer: Sealer,
    /// By what is shown, hashed: finding one tells nothing of the others, however long it takes.
    known: RwLock<HashMap<[u8; 32], Arc<Key>>>,
    /// One change after the other.
    changing: tokio::sync::Mutex<()>,
}

impl<S: Store> KeyTable<S> {
    /// Reads all keys; `first` is the one of the file.
    ///
    /// # Errors
    /// [`StoreError`]. A key that cannot be opened is left out, and says so.
    pub async fn open(store: Arc<S>, sealer: Sealer, first: &Secret<String>) -> Result<Self, StoreError> {
        let mut known = HashMap::new();
        for name in store.secrets().await?.into_iter().filter(|name| name.starts_with(PREFIX)) {
            let Some(sealed) = store.secret(&name).await? else { continue };
            let opened = sealer.open(Place::Secret(&name), &sealed.value).ok();
            let key = opened.and_then(|bytes| serde_json::from_slice::<Key>(&bytes).ok());
            match key.and_then(|key| Some((decode(&key.hash)?, key))) {
                Some((hash, key)) => drop(known.insert(hash, Arc::new(key))),
                None => eprintln!("alert: a key in the store cannot be read: {name}"),
            }
        }
        let all = Key {
            v: 1,
            name: FIRST.to_owned(),
            hash: String::new(),
            rights: Right::ALL.to_vec(),
            source: 1,
            made: UnixTime::EPOCH,
        };
        known.insert(hash(first.expose()), Arc::new(all));
        let (known, changing) = (RwLock::new(known), tokio::sync::Mutex::default());
        Ok(Self { store, sealer, known, changing })
    }

    /// The key that was shown.
    pub fn find(&self, shown: &str) -> Option<Arc<Key>> {
        // What is longer is no key; a user's token is not hashed for nothing.
        if shown.len() > 128 {
            return None;
        }
        self.read().get(&hash(shown)).cloned()
    }

    /// All keys, in the order of their names.
    pub fn list(&self) -> Vec<Arc<Key>> {
        let mut all: Vec<_> = self.read().values().cloned().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// Makes a key, or makes one of this name anew: what was shown before is refused from now on. Without a number of a
    /// source it keeps the one that it had, or gets one that no other key has. Gives the key and what it is shown as.
    ///
    /// # Errors
    /// [`KeyFailure`]
    pub async fn put(
        &self,
        name: &str,
        rights: Vec<Right>,
        source: Option<u16>,
        now: UnixTime,
    ) -> Result<(Arc<Key>, Secret<String>), KeyFailure> {
        let name = checked(name)?;
        let _changing = self.changing.lock().await;
        let all = self.list();
        let old = all.iter().find(|key| key.name == name);
        if old.is_none() && all.len() >= MOST {
            return Err(KeyFailure::TooMany);
        }
        let free = || (2..=u16::MAX).find(|number| all.iter().all(|key| key.source != *number));
        let source = source.or(old.map(|key| key.source)).or_else(free).ok_or(KeyFailure::TooMany)?;
        let mut bytes = [0; 32];
        PROVIDER.random.fill(&mut bytes).map_err(|_| KeyFailure::Crypto)?;
        let shown = Secret::new(format!("rvk_{}", base64url::encode(&bytes)));
        let hash = hash(shown.expose());
        let mut rights = rights;
        rights.sort_unstable();
        rights.dedup();
        let key =
            Key { v: 1, name: name.to_owned(), hash: base64url::encode(&hash), rights, source, made: now };
        self.write(name, Some(&key)).await?;
        let key = Arc::new(key);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, other| other.name != name);
        known.insert(hash, Arc::clone(&key));
        Ok((key, shown))
    }

    /// Takes a key away, at once. Says whether there was one.
    ///
    /// # Errors
    /// [`KeyFailure`]
    pub async fn remove(&self, name: &str) -> Result<bool, KeyFailure> {
        let name = checked(name)?;
        let _changing = self.changing.lock().await;
        if !self.read().values().any(|key| key.name == name) {
            return Ok(false);
        }
        self.write(name, None).await?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).retain(|_, key| key.name != name);
        Ok(true)
    }

    async fn write(&self, name: &str, key: Option<&Key>) -> Result<(), KeyFailure> {
        let place = format!("{PREFIX}{name}");
        let sealed = match key {
            Some(key) => {
                let json = serde_json::to_vec(key).map_err(|_| KeyFailure::Crypto)?;
                Some(self.sealer.seal(Place::Secret(&place), &json).map_err(|_| KeyFailure::Crypto)?)
            }
            None => None,
        };
        for _ in 0..TIMES {
            let revision = self.store.secret(&place).await?.map(|old| old.revision);
            if self.store.put_secret(&place, revision, sealed.clone()).await?.is_ok() {
                return Ok(());
            }
        }
        Err(KeyFailure::Busy)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<[u8; 32], Arc<Key>>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(shown: &str) -> [u8; 32] {
    PROVIDER.sha256.digest(&[shown.as_bytes()])
}

fn decode(text: &str) -> Option<[u8; 32]> {
    base64url::decode(text).ok()?.try_into().ok()
}

fn checked(name: &str) -> Result<&str, InvalidKeyName> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let is_name = (1..=64).contains(&name.len()) && name.bytes().all(fits) && name != FIRST;
    if is_name { Ok(name) } else { Err(InvalidKeyName) }
}
