//! A notification for Apple devices that are reached through FCM.

use reveille_payload::JsonObject;

use super::{InvalidNotification, Push, PushType};

/// The `apns` part of an FCM message, `payload` and `headers`, in plain JSON and text: use it where Apple devices are
/// reached through FCM.
///
/// The queue form of a notification is not its payload: given to FCM it would reach the device without `aps`. This is the
/// form that FCM passes on as it is. It has no `apns-topic`, `apns-id` and `authorization`, which FCM makes itself. What
/// FCM puts on top, such as `fcm_options`, still needs room within Apple's 4,096 bytes.
///
/// ```
/// use reveille_apns::message::Expiration;
/// use reveille_apns::{Alert, Push as _};
/// let ring = Alert::new("Inbound call", "Support")
///     .with_custom("conversationId", "c-17")?
///     .with_collapse_id("c-17".parse()?)
///     .with_expiration(Expiration::Once);
/// let parts = ring.to_fcm_parts()?;
/// assert_eq!(
///     parts.payload().as_str(),
///     r#"{"aps":{"alert":{"title":"Inbound call","body":"Support"}},"conversationId":"c-17"}"#
/// );
/// let headers: Vec<_> = parts.headers().collect();
/// assert_eq!(
///     headers,
///     [("apns-push-type", "alert"), ("apns-priority", "10"), ("apns-expiration", "0"), ("apns-collapse-id", "c-17")]
/// );
/// # Ok::<(), reveille_apns::Error>(())
/// ```
///
/// A Live Activity also needs its push token in FCM's `live_activity_token`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FcmParts {
    payload: JsonObject,
    headers: Vec<(&'static str, String)>,
}

impl FcmParts {
    pub(super) fn new<P: Push + ?Sized>(push: &P) -> Result<Self, InvalidNotification> {
        let push_type = push.push_type();
        if !matches!(push_type, PushType::Alert | PushType::Background | PushType::LiveActivity) {
            return Err(InvalidNotification::NotThroughFcm { push_type });
        }
        let wanted = push.delivery_headers();
        // FCM assumes 10 for alerts and 5 for data alone; said, it cannot be guessed wrong.
        let priority = wanted.priority.map_or("10", super::Priority::as_str);
        let mut headers =
            vec![("apns-push-type", push_type.as_str().to_owned()), ("apns-priority", priority.to_owned())];
        if let Some(seconds) = wanted.expiration.as_secs() {
            headers.push(("apns-expiration", seconds.to_string()));
        }
        if let Some(id) = wanted.collapse_id {
            headers.push(("apns-collapse-id", id.to_string()));
        }
        Ok(Self { payload: JsonObject::from_json(&push.payload())?, headers })
    }

    /// FCM's `apns.payload`: the object with `aps` and the custom keys.
    #[must_use]
    pub const fn payload(&self) -> &JsonObject {
        &self.payload
    }

    /// FCM's `apns.headers`, as pairs of name and value.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Both parts, to be moved into a message.
    #[must_use]
    pub fn into_parts(self) -> (JsonObject, Vec<(&'static str, String)>) {
        (self.payload, self.headers)
    }
}
