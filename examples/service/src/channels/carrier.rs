//! One attempt on a channel: whether the person wants it now, where it goes, what it says, and what the answer means.

use std::sync::Arc;
use std::time::Duration;

use reveille_conversation::{Channel, Kind};
use reveille_core::{Action, UnixTime};
use reveille_delivery::{HeldBy, Priority, Verdict};
use reveille_gateway::store::{Person, Store, Wishes};
use reveille_gateway::{Content, Job, Target};
use reveille_registry::pause::{self, Weighed};
use rustls::pki_types::CertificateDer;
use serde_json::json;

use super::address::Addresses;
use super::answer::{Twice, verdict};
use super::email::Email;
use super::settings::Hook;
use super::webhook;
use crate::clock::Clock;
use crate::credentials::Brands;
use crate::desk::SOON;
use crate::quiet::Zones;
use crate::settings::{InvalidSettings, Settings};
use crate::wire::{AllowedOrigins, Wire};

/// What came of it.
pub enum Carried {
    /// The receiver has said this, or was not reached.
    Answered(Verdict),
    /// Nothing was sent, for a reason of our own.
    Kept(Verdict),
    /// The person is not to be told now, or this process cannot.
    Waits {
        /// Until when.
        until: UnixTime,
        /// Why.
        by: HeldBy,
    },
}

/// What all channels share.
pub(crate) struct Parts<S> {
    pub(crate) store: Arc<S>,
    pub(crate) wire: Arc<Wire>,
    pub(crate) clock: Clock,
    pub(crate) zones: Arc<Zones>,
    pub(crate) brands: Brands,
}

/// Knows how to send on each channel that is set up.
pub(crate) struct Carrier<S> {
    parts: Parts<S>,
    email: Option<(Email, u32, u32)>,
    webhook: Option<Hook>,
    sms: Option<Hook>,
}

impl<S> Carrier<S> {
    pub(crate) fn new(
        settings: &Settings,
        parts: Parts<S>,
        allowed: &AllowedOrigins,
        certificates: &[CertificateDer<'static>],
    ) -> Result<Self, InvalidSettings> {
        super::check(settings)?;
        let email = settings.smtp.as_ref();
        let email = email.map(|smtp| Ok((Email::new(smtp, certificates)?, smtp.rate, smtp.connections)));
        Ok(Self {
            parts,
            email: email.transpose()?,
            webhook: settings.webhook.as_ref().map(|hook| hook.hook("webhook", allowed)).transpose()?,
            sms: settings.sms.as_ref().map(|hook| hook.hook("sms", allowed)).transpose()?,
        })
    }

    /// Rate and places of webhook, e-mail and text message.
    pub(super) fn bounds(&self) -> [(u32, u32); 3] {
        let of = |hook: &Option<Hook>| hook.as_ref().map_or((1, 1), |hook| (hook.rate, hook.in_flight));
        [of(&self.webhook), self.email.as_ref().map_or((1, 1), |email| (email.1, email.2)), of(&self.sms)]
    }

    /// Why it is not even tried. A call that rang a while ago is no news for a webhook that comes back (E6).
    pub(super) fn refuses(&self, job: &Job, now: UnixTime) -> Option<&'static str> {
        match job.target {
            Target::Webhook => match &self.webhook {
                None => Some("no_webhook"),
                Some(_) if webhook::event(&job.content).is_none() => Some("no_such_event"),
                Some(hook) if is_ring(&job.content) && now.since(job.decided) > hook.stale => {
                    Some("stale_call")
                }
                Some(_) => None,
            },
            Target::Email => self.email.is_none().then_some("no_email"),
            Target::Sms => self.sms.is_none().then_some("no_sms"),
            Target::Device(_) => Some("no_channel"),
            _ => Some("no_channel"),
        }
    }
}

impl<S: Store> Carrier<S> {
    /// Makes the attempt.
    pub(super) async fn carry(&self, job: &Job) -> Carried {
        let now = self.parts.clock.now();
        let Ok(mut people) = self.parts.store.people(std::slice::from_ref(&job.person)).await else {
            return Carried::Waits { until: now + SOON, by: HeldBy::Process };
        };
        let person = people.pop().unwrap_or_default();
        if let Some(kept) = self.wishes(job, &person, now).await {
            return kept;
        }
        match (job.target, &job.content as &Content) {
            (Target::Webhook, _) => {
                let Some(hook) = &self.webhook else { return keep("no_webhook") };
                let Some(request) = webhook::request(hook, job, &person.devices, now) else {
                    return keep("no_such_event");
                };
                let answer = self.parts.wire.send(request).await;
                Carried::Answered(verdict(answer, Twice::May, self.parts.clock.now()))
            }
            (Target::Email, Content::Show { intent, .. }) => {
                let Some((email, ..)) = &self.email else { return keep("no_email") };
                let Some(to) = Addresses::of(&person.devices).email else { return keep("no_address") };
                let (texts, locale) = self.parts.brands.of(&person.devices);
                let Ok(text) = texts.of(locale).email(intent) else { return keep("no_text") };
                Carried::Answered(email.send(&to, text, &job.job_name(), now).await)
            }
            (Target::Sms, Content::Show { intent, .. }) => {
                let Some(hook) = &self.sms else { return keep("no_sms") };
                let Some(to) = Addresses::of(&person.devices).phone else { return keep("no_address") };
                let (texts, locale) = self.parts.brands.of(&person.devices);
                let Ok(text) = texts.of(locale).sms(intent) else { return keep("no_text") };
                let id = job.job_name();
                let body = json!({
                    "type": "text_message",
                    "timestamp": webhook::time(job.decided),
                    "data": {"id": id, "to": to, "text": text, "not_after": webhook::time(job.not_after)},
                });
                let request = hook.signer.request(&hook.url, &id, body.to_string().into_bytes(), now);
                let Some(request) = request else { return keep("no_request") };
                let answer = self.parts.wire.send(request).await;
                Carried::Answered(verdict(answer, Twice::MayNot, self.parts.clock.now()))
            }
            _ => keep("no_text"),
        }
    }

    /// What the person wishes, as it counts for pushes. The webhook is a machine of the customer's: it has no night.
    async fn wishes(&self, job: &Job, person: &Person, now: UnixTime) -> Option<Carried> {
        let known = person.wishes.as_ref()?;
        let wishes = &known.value;
        let (kind, urgent) = (job.content.kind(), job.priority == Priority::Urgent);
        let unwanted = |channel: Channel| {
            let mut all = wishes.unwanted.iter();
            !job.content.takes_back() && all.any(|(of, channels)| *of == kind && channels.contains(&channel))
        };
        if job.target.channel().is_some_and(unwanted) {
            return Some(keep("unwanted"));
        }
        let mut pauses = wishes.pauses.clone();
        let paused = match job.target {
            Target::Webhook => pause::Channel::Webhook,
            Target::Email => pause::Channel::Email,
            _ => pause::Channel::Sms,
        };
        if let Weighed::Held { until } = pauses.weigh(paused, urgent, now) {
            // Whoever is faster counts first, and this one is not counted.
            let counted = Wishes { pauses, ..wishes.clone() };
            let _ = self.parts.store.put_wishes(&job.person, Some(known.revision), Some(&counted)).await;
            return Some(Carried::Waits { until: until.unwrap_or(job.not_after), by: HeldBy::Pause });
        }
        let quiet = wishes.quiet.as_ref().filter(|_| job.target != Target::Webhook);
        let quiet = quiet.filter(|wish| !(urgent && wish.urgent_passes));
        let until = quiet.and_then(|wish| self.parts.zones.quiet(wish, now)?.hours.until(now))?;
        Some(Carried::Waits { until: until.max(now + Duration::from_secs(1)), by: HeldBy::Quiet })
    }
}

fn keep(reason: &'static str) -> Carried {
    Carried::Kept(Verdict::Refused { status: 0, reason: Some(reason.into()), action: Action::GiveUp })
}

fn is_ring(content: &Content) -> bool {
    matches!(content, Content::Show { .. }) && content.kind() == Kind::IncomingCall
}
