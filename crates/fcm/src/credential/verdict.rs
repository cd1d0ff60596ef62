//! Testing credentials with a dry run: "configured", or precisely what is wrong.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use reveille_core::{Action, UnixTime, cut_out};
use reveille_payload::SizeLimit;

use super::{Token, TokenFailure, TokenFailureKind};
use crate::answer::{ErrorBody, ErrorCode, classify};
use crate::message::{Message, Notification};
use crate::request::{Prepared, Project};
use crate::target::{Target, Topic};

/// The topic that a probe without a device goes to; in a dry run nothing is delivered.
pub const PROBE_TOPIC: &str = "reveille-credential-test";

/// What a test of credentials found: send [`probe_request`](super::probe_request), then give the answer to this type.
/// Use it when an administrator stores a new credential.
///
/// ```
/// use http::Response;
/// use reveille_core::UnixTime;
/// use reveille_fcm::{Project, Token};
/// use reveille_fcm::credential::{Verdict, probe_request};
///
/// let (project, token) = (Project::new("my-project")?, Token::new("ya29.example")?);
/// let request = probe_request(&project, None, &token)?;
/// assert!(request.body().starts_with(br#"{"validateOnly":true,"#));
/// // … send it …
/// let response = Response::builder().status(403).body(
///     r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Firebase Cloud Messaging API has not been used in project 1 before or it is disabled."}}"#,
/// )?;
/// assert_eq!(Verdict::from_response(None, &response, UnixTime::from_secs(1)), Verdict::ApiDisabled);
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
    ThirdPartyCredential {
        /// What Apple said, where FCM passes it on: `APNs: 403 InvalidProviderToken`.
        said: Option<String>,
    },
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
    pub fn from_token_failure(failure: &TokenFailure) -> Self {
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

    /// The verdict of the answer to [`probe_request`]; `target` is what was probed, if it was a device.
    #[must_use]
    pub fn from_response<'a, B: AsRef<[u8]>>(
        target: impl Into<Option<&'a Target>>,
        response: &Response<B>,
        now: UnixTime,
    ) -> Self {
        Self::from_answer(target, response.status(), response.headers(), response.body().as_ref(), now)
    }

    /// The same, of an answer in its parts.
    #[must_use]
    pub fn from_answer<'a>(
        target: impl Into<Option<&'a Target>>,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: UnixTime,
    ) -> Self {
        let target = target.into();
        if status.is_success() {
            return Self::Configured;
        }
        let error = ErrorBody::parse(body).unwrap_or_default();
        let apns = error.apns.as_ref();
        let by_apple = apns.and_then(|apns| apns.reason.as_deref());
        match (&error.code, error.info.as_deref(), status.as_u16()) {
            _ if matches!(by_apple, Some("Unregistered" | "ExpiredToken")) => {
                return Self::ConfiguredTargetGone;
            }
            (Some(ErrorCode::Unregistered), ..) => return Self::ConfiguredTargetGone,
            (Some(ErrorCode::SenderIdMismatch), ..) => return Self::SenderMismatch,
            (Some(ErrorCode::ThirdPartyAuthError), ..) => {
                return Self::ThirdPartyCredential { said: apns.map(ToString::to_string) };
            }
            (None, Some("SERVICE_DISABLED"), _) => return Self::ApiDisabled,
            (None, Some("CONSUMER_INVALID" | "USER_PROJECT_DENIED"), _) => return Self::WrongProject,
            (None, _, 401) => return Self::TokenRefused,
            (None, _, 403) => return forbidden(&error),
            (None, _, 404) => return Self::WrongProject,
            _ => {}
        }
        match classify(target, status, headers, body, now).action() {
            Some(Action::Retry { not_before: at, .. } | Action::SlowDown { until: at, .. }) => {
                Self::TryLater { not_before: Some(*at) }
            }
            Some(Action::FixCredential { scope: reveille_core::Scope::Platform }) => {
                Self::ThirdPartyCredential { said: apns.map(ToString::to_string) }
            }
            _ => {
                let said = [error.message.or(error.status), apns.map(ToString::to_string)];
                let said = said.into_iter().flatten().collect::<Vec<_>>().join("; ");
                let said = if said.is_empty() { "no reason given".to_owned() } else { said };
                let secret = target.and_then(Target::secret);
                Self::Unexpected { status: Some(status.as_u16()), detail: cut_out(&said, secret.as_slice()) }
            }
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
/// [`Error`](crate::Error), which the probe's own message does not cause.
pub fn probe_request(
    project: &Project,
    target: Option<&Target>,
    token: &Token,
) -> Result<Request<Bytes>, crate::Error> {
    let message = Message::new().with_notification(Notification::new().with_title("credential test"));
    let prepared = Prepared::dry_run(&message, SizeLimit::Own)?;
    let topic = Target::Topic(Topic::new(PROBE_TOPIC)?);
    Ok(prepared.request(project, target.unwrap_or(&topic), token)?)
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
            Self::ThirdPartyCredential { said } => {
                f.write_str(
                    "third-party credential: check the APNs key or Web Push certificate in the Firebase console",
                )?;
                return said.as_ref().map_or(Ok(()), |said| write!(f, " ({said})"));
            }
            Self::TokenRefused => "token refused: FCM does not accept the access token",
            Self::TryLater { .. } => "try later: Google could not answer now",
            Self::Unexpected { status: Some(status), detail } => return write!(f, "unexpected answer {status}: {detail}"),
            Self::Unexpected { status: None, detail } => return write!(f, "unexpected: {detail}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::TokenFailureKind as Kind;
    use super::*;
    use crate::target::RegistrationToken;

    const NOW: UnixTime = UnixTime::from_secs(1_795_000_000);

    #[test]
    fn every_failure_of_a_fetch_is_a_verdict() {
        let later = Some(UnixTime::from_secs(7));
        for (kind, verdict) in [
            (Kind::WrongKey, Verdict::WrongKey),
            (Kind::Signing, Verdict::WrongKey),
            (Kind::UnknownAccount, Verdict::UnknownAccount),
            (Kind::ClockOff, Verdict::ClockOff { ahead_secs: Some(-900) }),
            (Kind::NotAllowed, Verdict::ScopeNotAllowed),
            (Kind::GivenTokenSpent, Verdict::TokenRefused),
            (Kind::Unavailable, Verdict::TryLater { not_before: later }),
            (Kind::Transport, Verdict::TryLater { not_before: later }),
            (Kind::Timeout, Verdict::TryLater { not_before: later }),
            (
                Kind::Malformed,
                Verdict::Unexpected {
                    status: Some(418),
                    detail: "the token server's answer holds no usable token (said)".to_owned(),
                },
            ),
            (
                Kind::Refused,
                Verdict::Unexpected {
                    status: Some(418),
                    detail: "the token server refuses the assertion (said)".to_owned(),
                },
            ),
        ] {
            let failure = TokenFailure {
                status: Some(418),
                detail: Some("said".to_owned()),
                retry_after: later,
                clock_ahead_secs: Some(-900),
                ..TokenFailure::new(kind)
            };
            assert_eq!(Verdict::from_token_failure(&failure), verdict, "{kind:?}");
        }
    }

    fn detail(kind: &str, members: &str) -> String {
        format!(r#"{{"@type":"type.googleapis.com/{kind}",{members}}}"#)
    }

    fn code(word: &str) -> String {
        detail("google.firebase.fcm.v1.FcmError", &format!(r#""errorCode":"{word}""#))
    }

    fn apple(status: u16, reason: &str) -> String {
        let members = format!(r#""statusCode":{status},"reason":"{reason}""#);
        detail("google.firebase.fcm.v1.ApnsError", &members)
    }

    fn info(reason: &str) -> String {
        detail("google.rpc.ErrorInfo", &format!(r#""reason":"{reason}""#))
    }

    fn verdict(status: u16, details: &[String]) -> Verdict {
        let body = format!(r#"{{"error":{{"message":"said","details":[{}]}}}}"#, details.join(","));
        Verdict::from_response(None, &Response::builder().status(status).body(body).unwrap(), NOW)
    }

    #[test]
    fn every_answer_is_a_verdict() {
        let third = |said: Option<&str>| Verdict::ThirdPartyCredential { said: said.map(str::to_owned) };
        let later =
            |secs: u64| Verdict::TryLater { not_before: Some(UnixTime::from_secs(1_795_000_000 + secs)) };
        let other =
            |status, detail: &str| Verdict::Unexpected { status: Some(status), detail: detail.to_owned() };
        for (status, details, expected) in [
            (200, vec![], Verdict::Configured),
            (299, vec![code("UNREGISTERED")], Verdict::Configured),
            (404, vec![code("UNREGISTERED")], Verdict::ConfiguredTargetGone),
            (403, vec![code("SENDER_ID_MISMATCH")], Verdict::SenderMismatch),
            (401, vec![code("THIRD_PARTY_AUTH_ERROR")], third(None)),
            (
                401,
                vec![code("THIRD_PARTY_AUTH_ERROR"), apple(403, "Forbidden")],
                third(Some("APNs: 403 Forbidden")),
            ),
            // Apple's word comes before any code of FCM.
            (
                401,
                vec![code("THIRD_PARTY_AUTH_ERROR"), apple(410, "ExpiredToken")],
                Verdict::ConfiguredTargetGone,
            ),
            (400, vec![apple(410, "Unregistered")], Verdict::ConfiguredTargetGone),
            // Apple refuses the credential, and FCM has no code for it.
            (400, vec![apple(403, "InvalidProviderToken")], third(Some("APNs: 403 InvalidProviderToken"))),
            (400, vec![apple(400, "BadTopic")], other(400, "said; APNs: 400 BadTopic")),
            (400, vec![info("SERVICE_DISABLED")], Verdict::ApiDisabled),
            (400, vec![info("CONSUMER_INVALID")], Verdict::WrongProject),
            (400, vec![info("USER_PROJECT_DENIED")], Verdict::WrongProject),
            (400, vec![info("OTHER")], other(400, "said")),
            (401, vec![], Verdict::TokenRefused),
            (403, vec![], Verdict::WrongProject),
            (404, vec![], Verdict::WrongProject),
            // With a code the status alone says nothing.
            (401, vec![code("INTERNAL")], later(10)),
            (403, vec![code("INTERNAL")], later(10)),
            (404, vec![code("UNSPECIFIED_ERROR")], other(404, "said")),
            (429, vec![], later(60)),
            (503, vec![], later(10)),
            (400, vec![], other(400, "said")),
        ] {
            assert_eq!(verdict(status, &details), expected, "{status} {details:?}");
        }
    }

    #[test]
    fn only_two_verdicts_let_messages_out() {
        assert!(Verdict::Configured.is_configured() && Verdict::ConfiguredTargetGone.is_configured());
        for verdict in [Verdict::WrongKey, Verdict::SenderMismatch, Verdict::TryLater { not_before: None }] {
            assert!(!verdict.is_configured(), "{verdict}");
        }
    }

    #[test]
    fn what_is_unexpected_is_told_without_the_device() {
        let target = Target::from(RegistrationToken::new("SECRET-device").unwrap());
        let answer = |body: &str| Response::builder().status(400).body(body.to_owned()).unwrap();
        let verdict = |body: &str| Verdict::from_response(&target, &answer(body), NOW).to_string();
        insta::assert_snapshot!(verdict(r#"{"error":{"message":"no SECRET-device here","status":"INVALID_ARGUMENT"}}"#), @"unexpected answer 400: no … here");
        insta::assert_snapshot!(verdict(r#"{"error":{"status":"INVALID_ARGUMENT"}}"#), @"unexpected answer 400: INVALID_ARGUMENT");
        insta::assert_snapshot!(verdict(""), @"unexpected answer 400: no reason given");
        // Without an answer there is no status, and a clock may be behind.
        insta::assert_snapshot!(Verdict::Unexpected { status: None, detail: "said".to_owned() }, @"unexpected: said");
        insta::assert_snapshot!(Verdict::ClockOff { ahead_secs: Some(-1) }, @"clock off: this machine is 1 s behind Google");
        insta::assert_snapshot!(Verdict::ClockOff { ahead_secs: Some(0) }, @"clock off: this machine is 0 s ahead of Google");
    }
}
