//! The texts of one language, and where links lead.

use std::borrow::Cow;

use reveille_conversation::content::{Layout, Texts, fill};
use reveille_conversation::{Intent, Withdraw};
use reveille_payload::Cut;
use reveille_webpush::DeclarativeNotification;

use crate::found::{Found, Part};
use crate::{ContentSettings, InvalidContent, Subject};

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
    found: Found,
    found_english: Found,
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
        let english = Texts::english()?;
        let (found, found_english) = (Found::of(&texts), Found::of(&english));
        Ok(Self { origin, texts, english, found, found_english, settings })
    }

    /// The tag of the language in which these templates write.
    #[must_use]
    pub fn language(&self) -> &str {
        self.texts.language()
    }

    /// A part of a notification's text, if it has this part.
    pub(crate) fn text(&self, intent: &Intent, part: Part) -> Option<Cow<'_, str>> {
        let layout = Layout::of(intent);
        let found = self.found.text(&self.texts, &layout, part);
        let text = found.or_else(|| self.found_english.text(&self.english, &layout, part))?;
        let text = if text.contains('{') {
            Cow::Owned(fill(text, &intent.arguments, layout.count))
        } else {
            Cow::Borrowed(text)
        };
        Some(text).filter(|text| !text.trim().is_empty())
    }

    /// A part that no push has: of an SMS, of an e-mail.
    pub(crate) fn rendered(&self, intent: &Intent, part: &str) -> Option<String> {
        let text = self.texts.render(intent, part).or_else(|| self.english.render(intent, part));
        text.filter(|text| !text.trim().is_empty())
    }

    /// The title of something new. A person without a name that can be shown (`"\n"`) leaves none: then the kind's own.
    pub(crate) fn title(&self, intent: &Intent) -> Result<Cow<'_, str>, InvalidContent> {
        let nameless = || {
            let mut nameless = intent.clone();
            nameless.arguments.from = None;
            self.text(&nameless, Part::Title)
        };
        let title = self.text(intent, Part::Title).or_else(nameless);
        title.ok_or_else(|| InvalidContent::NoText { key: format!("{}.title", intent.kind) })
    }

    /// Title and body of whatever shows something.
    pub(crate) fn words<'s>(&'s self, subject: Subject<'s>) -> Result<Words<'s>, InvalidContent> {
        Ok(match subject {
            Subject::Intent(intent) => {
                Words { title: self.title(intent)?, body: self.text(intent, Part::Body) }
            }
            Subject::Withdraw(withdraw) => Words { title: self.withdraw_title(withdraw)?.into(), body: None },
        })
    }

    /// A part of what replaces a ring.
    fn withdraw_text(&self, withdraw: &Withdraw, part: &str) -> Option<&str> {
        let text = self.texts.render_withdraw(withdraw, part);
        text.or_else(|| self.english.render_withdraw(withdraw, part)).filter(|text| !text.trim().is_empty())
    }

    fn withdraw_title(&self, withdraw: &Withdraw) -> Result<&str, InvalidContent> {
        let title = self.withdraw_text(withdraw, "title");
        title.ok_or_else(|| InvalidContent::NoText { key: format!("{}.title", withdraw.of) })
    }

    /// The label of a button.
    pub(crate) fn label<'s>(&'s self, action: &'s str) -> &'s str {
        self.found.label(action).or_else(|| self.found_english.label(action)).unwrap_or(action)
    }

    /// Where links begin.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }
}

/// What a notification shows.
#[derive(Clone)]
pub(crate) struct Words<'s> {
    pub(crate) title: Cow<'s, str>,
    pub(crate) body: Option<Cow<'s, str>>,
}

impl Words<'_> {
    pub(crate) fn into_owned(self) -> Words<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Words { title: own(self.title), body: self.body.map(own) }
    }
}
