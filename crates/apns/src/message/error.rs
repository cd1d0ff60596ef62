//! Which rule of Apple's a notification breaks.

use reveille_payload::InvalidJson;
use thiserror::Error;

use super::{InterruptionLevel, PushType};

/// Which of Apple's rules a notification would break; the setters that can refuse return it. The text names rule and
/// key, and never a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidNotification {
    /// An alert push that neither shows nor plays anything.
    #[error(
        "an alert push needs an alert, a badge or a sound; to wake the app silently, use a background push"
    )]
    NothingToShow,
    /// A critical sound with another interruption level, or none.
    #[error("a critical sound needs interruption level critical, got {}", .level.map_or("none", InterruptionLevel::as_str))]
    CriticalSoundLevel {
        /// The level given.
        level: Option<InterruptionLevel>,
    },
    /// Both a plain sound and a critical one.
    #[error("a notification has either a sound or a critical sound, not both")]
    TwoSounds,
    /// A custom key with a name that is Apple's.
    #[error("the custom key aps is reserved")]
    ReservedKey,
    /// A custom key that is there already.
    #[error("the custom key {key:?} is given twice")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// A value that cannot be written as JSON, has a key twice, or is no object where Apple wants a dictionary.
    #[error(transparent)]
    Json(#[from] InvalidJson),
    /// A push type that FCM does not pass on to Apple.
    #[error("FCM carries alert, background and liveactivity pushes to Apple devices, not {push_type}")]
    NotThroughFcm {
        /// The push type given.
        push_type: PushType,
    },
    /// A raw payload without the `aps` object.
    #[error("the payload of a push of type {push_type} needs an aps object")]
    NoAps {
        /// The push type given.
        push_type: PushType,
    },
    /// A raw background payload that does more, or less, than wake the app.
    #[error("the aps object of a background push holds content-available 1 and nothing else")]
    BackgroundAps,
    /// A priority that the push type does not have.
    #[error("a push of type {push_type} cannot have priority {priority}")]
    Priority {
        /// The push type given.
        push_type: PushType,
        /// The priority given.
        priority: u8,
    },
}

#[cfg(test)]
mod tests {
    use super::InvalidNotification as E;
    use crate::message::{InterruptionLevel, PushType};

    #[test]
    fn texts() {
        insta::assert_snapshot!(E::NothingToShow, @"an alert push needs an alert, a badge or a sound; to wake the app silently, use a background push");
        insta::assert_snapshot!(E::CriticalSoundLevel { level: None }, @"a critical sound needs interruption level critical, got none");
        insta::assert_snapshot!(E::CriticalSoundLevel { level: Some(InterruptionLevel::TimeSensitive) }, @"a critical sound needs interruption level critical, got time-sensitive");
        insta::assert_snapshot!(E::TwoSounds, @"a notification has either a sound or a critical sound, not both");
        insta::assert_snapshot!(E::ReservedKey, @"the custom key aps is reserved");
        insta::assert_snapshot!(E::DuplicateKey { key: "k".into() }, @r#"the custom key "k" is given twice"#);
        insta::assert_snapshot!(E::NotThroughFcm { push_type: PushType::Voip }, @"FCM carries alert, background and liveactivity pushes to Apple devices, not voip");
        insta::assert_snapshot!(E::NoAps { push_type: PushType::Alert }, @"the payload of a push of type alert needs an aps object");
        insta::assert_snapshot!(E::BackgroundAps, @"the aps object of a background push holds content-available 1 and nothing else");
        insta::assert_snapshot!(E::Priority { push_type: PushType::Background, priority: 10 }, @"a push of type background cannot have priority 10");
    }
}
