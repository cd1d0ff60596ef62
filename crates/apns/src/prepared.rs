//! One notification, many devices.

use std::fmt;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::uri::Authority;
use http::{Method, Request};
use reveille_payload::TooLarge;

use crate::endpoints::uri;
use crate::{ApnsId, BearerToken, BundleId, DeviceToken, Endpoints, Expiration, Push, SizeLimit};

pub(crate) const APNS_ID: HeaderName = HeaderName::from_static("apns-id");
pub(crate) const APNS_EXPIRATION: HeaderName = HeaderName::from_static("apns-expiration");
pub(crate) const APNS_PRIORITY: HeaderName = HeaderName::from_static("apns-priority");
pub(crate) const APNS_PUSH_TYPE: HeaderName = HeaderName::from_static("apns-push-type");
const APNS_TOPIC: HeaderName = HeaderName::from_static("apns-topic");
const APNS_COLLAPSE_ID: HeaderName = HeaderName::from_static("apns-collapse-id");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A notification written once, from which a request per device is made by sharing: two allocations each, for the
/// header map; body, header values and path are shared.
///
/// ```
/// use reveille_apns::{Alert, BearerToken, DeviceToken, Endpoints, Prepared, SizeLimit};
///
/// let push = Alert::new("Hello", "world");
/// let app = "com.example.app".parse()?;
/// let token = BearerToken::from_jwt("header.claims.signature")?;
/// let prepared =
///     Prepared::new(&push, &app, &Endpoints::production(), SizeLimit::Apple)?.authorized(&token);
///
/// let device: DeviceToken = "00fc13ad".parse()?;
/// let request = prepared.for_device(&device);
/// assert_eq!(request.uri(), "https://api.push.apple.com:443/3/device/00fc13ad");
/// assert_eq!(request.headers()["apns-topic"], "com.example.app");
/// assert_eq!(request.headers()["apns-push-type"], "alert");
/// assert_eq!(request.headers()["authorization"], "bearer header.claims.signature");
/// assert_eq!(request.body(), &br#"{"aps":{"alert":{"title":"Hello","body":"world"}}}"#[..]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `Debug` shows the payload's size only: it may hold a token.
#[derive(Clone)]
pub struct Prepared {
    authority: Authority,
    headers: HeaderMap,
    body: Bytes,
}

impl Prepared {
    /// Writes the notification. Without [`authorized`](Self::authorized) the requests carry no provider token, as
    /// they must on a connection with a client certificate.
    ///
    /// # Errors
    /// [`TooLarge`] if the payload is over the limit, or over Apple's; see [`Push::fit`].
    pub fn new<P: Push + ?Sized>(
        push: &P,
        app: &BundleId,
        endpoints: &Endpoints,
        limit: SizeLimit,
    ) -> Result<Self, TooLarge> {
        let kind = push.push_type();
        let payload = push.payload();
        let allowed = limit.of(kind.max_payload());
        if payload.len() > allowed {
            return Err(TooLarge::uncut(payload.len(), allowed, &push.parts()));
        }
        let wanted = push.delivery_headers();
        // Room for all of them, so that a clone has room as well.
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(APNS_TOPIC, app.topic_header(kind));
        headers.insert(APNS_PUSH_TYPE, HeaderValue::from_static(kind.as_str()));
        if let Some(id) = wanted.id {
            headers.insert(APNS_ID, id.header());
        }
        if let Some(value) = expiration_header(wanted.expiration) {
            headers.insert(APNS_EXPIRATION, value);
        }
        if let Some(priority) = wanted.priority {
            headers.insert(APNS_PRIORITY, HeaderValue::from_static(priority.as_str()));
        }
        if let Some(id) = wanted.collapse_id {
            headers.insert(APNS_COLLAPSE_ID, id.header());
        }
        Ok(Self { authority: endpoints.device().clone(), headers, body: payload.into() })
    }

    /// With a provider token. Call it again when the token is renewed in the middle of a long fan-out.
    #[must_use]
    pub fn authorized(mut self, token: &BearerToken) -> Self {
        self.headers.insert(AUTHORIZATION, token.header());
        self
    }

    /// The request for one device.
    #[inline]
    #[must_use]
    pub fn for_device(&self, device: &DeviceToken) -> Request<Bytes> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri(&self.authority, device.path_and_query());
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// The request for one device, with an `apns-id` of its own, by which the answer and Apple's delivery log name it.
    #[must_use]
    pub fn for_device_with_id(&self, device: &DeviceToken, id: ApnsId) -> Request<Bytes> {
        let mut request = self.for_device(device);
        request.headers_mut().insert(APNS_ID, id.header());
        request
    }

    /// The payload.
    #[must_use]
    pub const fn payload(&self) -> &Bytes {
        &self.body
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("authority", &self.authority)
            .field("headers", &self.headers)
            .field("payload_bytes", &self.body.len())
            .finish()
    }
}

/// Unix seconds as a header's value.
pub(crate) fn expiration_header(expiration: Expiration) -> Option<HeaderValue> {
    expiration.as_secs().map(HeaderValue::from)
}
