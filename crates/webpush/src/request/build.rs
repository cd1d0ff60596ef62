//! The HTTP request of a push message (RFC 8030 §5, RFC 8291 §4).

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};

use super::RequestError;
use crate::message::{Message, Ttl};
use crate::target::Endpoint;

const TTL: HeaderName = HeaderName::from_static("ttl");
const URGENCY: HeaderName = HeaderName::from_static("urgency");
const TOPIC: HeaderName = HeaderName::from_static("topic");
const X_WNS_CACHE_POLICY: HeaderName = HeaderName::from_static("x-wns-cache-policy");

/// Room for every header that is ever set, so that the map is allocated once.
const HEADERS: usize = 7;

pub(super) fn build(
    message: &Message,
    endpoint: &Endpoint,
    authorization: HeaderValue,
    body: Bytes,
) -> Result<Request<Bytes>, RequestError> {
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(TTL, message.ttl_value().clone());
    headers.insert(AUTHORIZATION, authorization);
    if message.payload().is_some() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    }
    if let Some(urgency) = message.urgency() {
        headers.insert(URGENCY, urgency.value());
    }
    if let Some(topic) = message.topic() {
        headers.insert(TOPIC, topic.value().clone());
    }
    // WNS caches by default and then refuses a TTL of zero: "Ttl value conflicts with X-WNS-Cache-Policy".
    if message.ttl() == Ttl::ZERO && is_wns(endpoint.host()) {
        headers.insert(X_WNS_CACHE_POLICY, HeaderValue::from_static("no-cache"));
    }
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    // Parsed here and not kept: it would double what a subscription takes in memory.
    *request.uri_mut() = Uri::try_from(endpoint.as_str()).map_err(|_| RequestError::Uri)?;
    *request.headers_mut() = headers;
    Ok(request)
}

fn is_wns(host: &str) -> bool {
    const SUFFIX: &str = ".notify.windows.com";
    let tail = host.len().checked_sub(SUFFIX.len()).and_then(|at| host.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(SUFFIX))
}
