//! For Android.

use std::time::Duration;

use reveille_conversation::content::{Layout, path};
use reveille_conversation::lookup::Takes;
use reveille_conversation::{Channel, Kind, Urgency};
use reveille_core::UnixTime;
use reveille_fcm::android::{AndroidNotification, AndroidPriority, Visibility};
use reveille_fcm::message::{Sacrifice, Text};
use reveille_fcm::request::PrepareError;
use reveille_fcm::target::Reach;
use reveille_fcm::{AndroidConfig, Data, Error, Message, Notification, Prepared, SizeLimit, Ttl};

use crate::facts::{Drawn, Facts};
use crate::templates::Words;
use crate::{AndroidForm, InvalidContent, Slip, Subject, Templates, Written};

impl Templates {
    /// For an Android device.
    ///
    /// | what | message | priority |
    /// |---|---|---|
    /// | something new | notification with channel, tag, click action; a call on the channel `calls`, which the app makes of high importance | HIGH, or NORMAL for what can wait |
    /// | a cancel as data (the default) | data: the app stops the ring | HIGH |
    /// | a cancel as replacement | notification with the ring's tag, on the quiet channel | HIGH |
    /// | an invalidation | data | NORMAL |
    ///
    /// All end at `not_after` (in whole seconds, rounded down, at most four weeks) and share the collapse key of what they
    /// replace or take back. With [`AndroidForm::Data`] everything is data, and only calls have a collapse key.
    ///
    /// # Errors
    /// [`InvalidContent`]: late, not for this channel, too large.
    pub fn fcm<'s>(
        &self,
        subject: impl Into<Subject<'s>>,
        slip: &Slip,
        now: UnixTime,
    ) -> Result<Written<Message>, InvalidContent> {
        let subject = subject.into();
        let path = path(subject.conversation());
        let facts = Facts::new(subject, slip, &path);
        let Draft { message, visible, drawn } = self.android(subject, slip, &facts, now)?;
        let drawn = drawn.as_ref().map(|words| self.drawn(subject, words));
        let data = Data::new(facts.pairs(drawn)).map_err(Error::from)?;
        let mut message = message.with_data(data);
        const ORDER: [Sacrifice; 4] = [
            Sacrifice::Body,
            Sacrifice::DataText(Text::Borrowed("body")),
            Sacrifice::Title,
            Sacrifice::DataText(Text::Borrowed("title")),
        ];
        let cuts = message.fit_in_order(&ORDER, Reach::Device, self.settings.limit)?;
        Ok(Written { push: message, cuts, visible })
    }

    /// As [`fcm`](Self::fcm), written for requests to devices: the fastest way, if nothing of the message is to be changed.
    ///
    /// # Errors
    /// As [`fcm`](Self::fcm).
    pub fn fcm_prepared<'s>(
        &self,
        subject: impl Into<Subject<'s>>,
        slip: &Slip,
        now: UnixTime,
    ) -> Result<Written<Prepared>, InvalidContent> {
        let subject = subject.into();
        let path = path(subject.conversation());
        let facts = Facts::new(subject, slip, &path);
        let Draft { message, visible, drawn } = self.android(subject, slip, &facts, now)?;
        let drawn = drawn.as_ref().map(|words| self.drawn(subject, words));
        match Prepared::new_with_data(message, self.settings.limit, |to| facts.write(to, drawn)) {
            Ok(push) => Ok(Written { push, cuts: Vec::new(), visible }),
            Err(PrepareError::TooLarge(_)) => {
                let Written { push, cuts, visible } = self.fcm(subject, slip, now)?;
                // It was cut to the product's own limit.
                let push = Prepared::new(&push, SizeLimit::Provider).map_err(Error::from)?;
                Ok(Written { push, cuts, visible })
            }
            Err(error) => Err(Error::from(error).into()),
        }
    }

    /// All but the data.
    fn android(
        &self,
        subject: Subject<'_>,
        slip: &Slip,
        facts: &Facts<'_>,
        now: UnixTime,
    ) -> Result<Draft<'_>, InvalidContent> {
        subject.check(Channel::Mobile, now)?;
        let visible = subject.shows(slip, |forms| forms.fcm);
        let left = Duration::from_secs(subject.not_after().since(now).as_secs().min(28 * 86_400));
        let mut android = AndroidConfig::new()
            .with_priority(priority(subject))
            .with_ttl(Ttl::new(left).map_err(Error::from)?);
        let as_data = !visible || self.settings.android == AndroidForm::Data;
        if !as_data || matches!(subject.kind(), Kind::IncomingCall | Kind::IncomingOffer) {
            android = android.with_collapse_key(facts.tag.as_str().to_owned());
        }
        let words = if visible { Some(self.words(subject)?.into_owned()) } else { None };
        let Some(Words { title, body }) = words else {
            return Ok(Draft { message: Message::new().with_android(android), visible, drawn: None });
        };
        if as_data {
            let drawn = Some(Words { title, body });
            return Ok(Draft { message: Message::new().with_android(android), visible, drawn });
        }
        let (channel, category, sound) = self.channel(subject);
        let mut notification = Notification::new().with_title(title);
        notification.body = body;
        // Field by field: it is too large to be moved for each.
        let mut on_android = Box::new(AndroidNotification::new());
        on_android.channel_id = Some(channel);
        on_android.click_action = Some(category.into());
        on_android.tag = Some(facts.tag.as_str().to_owned().into());
        on_android.visibility = Some(Visibility::Private);
        on_android.event_time = Some(slip.issued_at().into());
        on_android.sound = sound.cloned();
        on_android.notification_count = slip.badge().and_then(|badge| i32::try_from(badge).ok());
        let android = android.with_notification(on_android);
        Ok(Draft {
            message: Message::new().with_notification(notification).with_android(android),
            visible,
            drawn: None,
        })
    }

    fn drawn<'w>(&'w self, subject: Subject<'_>, words: &'w Words<'_>) -> Drawn<'w> {
        let channel = match subject {
            Subject::Intent(intent) => Layout::of(intent).android_channel,
            Subject::Withdraw(_) => &self.settings.quiet_channel,
        };
        Drawn { title: &words.title, body: words.body.as_deref(), channel }
    }

    /// Channel, category, sound.
    fn channel(&self, subject: Subject<'_>) -> (Text, &'static str, Option<&Text>) {
        match subject {
            Subject::Intent(intent) => {
                let layout = Layout::of(intent);
                let rings = matches!(intent.kind, Kind::IncomingCall | Kind::IncomingOffer);
                let sound = if rings { &self.settings.ring_sound } else { &self.settings.sound };
                (layout.android_channel.into(), layout.category, Some(sound))
            }
            Subject::Withdraw(_) => (self.settings.quiet_channel.clone(), "CALL_CANCEL", None),
        }
    }
}

struct Draft<'t> {
    message: Message,
    visible: bool,
    /// What the app draws itself.
    drawn: Option<Words<'t>>,
}

/// What rings, and what stops a ring, wakes the device.
fn priority(subject: Subject<'_>) -> AndroidPriority {
    let high = match subject {
        Subject::Intent(intent) => intent.urgency == Urgency::High,
        Subject::Withdraw(withdraw) => withdraw.how == Takes::Cancel,
    };
    if high { AndroidPriority::High } else { AndroidPriority::Normal }
}
