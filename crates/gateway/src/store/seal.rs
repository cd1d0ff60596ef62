//! Texts at rest: what goes into a store is encrypted for its place there.
//!
//! [`Sealer`] makes ciphertext of groups, snapshots, letters and secrets before the store sees them. It belongs to whoever
//! drives the shards: the store keeps bytes, and no backup, replica or operator of a database can read or swap them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use reveille_core::Secret;
use reveille_crypto::{AEAD_NONCE_LEN, AEAD_TAG_LEN, CryptoError, CryptoProvider, HmacKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{LetterKey, ShardId};

const VERSION: u8 = 1;
/// Version, key.
const HEAD: usize = 1 + 4;

/// The name of one of the store's keys: every sealed text carries it, so that keys can change while old texts stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "a number under a name")]
pub struct SealKeyId(pub u32);

/// Where a text lies in the store. What was sealed for one place is refused at any other: give the same to
/// [`Sealer::seal`] and [`Sealer::open`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place<'a> {
    /// An entry of a log, by its [number](super::Entry::number).
    Entry(ShardId, u64),
    /// A snapshot, by its [`next`](super::Snapshot::next).
    Snapshot(ShardId, u64),
    /// A dead letter.
    Letter(LetterKey),
    /// A secret, by its name.
    Secret(&'a str),
    /// A token of a device of this app. The same token gives the same bytes in the whole app, so that it can be looked up.
    Token(&'a str),
}

/// Seals texts with the store's key, and opens what older keys sealed. Make one when a process starts, and share it.
///
/// AES-256-GCM; each place has a key of its own, and the nonce follows from the text, so no random source has a part in it
/// and none can repeat: neither after a fork nor on the clone of a machine.
///
/// ```text
/// key   = HMAC-SHA256(store key, 1 ‖ place)
/// nonce = first 12 bytes of HMAC-SHA256(store key, 2 ‖ place ‖ text)
/// out   = version ‖ key id ‖ nonce ‖ ciphertext ‖ tag        (the first five bytes are authenticated, too)
/// ```
///
/// To rotate, start with the new key and the old one [beside it](Self::with_old). When the logs, snapshots and letters
/// that it sealed are gone, and the secrets are put again ([`key_of`](Self::key_of) tells), the old one can go.
///
/// ```
/// use reveille_core::Secret;
/// use reveille_crypto_ring::PROVIDER;
/// use reveille_gateway::store::ShardId;
/// use reveille_gateway::store::seal::{Place, SealKeyId, Sealer};
///
/// let old = Sealer::new(PROVIDER, SealKeyId(1), Secret::new([7; 32]));
/// let place = Place::Entry(ShardId(5), 1);
/// let sealed = old.seal(place, b"a group")?;
/// assert_eq!(sealed.len(), b"a group".len() + Sealer::OVERHEAD);
///
/// let new = Sealer::new(PROVIDER, SealKeyId(2), Secret::new([8; 32])).with_old(SealKeyId(1), Secret::new([7; 32]));
/// assert_eq!(new.open(place, &sealed)?, b"a group");
/// assert_eq!((Sealer::key_of(&sealed), new.current()), (Some(SealKeyId(1)), SealKeyId(2)));
/// assert!(new.open(Place::Entry(ShardId(5), 2), &sealed).is_err(), "it lay somewhere else");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Sealer {
    crypto: CryptoProvider,
    /// The current one first.
    keys: Vec<(SealKeyId, Arc<dyn HmacKey>)>,
    current: SealKeyId,
}

/// Why a text cannot be opened: the error of [`Sealer::open`]. It is lost then, unless its key turns up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is too short, or of a version that is not known.
    #[error("this is no sealed text")]
    NotSealed,
    /// A key sealed it that is not here.
    #[error("it was sealed with key {}, which is not here", .key.0)]
    UnknownKey {
        /// Which.
        key: SealKeyId,
    },
    /// It was changed, or lay in another place, or another key has this name.
    #[error("it was changed, moved, or sealed with another key {}", .key.0)]
    Forged {
        /// Under which name.
        key: SealKeyId,
    },
}

impl Sealer {
    /// By how many bytes a sealed text is longer.
    pub const OVERHEAD: usize = HEAD + AEAD_NONCE_LEN + AEAD_TAG_LEN;

    /// With a key of 32 random bytes. Give no two keys the same name.
    #[must_use]
    pub fn new(crypto: CryptoProvider, id: SealKeyId, key: Secret<[u8; 32]>) -> Self {
        Self { crypto, keys: vec![(id, crypto.hmac_sha256.key(key.expose()))], current: id }
    }

    /// With another key for what was sealed before. The name of the current one is passed over.
    #[must_use]
    pub fn with_old(mut self, id: SealKeyId, key: Secret<[u8; 32]>) -> Self {
        if self.find(id).is_none() {
            self.keys.push((id, self.crypto.hmac_sha256.key(key.expose())));
        }
        self
    }

    /// The name of the key that seals.
    #[must_use]
    pub const fn current(&self) -> SealKeyId {
        self.current
    }

    /// The names of all keys, the current one first.
    pub fn keys(&self) -> impl Iterator<Item = SealKeyId> {
        self.keys.iter().map(|(id, _)| *id)
    }

    /// The name of the key that sealed a text, or `None` if it is none.
    #[must_use]
    pub fn key_of(sealed: &[u8]) -> Option<SealKeyId> {
        let (head, rest) = sealed.split_first_chunk::<HEAD>()?;
        let [VERSION, id @ ..] = head else { return None };
        (rest.len() >= AEAD_NONCE_LEN + AEAD_TAG_LEN).then(|| SealKeyId(u32::from_le_bytes(*id)))
    }

    /// Seals a text for its place.
    ///
    /// # Errors
    /// [`CryptoError`] if the text is longer than AES-GCM allows (64 GB), or the backend fails.
    pub fn seal(&self, place: Place<'_>, text: &[u8]) -> Result<Bytes, CryptoError> {
        self.seal_with(self.current, place, text)
    }

    /// Seals with one of the keys: to look something up that an older key sealed.
    ///
    /// # Errors
    /// [`CryptoError`], as [`seal`](Self::seal), and if the key is not here.
    pub fn seal_with(&self, id: SealKeyId, place: Place<'_>, text: &[u8]) -> Result<Bytes, CryptoError> {
        let prepared = self.find(id).ok_or(CryptoError)?;
        let place = place.encode();
        let nonce: [u8; AEAD_NONCE_LEN] = {
            let hash = prepared.sign(&[&[2], &place, text]);
            std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default())
        };
        let mut out = Vec::with_capacity(text.len().saturating_add(Self::OVERHEAD));
        out.push(VERSION);
        out.extend_from_slice(&id.0.to_le_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(text);
        let (head, body) = out.split_at_mut(HEAD);
        let (_, body) = body.split_at_mut_checked(AEAD_NONCE_LEN).ok_or(CryptoError)?;
        let key = Secret::new(prepared.sign(&[&[1], &place]));
        let tag = self.crypto.aes_256_gcm.seal_in_place(key.expose(), &nonce, head, body)?;
        out.extend_from_slice(&tag);
        Ok(out.into())
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let id = Self::key_of(sealed).ok_or(OpenError::NotSealed)?;
        let prepared = self.find(id).ok_or(OpenError::UnknownKey { key: id })?;
        let (head, rest) = sealed.split_first_chunk::<HEAD>().ok_or(OpenError::NotSealed)?;
        let (nonce, rest) = rest.split_first_chunk::<AEAD_NONCE_LEN>().ok_or(OpenError::NotSealed)?;
        let (body, tag) = rest.split_last_chunk::<AEAD_TAG_LEN>().ok_or(OpenError::NotSealed)?;
        let key = Secret::new(prepared.sign(&[&[1], &place.encode()]));
        let mut text = body.to_vec();
        let opened = self.crypto.aes_256_gcm.open_in_place(key.expose(), nonce, head, &mut text, tag);
        opened.map(|()| text).map_err(|_| OpenError::Forged { key: id })
    }

    fn find(&self, id: SealKeyId) -> Option<&Arc<dyn HmacKey>> {
        self.keys.iter().find(|(of, _)| *of == id).map(|(_, key)| key)
    }
}

impl Place<'_> {
    /// No place's bytes begin with those of another one.
    fn encode(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        let mut number = |kind: u8, shard: ShardId, number: u64| {
            out.extend_from_slice(&[kind, shard.0]);
            out.extend_from_slice(&number.to_le_bytes());
        };
        let (kind, name) = match self {
            Self::Entry(shard, at) => {
                number(1, shard, at);
                return out;
            }
            Self::Snapshot(shard, next) => {
                number(2, shard, next);
                return out;
            }
            Self::Letter(key) => {
                number(3, key.shard, key.letter.to_bits());
                return out;
            }
            Self::Secret(name) => (4, name),
            Self::Token(app) => (5, app),
        };
        out.push(kind);
        out.extend_from_slice(&(name.len() as u64).to_le_bytes());
        out.extend_from_slice(name.as_bytes());
        out
    }
}

/// Shows the keys' names.
impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<u32> = self.keys().map(|id| id.0).collect();
        f.debug_struct("Sealer").field("keys", &keys).finish_non_exhaustive()
    }
}
