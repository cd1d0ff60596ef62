//! Creating, reading, listing and deleting channels.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::uri::Authority;
use http::{Method, Request};
use serde::{Deserialize, Serialize};

use super::ChannelId;
use crate::endpoints::{path, uri};
use crate::prepared::JSON;
use crate::{ApnsId, BearerToken, BundleId, Endpoints};

pub(super) const APNS_CHANNEL_ID: HeaderName = HeaderName::from_static("apns-channel-id");
pub(super) const APNS_REQUEST_ID: HeaderName = HeaderName::from_static("apns-request-id");

/// What a channel keeps for devices that are offline. It cannot be changed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum StoragePolicy {
    /// 0: nothing, for a higher budget; broadcasts must have [`Expiration::Once`](crate::Expiration::Once).
    NoMessageStored,
    /// 1: the last message, for at most 8 hours.
    MostRecentMessage,
}

impl From<StoragePolicy> for u8 {
    fn from(policy: StoragePolicy) -> Self {
        match policy {
            StoragePolicy::NoMessageStored => 0,
            StoragePolicy::MostRecentMessage => 1,
        }
    }
}

impl TryFrom<u8> for StoragePolicy {
    type Error = crate::InvalidValue;

    /// # Errors
    /// [`InvalidValue::Form`](crate::InvalidValue::Form) for anything but 0 and 1.
    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            0 => Ok(Self::NoMessageStored),
            1 => Ok(Self::MostRecentMessage),
            _ => Err(crate::InvalidValue::Form { what: "message-storage-policy", expected: "0 or 1" }),
        }
    }
}

/// A channel's settings, as APNs reports and takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Channel {
    /// What it keeps.
    #[serde(rename = "message-storage-policy")]
    pub storage_policy: StoragePolicy,
}

/// Makes the requests that manage an app's channels. The answers are read by [`ChannelAnswer`](crate::ChannelAnswer).
///
/// ```
/// use reveille_apns::{BearerToken, Channels, Endpoints, StoragePolicy};
///
/// let token = BearerToken::from_jwt("header.claims.signature")?;
/// let channels = Channels::new("com.example.app".parse()?, &Endpoints::production(), Some(token));
/// let request = channels.create(StoragePolicy::MostRecentMessage);
/// assert_eq!(request.method(), "POST");
/// assert_eq!(
///     request.uri(),
///     "https://api-manage-broadcast.push.apple.com:2196/1/apps/com.example.app/channels"
/// );
/// assert_eq!(request.body(), &br#"{"message-storage-policy":1,"push-type":"LiveActivity"}"#[..]);
/// # Ok::<(), reveille_apns::InvalidValue>(())
/// ```
#[derive(Clone, Debug)]
pub struct Channels {
    app: BundleId,
    authority: Authority,
    token: Option<BearerToken>,
    request_id: Option<ApnsId>,
}

impl Channels {
    /// For an app; without a token on a connection with a client certificate.
    #[must_use]
    pub fn new(app: BundleId, endpoints: &Endpoints, token: Option<BearerToken>) -> Self {
        Self { app, authority: endpoints.channels().clone(), token, request_id: None }
    }

    /// Names the next request (`apns-request-id`).
    #[must_use]
    pub const fn request_id(mut self, id: ApnsId) -> Self {
        self.request_id = Some(id);
        self
    }

    /// Creates a channel; read the answer with [`ChannelAnswer::created`](crate::ChannelAnswer::created).
    #[must_use]
    pub fn create(&self, policy: StoragePolicy) -> Request<Bytes> {
        let number = u8::from(policy);
        let body = format!(r#"{{"message-storage-policy":{number},"push-type":"LiveActivity"}}"#);
        let mut request = self.request(Method::POST, "channels", body.into());
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        request
    }

    /// Reads a channel's settings; read the answer with [`ChannelAnswer::read`](crate::ChannelAnswer::read).
    #[must_use]
    pub fn read(&self, channel: &ChannelId) -> Request<Bytes> {
        self.about(Method::GET, channel)
    }

    /// Deletes a channel; read the answer with [`ChannelAnswer::deleted`](crate::ChannelAnswer::deleted).
    #[must_use]
    pub fn delete(&self, channel: &ChannelId) -> Request<Bytes> {
        self.about(Method::DELETE, channel)
    }

    /// Lists all channels; read the answer with [`ChannelAnswer::listed`](crate::ChannelAnswer::listed).
    #[must_use]
    pub fn list(&self) -> Request<Bytes> {
        self.request(Method::GET, "all-channels", Bytes::new())
    }

    fn about(&self, method: Method, channel: &ChannelId) -> Request<Bytes> {
        let mut request = self.request(method, "channels", Bytes::new());
        request.headers_mut().insert(APNS_CHANNEL_ID, channel.header());
        request
    }

    fn request(&self, method: Method, leaf: &str, body: Bytes) -> Request<Bytes> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri(&self.authority, path(format_args!("/1/apps/{}/{leaf}", self.app)));
        let headers = request.headers_mut();
        if let Some(token) = &self.token {
            headers.insert(AUTHORIZATION, token.header());
        }
        if let Some(id) = self.request_id {
            headers.insert(APNS_REQUEST_ID, id.header());
        }
        request
    }
}
