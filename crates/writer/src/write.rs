//! From legs to requests.

use std::sync::Arc;

use http::Request;
use http::header::AUTHORIZATION;
use reveille_core::UnixTime;
use reveille_delivery::pacer::{CredentialId, LaneId, PlatformId, ServiceId};
use reveille_delivery::{Device, HeldBy, Verdict};
use reveille_gateway::{Deferred, Input, Job, Outcome, Target, class};
use reveille_payload::Cut;
use reveille_registry::{self as registry, Platform, Purpose, Token};
use reveille_resume::IssueError;
use reveille_webpush::credential::TokenError;
use reveille_webpush::request::RequestError;
use reveille_webpush::{Message, Subscription};
use {bytes::Bytes, reveille_fcm as fcm};

use crate::credential::Credential;
use crate::device::DeviceEffect;
use crate::message::{self, Shared, Wanted, shared_or};
use crate::pick::class_of;
use crate::sent::Named;
use crate::writer::Known;
use crate::{Person, Ready, Sent, Unwritten, Way, Writer};

/// A job on one device, and the person whose device it is: what [`Writer::write`] takes. Collect as many as there are, and
/// write them together.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct Leg<'a> {
    /// The gateway's [`Send`](reveille_gateway::Output::Send).
    pub job: &'a Job,
    /// As the store has them now.
    pub person: &'a Person,
}

/// What became of a [`Leg`]: exactly one of these for each. Send what is ready; hand [`input`](Self::input) of the others to
/// the gateway at once.
#[derive(Debug)]
#[non_exhaustive]
pub enum Written {
    /// Send it.
    Ready(Box<Ready>),
    /// It has to wait: quiet hours, a pause, or a token that is on its way. No attempt is counted.
    Deferred(Deferred),
    /// Nothing is sent, on purpose: it would show nothing, and the browser has had as many of these today as the rules
    /// allow (E5). For the gateway it is done.
    Silent {
        /// For the gateway: accepted, by nobody (status 0).
        outcome: Outcome,
    },
    /// No request can be made of it.
    Unwritten {
        /// For the gateway.
        outcome: Outcome,
        /// Why, for people.
        why: Unwritten,
        /// For the registry, if the device's token is at fault.
        effect: Option<Box<DeviceEffect>>,
    },
}

impl Written {
    /// What the gateway is told at once; `None` if a request has to be sent first.
    #[must_use]
    pub fn input(&self) -> Option<Input> {
        match self {
            Self::Ready(_) => None,
            Self::Deferred(deferred) => Some((*deferred).into()),
            Self::Silent { outcome } | Self::Unwritten { outcome, .. } => Some(outcome.clone().into()),
        }
    }
}

/// Why there is no request: it waits, is not to be, or cannot be.
enum Stop {
    Silent,
    Wait(UnixTime, HeldBy),
    Cannot(Unwritten),
}

impl<E: Into<Unwritten>> From<E> for Stop {
    fn from(why: E) -> Self {
        Self::Cannot(why.into())
    }
}

/// A leg on its way through: finished, or waiting for the batch of its application server.
enum Step<'a> {
    Done(Result<Box<Ready>, Stop>),
    Browser(Box<Browser<'a>>),
}

struct Browser<'a> {
    found: Found<'a>,
    subscription: Box<Subscription>,
    message: Message,
    more: More,
}

/// What comes with a request besides.
struct More {
    visible: bool,
    cuts: Vec<Cut>,
    without_token: Option<IssueError>,
}

/// A leg whose device was found.
struct Found<'a> {
    job: &'a Job,
    record: &'a registry::Device,
    token: &'a Token,
    device: Device,
    known: &'a Known,
}

impl Writer {
    /// Writes legs: one result for each, in their order. Give it what there is; a batch of 64 browsers is the cheapest.
    ///
    /// All encrypted messages of one application server go through one call, whatever they say and to whom, so that a backend
    /// that makes several key agreements at a time has its lanes filled. Whoever is paused or has quiet hours by now gets
    /// nothing but an earlier promise kept: what takes something back always goes.
    ///
    /// The same leg written again has the same names, times and resume token; encryption is anew.
    #[must_use]
    pub fn write(&self, legs: &[Leg<'_>], now: UnixTime) -> Vec<Written> {
        let mut shared = Shared::default();
        let following = legs.iter().skip(1).map(Some).chain([None]);
        let mut steps: Vec<Step<'_>> = legs
            .iter()
            .zip(following)
            .map(|(leg, next)| {
                // Devices of one person follow one another: what is written for one of them may serve the next.
                shared.keep = next.is_some_and(|next| Arc::ptr_eq(&leg.job.content, &next.job.content));
                self.step(leg, &mut shared, now)
            })
            .collect();
        for at in 0..self.web_push.len() {
            self.encrypt(at, &mut steps, now);
        }
        let done = steps.into_iter().map(|step| match step {
            Step::Done(result) => result,
            // No application server took it: it is in no list of ours.
            Step::Browser(browser) => Err(no_credential(browser.found.record).into()),
        });
        let written = legs.iter().zip(done).map(|(leg, result)| self.written(leg, result, now));
        let written: Vec<_> = written.collect();
        self.counting.written(&written);
        written
    }

    fn written(&self, leg: &Leg<'_>, result: Result<Box<Ready>, Stop>, now: UnixTime) -> Written {
        match result {
            Ok(ready) => Written::Ready(ready),
            Err(Stop::Wait(until, by)) => Written::Deferred(Deferred::attempt(leg.job, until, by)),
            Err(Stop::Silent) => {
                Written::Silent { outcome: Outcome::of(leg.job, Verdict::Accepted { status: 0 }) }
            }
            Err(Stop::Cannot(why)) => {
                let verdict = why.verdict();
                let found = self.record(leg).and_then(|record| {
                    let token = message::token_for(leg.job, record)?;
                    Some((record, token.purpose))
                });
                let effect = found.and_then(|(record, purpose)| {
                    let effect = DeviceEffect::of(&verdict)?;
                    let device = Device { revision: record.revision, ..leg.job.target.device()? };
                    Some(Box::new(DeviceEffect { key: record.key.clone(), device, purpose, effect, at: now }))
                });
                Written::Unwritten { outcome: Outcome::of(leg.job, verdict), why, effect }
            }
        }
    }

    /// Everything but the encryption.
    fn step<'a>(&'a self, leg: &Leg<'a>, shared: &mut Shared<'a>, now: UnixTime) -> Step<'a> {
        match self.find(leg, now).and_then(|found| self.compose(found, leg.person, shared, now)) {
            Ok(step) => step,
            Err(stop) => Step::Done(Err(stop)),
        }
    }

    fn record<'a>(&self, leg: &Leg<'a>) -> Option<&'a registry::Device> {
        let device = leg.job.target.device()?;
        let owned = leg.person.devices.iter().filter(|record| record.owner == leg.job.person.as_str());
        owned.into_iter().find(|record| self.device_id(record) == Some(device.id))
    }

    fn find<'a>(&'a self, leg: &Leg<'a>, now: UnixTime) -> Result<Found<'a>, Stop> {
        let job = leg.job;
        let Target::Device(device) = job.target else { return Err(Unwritten::NotADevice.into()) };
        if job.not_after <= now {
            return Err(Unwritten::Late.into());
        }
        let record = self.record(leg).ok_or(Unwritten::NoDevice)?;
        let token = message::token_for(job, record).ok_or(Unwritten::NoToken)?;
        let class = class_of(token.purpose).ok_or(Unwritten::NoToken)?;
        let channel = class::channel(class).ok_or(Unwritten::NoToken)?;
        if !job.content.channels().has(channel) {
            return Err(Unwritten::Channel { channel }.into());
        }
        if !job.content.takes_back()
            && let Some((until, by)) = leg.person.holds(channel, job.priority, job.not_after, now)
        {
            return Err(Stop::Wait(until, by));
        }
        let known = self.apps.get(&record.key.app).ok_or_else(|| no_credential(record))?;
        // As the record is now: what is found out holds for this revision.
        let device = Device { revision: record.revision, class, ..device };
        Ok(Found { job, record, token, device, known })
    }

    fn compose<'a>(
        &'a self,
        found: Found<'a>,
        person: &Person,
        shared: &mut Shared<'a>,
        now: UnixTime,
    ) -> Result<Step<'a>, Stop> {
        let Found { job, record, token, device, known } = found;
        let name = job.name();
        let (mut slip, without_token) = self.slip(job, &name, record, token.purpose, person.badge);
        let rules = known.app.rules.as_ref();
        if let Some(rules) = rules.filter(|_| job.content.takes_back()) {
            slip = slip.with_forms(rules.forms());
        }
        let templates = self.templates(&known.app, record.locale.as_deref());
        let wanted = Wanted { content: &job.content, templates, purpose: token.purpose, slip };
        let keep = shared.keep;
        match token.purpose {
            Purpose::WebPush => {
                if known.app.web_push.is_none() {
                    return Err(no_credential(record).into());
                }
                let subscription = Box::new(message::subscription(self, token, now)?);
                let mut draft = shared_or(&mut shared.web, wanted, keep, |wanted| wanted.web_push(now))?;
                let most = rules
                    .map_or(self.invisible_a_day, |rules| rules.channels().invisible_web_pushes_per_day());
                if !draft.visible && !self.invisible.take(device.id, job.leg, most, now) {
                    // A ring that is over has to stop: its cancel replaces it on the screen then.
                    let forms = message::in_sight(&job.content).ok_or(Stop::Silent)?;
                    let slip = self.slip(job, &name, record, token.purpose, person.badge).0.with_forms(forms);
                    let wanted = Wanted { content: &job.content, templates, purpose: token.purpose, slip };
                    draft = wanted.web_push(now)?;
                }
                let more = More { visible: draft.visible, cuts: draft.cuts, without_token };
                let message = draft.push;
                Ok(Step::Browser(Box::new(Browser { found, subscription, message, more })))
            }
            Purpose::ApnsAlert | Purpose::ApnsVoip => {
                let apple = known.app.apns.as_ref().ok_or_else(|| no_credential(record))?;
                let device = message::device_token(token)?;
                // Pending, a key that fails, or a clock that jumps: another attempt at once would not help.
                let bearer = apple.tokens.token(now).map_err(|_| self.wait(now))?;
                let draft = shared_or(&mut shared.apple, wanted, keep, |wanted| wanted.apns(now))?;
                let request = message::apns_request(&draft.push, apple, token, &device, &bearer, &name)?;
                let more = More { visible: draft.visible, cuts: draft.cuts, without_token };
                let credential = Credential::Apns(known.apns);
                Ok(Step::Done(Ok(self.ready(found, request, credential, Named::Apple(device), more))))
            }
            _ => {
                let (project, tokens) = known.app.fcm.as_ref().ok_or_else(|| no_credential(record))?;
                let target = message::fcm_target(token)?;
                let bearer = tokens.token(now).map_err(|error| self.no_google_token(&error, tokens, now))?;
                let draft = shared_or(&mut shared.google, wanted, keep, |wanted| wanted.fcm(now))?;
                let request = draft.push.request(project, &target, &bearer).map_err(message::google)?;
                let more = More { visible: draft.visible, cuts: draft.cuts, without_token };
                let credential = Credential::Fcm(known.fcm);
                Ok(Step::Done(Ok(self.ready(found, request, credential, Named::Google(target), more))))
            }
        }
    }

    /// All legs of one application server in one call.
    fn encrypt(&self, at: usize, steps: &mut [Step<'_>], now: UnixTime) {
        let Some(server) = self.web_push.get(at) else { return };
        let ours = |step: &Step<'_>| match step {
            Step::Browser(browser) => usize::from(browser.found.known.web_push) == at,
            Step::Done(_) => false,
        };
        let pairs: Vec<(&Message, &Subscription)> = steps
            .iter()
            .filter(|step| ours(step))
            .filter_map(|step| match step {
                Step::Browser(browser) => Some((&browser.message, &*browser.subscription)),
                Step::Done(_) => None,
            })
            .collect();
        if pairs.is_empty() {
            return;
        }
        let mut requests = Vec::with_capacity(pairs.len());
        server.requests_each(&pairs, now, &mut requests);
        let mut requests = requests.into_iter();
        for step in steps.iter_mut().filter(|step| ours(step)) {
            let Some(request) = requests.next() else { return };
            let taken = std::mem::replace(step, Step::Done(Err(Stop::Wait(now, HeldBy::Credential))));
            let Step::Browser(browser) = taken else { continue };
            let credential = Credential::WebPush(browser.found.known.web_push);
            let result = request.map_err(|error| self.no_request(error, now)).map(|request| {
                let Browser { found, subscription, more, .. } = *browser;
                self.ready(found, request, credential, Named::Browser(subscription), more)
            });
            *step = Step::Done(result);
        }
    }

    fn ready(
        &self,
        found: Found<'_>,
        request: Request<Bytes>,
        credential: Credential,
        named: Named,
        more: More,
    ) -> Box<Ready> {
        let Found { job, record, token, device, .. } = found;
        let More { visible, cuts, without_token } = more;
        let authorization = request.headers().get(AUTHORIZATION).cloned();
        let way = self.way(credential, &named, &request, record);
        let sent = Sent {
            job: job.job,
            leg: job.leg,
            recipient: self.seed.recipient(&job.person),
            target: job.target,
            attempt: job.attempt,
            device,
            key: record.key.clone(),
            purpose: token.purpose,
            credential,
            authorization,
            named,
        };
        Box::new(Ready { request, sent, way, visible, cuts, without_token })
    }

    /// A VAPID key's standing is one per push service; at Apple and Google there is one service each.
    fn way(
        &self,
        credential: Credential,
        named: &Named,
        request: &Request<Bytes>,
        record: &registry::Device,
    ) -> Way {
        let host = request.uri().authority().map_or("", |authority| authority.as_str());
        let key = match named {
            Named::Browser(subscription) => subscription.vapid_key(),
            Named::Apple(_) | Named::Google(_) => None,
        };
        let platform = match (named, record.platform) {
            (Named::Google(_), Platform::Ios | Platform::MacOs) => 1,
            (Named::Google(_), Platform::Web) => 2,
            _ => 0,
        };
        let service = match named {
            Named::Apple(_) => class::APNS,
            Named::Google(_) => class::FCM,
            Named::Browser(_) => class::WEB_PUSH,
        };
        let lane = self.lane_hash((credential, &key, host));
        let at = if matches!(named, Named::Browser(_)) { host } else { "" };
        Way {
            service: ServiceId(service.0.into()),
            credential: CredentialId::from_bits(self.lane_hash((credential, &key, at)) as u32),
            lane: LaneId::from_bits(lane),
            platform: PlatformId::from_bits(platform),
        }
    }

    // ---- no token

    fn no_request(&self, error: RequestError, now: UnixTime) -> Stop {
        match error {
            RequestError::Token(TokenError::Pending { .. }) => self.wait(now),
            RequestError::Token(TokenError::UnknownKey(key)) => Unwritten::UnknownKey(key).into(),
            error => Unwritten::WebPush(error).into(),
        }
    }

    /// On its way, or not before the next fetch.
    fn no_google_token(
        &self,
        error: &fcm::credential::TokenError,
        tokens: &fcm::TokenSource,
        now: UnixTime,
    ) -> Stop {
        let next = tokens.next_wakeup().map(|wakeup| wakeup.at);
        match (error, next) {
            (fcm::credential::TokenError::Failed(_), Some(next)) if next > now + self.pending => {
                Stop::Wait(next, HeldBy::Credential)
            }
            _ => self.wait(now),
        }
    }

    fn wait(&self, now: UnixTime) -> Stop {
        Stop::Wait(now + self.pending, HeldBy::Credential)
    }
}

fn no_credential(record: &registry::Device) -> Unwritten {
    Unwritten::NoCredential { app: record.key.app.clone() }
}
