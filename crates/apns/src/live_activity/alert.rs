//! The alert of a Live Activity, which is not the alert of a notification.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use reveille_payload::{ObjectWriter, label};

use crate::message::{Localized, Sacrifice, write_localized};

/// Lights the screen and plays a sound for a Live Activity: give it to an update that the user should notice. Here
/// `title` and `body` may themselves be dictionaries, and `sound` sits inside.
///
/// JSON form: `title`, `body` (each a string or `{"key","args"}`), and optionally `sound`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityAlert<'a> {
    title: ActivityText<'a>,
    body: ActivityText<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sound: Option<Cow<'a, str>>,
}

/// A text of an [`ActivityAlert`]: either the text itself, or the key of one in the app's `Localizable.strings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
pub enum ActivityText<'a> {
    /// As it is.
    Plain(Cow<'a, str>),
    /// Looked up on the device.
    Localized(Localized<'a>),
}

impl<'a> ActivityAlert<'a> {
    /// Makes an alert with a title and a body.
    pub fn new(title: impl Into<ActivityText<'a>>, body: impl Into<ActivityText<'a>>) -> Self {
        Self { title: title.into(), body: body.into(), sound: None }
    }

    /// A sound file of the app, or `default`.
    #[must_use]
    pub fn with_sound(mut self, name: impl Into<Cow<'a, str>>) -> Self {
        self.sound = Some(name.into());
        self
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut alert = ObjectWriter::open(out);
        self.title.write(alert.value(label!("title")));
        self.body.write(alert.value(label!("body")));
        alert.optional_text(label!("sound"), self.sound.as_ref());
        alert.close();
    }

    pub(super) fn size_hint(&self) -> usize {
        let sound = self.sound.as_ref().map_or(0, |sound| sound.len());
        64 + self.title.size_hint() + self.body.size_hint() + sound
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = (Sacrifice, &'static str, &str)> {
        let named =
            [(Sacrifice::Body, "alert.body", &self.body), (Sacrifice::Title, "alert.title", &self.title)];
        named.into_iter().filter_map(|(class, name, text)| match text {
            ActivityText::Plain(text) => Some((class, name, text.as_ref())),
            ActivityText::Localized(_) => None,
        })
    }

    pub(super) fn texts_mut(&mut self) -> Vec<(Sacrifice, &mut Cow<'a, str>)> {
        let texts = [(Sacrifice::Body, &mut self.body), (Sacrifice::Title, &mut self.title)].into_iter();
        texts
            .filter_map(|(class, text)| match text {
                ActivityText::Plain(text) => Some((class, text)),
                ActivityText::Localized(_) => None,
            })
            .collect()
    }
}

impl ActivityText<'_> {
    fn size_hint(&self) -> usize {
        match self {
            Self::Plain(text) => text.len(),
            Self::Localized(text) => 32 + text.bytes(),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Plain(text) => reveille_payload::write_string(out, text),
            Self::Localized(text) => {
                let mut object = ObjectWriter::open(out);
                write_localized(&mut object, Some(text), label!("loc-key"), label!("loc-args"));
                object.close();
            }
        }
    }
}

impl<'a> From<&'a str> for ActivityText<'a> {
    fn from(text: &'a str) -> Self {
        Self::Plain(text.into())
    }
}

impl From<String> for ActivityText<'_> {
    fn from(text: String) -> Self {
        Self::Plain(text.into())
    }
}

impl<'a> From<Localized<'a>> for ActivityText<'a> {
    fn from(text: Localized<'a>) -> Self {
        Self::Localized(text)
    }
}

impl<'de> Deserialize<'de> for ActivityText<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = ActivityText<'static>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or {\"key\", \"args\"}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(ActivityText::Plain(text.to_owned().into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Localized::deserialize(MapAccessDeserializer::new(map)).map(ActivityText::Localized)
            }
        }

        deserializer.deserialize_any(TextVisitor)
    }
}
