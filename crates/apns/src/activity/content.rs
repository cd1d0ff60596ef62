//! The three events.

use std::borrow::Cow;

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

use super::{ActivityAlert, InputPush};
use crate::json::{ObjectWriter, key};
use crate::{Finite, JsonObject};

/// Starts a Live Activity. Apple wants attributes, their type's name, a first state and an alert, and so does the
/// constructor.
///
/// JSON form: `timestamp` (Unix ms), `attributes_type`, `attributes`, `content_state`, `alert`, and optionally
/// `input_push`, `stale_date` (Unix ms), `relevance_score`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityStart<'a> {
    timestamp: UnixTime,
    attributes_type: Cow<'a, str>,
    attributes: JsonObject,
    content_state: JsonObject,
    alert: ActivityAlert<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_push: Option<InputPush>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stale_date: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relevance_score: Option<Finite>,
}

/// Changes what a Live Activity shows.
///
/// JSON form: `timestamp` (Unix ms), `content_state`, and optionally `alert`, `stale_date` (Unix ms),
/// `relevance_score`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityUpdate<'a> {
    timestamp: UnixTime,
    content_state: JsonObject,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alert: Option<ActivityAlert<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stale_date: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relevance_score: Option<Finite>,
}

/// Ends a Live Activity. It should carry the last state, for the activity may be seen for hours to come.
///
/// JSON form: `timestamp` (Unix ms), and optionally `content_state`, `alert`, `dismissal_date` (Unix ms),
/// `relevance_score`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityEnd<'a> {
    timestamp: UnixTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_state: Option<JsonObject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alert: Option<ActivityAlert<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dismissal_date: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relevance_score: Option<Finite>,
}

/// Keys and punctuation of any event, and its numbers.
const OVERHEAD: usize = 320;

impl<'a> ActivityStart<'a> {
    /// All that a start needs. `attributes_type` is the name of the Swift type.
    pub fn new(
        attributes_type: impl Into<Cow<'a, str>>,
        attributes: JsonObject,
        content_state: JsonObject,
        alert: ActivityAlert<'a>,
        timestamp: UnixTime,
    ) -> Self {
        Self {
            timestamp,
            attributes_type: attributes_type.into(),
            attributes,
            content_state,
            alert,
            input_push: None,
            stale_date: None,
            relevance_score: None,
        }
    }

    /// How it gets its updates (iOS 18).
    #[must_use]
    pub fn input_push(mut self, input: InputPush) -> Self {
        self.input_push = Some(input);
        self
    }

    /// From when on it shows that it is out of date.
    #[must_use]
    pub const fn stale_date(mut self, at: UnixTime) -> Self {
        self.stale_date = Some(at);
        self
    }

    /// Its place among the app's activities; the highest is shown.
    #[must_use]
    pub const fn relevance_score(mut self, score: Finite) -> Self {
        self.relevance_score = Some(score);
        self
    }

    pub(super) fn write_aps(&self, out: &mut Vec<u8>) {
        let mut aps = begin(out, "start", self.timestamp);
        aps.text(key!("attributes-type"), &self.attributes_type);
        aps.raw(key!("attributes"), self.attributes.as_bytes());
        aps.raw(key!("content-state"), self.content_state.as_bytes());
        self.alert.write(aps.value(key!("alert")));
        match &self.input_push {
            Some(InputPush::Channel(channel)) => aps.text(key!("input-push-channel"), channel.as_str()),
            Some(InputPush::Token) => aps.flag(key!("input-push-token"), true),
            None => {}
        }
        time(&mut aps, key!("stale-date"), self.stale_date);
        score(&mut aps, self.relevance_score);
        aps.close();
    }

    pub(super) fn size_hint(&self) -> usize {
        OVERHEAD
            + self.attributes.as_bytes().len()
            + self.content_state.as_bytes().len()
            + hint(Some(&self.alert))
    }

    pub(super) fn fixed_parts(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("content-state", self.content_state.as_bytes().len()),
            ("attributes", self.attributes.as_bytes().len()),
        ]
    }

    pub(super) const fn alert(&self) -> Option<&ActivityAlert<'a>> {
        Some(&self.alert)
    }

    pub(super) const fn alert_mut(&mut self) -> Option<&mut ActivityAlert<'a>> {
        Some(&mut self.alert)
    }
}

impl<'a> ActivityUpdate<'a> {
    /// A new state.
    #[must_use]
    pub const fn new(content_state: JsonObject, timestamp: UnixTime) -> Self {
        Self { timestamp, content_state, alert: None, stale_date: None, relevance_score: None }
    }

    /// Also lights the screen.
    #[must_use]
    pub fn with_alert(mut self, alert: ActivityAlert<'a>) -> Self {
        self.alert = Some(alert);
        self
    }

    /// From when on it shows that it is out of date.
    #[must_use]
    pub const fn stale_date(mut self, at: UnixTime) -> Self {
        self.stale_date = Some(at);
        self
    }

    /// Its place among the app's activities; the highest is shown.
    #[must_use]
    pub const fn relevance_score(mut self, score: Finite) -> Self {
        self.relevance_score = Some(score);
        self
    }

    pub(super) fn write_aps(&self, out: &mut Vec<u8>) {
        let mut aps = begin(out, "update", self.timestamp);
        aps.raw(key!("content-state"), self.content_state.as_bytes());
        if let Some(alert) = &self.alert {
            alert.write(aps.value(key!("alert")));
        }
        time(&mut aps, key!("stale-date"), self.stale_date);
        score(&mut aps, self.relevance_score);
        aps.close();
    }

    pub(super) fn size_hint(&self) -> usize {
        OVERHEAD + self.content_state.as_bytes().len() + hint(self.alert.as_ref())
    }

    pub(super) fn fixed_parts(&self) -> Vec<(&'static str, usize)> {
        vec![("content-state", self.content_state.as_bytes().len())]
    }

    pub(super) const fn alert(&self) -> Option<&ActivityAlert<'a>> {
        self.alert.as_ref()
    }

    pub(super) const fn alert_mut(&mut self) -> Option<&mut ActivityAlert<'a>> {
        self.alert.as_mut()
    }
}

impl<'a> ActivityEnd<'a> {
    /// With the last state to be shown.
    #[must_use]
    pub fn new(content_state: JsonObject, timestamp: UnixTime) -> Self {
        Self { content_state: Some(content_state), ..Self::as_it_is(timestamp) }
    }

    /// Without a last state: it goes on showing what it shows.
    #[must_use]
    pub const fn as_it_is(timestamp: UnixTime) -> Self {
        Self { timestamp, content_state: None, alert: None, dismissal_date: None, relevance_score: None }
    }

    /// Also lights the screen.
    #[must_use]
    pub fn with_alert(mut self, alert: ActivityAlert<'a>) -> Self {
        self.alert = Some(alert);
        self
    }

    /// When it goes from the lock screen; in the past: at once. Without it, after up to four hours.
    #[must_use]
    pub const fn dismissal_date(mut self, at: UnixTime) -> Self {
        self.dismissal_date = Some(at);
        self
    }

    /// Its place among the app's activities; the highest is shown.
    #[must_use]
    pub const fn relevance_score(mut self, score: Finite) -> Self {
        self.relevance_score = Some(score);
        self
    }

    pub(super) fn write_aps(&self, out: &mut Vec<u8>) {
        let mut aps = begin(out, "end", self.timestamp);
        if let Some(state) = &self.content_state {
            aps.raw(key!("content-state"), state.as_bytes());
        }
        if let Some(alert) = &self.alert {
            alert.write(aps.value(key!("alert")));
        }
        time(&mut aps, key!("dismissal-date"), self.dismissal_date);
        score(&mut aps, self.relevance_score);
        aps.close();
    }

    pub(super) fn size_hint(&self) -> usize {
        OVERHEAD + self.state_bytes() + hint(self.alert.as_ref())
    }

    pub(super) fn fixed_parts(&self) -> Vec<(&'static str, usize)> {
        vec![("content-state", self.state_bytes())]
    }

    fn state_bytes(&self) -> usize {
        self.content_state.as_ref().map_or(0, |state| state.as_bytes().len())
    }

    pub(super) const fn alert(&self) -> Option<&ActivityAlert<'a>> {
        self.alert.as_ref()
    }

    pub(super) const fn alert_mut(&mut self) -> Option<&mut ActivityAlert<'a>> {
        self.alert.as_mut()
    }
}

fn begin<'o>(out: &'o mut Vec<u8>, event: &str, timestamp: UnixTime) -> ObjectWriter<'o> {
    let mut aps = ObjectWriter::open(out);
    aps.integer(key!("timestamp"), timestamp.as_secs());
    aps.text(key!("event"), event);
    aps
}

fn time(aps: &mut ObjectWriter<'_>, key: &'static str, at: Option<UnixTime>) {
    if let Some(at) = at {
        aps.integer(key, at.as_secs());
    }
}

fn score(aps: &mut ObjectWriter<'_>, score: Option<Finite>) {
    if let Some(score) = score {
        aps.float(key!("relevance-score"), score.into());
    }
}

fn hint(alert: Option<&ActivityAlert<'_>>) -> usize {
    alert.map_or(0, |alert| 64 + alert.texts().map(|(_, text)| text.len()).sum::<usize>())
}
