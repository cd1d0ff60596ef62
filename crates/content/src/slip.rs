//! What only the writer of a request knows.

use std::fmt;

use reveille_conversation::Forms;
use reveille_core::UnixTime;

/// What you add for one device when you write a request: the time of the job, the resume token, the badge. The same slip for
/// every attempt, so that what is sent again is the same (A6).
#[derive(Clone, PartialEq, Eq)]
pub struct Slip {
    issued_at: UnixTime,
    resume_token: Option<String>,
    badge: Option<u32>,
    forms: Option<Forms>,
}

impl Slip {
    /// The time at which the job was made, not the time of an attempt.
    #[must_use]
    pub const fn new(issued_at: UnixTime) -> Self {
        Self { issued_at, resume_token: None, badge: None, forms: None }
    }

    /// The token that leads back into the conversation (A6, C3). It stands under `resumeToken`, and for browsers without a
    /// worker in the fragment of the link, which no server sees.
    #[must_use]
    pub fn with_resume_token(self, token: impl Into<String>) -> Self {
        Self { resume_token: Some(token.into()), ..self }
    }

    /// The number on the app's icon, over all conversations of the person; 0 removes it.
    #[must_use]
    pub fn with_badge(self, badge: u32) -> Self {
        Self { badge: Some(badge), ..self }
    }

    /// The forms that cancels have in this device's app, if it has [rules](reveille_conversation::rules::AppRules) of its
    /// own; otherwise they are those of the gateway's rules.
    #[must_use]
    pub const fn with_forms(mut self, forms: Forms) -> Self {
        self.forms = Some(forms);
        self
    }

    /// The time of the job.
    #[must_use]
    pub const fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// The resume token that goes into the push, if there is one.
    #[must_use]
    pub fn resume_token(&self) -> Option<&str> {
        self.resume_token.as_deref()
    }

    /// The number that the app's icon is to show, if there is one.
    #[must_use]
    pub const fn badge(&self) -> Option<u32> {
        self.badge
    }

    /// The forms of cancels, if they are others than the gateway's.
    #[must_use]
    pub const fn forms(&self) -> Option<&Forms> {
        self.forms.as_ref()
    }
}

/// Not the token.
impl fmt::Debug for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slip")
            .field("issued_at", &self.issued_at)
            .field("resume_token_bytes", &self.resume_token.as_ref().map(String::len))
            .field("badge", &self.badge)
            .field("forms", &self.forms)
            .finish()
    }
}
