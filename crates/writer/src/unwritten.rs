//! Why a leg is not written, and what the gateway is told then.

use reveille_conversation::Channel;
use reveille_core::{Action, Scope};
use reveille_delivery::Verdict;
use reveille_webpush::credential::UnknownVapidKey;
use reveille_webpush::target::InvalidSubscription;
use thiserror::Error;

/// Why no request was made of a leg, as [`Written::Unwritten`](crate::Written::Unwritten) says. Log it, and count it by
/// [`name`](Self::name); the gateway has its own word for it in the outcome beside it. No text of it holds a token, an endpoint, a key or what somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unwritten {
    /// It is a job for a webhook, a mailbox or a telephone.
    #[error("the target is no device")]
    NotADevice,
    /// The record is gone, or another person's.
    #[error("the person has no such device")]
    NoDevice,
    /// The device is quarantined or retired by now, or has lost its token.
    #[error("the device has no token for this kind of push")]
    NoToken,
    /// Nobody gave credentials for this app and service.
    #[error("no credentials for the app {app:?} and this service")]
    NoCredential {
        /// Which app.
        app: String,
    },
    /// The rules do not send it on the device's channel.
    #[error("the rules do not send it by {channel}")]
    Channel {
        /// Which channel.
        channel: Channel,
    },
    /// Its time is over.
    #[error("it is of no more use")]
    Late,
    /// What the record holds is no subscription.
    #[error("subscription: {0}")]
    Subscription(#[from] InvalidSubscription),
    /// What the record names is no id of a VAPID key.
    #[error("the record's VAPID key id is none")]
    VapidKeyId,
    /// The subscription has ended, by its own word.
    #[error("the subscription has expired")]
    Expired,
    /// The subscription is bound to a key that is gone.
    #[error(transparent)]
    UnknownKey(#[from] UnknownVapidKey),
    /// What the record holds is no token of this service.
    #[error("the device's token is not one of {service}")]
    Token {
        /// Which service.
        service: &'static str,
    },
    /// It cannot be written for this service.
    #[error(transparent)]
    Content(#[from] reveille_content::InvalidContent),
    /// What was written breaks a rule of Apple's.
    #[error("APNs: {0}")]
    Apns(reveille_apns::Error),
    /// What was written breaks a rule of Google's.
    #[error("FCM: {0}")]
    Fcm(reveille_fcm::Error),
    /// Random source, signer or encryption failed: it is tried again.
    #[error("Web Push: {0}")]
    WebPush(reveille_webpush::request::RequestError),
}

impl Unwritten {
    /// The name in snake case: the reason in the outcome, as logs and counters print it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotADevice => "not_a_device",
            Self::NoDevice => "no_device",
            Self::NoToken => "no_token",
            Self::NoCredential { .. } => "no_credential",
            Self::Channel { .. } => "channel",
            Self::Late => "late",
            Self::Subscription(_) => "invalid_subscription",
            Self::VapidKeyId => "invalid_vapid_key_id",
            Self::Expired => "expired_subscription",
            Self::UnknownKey(_) => "unknown_vapid_key",
            Self::Token { .. } => "invalid_token",
            Self::Content(_) => "content",
            Self::Apns(_) => "apns",
            Self::Fcm(_) => "fcm",
            Self::WebPush(_) => "crypto",
        }
    }

    /// What the gateway is told. Status 0: no service was asked.
    ///
    /// | why | verdict | what follows |
    /// |---|---|---|
    /// | late, a failed random source or signer | not sent | tried again, as long as it is of use |
    /// | token or subscription that cannot be used, or is bound to a lost key | suspect | the registry asks the app to register again, and drops nothing at once |
    /// | no credentials | fix credential | tried again later; an operator has to look |
    /// | content | fix request | the leg dies |
    /// | no device, no token, wrong channel | give up | the leg dies |
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let action = match self {
            Self::Late | Self::WebPush(_) => return Verdict::NotSent,
            Self::Subscription(_)
            | Self::VapidKeyId
            | Self::Expired
            | Self::UnknownKey(_)
            | Self::Token { .. } => Action::SuspectTarget,
            Self::NoCredential { .. } => Action::FixCredential { scope: Scope::Credential },
            Self::Content(_) | Self::Apns(_) | Self::Fcm(_) => Action::FixRequest { field: None },
            Self::NotADevice | Self::NoDevice | Self::NoToken | Self::Channel { .. } => Action::GiveUp,
        };
        Verdict::Refused { status: 0, reason: Some(self.name().into()), action }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let all = [
            Unwritten::NotADevice,
            Unwritten::NoDevice,
            Unwritten::NoToken,
            Unwritten::NoCredential { app: "com.example.app".to_owned() },
            Unwritten::Channel { channel: Channel::Mobile },
            Unwritten::Late,
            Unwritten::VapidKeyId,
            Unwritten::Expired,
            Unwritten::Token { service: "APNs" },
        ];
        let lines = all.map(|why| format!("{}: {why}: {}", why.name(), why.verdict().name()));
        insta::assert_snapshot!(lines.join("\n"), @r#"
        not_a_device: the target is no device: give_up
        no_device: the person has no such device: give_up
        no_token: the device has no token for this kind of push: give_up
        no_credential: no credentials for the app "com.example.app" and this service: fix_credential
        channel: the rules do not send it by mobile: give_up
        late: it is of no more use: not_sent
        invalid_vapid_key_id: the record's VAPID key id is none: suspect_target
        expired_subscription: the subscription has expired: suspect_target
        invalid_token: the device's token is not one of APNs: suspect_target
        "#);
    }
}
