//! What a push service's answer means, in the same words for every service.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::text::tame;
use crate::{Action, cut_out, redacted_url};

/// The meaning of an answer; `classify` of each service returns one. A refusal is data, not an `Err`: `Err` means
/// that *we* could not build or parse.
///
/// ```
/// use reveille_core::{Action, Outcome, Receipt, Rejection};
///
/// let taken = Outcome::Accepted(Receipt::new(201));
/// assert_eq!(taken.action(), None);
/// let gone = Outcome::Rejected(Rejection::new(410, Action::DropTarget { if_registered_before: None }));
/// match gone {
///     Outcome::Rejected(rejection) => assert_eq!((rejection.status, rejection.action.name()), (410, "drop_target")),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "users match all of it: there is nothing else")]
pub enum Outcome {
    /// The service took the message.
    Accepted(Receipt),
    /// The service did not take the message; the rejection says what to do next.
    Rejected(Rejection),
}

impl Outcome {
    /// The next step after a refusal; `None` if the message was accepted.
    #[must_use]
    pub const fn action(&self) -> Option<&Action> {
        match self {
            Self::Accepted(_) => None,
            Self::Rejected(rejection) => Some(&rejection.action),
        }
    }
}

/// What an accepting service told us: keep [`message`](Self::message) if you want to find the message in the
/// service's own logs.
///
/// `Debug` shortens `message` to its origin where it is a URL: on some services it is a capability.
///
/// ```
/// use reveille_core::Receipt;
///
/// let mut receipt = Receipt::new(201);
/// receipt.message = Some("https://push.example/message/secret".into());
/// assert!(!format!("{receipt:?}").contains("secret")); // of a URL, `Debug` shows the origin only
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The HTTP status.
    pub status: u16,
    /// The service's name for the message: `Location` (Web Push), `apns-id` (APNs), `name` (FCM).
    pub message: Option<String>,
    /// How long the service will keep the message, where it says so; it may be less than was asked.
    pub ttl: Option<Duration>,
    /// A second name some services give: `apns-unique-id` (APNs, development), the receipt `Link` (RFC 8030 §5.1).
    pub reference: Option<String>,
}

impl Receipt {
    /// A receipt that holds nothing but its status.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("status", &self.status)
            .field("message", &self.message.as_deref().map(redacted_url))
            .field("ttl", &self.ttl)
            .field("reference", &self.reference.as_deref().map(redacted_url))
            .finish()
    }
}

/// Why a service refused, and what to do about it: act on [`action`](Self::action), log the rest.
///
/// ```
/// use reveille_core::{Action, Rejection};
///
/// let rejection = Rejection::new(404, Action::SuspectTarget).with_detail("no such\nuser");
/// assert_eq!(rejection.detail.as_deref(), Some("no such user")); // on one line, for logs
/// assert_eq!(rejection.action, Action::SuspectTarget);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// The HTTP status.
    pub status: u16,
    /// The service's own word for the reason; an unknown one keeps its text.
    pub reason: Option<Cow<'static, str>>,
    /// The next step.
    pub action: Action,
    /// What else the service said, or a hint for the operator. Bounded in length.
    pub detail: Option<String>,
}

impl Rejection {
    /// The longest `reason` or `detail` that is kept, in bytes: an answer is written by somebody else.
    pub const MAX_TEXT: usize = crate::text::MAX_TEXT;

    /// A rejection without reason or detail.
    #[must_use]
    pub const fn new(status: u16, action: Action) -> Self {
        Self { status, reason: None, action, detail: None }
    }

    /// Adds the service's word for the reason. A `String` is cut to [`MAX_TEXT`](Self::MAX_TEXT) bytes, and its controls and
    /// line ends become spaces; a constant of the program is kept as it is.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(match reason.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text),
            Cow::Owned(text) => Cow::Owned(tame(text)),
        });
        self
    }

    /// Adds detail, cut to [`MAX_TEXT`](Self::MAX_TEXT) bytes; controls and line ends become spaces.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(tame(detail.into()));
        self
    }

    /// Cuts everything out of `reason` and `detail` that is in `secrets`: the path of an endpoint, a device token. A
    /// service may quote what it was sent ("Cannot POST /wpush/v2/…"), and these texts end up in logs. See
    /// [`cut_out`](crate::cut_out) for what counts as a quotation.
    #[must_use]
    pub fn without(mut self, secrets: &[&str]) -> Self {
        if let Some(Cow::Owned(reason)) = &self.reason {
            self.reason = Some(Cow::Owned(cut_out(reason, secrets)));
        }
        self.detail = self.detail.map(|detail| cut_out(&detail, secrets));
        self
    }
}

impl From<Rejection> for Outcome {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Receipt> for Outcome {
    fn from(receipt: Receipt) -> Self {
        Self::Accepted(receipt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_url_is_not_printed() {
        let receipt =
            Receipt { message: Some("https://push.example/m/SECRET?x=1".into()), ..Receipt::new(201) };
        insta::assert_snapshot!(format!("{receipt:?}"), @r#"Receipt { status: 201, message: Some("https://push.example/…"), ttl: None, reference: None }"#);
    }

    #[test]
    fn foreign_text_is_cut_on_a_character() {
        let rejection =
            Rejection::new(500, Action::GiveUp).with_detail("é".repeat(600)).with_reason("x".repeat(600));
        assert_eq!(rejection.detail.unwrap(), "é".repeat(256));
        assert_eq!(rejection.reason.unwrap().len(), Rejection::MAX_TEXT);
    }

    #[test]
    fn foreign_text_stays_on_one_line() {
        let rejection = Rejection::new(500, Action::GiveUp).with_reason("a\x1b[2J\nfake line".to_owned());
        assert_eq!(rejection.reason.unwrap(), "a [2J fake line");
    }
}
