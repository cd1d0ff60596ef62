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
    /// The devices of a person, where a store keeps them together.
    Devices(&'a str),
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
            Self::Devices(person) => (6, person),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reveille_crypto_ring::PROVIDER;
    use reveille_delivery::dead::DeadId;

    use super::*;

    fn sealer(id: u32) -> Sealer {
        Sealer::new(PROVIDER, SealKeyId(id), Secret::new([id as u8; 32]))
    }

    /// Places of all kinds, of which no two are the same.
    fn places() -> Vec<Place<'static>> {
        let letter = |shard, number| {
            Place::Letter(LetterKey { shard: ShardId(shard), letter: DeadId::from_bits(number) })
        };
        vec![
            Place::Entry(ShardId(1), 1),
            Place::Entry(ShardId(1), 256),
            Place::Entry(ShardId(2), 1),
            Place::Snapshot(ShardId(1), 1),
            letter(1, 1),
            letter(2, 1),
            Place::Secret("vapid"),
            Place::Secret("vapi"),
            Place::Secret(""),
            Place::Token("vapid"),
            Place::Token(""),
            Place::Devices("vapid"),
            Place::Devices(""),
        ]
    }

    #[test]
    fn what_lay_in_another_place_is_refused() {
        let sealer = sealer(1);
        for (at, place) in places().into_iter().enumerate() {
            let sealed = sealer.seal(place, b"text").unwrap();
            for (other_at, other) in places().into_iter().enumerate() {
                let opened = sealer.open(other, &sealed);
                if at == other_at {
                    assert_eq!(opened.unwrap(), b"text");
                } else {
                    assert_eq!(
                        opened,
                        Err(OpenError::Forged { key: SealKeyId(1) }),
                        "{place:?} in {other:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let sealer = sealer(1);
        let place = Place::Entry(ShardId(1), 1);
        let sealed = sealer.seal(place, b"a group").unwrap().to_vec();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(sealer.open(place, &changed).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(sealer.open(place, &sealed[..length]).is_err(), "{length} bytes");
        }
        let longer = [sealed.as_slice(), b"!"].concat();
        assert!(sealer.open(place, &longer).is_err());
    }

    #[test]
    fn the_same_text_in_the_same_place_is_the_same_and_nothing_else_is() {
        let sealer = sealer(1);
        let mut all = Vec::new();
        for place in places() {
            for text in [&b""[..], b"a", b"b"] {
                let sealed = sealer.seal(place, text).unwrap();
                assert_eq!(sealed, sealer.seal(place, text).unwrap());
                assert_eq!(sealed.len(), text.len() + Sealer::OVERHEAD);
                all.push(sealed);
            }
        }
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
        // No nonce twice under one store key, either.
        let mut nonces: Vec<&[u8]> = all.iter().map(|sealed| &sealed[HEAD..HEAD + AEAD_NONCE_LEN]).collect();
        nonces.sort_unstable();
        nonces.dedup();
        assert_eq!(nonces.len(), count);
    }

    #[test]
    fn keys_rotate() {
        let place = Place::Secret("vapid");
        let old = sealer(1).seal(place, b"text").unwrap();
        let both = sealer(2).with_old(SealKeyId(1), Secret::new([1; 32]));
        assert_eq!(both.open(place, &old).unwrap(), b"text");
        let new = both.seal(place, b"text").unwrap();
        assert_eq!((Sealer::key_of(&old), Sealer::key_of(&new)), (Some(SealKeyId(1)), Some(SealKeyId(2))));
        assert_eq!(both.seal_with(SealKeyId(1), place, b"text").unwrap(), old);
        assert!(both.seal_with(SealKeyId(3), place, b"text").is_err());
        let missing = sealer(2).open(place, &old);
        assert_eq!(missing, Err(OpenError::UnknownKey { key: SealKeyId(1) }));
        // A key does not take the current one's name.
        let kept = sealer(2).with_old(SealKeyId(2), Secret::new([9; 32]));
        assert_eq!(kept.open(place, &new).unwrap(), b"text");
        assert_eq!(both.keys().collect::<Vec<_>>(), [SealKeyId(2), SealKeyId(1)]);
    }

    #[test]
    fn backends_open_what_the_other_sealed() {
        let place = Place::Snapshot(ShardId(9), 77);
        let key = || Secret::new([5; 32]);
        let ring = Sealer::new(PROVIDER, SealKeyId(1), key());
        let portable = Sealer::new(reveille_crypto_rustcrypto::PROVIDER, SealKeyId(1), key());
        assert_eq!(ring.seal(place, b"text").unwrap(), portable.seal(place, b"text").unwrap());
        assert_eq!(portable.open(place, &ring.seal(place, b"text").unwrap()).unwrap(), b"text");
    }

    #[test]
    fn texts_show_no_key() {
        let errors = [
            OpenError::NotSealed,
            OpenError::UnknownKey { key: SealKeyId(7) },
            OpenError::Forged { key: SealKeyId(7) },
        ];
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(texts.join("\n"), @"
        this is no sealed text
        it was sealed with key 7, which is not here
        it was changed, moved, or sealed with another key 7
        ");
        insta::assert_snapshot!(format!("{:?}", sealer(7)), @"Sealer { keys: [7], .. }");
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in prop::collection::vec(any::<u8>(), 0..2_000), shard: u8, number: u64) {
            let place = Place::Entry(ShardId(shard), number);
            let sealed = sealer(1).seal(place, &text).unwrap();
            prop_assert_eq!(sealer(1).open(place, &sealed).unwrap(), text);
        }

        #[test]
        fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(sealer(1).open(Place::Token("app"), &bytes).is_err());
        }
    }
}
