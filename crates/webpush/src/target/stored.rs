//! A subscription as a store keeps it.

use reveille_core::Secret;
use reveille_crypto::{P256PublicKey, base64url};
use serde::ser::{SerializeStruct as _, Serializer};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::json::Wire;
use super::{EndpointPolicy, InvalidEndpoint, InvalidSubscription, RefusedEndpoint, Subscription};

/// A [`Subscription`] on its way into a store of your own and out of it: the only form that is written, and that carries the
/// VAPID key it is bound to. It holds a capability and a secret, so the store is to be as safe as one for passwords.
///
/// The JSON is the browser's, with `"v":1` and, if it is bound to a key, `vapidKeyId`:
///
/// ```
/// use reveille_webpush::target::PublicHttps;
/// use reveille_webpush::{StoredSubscription, Subscription};
///
/// # let browser_json = r#"{"endpoint":"https://push.example/x","keys":{
/// #   "p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}}"#;
/// let subscription = Subscription::from_json(browser_json)?.with_vapid_key("AAECAwQFBgc".parse()?);
/// let json = serde_json::to_string(&StoredSubscription::from(subscription))?;
/// assert_eq!(json, concat!(
///     r#"{"v":1,"endpoint":"https://push.example/x","expirationTime":null,"keys":{"#,
///     r#""p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","#,
///     r#""auth":"BTBZMqHH6r4Tts7J_aSIgg"},"vapidKeyId":"AAECAwQFBgc"}"#,
/// ));
/// let stored: StoredSubscription = serde_json::from_str(&json)?;
/// let subscription = stored.admitted_by(&PublicHttps)?; // policies change, so it is asked again
/// assert!(subscription.vapid_key().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct StoredSubscription(Subscription);

impl StoredSubscription {
    /// The form this version writes.
    pub(super) const VERSION: u8 = 1;

    /// Reads what was written. Text without `v` is taken, too: the browser's JSON with a `vapidKeyId` beside it.
    ///
    /// # Errors
    /// [`InvalidSubscription`].
    pub fn from_json(json: &str) -> Result<Self, InvalidSubscription> {
        Wire::read(json)?.check_stored(&Anything).map(Self)
    }

    /// The subscription, if the policy that holds today still wants its endpoint.
    ///
    /// # Errors
    /// [`InvalidSubscription::Endpoint`].
    pub fn admitted_by(self, policy: &dyn EndpointPolicy) -> Result<Subscription, InvalidSubscription> {
        policy.check(self.0.endpoint()).map_err(InvalidEndpoint::from)?;
        Ok(self.0)
    }
}

impl From<Subscription> for StoredSubscription {
    fn from(subscription: Subscription) -> Self {
        Self(subscription)
    }
}

/// The policy is asked when the subscription is taken out.
#[derive(Debug)]
struct Anything;

impl EndpointPolicy for Anything {
    fn check(&self, _: &super::Endpoint) -> Result<(), RefusedEndpoint> {
        Ok(())
    }
}

impl Serialize for StoredSubscription {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Keys<'a> {
            p256dh: &'a P256PublicKey,
            auth: &'a str,
        }
        let Self(subscription) = self;
        let auth = Secret::new(base64url::encode(subscription.expose_auth_secret()));
        let mut out = serializer.serialize_struct("StoredSubscription", 5)?;
        out.serialize_field("v", &Self::VERSION)?;
        out.serialize_field("endpoint", subscription.endpoint().as_str())?;
        out.serialize_field("expirationTime", &subscription.expiration())?;
        out.serialize_field("keys", &Keys { p256dh: subscription.ua_public(), auth: auth.expose() })?;
        match &subscription.vapid_key() {
            Some(key) => out.serialize_field("vapidKeyId", key)?,
            None => out.skip_field("vapidKeyId")?,
        }
        out.end()
    }
}

impl<'de> Deserialize<'de> for StoredSubscription {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Wire::deserialize(deserializer)?.check_stored(&Anything).map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Endpoint, PublicHttps};
    use super::*;

    const JSON: &str = r#"{"v":1,"endpoint":"https://push.example/x","expirationTime":1800000000000,"keys":{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"},"vapidKeyId":"AAECAwQFBgc"}"#;

    /// A table keeps columns, not JSON: nothing gets lost on that way either.
    #[test]
    fn its_columns_are_all_of_it() {
        let read = StoredSubscription::from_json(JSON).unwrap().admitted_by(&PublicHttps).unwrap();
        let columns = (
            read.endpoint().as_str().to_owned(),
            read.ua_public().to_string(),
            *read.expose_auth_secret(),
            read.expiration().unwrap(),
            read.vapid_key().unwrap().to_string(),
        );
        let endpoint = Endpoint::new(&columns.0, &PublicHttps).unwrap();
        let again = Subscription::new(endpoint, columns.1.parse().unwrap(), columns.2.into())
            .with_expiration(columns.3)
            .with_vapid_key(columns.4.parse().unwrap());
        assert_eq!(serde_json::to_string(&StoredSubscription::from(again)).unwrap(), JSON);
    }

    #[test]
    fn the_policy_of_today_decides() {
        let stored = StoredSubscription::from_json(&JSON.replace("push.example", "127.0.0.1")).unwrap();
        let refused = InvalidEndpoint::Refused(RefusedEndpoint::SpecialAddress);
        assert_eq!(stored.clone().admitted_by(&PublicHttps).unwrap_err(), refused.into());
        assert!(stored.admitted_by(&super::super::AllowLoopback).is_ok());
    }

    #[test]
    fn another_version_is_refused() {
        let read = |v: &str| StoredSubscription::from_json(&JSON.replace("\"v\":1", &format!("\"v\":{v}")));
        insta::assert_snapshot!(read("2").unwrap_err(), @"v: expected 1, found 2");
        insta::assert_snapshot!(read("\"1\"").unwrap_err(), @"v: expected 1, found a string");
        assert!(StoredSubscription::from_json(&JSON.replace("\"v\":1,", "")).is_ok());
    }
}
