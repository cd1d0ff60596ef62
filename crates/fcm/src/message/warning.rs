//! What is legal and still suspicious.

use std::fmt;

use super::text::quoted;
use super::{Android, Data, Message};

/// Something FCM takes but probably does not do as meant: log it while you develop.
/// [`Message::warnings`](super::Message::warnings) returns them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A data key near the reserved ones: Google's error page also names `gcm` and everything that starts with
    /// `google`, its schema does not.
    SuspiciousDataKey {
        /// The key, cut to 64 bytes.
        key: String,
    },
    /// The data key `collapse_key`: allowed, but FCM puts its own value in.
    OverriddenDataKey {
        /// The key.
        key: String,
    },
    /// Apple gets data alone, with a priority other than 5.
    DataOnlyNeedsPriority5,
    /// `default_vibrate_timings` wins over `vibrate_timings`.
    VibrateTimingsIgnored,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SuspiciousDataKey { key } => write!(f, "data key {key:?} looks like one that FCM reserves"),
            Self::OverriddenDataKey { key } => write!(f, "data key {key:?} is overridden by FCM"),
            Self::DataOnlyNeedsPriority5 => f.write_str("data alone needs apns-priority 5 on Apple devices"),
            Self::VibrateTimingsIgnored => f.write_str("default_vibrate_timings wins over vibrate_timings"),
        }
    }
}

pub(super) fn warnings(message: &Message) -> Vec<Warning> {
    let mut found = Vec::new();
    for data in all_data(message) {
        found.extend(data.iter().filter_map(|(key, _)| suspicious(key)));
    }
    if let Some(apns) = &message.apns {
        let shows = message.notification.is_some()
            || apns.payload.as_ref().is_some_and(|p| p.as_str().contains("\"aps\""));
        let has_data = message.data.as_ref().is_some_and(|data| !data.is_empty());
        let priority = apns.headers.as_ref().and_then(|headers| headers.value("apns-priority"));
        if has_data && !shows && priority.is_some_and(|priority| priority != "5") {
            found.push(Warning::DataOnlyNeedsPriority5);
        }
    }
    if let Some(Android::V1(config)) = &message.android
        && let Some(notification) = &config.notification
        && notification.default_vibrate_timings == Some(true)
        && notification.vibrate_timings.is_some()
    {
        found.push(Warning::VibrateTimingsIgnored);
    }
    found
}

fn suspicious(key: &str) -> Option<Warning> {
    match key {
        "collapse_key" => Some(Warning::OverriddenDataKey { key: quoted(key) }),
        _ if key.starts_with("google") || key.starts_with("gcm") => {
            Some(Warning::SuspiciousDataKey { key: quoted(key) })
        }
        _ => None,
    }
}

fn all_data(message: &Message) -> impl Iterator<Item = &Data> {
    let android = match &message.android {
        Some(Android::V1(config)) => config.data.as_ref(),
        Some(Android::V2(config)) => config.data.as_ref(),
        None => None,
    };
    let webpush = message.webpush.as_ref().and_then(|webpush| webpush.data.as_ref());
    [message.data.as_ref(), android, webpush].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::android::{AndroidConfig, AndroidNotification};
    use crate::message::{ApnsConfig, ApnsHeaders, ApnsPriority, Notification, ProtoDuration};

    #[test]
    fn each_has_its_text() {
        let data =
            Data::new([("gcm", "1"), ("google_id", "2"), ("collapse_key", "3"), ("fine", "4")]).unwrap();
        let mut message = Message::new().with_data(data).with_apns(
            ApnsConfig::new().with_headers(ApnsHeaders::default().with_priority(ApnsPriority::Immediate)),
        );
        let texts = |m: &Message| m.warnings().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(texts(&message), @r#"
        data key "collapse_key" is overridden by FCM
        data key "gcm" looks like one that FCM reserves
        data key "google_id" looks like one that FCM reserves
        data alone needs apns-priority 5 on Apple devices
        "#);
        let buzz = AndroidNotification::new()
            .with_default_vibrate_timings(true)
            .with_vibrate_timings(vec![ProtoDuration::default()]);
        message = Message::new()
            .with_notification(Notification::new().with_title("t"))
            .with_android(AndroidConfig::new().with_notification(buzz));
        insta::assert_snapshot!(texts(&message), @"default_vibrate_timings wins over vibrate_timings");
    }
}
