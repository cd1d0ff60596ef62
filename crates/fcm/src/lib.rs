#![doc = include_str!("../README.md")]

mod access_token;
mod error;
mod json;
pub mod message;
mod prepared;
mod project;
mod send_request;
mod size;

pub use access_token::{AccessToken, InvalidAccessToken};
pub use error::MessageError;
pub use json::JsonObject;
pub use message::{
    AnalyticsLabel, Android, ApnsConfig, ApnsFcmOptions, ApnsHeaders, Condition, Data, FcmOptions, Fid,
    HttpsUrl, LightColor, LiveActivityToken, Message, Notification, ProtoDuration, RegistrationToken, Rgb,
    Target, Text, Timestamp, Topic, Ttl, Warning, WebpushConfig, WebpushFcmOptions, WebpushHeaders,
};
pub use prepared::{FanOut, Prepared};
pub use project::Project;
pub use send_request::SendRequest;
pub use size::{Cut, Oversize, Platform, Sacrifice, SizeBudget, SizeMode};
