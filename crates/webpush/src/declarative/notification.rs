//! Building a declarative message.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::DeclarativeAction;
use super::url::is_navigable;
use crate::message::{InvalidMessage, MAX_PLAINTEXT, Message, Ttl};

/// Text direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Direction {
    /// The browser decides.
    Auto,
    /// Left to right.
    Ltr,
    /// Right to left.
    Rtl,
}

/// A notification that describes itself: `{"web_push": 8030, "notification": {…}}`.
///
/// ```
/// use reveille_webpush::DeclarativeNotification;
///
/// let notification = DeclarativeNotification::new("Agent Smith", "https://shop.example/chat/42")
///     .with_body("Your order is on its way.")
///     .with_tag("chat-42")
///     .with_app_badge(1);
/// assert_eq!(notification.to_json()?, concat!(
///     r#"{"web_push":8030,"notification":{"title":"Agent Smith","navigate":"https://shop.example/chat/42","#,
///     r#""body":"Your order is on its way.","tag":"chat-42","app_badge":1},"app_badge":1}"#,
/// ));
/// # Ok::<(), reveille_webpush::InvalidDeclarative>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclarativeNotification {
    pub(super) title: String,
    pub(super) navigate: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lang: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dir: Option<Direction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) icon: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) image: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) badge: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) silent: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) renotify: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "requireInteraction")]
    pub(super) require_interaction: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) actions: Vec<DeclarativeAction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) app_badge: Option<u64>,
    #[serde(skip)]
    pub(super) mutable: bool,
}

/// Why a declarative message would not be shown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidDeclarative {
    /// Not the JSON of a declarative message, or an unknown member.
    #[error("not the JSON of a declarative message (line {line}, column {column})")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// `web_push` is not 8030.
    #[error("web_push must be 8030")]
    Magic,
    /// The title is empty.
    #[error("title must not be empty")]
    Title,
    /// A URL is not absolute https.
    #[error("{field} must be an absolute https URL")]
    Url {
        /// Which member.
        field: &'static str,
    },
    /// `renotify` without `tag`, or `silent` with `renotify`: the Notifications API refuses both.
    #[error("{rule}")]
    Contradiction {
        /// The broken rule.
        rule: &'static str,
    },
    /// Too long for a push message.
    #[error("message of {length} bytes is longer than the limit of {MAX_PLAINTEXT}")]
    TooLong {
        /// Bytes of the JSON.
        length: usize,
    },
}

/// The whole payload, in the order in which it is written.
#[derive(Serialize)]
struct Payload<'a> {
    web_push: u32,
    notification: &'a DeclarativeNotification,
    // The draft has it here, WebKit's first implementation in the notification: it is written in both places.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_badge: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    mutable: bool,
}

impl DeclarativeNotification {
    /// A title, and the absolute https URL that a click opens.
    #[must_use]
    pub fn new(title: impl Into<String>, navigate: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            navigate: navigate.into(),
            body: None,
            lang: None,
            dir: None,
            tag: None,
            icon: None,
            image: None,
            badge: None,
            timestamp: None,
            silent: None,
            renotify: None,
            require_interaction: None,
            data: None,
            actions: Vec::new(),
            app_badge: None,
            mutable: false,
        }
    }

    /// The text.
    #[must_use]
    pub fn with_body(self, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// The language of title and body (BCP 47).
    #[must_use]
    pub fn with_lang(self, lang: impl Into<String>) -> Self {
        Self { lang: Some(lang.into()), ..self }
    }

    /// The text direction.
    #[must_use]
    pub fn with_dir(self, dir: Direction) -> Self {
        Self { dir: Some(dir), ..self }
    }

    /// A notification with the same tag is replaced.
    #[must_use]
    pub fn with_tag(self, tag: impl Into<String>) -> Self {
        Self { tag: Some(tag.into()), ..self }
    }

    /// An icon's URL.
    #[must_use]
    pub fn with_icon(self, icon: impl Into<String>) -> Self {
        Self { icon: Some(icon.into()), ..self }
    }

    /// A picture's URL.
    #[must_use]
    pub fn with_image(self, image: impl Into<String>) -> Self {
        Self { image: Some(image.into()), ..self }
    }

    /// The URL of a small icon for where there is no room for the notification.
    #[must_use]
    pub fn with_badge(self, badge: impl Into<String>) -> Self {
        Self { badge: Some(badge.into()), ..self }
    }

    /// When the event happened, in milliseconds since the epoch.
    #[must_use]
    pub fn with_timestamp(self, at: reveille_core::UnixTime) -> Self {
        Self { timestamp: Some(at.as_millis()), ..self }
    }

    /// Without sound and vibration.
    #[must_use]
    pub fn with_silent(self, silent: bool) -> Self {
        Self { silent: Some(silent), ..self }
    }

    /// Alert again when an older notification with the same tag is replaced.
    #[must_use]
    pub fn with_renotify(self, renotify: bool) -> Self {
        Self { renotify: Some(renotify), ..self }
    }

    /// Stay until the user reacts.
    #[must_use]
    pub fn with_require_interaction(self, require: bool) -> Self {
        Self { require_interaction: Some(require), ..self }
    }

    /// Anything, for the service worker.
    #[must_use]
    pub fn with_data(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }

    /// One more button.
    #[must_use]
    pub fn with_action(mut self, action: DeclarativeAction) -> Self {
        self.actions.push(action);
        self
    }

    /// The number on the app's icon; 0 removes it.
    #[must_use]
    pub fn with_app_badge(self, count: u64) -> Self {
        Self { app_badge: Some(count), ..self }
    }

    /// Let the service worker change the notification before it is shown.
    #[must_use]
    pub fn with_mutable(self, mutable: bool) -> Self {
        Self { mutable, ..self }
    }

    /// Checks the rules and writes the JSON.
    ///
    /// # Errors
    /// [`InvalidDeclarative`].
    pub fn to_json(&self) -> Result<String, InvalidDeclarative> {
        self.check()?;
        let payload =
            Payload { web_push: 8030, notification: self, app_badge: self.app_badge, mutable: self.mutable };
        let json = serde_json::to_string(&payload)
            .map_err(|e| InvalidDeclarative::Json { line: e.line(), column: e.column() })?;
        if json.len() > MAX_PLAINTEXT {
            return Err(InvalidDeclarative::TooLong { length: json.len() });
        }
        Ok(json)
    }

    /// The push message.
    ///
    /// # Errors
    /// [`InvalidDeclarative`].
    pub fn to_message(&self, ttl: Ttl) -> Result<Message, InvalidDeclarative> {
        Message::new(self.to_json()?, ttl).map_err(|error| match error {
            InvalidMessage::TooLong { length } | InvalidMessage::PaddingTooLong { length, .. } => {
                InvalidDeclarative::TooLong { length }
            }
            InvalidMessage::NothingToPad => InvalidDeclarative::TooLong { length: 0 },
        })
    }

    pub(super) fn check(&self) -> Result<(), InvalidDeclarative> {
        if self.title.is_empty() {
            return Err(InvalidDeclarative::Title);
        }
        let urls = [
            ("notification.navigate", Some(&self.navigate)),
            ("notification.icon", self.icon.as_ref()),
            ("notification.image", self.image.as_ref()),
            ("notification.badge", self.badge.as_ref()),
        ];
        let actions = self.actions.iter().flat_map(|action| {
            [
                ("notification.actions.navigate", Some(&action.navigate)),
                ("notification.actions.icon", action.icon.as_ref()),
            ]
        });
        for (field, url) in urls.into_iter().chain(actions) {
            if url.is_some_and(|url| !is_navigable(url)) {
                return Err(InvalidDeclarative::Url { field });
            }
        }
        if self.renotify == Some(true) && self.tag.as_deref().is_none_or(str::is_empty) {
            return Err(InvalidDeclarative::Contradiction { rule: "renotify needs a tag" });
        }
        if self.renotify == Some(true) && self.silent == Some(true) {
            return Err(InvalidDeclarative::Contradiction { rule: "a silent notification cannot renotify" });
        }
        Ok(())
    }
}
