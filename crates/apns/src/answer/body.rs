//! The JSON of a refusal, read leniently: a proxy may answer anything.

use std::borrow::Cow;

use reveille_core::UnixTime;
use serde::Deserialize;
use serde_json::Value;

/// The most that is looked at, in bytes; Apple's bodies have about a hundred.
const MAX_BODY: usize = 16 * 1024;

#[derive(Default, Deserialize)]
pub(super) struct Body {
    #[serde(default)]
    reason: Value,
    #[serde(default)]
    timestamp: Value,
}

impl Body {
    pub(super) fn parse(body: &[u8]) -> Self {
        if body.len() > MAX_BODY {
            return Self::default();
        }
        serde_json::from_slice(body).unwrap_or_default()
    }

    pub(super) fn reason(&self) -> Option<Cow<'static, str>> {
        self.reason.as_str().filter(|text| !text.is_empty()).map(|text| Cow::Owned(text.to_owned()))
    }

    /// Milliseconds, with a 410: when APNs found that the token was no longer valid.
    pub(super) fn timestamp(&self) -> Option<UnixTime> {
        self.timestamp.as_u64().map(UnixTime::from_millis)
    }
}
