//! Apple devices through FCM.

use super::{AnalyticsLabel, ApnsHeaders, LiveActivityToken, Text};
use reveille_payload::JsonObject;
use crate::schema::json_object;

json_object! {
    /// Apple's part of a message.
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

json_object! {
    /// What the Apple SDK does besides delivering.
    pub struct ApnsFcmOptions {
        /// Groups messages in Google's analytics.
        analytics_label, with_analytics_label: AnalyticsLabel = "analyticsLabel" | "analytics_label",
        /// URL of an image; overrides the shared one.
        image, with_image: Text = "image" | "image",
    }
}
