//! Texts by key, language and plural form (feature `render`).

use std::collections::BTreeMap;

use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralRules, PluralRulesOptions};
use thiserror::Error;

use super::{Layout, fill};
use crate::{Cause, Intent, Kind, Withdraw};

/// The texts of one language. Keys are those of [`Content::template`](super::Content::template) with `.title` or `.body`, of actions, and, for the
/// fall-back of A9, with `.sms`, `.email_subject` and `.email_body`; each may have a plural form behind: `new_message.sms.few`.
/// What takes something back is `cancel_call`, `cancel_offer` or `invalidate` and its cause: `cancel_call.answered.title`.
///
/// ```
/// use reveille_conversation::content::Texts;
/// let german = Texts::new("de", [
///     ("incoming_call.title", "Anruf"), ("incoming_call.from_queue.body", "Von {from} | Warteschlange: {queue}"),
/// ])?;
/// assert_eq!(german.text("incoming_call.from_queue", "title"), Some("Anruf"), "from the shorter key");
/// # Ok::<(), reveille_conversation::content::InvalidTexts>(())
/// ```
#[derive(Debug)]
pub struct Texts {
    language: String,
    rules: PluralRules,
    texts: BTreeMap<String, String>,
}

/// Why texts cannot be used: the error of [`Texts::new`]. The language has to be a BCP 47 tag, such as `de`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTexts {
    /// Not a BCP 47 language tag, or a language without plural rules.
    #[error("expected a language with plural rules, found {given:?}")]
    Language {
        /// What was given.
        given: String,
    },
}

/// The English texts: what is shown if there are no others, and the list of all keys.
const ENGLISH: &[(&str, &str)] = &[
    ("new_message.title", "New message"),
    ("new_message.body.one", "You have a new message"),
    ("new_message.body.other", "You have {count} new messages"),
    ("new_message.from.title", "{from}"),
    ("new_message.from_snippet.title", "{from}"),
    ("new_message.from_snippet.body.one", "{snippet}"),
    ("new_message.from_snippet.body.other", "{count} new messages: {snippet}"),
    ("new_message.snippet.body", "{snippet}"),
    ("new_message.sms.one", "You have a new message. Open the chat to read it."),
    ("new_message.sms.other", "You have {count} new messages. Open the chat to read them."),
    ("new_message.email_subject", "New message"),
    ("new_message.email_body", "You have {count} unread messages."),
    ("incoming_call.title", "Incoming call"),
    ("incoming_call.body", "Somebody is calling"),
    ("incoming_call.from.body", "From {from}"),
    ("incoming_call.queue.body", "Queue: {queue}"),
    ("incoming_call.from_queue.body", "From {from} | Queue: {queue}"),
    ("incoming_call.sms", "You have an incoming call."),
    ("incoming_call.email_subject", "Incoming call"),
    ("incoming_call.email_body", "You have an incoming call. From: {from}. Queue: {queue}."),
    ("incoming_chat.title", "Incoming chat"),
    ("incoming_chat.sms", "A chat waits for you."),
    ("incoming_chat.email_subject", "Incoming chat"),
    ("incoming_chat.email_body", "A chat waits for you."),
    ("incoming_callback.title", "Callback to make"),
    ("incoming_callback.sms", "There is a callback to make."),
    ("incoming_callback.email_subject", "Callback to make"),
    ("incoming_callback.email_body", "There is a callback to make."),
    ("incoming_email.title", "Incoming e-mail"),
    ("incoming_email.sms", "An e-mail waits for you."),
    ("incoming_email.email_subject", "Incoming e-mail"),
    ("incoming_email.email_body", "An e-mail waits for you."),
    ("incoming_message.title", "Incoming message"),
    ("incoming_message.sms", "A message waits for you."),
    ("incoming_message.email_subject", "Incoming message"),
    ("incoming_message.email_body", "A message waits for you."),
    ("missed_call.title", "Missed call"),
    ("missed_call.body", "A call was not answered"),
    ("missed_call.sms", "You missed a call."),
    ("missed_call.email_subject", "Missed call"),
    ("missed_call.email_body", "You missed a call."),
    ("forwarded.title", "Conversation forwarded to you"),
    ("forwarded.from.body", "By {from}"),
    ("forwarded.sms", "A conversation was forwarded to you."),
    ("forwarded.email_subject", "Conversation forwarded to you"),
    ("forwarded.email_body", "A conversation was forwarded to you."),
    ("invited.title", "Invitation to a conversation"),
    ("invited.from.body", "By {from}"),
    ("invited.sms", "You are invited to a conversation."),
    ("invited.email_subject", "Invitation to a conversation"),
    ("invited.email_body", "You are invited to a conversation."),
    ("delegated.title", "Conversation delegated to you"),
    ("delegated.from.body", "By {from}"),
    ("delegated.sms", "A conversation was delegated to you."),
    ("delegated.email_subject", "Conversation delegated to you"),
    ("delegated.email_body", "A conversation was delegated to you."),
    ("callback_upcoming.title", "Your callback is near"),
    ("callback_upcoming.body.one", "We will call you in about {count} minute"),
    ("callback_upcoming.body.other", "We will call you in about {count} minutes"),
    ("callback_upcoming.sms.one", "We will call you in about {count} minute."),
    ("callback_upcoming.sms.other", "We will call you in about {count} minutes."),
    ("callback_upcoming.email_subject", "Your callback is near"),
    ("callback_upcoming.email_body.one", "We will call you in about {count} minute."),
    ("callback_upcoming.email_body.other", "We will call you in about {count} minutes."),
    ("callback_ready.title", "It is your turn"),
    ("callback_ready.body", "Confirm, and you get the number to call"),
    ("callback_ready.sms", "It is your turn. Open the app to call us."),
    ("callback_ready.email_subject", "It is your turn"),
    ("callback_ready.email_body", "It is your turn. Open the app to call us."),
    ("callback_number.title", "Call us now"),
    ("callback_number.body", "{number}"),
    ("callback_number.sms", "Call us now: {number}"),
    ("callback_number.email_subject", "Call us now"),
    ("callback_number.email_body", "Call us now: {number}"),
    ("callback_purged.title", "Your callback was cancelled"),
    ("callback_purged.body", "We could not call you back. Please ask again."),
    ("callback_purged.sms", "We could not call you back. Please ask again."),
    ("callback_purged.email_subject", "Your callback was cancelled"),
    ("callback_purged.email_body", "We could not call you back. Please ask again."),
    ("callback_attempt_failed.title", "We could not reach you"),
    ("callback_attempt_failed.body", "Attempt {attempt} of {of}. We will try again."),
    ("callback_attempt_failed.sms", "We could not reach you. We will try again."),
    ("callback_attempt_failed.email_subject", "We could not reach you"),
    (
        "callback_attempt_failed.email_body",
        "We could not reach you. Attempt {attempt} of {of}. We will try again.",
    ),
    ("callback_final_attempt_failed.title", "We could not reach you"),
    ("callback_final_attempt_failed.body", "This was the last attempt."),
    ("callback_final_attempt_failed.sms", "We could not reach you. This was the last attempt."),
    ("callback_final_attempt_failed.email_subject", "We could not reach you"),
    ("callback_final_attempt_failed.email_body", "We could not reach you. This was the last attempt."),
    ("cancel_call.title", "Call ended"),
    ("cancel_call.answered_elsewhere.title", "Call answered by somebody else"),
    ("cancel_call.answered.title", "Call answered on another device"),
    ("cancel_call.declined.title", "Call declined on another device"),
    ("cancel_call.transferred.title", "Call went to somebody else"),
    ("cancel_offer.title", "No longer waiting for you"),
    ("cancel_offer.answered_elsewhere.title", "Somebody else took it"),
    ("invalidate.title", "Nothing new"),
    ("action.answer", "Answer"),
    ("action.decline", "Decline"),
    ("action.reply", "Reply"),
    ("action.mark_read", "Mark as read"),
    ("action.call_back", "Call back"),
    ("action.open", "Open"),
    ("action.confirm", "Confirm"),
    ("action.cancel", "Cancel"),
    ("action.call", "Call"),
];

/// The parts of a notification.
const PARTS: [&str; 5] = ["title", "body", "sms", "email_subject", "email_body"];

impl Texts {
    /// The plural forms that a language may have (CLDR).
    pub const FORMS: [&'static str; 6] = ["zero", "one", "two", "few", "many", "other"];

    /// The texts of a language.
    ///
    /// # Errors
    /// [`InvalidTexts`] if the language is unknown.
    pub fn new<'t>(
        language: &str,
        texts: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<Self, InvalidTexts> {
        let unknown = || InvalidTexts::Language { given: language.to_owned() };
        let locale: Locale = language.parse().map_err(|_| unknown())?;
        let rules =
            PluralRules::try_new(locale.into(), PluralRulesOptions::default()).map_err(|_| unknown())?;
        let texts = texts.into_iter().map(|(key, text)| (key.to_owned(), text.to_owned())).collect();
        Ok(Self { language: language.to_owned(), rules, texts })
    }

    /// Makes the English texts that come with this library.
    ///
    /// # Errors
    /// None in practice; the plural rules of English are compiled in.
    pub fn english() -> Result<Self, InvalidTexts> {
        Self::new("en", ENGLISH.iter().copied())
    }

    /// Whether a text of this key is ever asked for, also in a plural form, as in `new_message.body.few`. Check what others
    /// wrote: a key with a slip in it would never be read.
    #[must_use]
    pub fn knows(key: &str) -> bool {
        if ENGLISH.iter().any(|(known, _)| *known == key) {
            return true;
        }
        let (plain, form) = match key.rsplit_once('.') {
            Some((plain, form)) if Self::FORMS.contains(&form) => (plain, Some(form)),
            _ => (key, None),
        };
        let Some((template, part)) = plain.rsplit_once('.') else { return false };
        if Layout::TEMPLATES.contains(&template) {
            return PARTS.contains(&part);
        }
        let shown = ["title", "body"].contains(&part) && form.is_none();
        let (what, cause) = template.split_once('.').unwrap_or((template, ""));
        let taken_back = ["cancel_call", "cancel_offer", "invalidate"].contains(&what);
        shown && taken_back && (cause.is_empty() || Cause::from_name(cause).is_some())
    }

    /// The language's tag, as it was given.
    #[must_use]
    pub fn language(&self) -> &str {
        &self.language
    }

    /// A text without arguments, by key and part. A key without that part hands over to the shorter key: a title need not be
    /// repeated for `incoming_call.from_queue`.
    #[must_use]
    pub fn text(&self, key: &str, part: &str) -> Option<&str> {
        self.find(key, part, None)
    }

    /// A part of a notification: `title`, `body`, `sms`, `email_subject`, `email_body`.
    #[must_use]
    pub fn render(&self, intent: &Intent, part: &str) -> Option<String> {
        let layout = Layout::of(intent);
        let text = self.form(layout.template, part, self.category(layout.count))?;
        Some(fill(text, &intent.arguments, layout.count))
    }

    /// The plural form of a number in this language: `zero`, `one`, `two`, `few`, `many` or `other` (CLDR).
    #[must_use]
    pub fn category(&self, count: u32) -> &'static str {
        match self.rules.category_for(count) {
            PluralCategory::Zero => "zero",
            PluralCategory::One => "one",
            PluralCategory::Two => "two",
            PluralCategory::Few => "few",
            PluralCategory::Many => "many",
            PluralCategory::Other => "other",
        }
    }

    /// A text by key, part and [plural form](Self::category), with its arguments still to be [filled](super::fill) in. What
    /// [`render`](Self::render) looks up; ask once and keep the answer if you write many.
    #[must_use]
    pub fn form(&self, key: &str, part: &str, category: &str) -> Option<&str> {
        self.find(key, part, Some(category))
    }

    /// A part of what replaces a ring on the screen (B7): `title`, `body`.
    #[must_use]
    pub fn render_withdraw(&self, withdraw: &Withdraw, part: &str) -> Option<&str> {
        let what = match withdraw.of {
            Kind::IncomingCall => "cancel_call",
            Kind::IncomingOffer => "cancel_offer",
            _ => "invalidate",
        };
        self.find(&format!("{what}.{}", withdraw.cause), part, None)
    }

    fn find(&self, key: &str, part: &str, category: Option<&str>) -> Option<&str> {
        let mut key = key;
        loop {
            let plain = format!("{key}.{part}");
            let plural = category.map(|category| format!("{plain}.{category}"));
            let found = plural.and_then(|plural| self.texts.get(&plural));
            let found = found
                .or_else(|| self.texts.get(&plain))
                .or_else(|| category.and_then(|_| self.texts.get(&format!("{plain}.other"))));
            if let Some(text) = found {
                return Some(text);
            }
            key = key.rsplit_once('.')?.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_asked_for() {
        assert!(ENGLISH.iter().all(|(key, _)| Texts::knows(key)));
        for known in [
            "new_message.body.few",
            "new_message.from.sms.zero",
            "incoming_call.from_queue.title",
            "cancel_call.declined.body",
            "invalidate.title",
        ] {
            assert!(Texts::knows(known), "{known}");
        }
        for slip in [
            "",
            "title",
            "incoming_cal.title",
            "incoming_call.titel",
            "incoming_call.title.some",
            "cancel_call.forgotten.title",
            "cancel_call.sms",
            "cancel_call.title.one",
            "action.hang_up",
        ] {
            assert!(!Texts::knows(slip), "{slip}");
        }
    }
}
