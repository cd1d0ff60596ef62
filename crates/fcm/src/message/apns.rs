//! Apple devices through FCM.

use reveille_payload::JsonObject;

use super::check::check_parts;
use super::{AnalyticsLabel, ApnsHeaders, InvalidMessage, Text};
use crate::schema::json_object;
use crate::target::LiveActivityToken;

json_object! {
    /// Apple's part of a message. What it holds is checked with the message ([`Message::check`](super::Message::check)).
    pub struct ApnsConfig {
        /// Headers for Apple's service. Data alone needs `apns-priority: 5`.
        headers, with_headers: ApnsHeaders = "headers" | "headers",
        /// The payload, with `aps` in it; its title and body override the shared ones.
        payload, with_payload: JsonObject = "payload" | "payload",
        /// What the Apple SDK does besides.
        fcm_options, with_fcm_options: ApnsFcmOptions = "fcmOptions" | "fcm_options",
        /// The token of the Live Activity that this message starts, updates or ends.
        live_activity_token, with_live_activity_token: LiveActivityToken = "liveActivityToken" | "live_activity_token",
    }
}

impl ApnsConfig {
    /// From a payload as JSON text and headers as pairs, such as a builder of APNs notifications gives them. The two
    /// are checked, and against each other.
    ///
    /// ```
    /// use reveille_fcm::ApnsConfig;
    /// let config = ApnsConfig::from_parts(
    ///     r#"{"aps":{"alert":"Anna wrote","sound":"default"}}"#,
    ///     [("apns-push-type", "alert"), ("apns-collapse-id", "chat-7")],
    /// )?;
    /// assert_eq!(config.headers.unwrap().value("apns-collapse-id"), Some("chat-7"));
    /// assert!(ApnsConfig::from_parts(r#"{"title":"no aps"}"#, [("a", "b")]).is_err());
    /// # Ok::<(), reveille_fcm::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidMessage`] names the field: a payload that is no JSON object with `aps`, a header with a value it cannot
    /// have, a background push that shows something.
    pub fn from_parts<K, V>(
        payload: impl AsRef<[u8]>,
        headers: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, InvalidMessage>
    where
        K: Into<Text>,
        V: Into<Text>,
    {
        let headers = ApnsHeaders::new(headers)
            .map_err(|error| InvalidMessage::new("apns.headers", error.to_string()))?;
        let broken =
            |error: reveille_payload::InvalidJson| InvalidMessage::new("apns.payload", error.to_string());
        let payload = JsonObject::from_json(payload.as_ref()).map_err(broken)?;
        check_parts(&payload.to().map_err(broken)?, &headers)?;
        Ok(Self::new().with_headers(headers).with_payload(payload))
    }
}

json_object! {
    /// What the Apple SDK does besides delivering: an image, and a label for analytics. Given to
    /// [`ApnsConfig::with_fcm_options`].
    pub struct ApnsFcmOptions {
        /// Groups messages in Google's analytics.
        analytics_label, with_analytics_label: AnalyticsLabel = "analyticsLabel" | "analytics_label",
        /// URL of an image; overrides the shared one.
        image, with_image: Text = "image" | "image",
    }
}
