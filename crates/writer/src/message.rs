//! What a leg becomes: a token of the record, the texts, and a message in one service's words.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use reveille_apns::{DeviceToken, Prepared};
use reveille_content::{Slip, Subject, Templates, Written};
use reveille_conversation::lookup::Takes;
use reveille_conversation::rules::CancelForm;
use reveille_conversation::{Channel, Forms};
use reveille_core::UnixTime;
use reveille_fcm::{self as fcm, Fid, RegistrationToken};
use reveille_gateway::{Content, Job};
use reveille_payload::Cut;
use reveille_registry::{Device, Purpose, PushKind, Token};
use reveille_resume::{Bindings, IssueError};
use reveille_webpush::credential::VapidKeyId;
use reveille_webpush::{Message, StoredSubscription, Subscription};

use crate::app::Apple;
use crate::{Unwritten, Writer};

pub(crate) const APNS_ID: HeaderName = HeaderName::from_static("apns-id");

/// The subject of a job, in the words of whoever writes texts.
pub(crate) fn subject(content: &Content) -> Option<Subject<'_>> {
    match content {
        Content::Show { intent, .. } => Some(Subject::Intent(intent)),
        Content::TakeBack(withdraw) => Some(Subject::Withdraw(withdraw)),
        _ => None,
    }
}

/// Which token of a device it goes to. What invalidates a notification never rings.
pub(crate) fn token_for<'d>(job: &Job, record: &'d Device) -> Option<&'d Token> {
    let kind = if job.content.is_for_calls() { PushKind::Call } else { PushKind::Message };
    record.token_for(kind)
}

/// What is the same for all services.
#[derive(Clone)]
pub(crate) struct Draft<T> {
    pub(crate) push: T,
    pub(crate) visible: bool,
    pub(crate) cuts: Vec<Cut>,
}

impl<T> From<Written<T>> for Draft<T> {
    fn from(written: Written<T>) -> Self {
        let Written { push, cuts, visible, .. } = written;
        Self { push, visible, cuts }
    }
}

/// A browser's subscription, bound to the key that the record names.
pub(crate) fn subscription(writer: &Writer, token: &Token, now: UnixTime) -> Result<Subscription, Unwritten> {
    let stored = StoredSubscription::from_json(token.value.expose())?;
    let mut subscription = stored.admitted_by(&*writer.endpoints)?;
    if let Some(key) = &token.vapid_key {
        let key: VapidKeyId = key.parse().map_err(|_| Unwritten::VapidKeyId)?;
        subscription = subscription.with_vapid_key(key);
    }
    if subscription.is_expired(now) {
        return Err(Unwritten::Expired);
    }
    Ok(subscription)
}

/// A token of Apple's.
pub(crate) fn device_token(token: &Token) -> Result<DeviceToken, Unwritten> {
    token.value.expose().parse().map_err(|_| Unwritten::Token { service: "APNs" })
}

/// A token of Google's.
pub(crate) fn fcm_target(token: &Token) -> Result<fcm::Target, Unwritten> {
    let invalid = Unwritten::Token { service: "FCM" };
    let text = token.value.expose();
    match token.purpose {
        Purpose::FcmInstallation => Fid::new(text.to_owned()).map(fcm::Target::from).map_err(|_| invalid),
        _ => RegistrationToken::new(text.to_owned()).map(fcm::Target::from).map_err(|_| invalid),
    }
}

impl Writer {
    /// What only the writer knows: the badge, and the token with which its reader comes back (A6).
    pub(crate) fn slip(
        &self,
        job: &Job,
        name: &str,
        record: &Device,
        purpose: Purpose,
        badge: Option<u32>,
    ) -> (Slip, Option<IssueError>) {
        let mut slip = Slip::new(job.decided);
        if let Some(badge) = badge {
            slip = slip.with_badge(badge);
        }
        let (Content::Show { intent, .. }, Some(resume)) = (&*job.content, &self.resume) else {
            return (slip, None);
        };
        if !self.resume_for.contains(&intent.role) {
            return (slip, None);
        }
        let bindings = Bindings {
            contact: intent.recipient.as_str(),
            conversation: intent.conversation.as_str(),
            device: &record.key.device,
            channel: channel_name(purpose),
        };
        match resume.token(intent.kind, &bindings, name, job.decided) {
            Ok(token) => (slip.with_resume_token(token), None),
            Err(error) => (slip, Some(error)),
        }
    }
}

/// The forms of a cancel that is shown on Web Push, whatever the rules say; `None` for what is no cancel.
pub(crate) fn in_sight(content: &Content) -> Option<Forms> {
    match content {
        Content::TakeBack(withdraw) if withdraw.how == Takes::Cancel => {
            Some(Forms { web_push: CancelForm::Replacement, ..withdraw.forms })
        }
        _ => None,
    }
}

/// What a message is made of. Equal ones are one message, for as many devices as there are.
#[derive(Clone)]
pub(crate) struct Wanted<'a> {
    pub(crate) content: &'a Arc<Content>,
    pub(crate) templates: &'a Templates,
    pub(crate) purpose: Purpose,
    pub(crate) slip: Slip,
}

impl PartialEq for Wanted<'_> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.content, other.content)
            && std::ptr::eq(self.templates, other.templates)
            && self.purpose == other.purpose
            && self.slip == other.slip
    }
}

impl Wanted<'_> {
    fn subject(&self, channel: Channel) -> Result<Subject<'_>, Unwritten> {
        subject(self.content).ok_or(Unwritten::Channel { channel })
    }

    pub(crate) fn web_push(&self, now: UnixTime) -> Result<Draft<Message>, Unwritten> {
        Ok(self.templates.web_push(self.subject(Channel::WebPush)?, &self.slip, now)?.into())
    }

    pub(crate) fn apns(&self, now: UnixTime) -> Result<Draft<Prepared>, Unwritten> {
        let subject = self.subject(Channel::Mobile)?;
        let written = match self.purpose {
            Purpose::ApnsVoip => self.templates.apns_voip_prepared(subject, &self.slip, now)?,
            _ => self.templates.apns_prepared(subject, &self.slip, now)?,
        };
        Ok(written.into())
    }

    pub(crate) fn fcm(&self, now: UnixTime) -> Result<Draft<fcm::Prepared>, Unwritten> {
        Ok(self.templates.fcm_prepared(self.subject(Channel::Mobile)?, &self.slip, now)?.into())
    }
}

/// What was written last for each service.
#[derive(Default)]
pub(crate) struct Shared<'a> {
    pub(crate) web: Option<(Wanted<'a>, Draft<Message>)>,
    pub(crate) apple: Option<(Wanted<'a>, Draft<Prepared>)>,
    pub(crate) google: Option<(Wanted<'a>, Draft<fcm::Prepared>)>,
    /// Whether the next leg may want it, too.
    pub(crate) keep: bool,
}

/// What was written for the device before, if that is the same, or else a new one.
pub(crate) fn shared_or<'a, T: Clone>(
    last: &mut Option<(Wanted<'a>, Draft<T>)>,
    wanted: Wanted<'a>,
    keep: bool,
    write: impl FnOnce(&Wanted<'a>) -> Result<Draft<T>, Unwritten>,
) -> Result<Draft<T>, Unwritten> {
    if let Some((known, draft)) = last
        && *known == wanted
    {
        return Ok(draft.clone());
    }
    let draft = write(&wanted)?;
    // A resume token is of one device.
    if keep && wanted.slip.resume_token().is_none() {
        *last = Some((wanted, draft.clone()));
    }
    Ok(draft)
}

/// The request for one Apple device, under the leg's name.
pub(crate) fn apns_request(
    prepared: &Prepared,
    apple: &Apple,
    token: &Token,
    device: &DeviceToken,
    bearer: &reveille_apns::Token,
    name: &str,
) -> Result<http::Request<bytes::Bytes>, Unwritten> {
    let mut request = prepared.request(apple.at(token.environment), device, bearer).map_err(self::apple)?;
    if let Ok(name) = HeaderValue::from_str(name) {
        request.headers_mut().insert(APNS_ID, name);
    }
    Ok(request)
}

fn apple(error: impl Into<reveille_apns::Error>) -> Unwritten {
    Unwritten::Apns(error.into())
}

pub(crate) fn google(error: impl Into<fcm::Error>) -> Unwritten {
    Unwritten::Fcm(error.into())
}

/// The channel that a resume token is bound to.
pub(crate) const fn channel_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::WebPush => "web",
        Purpose::ApnsAlert | Purpose::ApnsVoip => "apns",
        _ => "fcm",
    }
}
