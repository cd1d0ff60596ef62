//! Every `reason` that APNs gives.

use std::time::Duration;

use reveille_core::{Action, RetryAfter as Advice, RetrySource, Scope, UnixTime};

/// "After 15 minutes, you can retry the notification" (Apple, about 5xx).
const AFTER_SERVER_ERROR: Duration = Duration::from_secs(15 * 60);
/// "Update no more than once every 20 minutes" (Apple, about provider tokens).
const AFTER_TOKEN_UPDATES: Duration = Duration::from_secs(20 * 60);
/// Apple gives no number for too many requests to one device.
const AFTER_TOO_MANY: Duration = Duration::from_secs(60);

/// The team's key or certificate is wrong, for all that use it here.
const WRONG_KEY: Action = Action::FixCredential { scope: Scope::Credential };

/// What `Retry-After` may ask for: Apple documents none, so it is a proxy's, or a slip.
const LEAST_WAIT: Duration = Duration::from_secs(1);
const MOST_WAIT: Duration = Duration::from_secs(60 * 60);

/// The end of a wait, and who named it: the answer within those bounds, or Apple's documentation.
fn wait(advice: Option<Advice>, documented: Duration, now: UnixTime) -> (UnixTime, RetrySource) {
    match advice {
        Some(advice) => (advice.resolve_within(LEAST_WAIT, MOST_WAIT, now), RetrySource::Service),
        None => (now + documented, RetrySource::Guess),
    }
}

/// What a reason asks for, before times are filled in.
enum Remedy {
    Fix(&'static str),
    FixCredential,
    Suspect,
    Drop,
    Refresh,
    Reconnect,
    RetryAfter(Duration),
    SlowDown(Scope, Duration),
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident ($status:literal, $text:literal) => $remedy:expr, $hint:expr;)+) => {
        /// The `reason` of a refusal: those of pushes to devices, of broadcasts, and of managing channels.
        /// [`classify`](crate::classify) makes an action of it; use it directly for counters, and for what a GOAWAY
        /// says.
        ///
        /// For statistics and alerts; what to do next is in the [`Action`]. The docs of each variant give status and meaning. A reason that is not listed here keeps its text in
        /// [`Rejection::reason`](reveille_core::Rejection::reason).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $name,)+
        }

        impl Reason {
            /// All that are known.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns Apple's word for the reason, as the answer's body has it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// The HTTP status that Apple documents for it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)+
                }
            }

            /// What the operator may want to know, beyond Apple's word.
            #[must_use]
            pub const fn hint(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => $hint,)+
                }
            }

            fn remedy(self) -> Remedy {
                match self {
                    $(Self::$name => $remedy,)+
                }
            }
        }
    };
}

use Remedy::{Drop, Fix, FixCredential, Reconnect, Refresh, RetryAfter, SlowDown, Suspect};

reasons! {
    /// 400: longer than 64 bytes.
    BadCollapseId(400, "BadCollapseId") => Fix("apns-collapse-id"), None;
    /// 400: not a token of this environment, or not a token.
    BadDeviceToken(400, "BadDeviceToken") => Suspect,
        Some("the token may be of the other environment: sandbox tokens are unknown in production, and the reverse");
    /// 400: not a time; for a channel without storage, not 0.
    BadExpirationDate(400, "BadExpirationDate") => Fix("apns-expiration"), None;
    /// 400: not a UUID.
    BadMessageId(400, "BadMessageId") => Fix("apns-id"), None;
    /// 400: not 10, 5 or 1, or not one that the push type has.
    BadPriority(400, "BadPriority") => Fix("apns-priority"), None;
    /// 400: not a topic.
    BadTopic(400, "BadTopic") => Fix("apns-topic"), None;
    /// 400: the token belongs to another app.
    DeviceTokenNotForTopic(400, "DeviceTokenNotForTopic") => Suspect,
        Some("the token belongs to another app, or the topic is wrong for all");
    /// 400: a header twice.
    DuplicateHeaders(400, "DuplicateHeaders") => Fix("headers"), None;
    /// 400: the connection was idle for too long.
    IdleTimeout(400, "IdleTimeout") => Reconnect, None;
    /// 400: not a push type.
    InvalidPushType(400, "InvalidPushType") => Fix("apns-push-type"), None;
    /// 400: the path ends before the token.
    MissingDeviceToken(400, "MissingDeviceToken") => Fix(":path"), None;
    /// 400: no topic, and a certificate with several (or a provider token).
    MissingTopic(400, "MissingTopic") => Fix("apns-topic"), None;
    /// 400: no payload.
    PayloadEmpty(400, "PayloadEmpty") => Fix("body"), None;
    /// 400: this key or certificate may not push to the topic; on a broadcast, a suffix was put on the bundle id.
    TopicDisallowed(400, "TopicDisallowed") => Fix("apns-topic"), None;

    /// 403: the certificate is not valid.
    BadCertificate(403, "BadCertificate") => FixCredential, None;
    /// 403: the certificate is of the other environment.
    BadCertificateEnvironment(403, "BadCertificateEnvironment") => FixCredential, None;
    /// 403: the provider token is older than an hour. The server then refuses everything on this connection.
    ExpiredProviderToken(403, "ExpiredProviderToken") => Refresh,
        Some("close the connection: it stays unusable, also with a new token");
    /// 403: not allowed.
    Forbidden(403, "Forbidden") => FixCredential, None;
    /// 403: the provider token or its signature is not valid.
    InvalidProviderToken(403, "InvalidProviderToken") => FixCredential, None;
    /// 403: neither a certificate nor a provider token.
    MissingProviderToken(403, "MissingProviderToken") => Fix("authorization"), None;
    /// 403: the connection is bound to another key.
    UnrelatedKeyIdInToken(403, "UnrelatedKeyIdInToken") => Reconnect,
        Some("a connection is bound to the team and topics of its first push: use one connection per key");
    /// 403: the key is of the other environment.
    BadEnvironmentKeyIdInToken(403, "BadEnvironmentKeyIdInToken") => FixCredential, None;
    /// 403: as [`BadEnvironmentKeyIdInToken`](Self::BadEnvironmentKeyIdInToken); seen, not documented.
    BadEnvironmentKeyInToken(403, "BadEnvironmentKeyInToken") => FixCredential, None;

    /// 404: not a path.
    BadPath(404, "BadPath") => Fix(":path"), None;
    /// 405: not `POST`.
    MethodNotAllowed(405, "MethodNotAllowed") => Fix(":method"), None;

    /// 410: the token has expired.
    ExpiredToken(410, "ExpiredToken") => Drop, None;
    /// 410: the app is gone from the device.
    Unregistered(410, "Unregistered") => Drop, None;

    /// 413: over 4,096 bytes (5,120 for VoIP and broadcasts).
    PayloadTooLarge(413, "PayloadTooLarge") => Fix("body"), None;

    /// 429: the provider token was renewed within 20 minutes.
    TooManyProviderTokenUpdates(429, "TooManyProviderTokenUpdates") => SlowDown(Scope::Credential, AFTER_TOKEN_UPDATES),
        Some("several signers are at work: share one provider token among all connections and processes");
    /// 429: too many pushes to one device.
    TooManyRequests(429, "TooManyRequests") => SlowDown(Scope::Target, AFTER_TOO_MANY),
        Some("the limit is per device token; others may go on");

    /// 500: try again after 15 minutes.
    InternalServerError(500, "InternalServerError") => RetryAfter(AFTER_SERVER_ERROR), None;
    /// 503: try again after 15 minutes.
    ServiceUnavailable(503, "ServiceUnavailable") => RetryAfter(AFTER_SERVER_ERROR), None;
    /// 503: this server is going down; another one is there.
    Shutdown(503, "Shutdown") => Reconnect, None;

    /// 400, channels: broadcasts are not switched on for the app.
    FeatureNotEnabled(400, "FeatureNotEnabled") => Fix(":path"),
        Some("switch on broadcast for the app in the developer account");
    /// 400, channels: no `apns-channel-id`.
    MissingChannelId(400, "MissingChannelId") => Fix("apns-channel-id"), None;
    /// 400, channels: not a channel id.
    BadChannelId(400, "BadChannelId") => Fix("apns-channel-id"), None;
    /// 400, channels: the channel does not exist (any more), or not in this environment.
    ChannelNotRegistered(400, "ChannelNotRegistered") => Drop, None;
    /// 400, channels: a header is wrong.
    BadRequestParams(400, "BadRequestParams") => Fix("headers"), None;
    /// 400, channels: the body is wrong.
    BadRequestPayload(400, "BadRequestPayload") => Fix("body"), None;
    /// 400, channels: no push type.
    MissingPushType(400, "MissingPushType") => Fix("apns-push-type"), None;
    /// 400, channels: the app has its 10,000 channels.
    CannotCreateChannelConfig(400, "CannotCreateChannelConfig") => Fix("channel"),
        Some("10,000 channels per app and environment: delete those that are not used");
    /// 403, channels: the key or certificate is for another app. Its pushes to that one go on.
    TopicMismatch(403, "TopicMismatch") => Fix(":path"),
        Some("the key or certificate is for another app than the one in the path");
    /// 400, channels: seen, not documented.
    MissingChannelQueueSize(400, "MissingChannelQueueSize") => Fix("body"), None;
    /// 400: seen, not documented.
    BadDate(400, "BadDate") => Fix("apns-expiration"), None;
}

impl Reason {
    /// The reason with this name. Apple prints `Service Unavailable` with a space on one page; both are taken.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "Service Unavailable" {
            return Some(Self::ServiceUnavailable);
        }
        Self::ALL.iter().copied().find(|reason| reason.as_str() == text)
    }

    /// The next step. `advice` is the server's own, where it gives some; `gone_since` the time of a 410.
    pub(super) fn action(
        self,
        advice: Option<Advice>,
        gone_since: Option<UnixTime>,
        now: UnixTime,
    ) -> Action {
        match self.remedy() {
            Fix(field) => Action::FixRequest { field: Some(field.into()) },
            FixCredential => WRONG_KEY,
            Suspect => Action::SuspectTarget,
            Drop => Action::DropTarget { if_registered_before: gone_since },
            Refresh => Action::RefreshCredential { also_reconnect: true },
            Reconnect => Action::Reconnect,
            RetryAfter(span) => {
                let (not_before, source) = wait(advice, span, now);
                Action::Retry { not_before, source }
            }
            SlowDown(scope, span) => {
                let (until, source) = wait(advice, span, now);
                Action::SlowDown { scope, until, source }
            }
        }
    }

    /// The next step where the reason is unknown, or there is none: from the status.
    pub(super) fn action_by_status(
        status: u16,
        advice: Option<Advice>,
        gone_since: Option<UnixTime>,
        now: UnixTime,
    ) -> Action {
        match status {
            401 | 403 => WRONG_KEY,
            // It is the proxy on the way that wants to be paid.
            407 => Action::FixCredential { scope: Scope::Service },
            408 | 421 => Action::Reconnect,
            // Apple's 410 says since when. One without that is a proxy's, or a fault: no proof that an app is gone.
            410 if gone_since.is_some() => Action::DropTarget { if_registered_before: gone_since },
            410 => Action::SuspectTarget,
            429 => {
                let (until, source) = wait(advice, AFTER_TOO_MANY, now);
                Action::SlowDown { scope: Scope::Target, until, source }
            }
            400..500 => Action::FixRequest { field: None },
            500..600 => {
                let (not_before, source) = wait(advice, AFTER_SERVER_ERROR, now);
                Action::Retry { not_before, source }
            }
            _ => Action::GiveUp,
        }
    }
}
