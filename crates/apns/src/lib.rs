#![doc = include_str!("../README.md")]

mod activity;
mod answer;
mod channel;
mod endpoints;
mod json;
mod notification;
mod prepared;
mod provider_token;
mod size_limit;
mod value;

pub use activity::{
    Activity, ActivityAlert, ActivityEnd, ActivityStart, ActivityText, ActivityUpdate, BroadcastActivity,
    InputPush,
};
pub use answer::{Reason, classify, goaway_reason};
pub use channel::{Broadcast, Channel, ChannelAnswer, ChannelId, Channels, MalformedAnswer, StoragePolicy};
pub use endpoints::Endpoints;
pub use json::{Custom, JsonObject};
pub use notification::{
    Alert, AlertContent, AlertText, Background, Complication, Controls, CriticalSound, Delivery,
    DeliveryHeaders, FileProvider, InterruptionLevel, InvalidNotification, LiveActivity, Localized, Location,
    Mdm, Notification, Push, PushToTalk, Raw, Voip, Widgets,
};
pub use prepared::Prepared;
pub use provider_token::{
    BearerToken, InvalidProviderKey, InvalidSignature, KeyId, ProviderKey, ProviderTokens, SignRequest,
    SignerId, TeamId, TokenPolicy, unsigned_provider_token,
};
pub use reveille_payload::{Cut, FieldSize, TooLarge};
pub use size_limit::SizeLimit;
pub use value::{
    ApnsId, BackgroundPriority, BundleId, CollapseId, DeviceToken, Expiration, Finite, Fraction,
    InvalidValue, Priority, PriorityChoice, PushType, WakingPriority,
};
