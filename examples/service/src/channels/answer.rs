//! What the answer of a webhook means.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use reveille_core::{Action, RetryAfter, RetrySource, Scope, UnixTime};
use reveille_delivery::Verdict;

use crate::wire::Failure;

/// A receiver's word is kept within these.
const FLOOR: Duration = Duration::from_secs(1);
const CEILING: Duration = Duration::from_secs(3_600);

/// Whether the same may be said twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twice {
    /// The receiver can tell, by the id.
    May,
    /// Nothing can: whatever may have had an effect is not tried again.
    MayNot,
}

/// Reads an answer. A redirect is not followed: nobody has checked where it leads.
pub(crate) fn verdict(answer: Result<Response<Bytes>, Failure>, twice: Twice, now: UnixTime) -> Verdict {
    let response = match answer {
        Ok(response) => response,
        Err(failure) => return failure.verdict(),
    };
    let status = response.status();
    let asked = response.headers().get(header::RETRY_AFTER).map(|value| value.as_bytes());
    let asked = RetryAfter::from_header(asked).map(|after| after.resolve_within(FLOOR, CEILING, now));
    let (not_before, source) = match asked {
        Some(at) => (at, RetrySource::Service),
        None => (now, RetrySource::Guess),
    };
    let retry = Action::Retry { not_before, source };
    let (action, reason) = match status {
        status if status.is_success() => return Verdict::Accepted { status: status.as_u16() },
        status if status.is_redirection() => (Action::GiveUp, Some("redirect")),
        StatusCode::TOO_MANY_REQUESTS => {
            (Action::SlowDown { scope: Scope::Service, until: not_before.max(now + FLOOR), source }, None)
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            (Action::FixCredential { scope: Scope::Credential }, None)
        }
        StatusCode::SERVICE_UNAVAILABLE => (retry, None),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => (retry, None),
        status if status.is_server_error() && twice == Twice::MayNot => return Verdict::NoAnswer,
        status if status.is_server_error() => (retry, None),
        StatusCode::GONE => (Action::GiveUp, Some("gone")),
        _ => (Action::FixRequest { field: None }, None),
    };
    Verdict::Refused { status: status.as_u16(), reason: reason.map(Into::into), action }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Why;

    #[test]
    fn every_status_has_a_meaning() {
        let now = UnixTime::from_secs(1_800_000_000);
        let read = |status: u16, after: Option<&str>, twice| {
            let mut response = Response::builder().status(status);
            if let Some(after) = after {
                response = response.header("retry-after", after);
            }
            verdict(Ok(response.body(Bytes::new()).unwrap()), twice, now)
        };
        for (status, may, may_not) in [
            (200, "accepted", "accepted"),
            (204, "accepted", "accepted"),
            (302, "give_up", "give_up"),
            (400, "fix_request", "fix_request"),
            (401, "fix_credential", "fix_credential"),
            (408, "retry", "retry"),
            (410, "give_up", "give_up"),
            (429, "slow_down", "slow_down"),
            (500, "retry", "no_answer"),
            (502, "retry", "no_answer"),
            (503, "retry", "retry"),
        ] {
            assert_eq!(read(status, None, Twice::May).name(), may, "{status}");
            assert_eq!(read(status, None, Twice::MayNot).name(), may_not, "{status}");
        }
        for status in 100..1_000 {
            let _ = read(status, Some("soon"), Twice::May);
        }
        let until = |verdict| match verdict {
            Verdict::Refused { action, .. } => action.not_before(),
            _ => None,
        };
        assert_eq!(until(read(429, Some("7"), Twice::May)), Some(now + Duration::from_secs(7)));
        assert_eq!(until(read(503, Some("99999999"), Twice::May)), Some(now + CEILING));
        assert_eq!(verdict(Err(Failure::NoAnswer(Why::Broken)), Twice::May, now), Verdict::NoAnswer);
        assert_eq!(verdict(Err(Failure::NotSent(Why::Address)), Twice::May, now), Verdict::NotSent);
    }
}
