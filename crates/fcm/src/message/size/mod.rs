//! How large a message is on each platform, and how large it may be.

mod fit;
mod pieces;

pub use fit::Sacrifice;

use reveille_payload::{Part, SizeLimit, TooLarge};

use super::Message;
use crate::target::Reach;
use pieces::Pieces;

/// A platform that a message may end up on, for [`Message::size`]. Each gets the shared parts, merged with or
/// replaced by its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Platform {
    /// Android devices.
    Android,
    /// Apple devices.
    Apns,
    /// Browsers.
    Webpush,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Android, Self::Apns, Self::Webpush];

    /// Its name in lower case, as it stands in front of the fields of a [`TooLarge`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Android => "android",
            Self::Apns => "apns",
            Self::Webpush => "webpush",
        }
    }
}

/// What is counted against FCM's limit, for [`SizeRule::with_mode`]. Google says "4096 bytes … this includes both the
/// keys and the values" and no more; people have measured less. A request with `validate_only` answers it for one
/// message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SizeMode {
    /// Google's sentence: UTF-8 bytes of the keys and values of the data, and of the texts of the notification; of
    /// APNs the whole payload, which Apple counts. A message a little over its limit may slip through.
    Estimate,
    /// Everything that travels to the platform: the whole JSON of the merged part, escapes and punctuation included,
    /// with collapse key, package name, headers, image and labels, and for APNs what FCM adds. What fits here, fits.
    #[default]
    Strict,
}

/// How large a message may be, and how that is counted; a [`SizeLimit`] alone is one, counted strictly.
///
/// ```
/// use reveille_fcm::{Message, Notification, SizeLimit};
/// use reveille_fcm::message::{SizeMode, SizeRule};
/// use reveille_fcm::target::Reach;
///
/// let message = Message::new().with_notification(Notification::new().with_body("é".repeat(2_000)));
/// assert!(message.check_size(Reach::Device, SizeLimit::Own).is_err(), "2,048 bytes, strictly");
/// let as_google_says = SizeRule::new(SizeLimit::Provider).with_mode(SizeMode::Estimate);
/// assert!(message.check_size(Reach::Device, as_google_says).is_ok(), "4,096 bytes");
/// assert!(message.check_size(Reach::Subscribers, as_google_says).is_err(), "2,048 bytes");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SizeRule {
    limit: SizeLimit,
    mode: SizeMode,
}

impl SizeRule {
    /// Makes a rule of this limit, counted strictly.
    #[must_use]
    pub const fn new(limit: SizeLimit) -> Self {
        Self { limit, mode: SizeMode::Strict }
    }

    /// Sets what is counted against the limit.
    #[must_use]
    pub const fn with_mode(mut self, mode: SizeMode) -> Self {
        self.mode = mode;
        self
    }

    /// The bytes that hold for a target: never more than FCM's own limit.
    #[must_use]
    pub const fn bytes(self, reach: Reach) -> usize {
        self.limit.of(reach.limit())
    }

    /// Returns what is counted against the limit.
    #[must_use]
    pub const fn mode(self) -> SizeMode {
        self.mode
    }
}

impl From<SizeLimit> for SizeRule {
    fn from(limit: SizeLimit) -> Self {
        Self::new(limit)
    }
}

impl Message {
    /// Returns the bytes that count on one platform.
    #[must_use]
    pub fn size(&self, platform: Platform, mode: SizeMode) -> usize {
        Pieces::of(self, platform, mode).size()
    }

    /// Checks the message on all platforms, for a target or a [`Reach`].
    ///
    /// # Errors
    /// [`TooLarge`] for the first platform that it is too large for, with the bytes of every field; the platform stands
    /// in front of each name (`android: body`).
    pub fn check_size(&self, reach: impl Into<Reach>, rule: impl Into<SizeRule>) -> Result<(), TooLarge> {
        let rule = rule.into();
        let limit = rule.bytes(reach.into());
        for platform in Platform::ALL {
            let pieces = Pieces::of(self, platform, rule.mode);
            if pieces.size() > limit {
                let parts: Vec<Part<'_>> = pieces.fixed_parts();
                return Err(TooLarge::uncut(pieces.size(), limit, &parts));
            }
        }
        Ok(())
    }
}

/// What any platform's part can have beyond the text of the message itself: labels, braces, and
/// [`APNS_ADDED`](pieces::APNS_ADDED).
pub(crate) const MERGE_OVERHEAD: usize = pieces::APNS_ADDED + 64;
