//! One notification, many devices.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};

use super::{APNS_ID, InvalidRequest};
use crate::message::ApnsId;
use crate::target::{DeviceToken, Origin};

/// A notification for an app, from which a request per device is made by sharing: two allocations each, for the header
/// map. Made by [`Prepared::fan_out`](super::Prepared::fan_out), for loops that choose an `apns-id` per device or come back to it.
#[derive(Clone)]
pub struct FanOut {
    origin: Origin,
    headers: HeaderMap,
    body: Bytes,
}

impl FanOut {
    pub(super) const fn new(origin: Origin, headers: HeaderMap, body: Bytes) -> Self {
        Self { origin, headers, body }
    }

    /// The request for one device.
    ///
    /// # Errors
    /// [`InvalidRequest::Value`] if host and path together are no URI.
    #[inline]
    pub fn request(&self, device: &DeviceToken) -> Result<Request<Bytes>, InvalidRequest> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.origin.uri(device.path_and_query())?;
        *request.headers_mut() = self.headers.clone();
        Ok(request)
    }

    /// The request for one device, with an `apns-id` of its own, by which the answer and Apple's delivery log name it.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn request_with_id(
        &self,
        device: &DeviceToken,
        id: ApnsId,
    ) -> Result<Request<Bytes>, InvalidRequest> {
        let mut request = self.request(device)?;
        request.headers_mut().insert(APNS_ID, id.header()?);
        Ok(request)
    }
}

impl fmt::Debug for FanOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FanOut")
            .field("origin", &self.origin)
            .field("headers", &self.headers)
            .field("payload_bytes", &self.body.len())
            .finish()
    }
}
