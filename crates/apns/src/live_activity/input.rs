//! How a started activity is to get its updates (iOS 18).

use serde::{Deserialize, Serialize};

use crate::channel::ChannelId;

/// How the started activity gets its updates, for
/// [`ActivityStart::with_input_push`](super::ActivityStart::with_input_push). An older iOS (before 18) does not start
/// an activity that has this.
///
/// JSON form: `"token"` or `{"channel":…}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
pub enum InputPush {
    /// With a push token of its own (`input-push-token`).
    Token,
    /// From a broadcast channel (`input-push-channel`).
    Channel(ChannelId),
}
