//! A push subscription, as the browser hands it to the application.

mod json;

use std::fmt;

use reveille_core::{Secret, UnixTime};
use reveille_crypto::{InvalidPublicKey, P256PublicKey, base64url};
use serde::ser::{SerializeStruct as _, Serializer};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use thiserror::Error;

use crate::endpoint::{Endpoint, EndpointPolicy, InvalidEndpoint, PublicHttps};
use crate::vapid::VapidKeyId;

/// Bytes of the authentication secret (RFC 8291 §3.2).
pub const AUTH_SECRET_LEN: usize = 16;

/// A push subscription: where to send, and how to encrypt for its user agent.
///
/// Parsing takes what browsers and applications really write: `expirationTime` as a number, null or absent, unknown
/// members, padded or standard-alphabet base64. What exists is valid: the endpoint satisfies the policy, the key is on
/// the curve.
///
/// Serialised it is the browser's JSON again, plus `vapidKeyId` once it is [bound](Self::bound_to) to a key.
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
/// # Ok::<(), reveille_webpush::InvalidSubscription>(())
/// ```
#[derive(Clone)]
pub struct Subscription {
    endpoint: Endpoint,
    ua_public: P256PublicKey,
    auth_secret: Secret<[u8; AUTH_SECRET_LEN]>,
    expiration: Option<UnixTime>,
    vapid_key: Option<VapidKeyId>,
}

/// Why JSON is not a usable subscription; the text names the member.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidSubscription {
    /// Not a JSON object, or a member appears twice.
    #[error("not the JSON of a subscription (line {line}, column {column})")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A required member is absent.
    #[error("{field}: missing")]
    Missing {
        /// The member's path.
        field: &'static str,
    },
    /// A member has the wrong JSON type.
    #[error("{field}: must be {expected}")]
    WrongType {
        /// The member's path.
        field: &'static str,
        /// The right type.
        expected: &'static str,
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
        /// Bytes given.
        length: usize,
    },
    /// Our own key id is not one.
    #[error("vapidKeyId: must be 11 characters of base64url")]
    VapidKeyId,
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
        Self::read(json)?.check(policy)
    }

    /// Reads back what [`Serialize`] wrote: the browser's JSON and, with it, the key that the subscription is bound to.
    /// Not for JSON that comes from outside: that must not choose the key.
    ///
    /// # Errors
    /// [`InvalidSubscription`].
    pub fn from_stored_json(json: &str, policy: &dyn EndpointPolicy) -> Result<Self, InvalidSubscription> {
        Self::read(json)?.check_stored(policy)
    }

    fn read(json: &str) -> Result<json::Wire<'_>, InvalidSubscription> {
        serde_json::from_str(json)
            .map_err(|e| InvalidSubscription::Json { line: e.line(), column: e.column().max(1) })
    }

    /// From its parts, already checked: the columns of a table, say. See also [`expiring_at`](Self::expiring_at) and
    /// [`bound_to`](Self::bound_to).
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
    pub fn bound_to(self, key: VapidKeyId) -> Self {
        Self { vapid_key: Some(key), ..self }
    }

    /// The same subscription, with the end that the browser gave it.
    #[must_use]
    pub fn expiring_at(self, end: UnixTime) -> Self {
        Self { expiration: Some(end), ..self }
    }

    /// Where to send.
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

impl Serialize for Subscription {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Keys<'a> {
            p256dh: &'a P256PublicKey,
            auth: &'a str,
        }
        let auth = Secret::new(base64url::encode(self.expose_auth_secret()));
        let mut out = serializer.serialize_struct("PushSubscription", 4)?;
        out.serialize_field("endpoint", self.endpoint.as_str())?;
        out.serialize_field("expirationTime", &self.expiration)?;
        out.serialize_field("keys", &Keys { p256dh: &self.ua_public, auth: auth.expose() })?;
        match &self.vapid_key {
            Some(key) => out.serialize_field("vapidKeyId", &key.to_string())?,
            None => out.skip_field("vapidKeyId")?,
        }
        out.end()
    }
}

/// As [`from_stored_json`](Subscription::from_stored_json), under the policy [`PublicHttps`].
impl<'de> Deserialize<'de> for Subscription {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::Wire::deserialize(deserializer)?.check_stored(&PublicHttps).map_err(D::Error::custom)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A table keeps columns, not JSON: nothing gets lost on that way either.
    #[test]
    fn its_columns_are_all_of_it() {
        let json = r#"{"endpoint":"https://push.example/x","expirationTime":1800000000000,"keys":{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"},"vapidKeyId":"AAECAwQFBgc"}"#;
        let read = Subscription::from_stored_json(json, &PublicHttps).unwrap();
        let columns = (
            read.endpoint().as_str().to_owned(),
            read.ua_public().to_string(),
            *read.expose_auth_secret(),
            read.expiration().unwrap(),
            read.vapid_key().unwrap().to_string(),
        );
        let endpoint = Endpoint::parse(&columns.0, &PublicHttps).unwrap();
        let again = Subscription::new(endpoint, columns.1.parse().unwrap(), columns.2.into())
            .expiring_at(columns.3)
            .bound_to(columns.4.parse().unwrap());
        assert_eq!(serde_json::to_string(&again).unwrap(), json);
    }
}
