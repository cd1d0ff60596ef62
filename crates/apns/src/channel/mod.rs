//! Broadcast channels: one push for all who follow a Live Activity (iOS 18).

mod answer;
mod broadcast;
mod id;
mod manage;

pub use answer::{ChannelAnswer, MalformedAnswer};
pub use broadcast::Broadcast;
pub use id::ChannelId;
pub use manage::{Channel, ChannelSettings, Channels, StoragePolicy};
