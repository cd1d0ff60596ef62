//! What belongs to a person and to no conversation.

use reveille_conversation::{Channel, Kind};
use reveille_digest::quiet::Span;
use reveille_registry::pause::Pauses;
use reveille_registry::{Device, FormVersion};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What the store knows of a person: returned by [`Store::people`](super::Store::people). Make the writer's `Person` of it.
///
/// `Debug` shows no token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Person {
    /// Their devices in all states, in the order of their names.
    pub devices: Vec<Device>,
    /// What they wish; `None`: nothing was ever said.
    pub wishes: Option<Versioned<Wishes>>,
    /// The sum of what effects said of them ([`Effects::badges`](super::Effects::badges)), never below 0; `None` if they never
    /// said anything. Give the writer no badge then: 0 would take away the one that the app has set itself.
    pub badge: Option<u32>,
}

/// A value with the revision that it has in the store: give that as `expected` to change the value, so that nobody's change
/// is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Versioned<T> {
    /// Raised by every change.
    pub revision: u64,
    /// The value.
    pub value: T,
}

/// What a person wishes: pauses, quiet hours, and what they do not want. Keep it with
/// [`Store::put_wishes`](super::Store::put_wishes); its JSON form has `"v":1`.
///
/// ```
/// use reveille_gateway::store::{QuietWish, Wishes};
/// use reveille_conversation::{Channel, Kind};
///
/// let mut wishes = Wishes::default();
/// wishes.quiet = Some(QuietWish::new("Europe/Berlin", true).with_span(0x7F, 22 * 60, 7 * 60));
/// wishes.unwanted.push((Kind::NewMessage, vec![Channel::Email]));
/// let json = wishes.to_json();
/// assert_eq!(Wishes::from_json(json.as_bytes())?, wishes);
/// # Ok::<(), reveille_gateway::store::InvalidWishes>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Wishes {
    /// The version of this form.
    pub v: FormVersion,
    /// Pauses by channel (E9), with the count of what they held back.
    #[serde(default)]
    pub pauses: Pauses,
    /// When they want to be left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietWish>,
    /// Kinds that shall not come on these channels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwanted: Vec<(Kind, Vec<Channel>)>,
    /// Apps to whose devices nothing new shall come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwanted_apps: Vec<String>,
}

/// Quiet hours as a person sets them: spans of the week and the name of their time zone. Make
/// [`QuietHours`](reveille_digest::quiet::QuietHours) of them with your time zone library, whose rules may change while
/// the wish stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct QuietWish {
    /// A name of the IANA time zone database.
    pub time_zone: String,
    /// Days (bit 0 is Monday), beginning and end in minutes after midnight, local time.
    pub spans: Vec<(u8, u16, u16)>,
    /// Calls and offers come through.
    pub urgent_passes: bool,
}

impl QuietWish {
    /// No span yet, in this time zone.
    #[must_use]
    pub fn new(time_zone: impl Into<String>, urgent_passes: bool) -> Self {
        Self { time_zone: time_zone.into(), spans: Vec::new(), urgent_passes }
    }

    /// Adds a span: days (bit 0 is Monday), beginning and end in minutes after midnight. One that ends no later than it
    /// begins goes on until the next day.
    #[must_use]
    pub fn with_span(mut self, days: u8, from: u16, to: u16) -> Self {
        self.spans.push((days, from, to));
        self
    }

    /// Returns the spans as [`QuietHours`](reveille_digest::quiet::QuietHours) takes them.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        self.spans.iter().map(|(days, from, to)| Span { days: *days, from: *from, to: *to })
    }
}

/// What was deleted by [`Store::erase`](super::Store::erase): show it to whoever asked for the erasure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Erased {
    /// How many devices.
    pub devices: usize,
    /// How many dead letters.
    pub letters: usize,
    /// Whether there were wishes.
    pub wishes: bool,
}

/// Why bytes are no [`Wishes`]: the error of [`Wishes::from_json`]. It says where, and shows nothing of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("these are no wishes of a person: line {line}, column {column}")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct InvalidWishes {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

impl Wishes {
    /// From the JSON form.
    ///
    /// # Errors
    /// [`InvalidWishes`] says where it is not that form.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidWishes> {
        let read = serde_json::from_slice(json);
        read.map_err(|error| InvalidWishes { line: error.line(), column: error.column() })
    }

    /// The JSON form, on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Maps with keys that are words, lists, numbers: nothing of it can fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}
