//! The texts of one language, and where links lead.

use reveille_conversation::content::{Texts, path};
use reveille_conversation::{Intent, Withdraw};
use reveille_payload::Cut;
use reveille_webpush::DeclarativeNotification;

use crate::{ContentSettings, InvalidContent, Slip, Subject};

/// Writes pushes in one language. One per language that recipients have; cheap to ask, safe to share.
///
/// ```
/// use reveille_content::{ContentSettings, Slip, Templates};
/// use reveille_conversation::content::Texts;
/// # use reveille_conversation::event::{Event, Offer, What};
/// # use reveille_conversation::{Conversations, Input, Output, Seed, rules::Rules};
/// # use reveille_core::{Machine, UnixTime};
/// # use reveille_apns::Push as _;
/// # let now = UnixTime::from_secs(1_800_000_000);
/// # let mut machine = Conversations::new(Rules::default(), Seed::new([7; 16]))?;
/// # let offer = serde_json::from_str(r#"{"person":"kate","caller_name":"Ann","queue_name":"Sales"}"#)?;
/// # let event = Event::new("c1".parse()?, What::CallOffered(offer), now);
/// # let outputs: Vec<Output> = machine.apply(event.into(), now).collect();
/// # let Output::Intent(intent) = &outputs[0] else { return Ok(()) };
/// let templates = Templates::new("https://shop.example", Texts::english()?, ContentSettings::default())?;
/// let slip = Slip::new(now).with_resume_token("r.e.s").with_badge(3);
/// let ring = templates.apns(intent, &slip, now)?;         // to a device with an alert token
/// let voip = templates.apns_voip(intent, &slip, now)?;    // or with a VoIP token
/// let android = templates.fcm(intent, &slip, now)?;
/// let browser = templates.web_push(intent, &slip, now)?;
/// assert!(ring.visible && ring.cuts.is_empty());
/// let text = String::from_utf8(ring.push.payload())?;
/// assert!(text.starts_with(r#"{"aps":{"alert":{"title":"Incoming call","body":"From Ann | Queue: Sales"},"badge":3,"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Templates {
    origin: String,
    texts: Texts,
    english: Texts,
    pub(crate) settings: ContentSettings,
}

/// A push that was written, returned by the functions of [`Templates`]: make a request of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Written<T> {
    /// The push.
    pub push: T,
    /// What was cut to make it fit (C5).
    pub cuts: Vec<Cut>,
    /// Whether it shows something. What does not counts against a browser's budget
    /// ([`invisible_web_pushes_per_day`](reveille_conversation::rules::ChannelRules::invisible_web_pushes_per_day), E5).
    pub visible: bool,
}

impl Templates {
    /// `origin`: where the links of Web Push, SMS and e-mail begin, as in `https://shop.example` or `https://shop.example/app`.
    /// A text that is not among `texts` is English.
    ///
    /// # Errors
    /// [`InvalidContent`] names what is wrong.
    pub fn new(origin: &str, texts: Texts, settings: ContentSettings) -> Result<Self, InvalidContent> {
        let origin = origin.trim_end_matches('/').to_owned();
        let link = format!("{origin}/");
        if origin.contains(['?', '#', '@']) || DeclarativeNotification::new("x", link).to_json().is_err() {
            return Err(InvalidContent::Origin);
        }
        let names = [
            ("ring_sound", &settings.ring_sound),
            ("sound", &settings.sound),
            ("quiet_channel", &settings.quiet_channel),
        ];
        if let Some((name, _)) = names.into_iter().find(|(_, name)| name.is_empty()) {
            return Err(InvalidContent::Empty { name });
        }
        Ok(Self { origin, texts, english: Texts::english()?, settings })
    }

    /// The tag of the language in which these templates write.
    #[must_use]
    pub fn language(&self) -> &str {
        self.texts.language()
    }

    /// A part of a notification's text, if it has this part.
    pub(crate) fn text(&self, intent: &Intent, part: &str) -> Option<String> {
        let text = self.texts.render(intent, part).or_else(|| self.english.render(intent, part));
        text.filter(|text| !text.trim().is_empty())
    }

    /// The title of something new. A person without a name that can be shown (`"\n"`) leaves none: then the kind's own.
    pub(crate) fn title(&self, intent: &Intent) -> Result<String, InvalidContent> {
        let nameless = || {
            let mut nameless = intent.clone();
            nameless.arguments.from = None;
            self.text(&nameless, "title")
        };
        let title = self.text(intent, "title").or_else(nameless);
        title.ok_or_else(|| InvalidContent::NoText { key: format!("{}.title", intent.kind) })
    }

    /// A part of what replaces a ring.
    pub(crate) fn withdraw_text(&self, withdraw: &Withdraw, part: &str) -> Option<&str> {
        let text = self.texts.render_withdraw(withdraw, part);
        text.or_else(|| self.english.render_withdraw(withdraw, part)).filter(|text| !text.trim().is_empty())
    }

    pub(crate) fn withdraw_title(&self, withdraw: &Withdraw) -> Result<String, InvalidContent> {
        let title = self.withdraw_text(withdraw, "title").map(str::to_owned);
        title.ok_or_else(|| InvalidContent::NoText { key: format!("{}.title", withdraw.of) })
    }

    /// The label of a button.
    pub(crate) fn label(&self, action: &str) -> String {
        let text = self.texts.text("action", action).or_else(|| self.english.text("action", action));
        text.unwrap_or(action).to_owned()
    }

    /// A link into the page, without a token.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// A link for a click. The token is in its fragment: it reaches the page, and no server's log.
    pub(crate) fn click(&self, subject: Subject<'_>, action: Option<&str>, slip: &Slip) -> String {
        let mut link = self.link(&path(subject.conversation()));
        if let Some(action) = action {
            link.push_str("?action=");
            link.push_str(action);
        }
        if let (Subject::Intent(_), Some(token)) = (subject, slip.resume_token()) {
            link.push_str("#resume=");
            link.push_str(token);
        }
        link
    }
}
