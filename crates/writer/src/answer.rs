//! What services answer.

use http::Response;
use reveille_core::{Action, Scope, UnixTime};
use reveille_delivery::{Device, Verdict};
use reveille_gateway::Outcome;
use reveille_registry::{DeviceKey, Effect, Event, Pruning, Purpose};
use {reveille_apns as apns, reveille_fcm as fcm, reveille_webpush as webpush};

use crate::credential::Credential;
use crate::sent::Named;
use crate::{Sent, Writer};

/// What a service's answer means: [`Writer::read`] returns it. Hand the outcome to pacer and gateway, the effect to the
/// registry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answered {
    /// For the gateway. No text of it holds a URL or a token.
    pub outcome: Outcome,
    /// For the registry, if the answer says something about the device.
    pub effect: Option<DeviceEffect>,
}

/// What an answer says about a device. The gateway says it, too ([`Output::Device`](reveille_gateway::Output::Device)), from
/// its log; this one is at hand at once. To apply both is harmless: the registry compares revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct DeviceEffect {
    /// Which device, as the store names it.
    pub key: DeviceKey,
    /// Which device, as the gateway names it, at the revision of the record that the request was made of.
    pub device: Device,
    /// Which of its tokens.
    pub purpose: Purpose,
    /// What.
    pub effect: Effect,
    /// When that was known.
    pub at: UnixTime,
}

impl DeviceEffect {
    pub(crate) const fn of(verdict: &Verdict) -> Option<Effect> {
        match verdict {
            Verdict::Accepted { .. } => Some(Effect::Accepted),
            Verdict::Refused { action: Action::SuspectTarget, .. } => Some(Effect::Suspect),
            Verdict::Refused { action: Action::DropTarget { if_registered_before }, .. } => {
                Some(Effect::Gone { if_registered_before: *if_registered_before })
            }
            _ => None,
        }
    }

    /// The event that [`decide`](reveille_registry::decide) takes. Whether anything may be dropped at the moment, the pacer
    /// knows.
    #[must_use]
    pub const fn event(&self, pruning: Pruning) -> Event {
        Event::Delivery {
            purpose: self.purpose,
            revision: self.device.revision,
            effect: self.effect,
            at: self.at,
            pruning,
        }
    }
}

impl Writer {
    /// Reads an answer. A credential that was refused as stale is renewed, by the very value that was refused: a hundred
    /// refusals are one renewal, and a late one throws no newer token away; drain [`poll_output`](Self::poll_output)
    /// afterwards. One that was renewed just before is not the fault: the outcome says
    /// [`FixCredential`](Action::FixCredential) then, so that the pacer pauses it and somebody looks.
    ///
    /// Hand [`Outcome::verdict`] to the pacer first, and what it makes of it to the gateway.
    pub fn read(&self, sent: &Sent, response: &Response<impl AsRef<[u8]>>, now: UnixTime) -> Answered {
        let outcome = match &sent.named {
            Named::Browser(subscription) => webpush::classify_response(&**subscription, response, now),
            Named::Apple(token) => apns::classify_response(token, response, now),
            Named::Google(target) => fcm::classify_response(target, response, now),
        };
        let mut verdict = Verdict::from(&outcome);
        if let Verdict::Refused { action, .. } = &mut verdict
            && matches!(action, Action::RefreshCredential { .. })
            && !self.refresh(sent, now)
        {
            *action = Action::FixCredential { scope: Scope::Credential };
        }
        self.counting.read(verdict.name());
        self.answered(sent, verdict, now)
    }

    /// Not one byte of it left: no connection, or it was withdrawn in time.
    #[must_use]
    pub const fn not_sent(&self, sent: &Sent) -> Outcome {
        Outcome::new(sent.job, sent.target, sent.attempt, Verdict::NotSent)
    }

    /// It left, or may have, and no answer came.
    #[must_use]
    pub const fn no_answer(&self, sent: &Sent) -> Outcome {
        Outcome::new(sent.job, sent.target, sent.attempt, Verdict::NoAnswer)
    }

    fn answered(&self, sent: &Sent, verdict: Verdict, now: UnixTime) -> Answered {
        let effect = DeviceEffect::of(&verdict).map(|effect| DeviceEffect {
            key: sent.key.clone(),
            device: sent.device,
            purpose: sent.purpose,
            effect,
            at: now,
        });
        Answered { outcome: Outcome::new(sent.job, sent.target, sent.attempt, verdict), effect }
    }

    /// Whether another token can help.
    fn refresh(&self, sent: &Sent, now: UnixTime) -> bool {
        let Some(refused) = &sent.authorization else { return false };
        match (sent.credential, &sent.named) {
            (Credential::WebPush(at), Named::Browser(subscription)) => {
                let Some(server) = self.web_push.get(usize::from(at)) else { return false };
                let refusal = server.handle_refusal(subscription, refused, now);
                matches!(
                    refusal,
                    webpush::credential::Refusal::Renewing | webpush::credential::Refusal::Replaced
                )
            }
            (Credential::Apns(at), Named::Apple(_)) => {
                use apns::credential::Refusal;
                let Some(source) = self.apns.get(usize::from(at)) else { return false };
                let refusal = source.handle_refusal(refused, now);
                // Asked for, so that the next one is there, or in `poll_output`, before the leg comes again.
                let _ = source.token(now);
                matches!(refusal, Refusal::Renewing | Refusal::Replaced)
            }
            (credential @ Credential::Fcm(_), Named::Google(_)) => {
                use fcm::credential::Refusal;
                let Some(source) = self.fcm_source(credential) else { return false };
                let refusal = source.handle_refusal(refused, now);
                let _ = source.token(now);
                matches!(refusal, Refusal::Renewing | Refusal::Replaced)
            }
            _ => false,
        }
    }
}
