//! What the user sees or hears.

use std::borrow::Cow;

use reveille_payload::{Cut, ObjectWriter, label};

use super::alert_text::texts_mut;
use super::custom::Custom;
use super::push::{apply_keys, apply_texts, check_custom, cuttable};
use super::{
    AlertContent, AlertText, CriticalSound, Cuttable, Delivery, DeliveryHeaders, Fraction, InterruptionLevel,
    InvalidNotification, Localized, Priority, Push, PushType, Sacrifice, checked_struct, delivery_setters,
    sealed,
};

checked_struct! {
    /// A push of type `alert`: a text, a badge, a sound, or any mix of them. Use it for everything that people are to
    /// see or hear.
    ///
    /// A ringing call, as Apple wants it: custom keys beside `aps`, priority 10, and a time after which it is not
    /// delivered.
    ///
    /// ```
    /// use reveille_apns::message::InterruptionLevel;
    /// use reveille_apns::{Alert, Expiration, Priority, Push as _};
    /// use reveille_core::UnixTime;
    ///
    /// let now = UnixTime::from_secs(1_700_000_000);
    /// let ring = Alert::new("Inbound call", "From +1 555 0100 | Queue: Support")
    ///     .with_sound("ringtone.caf")
    ///     .with_category("INCOMING_CALL")
    ///     .with_interruption_level(InterruptionLevel::TimeSensitive)?
    ///     .with_custom("conversationId", "c-17")?
    ///     .with_custom("userId", "u-4")?
    ///     .with_custom("mediaType", "voice")?
    ///     .with_custom("timestamp", &now)?
    ///     .with_priority(Priority::Immediate)
    ///     .with_expiration(Expiration::At(now + std::time::Duration::from_secs(30)));
    /// let json = concat!(
    ///     r#"{"aps":{"alert":{"title":"Inbound call","body":"From +1 555 0100 | Queue: Support"},"#,
    ///     r#""sound":"ringtone.caf","category":"INCOMING_CALL","interruption-level":"time-sensitive"},"#,
    ///     r#""conversationId":"c-17","userId":"u-4","mediaType":"voice","timestamp":1700000000000}"#,
    /// );
    /// assert_eq!(ring.payload(), json.as_bytes());
    /// # Ok::<(), reveille_apns::Error>(())
    /// ```
    ///
    /// A chat message with routing data for the app, and a service extension that may change it on the device:
    ///
    /// ```
    /// use reveille_apns::{Alert, Push as _};
    ///
    /// let message = Alert::new("Agent Smith", "Are you still there?")
    ///     .with_badge(1)
    ///     .with_sound("default")
    ///     .with_thread_id("c-17")
    ///     .with_mutable_content()
    ///     .with_custom("contactId", "k-9")?
    ///     .with_custom("channelType", "chat")?
    ///     .with_custom("resumeToken", "r.e.s")?
    ///     .with_custom("timestamp", &1_700_000_000_000_u64)?;
    /// let json = concat!(
    ///     r#"{"aps":{"alert":{"title":"Agent Smith","body":"Are you still there?"},"badge":1,"#,
    ///     r#""sound":"default","thread-id":"c-17","mutable-content":1},"contactId":"k-9","#,
    ///     r#""channelType":"chat","resumeToken":"r.e.s","timestamp":1700000000000}"#,
    /// );
    /// assert_eq!(message.payload(), json.as_bytes());
    /// # Ok::<(), reveille_apns::Error>(())
    /// ```
    ///
    /// JSON form: the fields' names in snake case, all optional: `alert` (string, or object of [`AlertText`]),
    /// `badge`, `sound`, `critical_sound` (`{"name","volume"}`), `thread_id`, `category`, `target_content_id`,
    /// `filter_criteria`, `content_available`, `mutable_content` (booleans), `interruption_level`,
    /// `relevance_score`, `url_args`, `custom`, `optional_custom`, `delivery`.
    pub struct Alert<'a> {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<AlertContent<'a>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        badge: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sound: Option<Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        critical_sound: Option<CriticalSound<'a>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread_id: Option<Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        category: Option<Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target_content_id: Option<Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter_criteria: Option<Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        content_available: bool,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        mutable_content: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interruption_level: Option<InterruptionLevel>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        relevance_score: Option<Fraction>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url_args: Option<Vec<Cow<'a, str>>>,
        #[serde(default, skip_serializing_if = "Custom::is_empty")]
        custom: Custom,
        #[serde(default, skip_serializing_if = "Custom::is_empty")]
        optional_custom: Custom,
        #[serde(default, skip_serializing_if = "Delivery::is_default")]
        delivery: Delivery<Priority>,
    }
}

impl<'a> Alert<'a> {
    delivery_setters!(Priority, custom);

    /// Makes an alert with a title and a body.
    #[inline]
    pub fn new(title: impl Into<Cow<'a, str>>, body: impl Into<Cow<'a, str>>) -> Self {
        let mut push = Self::nothing();
        push.alert = Some(AlertContent::Dictionary(AlertText {
            title: Some(title.into()),
            body: Some(body.into()),
            ..AlertText::default()
        }));
        push
    }

    /// Any alert: an [`AlertText`], or a lone string, which is the shortest form.
    ///
    /// # Errors
    /// [`InvalidNotification::NothingToShow`] if it is empty.
    pub fn from_content(alert: impl Into<AlertContent<'a>>) -> Result<Self, InvalidNotification> {
        let push = Self { alert: Some(alert.into()), ..Self::nothing() };
        push.check()?;
        Ok(push)
    }

    /// Only a badge; 0 removes it.
    #[must_use]
    pub fn badge_only(badge: u32) -> Self {
        Self { badge: Some(badge), ..Self::nothing() }
    }

    /// Makes an alert that plays a sound and shows nothing.
    pub fn sound_only(sound: impl Into<Cow<'a, str>>) -> Self {
        Self { sound: Some(sound.into()), ..Self::nothing() }
    }

    /// The line between title and body (`subtitle`).
    #[must_use]
    pub fn with_subtitle(self, subtitle: impl Into<Cow<'a, str>>) -> Self {
        self.edit(|text| text.subtitle = Some(subtitle.into()))
    }

    /// A body that the device looks up in the app (`loc-key`, `loc-args`); where it finds it, it takes the place of the
    /// literal body.
    ///
    /// ```
    /// use reveille_apns::message::Localized;
    /// use reveille_apns::{Alert, Push as _};
    /// let push = Alert::new("Agent Smith", "Agent Smith sent 3 new messages")
    ///     .with_loc(Localized::new("NEW_MESSAGES").with_arg("Agent Smith").with_arg("3"));
    /// let json = concat!(
    ///     r#"{"aps":{"alert":{"title":"Agent Smith","body":"Agent Smith sent 3 new messages","#,
    ///     r#""loc-key":"NEW_MESSAGES","loc-args":["Agent Smith","3"]}}}"#,
    /// );
    /// assert_eq!(push.payload(), json.as_bytes());
    /// ```
    #[must_use]
    pub fn with_loc(self, body: Localized<'a>) -> Self {
        self.edit(|text| text.loc = Some(body))
    }

    /// A title that the device looks up in the app (`title-loc-key`, `title-loc-args`).
    #[must_use]
    pub fn with_title_loc(self, title: Localized<'a>) -> Self {
        self.edit(|text| text.title_loc = Some(title))
    }

    /// A subtitle that the device looks up in the app (`subtitle-loc-key`, `subtitle-loc-args`).
    #[must_use]
    pub fn with_subtitle_loc(self, subtitle: Localized<'a>) -> Self {
        self.edit(|text| text.subtitle_loc = Some(subtitle))
    }

    /// What the app shows while it starts, in place of its launch screen (`launch-image`): a file in the app.
    #[must_use]
    pub fn with_launch_image(self, name: impl Into<Cow<'a, str>>) -> Self {
        self.edit(|text| text.launch_image = Some(name.into()))
    }

    /// Changes the alert's dictionary; a lone string becomes its body.
    fn edit(mut self, change: impl FnOnce(&mut AlertText<'a>)) -> Self {
        let mut text = self.alert.take().map(AlertContent::dictionary).unwrap_or_default();
        change(&mut text);
        self.alert = Some(AlertContent::Dictionary(text));
        self
    }

    /// The number on the app's icon; 0 removes it.
    #[must_use]
    pub fn with_badge(mut self, badge: u32) -> Self {
        self.badge = Some(badge);
        self
    }

    /// A sound file of the app, or `default`. Replaces a critical sound.
    #[must_use]
    pub fn with_sound(mut self, name: impl Into<Cow<'a, str>>) -> Self {
        self.sound = Some(name.into());
        self.critical_sound = None;
        self
    }

    /// A sound that passes the mute switch; sets the interruption level to critical, without which Apple does not
    /// take it. Replaces a plain sound.
    #[must_use]
    pub fn with_critical_sound(mut self, sound: CriticalSound<'a>) -> Self {
        self.sound = None;
        self.critical_sound = Some(sound);
        self.interruption_level = Some(InterruptionLevel::Critical);
        self
    }

    /// Shows all notifications with the same id as a group (`thread-id`).
    #[must_use]
    pub fn with_thread_id(mut self, id: impl Into<Cow<'a, str>>) -> Self {
        self.thread_id = Some(id.into());
        self
    }

    /// Which buttons the app adds (`category`).
    #[must_use]
    pub fn with_category(mut self, category: impl Into<Cow<'a, str>>) -> Self {
        self.category = Some(category.into());
        self
    }

    /// Which window of the app comes forward (`target-content-id`).
    #[must_use]
    pub fn with_target_content_id(mut self, id: impl Into<Cow<'a, str>>) -> Self {
        self.target_content_id = Some(id.into());
        self
    }

    /// What a Focus filter compares (`filter-criteria`).
    #[must_use]
    pub fn with_filter_criteria(mut self, criteria: impl Into<Cow<'a, str>>) -> Self {
        self.filter_criteria = Some(criteria.into());
        self
    }

    /// Also wakes the app (`content-available`).
    #[must_use]
    pub fn with_content_available(mut self) -> Self {
        self.content_available = true;
        self
    }

    /// Lets the service extension change it before it is shown (`mutable-content`).
    #[must_use]
    pub fn with_mutable_content(mut self) -> Self {
        self.mutable_content = true;
        self
    }

    /// How much it may interrupt.
    ///
    /// # Errors
    /// [`InvalidNotification::CriticalSoundLevel`] if it has a critical sound and this is not
    /// [`Critical`](InterruptionLevel::Critical).
    pub fn with_interruption_level(mut self, level: InterruptionLevel) -> Result<Self, InvalidNotification> {
        self.interruption_level = Some(level);
        self.check()?;
        Ok(self)
    }

    /// The place in the notification summary; the highest is featured.
    #[must_use]
    pub fn with_relevance_score(mut self, score: Fraction) -> Self {
        self.relevance_score = Some(score);
        self
    }

    /// Values for the placeholders of a website's URL format (`url-args`, old Safari website pushes).
    #[must_use]
    pub fn with_url_args(mut self, args: Vec<Cow<'a, str>>) -> Self {
        self.url_args = Some(args);
        self
    }

    #[inline]
    fn nothing() -> Self {
        Self {
            alert: None,
            badge: None,
            sound: None,
            critical_sound: None,
            thread_id: None,
            category: None,
            target_content_id: None,
            filter_criteria: None,
            content_available: false,
            mutable_content: false,
            interruption_level: None,
            relevance_score: None,
            url_args: None,
            custom: Custom::default(),
            optional_custom: Custom::default(),
            delivery: Delivery::default(),
        }
    }

    fn check(&self) -> Result<(), InvalidNotification> {
        let says = self.alert.as_ref().is_some_and(|alert| !alert.is_empty());
        if !says && self.badge.is_none() && self.sound.is_none() && self.critical_sound.is_none() {
            return Err(InvalidNotification::NothingToShow);
        }
        if self.critical_sound.is_some() {
            if self.sound.is_some() {
                return Err(InvalidNotification::TwoSounds);
            }
            if self.interruption_level != Some(InterruptionLevel::Critical) {
                return Err(InvalidNotification::CriticalSoundLevel { level: self.interruption_level });
            }
        }
        check_custom(&self.custom, &self.optional_custom)
    }

    #[inline]
    fn write_aps(&self, out: &mut Vec<u8>) {
        let mut aps = ObjectWriter::open(out);
        if let Some(alert) = &self.alert {
            alert.write(aps.value(label!("alert")));
        }
        if let Some(badge) = self.badge {
            aps.integer(label!("badge"), badge.into());
        }
        aps.optional_text(label!("sound"), self.sound.as_ref());
        if let Some(sound) = &self.critical_sound {
            sound.write(aps.value(label!("sound")));
        }
        aps.optional_text(label!("thread-id"), self.thread_id.as_ref());
        aps.optional_text(label!("category"), self.category.as_ref());
        aps.optional_text(label!("target-content-id"), self.target_content_id.as_ref());
        aps.optional_text(label!("filter-criteria"), self.filter_criteria.as_ref());
        aps.flag(label!("content-available"), self.content_available);
        aps.flag(label!("mutable-content"), self.mutable_content);
        if let Some(level) = self.interruption_level {
            aps.text(label!("interruption-level"), level.as_str());
        }
        if let Some(score) = self.relevance_score {
            aps.member(label!("relevance-score"), &score);
        }
        if let Some(args) = &self.url_args {
            aps.member(label!("url-args"), args);
        }
        aps.close();
    }
}

impl sealed::Sealed for Alert<'_> {}

impl Push for Alert<'_> {
    fn push_type(&self) -> PushType {
        PushType::Alert
    }

    fn delivery_headers(&self) -> DeliveryHeaders<'_> {
        self.delivery.headers()
    }

    #[inline]
    fn write_payload(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"aps\":");
        self.write_aps(out);
        out.extend_from_slice(self.custom.json());
        out.extend_from_slice(self.optional_custom.json());
        out.push(b'}');
    }

    #[inline]
    fn size_hint(&self) -> usize {
        let length = |text: &Option<Cow<'_, str>>| text.as_ref().map_or(0, |text| text.len() + 24);
        // The fixed part covers keys and values of a known length.
        160 + self.alert.as_ref().map_or(0, AlertContent::size_hint)
            + length(&self.sound)
            + length(&self.thread_id)
            + length(&self.category)
            + length(&self.target_content_id)
            + length(&self.filter_criteria)
            + self.custom.json().len()
            + self.optional_custom.json().len()
    }

    fn cuttable(&self) -> Vec<Cuttable<'_>> {
        cuttable(&self.optional_custom, self.alert.iter().flat_map(AlertContent::texts))
    }

    fn apply(&mut self, cuts: &[(Sacrifice, &Cut)]) {
        apply_keys(cuts, &mut self.optional_custom);
        apply_texts(cuts, self.alert.iter_mut().flat_map(texts_mut));
    }
}
