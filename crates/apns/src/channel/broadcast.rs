//! One push for all who follow a channel.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request};
use reveille_payload::{Cut, TooLarge, fit};
use serde::{Deserialize, Serialize};

use super::manage::{APNS_CHANNEL_ID, APNS_REQUEST_ID};
use super::{ChannelId, StoragePolicy};
use crate::activity::BroadcastActivity;
use crate::endpoints::{path, uri};
use crate::notification::apply_texts;
use crate::prepared::{APNS_EXPIRATION, APNS_PRIORITY, APNS_PUSH_TYPE, JSON, expiration_header};
use crate::{ApnsId, BearerToken, BundleId, Endpoints, Expiration, Priority, SizeLimit};

/// An update or the end of a Live Activity, for all who follow a channel. 5,120 bytes are allowed.
///
/// Priority and expiration are required by APNs; without a word they are 10 and one attempt.
///
/// ```
/// use reveille_apns::{ActivityUpdate, BearerToken, Broadcast, Endpoints, JsonObject, SizeLimit, StoragePolicy};
/// use reveille_core::UnixTime;
///
/// let state = JsonObject::from_json(br#"{"score":"2:1"}"#)?;
/// let goal = Broadcast::new(ActivityUpdate::new(state, UnixTime::from_secs(1_700_000_000)));
/// let token = BearerToken::from_jwt("header.claims.signature")?;
/// let request = goal.request(
///     &"com.example.app".parse()?,
///     &"dHN0LXNyY2gtY2hubA==".parse()?,
///     StoragePolicy::NoMessageStored,
///     &Endpoints::production(),
///     Some(&token),
///     SizeLimit::Apple,
/// )?;
/// assert_eq!(request.uri(), "https://api.push.apple.com:443/4/broadcasts/apps/com.example.app");
/// assert_eq!(request.headers()["apns-expiration"], "0");
/// assert!(!request.headers().contains_key("apns-topic"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// JSON form: `activity` (with `event`: `update` or `end`), and optionally `priority`, `expiration`, `request_id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broadcast<'a> {
    activity: BroadcastActivity<'a>,
    #[serde(default = "immediate")]
    priority: Priority,
    #[serde(default, skip_serializing_if = "Expiration::is_unset")]
    expiration: Expiration,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<ApnsId>,
}

const fn immediate() -> Priority {
    Priority::Immediate
}

impl<'a> Broadcast<'a> {
    /// Apple's hard limit of the payload, in bytes.
    pub const MAX_PAYLOAD: usize = 5_120;

    /// One event.
    pub fn new(activity: impl Into<BroadcastActivity<'a>>) -> Self {
        Self {
            activity: activity.into(),
            priority: Priority::Immediate,
            expiration: Expiration::Unset,
            request_id: None,
        }
    }

    /// How urgent it is.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Until when the channel keeps it, for devices that are offline: at most 8 hours, and only if the channel
    /// stores messages. Unset means one attempt.
    #[must_use]
    pub const fn expiration(mut self, expiration: Expiration) -> Self {
        self.expiration = expiration;
        self
    }

    /// Names the request (`apns-request-id`).
    #[must_use]
    pub const fn request_id(mut self, id: ApnsId) -> Self {
        self.request_id = Some(id);
        self
    }

    /// The payload, whatever its size.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.activity.size_hint());
        out.extend_from_slice(b"{\"aps\":");
        self.activity.write_aps(&mut out);
        out.push(b'}');
        out
    }

    /// Shortens the alert's body, then its title, until the payload fits; see [`Push::fit`](crate::Push::fit).
    ///
    /// # Errors
    /// [`TooLarge`], which lists bytes per field, if that is not enough; then nothing is cut.
    pub fn fit(&mut self, limit: SizeLimit) -> Result<Vec<Cut>, TooLarge> {
        let cuts = fit(self.payload().len(), limit.of(Self::MAX_PAYLOAD), &self.activity.parts())?;
        apply_texts(&cuts, self.activity.texts_mut());
        Ok(cuts)
    }

    /// The request. A channel without storage takes only `apns-expiration: 0`, and that is what it is sent.
    ///
    /// # Errors
    /// [`TooLarge`] if the payload is over the limit, or over Apple's.
    pub fn request(
        &self,
        app: &BundleId,
        channel: &ChannelId,
        stored: StoragePolicy,
        endpoints: &Endpoints,
        token: Option<&BearerToken>,
        limit: SizeLimit,
    ) -> Result<Request<Bytes>, TooLarge> {
        let payload = self.payload();
        let allowed = limit.of(Self::MAX_PAYLOAD);
        if payload.len() > allowed {
            return Err(TooLarge::uncut(payload.len(), allowed, &self.activity.parts()));
        }
        let mut request = Request::new(Bytes::from(payload));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri(endpoints.broadcast(), path(format_args!("/4/broadcasts/apps/{app}")));
        self.write_headers(request.headers_mut(), channel, stored, token);
        Ok(request)
    }

    fn write_headers(
        &self,
        headers: &mut HeaderMap,
        channel: &ChannelId,
        stored: StoragePolicy,
        token: Option<&BearerToken>,
    ) {
        let expiration = match (stored, self.expiration) {
            (StoragePolicy::NoMessageStored, _) | (_, Expiration::Unset) => Expiration::Once,
            (StoragePolicy::MostRecentMessage, expiration) => expiration,
        };
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(APNS_CHANNEL_ID, channel.header());
        headers.insert(APNS_PUSH_TYPE, HeaderValue::from_static("liveactivity"));
        headers.insert(APNS_PRIORITY, HeaderValue::from_static(self.priority.as_str()));
        if let Some(value) = expiration_header(expiration) {
            headers.insert(APNS_EXPIRATION, value);
        }
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token.header());
        }
        if let Some(id) = self.request_id {
            headers.insert(APNS_REQUEST_ID, id.header());
        }
    }
}
