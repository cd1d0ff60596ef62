//! Testing credentials with a dry run: "configured", or precisely what is wrong.

use std::fmt;

use bytes::Bytes;
use http::{Request, Response};
use reveille_core::{Action, UnixTime};

use super::{TokenFailure, TokenFailureKind};
use crate::answer::{ErrorBody, ErrorCode, classify, redact};
use crate::{AccessToken, Message, MessageError, Notification, Prepared, Project, SizeBudget, Target, Topic};

/// The topic that a probe without a device goes to; in a dry run nothing is delivered.
pub const PROBE_TOPIC: &str = "reveille-credential-test";

/// What a test of credentials found.
///
/// ```
/// use http::Response;
/// use reveille_core::UnixTime;
/// use reveille_fcm::{AccessToken, Project, Verdict, probe_request};
///
/// let (project, token) = (Project::new("my-project")?, AccessToken::new("ya29.example")?);
/// let request = probe_request(&project, &token, None)?;
/// assert!(request.body().starts_with(br#"{"validateOnly":true,"#));
/// // … send it …
/// let response = Response::builder().status(403).body(
///     r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Firebase Cloud Messaging API has not been used in project 1 before or it is disabled."}}"#,
/// )?;
/// assert_eq!(Verdict::of_answer(&response, UnixTime::from_secs(1)), Verdict::ApiDisabled);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Everything works.
    Configured,
    /// The credentials work; the device that was probed is not registered any more.
    ConfiguredTargetGone,
    /// The key is not, or no longer, the account's.
    WrongKey,
    /// The service account does not exist or is disabled.
    UnknownAccount,
    /// The clock of this machine is off.
    ClockOff {
        /// Seconds that it is ahead of the server; negative if behind.
        ahead_secs: Option<i64>,
    },
    /// The account may not have the scope for messaging.
    ScopeNotAllowed,
    /// The project does not exist, or the account has no right to send in it.
    WrongProject,
    /// The Firebase Cloud Messaging API is not enabled in the project.
    ApiDisabled,
    /// The account works, but the probed device belongs to another project.
    SenderMismatch,
    /// The account works; the APNs key or Web Push credential in the Firebase console does not.
    ThirdPartyCredential,
    /// FCM does not accept the access token.
    TokenRefused,
    /// Nothing can be said now.
    TryLater {
        /// Not before this, where something is known.
        not_before: Option<UnixTime>,
    },
    /// Something else, in the server's words.
    Unexpected {
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
        /// The server's words, without anything that looks like a token.
        detail: String,
    },
}

impl Verdict {
    /// Whether messages can be sent with these credentials.
    #[must_use]
    pub const fn is_configured(&self) -> bool {
        matches!(self, Self::Configured | Self::ConfiguredTargetGone)
    }

    /// The verdict when there is not even an access token.
    #[must_use]
    pub fn of_token_failure(failure: &TokenFailure) -> Self {
        match failure.kind {
            TokenFailureKind::WrongKey | TokenFailureKind::Signing => Self::WrongKey,
            TokenFailureKind::UnknownAccount => Self::UnknownAccount,
            TokenFailureKind::ClockOff => Self::ClockOff { ahead_secs: failure.clock_ahead_secs },
            TokenFailureKind::NotAllowed => Self::ScopeNotAllowed,
            TokenFailureKind::GivenTokenSpent => Self::TokenRefused,
            TokenFailureKind::Unavailable | TokenFailureKind::Transport | TokenFailureKind::Timeout => {
                Self::TryLater { not_before: failure.retry_after }
            }
            TokenFailureKind::Malformed | TokenFailureKind::Refused => {
                Self::Unexpected { status: failure.status, detail: failure.to_string() }
            }
        }
    }

    /// The verdict of the answer to [`probe_request`].
    #[must_use]
    pub fn of_answer<B: AsRef<[u8]>>(response: &Response<B>, now: UnixTime) -> Self {
        let (status, body) = (response.status(), response.body().as_ref());
        if status.is_success() {
            return Self::Configured;
        }
        let error = ErrorBody::parse(body).unwrap_or_default();
        let unexpected = |error: ErrorBody| Self::Unexpected {
            status: Some(status.as_u16()),
            detail: error
                .message
                .or(error.status)
                .map_or_else(|| "no reason given".to_owned(), |text| redact(&text)),
        };
        match (&error.code, error.info.as_deref(), status.as_u16()) {
            (Some(ErrorCode::Unregistered), ..) => return Self::ConfiguredTargetGone,
            (Some(ErrorCode::SenderIdMismatch), ..) => return Self::SenderMismatch,
            (Some(ErrorCode::ThirdPartyAuthError), ..) => return Self::ThirdPartyCredential,
            (None, Some("SERVICE_DISABLED"), _) => return Self::ApiDisabled,
            (None, Some("CONSUMER_INVALID" | "USER_PROJECT_DENIED"), _) => return Self::WrongProject,
            (None, _, 401) => return Self::TokenRefused,
            (None, _, 403) => return forbidden(&error),
            (None, _, 404) => return Self::WrongProject,
            _ => {}
        }
        match classify(status, response.headers(), body, now).action() {
            Some(Action::Retry { not_before: at, .. } | Action::SlowDown { until: at, .. }) => {
                Self::TryLater { not_before: Some(*at) }
            }
            _ => unexpected(error),
        }
    }
}

/// A 403 without a code: the sentence tells a disabled API from a missing right.
fn forbidden(error: &ErrorBody) -> Verdict {
    let said = error.message.as_deref().unwrap_or_default().to_ascii_lowercase();
    if said.contains("has not been used in project") || said.contains("is disabled") {
        Verdict::ApiDisabled
    } else {
        Verdict::WrongProject
    }
}

/// The dry run that tests credentials: to a device, which also finds a sender mismatch, or to [`PROBE_TOPIC`].
///
/// # Errors
/// [`MessageError`] for a topic that is none: not with this one.
pub fn probe_request(
    project: &Project,
    token: &AccessToken,
    target: Option<&Target>,
) -> Result<Request<Bytes>, MessageError> {
    let topic = Target::Topic(Topic::parse(PROBE_TOPIC)?);
    let message = Message::new().notification(Notification::new().title("credential test"));
    let request = Prepared::dry_run(&message, SizeBudget::PROVIDER)
        .and_then(|prepared| prepared.request(project, token, target.unwrap_or(&topic)));
    request.map_err(|_| MessageError::TooLong { what: "probe", length: 4_097, limit: 4_096 })
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configured => "configured",
            Self::ConfiguredTargetGone => "configured (the probed device is not registered any more)",
            Self::WrongKey => "wrong key: the private key is not, or no longer, this service account's",
            Self::UnknownAccount => "unknown account: the service account does not exist or is disabled",
            Self::ClockOff { ahead_secs: Some(secs) } => {
                let side = if *secs < 0 { "behind" } else { "ahead of" };
                return write!(f, "clock off: this machine is {} s {side} Google", secs.unsigned_abs());
            }
            Self::ClockOff { ahead_secs: None } => "clock off: Google refuses this machine's time",
            Self::ScopeNotAllowed => "scope not allowed: the service account may not send messages",
            Self::WrongProject => {
                "wrong project: it does not exist, or the service account lacks cloudmessaging.messages.create in it"
            }
            Self::ApiDisabled => "API disabled: enable the Firebase Cloud Messaging API in this project",
            Self::SenderMismatch => "sender mismatch: the probed device belongs to another project",
            Self::ThirdPartyCredential => {
                "third-party credential: check the APNs key or Web Push certificate in the Firebase console"
            }
            Self::TokenRefused => "token refused: FCM does not accept the access token",
            Self::TryLater { .. } => "try later: Google could not answer now",
            Self::Unexpected { status: Some(status), detail } => return write!(f, "unexpected answer {status}: {detail}"),
            Self::Unexpected { status: None, detail } => return write!(f, "unexpected: {detail}"),
        })
    }
}
