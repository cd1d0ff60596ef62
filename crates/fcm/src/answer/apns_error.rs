//! `google.firebase.fcm.v1.ApnsError`: what Apple said, behind FCM.

use std::fmt;

use reveille_core::{Action, Scope};

/// Apple's refusal, as FCM passes it on in `details`: status and reason of APNs. [`classify`](crate::classify) acts
/// on it; read it to see what Apple said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApnsError {
    /// Apple's HTTP status.
    pub status: Option<u16>,
    /// Apple's word, such as `Unregistered` ("Handling notification responses from APNs"); cut to 64 bytes.
    pub reason: Option<String>,
}

/// What a word of Apple means for the one who sends through FCM. Where it means a wait, FCM's own code says how long.
pub(super) enum Meaning {
    Act(Action),
    /// Too fast for this device.
    SlowDown,
    /// A fault of Apple's server.
    Retry,
}

impl ApnsError {
    /// The word decides; of an unknown one the status. `None` if neither is known: then FCM's own code decides.
    pub(super) fn meaning(&self) -> Option<Meaning> {
        let act = |action| Some(Meaning::Act(action));
        let fix = |field: &'static str| Some(Meaning::Act(Action::FixRequest { field: Some(field.into()) }));
        match self.reason.as_deref().unwrap_or_default() {
            "Unregistered" | "ExpiredToken" => act(Action::DropTarget { if_registered_before: None }),
            // Both may be a build of another environment or bundle: one wrong key must not empty a registry.
            "BadDeviceToken" | "DeviceTokenNotForTopic" => act(Action::SuspectTarget),
            "PayloadTooLarge" | "PayloadEmpty" => fix("apns.payload"),
            "BadCollapseId" => fix("apns.headers.apns-collapse-id"),
            "BadExpirationDate" => fix("apns.headers.apns-expiration"),
            "BadMessageId" => fix("apns.headers.apns-id"),
            "BadPriority" => fix("apns.headers.apns-priority"),
            "BadTopic" | "MissingTopic" | "TopicDisallowed" => fix("apns.headers.apns-topic"),
            "DuplicateHeaders" => fix("apns.headers"),
            "InvalidPushType" => fix("apns.headers.apns-push-type"),
            "BadCertificate"
            | "BadCertificateEnvironment"
            | "ExpiredProviderToken"
            | "Forbidden"
            | "InvalidProviderToken"
            | "MissingProviderToken" => act(Action::FixCredential { scope: Scope::Platform }),
            "TooManyRequests" => Some(Meaning::SlowDown),
            "IdleTimeout"
            | "InternalServerError"
            | "ServiceUnavailable"
            | "Shutdown"
            | "TooManyProviderTokenUpdates" => Some(Meaning::Retry),
            _ => match self.status? {
                // Without the word it is suspicion: a proxy says 410, too.
                410 => act(Action::SuspectTarget),
                403 => act(Action::FixCredential { scope: Scope::Platform }),
                413 => fix("apns.payload"),
                400 => fix("apns"),
                429 => Some(Meaning::SlowDown),
                500..=599 => Some(Meaning::Retry),
                _ => None,
            },
        }
    }
}

/// As it stands in details and verdicts: `APNs: 410 Unregistered`.
impl fmt::Display for ApnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("APNs:")?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        write!(f, " {}", self.reason.as_deref().unwrap_or("no reason given"))
    }
}
