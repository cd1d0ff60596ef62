//! For people whom no push reaches (A9).

use reveille_conversation::Intent;
use reveille_conversation::content::path;

use crate::{InvalidContent, Templates};

/// An e-mail's text, returned by [`Templates::email`](crate::Templates::email): hand it to whatever sends your mail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Email {
    /// One line.
    pub subject: String,
    /// Plain text; the last line is a link into the conversation.
    pub body: String,
}

impl Templates {
    /// The text of an SMS, with a link into the conversation. It carries no resume token: a text message is not bound to a
    /// device.
    ///
    /// # Errors
    /// [`InvalidContent::NoText`].
    pub fn sms(&self, intent: &Intent) -> Result<String, InvalidContent> {
        let text = self.part(intent, "sms")?;
        Ok(format!("{text} {}", self.link(intent)))
    }

    /// The text of an e-mail, with a link into the conversation. What takes something back has none (E5).
    ///
    /// # Errors
    /// [`InvalidContent::NoText`].
    pub fn email(&self, intent: &Intent) -> Result<Email, InvalidContent> {
        let body = self.part(intent, "email_body")?;
        let link = self.link(intent);
        Ok(Email { subject: self.part(intent, "email_subject")?, body: format!("{body}\n\n{link}\n") })
    }

    /// A link into the page, without a token.
    fn link(&self, intent: &Intent) -> String {
        format!("{}{}", self.origin(), path(&intent.conversation))
    }

    fn part(&self, intent: &Intent, part: &str) -> Result<String, InvalidContent> {
        self.rendered(intent, part)
            .ok_or_else(|| InvalidContent::NoText { key: format!("{}.{part}", intent.kind) })
    }
}
