//! What the channel management answers.

use http::{HeaderMap, StatusCode};
use reveille_core::{Rejection, UnixTime};
use serde::Deserialize;
use thiserror::Error;

use super::{Channel, ChannelId};
use crate::answer::rejection;

/// The answer to a request of [`Channels`](crate::Channels).
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use reveille_apns::ChannelAnswer;
/// use reveille_core::UnixTime;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("apns-channel-id", "dHN0LXNyY2gtY2hubA==".parse()?);
/// let answer = ChannelAnswer::created(StatusCode::CREATED, &headers, b"", UnixTime::EPOCH)?;
/// let ChannelAnswer::Done(channel) = answer else { panic!() };
/// assert_eq!(channel.as_str(), "dHN0LXNyY2gtY2hubA==");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelAnswer<T> {
    /// It was done.
    Done(T),
    /// It was refused.
    Rejected(Rejection),
}

/// A success that lacks what it should bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("answer of status {status} without {missing}")]
pub struct MalformedAnswer {
    /// The status.
    pub status: u16,
    /// What was not there, or not readable.
    pub missing: &'static str,
}

impl<T> ChannelAnswer<T> {
    fn read_with(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: UnixTime,
        missing: &'static str,
        success: impl FnOnce() -> Option<T>,
    ) -> Result<Self, MalformedAnswer> {
        if !status.is_success() {
            return Ok(Self::Rejected(rejection(status, headers, body, now)));
        }
        success().map(Self::Done).ok_or(MalformedAnswer { status: status.as_u16(), missing })
    }
}

impl ChannelAnswer<ChannelId> {
    /// To [`create`](crate::Channels::create): 201 and the new channel's id.
    ///
    /// # Errors
    /// [`MalformedAnswer`] if there is no id.
    pub fn created(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: UnixTime,
    ) -> Result<Self, MalformedAnswer> {
        Self::read_with(status, headers, body, now, "apns-channel-id", || {
            headers.get(super::manage::APNS_CHANNEL_ID)?.to_str().ok()?.parse().ok()
        })
    }
}

impl ChannelAnswer<Channel> {
    /// To [`read`](crate::Channels::read): 200 and the settings.
    ///
    /// # Errors
    /// [`MalformedAnswer`] if they cannot be read.
    pub fn read(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: UnixTime,
    ) -> Result<Self, MalformedAnswer> {
        Self::read_with(status, headers, body, now, "the channel's settings", || {
            serde_json::from_slice(body).ok()
        })
    }
}

impl ChannelAnswer<Vec<ChannelId>> {
    /// To [`list`](crate::Channels::list): 200 and all ids.
    ///
    /// # Errors
    /// [`MalformedAnswer`] if they cannot be read.
    pub fn listed(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: UnixTime,
    ) -> Result<Self, MalformedAnswer> {
        #[derive(Deserialize)]
        struct List {
            channels: Vec<ChannelId>,
        }

        Self::read_with(status, headers, body, now, "the list of channels", || {
            serde_json::from_slice::<List>(body).ok().map(|list| list.channels)
        })
    }
}

impl ChannelAnswer<()> {
    /// To [`delete`](crate::Channels::delete): 204.
    #[must_use]
    pub fn deleted(status: StatusCode, headers: &HeaderMap, body: &[u8], now: UnixTime) -> Self {
        if status.is_success() {
            Self::Done(())
        } else {
            Self::Rejected(rejection(status, headers, body, now))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let answer = ChannelAnswer::created(StatusCode::CREATED, &HeaderMap::new(), b"", UnixTime::EPOCH);
        insta::assert_snapshot!(answer.unwrap_err(), @"answer of status 201 without apns-channel-id");
        let answer = ChannelAnswer::listed(StatusCode::OK, &HeaderMap::new(), b"[]", UnixTime::EPOCH);
        insta::assert_snapshot!(answer.unwrap_err(), @"answer of status 200 without the list of channels");
    }
}
