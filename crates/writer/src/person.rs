//! A person, as far as it decides where a notification goes.

use reveille_conversation::rules::Channels;
use reveille_conversation::{Channel, Kind};
use reveille_core::UnixTime;
use reveille_delivery::{HeldBy, Priority};
use reveille_digest::quiet::QuietHours;
use reveille_registry::Device;
use reveille_registry::pause::{Pauses, Weighed};

/// What the store holds of one person: their devices and what they wish. Load it when devices are to be picked, and when
/// legs are written.
///
/// `Debug` shows no token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    pub(crate) devices: Vec<Device>,
    pub(crate) pauses: Pauses,
    pub(crate) quiet: Option<Quiet>,
    pub(crate) preferences: Preferences,
    pub(crate) badge: Option<u32>,
}

/// When a person is to be left alone: give it to [`Person::with_quiet`] if they have set quiet hours.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct Quiet {
    /// The hours, in the person's own zone.
    pub hours: QuietHours,
    /// Calls and offers come through.
    pub urgent_passes: bool,
}

/// What a person does not want, by kind and app: give it to [`Person::with_preferences`]. What they do not speak of is
/// wanted.
///
/// ```
/// use reveille_conversation::{Channel, Kind, rules::Channels};
/// use reveille_writer::{Person, wishes::Preferences};
/// let wishes = Preferences::default()
///     .without(Kind::NewMessage, Channels::of(&[Channel::WebPush]))
///     .without_app("com.example.old");
/// let kate = Person::default().with_preferences(wishes).with_badge(3);
/// assert!(kate.devices().is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    off: Vec<(Kind, Channels)>,
    apps: Vec<String>,
}

impl Preferences {
    /// This kind shall not come on these channels. What takes something back comes all the same.
    #[must_use]
    pub fn without(mut self, kind: Kind, channels: Channels) -> Self {
        self.off.push((kind, channels));
        self
    }

    /// Nothing new shall come to devices of this app.
    #[must_use]
    pub fn without_app(mut self, app: impl Into<String>) -> Self {
        self.apps.push(app.into());
        self
    }

    pub(crate) fn allow(&self, kind: Kind, channel: Channel, app: &str) -> bool {
        let off = self.off.iter().any(|(of, channels)| *of == kind && channels.has(channel));
        !off && self.apps.iter().all(|other| other != app)
    }
}

impl Person {
    /// Their devices, in any order.
    #[must_use]
    pub fn new(devices: impl Into<Vec<Device>>) -> Self {
        Self { devices: devices.into(), ..Self::default() }
    }

    /// Sets what they or an operator paused (E9); [`Writer::pick`](crate::Writer::pick) counts there what is held.
    #[must_use]
    pub fn with_pauses(self, pauses: Pauses) -> Self {
        Self { pauses, ..self }
    }

    /// Sets their quiet hours; without them no hour is quiet.
    #[must_use]
    pub fn with_quiet(self, quiet: Quiet) -> Self {
        Self { quiet: Some(quiet), ..self }
    }

    /// Sets what they do not want; without it everything is wanted.
    #[must_use]
    pub fn with_preferences(self, preferences: Preferences) -> Self {
        Self { preferences, ..self }
    }

    /// With the number of what is unread over all their conversations.
    #[must_use]
    pub fn with_badge(self, badge: u32) -> Self {
        Self { badge: Some(badge), ..self }
    }

    /// Returns the records of their devices, as they were given.
    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The pauses: store them if [`Pauses::revision`] has risen.
    #[must_use]
    pub const fn pauses(&self) -> &Pauses {
        &self.pauses
    }

    /// What holds something back on a channel, and until when. Where both do, the later end counts. `not_after` stands for
    /// the end of a pause that has none.
    pub(crate) fn holds(
        &self,
        channel: Channel,
        priority: Priority,
        not_after: UnixTime,
        now: UnixTime,
    ) -> Option<(UnixTime, HeldBy)> {
        let urgent = priority == Priority::Urgent;
        // Asked of a copy: who only asks is not to be counted.
        let pause =
            paused(channel).and_then(|channel| match self.pauses.clone().weigh(channel, urgent, now) {
                Weighed::Held { until } => Some((until.unwrap_or(not_after), HeldBy::Pause)),
                _ => None,
            });
        let quiet = self.quiet.as_ref().filter(|quiet| !(urgent && quiet.urgent_passes));
        let quiet = quiet.and_then(|quiet| Some((quiet.hours.until(now)?, HeldBy::Quiet)));
        pause.into_iter().chain(quiet).max_by_key(|(until, _)| *until)
    }
}

/// A channel as pauses name it.
pub(crate) const fn paused(channel: Channel) -> Option<reveille_registry::pause::Channel> {
    match channel {
        Channel::Mobile => Some(reveille_registry::pause::Channel::Mobile),
        Channel::WebPush => Some(reveille_registry::pause::Channel::WebPush),
        Channel::Email => Some(reveille_registry::pause::Channel::Email),
        Channel::Webhook => Some(reveille_registry::pause::Channel::Webhook),
        _ => None,
    }
}
