//! A push subscription, as the browser hands it to the application.

use std::fmt;

use reveille_core::{Secret, UnixTime};
use reveille_crypto::p256::InvalidPublicKey;
use reveille_crypto::{P256PublicKey, base64url};
use reveille_payload::InvalidJson;
use serde::{Deserialize, Deserializer, de::Error as _};
use thiserror::Error;

use super::json::Wire;
use super::{Endpoint, EndpointPolicy, InvalidEndpoint, PublicHttps};
use crate::credential::{InvalidVapidKeyId, VapidKeyId};

/// Bytes of the authentication secret (RFC 8291 §3.2).
pub const AUTH_SECRET_LEN: usize = 16;

/// A push subscription: where to send, and how to encrypt for its user agent.
///
/// Parsing takes what browsers and applications really write: `expirationTime` as a number, null or absent, unknown
/// members, padded or standard-alphabet base64. What exists is valid: the endpoint satisfies the policy, the key is on
/// the curve.
///
/// It has no `Serialize`, for it holds a capability and a secret: a store of your own keeps it as a
/// [`StoredSubscription`](crate::StoredSubscription).
///
/// ```
/// use reveille_webpush::Subscription;
///
/// let subscription = Subscription::from_json(r#"{
///     "endpoint": "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
///     "expirationTime": null,
///     "keys": {
///         "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
///         "auth": "BTBZMqHH6r4Tts7J_aSIgg"
///     }
/// }"#)?;
/// assert_eq!(subscription.endpoint().origin(), "https://push.example.net");
/// # Ok::<(), reveille_webpush::Error>(())
/// ```
#[derive(Clone)]
pub struct Subscription {
    pub(super) endpoint: Endpoint,
    pub(super) ua_public: P256PublicKey,
    pub(super) auth_secret: Secret<[u8; AUTH_SECRET_LEN]>,
    pub(super) expiration: Option<UnixTime>,
    pub(super) vapid_key: Option<VapidKeyId>,
}

/// Why JSON is not a usable subscription; the error of [`Subscription::from_json`]. The text names the member, and
/// can be shown to the client.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidSubscription {
    /// Not a JSON object, or a member appears twice.
    #[error(transparent)]
    Json(#[from] InvalidJson),
    /// A required member is absent.
    #[error("{field}: missing")]
    Missing {
        /// The member's path.
        field: &'static str,
    },
    /// A member has the wrong JSON type.
    #[error("{field}: expected {expected}, found {found}")]
    WrongType {
        /// The member's path.
        field: &'static str,
        /// The right type.
        expected: &'static str,
        /// The type that is there.
        found: &'static str,
    },
    /// Written by a later version.
    #[error("v: expected 1, found {found}")]
    Version {
        /// The version that is there.
        found: u64,
    },
    /// The endpoint is not acceptable.
    #[error("endpoint: {0}")]
    Endpoint(#[from] InvalidEndpoint),
    /// The user agent's public key is not valid.
    #[error("keys.p256dh: {0}")]
    PublicKey(#[from] InvalidPublicKey),
    /// The authentication secret is not base64url.
    #[error("keys.auth: not base64url: {0}")]
    AuthBase64(#[from] base64url::InvalidBase64),
    /// The authentication secret has the wrong length.
    #[error("keys.auth: must be {AUTH_SECRET_LEN} bytes, got {length}")]
    AuthLength {
        /// How many bytes were given.
        length: usize,
    },
    /// Our own key id is not one.
    #[error("vapidKeyId: {0}")]
    VapidKeyId(#[from] InvalidVapidKeyId),
}

impl<'a> From<&'a Subscription> for Option<&'a Endpoint> {
    fn from(subscription: &'a Subscription) -> Self {
        Some(subscription.endpoint())
    }
}

impl Subscription {
    /// Parses the browser's JSON (`JSON.stringify(pushSubscription)`) under the policy [`PublicHttps`].
    ///
    /// # Errors
    /// [`InvalidSubscription`].
    pub fn from_json(json: &str) -> Result<Self, InvalidSubscription> {
        Self::from_json_with(json, &PublicHttps)
    }

    /// As [`from_json`](Self::from_json), with a policy of your own.
    ///
    /// # Errors
    /// [`InvalidSubscription`].
    pub fn from_json_with(json: &str, policy: &dyn EndpointPolicy) -> Result<Self, InvalidSubscription> {
        Wire::read(json)?.check(policy)
    }

    /// From its parts, already checked: the columns of a table, say. See also [`with_expiration`](Self::with_expiration) and
    /// [`with_vapid_key`](Self::with_vapid_key).
    #[must_use]
    pub const fn new(
        endpoint: Endpoint,
        ua_public: P256PublicKey,
        auth_secret: Secret<[u8; AUTH_SECRET_LEN]>,
    ) -> Self {
        Self { endpoint, ua_public, auth_secret, expiration: None, vapid_key: None }
    }

    /// The same subscription, bound to the VAPID key whose public half the browser got as `applicationServerKey`.
    /// A message signed with another key is refused by the push service (RFC 8292 §4.2), so this must be remembered.
    #[must_use]
    pub fn with_vapid_key(self, key: VapidKeyId) -> Self {
        Self { vapid_key: Some(key), ..self }
    }

    /// The same subscription, with the end that the browser gave it.
    #[must_use]
    pub fn with_expiration(self, end: UnixTime) -> Self {
        Self { expiration: Some(end), ..self }
    }

    /// Returns the endpoint: where requests go.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The user agent's public key, `ua_public` in RFC 8291, `p256dh` in the browser's JSON.
    #[must_use]
    pub const fn ua_public(&self) -> &P256PublicKey {
        &self.ua_public
    }

    /// The authentication secret, `auth_secret` in RFC 8291.
    #[must_use]
    pub fn expose_auth_secret(&self) -> &[u8; AUTH_SECRET_LEN] {
        self.auth_secret.expose()
    }

    /// When the browser says that the subscription ends.
    #[must_use]
    pub const fn expiration(&self) -> Option<UnixTime> {
        self.expiration
    }

    /// Whether the subscription has ended.
    #[must_use]
    pub fn is_expired(&self, now: UnixTime) -> bool {
        self.expiration.is_some_and(|at| at <= now)
    }

    /// The VAPID key that the subscription is bound to.
    #[must_use]
    pub const fn vapid_key(&self) -> Option<VapidKeyId> {
        self.vapid_key
    }
}

/// As [`from_json`](Subscription::from_json): the browser's JSON inside something of your own. It chooses no key.
impl<'de> Deserialize<'de> for Subscription {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Wire::deserialize(deserializer)?.check(&PublicHttps).map_err(D::Error::custom)
    }
}

/// Origin and key id only.
impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("endpoint", &self.endpoint)
            .field("expiration", &self.expiration)
            .field("vapid_key", &self.vapid_key)
            .finish_non_exhaustive()
    }
}
