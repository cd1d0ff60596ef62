//! The three events.

use std::borrow::Cow;

use reveille_core::UnixTime;
use reveille_payload::{JsonObject, ObjectWriter, label};
use serde::{Deserialize, Serialize};

use super::{ActivityAlert, InputPush};
use crate::message::Finite;

/// Starts a Live Activity; use it on devices whose app has given a push-to-start token. Apple wants attributes, their
/// type's name, a first state and an alert, and so does the constructor.
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

/// Changes what a Live Activity shows: send one whenever its state changes, with the time of the change, for the
/// device drops older ones.
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

/// Ends a Live Activity. Give it the last state, for the activity may be seen for hours to come.
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
    pub fn with_input_push(mut self, input: InputPush) -> Self {
        self.input_push = Some(input);
        self
    }

    /// From when on it shows that it is out of date.
    #[must_use]
    pub const fn with_stale_date(mut self, at: UnixTime) -> Self {
        self.stale_date = Some(at);
        self
    }

    /// Its place among the app's activities; the highest is shown.
    #[must_use]
    pub const fn with_relevance_score(mut self, score: Finite) -> Self {
        self.relevance_score = Some(score);
        self
    }

    pub(super) fn write_aps(&self, out: &mut Vec<u8>) {
        let mut aps = begin(out, "start", self.timestamp);
        aps.text(label!("attributes-type"), &self.attributes_type);
        aps.member(label!("attributes"), &self.attributes);
        aps.member(label!("content-state"), &self.content_state);
        self.alert.write(aps.value(label!("alert")));
        match &self.input_push {
            Some(InputPush::Channel(channel)) => aps.text(label!("input-push-channel"), channel.as_str()),
            Some(InputPush::Token) => aps.flag(label!("input-push-token"), true),
            None => {}
        }
        time(&mut aps, label!("stale-date"), self.stale_date);
        score(&mut aps, self.relevance_score);
        aps.close();
    }

    pub(super) fn size_hint(&self) -> usize {
        OVERHEAD
            + self.attributes.as_str().len()
            + self.content_state.as_str().len()
            + hint(Some(&self.alert))
    }

    pub(super) fn times(&self) -> Vec<(&'static str, UnixTime)> {
        times(self.timestamp, [("stale-date", self.stale_date)])
    }

    pub(super) const fn alert(&self) -> Option<&ActivityAlert<'a>> {
        Some(&self.alert)
    }

    pub(super) const fn alert_mut(&mut self) -> Option<&mut ActivityAlert<'a>> {
        Some(&mut self.alert)
    }
}

impl<'a> ActivityUpdate<'a> {
    /// Changes the state, as it was at `timestamp`.
    #[must_use]
    pub const fn new(content_state: JsonObject, timestamp: UnixTime) -> Self {
        Self { timestamp, content_state, alert: None, stale_date: None, relevance_score: None }
    }

    /// Lights the screen and plays a sound, too.
    #[must_use]
    pub fn with_alert(mut self, alert: ActivityAlert<'a>) -> Self {
        self.alert = Some(alert);
        self
    }

    /// From when on it shows that it is out of date.
    #[must_use]
    pub const fn with_stale_date(mut self, at: UnixTime) -> Self {
        self.stale_date = Some(at);
        self
    }

    /// Its place among the app's activities; the highest is shown.
    #[must_use]
    pub const fn with_relevance_score(mut self, score: Finite) -> Self {
        self.relevance_score = Some(score);
        self
    }

    pub(super) fn write_aps(&self, out: &mut Vec<u8>) {
        let mut aps = begin(out, "update", self.timestamp);
        aps.member(label!("content-state"), &self.content_state);
        if let Some(alert) = &self.alert {
            alert.write(aps.value(label!("alert")));
        }
        time(&mut aps, label!("stale-date"), self.stale_date);
        score(&mut aps, self.relevance_score);
        aps.close();
    }

    pub(super) fn size_hint(&self) -> usize {
        OVERHEAD + self.content_state.as_str().len() + hint(self.alert.as_ref())
    }

    pub(super) fn times(&self) -> Vec<(&'static str, UnixTime)> {
        times(self.timestamp, [("stale-date", self.stale_date)])
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

    /// Lights the screen and plays a sound, too.
    #[must_use]
    pub fn with_alert(mut self, alert: ActivityAlert<'a>) -> Self {
        self.alert = Some(alert);
        self
    }

    /// When it goes from the lock screen; in the past: at once. Without it, after up to four hours.
    #[must_use]
    pub const fn with_dismissal_date(mut self, at: UnixTime) -> Self {
        self.dismissal_date = Some(at);
        self
    }

    /// Its place among the app's activities; the highest is shown.
    #[must_use]
    pub const fn with_relevance_score(mut self, score: Finite) -> Self {
        self.relevance_score = Some(score);
        self
    }

    pub(super) fn write_aps(&self, out: &mut Vec<u8>) {
        let mut aps = begin(out, "end", self.timestamp);
        if let Some(state) = &self.content_state {
            aps.member(label!("content-state"), state);
        }
        if let Some(alert) = &self.alert {
            alert.write(aps.value(label!("alert")));
        }
        time(&mut aps, label!("dismissal-date"), self.dismissal_date);
        score(&mut aps, self.relevance_score);
        aps.close();
    }

    pub(super) fn size_hint(&self) -> usize {
        OVERHEAD + self.state_bytes() + hint(self.alert.as_ref())
    }

    pub(super) fn times(&self) -> Vec<(&'static str, UnixTime)> {
        times(self.timestamp, [("dismissal-date", self.dismissal_date)])
    }

    fn state_bytes(&self) -> usize {
        self.content_state.as_ref().map_or(0, |state| state.as_str().len())
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
    aps.integer(label!("timestamp"), timestamp.as_secs());
    aps.text(label!("event"), event);
    aps
}

fn time(aps: &mut ObjectWriter<'_>, key: &'static str, at: Option<UnixTime>) {
    if let Some(at) = at {
        aps.integer(key, at.as_secs());
    }
}

fn score(aps: &mut ObjectWriter<'_>, score: Option<Finite>) {
    if let Some(score) = score {
        aps.member(label!("relevance-score"), &score);
    }
}

fn times(timestamp: UnixTime, more: [(&'static str, Option<UnixTime>); 1]) -> Vec<(&'static str, UnixTime)> {
    let more = more.into_iter().filter_map(|(name, time)| Some((name, time?)));
    std::iter::once(("timestamp", timestamp)).chain(more).collect()
}

fn hint(alert: Option<&ActivityAlert<'_>>) -> usize {
    alert.map_or(0, ActivityAlert::size_hint)
}
