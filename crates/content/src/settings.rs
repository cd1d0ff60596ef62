//! What differs between one product and another.

use std::borrow::Cow;

use reveille_payload::SizeLimit;

/// How a message is written for Android; give it to [`ContentSettings`] when the app draws its notifications itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
pub enum AndroidForm {
    /// The system shows it (C3). Of such messages FCM keeps those of at most four collapse keys for a device that is offline.
    #[default]
    Notification,
    /// Title, body and channel are data; the app shows it, and builds the buttons. FCM keeps a hundred of these.
    Data,
}

/// What differs between one product and another: names that the app made, sounds, the size budget; give it to
/// [`Templates::new`](crate::Templates::new).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentSettings {
    pub(crate) ring_sound: Cow<'static, str>,
    pub(crate) sound: Cow<'static, str>,
    pub(crate) android: AndroidForm,
    pub(crate) quiet_channel: Cow<'static, str>,
    pub(crate) limit: SizeLimit,
}

impl Default for ContentSettings {
    fn default() -> Self {
        Self {
            ring_sound: "default".into(),
            sound: "default".into(),
            android: AndroidForm::Notification,
            quiet_channel: "quiet".into(),
            limit: SizeLimit::Own,
        }
    }
}

impl ContentSettings {
    /// The sound of a ring: a file in the app, `default` if not set. On Android 8 and newer the channel decides.
    #[must_use]
    pub fn with_ring_sound(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { ring_sound: name.into(), ..self }
    }

    /// The sound of everything else.
    #[must_use]
    pub fn with_sound(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { sound: name.into(), ..self }
    }

    /// Who shows a message on Android: the system, if not set.
    #[must_use]
    pub const fn with_android(mut self, form: AndroidForm) -> Self {
        self.android = form;
        self
    }

    /// The Android channel of low importance for what replaces a ring, `quiet` if not set.
    #[must_use]
    pub fn with_quiet_channel(self, id: impl Into<Cow<'static, str>>) -> Self {
        Self { quiet_channel: id.into(), ..self }
    }

    /// The most bytes of a payload: 2,048 if not set (C5).
    #[must_use]
    pub const fn with_limit(mut self, limit: SizeLimit) -> Self {
        self.limit = limit;
        self
    }
}
