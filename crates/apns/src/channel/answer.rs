//! What the channel management answers.

use http::{HeaderMap, Response, StatusCode};
use reveille_core::{Rejection, UnixTime};
use serde::Deserialize;
use thiserror::Error;

use super::{ChannelId, ChannelSettings};
use crate::answer::rejection;

/// The answer to a request of [`Channels`](super::Channels): give status, headers and body to the method that has the
/// request's name.
///
/// ```
/// use http::{HeaderMap, Response, StatusCode};
/// use reveille_apns::channel::ChannelAnswer;
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
#[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
pub enum ChannelAnswer<T> {
    /// It was done.
    Done(T),
    /// It was refused.
    Rejected(Rejection),
}

/// A success that lacks what it should bring, such as the id of the channel that was made. The request was carried
/// out; ask with [`Channels::list`](super::Channels::list) what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("answer of status {status} without {missing}")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
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
            return Ok(Self::Rejected(rejection(None, status, headers, body, now)));
        }
        success().map(Self::Done).ok_or(MalformedAnswer { status: status.as_u16(), missing })
    }
}

impl ChannelAnswer<ChannelId> {
    /// To [`create`](super::Channels::create): 201 and the new channel's id.
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

    /// [`created`](Self::created), of a whole response.
    ///
    /// # Errors
    /// As [`created`](Self::created).
    pub fn created_response(
        response: &Response<impl AsRef<[u8]>>,
        now: UnixTime,
    ) -> Result<Self, MalformedAnswer> {
        Self::created(response.status(), response.headers(), response.body().as_ref(), now)
    }
}

impl ChannelAnswer<ChannelSettings> {
    /// To [`read`](super::Channels::read): 200 and the settings.
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

    /// [`read`](Self::read), of a whole response.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_response(
        response: &Response<impl AsRef<[u8]>>,
        now: UnixTime,
    ) -> Result<Self, MalformedAnswer> {
        Self::read(response.status(), response.headers(), response.body().as_ref(), now)
    }
}

impl ChannelAnswer<Vec<ChannelId>> {
    /// To [`list`](super::Channels::list): 200 and all ids.
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

    /// [`listed`](Self::listed), of a whole response.
    ///
    /// # Errors
    /// As [`listed`](Self::listed).
    pub fn listed_response(
        response: &Response<impl AsRef<[u8]>>,
        now: UnixTime,
    ) -> Result<Self, MalformedAnswer> {
        Self::listed(response.status(), response.headers(), response.body().as_ref(), now)
    }
}

impl ChannelAnswer<()> {
    /// Reads the answer to [`delete`](super::Channels::delete); 204 means that it was done.
    #[must_use]
    pub fn deleted(status: StatusCode, headers: &HeaderMap, body: &[u8], now: UnixTime) -> Self {
        if status.is_success() {
            Self::Done(())
        } else {
            Self::Rejected(rejection(None, status, headers, body, now))
        }
    }

    /// [`deleted`](Self::deleted), of a whole response.
    #[must_use]
    pub fn deleted_response(response: &Response<impl AsRef<[u8]>>, now: UnixTime) -> Self {
        Self::deleted(response.status(), response.headers(), response.body().as_ref(), now)
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
