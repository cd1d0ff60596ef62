//! An outcome for a log.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Action, Outcome, redacted_url};

/// An [`Outcome`] as logs and dead letters keep it: without any URL, for a receipt's name can be a capability.
///
/// ```
/// use reveille_core::{Outcome, Receipt, StoredOutcome};
/// let mut receipt = Receipt::new(201);
/// receipt.message = Some("https://push.example/m/SECRET".into());
/// let stored = StoredOutcome::from(&Outcome::from(receipt));
/// let json = serde_json::to_string(&stored)?;
/// assert_eq!(json, r#"{"outcome":"accepted","status":201,"message":"https://push.example/…"}"#);
/// assert_eq!(serde_json::from_str::<StoredOutcome>(&json)?, stored);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum StoredOutcome {
    /// The service took the message.
    #[non_exhaustive]
    Accepted {
        /// The HTTP status.
        status: u16,
        /// The service's name for the message; of a URL, the origin.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// How long the service will keep the message, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl_secs: Option<u64>,
    },
    /// The service did not take the message.
    #[non_exhaustive]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The service's own word for the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Cow<'static, str>>,
        /// The next step.
        next: Action,
        /// What else the service said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
}

impl From<&Outcome> for StoredOutcome {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Accepted(receipt) => Self::Accepted {
                status: receipt.status,
                message: receipt.message.as_deref().map(redacted_url),
                ttl_secs: receipt.ttl.map(|ttl: Duration| ttl.as_secs()),
            },
            Outcome::Rejected(rejection) => Self::Rejected {
                status: rejection.status,
                reason: rejection.reason.clone(),
                next: rejection.action.clone(),
                detail: rejection.detail.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Receipt, Rejection};

    #[test]
    fn an_acceptance_survives_a_log() {
        let stored = |message: Option<&str>, ttl| {
            let mut receipt = Receipt::new(201);
            receipt.message = message.map(str::to_owned);
            receipt.ttl = ttl;
            let stored = StoredOutcome::from(&Outcome::from(receipt));
            let json = serde_json::to_string(&stored).unwrap();
            assert_eq!(serde_json::from_str::<StoredOutcome>(&json).unwrap(), stored);
            json
        };
        insta::assert_snapshot!(stored(None, None), @r#"{"outcome":"accepted","status":201}"#);
        insta::assert_snapshot!(stored(Some("projects/p/messages/1"), Some(Duration::ZERO)), @r#"{"outcome":"accepted","status":201,"message":"projects/p/messages/1","ttl_secs":0}"#);
        insta::assert_snapshot!(stored(Some("https://push.example/m/SECRET"), Some(Duration::from_millis(60_900))), @r#"{"outcome":"accepted","status":201,"message":"https://push.example/…","ttl_secs":60}"#);
    }

    #[test]
    fn a_rejection_survives_a_log() {
        let rejection = Rejection::new(404, Action::SuspectTarget).with_reason("gone?").with_detail("x");
        let stored = StoredOutcome::from(&Outcome::from(rejection));
        let json = serde_json::to_string(&stored).unwrap();
        insta::assert_snapshot!(json, @r#"{"outcome":"rejected","status":404,"reason":"gone?","next":{"action":"suspect_target"},"detail":"x"}"#);
        assert_eq!(serde_json::from_str::<StoredOutcome>(&json).unwrap(), stored);
    }
}
