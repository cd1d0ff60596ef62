#![doc = include_str!("../README.md")]

mod access_token;
mod answer;
mod credentials;
mod error;
mod json;
pub mod legacy;
pub mod message;
mod prepared;
mod project;
mod send_request;
mod size;
mod topics;

pub use access_token::{AccessToken, InvalidAccessToken};
pub use answer::{
    ErrorBody, ErrorCode, FieldViolation, Quota, RETRY_FOR, RETRY_MINIMUM, avoid_quarter_hours, classify,
    classify_subscription, retry_at,
};
pub use credentials::{
    Assertion, CredentialError, FetchId, Grant, IssuedToken, Issuer, MaskedServiceAccount, PROBE_TOPIC,
    RefreshPolicy, SCOPE_CLOUD_PLATFORM, SCOPE_MESSAGING, ServiceAccount, TokenFailure, TokenFailureKind,
    TokenOutput, TokenSource, Verdict, probe_request, read_token_answer,
};
pub use error::MessageError;
pub use json::JsonObject;
pub use legacy::legacy_error_code;
pub use message::{
    AnalyticsLabel, Android, ApnsConfig, ApnsFcmOptions, ApnsHeaders, Condition, Data, FcmOptions, Fid,
    HttpsUrl, LightColor, LiveActivityToken, Message, Notification, ProtoDuration, RegistrationToken, Rgb,
    Target, Text, Timestamp, Topic, Ttl, Warning, WebpushConfig, WebpushFcmOptions, WebpushHeaders,
};
pub use prepared::{FanOut, Prepared};
pub use project::Project;
pub use send_request::SendRequest;
pub use size::{Cut, Oversize, Platform, Sacrifice, SizeBudget, SizeMode};
pub use topics::{SubscriptionPage, Subscriptions, TopicSubscription};
