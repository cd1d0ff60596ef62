//! Live Activities: the push to one device ([`LiveActivity`]), and what it says: to start, to update, to end. For all who
//! follow a channel, see [`channel`](crate::channel).

mod alert;
mod content;
mod input;
mod push;

use std::borrow::Cow;

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

use crate::message::{Cuttable, Sacrifice};

pub use alert::{ActivityAlert, ActivityText};
pub use content::{ActivityEnd, ActivityStart, ActivityUpdate};
pub use input::InputPush;
pub use push::LiveActivity;

/// One event of a Live Activity, for [`LiveActivity::new`](super::live_activity::LiveActivity::new); in JSON told
/// apart by `event`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
pub enum Activity<'a> {
    /// Starts the activity on a device.
    Start(Box<ActivityStart<'a>>),
    /// Changes what it shows.
    Update(ActivityUpdate<'a>),
    /// Ends the activity.
    End(ActivityEnd<'a>),
}

/// One event for all who follow a channel, for [`Broadcast::new`](crate::channel::Broadcast::new); in JSON told apart
/// by `event`. A broadcast cannot start an activity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
pub enum BroadcastActivity<'a> {
    /// Changes what it shows.
    Update(ActivityUpdate<'a>),
    /// Ends the activity.
    End(ActivityEnd<'a>),
}

/// Delegates to the event, whichever it is.
macro_rules! activity {
    ($name:ident, $($variant:ident),+) => {
        impl<'a> $name<'a> {
            pub(crate) fn write_aps(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant(event) => event.write_aps(out),)+
                }
            }

            pub(crate) fn size_hint(&self) -> usize {
                match self {
                    $(Self::$variant(event) => event.size_hint(),)+
                }
            }

            /// The alert's texts, in the order of sacrifice.
            pub(crate) fn texts(&self) -> impl Iterator<Item = (Sacrifice, &'static str, &str)> {
                self.alert().into_iter().flat_map(ActivityAlert::texts)
            }

            pub(crate) fn texts_mut(&mut self) -> Vec<(Sacrifice, &mut Cow<'a, str>)> {
                let alert = match self {
                    $(Self::$variant(event) => event.alert_mut(),)+
                };
                alert.map(ActivityAlert::texts_mut).unwrap_or_default()
            }

            pub(crate) fn times(&self) -> Vec<(&'static str, UnixTime)> {
                match self {
                    $(Self::$variant(event) => event.times(),)+
                }
            }

            fn alert(&self) -> Option<&ActivityAlert<'a>> {
                match self {
                    $(Self::$variant(event) => event.alert(),)+
                }
            }
        }
    };
}

activity!(Activity, Start, Update, End);
activity!(BroadcastActivity, Update, End);

impl BroadcastActivity<'_> {
    pub(crate) fn cuttable(&self) -> Vec<Cuttable<'_>> {
        let part = |(class, name, text)| Cuttable { class, part: reveille_payload::Part::text(name, text) };
        self.texts().map(part).collect()
    }
}

impl<'a> From<ActivityStart<'a>> for Activity<'a> {
    fn from(event: ActivityStart<'a>) -> Self {
        Self::Start(Box::new(event))
    }
}

impl<'a> From<ActivityUpdate<'a>> for Activity<'a> {
    fn from(event: ActivityUpdate<'a>) -> Self {
        Self::Update(event)
    }
}

impl<'a> From<ActivityEnd<'a>> for Activity<'a> {
    fn from(event: ActivityEnd<'a>) -> Self {
        Self::End(event)
    }
}

impl<'a> From<ActivityUpdate<'a>> for BroadcastActivity<'a> {
    fn from(event: ActivityUpdate<'a>) -> Self {
        Self::Update(event)
    }
}

impl<'a> From<ActivityEnd<'a>> for BroadcastActivity<'a> {
    fn from(event: ActivityEnd<'a>) -> Self {
        Self::End(event)
    }
}
