//! Web Push through FCM.

use super::{AnalyticsLabel, Data, HttpsUrl, WebpushHeaders};
use crate::schema::json_object;
use reveille_payload::JsonObject;

json_object! {
    /// The Web Push part of a message, for browsers that subscribed through FCM's JavaScript SDK. For all other
    /// browsers use Web Push itself.
    ///
    /// ```
    /// use reveille_fcm::WebpushConfig;
    /// use reveille_fcm::message::{HttpsUrl, WebpushFcmOptions};
    ///
    /// let link = HttpsUrl::new("https://app.example/chat/42")?;
    /// let config = WebpushConfig::new().with_fcm_options(WebpushFcmOptions::new().with_link(link));
    /// assert_eq!(serde_json::to_string(&config)?, r#"{"fcmOptions":{"link":"https://app.example/chat/42"}}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub struct WebpushConfig {
        /// Headers for the push service (RFC 8030 §5), such as `TTL` and `Urgency`.
        headers, with_headers: WebpushHeaders = "headers" | "headers",
        /// Overrides the data of the message, all of it.
        data, with_data: Data = "data" | "data",
        /// Options of the Web Notification API; its `title` and `body` override the shared ones.
        notification, with_notification: JsonObject = "notification" | "notification",
        /// What the JavaScript SDK does besides.
        fcm_options, with_fcm_options: WebpushFcmOptions = "fcmOptions" | "fcm_options",
    }
}

json_object! {
    /// What the JavaScript SDK does besides delivering: the link that a click opens, and a label for analytics. Given
    /// to [`WebpushConfig::with_fcm_options`].
    pub struct WebpushFcmOptions {
        /// What a click opens; https only.
        link, with_link: HttpsUrl = "link" | "link",
        /// Groups messages in Google's analytics.
        analytics_label, with_analytics_label: AnalyticsLabel = "analyticsLabel" | "analytics_label",
    }
}
