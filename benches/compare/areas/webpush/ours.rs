//! Our side: a server whose token is cached, and a subscription.

use std::hint::black_box;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use reveille_core::UnixTime;
use reveille_crypto::{CryptoProvider, P256PublicKey};
use reveille_webpush::encryption::seal_with;
use reveille_webpush::message::SizeLimit;
use reveille_webpush::request::RequestError;
use reveille_webpush::{ApplicationServer, Message, Subscription, Ttl, VapidKey, VapidKeys, VapidSettings};

use crate::allocations;
use crate::report::Report;

/// The endpoint of the figures: as long as Mozilla's real ones.
pub const ENDPOINT: &str = concat!(
    "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABaso4Vajy4STM25r5y5oFfyN451rUmES6mhQngxABxbZB5q_o75WpG25oK",
    "drlrh9KdgWFKdYBc-buLPhvCTqR5KdsK8iCZHQume-ndtZJWKOgJbQ20GjbxHmAT1IAv8AIxTwHO-JTQ2Np2hwkKISp2_KUtpnmwFzglLP7vlCd1",
);
/// The user agent of RFC 8291 Appendix A.
pub const P256DH: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
pub const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
/// A VAPID key: the example's `as_private`, which signs as well as any other.
pub const VAPID_PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
pub const CONTACT: &str = "mailto:ops@example.com";
pub const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

pub struct Ours {
    crypto: CryptoProvider,
    server: ApplicationServer,
    subscription: Subscription,
}

impl Ours {
    pub fn new(crypto: CryptoProvider) -> Self {
        let key = VapidKey::from_text(VAPID_PRIVATE, crypto).expect("valid key");
        let settings = VapidSettings::new(CONTACT.parse().expect("valid contact"));
        let server = ApplicationServer::new(crypto, VapidKeys::new(key), settings);
        let subscription =
            Subscription::from_json(&subscription_json(ENDPOINT, P256DH)).expect("valid subscription");
        Self { crypto, server, subscription }
    }

    pub fn seal<'a>(&'a self, payload: &'a [u8]) -> impl FnMut() -> Vec<u8> + 'a {
        let peer: &P256PublicKey = self.subscription.ua_public();
        let message = message(payload);
        move || {
            let agreement = self.crypto.p256.agree_ephemeral(peer).expect("agreement");
            seal_with(self.crypto, &self.subscription, agreement, &message).expect("body")
        }
    }

    pub fn request(&self, payload: &[u8]) -> impl FnMut() -> Request<Bytes> + use<'_> {
        let message = message(payload);
        move || self.server.request(&message, &self.subscription, NOW).expect("request")
    }

    /// One call makes `count` requests.
    pub fn batch(&self, payload: &[u8], count: usize) -> impl FnMut() -> usize + use<'_> {
        let message = message(payload);
        let subscriptions = vec![&self.subscription; count];
        let mut out: Vec<Result<Request<Bytes>, RequestError>> = Vec::with_capacity(count);
        move || {
            out.clear();
            self.server.requests(&message, &subscriptions, NOW, &mut out);
            black_box(&out).iter().filter(|request| request.is_ok()).count()
        }
    }
}

impl Ours {
    /// One call makes `count` requests with different messages, whose sizes are around `size`, to different
    /// subscriptions.
    pub fn mixed_batch(&self, size: usize, count: usize) -> impl FnMut() -> usize + use<'_> {
        let subscriptions: Vec<_> = (0..count)
            .map(|_| {
                let key = self.crypto.p256.generate().expect("key");
                let public = key.public_key().expect("a generated key has it").to_string();
                Subscription::from_json(&subscription_json(ENDPOINT, &public)).expect("valid subscription")
            })
            .collect();
        let messages: Vec<_> = (0..count).map(|at| message(&vec![at as u8; size + at - count / 2])).collect();
        let mut out: Vec<Result<Request<Bytes>, RequestError>> = Vec::with_capacity(count);
        move || {
            out.clear();
            let jobs: Vec<_> = messages.iter().zip(&subscriptions).collect();
            self.server.requests_each(&jobs, NOW, &mut out);
            black_box(&out).iter().filter(|request| request.is_ok()).count()
        }
    }
}

pub fn subscription_json(endpoint: &str, p256dh: &str) -> String {
    format!(
        r#"{{"endpoint":"{endpoint}","expirationTime":null,"keys":{{"p256dh":"{p256dh}","auth":"{AUTH}"}}}}"#
    )
}

fn message(payload: &[u8]) -> Message {
    Message::new_within(SizeLimit::Provider, payload.to_vec(), Ttl::from_secs(3_600).expect("valid TTL"))
        .expect("valid message")
}

/// Allocations beyond the returned request's own buffers. Those are counted, not assumed: the same request is put
/// together by hand from ready values, with a body of zeros, and what that allocates is the request's own.
pub fn allocations(report: &Report, ours: &Ours, provider: &str) {
    let payload = [b'x'; 1_024];
    let mut request = ours.request(&payload);
    let model = request();
    let own = count(64, || by_hand(&model));
    let single = count(64, &mut request);
    report.note(&format!(
        "allocations per request, {provider}, 1024 bytes: {single:.2}, of which {own:.2} are the request's own buffers \
         (the same request put together by hand): {:.2} beyond them",
        single - own
    ));
    for size in [1, 8, 64, 1_024] {
        let mut batch = ours.batch(&payload, size);
        batch();
        let each = count(4, batch) / size as f64;
        report.note(&format!(
            "allocations per request, {provider}, batch of {size}: {each:.2}, {:.2} beyond its own buffers",
            each - own
        ));
    }
}

fn by_hand(model: &Request<Bytes>) -> Request<Bytes> {
    let mut headers = HeaderMap::with_capacity(7);
    for (name, value) in model.headers() {
        headers.insert(name, HeaderValue::clone(value));
    }
    let mut request = Request::new(Bytes::from(vec![0; model.body().len()]));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::try_from(ENDPOINT).expect("valid URI");
    *request.headers_mut() = headers;
    request
}

fn count<T>(calls: u32, mut run: impl FnMut() -> T) -> f64 {
    let before = allocations::count();
    for _ in 0..calls {
        black_box(run());
    }
    (allocations::count() - before) as f64 / f64::from(calls)
}
