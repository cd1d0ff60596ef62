//! The keys that the service makes for itself on its first start, in a file that only its owner can read. To import keys,
//! write the file before the first start; to move to another machine, take it along.
//!
//! To replace the store's key, move it below and put another one in its place, under another number:
//!
//! ```toml
//! store = "the new key"
//! store_id = 2
//! # …
//! [old_stores]
//! 1 = "the old key"
//! ```
//!
//! After a start devices and credentials are sealed anew. When two snapshots of every shard have been taken, and the dead
//! letters of before are gone, the old key can go ([`rotation`](crate::rotation)).

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use reveille_core::Secret;
use reveille_crypto::{EcPrivateKey, base64url};
use reveille_crypto_ring::PROVIDER;
use reveille_gateway::Seed;
use reveille_gateway::store::seal::{SealKeyId, Sealer};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The service's own keys.
pub struct Keys {
    /// Names everything: with another seed, what is on a screen is not replaced, and the store is refused.
    pub seed: Seed,
    /// Seals what goes into the store, under this name.
    pub store: (SealKeyId, Secret<[u8; 32]>),
    /// What sealed it before.
    pub old_stores: Vec<(SealKeyId, Secret<[u8; 32]>)>,
    /// Signs resume tokens.
    pub resume: Secret<[u8; 32]>,
    /// Signs VAPID tokens; browsers subscribe to its public half.
    pub vapid: EcPrivateKey,
    /// What callers of the API show: full rights.
    pub api: Secret<String>,
    /// Signs tokens of users (HS256), where no other log-in does; `None` if the file has none.
    pub user: Option<Secret<[u8; 32]>>,
    /// Whether they were made just now.
    pub are_new: bool,
}

/// Why there are no keys. Nothing was overwritten.
#[derive(Debug, Error)]
pub enum KeysError {
    /// The file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path}: {field} is not {expected}")]
    Field {
        /// Which.
        path: String,
        /// Which part.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// No random bytes.
    #[error("no random bytes, or no key could be made")]
    Random,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    seed: String,
    store: String,
    resume: String,
    vapid: String,
    api: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// The name of `store`; without it, 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    store_id: Option<u32>,
    /// Keys of before, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    old_stores: BTreeMap<String, String>,
}

impl Keys {
    /// Seals with the store's key, and opens what the keys of before have sealed.
    pub fn sealer(&self) -> Sealer {
        let (id, key) = &self.store;
        let sealer = Sealer::new(PROVIDER, *id, Secret::new(*key.expose()));
        self.old_stores
            .iter()
            .fold(sealer, |sealer, (id, key)| sealer.with_old(*id, Secret::new(*key.expose())))
    }

    /// Reads the file, or makes keys and the file.
    ///
    /// # Errors
    /// [`KeysError`]
    pub fn open(path: &Path) -> Result<Self, KeysError> {
        let fail = |error| KeysError::File { path: path.display().to_string(), error };
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        match made {
            Ok(file) => {
                let form = Form::generate().map_err(|_| KeysError::Random)?;
                write(file, &form).map_err(fail)?;
                sync_folder(path).map_err(fail)?;
                form.keys(path, true)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let mut text = String::new();
                let mut file = File::open(path).map_err(fail)?;
                file.read_to_string(&mut text).map_err(fail)?;
                // A copy from elsewhere may be anybody's to read.
                file.set_permissions(Permissions::from_mode(0o600)).map_err(fail)?;
                let form = toml::from_str::<Form>(&text).map_err(|_| KeysError::Field {
                    path: path.display().to_string(),
                    field: "the file",
                    expected: "a list of seed, store, resume, vapid and api",
                })?;
                form.keys(path, false)
            }
            Err(error) => Err(fail(error)),
        }
    }
}

impl Form {
    fn generate() -> Result<Self, reveille_crypto::CryptoError> {
        let random = |length: usize| {
            let mut bytes = vec![0; length];
            PROVIDER.random.fill(&mut bytes).map(|()| base64url::encode(&bytes))
        };
        let vapid = PROVIDER.p256.generate()?.to_base64url().expose().clone();
        Ok(Self {
            seed: random(16)?,
            store: random(32)?,
            resume: random(32)?,
            vapid,
            api: random(24)?,
            user: Some(random(32)?),
            store_id: None,
            old_stores: BTreeMap::new(),
        })
    }

    fn keys(self, path: &Path, are_new: bool) -> Result<Keys, KeysError> {
        let wrong = |field, expected| KeysError::Field { path: path.display().to_string(), field, expected };
        let key = |field: &'static str, text: &str| {
            let bytes = base64url::decode_lenient(text).ok().and_then(|bytes| bytes.try_into().ok());
            bytes.map(Secret::<[u8; 32]>::new).ok_or_else(|| wrong(field, "32 bytes as base64url"))
        };
        let seed =
            base64url::decode_lenient(&self.seed).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        if self.api.len() < 16 {
            return Err(wrong("api", "a text of at least 16 characters"));
        }
        Ok(Keys {
            seed: Seed::new(seed.ok_or_else(|| wrong("seed", "16 bytes as base64url"))?),
            store: (SealKeyId(self.store_id.unwrap_or(1)), key("store", &self.store)?),
            old_stores: self
                .old_stores
                .iter()
                .map(|(id, text)| match id.parse() {
                    Ok(id) if id != self.store_id.unwrap_or(1) => {
                        Ok((SealKeyId(id), key("old_stores", text)?))
                    }
                    _ => {
                        Err(wrong("old_stores", "a list of keys by numbers, none of them the current one's"))
                    }
                })
                .collect::<Result<_, _>>()?,
            resume: key("resume", &self.resume)?,
            vapid: EcPrivateKey::parse(&self.vapid).map_err(|_| wrong("vapid", "a private key on P-256"))?,
            user: self.user.as_deref().map(|text| key("user", text)).transpose()?,
            api: Secret::new(self.api),
            are_new,
        })
    }
}

fn write(mut file: File, form: &Form) -> std::io::Result<()> {
    let text = toml::to_string(form).map_err(std::io::Error::other)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_read_by_nobody_else() {
        let folder = std::env::temp_dir().join(format!("reveille-keys-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("keys.toml");
        let (made, read) = (Keys::open(&path).unwrap(), Keys::open(&path).unwrap());
        assert!(made.are_new && !read.are_new);
        assert_eq!(made.api.expose(), read.api.expose());
        assert_eq!(made.vapid.expose_scalar(), read.vapid.expose_scalar());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        Keys::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "a copy");
        std::fs::write(&path, "seed = \"x\"").unwrap();
        let error = Keys::open(&path).err().unwrap().to_string();
        assert!(error.ends_with("the file is not a list of seed, store, resume, vapid and api"), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_key_is_replaced_under_another_name() {
        let folder = std::env::temp_dir().join(format!("reveille-old-keys-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("keys.toml");
        let old = Keys::open(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("store = ")).unwrap().to_owned();
        let new = text.replace(&line, &format!("\"{}\"\nstore_id = 2", base64url::encode(&[9; 32])));
        std::fs::write(&path, format!("{new}\n[old_stores]\n1 = {line}\n")).unwrap();
        let keys: Vec<u32> = Keys::open(&path).unwrap().sealer().keys().map(|id| id.0).collect();
        assert_eq!(keys, [2, 1]);
        assert_eq!(old.sealer().keys().count(), 1);
        std::fs::write(&path, format!("{new}\n[old_stores]\n2 = {line}\n")).unwrap();
        let error = Keys::open(&path).err().unwrap().to_string();
        assert!(
            error.ends_with("old_stores is not a list of keys by numbers, none of them the current one's"),
            "{error}"
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
