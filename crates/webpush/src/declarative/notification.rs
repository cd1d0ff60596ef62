//! Building a declarative message.

use reveille_payload::{InvalidJson, SizeLimit, TooLarge};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::DeclarativeAction;
use super::navigable::is_navigable;
use crate::message::{MAX_PLAINTEXT, Message, Ttl};

/// In which direction the texts are read, for
/// [`DeclarativeNotification::with_dir`](crate::DeclarativeNotification::with_dir); needed for Arabic, Hebrew and the
/// like.
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

/// A notification that the browser shows by itself, without a service worker: `{"web_push": 8030, "notification":
/// {…}}`. Use it where Safari is among the receivers; [`to_message`](Self::to_message) makes the message to send.
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
/// # Ok::<(), reveille_webpush::Error>(())
/// ```
///
/// `Serialize` and `Deserialize` keep that very JSON, unchecked; [`from_json`](Self::from_json) checks.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclarativeNotification {
    pub(super) members: Members,
    pub(super) mutable: bool,
}

/// What stands under `notification`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Members {
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
}

/// Why a declarative message would not be shown; the error of [`DeclarativeNotification`] where it is fitted or
/// written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidDeclarative {
    /// Not the JSON of a declarative message, or an unknown member.
    #[error(transparent)]
    Json(#[from] InvalidJson),
    /// `web_push` is not 8030.
    #[error("web_push must be 8030")]
    Magic,
    /// The title is empty.
    #[error("title must not be empty")]
    Title,
    /// A URL is not absolute https.
    #[error("{field} must be an absolute https URL")]
    Url {
        /// Which member of the JSON it is.
        field: &'static str,
    },
    /// `renotify` without `tag`, or `silent` with `renotify`: the Notifications API refuses both.
    #[error("{rule}")]
    Contradiction {
        /// The broken rule.
        rule: &'static str,
    },
    /// Too long for a push message; [`DeclarativeNotification::fit`] cuts it.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

impl DeclarativeNotification {
    /// A title, and the absolute https URL that a click opens.
    #[must_use]
    pub fn new(title: impl Into<String>, navigate: impl Into<String>) -> Self {
        let members = Members {
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
        };
        Self { members, mutable: false }
    }

    /// Sets the text below the title.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<String>) -> Self {
        self.members.body = Some(body.into());
        self
    }

    /// The language of title and body (BCP 47).
    #[must_use]
    pub fn with_lang(mut self, lang: impl Into<String>) -> Self {
        self.members.lang = Some(lang.into());
        self
    }

    /// Sets the direction in which the texts are read.
    #[must_use]
    pub fn with_dir(mut self, dir: Direction) -> Self {
        self.members.dir = Some(dir);
        self
    }

    /// A notification with the same tag is replaced.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.members.tag = Some(tag.into());
        self
    }

    /// Sets the URL of an icon.
    #[must_use]
    pub fn with_icon(mut self, icon: impl Into<String>) -> Self {
        self.members.icon = Some(icon.into());
        self
    }

    /// Sets the URL of a picture.
    #[must_use]
    pub fn with_image(mut self, image: impl Into<String>) -> Self {
        self.members.image = Some(image.into());
        self
    }

    /// The URL of a small icon for where there is no room for the notification.
    #[must_use]
    pub fn with_badge(mut self, badge: impl Into<String>) -> Self {
        self.members.badge = Some(badge.into());
        self
    }

    /// When the event happened, in milliseconds since the epoch.
    #[must_use]
    pub fn with_timestamp(mut self, at: reveille_core::UnixTime) -> Self {
        self.members.timestamp = Some(at.as_millis());
        self
    }

    /// Shows it without sound and vibration, or not.
    #[must_use]
    pub fn with_silent(mut self, silent: bool) -> Self {
        self.members.silent = Some(silent);
        self
    }

    /// Alert again when an older notification with the same tag is replaced.
    #[must_use]
    pub fn with_renotify(mut self, renotify: bool) -> Self {
        self.members.renotify = Some(renotify);
        self
    }

    /// Stay until the user reacts.
    #[must_use]
    pub fn with_require_interaction(mut self, require: bool) -> Self {
        self.members.require_interaction = Some(require);
        self
    }

    /// Anything that serialises, for the service worker.
    ///
    /// # Errors
    /// [`InvalidJson`] if it cannot be written as JSON.
    pub fn with_data<T: Serialize + ?Sized>(mut self, data: &T) -> Result<Self, InvalidJson> {
        let data =
            serde_json::to_value(data).map_err(|error| InvalidJson::new("notification.data", &error))?;
        self.members.data = Some(data);
        Ok(self)
    }

    /// Adds one more button.
    #[must_use]
    pub fn with_action(mut self, action: DeclarativeAction) -> Self {
        self.members.actions.push(action);
        self
    }

    /// The number on the app's icon; 0 removes it.
    #[must_use]
    pub fn with_app_badge(mut self, count: u64) -> Self {
        self.members.app_badge = Some(count);
        self
    }

    /// Let the service worker change the notification before it is shown.
    #[must_use]
    pub fn with_mutable(self, mutable: bool) -> Self {
        Self { mutable, ..self }
    }

    /// Checks the rules and writes the JSON, of at most [`MAX_PLAINTEXT`] bytes.
    ///
    /// # Errors
    /// [`InvalidDeclarative`].
    pub fn to_json(&self) -> Result<String, InvalidDeclarative> {
        self.to_json_within(SizeLimit::Provider)
    }

    /// The push message, of at most 2,048 bytes. Longer ones: [`fit`](Self::fit), or a
    /// [`Message::new_within`] of [`to_json`](Self::to_json).
    ///
    /// # Errors
    /// [`InvalidDeclarative`].
    pub fn to_message(&self, ttl: Ttl) -> Result<Message, InvalidDeclarative> {
        let json = self.to_json_within(SizeLimit::Own)?;
        let size = json.len();
        Message::new(json, ttl).map_err(|_| TooLarge::uncut(size, SizeLimit::OWN, &self.parts(&[])).into())
    }

    fn to_json_within(&self, limit: SizeLimit) -> Result<String, InvalidDeclarative> {
        self.check()?;
        let json = self.write()?;
        let limit = limit.of(MAX_PLAINTEXT);
        if json.len() > limit {
            return Err(TooLarge::uncut(json.len(), limit, &self.parts(&[])).into());
        }
        Ok(json)
    }

    pub(super) fn write(&self) -> Result<String, InvalidJson> {
        serde_json::to_string(self).map_err(|error| InvalidJson::new("", &error))
    }

    pub(super) fn check(&self) -> Result<(), InvalidDeclarative> {
        if self.members.title.is_empty() {
            return Err(InvalidDeclarative::Title);
        }
        let urls = [
            ("notification.navigate", Some(&self.members.navigate)),
            ("notification.icon", self.members.icon.as_ref()),
            ("notification.image", self.members.image.as_ref()),
            ("notification.badge", self.members.badge.as_ref()),
        ];
        let actions = self.members.actions.iter().flat_map(|action| {
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
        if self.members.renotify == Some(true) && self.members.tag.as_deref().is_none_or(str::is_empty) {
            return Err(InvalidDeclarative::Contradiction { rule: "renotify needs a tag" });
        }
        if self.members.renotify == Some(true) && self.members.silent == Some(true) {
            return Err(InvalidDeclarative::Contradiction { rule: "a silent notification cannot renotify" });
        }
        Ok(())
    }
}
