//! One notification, written and checked.

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use reveille_core::UnixTime;
use reveille_payload::{ObjectWriter, WriteJson as _};

use super::{FanOut, InvalidRequest};
use crate::credential::Token;
use crate::message::{
    ApnsId, Expiration, Priority, Push, PushType, SizeLimit, looks_like_seconds, too_large,
};
use crate::target::{App, DeviceToken};

pub(crate) const APNS_ID: HeaderName = HeaderName::from_static("apns-id");
pub(crate) const APNS_EXPIRATION: HeaderName = HeaderName::from_static("apns-expiration");
pub(crate) const APNS_PRIORITY: HeaderName = HeaderName::from_static("apns-priority");
pub(crate) const APNS_PUSH_TYPE: HeaderName = HeaderName::from_static("apns-push-type");
const APNS_TOPIC: HeaderName = HeaderName::from_static("apns-topic");
const APNS_COLLAPSE_ID: HeaderName = HeaderName::from_static("apns-collapse-id");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A notification that was written and checked: make requests of it, to one device or to many.
///
/// ```
/// use reveille_apns::{Alert, App, DeviceToken, Prepared, SizeLimit, Token};
/// use reveille_core::UnixTime;
///
/// let app = App::production("com.example.app".parse()?);
/// let token = Token::from_jwt("header.claims.signature", UnixTime::from_secs(1_700_000_000))?;
/// let prepared = Prepared::new(&Alert::new("Hello", "world"), SizeLimit::default())?;
///
/// let device: DeviceToken = "00fc13ad".parse()?;
/// let request = prepared.request(&app, &device, &token)?;
/// assert_eq!(request.uri(), "https://api.push.apple.com:443/3/device/00fc13ad");
/// assert_eq!(request.headers()["apns-topic"], "com.example.app");
/// assert_eq!(request.headers()["apns-push-type"], "alert");
/// assert_eq!(request.headers()["authorization"], "bearer header.claims.signature");
/// assert_eq!(request.body(), &br#"{"aps":{"alert":{"title":"Hello","body":"world"}}}"#[..]);
///
/// let devices = [device, "13ad".parse()?];
/// assert!(prepared.requests(&app, &devices, &token)?.all(|request| request.is_ok()));
/// # Ok::<(), reveille_apns::Error>(())
/// ```
///
/// `Debug` shows the payload's size only: it may hold a token.
#[derive(Clone)]
pub struct Prepared {
    kind: PushType,
    id: Option<ApnsId>,
    expiration: Expiration,
    priority: Option<Priority>,
    collapse_id: Option<HeaderValue>,
    body: Bytes,
}

impl Prepared {
    /// Writes the notification. The limit is our own of 2,048 bytes with [`SizeLimit::default`]; Apple's (4,096 bytes,
    /// 5,120 for VoIP) always holds.
    ///
    /// # Errors
    /// [`InvalidRequest::TooLarge`] if the payload is over the limit, see [`Push::fit`];
    /// [`InvalidRequest::Seconds`] if a time must be in seconds.
    pub fn new<P: Push + ?Sized>(push: &P, limit: SizeLimit) -> Result<Self, InvalidRequest> {
        Self::build(push, push.payload(), limit)
    }

    /// As [`new`](Self::new), with more of the app's own keys beside `aps`: `custom` writes them straight into the
    /// payload. For whoever writes the same keys into every push; elsewhere a push's `with_custom` is safer.
    ///
    /// They count for the size and are not looked at: see that none of them is `aps`, or stands twice.
    ///
    /// ```
    /// use reveille_apns::{Background, Prepared, SizeLimit};
    /// use reveille_payload::label;
    /// let prepared = Prepared::new_with(&Background::new(), SizeLimit::Own, |custom| custom.text(label!("chat"), "c-1"))?;
    /// assert_eq!(prepared.payload(), r#"{"aps":{"content-available":1},"chat":"c-1"}"#);
    /// # Ok::<(), reveille_apns::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn new_with<P: Push + ?Sized>(
        push: &P,
        limit: SizeLimit,
        custom: impl FnOnce(&mut ObjectWriter<'_>),
    ) -> Result<Self, InvalidRequest> {
        let mut payload = Vec::with_capacity(push.size_hint().saturating_add(768));
        push.write_payload(&mut payload);
        payload.pop();
        custom(&mut ObjectWriter::open(&mut payload));
        payload.push(b'}');
        Self::build(push, payload, limit)
    }

    fn build<P: Push + ?Sized>(push: &P, payload: Vec<u8>, limit: SizeLimit) -> Result<Self, InvalidRequest> {
        let kind = push.push_type();
        let allowed = limit.of(kind.max_payload());
        if payload.len() > allowed {
            return Err(too_large(&payload, allowed, push.cuttable()).into());
        }
        let wanted = push.delivery_headers();
        if let Expiration::At(time) = wanted.expiration {
            check_time("apns-expiration", time)?;
        }
        push.times().into_iter().try_for_each(|(what, time)| check_time(what, time))?;
        let collapse_id = wanted.collapse_id.map(crate::message::CollapseId::header).transpose()?;
        let (id, expiration, priority) = (wanted.id, wanted.expiration, wanted.priority);
        Ok(Self { kind, id, expiration, priority, collapse_id, body: payload.into() })
    }

    /// The request for one device. Without a token (`None`) it is for a connection with a client certificate.
    ///
    /// # Errors
    /// [`InvalidRequest::Value`] if topic and type together are no header values.
    pub fn request<'t>(
        &self,
        app: &App,
        device: &DeviceToken,
        token: impl Into<Option<&'t Token>>,
    ) -> Result<Request<Bytes>, InvalidRequest> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = app.endpoints().device().uri(device.path_and_query())?;
        *request.headers_mut() = self.headers(app, token.into())?;
        Ok(request)
    }

    /// A request for each device, in their order: two allocations each, for the header map; body, header values and paths
    /// are shared.
    ///
    /// # Errors
    /// [`InvalidRequest::Value`] if topic and type together are no header values.
    pub fn requests<'d, 't, I, T>(
        &self,
        app: &App,
        devices: I,
        token: T,
    ) -> Result<
        impl Iterator<Item = Result<Request<Bytes>, InvalidRequest>> + use<'d, 't, I, T>,
        InvalidRequest,
    >
    where
        I: IntoIterator<Item = &'d DeviceToken>,
        T: Into<Option<&'t Token>>,
    {
        let fan_out = self.fan_out(app, token)?;
        Ok(devices.into_iter().map(move |device| fan_out.request(device)))
    }

    /// What all requests to the devices of one app have in common. Make another one when the token is renewed in the
    /// middle of a long list: that costs what a request costs.
    ///
    /// # Errors
    /// [`InvalidRequest::Value`] if topic and type together are no header values.
    pub fn fan_out<'t>(
        &self,
        app: &App,
        token: impl Into<Option<&'t Token>>,
    ) -> Result<FanOut, InvalidRequest> {
        Ok(FanOut::new(app.endpoints().device().clone(), self.headers(app, token.into())?, self.body.clone()))
    }

    fn headers(&self, app: &App, token: Option<&Token>) -> Result<HeaderMap, InvalidRequest> {
        // Room for all of them, and for an `apns-id` in a clone.
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(APNS_TOPIC, app.bundle_id().topic_header(&self.kind)?);
        headers.insert(APNS_PUSH_TYPE, self.kind.header()?);
        if let Some(id) = self.id {
            headers.insert(APNS_ID, id.header()?);
        }
        if let Some(value) = expiration_header(self.expiration) {
            headers.insert(APNS_EXPIRATION, value);
        }
        if let Some(priority) = self.priority {
            headers.insert(APNS_PRIORITY, HeaderValue::from_static(priority.as_str()));
        }
        if let Some(id) = &self.collapse_id {
            headers.insert(APNS_COLLAPSE_ID, id.clone());
        }
        if let Some(token) = token {
            headers.insert(http::header::AUTHORIZATION, token.authorization().clone());
        }
        Ok(headers)
    }

    /// Returns the payload, the body of each request.
    #[must_use]
    pub const fn payload(&self) -> &Bytes {
        &self.body
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("push_type", &self.kind)
            .field("payload_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Unix seconds as a header's value.
fn expiration_header(expiration: Expiration) -> Option<HeaderValue> {
    // Ten digits until the year 2286: of the very length, the value takes no memory besides.
    let mut digits = Vec::with_capacity(10);
    expiration.as_secs()?.write_json(&mut digits);
    HeaderValue::try_from(digits).ok()
}

/// Refuses seconds where milliseconds are due.
pub(crate) fn check_time(what: &'static str, time: UnixTime) -> Result<(), InvalidRequest> {
    if looks_like_seconds(time) {
        return Err(InvalidRequest::Seconds { what, millis: time.as_millis() });
    }
    Ok(())
}
