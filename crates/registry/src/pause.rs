//! "Not now": pauses of a person, by channel, with nothing lost silently.

use std::collections::BTreeMap;

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

use crate::record::FormVersion;

/// A way to reach somebody that can be paused by itself. Give it to [`Pauses::pause`] when a person wants no messages
/// there, and to [`Pauses::weigh`] before you send one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Channel {
    /// Browsers.
    WebPush,
    /// Apps: APNs and FCM.
    Mobile,
    /// E-mail.
    Email,
    /// SMS.
    Sms,
    /// Webhooks.
    Webhook,
}

/// One pause of one [`Channel`]: until when it lasts, whether urgent messages pass, and how many messages it held back.
/// [`Pauses::resume`] returns it, so that you can report how many there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Pause {
    /// Until when; `None`: until somebody resumes.
    pub until: Option<UnixTime>,
    /// Calls and what else is urgent come through.
    pub urgent_passes: bool,
    /// What was held back so far.
    pub held: u64,
}

/// The pauses of one person: a record beside the devices, with a revision for compare-and-set.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_registry::pause::{Channel, Pauses, Weighed};
/// let (mut pauses, now) = (Pauses::default(), UnixTime::from_secs(1_000));
/// let noon = UnixTime::from_secs(2_000);
/// pauses.pause(Channel::Mobile, Some(noon), true);
/// assert_eq!(pauses.weigh(Channel::Mobile, false, now), Weighed::Held { until: Some(noon) });
/// assert_eq!(pauses.weigh(Channel::Mobile, true, now), Weighed::Passes);
/// assert_eq!(pauses.weigh(Channel::Mobile, false, noon), Weighed::Passes);
/// assert_eq!(pauses.resume(Channel::Mobile).map(|pause| pause.held), Some(1));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pauses {
    v: FormVersion,
    revision: u64,
    channels: BTreeMap<Channel, Pause>,
}

/// Whether something may be sent on a [`Channel`] now: returned by [`Pauses::weigh`]. A message that is held is counted
/// but not kept there, so the caller keeps or drops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Weighed {
    /// It may.
    Passes,
    /// It has to wait; it was counted.
    Held {
        /// Until when; `None`: until somebody resumes.
        until: Option<UnixTime>,
    },
}

impl Pauses {
    /// Raised by every change.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Pauses a channel, until a time or until resumed. One that is paused already keeps its count.
    pub fn pause(&mut self, channel: Channel, until: Option<UnixTime>, urgent_passes: bool) {
        self.revision = self.revision.saturating_add(1);
        let held = self.channels.get(&channel).map_or(0, |pause| pause.held);
        self.channels.insert(channel, Pause { until, urgent_passes, held });
    }

    /// Ends a pause, and says what was held back in it.
    pub fn resume(&mut self, channel: Channel) -> Option<Pause> {
        let pause = self.channels.remove(&channel)?;
        self.revision = self.revision.saturating_add(1);
        Some(pause)
    }

    /// Whether something may be sent on a channel; what may not is counted.
    pub fn weigh(&mut self, channel: Channel, urgent: bool, now: UnixTime) -> Weighed {
        let Some(pause) = self.channels.get_mut(&channel) else { return Weighed::Passes };
        let over = pause.until.is_some_and(|until| until <= now);
        if over || (urgent && pause.urgent_passes) {
            return Weighed::Passes;
        }
        pause.held = pause.held.saturating_add(1);
        self.revision = self.revision.saturating_add(1);
        Weighed::Held { until: pause.until }
    }

    /// Pauses that are over: each is to be [resumed](Self::resume), so that its count is reported.
    pub fn over(&self, now: UnixTime) -> impl Iterator<Item = Channel> {
        let over = move |pause: &Pause| pause.until.is_some_and(|until| until <= now);
        self.channels.iter().filter(move |(_, pause)| over(pause)).map(|(channel, _)| *channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_is_counted_until_it_is_reported() {
        let (now, noon) = (UnixTime::from_secs(10), UnixTime::from_secs(20));
        let mut pauses = Pauses::default();
        pauses.pause(Channel::Email, None, false);
        assert_eq!(pauses.weigh(Channel::Email, true, now), Weighed::Held { until: None });
        // Paused again until noon: the count goes on.
        pauses.pause(Channel::Email, Some(noon), false);
        assert_eq!(pauses.weigh(Channel::Email, false, now), Weighed::Held { until: Some(noon) });
        assert_eq!(pauses.weigh(Channel::Sms, false, now), Weighed::Passes);
        assert_eq!(
            (pauses.over(now).count(), pauses.over(noon).collect::<Vec<_>>()),
            (0, vec![Channel::Email])
        );
        let json = serde_json::to_string(&pauses).unwrap();
        assert_eq!(serde_json::from_str::<Pauses>(&json).unwrap(), pauses);
        assert_eq!((pauses.resume(Channel::Email).unwrap().held, pauses.revision()), (2, 5));
        assert_eq!(pauses.resume(Channel::Email), None);
    }
}
