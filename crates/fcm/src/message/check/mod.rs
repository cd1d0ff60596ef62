//! What one field alone cannot show: rules between fields, and the payload for Apple.

mod apns;

pub(super) use apns::check_parts;

use serde_json::Value;
use thiserror::Error;

use super::Message;
use super::label::is_url;
use super::text::Text;
use crate::android::{Android, AndroidMessageV2};

/// A message that Google's own clients refuse to send, or that Apple refuses behind FCM; the error of
/// [`Message::check`](super::Message::check). It names the field.
///
/// The text names the field and never a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: {problem}")]
#[non_exhaustive]
pub struct InvalidMessage {
    /// Path of the field, as in `apns.payload.aps.alert`.
    pub field: String,
    /// What is wrong: "expected an object, found a number".
    pub problem: String,
}

impl InvalidMessage {
    pub(super) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }

    /// A value of the wrong kind, or none.
    fn kind(field: impl Into<String>, expected: &str, found: Option<&Value>) -> Self {
        Self::new(field, format!("expected {expected}, found {}", kind_of(found)))
    }
}

const fn kind_of(value: Option<&Value>) -> &'static str {
    match value {
        None => "nothing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "a boolean",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "a string",
        Some(Value::Array(_)) => "an array",
        Some(Value::Object(_)) => "an object",
    }
}

type Checked = Result<(), InvalidMessage>;

impl Message {
    /// Checks what one field alone cannot show; every way to a request does it.
    ///
    /// * Images are `http` or `https` URLs, arguments come with the key they belong to, a list of vibrations is not
    ///   empty: what `firebase-admin` refuses.
    /// * The payload for Apple has an `aps` whose members have Apple's types, and headers that fit: a background push
    ///   shows nothing and has priority 5 (Apple, "Pushing background updates to your App").
    ///
    /// ```
    /// use reveille_fcm::{ApnsConfig, Message};
    /// use reveille_payload::JsonObject;
    /// let payload: JsonObject = r#"{"aps":{"badge":"3"}}"#.parse()?;
    /// let message = Message::new().with_apns(ApnsConfig::new().with_payload(payload));
    /// let error = message.check().unwrap_err();
    /// assert_eq!(error.to_string(), "apns.payload.aps.badge: expected a number from 0 on, found a string");
    /// # Ok::<(), reveille_payload::InvalidJson>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidMessage`] names the first such field.
    pub fn check(&self) -> Result<(), InvalidMessage> {
        if let Some(shared) = &self.notification {
            image("notification.image", shared.image.as_ref())?;
        }
        if let Some(android) = &self.android {
            check_android(android)?;
        }
        if let Some(config) = &self.apns {
            if let Some(options) = &config.fcm_options {
                image("apns.fcmOptions.image", options.image.as_ref())?;
            }
            let shows = self
                .notification
                .as_ref()
                .is_some_and(|shared| shared.title.is_some() || shared.body.is_some());
            apns::check(config, shows)?;
        }
        Ok(())
    }
}

fn image(field: &'static str, text: Option<&Text>) -> Checked {
    match text {
        Some(text) if !is_url(text, &["https://", "http://"]) => {
            Err(InvalidMessage::new(field, "expected an absolute http or https URL"))
        }
        _ => Ok(()),
    }
}

/// The fields of an Android notification, of either form, that depend on one another.
struct Shown<'a> {
    path: &'static str,
    image: Option<&'a Text>,
    body: (Option<&'a Text>, Option<&'a Vec<Text>>),
    title: (Option<&'a Text>, Option<&'a Vec<Text>>),
    no_vibration: bool,
}

macro_rules! shown {
    ($path:literal, $n:expr) => {
        Shown {
            path: $path,
            image: $n.image.as_ref(),
            body: ($n.body_loc_key.as_ref(), $n.body_loc_args.as_ref()),
            title: ($n.title_loc_key.as_ref(), $n.title_loc_args.as_ref()),
            no_vibration: $n.vibrate_timings.as_ref().is_some_and(Vec::is_empty),
        }
    };
}

fn check_android(android: &Android) -> Checked {
    let shown = match android {
        Android::V1(config) => config.notification.as_deref().map(|n| shown!("android.notification", n)),
        Android::V2(config) => match &config.message {
            Some(AndroidMessageV2::RemoteNotification(remote)) => {
                remote.notification.as_deref().map(|n| shown!("androidV2.remoteNotification.notification", n))
            }
            _ => None,
        },
    };
    let Some(Shown { path, image, body, title, no_vibration }) = shown else { return Ok(()) };
    if image.is_some_and(|text| !is_url(text, &["https://", "http://"])) {
        return Err(InvalidMessage::new(format!("{path}.image"), "expected an absolute http or https URL"));
    }
    for ((key, arguments), name) in [(body, "bodyLoc"), (title, "titleLoc")] {
        if arguments.is_some_and(|list| !list.is_empty()) && key.is_none_or(|key| key.is_empty()) {
            return Err(InvalidMessage::new(
                format!("{path}.{name}Args"),
                format!("arguments need a {name}Key that they belong to"),
            ));
        }
    }
    if no_vibration {
        return Err(InvalidMessage::new(
            format!("{path}.vibrateTimings"),
            "expected at least one duration, found none",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
