//! What the local services know.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use reveille_core::UnixTime;
use reveille_crypto::EcPrivateKey;
use reveille_crypto_ring::PROVIDER;
use reveille_testkit::apns::{ApnsService, TrustedKey};
use reveille_testkit::fcm::{Device, FcmService};
use reveille_testkit::webpush::PushService;
use reveille_webpush::target::AllowLoopback;
use reveille_webpush::{Endpoint, UserAgent, UserAgentKeys};
use serde_json::{Value, json};

use super::{Failure, KEY_ID, PROJECT, Received, Saved, TEAM, user_agent};
use crate::clock::Clock;

/// What is kept of what was taken.
const KEPT: usize = 1_000_000;
/// An access token lives as long as one of Google's.
const TOKEN_SECS: u64 = 3_599;

pub(super) struct State {
    web: PushService,
    apns: ApnsService,
    fcm: FcmService,
    browsers: HashMap<String, UserAgent>,
    origins: [String; 3],
    clock: Clock,
    tokens: u64,
    pub(super) saved: Saved,
    pub(super) received: Vec<Received>,
    pub(super) count: u64,
    pub(super) delay: Duration,
    pub(super) refuse: usize,
}

impl State {
    pub(super) fn new(p8: &str, origins: [String; 3], saved: Saved, clock: Clock) -> Result<Self, Failure> {
        let mut apns = ApnsService::new(PROVIDER);
        let public = *PROVIDER.es256.load(&EcPrivateKey::parse(p8)?)?.public_key();
        apns.trust(TrustedKey::new(TEAM, KEY_ID, public));
        let mut fcm = FcmService::new(PROJECT);
        for number in 1..=saved.androids {
            fcm.device(format!("android-{number}"), Device::Registered);
        }
        Ok(Self {
            web: PushService::new(origins[0].clone(), PROVIDER),
            apns,
            fcm,
            browsers: HashMap::new(),
            origins,
            clock,
            tokens: 0,
            saved,
            received: Vec::new(),
            count: 0,
            delay: Duration::ZERO,
            refuse: 0,
        })
    }

    pub(super) fn subscribe(&mut self, keys: UserAgentKeys) -> Result<Value, Failure> {
        let browser = user_agent(keys)?;
        let url = self.web.subscribe(None);
        let subscription = browser.subscription(Endpoint::new(&url, &AllowLoopback)?);
        self.browsers.insert(url, browser);
        Ok(json!({
            "endpoint": subscription.endpoint().as_str(),
            "expirationTime": null,
            "keys": {
                "p256dh": subscription.ua_public(),
                "auth": reveille_crypto::base64url::encode(subscription.expose_auth_secret()),
            },
        }))
    }

    pub(super) fn android(&mut self) -> String {
        self.saved.androids += 1;
        let token = format!("android-{}", self.saved.androids);
        self.fcm.device(&token, Device::Registered);
        token
    }

    pub(super) fn handle(&mut self, service: usize, request: &Request<Bytes>) -> Response<Bytes> {
        let now = self.clock.now();
        let path = request.uri().path();
        if service == 2 && path.starts_with("/computeMetadata/") {
            return self.grant(now);
        }
        if self.refuse > 0 {
            self.refuse -= 1;
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
            return response;
        }
        match service {
            0 => {
                let response = self.web.handle(request, now);
                let endpoint = format!("{}{path}", self.origins[0]);
                for message in self.web.take(&endpoint, now) {
                    let browser = self.browsers.get(&endpoint);
                    let plain = browser.and_then(|browser| browser.open(&message.body).ok());
                    let value: Value =
                        plain.and_then(|plain| serde_json::from_slice(&plain).ok()).unwrap_or_default();
                    let declared = value.get("notification").and_then(|shown| shown.get("data"));
                    let data = declared.or_else(|| value.get("data")).cloned().unwrap_or(value);
                    self.receive("web_push", endpoint.clone(), data, now);
                }
                response
            }
            1 => {
                let response = self.apns.handle(request, now);
                for push in self.apns.take_pushes() {
                    let data = serde_json::from_slice(&push.payload).unwrap_or_default();
                    self.receive("apns", push.device, data, now);
                }
                response
            }
            _ => {
                let response = self.fcm.handle(request, now);
                for stored in self.fcm.take() {
                    let token = stored.message.get("token").and_then(Value::as_str).unwrap_or_default();
                    let data = stored.message.get("data").cloned().unwrap_or_default();
                    self.receive("fcm", token.to_owned(), data, now);
                }
                response
            }
        }
    }

    /// As a metadata server: a token for whoever can ask.
    fn grant(&mut self, now: UnixTime) -> Response<Bytes> {
        self.tokens += 1;
        let token = format!("ya29.local-{}-{}", self.tokens, now.as_millis());
        self.fcm.allow(&token, now + Duration::from_secs(TOKEN_SECS));
        let body = json!({"access_token": token, "expires_in": TOKEN_SECS, "token_type": "Bearer"});
        let mut response = Response::new(Bytes::from(body.to_string()));
        let kind = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        response
    }

    fn receive(&mut self, service: &'static str, device: String, data: Value, at: UnixTime) {
        self.count += 1;
        if self.received.len() >= KEPT {
            self.received.remove(0);
        }
        self.received.push(Received { service, device, data, at });
    }
}
