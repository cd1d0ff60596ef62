//! For browsers.

use std::collections::BTreeMap;

use reveille_conversation::content::{Action, Layout, path};
use reveille_conversation::lookup::Takes;
use reveille_conversation::{Channel, Kind, Urgency as Wanted};
use reveille_core::UnixTime;
use reveille_payload::{Cut, ObjectWriter, label, write_escaped};
use reveille_webpush::declarative::{DeclarativeAction, InvalidDeclarative};
use reveille_webpush::message::{MAX_PLAINTEXT, Message};
use reveille_webpush::{DeclarativeNotification, Error, Topic, Ttl, Urgency};

use crate::facts::{Facts, write_link};
use crate::templates::Words;
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
        let path = path(subject.conversation());
        let facts = Facts::new(subject, slip, &path);
        let visible = subject.shows(slip, |forms| forms.web_push);
        let (json, cuts) = if visible { self.shown(&facts, slip)? } else { (hidden(&facts), Vec::new()) };
        let left = subject.not_after().since(now).as_secs().min(u64::from(Ttl::MAX.as_secs()));
        let message = Message::new_within(self.settings.limit, json, Ttl::from_secs(left).map_err(web)?);
        let topic = Topic::new(facts.tag.as_str()).map_err(web)?;
        let push = message.map_err(web)?.with_urgency(urgency(subject)).with_topic(topic);
        Ok(Written { push, cuts, visible })
    }

    /// What is shown: written straight away, and again as a value only if something has to be cut or refused.
    fn shown(&self, facts: &Facts<'_>, slip: &Slip) -> Result<(Vec<u8>, Vec<Cut>), InvalidContent> {
        let face = Face { words: self.words(facts.subject)?, look: Look::of(facts.subject), slip, facts };
        // Anything else in the fragment is no URL that a browser may open.
        if facts.token.unwrap_or_default().bytes().all(|byte| byte.is_ascii_graphic()) {
            let json = self.declarative(&face);
            if json.len() <= self.settings.limit.of(MAX_PLAINTEXT) {
                return Ok((json, Vec::new()));
            }
        }
        let mut notification = self.notification(&face)?;
        let cuts = notification.fit(self.settings.limit).map_err(web)?;
        Ok((notification.to_json().map_err(web)?.into(), cuts))
    }

    /// The JSON of [`notification`](Self::notification).
    fn declarative(&self, face: &Face<'_>) -> Vec<u8> {
        let Face { words, look, slip, facts } = face;
        let mut json = Vec::with_capacity(1_536);
        json.extend_from_slice(b"{\"web_push\":8030,\"notification\":");
        let mut object = ObjectWriter::open(&mut json);
        object.text(label!("title"), &words.title);
        self.write_click(object.value(label!("navigate")), facts, look.tap);
        object.optional_text(label!("body"), words.body.as_ref());
        object.text(label!("lang"), self.language());
        object.text(label!("tag"), facts.tag.as_str());
        object.integer(label!("timestamp"), slip.issued_at().as_millis());
        match look.stays {
            Some(stays) => {
                object.member(label!("renotify"), &true);
                object.member(label!("requireInteraction"), &stays);
            }
            None => object.member(label!("silent"), &true),
        }
        let mut data = ObjectWriter::open(object.value(label!("data")));
        facts.write(&mut data, None);
        data.close();
        if !look.actions.is_empty() {
            let out = object.value(label!("actions"));
            for (at, action) in look.actions.iter().enumerate() {
                out.push(if at == 0 { b'[' } else { b',' });
                let mut button = ObjectWriter::open(out);
                button.text(label!("action"), action.id);
                button.text(label!("title"), self.label(action.id));
                self.write_click(button.value(label!("navigate")), facts, Some(action.id));
                button.close();
            }
            out.push(b']');
        }
        if let Some(badge) = look.badge(slip) {
            object.integer(label!("app_badge"), badge);
        }
        object.close();
        if let Some(badge) = look.badge(slip) {
            json.extend_from_slice(label!("app_badge").as_bytes());
            reveille_payload::write_integer(&mut json, badge);
        }
        json.extend_from_slice(b",\"mutable\":true}");
        json
    }

    /// The same as a value.
    fn notification(&self, face: &Face<'_>) -> Result<DeclarativeNotification, InvalidContent> {
        let Face { words, look, slip, facts } = face;
        let mut made = DeclarativeNotification::new(words.title.as_ref(), self.click(facts, look.tap)?)
            .with_lang(self.language())
            .with_tag(facts.tag.as_str())
            .with_timestamp(slip.issued_at())
            .with_mutable(true);
        if let Some(body) = &words.body {
            made = made.with_body(body.as_ref());
        }
        made = match look.stays {
            Some(stays) => made.with_renotify(true).with_require_interaction(stays),
            None => made.with_silent(true),
        };
        for action in look.actions {
            let link = self.click(facts, Some(action.id))?;
            made = made.with_action(DeclarativeAction::new(action.id, self.label(action.id), link));
        }
        if let Some(badge) = look.badge(slip) {
            made = made.with_app_badge(badge);
        }
        let data: BTreeMap<&str, String> = facts.pairs(None).into_iter().collect();
        made.with_data(&data).map_err(|error| web(InvalidDeclarative::from(error)))
    }

    /// A link for a click. The token is in its fragment: it reaches the page, and no server's log.
    fn write_click(&self, out: &mut Vec<u8>, facts: &Facts<'_>, action: Option<&str>) {
        out.push(b'"');
        write_escaped(out, self.origin());
        write_link(out, facts.path, action);
        if let Some(token) = facts.token {
            out.extend_from_slice(b"#resume=");
            write_escaped(out, token);
        }
        out.push(b'"');
    }

    fn click(&self, facts: &Facts<'_>, action: Option<&str>) -> Result<String, InvalidContent> {
        let mut json = Vec::new();
        self.write_click(&mut json, facts, action);
        reveille_payload::from_json(&json).map_err(|error| web(InvalidDeclarative::from(error)))
    }
}

/// All that a notification is made of.
struct Face<'f> {
    words: Words<'f>,
    look: Look,
    slip: &'f Slip,
    facts: &'f Facts<'f>,
}

/// How it looks.
struct Look {
    tap: Option<&'static str>,
    actions: &'static [Action],
    /// What rings stays until somebody reacts, or its cancel comes; `None` for what comes silently in its place.
    stays: Option<bool>,
}

impl Look {
    const fn of(subject: Subject<'_>) -> Self {
        match subject {
            Subject::Intent(intent) => {
                let layout = Layout::of(intent);
                let rings = matches!(intent.kind, Kind::IncomingCall | Kind::IncomingOffer);
                Self { tap: layout.tap, actions: layout.actions, stays: Some(rings) }
            }
            Subject::Withdraw(_) => Self { tap: None, actions: &[], stays: None },
        }
    }

    fn badge(&self, slip: &Slip) -> Option<u64> {
        slip.badge().filter(|_| self.stays.is_some()).map(u64::from)
    }
}

/// For the page's worker, which closes what has the tag.
fn hidden(facts: &Facts<'_>) -> Vec<u8> {
    let mut json = Vec::with_capacity(768);
    let mut object = ObjectWriter::open(&mut json);
    let mut data = ObjectWriter::open(object.value(label!("data")));
    facts.write(&mut data, None);
    data.close();
    object.text(label!("tag"), facts.tag.as_str());
    object.close();
    json
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
