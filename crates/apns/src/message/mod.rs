//! What is pushed: one type per push type, and what they have in common.
//!
//! # A ring and its cancel
//!
//! A call that rings is worth nothing once it is answered elsewhere, so the two are sent as a pair. They share a collapse
//! id, and the ring has an end: whichever arrives last is the one that is shown, and neither arrives late.
//!
//! ```
//! use std::time::Duration;
//! use reveille_apns::message::InterruptionLevel;
//! use reveille_apns::{Alert, CollapseId, Expiration, Priority, Push as _};
//! use reveille_core::UnixTime;
//!
//! let now = UnixTime::from_secs(1_700_000_000);
//! let slot: CollapseId = "call-c-17".parse()?;
//! let until = Expiration::At(now + Duration::from_secs(30));
//! let ring = Alert::new("Inbound call", "From +1 555 0100 | Queue: Support")
//!     .with_sound("ringtone.caf")
//!     .with_category("INCOMING_CALL")
//!     .with_interruption_level(InterruptionLevel::TimeSensitive)?
//!     .with_custom("conversationId", "c-17")?
//!     .with_priority(Priority::Immediate)
//!     .with_collapse_id(slot.clone())
//!     .with_expiration(until);
//! let cancel = Alert::new("Call answered", "By Agent Jones")
//!     .with_interruption_level(InterruptionLevel::Passive)?
//!     .with_custom("conversationId", "c-17")?
//!     .with_custom("action", "cancel_ring")?
//!     .with_collapse_id(slot)
//!     .with_expiration(until);
//! assert_eq!(ring.delivery_headers().collapse_id, cancel.delivery_headers().collapse_id);
//! # Ok::<(), reveille_apns::Error>(())
//! ```
//!
//! What Apple allows decides the form of the cancel:
//!
//! | the ring was | cancel it with | because |
//! |---|---|---|
//! | [`Alert`] | an [`Alert`] with the same collapse id, passive, without sound | it replaces the ring on the screen, and in Apple's store if that was not delivered yet |
//! | [`Alert`], and the app is to clean up by itself | a [`Background`] push besides | the system lets two or three an hour through and may delay them: never the only cancel |
//! | [`Voip`] | another [`Voip`] push with the call's id, [`Expiration::Once`] | the app must report a call to CallKit for *every* VoIP push: it reports this one, and ends it and the ringing one at once. Cheaper: let the app, once it rings, learn of the end over its own connection |
//! | an FCM data message to Android | see the FCM crate | |
//!
//! A ring that was never sent needs no cancel; one whose fate is unknown does. Do not send a ring after its cancel:
//! collapse ids do not know the order of your requests.

mod alert;
mod alert_text;
mod apns_id;
mod checked;
mod collapse_id;
mod custom;
mod data;
mod delivery;
mod device_management;
mod entries;
mod error;
mod expiration;
mod fcm_parts;
mod file_provider;
mod fit;
mod fraction;
mod interruption;
mod notification;
mod priority;
mod push;
mod push_type;
mod raw;
mod sound;

pub use alert::Alert;
pub use alert_text::{AlertContent, AlertText, Localized};
pub use apns_id::ApnsId;
pub use collapse_id::CollapseId;
pub use custom::Custom;
pub use data::{Background, Complication, Controls, Location, PushToTalk, Voip, Widgets};
pub use delivery::Delivery;
pub use device_management::Mdm;
pub use error::InvalidNotification;
pub use expiration::Expiration;
pub use fcm_parts::FcmParts;
pub use file_provider::FileProvider;
pub use fit::{Cuttable, Sacrifice};
pub use fraction::{Finite, Fraction};
pub use interruption::InterruptionLevel;
pub use notification::Notification;
pub use priority::{BackgroundPriority, Priority, PriorityChoice, WakingPriority};
pub use push::{DeliveryHeaders, Push};
pub use push_type::{OtherPushType, PushType};
pub use raw::Raw;
pub use reveille_payload::{Cut, FieldSize, JsonObject, SizeLimit, TooLarge};
pub use sound::CriticalSound;

pub(crate) use alert_text::write_localized;
pub(crate) use checked::checked_struct;
pub(crate) use delivery::delivery_setters;
pub(crate) use expiration::looks_like_seconds;
pub(crate) use fit::{by_class, decide, too_large};
pub(crate) use push::{apply_keys, apply_texts, check_custom, check_other, cuttable, insert_all, sealed};
