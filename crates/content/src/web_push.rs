//! For browsers.

use reveille_conversation::content::Content;
use reveille_conversation::lookup::Takes;
use reveille_conversation::{Channel, Intent, Kind, Urgency as Wanted, Withdraw};
use reveille_core::UnixTime;
use reveille_webpush::declarative::{DeclarativeAction, InvalidDeclarative};
use reveille_webpush::{DeclarativeNotification, Error, Message, Topic, Ttl, Urgency};
use serde_json::{Map, Value};

use crate::{InvalidContent, Slip, Subject, Templates, Written};

impl Templates {
    /// For a browser. What is shown is written as Declarative Web Push: Safari shows it without a worker, other browsers
    /// hand the same JSON to the page's worker.
    ///
    /// | what | payload | urgency |
    /// |---|---|---|
    /// | something new | `{"web_push":8030,"notification":{…},"mutable":true}` with tag, buttons, `navigate`, and `data` for the worker | `high`, or `normal` for what can wait |
    /// | a cancel as replacement (the default) | the same, silent, with the ring's tag | `high` |
    /// | a cancel as data, an invalidation | `{"tag":…,"data":{…}}`: the worker closes what has the tag, and shows nothing | `high`; `normal` |
    ///
    /// All have the topic of what they replace or take back, and live until `not_after`, in whole seconds, rounded down.
    ///
    /// # Errors
    /// [`InvalidContent`]: late, not for this channel, too large.
    pub fn web_push<'s>(
        &self,
        subject: impl Into<Subject<'s>>,
        slip: &Slip,
        now: UnixTime,
    ) -> Result<Written<Message>, InvalidContent> {
        let subject = subject.into();
        subject.check(Channel::WebPush, now)?;
        let visible = subject.shows(|forms| forms.web_push);
        let tag = subject.collapse().to_string();
        let data: Map<String, Value> =
            subject.data(slip).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let (json, cuts) = if visible {
            let mut notification = match subject {
                Subject::Intent(intent) => self.notification(intent, slip)?,
                Subject::Withdraw(withdraw) => self.silent(withdraw, slip)?,
            };
            notification = notification
                .with_lang(self.language())
                .with_tag(tag.clone())
                .with_timestamp(slip.issued_at())
                .with_mutable(true);
            let data = notification.with_data(&data).map_err(InvalidDeclarative::from);
            let mut notification = data.map_err(web)?;
            let cuts = notification.fit(self.settings.limit).map_err(web)?;
            (notification.to_json().map_err(web)?, cuts)
        } else {
            let mut object = Map::new();
            object.insert("tag".to_owned(), tag.clone().into());
            object.insert("data".to_owned(), data.into());
            (Value::from(object).to_string(), Vec::new())
        };
        let left = subject.not_after().since(now).as_secs().min(u64::from(Ttl::MAX.as_secs()));
        let message = Message::new_within(self.settings.limit, json, Ttl::from_secs(left).map_err(web)?);
        let push =
            message.map_err(web)?.with_urgency(urgency(subject)).with_topic(Topic::new(&tag).map_err(web)?);
        Ok(Written { push, cuts, visible })
    }

    fn notification(&self, intent: &Intent, slip: &Slip) -> Result<DeclarativeNotification, InvalidContent> {
        let (content, subject) = (Content::of(intent), Subject::Intent(intent));
        let action = content.deep_link.split_once("?action=").map(|(_, action)| action);
        let mut notification =
            DeclarativeNotification::new(self.title(intent)?, self.click(subject, action, slip));
        if let Some(body) = self.text(intent, "body") {
            notification = notification.with_body(body);
        }
        // What rings stays until somebody reacts, or its cancel comes.
        let rings = matches!(intent.kind, Kind::IncomingCall | Kind::IncomingOffer);
        notification = notification.with_renotify(true).with_require_interaction(rings);
        for action in content.actions {
            let link = self.click(subject, Some(action.id), slip);
            notification =
                notification.with_action(DeclarativeAction::new(action.id, self.label(action.id), link));
        }
        Ok(match slip.badge() {
            Some(badge) => notification.with_app_badge(badge.into()),
            None => notification,
        })
    }

    fn silent(&self, withdraw: &Withdraw, slip: &Slip) -> Result<DeclarativeNotification, InvalidContent> {
        let link = self.click(Subject::Withdraw(withdraw), None, slip);
        Ok(DeclarativeNotification::new(self.withdraw_title(withdraw)?, link).with_silent(true))
    }
}

const fn urgency(subject: Subject<'_>) -> Urgency {
    let high = match subject {
        Subject::Intent(intent) => matches!(intent.urgency, Wanted::High),
        Subject::Withdraw(withdraw) => matches!(withdraw.how, Takes::Cancel),
    };
    if high { Urgency::High } else { Urgency::Normal }
}

fn web(error: impl Into<Error>) -> InvalidContent {
    InvalidContent::WebPush(error.into())
}
