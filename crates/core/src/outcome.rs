//! What a push service's answer means, in the same words for every service.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::{UnixTime, redacted_url};

/// The meaning of an answer. A refusal is data, not an `Err`: `Err` means that *we* could not build or parse.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// What an accepting service told us.
///
/// `Debug` shortens `message` to its origin where it is a URL: on some services it is a capability.
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

/// Why a service refused, and what to do about it.
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
    pub const MAX_TEXT: usize = 512;

    /// A rejection without reason or detail.
    #[must_use]
    pub const fn new(status: u16, action: Action) -> Self {
        Self { status, reason: None, action, detail: None }
    }

    /// Adds the service's word for the reason, cut to [`MAX_TEXT`](Self::MAX_TEXT) bytes, on one line.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(match reason.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text),
            Cow::Owned(text) => Cow::Owned(tame(text)),
        });
        self
    }

    /// Adds detail, cut to [`MAX_TEXT`](Self::MAX_TEXT) bytes, on one line.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(tame(detail.into()));
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

/// The start of `text` that fits, on a character boundary, with control characters made spaces: it was written by
/// somebody else and ends up in logs.
fn tame(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(Rejection::MAX_TEXT));
    if text.contains(char::is_control) { text.replace(char::is_control, " ") } else { text }
}

/// The next step after a refusal; the same for all push services.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Send the same request again, not earlier than this.
    Retry {
        /// Earliest time of the next attempt.
        not_before: UnixTime,
    },
    /// Send nothing on this lane (this push service, this project, this device: the caller's unit) until then.
    SlowDown {
        /// End of the pause.
        until: UnixTime,
    },
    /// The target is gone: remove it, but only if it was registered before the given time, where there is one.
    DropTarget {
        /// The service's own time of death; a registration newer than this stays.
        if_registered_before: Option<UnixTime>,
    },
    /// The target may be gone: keep it, count, see [`Suspicion`](crate::Suspicion).
    SuspectTarget,
    /// The short-lived credential (provider token, access token, VAPID header) is stale: make a new one, try once more.
    RefreshCredential,
    /// The connection is spoilt: open a new one, then try again.
    Reconnect,
    /// The request is wrong; the same request will fail again.
    FixRequest {
        /// Header or field at fault, where the service names it.
        field: Option<Cow<'static, str>>,
    },
    /// The long-lived credential is wrong: pause what uses it **at this service** and tell the operator. Where targets
    /// choose the service, as in Web Push, one service's word says nothing about the others.
    FixCredential,
    /// Nothing helps: count it and go on.
    GiveUp,
}

impl Action {
    /// The action's name in snake case, as `pushtool` and logs print it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::SlowDown { .. } => "slow_down",
            Self::DropTarget { .. } => "drop_target",
            Self::SuspectTarget => "suspect_target",
            Self::RefreshCredential => "refresh_credential",
            Self::Reconnect => "reconnect",
            Self::FixRequest { .. } => "fix_request",
            Self::FixCredential => "fix_credential",
            Self::GiveUp => "give_up",
        }
    }

    /// The time before which nothing may be sent: of [`Retry`](Self::Retry) and [`SlowDown`](Self::SlowDown).
    #[must_use]
    pub const fn not_before(&self) -> Option<UnixTime> {
        match self {
            Self::Retry { not_before: at } | Self::SlowDown { until: at } => Some(*at),
            _ => None,
        }
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

    #[test]
    fn only_retry_and_slow_down_carry_a_time() {
        let at = UnixTime::from_secs(9);
        assert_eq!(Action::Retry { not_before: at }.not_before(), Some(at));
        assert_eq!(Action::SlowDown { until: at }.not_before(), Some(at));
        assert_eq!(Action::DropTarget { if_registered_before: Some(at) }.not_before(), None);
    }
}
