//! For Apple's devices.

use reveille_apns::message::{AlertContent, AlertText, InterruptionLevel, InvalidNotification};
use reveille_apns::request::InvalidRequest;
use reveille_apns::{
    Alert, Background, CollapseId, Error, Expiration, Notification, Prepared, Priority, Push, SizeLimit, Voip,
};
use reveille_conversation::content::{Layout, path};
use reveille_conversation::{Channel, Intent, Kind, Urgency};
use reveille_core::UnixTime;
use reveille_payload::{ObjectWriter, label};

use crate::facts::Facts;
use crate::templates::Words;
use crate::{InvalidContent, Slip, Subject, Templates, Written};

impl Templates {
    /// For an Apple device with an alert token.
    ///
    /// | what | push | priority |
    /// |---|---|---|
    /// | something new | [`Alert`]: category, thread, badge, sound, `mutable-content`; what cannot wait is time-sensitive | 10, or 5 for what can wait |
    /// | a cancel as replacement | [`Alert`] in the ring's place, passive, silent; it wakes the app, too | 10 |
    /// | a cancel as data, an invalidation | [`Background`] | 5 |
    ///
    /// All end at `not_after`, and have the collapse id of what they replace or take back.
    ///
    /// # Errors
    /// [`InvalidContent`]: late, not for this channel, too large.
    pub fn apns<'s>(
        &self,
        subject: impl Into<Subject<'s>>,
        slip: &Slip,
        now: UnixTime,
    ) -> Result<Written<Notification<'static>>, InvalidContent> {
        let subject = subject.into();
        subject.check(Channel::Mobile, now)?;
        let path = path(subject.conversation());
        let facts = Facts::new(subject, slip, &path);
        let visible = subject.shows(slip, |forms| forms.apns);
        let push = if visible {
            let alert = self.alert(subject, self.words(subject)?.into_owned(), slip, &facts)?;
            let thread = subject.conversation().as_str().to_owned();
            with(alert.with_thread_id(thread), &facts.pairs(None), Alert::with_custom)?.into()
        } else {
            with(background(subject, &facts)?, &facts.pairs(None), Background::with_custom)?.into()
        };
        self.fitted(push, visible)
    }

    /// As [`apns`](Self::apns), written for requests: the fastest way, if nothing of the notification is to be changed.
    ///
    /// # Errors
    /// As [`apns`](Self::apns).
    pub fn apns_prepared<'s>(
        &self,
        subject: impl Into<Subject<'s>>,
        slip: &Slip,
        now: UnixTime,
    ) -> Result<Written<Prepared>, InvalidContent> {
        let subject = subject.into();
        subject.check(Channel::Mobile, now)?;
        let path = path(subject.conversation());
        let facts = Facts::new(subject, slip, &path);
        let visible = subject.shows(slip, |forms| forms.apns);
        let prepared = if visible {
            let alert = self.alert(subject, self.words(subject)?, slip, &facts)?;
            let alert = alert.with_thread_id(subject.conversation().as_str());
            Prepared::new_with(&alert, self.settings.limit, |to| facts.write(to, None))
        } else {
            let push = background(subject, &facts)?;
            Prepared::new_with(&push, self.settings.limit, |to| facts.write(to, None))
        };
        whole_or(prepared, visible, || self.apns(subject, slip, now))
    }

    /// For an Apple device with a VoIP token: a call, or the cancel of one. One attempt, priority 10; the app must report a
    /// call for each, by `callUuid`, and end it at once if it is a cancel or `notAfter` is over.
    ///
    /// # Errors
    /// [`InvalidContent::NotACall`] for everything else: chats, callbacks and a missed call never ring (B1). And as
    /// [`apns`](Self::apns).
    pub fn apns_voip<'s>(
        &self,
        subject: impl Into<Subject<'s>>,
        slip: &Slip,
        now: UnixTime,
    ) -> Result<Written<Voip>, InvalidContent> {
        let subject = subject.into();
        rings(subject, now)?;
        let path = path(subject.conversation());
        let Words { title, body } = self.words(subject)?;
        let mut data = Facts::new(subject, slip, &path).pairs(None);
        data.push(("title", title.into_owned()));
        data.extend(body.map(|body| ("body", body.into_owned())));
        self.fitted(with(voip(), &data, Voip::with_custom)?, true)
    }

    /// As [`apns_voip`](Self::apns_voip), written for requests: the fastest way, if nothing of it is to be changed.
    ///
    /// # Errors
    /// As [`apns_voip`](Self::apns_voip).
    pub fn apns_voip_prepared<'s>(
        &self,
        subject: impl Into<Subject<'s>>,
        slip: &Slip,
        now: UnixTime,
    ) -> Result<Written<Prepared>, InvalidContent> {
        let subject = subject.into();
        rings(subject, now)?;
        let path = path(subject.conversation());
        let (facts, words) = (Facts::new(subject, slip, &path), self.words(subject)?);
        let write = |to: &mut ObjectWriter<'_>| {
            facts.write(to, None);
            to.text(label!("title"), &words.title);
            to.optional_text(label!("body"), words.body.as_ref());
        };
        let prepared = Prepared::new_with(&voip(), self.settings.limit, write);
        whole_or(prepared, true, || self.apns_voip(subject, slip, now))
    }

    /// All but the app's own keys, and the thread.
    fn alert<'t>(
        &self,
        subject: Subject<'_>,
        words: Words<'t>,
        slip: &Slip,
        facts: &Facts<'_>,
    ) -> Result<Alert<'t>, InvalidContent> {
        let level = match subject {
            Subject::Intent(intent) => match intent.kind {
                Kind::IncomingCall | Kind::IncomingOffer | Kind::CallbackReady | Kind::CallbackNumber => {
                    InterruptionLevel::TimeSensitive
                }
                _ => InterruptionLevel::Active,
            },
            Subject::Withdraw(_) => InterruptionLevel::Passive,
        };
        let text = AlertText { title: Some(words.title), body: words.body, ..AlertText::default() };
        let alert = Alert::from_content(AlertContent::Dictionary(text))
            .and_then(|alert| alert.with_interruption_level(level))
            .map_err(Error::from)?
            .with_mutable_content()
            .with_collapse_id(collapse_id(facts)?)
            .with_expiration(Expiration::At(subject.not_after()));
        Ok(match subject {
            Subject::Intent(intent) => self.new_alert(alert, intent, slip),
            Subject::Withdraw(_) => alert.with_content_available().with_priority(Priority::Immediate),
        })
    }

    fn new_alert<'t>(&self, alert: Alert<'t>, intent: &Intent, slip: &Slip) -> Alert<'t> {
        let sound = match intent.kind {
            Kind::IncomingCall | Kind::IncomingOffer => &self.settings.ring_sound,
            _ => &self.settings.sound,
        };
        let priority = match intent.urgency {
            Urgency::High => Priority::Immediate,
            _ => Priority::Considerate,
        };
        let alert = alert
            .with_category(Layout::of(intent).category)
            .with_sound(sound.clone())
            .with_priority(priority);
        match slip.badge() {
            Some(badge) => alert.with_badge(badge),
            None => alert,
        }
    }

    fn fitted<P: Push>(&self, mut push: P, visible: bool) -> Result<Written<P>, InvalidContent> {
        let cuts = push.fit(self.settings.limit)?;
        Ok(Written { push, cuts, visible })
    }
}

/// What was written whole; what is too large is written again, and cut.
fn whole_or<P: Push>(
    prepared: Result<Prepared, InvalidRequest>,
    visible: bool,
    cut: impl FnOnce() -> Result<Written<P>, InvalidContent>,
) -> Result<Written<Prepared>, InvalidContent> {
    match prepared {
        Ok(push) => Ok(Written { push, cuts: Vec::new(), visible }),
        Err(InvalidRequest::TooLarge(_)) => {
            let Written { push, cuts, visible } = cut()?;
            // It was cut to the product's own limit.
            let push = Prepared::new(&push, SizeLimit::Provider).map_err(Error::from)?;
            Ok(Written { push, cuts, visible })
        }
        Err(error) => Err(Error::from(error).into()),
    }
}

fn rings(subject: Subject<'_>, now: UnixTime) -> Result<(), InvalidContent> {
    match subject.kind() {
        Kind::IncomingCall => subject.check(Channel::Mobile, now),
        kind => Err(InvalidContent::NotACall { kind }),
    }
}

fn voip() -> Voip {
    Voip::new().with_priority(Priority::Immediate).with_expiration(Expiration::Once)
}

fn background(subject: Subject<'_>, facts: &Facts<'_>) -> Result<Background, InvalidContent> {
    let push = Background::new().with_collapse_id(collapse_id(facts)?);
    Ok(push.with_expiration(Expiration::At(subject.not_after())))
}

fn collapse_id(facts: &Facts<'_>) -> Result<CollapseId, InvalidContent> {
    Ok(facts.tag.as_str().parse().map_err(Error::from)?)
}

/// The app's own keys, beside `aps`.
fn with<P>(
    push: P,
    data: &[(&'static str, String)],
    add: impl Fn(P, &str, &String) -> Result<P, InvalidNotification>,
) -> Result<P, InvalidContent> {
    let all = data.iter().try_fold(push, |push, (key, value)| add(push, key, value));
    Ok(all.map_err(Error::from)?)
}
