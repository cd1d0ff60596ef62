//! One push for all who follow a channel.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request};
use reveille_core::UnixTime;
use reveille_payload::{Cut, SizeLimit, TooLarge};
use serde::{Deserialize, Serialize};

use super::manage::{APNS_CHANNEL_ID, APNS_REQUEST_ID};
use super::{Channel, StoragePolicy};
use crate::credential::Token;
use crate::live_activity::BroadcastActivity;
use crate::message::{ApnsId, Expiration, Priority, Sacrifice, apply_texts, by_class, decide, too_large};
use crate::request::{APNS_EXPIRATION, APNS_PRIORITY, APNS_PUSH_TYPE, InvalidRequest, JSON, check_time};
use crate::target::{App, path};
use crate::text::Version1;

/// "At most 8 hours" (Apple, "Sending channel management requests to APNs", message storage policy 1).
const MOST_KEPT: Duration = Duration::from_secs(8 * 60 * 60);

/// An update or the end of a Live Activity, for all who follow a channel. Use it where thousands watch the same
/// thing; 5,120 bytes are allowed.
///
/// Priority and expiration are required by APNs; without a word they are 10 and one attempt.
///
/// ```
/// use reveille_apns::live_activity::ActivityUpdate;
/// use reveille_apns::channel::{Broadcast, Channel, StoragePolicy};
/// use reveille_apns::{App, JsonObject, SizeLimit, Token};
/// use reveille_core::UnixTime;
///
/// let now = UnixTime::from_secs(1_700_000_000);
/// let state = JsonObject::from_json(br#"{"score":"2:1"}"#)?;
/// let goal = Broadcast::new(ActivityUpdate::new(state, now));
/// let app = App::production("com.example.app".parse()?);
/// let channel = Channel::new("dHN0LXNyY2gtY2hubA==".parse()?, StoragePolicy::NoMessageStored);
/// let token = Token::from_jwt("header.claims.signature", now)?;
/// let request = goal.request(&app, &channel, &token, SizeLimit::default(), now)?;
/// assert_eq!(request.uri(), "https://api.push.apple.com:443/4/broadcasts/apps/com.example.app");
/// assert_eq!(request.headers()["apns-expiration"], "0");
/// assert!(!request.headers().contains_key("apns-topic"));
/// # Ok::<(), reveille_apns::Error>(())
/// ```
///
/// JSON form, version 1: `v` (1; may be left out when it is read), `activity` (with `event`: `update` or `end`), and
/// optionally `priority`, `expiration`, `request_id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broadcast<'a> {
    #[serde(default)]
    v: Version1,
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

    /// Makes a broadcast of one event of a Live Activity.
    pub fn new(activity: impl Into<BroadcastActivity<'a>>) -> Self {
        Self {
            v: Version1,
            activity: activity.into(),
            priority: Priority::Immediate,
            expiration: Expiration::Unset,
            request_id: None,
        }
    }

    /// Sets how soon devices get it (`apns-priority`).
    #[must_use]
    pub const fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Until when the channel keeps it, for devices that are offline: at most 8 hours, and only if the channel
    /// stores messages. Unset means one attempt.
    #[must_use]
    pub const fn with_expiration(mut self, expiration: Expiration) -> Self {
        self.expiration = expiration;
        self
    }

    /// Names the request (`apns-request-id`); APNs makes a name itself where there is none.
    #[must_use]
    pub const fn with_request_id(mut self, id: ApnsId) -> Self {
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
        self.fit_in_order(&Sacrifice::DEFAULT, limit)
    }

    /// [`fit`](Self::fit) in another order. What the order does not name is not cut.
    ///
    /// # Errors
    /// [`TooLarge`], as [`fit`](Self::fit).
    pub fn fit_in_order(&mut self, order: &[Sacrifice], limit: SizeLimit) -> Result<Vec<Cut>, TooLarge> {
        let (payload, allowed) = (self.payload(), limit.of(Self::MAX_PAYLOAD));
        if payload.len() <= allowed {
            return Ok(Vec::new());
        }
        let (classes, cuts) = decide(&payload, allowed, self.activity.cuttable(), order)?;
        apply_texts(&by_class(&classes, &cuts), self.activity.texts_mut());
        Ok(cuts)
    }

    /// The request. Without a token (`None`) it is for a connection with a client certificate.
    ///
    /// # Errors
    /// [`InvalidRequest::TooLarge`] if the payload is over the limit, or over Apple's 5,120 bytes;
    /// [`InvalidRequest::KeptTooLong`] and [`NotKept`](InvalidRequest::NotKept) for an expiration that the channel does not
    /// have; [`InvalidRequest::Seconds`] if a time must be in seconds.
    pub fn request<'t>(
        &self,
        app: &App,
        channel: &Channel,
        token: impl Into<Option<&'t Token>>,
        limit: SizeLimit,
        now: UnixTime,
    ) -> Result<Request<Bytes>, InvalidRequest> {
        let (payload, allowed) = (self.payload(), limit.of(Self::MAX_PAYLOAD));
        if payload.len() > allowed {
            return Err(too_large(&payload, allowed, self.activity.cuttable()).into());
        }
        self.activity.times().into_iter().try_for_each(|(what, time)| check_time(what, time))?;
        let path = path(format_args!("/4/broadcasts/apps/{}", app.bundle_id()))?;
        let mut request = Request::new(Bytes::from(payload));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = app.endpoints().broadcast().uri(path)?;
        *request.headers_mut() = self.headers(channel, token.into(), now)?;
        Ok(request)
    }

    fn headers(
        &self,
        channel: &Channel,
        token: Option<&Token>,
        now: UnixTime,
    ) -> Result<HeaderMap, InvalidRequest> {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(APNS_CHANNEL_ID, channel.id().header()?);
        headers.insert(APNS_PUSH_TYPE, HeaderValue::from_static("liveactivity"));
        headers.insert(APNS_PRIORITY, HeaderValue::from_static(self.priority.as_str()));
        headers.insert(APNS_EXPIRATION, self.kept_until(channel.storage_policy(), now)?);
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token.authorization().clone());
        }
        if let Some(id) = self.request_id {
            headers.insert(APNS_REQUEST_ID, id.header()?);
        }
        Ok(headers)
    }

    /// The value of `apns-expiration`, which a broadcast must have: Unix seconds, 0 for one attempt.
    fn kept_until(&self, policy: StoragePolicy, now: UnixTime) -> Result<HeaderValue, InvalidRequest> {
        let Expiration::At(expiration) = self.expiration else { return Ok(HeaderValue::from_static("0")) };
        if policy == StoragePolicy::NoMessageStored {
            return Err(InvalidRequest::NotKept);
        }
        check_time("apns-expiration", expiration)?;
        let latest = now + MOST_KEPT;
        if expiration > latest {
            return Err(InvalidRequest::KeptTooLong { expiration, latest });
        }
        Ok(HeaderValue::from(expiration.as_secs().max(1)))
    }
}
