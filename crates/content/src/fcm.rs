//! For Android.

use std::time::Duration;

use reveille_conversation::content::Content;
use reveille_conversation::lookup::Takes;
use reveille_conversation::{Channel, Kind, Urgency};
use reveille_core::UnixTime;
use reveille_fcm::android::{AndroidNotification, AndroidPriority, Visibility};
use reveille_fcm::message::{Sacrifice, Text};
use reveille_fcm::target::Reach;
use reveille_fcm::{AndroidConfig, Data, Error, Message, Notification, Ttl};

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
        subject.check(Channel::Mobile, now)?;
        let visible = subject.shows(|forms| forms.fcm);
        let key = subject.collapse().to_string();
        let left = Duration::from_secs(subject.not_after().since(now).as_secs().min(28 * 86_400));
        let mut android = AndroidConfig::new()
            .with_priority(priority(subject))
            .with_ttl(Ttl::new(left).map_err(Error::from)?);
        let as_data = !visible || self.settings.android == AndroidForm::Data;
        if !as_data || matches!(subject.kind(), Kind::IncomingCall | Kind::IncomingOffer) {
            android = android.with_collapse_key(key.clone());
        }
        let mut data: Vec<(&'static str, Text)> =
            subject.data(slip).into_iter().map(|(name, value)| (name, value.into())).collect();
        let mut message = Message::new();
        if visible {
            let shown = self.shown(subject)?;
            if as_data {
                data.push(("title", shown.title.into()));
                data.extend(shown.body.map(|body| ("body", body.into())));
                data.push(("channelId", shown.channel));
                data.push(("tag", key.into()));
            } else {
                let mut notification = Notification::new().with_title(shown.title);
                if let Some(body) = shown.body {
                    notification = notification.with_body(body);
                }
                message = message.with_notification(notification);
                let mut on_android = AndroidNotification::new()
                    .with_channel_id(shown.channel)
                    .with_click_action(shown.category)
                    .with_tag(key)
                    .with_visibility(Visibility::Private)
                    .with_event_time(slip.issued_at());
                if let Some(sound) = shown.sound {
                    on_android = on_android.with_sound(sound);
                }
                if let Some(badge) = slip.badge().and_then(|badge| i32::try_from(badge).ok()) {
                    on_android = on_android.with_notification_count(badge);
                }
                android = android.with_notification(on_android);
            }
        }
        let mut message = message.with_data(Data::new(data).map_err(Error::from)?).with_android(android);
        const ORDER: [Sacrifice; 4] = [
            Sacrifice::Body,
            Sacrifice::DataText(Text::Borrowed("body")),
            Sacrifice::Title,
            Sacrifice::DataText(Text::Borrowed("title")),
        ];
        let cuts = message.fit_in_order(&ORDER, Reach::Device, self.settings.limit)?;
        Ok(Written { push: message, cuts, visible })
    }

    fn shown(&self, subject: Subject<'_>) -> Result<Shown, InvalidContent> {
        Ok(match subject {
            Subject::Intent(intent) => {
                let content = Content::of(intent);
                let rings = matches!(intent.kind, Kind::IncomingCall | Kind::IncomingOffer);
                Shown {
                    title: self.title(intent)?,
                    body: self.text(intent, "body"),
                    channel: content.android_channel.into(),
                    category: content.category,
                    sound: Some(if rings { &self.settings.ring_sound } else { &self.settings.sound }.clone()),
                }
            }
            Subject::Withdraw(withdraw) => Shown {
                title: self.withdraw_title(withdraw)?,
                body: None,
                channel: self.settings.quiet_channel.clone(),
                category: "CALL_CANCEL",
                sound: None,
            },
        })
    }
}

struct Shown {
    title: String,
    body: Option<String>,
    channel: Text,
    category: &'static str,
    sound: Option<Text>,
}

/// What rings, and what stops a ring, wakes the device.
fn priority(subject: Subject<'_>) -> AndroidPriority {
    let high = match subject {
        Subject::Intent(intent) => intent.urgency == Urgency::High,
        Subject::Withdraw(withdraw) => withdraw.how == Takes::Cancel,
    };
    if high { AndroidPriority::High } else { AndroidPriority::Normal }
}
