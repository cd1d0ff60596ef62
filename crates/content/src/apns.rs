//! For Apple's devices.

use reveille_apns::message::{AlertText, InvalidNotification};
use reveille_apns::{
    Alert, Background, CollapseId, Error, Expiration, InterruptionLevel, Notification, Priority, Push, Voip,
};
use reveille_conversation::content::Content;
use reveille_conversation::{Channel, Intent, Kind, Urgency, Withdraw};
use reveille_core::UnixTime;

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
        let visible = subject.shows(|forms| forms.apns);
        let push = match subject {
            Subject::Intent(intent) => self.alert(intent, slip)?.into(),
            Subject::Withdraw(withdraw) if visible => self.replacement(withdraw)?.into(),
            Subject::Withdraw(_) => Notification::from(Background::new()),
        };
        let id: CollapseId = subject.collapse().to_string().parse().map_err(Error::from)?;
        let until = Expiration::At(subject.not_after());
        let data = subject.data(slip);
        let push = match push {
            Notification::Alert(alert) => {
                let alert = alert.with_collapse_id(id).with_expiration(until);
                with(alert, &data, Alert::with_custom)?.into()
            }
            _ => {
                let push = Background::new().with_collapse_id(id).with_expiration(until);
                with(push, &data, Background::with_custom)?.into()
            }
        };
        self.fitted(push, visible)
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
        if subject.kind() != Kind::IncomingCall {
            return Err(InvalidContent::NotACall { kind: subject.kind() });
        }
        subject.check(Channel::Mobile, now)?;
        let mut data = subject.data(slip);
        match subject {
            Subject::Intent(intent) => {
                data.push(("title", self.title(intent)?));
                data.extend(self.text(intent, "body").map(|body| ("body", body)));
            }
            Subject::Withdraw(withdraw) => data.push(("title", self.withdraw_title(withdraw)?)),
        }
        let push = Voip::new().with_priority(Priority::Immediate).with_expiration(Expiration::Once);
        self.fitted(with(push, &data, Voip::with_custom)?, true)
    }

    fn alert(&self, intent: &Intent, slip: &Slip) -> Result<Alert<'static>, InvalidContent> {
        let content = Content::of(intent);
        let (sound, level) = match intent.kind {
            Kind::IncomingCall | Kind::IncomingOffer => {
                (&self.settings.ring_sound, InterruptionLevel::TimeSensitive)
            }
            Kind::CallbackReady | Kind::CallbackNumber => {
                (&self.settings.sound, InterruptionLevel::TimeSensitive)
            }
            _ => (&self.settings.sound, InterruptionLevel::Active),
        };
        let text = AlertText {
            title: Some(self.title(intent)?.into()),
            body: self.text(intent, "body").map(Into::into),
            ..AlertText::default()
        };
        let alert = Alert::from_content(reveille_apns::message::AlertContent::Dictionary(text));
        let alert = alert.and_then(|alert| alert.with_interruption_level(level)).map_err(Error::from)?;
        let alert = alert
            .with_category(content.category)
            .with_thread_id(intent.conversation.as_str().to_owned())
            .with_sound(sound.clone())
            .with_mutable_content()
            .with_priority(match intent.urgency {
                Urgency::High => Priority::Immediate,
                _ => Priority::Considerate,
            });
        Ok(match slip.badge() {
            Some(badge) => alert.with_badge(badge),
            None => alert,
        })
    }

    fn replacement(&self, withdraw: &Withdraw) -> Result<Alert<'static>, InvalidContent> {
        let text =
            AlertText { title: Some(self.withdraw_title(withdraw)?.into()), ..AlertText::default() };
        let alert = Alert::from_content(reveille_apns::message::AlertContent::Dictionary(text));
        let alert = alert.and_then(|alert| alert.with_interruption_level(InterruptionLevel::Passive));
        Ok(alert
            .map_err(Error::from)?
            .with_thread_id(withdraw.conversation.as_str().to_owned())
            .with_content_available()
            .with_mutable_content()
            .with_priority(Priority::Immediate))
    }

    fn fitted<P: Push>(&self, mut push: P, visible: bool) -> Result<Written<P>, InvalidContent> {
        let cuts = push.fit(self.settings.limit)?;
        Ok(Written { push, cuts, visible })
    }
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
