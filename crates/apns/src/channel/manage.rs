//! Creating, reading, listing and deleting channels.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{Method, Request};
use serde::{Deserialize, Serialize};

use super::ChannelId;
use crate::InvalidValue;
use crate::credential::Token;
use crate::message::ApnsId;
use crate::request::{InvalidRequest, JSON};
use crate::target::{App, path};

pub(super) const APNS_CHANNEL_ID: HeaderName = HeaderName::from_static("apns-channel-id");
pub(super) const APNS_REQUEST_ID: HeaderName = HeaderName::from_static("apns-request-id");

/// What a channel keeps for devices that are offline. Choose it when the channel is made; it cannot be changed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
pub enum StoragePolicy {
    /// 0: nothing, for a higher budget; broadcasts must have [`Expiration::Once`](crate::Expiration::Once) or none.
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
    type Error = InvalidValue;

    /// # Errors
    /// [`InvalidValue::Form`] for anything but 0 and 1.
    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            0 => Ok(Self::NoMessageStored),
            1 => Ok(Self::MostRecentMessage),
            _ => Err(InvalidValue::Form { what: "message-storage-policy", expected: "0 or 1" }),
        }
    }
}

/// A channel's settings, as APNs reports and takes them; the answer to [`Channels::read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChannelSettings {
    /// What it keeps.
    #[serde(rename = "message-storage-policy")]
    pub storage_policy: StoragePolicy,
}

/// A channel as the target of broadcasts: its id, and what it keeps for devices that are offline. Store it beside
/// what is broadcast, and give it to [`Broadcast::request`](super::Broadcast::request).
///
/// JSON form: `{"id":…,"message_storage_policy":0 or 1}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    id: ChannelId,
    #[serde(rename = "message_storage_policy")]
    storage_policy: StoragePolicy,
}

impl Channel {
    /// A channel that was created with this policy.
    #[must_use]
    pub const fn new(id: ChannelId, storage_policy: StoragePolicy) -> Self {
        Self { id, storage_policy }
    }

    /// Returns the channel's id.
    #[must_use]
    pub const fn id(&self) -> &ChannelId {
        &self.id
    }

    /// What it keeps for devices that are offline.
    #[must_use]
    pub const fn storage_policy(&self) -> StoragePolicy {
        self.storage_policy
    }
}

/// Makes the requests that manage an app's channels. The answers are read by [`ChannelAnswer`](super::ChannelAnswer).
///
/// Without a token (`None`) they are for a connection with a client certificate.
///
/// ```
/// use reveille_apns::channel::{Channels, StoragePolicy};
/// use reveille_apns::{App, Token};
/// use reveille_core::UnixTime;
///
/// let token = Token::from_jwt("header.claims.signature", UnixTime::from_secs(1_700_000_000))?;
/// let channels = Channels::new(App::production("com.example.app".parse()?));
/// let request = channels.create(StoragePolicy::MostRecentMessage, &token)?;
/// assert_eq!(request.method(), "POST");
/// assert_eq!(
///     request.uri(),
///     "https://api-manage-broadcast.push.apple.com:2196/1/apps/com.example.app/channels"
/// );
/// assert_eq!(request.body(), &br#"{"message-storage-policy":1,"push-type":"LiveActivity"}"#[..]);
/// # Ok::<(), reveille_apns::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Channels {
    app: App,
    request_id: Option<ApnsId>,
}

impl Channels {
    /// Makes the requests for one app, in its environment.
    #[must_use]
    pub const fn new(app: App) -> Self {
        Self { app, request_id: None }
    }

    /// Names the next request (`apns-request-id`).
    #[must_use]
    pub fn with_request_id(mut self, id: ApnsId) -> Self {
        self.request_id = Some(id);
        self
    }

    /// Creates a channel; read the answer with [`ChannelAnswer::created`](super::ChannelAnswer::created).
    ///
    /// # Errors
    /// [`InvalidRequest::Value`] if the parts make no request.
    pub fn create<'t>(
        &self,
        policy: StoragePolicy,
        token: impl Into<Option<&'t Token>>,
    ) -> Result<Request<Bytes>, InvalidRequest> {
        let number = u8::from(policy);
        let body = format!(r#"{{"message-storage-policy":{number},"push-type":"LiveActivity"}}"#);
        let mut request = self.request(Method::POST, "channels", body.into(), token.into())?;
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        Ok(request)
    }

    /// Reads a channel's settings; read the answer with [`ChannelAnswer::read`](super::ChannelAnswer::read).
    ///
    /// # Errors
    /// [`InvalidRequest::Value`] if the parts make no request.
    pub fn read<'t>(
        &self,
        channel: &ChannelId,
        token: impl Into<Option<&'t Token>>,
    ) -> Result<Request<Bytes>, InvalidRequest> {
        self.about(Method::GET, channel, token.into())
    }

    /// Deletes a channel; read the answer with [`ChannelAnswer::deleted`](super::ChannelAnswer::deleted).
    ///
    /// # Errors
    /// [`InvalidRequest::Value`] if the parts make no request.
    pub fn delete<'t>(
        &self,
        channel: &ChannelId,
        token: impl Into<Option<&'t Token>>,
    ) -> Result<Request<Bytes>, InvalidRequest> {
        self.about(Method::DELETE, channel, token.into())
    }

    /// Lists all channels; read the answer with [`ChannelAnswer::listed`](super::ChannelAnswer::listed).
    ///
    /// # Errors
    /// [`InvalidRequest::Value`] if the parts make no request.
    pub fn list<'t>(&self, token: impl Into<Option<&'t Token>>) -> Result<Request<Bytes>, InvalidRequest> {
        self.request(Method::GET, "all-channels", Bytes::new(), token.into())
    }

    fn about(
        &self,
        method: Method,
        channel: &ChannelId,
        token: Option<&Token>,
    ) -> Result<Request<Bytes>, InvalidRequest> {
        let mut request = self.request(method, "channels", Bytes::new(), token)?;
        request.headers_mut().insert(APNS_CHANNEL_ID, channel.header()?);
        Ok(request)
    }

    fn request(
        &self,
        method: Method,
        leaf: &str,
        body: Bytes,
        token: Option<&Token>,
    ) -> Result<Request<Bytes>, InvalidRequest> {
        let path = path(format_args!("/1/apps/{}/{leaf}", self.app.bundle_id()))?;
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = self.app.endpoints().channels().uri(path)?;
        let headers = request.headers_mut();
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token.authorization().clone());
        }
        if let Some(id) = self.request_id {
            headers.insert(APNS_REQUEST_ID, id.header()?);
        }
        Ok(request)
    }
}
