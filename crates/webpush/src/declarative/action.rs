//! Buttons.

use serde::{Deserialize, Serialize};

/// A button of the notification; each opens a URL of its own. Give it to
/// [`DeclarativeNotification::with_action`](crate::DeclarativeNotification::with_action).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DeclarativeAction {
    /// Names the action to the service worker.
    pub action: String,
    /// The text on the button.
    pub title: String,
    /// Where a click leads: an absolute https URL.
    pub navigate: String,
    /// An image URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
}

impl DeclarativeAction {
    /// Makes a button without an icon.
    #[must_use]
    pub fn new(action: impl Into<String>, title: impl Into<String>, navigate: impl Into<String>) -> Self {
        Self { action: action.into(), title: title.into(), navigate: navigate.into(), icon: None }
    }
}
