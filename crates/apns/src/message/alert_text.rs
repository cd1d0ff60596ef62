//! The `alert` key: a string or a dictionary.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use reveille_payload::{ObjectWriter, label};

use super::Sacrifice;

/// What an alert says: one string, or title, subtitle, body and the rest; for [`Alert::from_content`](crate::Alert::from_content).
///
/// JSON form: a string, or the object of [`AlertText`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(
    clippy::large_enum_variant,
    reason = "almost every alert is the large one, and a box would be an allocation"
)]
#[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
pub enum AlertContent<'a> {
    /// A lone string, which the system shows as the body.
    Text(Cow<'a, str>),
    /// The dictionary, which Apple recommends.
    Dictionary(AlertText<'a>),
}

/// The `alert` dictionary, for what [`Alert`](crate::Alert) has no setter for.
///
/// A literal text and its localised form can both be given; the device prefers the localised one.
/// JSON form: the fields as they stand here, empty ones left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct AlertText<'a> {
    /// `title`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Cow<'a, str>>,
    /// `subtitle`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<Cow<'a, str>>,
    /// `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Cow<'a, str>>,
    /// `launch-image`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_image: Option<Cow<'a, str>>,
    /// `title-loc-key` and `title-loc-args`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title_loc: Option<Localized<'a>>,
    /// `subtitle-loc-key` and `subtitle-loc-args`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtitle_loc: Option<Localized<'a>>,
    /// `loc-key` and `loc-args`: the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loc: Option<Localized<'a>>,
    /// `action`, of old Safari website pushes: the label of the button.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Cow<'a, str>>,
    /// `action-loc-key`, of old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_loc_key: Option<Cow<'a, str>>,
    /// `summary-arg`, deprecated since iOS 15.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_arg: Option<Cow<'a, str>>,
    /// `summary-arg-count`, deprecated since iOS 15.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_arg_count: Option<u32>,
}

/// A text that the device looks up in the app's `Localizable.strings`, for
/// [`Alert::with_loc`](crate::Alert::with_loc) and its sisters: use it if the server does not know the user's
/// language. Arguments without a key cannot be expressed.
///
/// JSON form: `{"key":…,"args":[…]}`.
///
/// ```
/// use reveille_apns::message::Localized;
/// use reveille_apns::{Alert, Push as _};
///
/// let alert = Alert::new("Anna", "").with_loc(Localized::new("NEW_MESSAGES").with_arg("3"));
/// let json = String::from_utf8(alert.payload())?;
/// assert!(json.contains(r#""loc-key":"NEW_MESSAGES","loc-args":["3"]"#), "{json}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Localized<'a> {
    pub(crate) key: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) args: Vec<Cow<'a, str>>,
}

impl<'a> Localized<'a> {
    /// Names the key of the text, without arguments.
    pub fn new(key: impl Into<Cow<'a, str>>) -> Self {
        Self { key: key.into(), args: Vec::new() }
    }

    /// One more argument, for the next `%@`.
    #[must_use]
    pub fn with_arg(mut self, arg: impl Into<Cow<'a, str>>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn bytes(&self) -> usize {
        self.key.len() + self.args.iter().map(|arg| arg.len() + 3).sum::<usize>()
    }
}

impl<'a> AlertContent<'a> {
    /// The dictionary, to be changed; a lone string becomes its body.
    pub(super) fn dictionary(self) -> AlertText<'a> {
        match self {
            Self::Text(body) => AlertText { body: Some(body), ..AlertText::default() },
            Self::Dictionary(text) => text,
        }
    }
}

impl AlertContent<'_> {
    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Dictionary(text) => *text == AlertText::default(),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => reveille_payload::write_string(out, text),
            Self::Dictionary(text) => text.write(out),
        }
    }

    /// The texts that may be shortened, in the order of sacrifice.
    pub(super) fn texts(&self) -> impl Iterator<Item = (Sacrifice, &'static str, &str)> {
        let (text, dictionary) = match self {
            Self::Text(text) => (Some(text), None),
            Self::Dictionary(dictionary) => (None, Some(dictionary)),
        };
        let named = [
            (Sacrifice::Body, "alert", text),
            (Sacrifice::Body, "alert.body", dictionary.and_then(|d| d.body.as_ref())),
            (Sacrifice::Subtitle, "alert.subtitle", dictionary.and_then(|d| d.subtitle.as_ref())),
            (Sacrifice::Title, "alert.title", dictionary.and_then(|d| d.title.as_ref())),
        ];
        named.into_iter().filter_map(|(class, name, text)| Some((class, name, text?.as_ref())))
    }

    /// About how many bytes it takes.
    pub(super) fn size_hint(&self) -> usize {
        match self {
            Self::Text(text) => text.len() + 2,
            Self::Dictionary(dictionary) => dictionary.size_hint(),
        }
    }
}

/// [`AlertContent::texts`], to be replaced.
pub(super) fn texts_mut<'m, 'a>(content: &'m mut AlertContent<'a>) -> Vec<(Sacrifice, &'m mut Cow<'a, str>)> {
    match content {
        AlertContent::Text(text) => vec![(Sacrifice::Body, text)],
        AlertContent::Dictionary(d) => [
            (Sacrifice::Body, &mut d.body),
            (Sacrifice::Subtitle, &mut d.subtitle),
            (Sacrifice::Title, &mut d.title),
        ]
        .into_iter()
        .filter_map(|(class, text)| Some((class, text.as_mut()?)))
        .collect(),
    }
}

impl AlertText<'_> {
    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        let mut alert = ObjectWriter::open(out);
        alert.optional_text(label!("title"), self.title.as_ref());
        alert.optional_text(label!("subtitle"), self.subtitle.as_ref());
        alert.optional_text(label!("body"), self.body.as_ref());
        if self.has_more() {
            self.write_more(&mut alert);
        }
        alert.close();
    }

    const fn has_more(&self) -> bool {
        self.launch_image.is_some()
            || self.title_loc.is_some()
            || self.subtitle_loc.is_some()
            || self.loc.is_some()
            || self.action.is_some()
            || self.action_loc_key.is_some()
            || self.summary_arg.is_some()
            || self.summary_arg_count.is_some()
    }

    #[cold]
    fn write_more(&self, alert: &mut ObjectWriter<'_>) {
        alert.optional_text(label!("launch-image"), self.launch_image.as_ref());
        write_localized(alert, self.title_loc.as_ref(), label!("title-loc-key"), label!("title-loc-args"));
        write_localized(
            alert,
            self.subtitle_loc.as_ref(),
            label!("subtitle-loc-key"),
            label!("subtitle-loc-args"),
        );
        write_localized(alert, self.loc.as_ref(), label!("loc-key"), label!("loc-args"));
        alert.optional_text(label!("action"), self.action.as_ref());
        alert.optional_text(label!("action-loc-key"), self.action_loc_key.as_ref());
        alert.optional_text(label!("summary-arg"), self.summary_arg.as_ref());
        if let Some(count) = self.summary_arg_count {
            alert.integer(label!("summary-arg-count"), count.into());
        }
    }

    fn size_hint(&self) -> usize {
        let length = |text: &Option<Cow<'_, str>>| text.as_ref().map_or(0, |text| text.len() + 14);
        let mut size = 8 + length(&self.title) + length(&self.subtitle) + length(&self.body);
        if self.has_more() {
            size += 200;
            size += length(&self.launch_image) + length(&self.action) + length(&self.action_loc_key);
            size += length(&self.summary_arg);
            let localized = [&self.title_loc, &self.subtitle_loc, &self.loc];
            size += localized.into_iter().flatten().map(Localized::bytes).sum::<usize>();
        }
        size
    }
}

pub(crate) fn write_localized(
    object: &mut ObjectWriter<'_>,
    text: Option<&Localized<'_>>,
    key: &'static str,
    args: &'static str,
) {
    if let Some(text) = text {
        object.text(key, &text.key);
        if !text.args.is_empty() {
            object.member(args, &text.args);
        }
    }
}

impl<'a> From<AlertText<'a>> for AlertContent<'a> {
    fn from(text: AlertText<'a>) -> Self {
        Self::Dictionary(text)
    }
}

impl<'a> From<&'a str> for AlertContent<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for AlertContent<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl<'de> Deserialize<'de> for AlertContent<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;

        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = AlertContent<'static>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an alert object")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(AlertContent::Text(text.to_owned().into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                AlertText::deserialize(MapAccessDeserializer::new(map)).map(AlertContent::Dictionary)
            }
        }

        deserializer.deserialize_any(ContentVisitor)
    }
}
