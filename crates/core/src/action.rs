//! What to do after a refusal.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::UnixTime;

/// The next step after a refusal, the same for all push services: match on it, and the code that acts is written
/// once.
///
/// Delivery is driven by it: what has to wait or stop, for whom ([`scope`](Self::scope)), until when
/// ([`not_before`](Self::not_before)), and whether the target is to be removed ([`drops`](Self::drops)).
///
/// Serialised as an object with the member `action`, the name in snake case, and the fields beside it. Nothing in it is
/// secret.
///
/// ```
/// use reveille_core::{Action, RetrySource, Scope, UnixTime};
/// let until = UnixTime::from_millis(5_000);
/// let action = Action::SlowDown { scope: Scope::Target, until, source: RetrySource::Service };
/// assert_eq!((action.name(), action.scope(), action.not_before()), ("slow_down", Some(Scope::Target), Some(until)));
/// let json = serde_json::to_string(&action)?;
/// assert_eq!(json, r#"{"action":"slow_down","scope":"target","until":5000,"source":"service"}"#);
/// assert_eq!(serde_json::from_str::<Action>(&json)?, action);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Action {
    /// Send the same request again, not earlier than this. Nothing else has to wait.
    Retry {
        /// Earliest time of the next attempt.
        not_before: UnixTime,
        /// Who named the time.
        source: RetrySource,
    },
    /// Send nothing to `scope` until then; the request itself may be sent again afterwards.
    SlowDown {
        /// What has to wait: one target, all that use this credential, the whole service.
        scope: Scope,
        /// End of the pause.
        until: UnixTime,
        /// Who named the time.
        source: RetrySource,
    },
    /// The target is gone: remove it, but only if it was registered before the given time, where there is one:
    /// [`drops`](Self::drops) compares.
    DropTarget {
        /// The service's own time of death; a registration newer than this stays.
        if_registered_before: Option<UnixTime>,
    },
    /// The target may be gone: keep it, count, see `Suspicion` of `reveille-registry`.
    SuspectTarget,
    /// The short-lived credential (provider token, access token, VAPID header) is stale: give the refused `authorization`
    /// value to `handle_refusal` of its source, ask the source for a token again, and try once more.
    RefreshCredential {
        /// The connection is spoilt as well: close it, and send with the new credential on another one.
        also_reconnect: bool,
    },
    /// The connection is spoilt: open a new one, then try again.
    Reconnect,
    /// The request is wrong; the same request will fail again.
    FixRequest {
        /// Header or field at fault, where the service names it.
        field: Option<Cow<'static, str>>,
    },
    /// The long-lived credential is wrong: pause what `scope` says and tell the operator.
    FixCredential {
        /// [`Scope::Credential`]: everything that uses it **at this service**; where targets choose the service, as in
        /// Web Push, one service's word says nothing about the others. [`Scope::Platform`]: only what the service passes
        /// on to one platform behind it, as FCM does to Apple.
        scope: Scope,
    },
    /// Nothing helps: count it and go on.
    GiveUp,
}

/// How much a pause or a fault concerns, from one target to a whole service. Use it to pause what it names, and nothing else.
///
/// ```
/// use reveille_core::{Action, RetrySource, Scope, UnixTime};
///
/// let busy = Action::SlowDown { until: UnixTime::from_secs(60), source: RetrySource::Service, scope: Scope::Target };
/// assert_eq!(busy.scope(), Some(Scope::Target)); // one device: the others go on
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scope {
    /// One device token, registration or subscription.
    Target,
    /// One connection to the service.
    Connection,
    /// One platform behind the service, for one app: Apple or the browsers behind FCM.
    Platform,
    /// Everything that uses this credential at this service: a VAPID key at one push service, an APNs key, an FCM
    /// project.
    Credential,
    /// Everything that goes to this service, whatever the credential.
    Service,
}

impl Scope {
    /// The scope's name in snake case, as `pushtool` and logs print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Connection => "connection",
            Self::Platform => "platform",
            Self::Credential => "credential",
            Self::Service => "service",
        }
    }
}

/// Who named the time before which nothing may be sent. Whoever retries should add a back-off when it is a guess, and
/// none when it is the service's own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RetrySource {
    /// The service did, in this answer: keep to it.
    Service,
    /// The answer names none; the time is the documented minimum, or `now`. Add a back-off.
    Guess,
}

impl RetrySource {
    /// The source's name in snake case, as `pushtool` and logs print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Guess => "guess",
        }
    }
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
            Self::RefreshCredential { .. } => "refresh_credential",
            Self::Reconnect => "reconnect",
            Self::FixRequest { .. } => "fix_request",
            Self::FixCredential { .. } => "fix_credential",
            Self::GiveUp => "give_up",
        }
    }

    /// How much has to wait, or is at fault: of pauses and of credentials. `None` where only this one message is
    /// concerned.
    #[must_use]
    pub const fn scope(&self) -> Option<Scope> {
        match self {
            Self::SlowDown { scope, .. } | Self::FixCredential { scope } => Some(*scope),
            Self::RefreshCredential { .. } => Some(Scope::Credential),
            Self::Reconnect => Some(Scope::Connection),
            Self::DropTarget { .. } | Self::SuspectTarget => Some(Scope::Target),
            Self::Retry { .. } | Self::FixRequest { .. } | Self::GiveUp => None,
        }
    }

    /// The time before which nothing may be sent: of [`Retry`](Self::Retry) and [`SlowDown`](Self::SlowDown).
    #[must_use]
    pub const fn not_before(&self) -> Option<UnixTime> {
        match self {
            Self::Retry { not_before: at, .. } | Self::SlowDown { until: at, .. } => Some(*at),
            _ => None,
        }
    }

    /// Who named the time of [`not_before`](Self::not_before).
    #[must_use]
    pub const fn retry_source(&self) -> Option<RetrySource> {
        match self {
            Self::Retry { source, .. } | Self::SlowDown { source, .. } => Some(*source),
            _ => None,
        }
    }

    /// Whether the connection that carried the answer must be closed.
    #[must_use]
    pub const fn reconnects(&self) -> bool {
        matches!(self, Self::Reconnect | Self::RefreshCredential { also_reconnect: true })
    }

    /// Whether a target that was registered at `registered_at` is to be removed. A registration at the very time of death,
    /// or after it, stays: the device came back.
    ///
    /// ```
    /// use reveille_core::{Action, UnixTime};
    /// let died = UnixTime::from_millis(5_000);
    /// let action = Action::DropTarget { if_registered_before: Some(died) };
    /// assert!(action.drops(UnixTime::from_millis(4_999)));
    /// assert!(!action.drops(died));
    /// assert!(Action::DropTarget { if_registered_before: None }.drops(died));
    /// assert!(!Action::SuspectTarget.drops(died));
    /// ```
    #[must_use]
    pub fn drops(&self, registered_at: UnixTime) -> bool {
        match self {
            Self::DropTarget { if_registered_before } => {
                if_registered_before.is_none_or(|died| registered_at < died)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_spares_what_was_registered_since() {
        let at = UnixTime::from_millis;
        for (died, registered, drops) in [
            (Some(5), 4, true),
            (Some(5), 5, false),
            (Some(5), 6, false),
            (Some(0), 0, false),
            (None, 0, true),
            (None, u64::MAX, true),
        ] {
            let action = Action::DropTarget { if_registered_before: died.map(at) };
            assert_eq!(action.drops(at(registered)), drops, "died {died:?}, registered {registered}");
        }
        let others = every_action().into_iter().filter(|action| action.name() != "drop_target");
        assert!(others.clone().count() > 5);
        assert!(others.into_iter().all(|action| !action.drops(at(0)) && !action.drops(UnixTime::MAX)));
    }

    fn every_action() -> Vec<Action> {
        let (at, source) = (UnixTime::from_secs(9), RetrySource::Guess);
        vec![
            Action::Retry { not_before: at, source },
            Action::SlowDown { scope: Scope::Service, until: at, source },
            Action::DropTarget { if_registered_before: Some(at) },
            Action::DropTarget { if_registered_before: None },
            Action::SuspectTarget,
            Action::RefreshCredential { also_reconnect: true },
            Action::RefreshCredential { also_reconnect: false },
            Action::Reconnect,
            Action::FixRequest { field: Some("ttl".into()) },
            Action::FixRequest { field: None },
            Action::FixCredential { scope: Scope::Platform },
            Action::GiveUp,
        ]
    }

    #[test]
    fn only_retry_and_slow_down_carry_a_time() {
        for action in every_action() {
            let timed = matches!(action, Action::Retry { .. } | Action::SlowDown { .. });
            assert_eq!(action.not_before().is_some(), timed, "{action:?}");
            assert_eq!(action.retry_source().is_some(), timed, "{action:?}");
        }
    }

    #[test]
    fn every_action_survives_a_log_under_its_name() {
        for action in every_action() {
            let json = serde_json::to_value(&action).unwrap();
            assert_eq!(json["action"], action.name());
            if let (Some(scope), Some(named)) = (json.get("scope"), action.scope()) {
                assert_eq!(scope, named.name());
            }
            if let (Some(source), Some(named)) = (json.get("source"), action.retry_source()) {
                assert_eq!(source, named.name());
            }
            assert_eq!(serde_json::from_value::<Action>(json).unwrap(), action);
        }
    }

    /// What a log holds is what `name` says.
    #[test]
    fn scopes_and_sources_are_stored_under_their_names() {
        let scopes = [Scope::Target, Scope::Connection, Scope::Platform, Scope::Credential, Scope::Service];
        for scope in scopes {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.name());
        }
        for source in [RetrySource::Service, RetrySource::Guess] {
            assert_eq!(serde_json::to_value(source).unwrap(), source.name());
        }
    }

    #[test]
    fn every_action_says_whom_it_concerns() {
        let scopes: Vec<_> = every_action().iter().map(|action| action.scope().map(Scope::name)).collect();
        let (target, credential) = (Some("target"), Some("credential"));
        assert_eq!(
            scopes,
            [
                None,
                Some("service"),
                target,
                target,
                target,
                credential,
                credential,
                Some("connection"),
                None,
                None,
                Some("platform"),
                None
            ]
        );
    }

    #[test]
    fn connections_end_by_two_actions() {
        let ending: Vec<_> = every_action().into_iter().filter(Action::reconnects).collect();
        assert_eq!(ending, [Action::RefreshCredential { also_reconnect: true }, Action::Reconnect]);
    }
}
