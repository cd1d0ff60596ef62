//! How large a message is on each platform, and how large it may be.

mod fit;
mod pieces;

pub use fit::{Cut, Sacrifice};

use reveille_payload::{Part, TooLarge};
use thiserror::Error;

use crate::Message;
use pieces::Pieces;

/// A platform that a message may end up on. Each gets the shared parts, merged with or replaced by its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

    /// Its name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Android => "android",
            Self::Apns => "apns",
            Self::Webpush => "webpush",
        }
    }
}

/// What is counted. Google says "4096 bytes … this includes both the keys and the values" and no more; people have
/// measured less. `validate_only` is the oracle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SizeMode {
    /// Google's sentence: UTF-8 bytes of the keys and values of the data, and of the texts of the notification; of
    /// APNs the whole payload, which Apple counts. A message a little over its limit may slip through.
    Estimate,
    /// The whole JSON of the merged platform part, escapes and punctuation included, and for APNs what FCM adds.
    /// What fits here, fits.
    #[default]
    Strict,
}

/// The bytes a message may have on any platform.
///
/// ```
/// use reveille_fcm::{SizeBudget, SizeMode};
/// let google = SizeBudget::PROVIDER;
/// assert_eq!((google.device(), google.topic(), google.mode()), (4_096, 2_048, SizeMode::Strict));
/// let own = SizeBudget::default();
/// assert_eq!((own.device(), own.topic()), (2_048, 2_048));
/// assert_eq!(SizeBudget::PROVIDER.at_most(10_000), google, "a provider's limit is hard");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeBudget {
    device: usize,
    topic: usize,
    mode: SizeMode,
}

impl SizeBudget {
    /// FCM's own limits: 4,096 bytes for a device, 2,048 for topics and conditions.
    pub const PROVIDER: Self = Self { device: 4_096, topic: 2_048, mode: SizeMode::Strict };

    /// Not more than `bytes`, whatever the target.
    #[must_use]
    pub const fn at_most(mut self, bytes: usize) -> Self {
        if bytes < self.device {
            self.device = bytes;
        }
        if bytes < self.topic {
            self.topic = bytes;
        }
        self
    }

    /// Counts in this way.
    #[must_use]
    pub const fn counted(mut self, mode: SizeMode) -> Self {
        self.mode = mode;
        self
    }

    /// Bytes for a device.
    #[must_use]
    pub const fn device(self) -> usize {
        self.device
    }

    /// Bytes for a topic or a condition.
    #[must_use]
    pub const fn topic(self) -> usize {
        self.topic
    }

    /// How it counts.
    #[must_use]
    pub const fn mode(self) -> SizeMode {
        self.mode
    }

    pub(crate) const fn limit(self, to_device: bool) -> usize {
        if to_device { self.device } else { self.topic }
    }
}

/// An own budget of 2,048 bytes, counted strictly.
impl Default for SizeBudget {
    fn default() -> Self {
        Self::PROVIDER.at_most(2_048)
    }
}

/// The message is too large for a platform, and, after [`Message::fit`], cannot be made to fit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}: {too_large}", .platform.as_str())]
#[non_exhaustive]
pub struct Oversize {
    /// The platform.
    pub platform: Platform,
    /// By how much, and bytes per field.
    pub too_large: TooLarge,
}

impl Message {
    /// Bytes on one platform.
    #[must_use]
    pub fn size(&self, platform: Platform, mode: SizeMode) -> usize {
        Pieces::of(self, platform, mode).size()
    }

    /// Checks the message on all platforms, for a device or for a topic.
    ///
    /// # Errors
    /// [`Oversize`] for the first platform that it is too large for, with bytes per field.
    pub fn check_size(&self, to_device: bool, budget: SizeBudget) -> Result<(), Oversize> {
        let limit = budget.limit(to_device);
        for platform in Platform::ALL {
            let pieces = Pieces::of(self, platform, budget.mode);
            if pieces.size() > limit {
                let parts: Vec<Part<'_>> = pieces.fixed_parts();
                return Err(Oversize { platform, too_large: TooLarge::uncut(pieces.size(), limit, &parts) });
            }
        }
        Ok(())
    }
}

/// What any platform's part can have beyond the text of the message itself: labels, braces, and
/// [`APNS_ADDED`](pieces::APNS_ADDED).
pub(crate) const MERGE_OVERHEAD: usize = pieces::APNS_ADDED + 64;
