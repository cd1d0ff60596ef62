//! The services' twins, and what they received: what the oracle judges by.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response};
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_crypto::{CryptoProvider, EcPrivateKey};
use reveille_crypto_rustcrypto::PROVIDER;
use reveille_delivery::DeviceId;
use reveille_registry::{Purpose, Token};
use reveille_webpush::target::PublicHttps;
use reveille_webpush::{ApplicationServer, Endpoint, StoredSubscription, UserAgent, UserAgentKeys};
use serde_json::Value;
use std::sync::Arc;

use crate::apns::{self, ApnsService, TrustedKey};
use crate::fcm::{self, FcmService};
use crate::webpush::{self, PushService};

use super::node::{fail, ok};

/// RFC 7515 Appendix A.3: the key, in the form of a `.p8` file.
pub(super) const P8: &str = "-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n\
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n\
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n\
-----END PRIVATE KEY-----";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Service {
    WebPush,
    Apns,
    Fcm,
}

impl Service {
    pub(super) const ALL: [Self; 3] = [Self::WebPush, Self::Apns, Self::Fcm];
}

/// What a service is made to answer, instead of what it would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Unavailable,
    SlowDown(u32),
    NotFound,
    Credential,
}

/// What a service took, opened as the device opens it.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// Whose token it was sent to.
    pub(super) device: DeviceId,
    pub(super) owner: PersonId,
    /// The app's own keys.
    pub(super) data: Value,
}

pub(super) struct Services {
    crypto: CryptoProvider,
    web: PushService,
    apns: ApnsService,
    fcm: FcmService,
    server: Arc<ApplicationServer>,
    browsers: BTreeMap<String, UserAgent>,
    /// By token, or endpoint.
    owners: BTreeMap<String, (Service, DeviceId, PersonId)>,
    made: u64,
}

impl Services {
    pub(super) fn new(crypto: CryptoProvider, server: Arc<ApplicationServer>) -> Self {
        let mut apns = ApnsService::new(crypto);
        let key = ok(EcPrivateKey::parse(P8), "a key");
        let key = ok(PROVIDER.es256.load(&key), "a key");
        apns.trust(TrustedKey::new("DEF123GHIJ", "ABC123DEFG", *key.public_key()));
        Self {
            crypto,
            web: PushService::new("https://push.example", crypto),
            apns,
            fcm: FcmService::new("project-1"),
            server,
            browsers: BTreeMap::new(),
            owners: BTreeMap::new(),
            made: 0,
        }
    }

    /// A device gets its tokens.
    pub(super) fn tokens(&mut self, service: Service, device: DeviceId, owner: &PersonId) -> Vec<Token> {
        self.made += 1;
        let made = self.made;
        let mut own = |token: &str| {
            self.owners.insert(token.to_owned(), (service, device, owner.clone()));
        };
        match service {
            Service::Apns => {
                let (alert, voip) = (format!("{made:062x}aa"), format!("{made:062x}bb"));
                own(&alert);
                let mut tokens = vec![Token::new(Purpose::ApnsAlert, alert)];
                if made.is_multiple_of(2) {
                    own(&voip);
                    tokens.push(Token::new(Purpose::ApnsVoip, voip));
                }
                tokens
            }
            Service::Fcm => {
                let token = format!("fcm-token-{made}");
                own(&token);
                self.fcm.device(&token, fcm::Device::Registered);
                vec![Token::new(Purpose::FcmToken, token)]
            }
            Service::WebPush => {
                let key = self.server.keys().current().clone();
                let endpoint = self.web.subscribe(Some(*key.public_key()));
                let keys = ok(UserAgentKeys::generate(self.crypto), "a browser's keys");
                let browser = ok(UserAgent::new(&keys, self.crypto), "a browser");
                let subscription =
                    browser.subscription(ok(Endpoint::new(&endpoint, &PublicHttps), "an endpoint"));
                let json =
                    ok(serde_json::to_string(&StoredSubscription::from(subscription)), "a subscription");
                self.browsers.insert(endpoint.clone(), browser);
                self.owners.insert(endpoint, (service, device, owner.clone()));
                vec![Token::new(Purpose::WebPush, json).with_vapid_key(key.id().to_string())]
            }
        }
    }

    /// The service does not know the device's tokens any more.
    pub(super) fn forget(&mut self, device: DeviceId, now: UnixTime) {
        let tokens = self.owners.iter().filter(|(_, (_, known, _))| *known == device);
        for (token, (service, ..)) in tokens {
            match service {
                Service::WebPush => drop(self.web.unsubscribe(token)),
                Service::Apns => self.apns.unregister(token, now),
                Service::Fcm => self.fcm.device(token, fcm::Device::Unregistered),
            }
        }
    }

    pub(super) fn allow(&mut self, access: &str, until: UnixTime) {
        self.fcm.allow(access, until);
    }

    pub(super) fn revoke(&mut self, access: &str) {
        self.fcm.revoke(access);
    }

    /// Which service a request is for.
    pub(super) fn of(request: &Request<Bytes>) -> Service {
        match request.uri().host() {
            Some("push.example") => Service::WebPush,
            Some("api.push.apple.com" | "api.sandbox.push.apple.com") => Service::Apns,
            Some("fcm.googleapis.com") => Service::Fcm,
            other => fail(&format!("a request to {other:?}")),
        }
    }

    pub(super) fn handle(
        &mut self,
        request: &Request<Bytes>,
        instead: Option<Answer>,
        now: UnixTime,
    ) -> (Response<Bytes>, Option<Taken>) {
        match Self::of(request) {
            Service::WebPush => {
                self.web.script(instead.map(|answer| match answer {
                    Answer::Unavailable => webpush::Refusal::Internal,
                    Answer::SlowDown(retry_after) => webpush::Refusal::TooManyRequests { retry_after },
                    Answer::NotFound => webpush::Refusal::UnknownEndpoint,
                    Answer::Credential => webpush::Refusal::Unauthorized,
                }));
                let response = self.web.handle(request, now);
                let endpoint = request.uri().to_string();
                let taken = self.web.take(&endpoint, now).pop().filter(|_| response.status().is_success());
                let opened = taken.map(|message| {
                    let browser = self.browsers.get(&endpoint).unwrap_or_else(|| fail("a message to nobody"));
                    let plain = ok(browser.open(&message.body), "what a browser opens");
                    let value: Value = ok(serde_json::from_slice(&plain), "a payload");
                    let declared = value.get("notification").and_then(|shown| shown.get("data"));
                    declared.or_else(|| value.get("data")).cloned().unwrap_or(value)
                });
                let taken = opened.map(|data| self.taken(&endpoint, data));
                (response, taken)
            }
            Service::Apns => {
                let refusal = instead.map(|answer| match answer {
                    Answer::Unavailable => apns::Refusal::unavailable(),
                    Answer::SlowDown(seconds) => apns::Refusal::too_many_requests().retry_after(seconds),
                    Answer::NotFound => apns::Refusal::new(400, "BadDeviceToken"),
                    Answer::Credential => apns::Refusal::new(403, "ExpiredProviderToken"),
                });
                // The sandbox knows none of these tokens: whoever tries it was led to doubt them.
                let sandbox = request.uri().host().is_some_and(|host| host.contains("sandbox"));
                let stranger = sandbox.then(|| apns::Refusal::new(400, "BadDeviceToken"));
                if let Some(refusal) = refusal.or(stranger) {
                    return (refusal.response("apns-id", ""), None);
                }
                let response = self.apns.handle(request, now);
                let taken = self.apns.take_pushes().pop().map(|push| {
                    self.taken(&push.device, ok(serde_json::from_slice(&push.payload), "a payload"))
                });
                (response, taken)
            }
            Service::Fcm => {
                self.fcm.script(instead.map(|answer| match answer {
                    Answer::Unavailable => fcm::Refusal::Unavailable { retry_after: None },
                    Answer::SlowDown(seconds) => {
                        fcm::Refusal::QuotaExceeded { subject: "messages", retry_after: Some(seconds) }
                    }
                    Answer::NotFound => fcm::Refusal::InvalidToken,
                    Answer::Credential => fcm::Refusal::Unauthenticated,
                }));
                let response = self.fcm.handle(request, now);
                let taken = self.fcm.take().pop().map(|stored| {
                    let token = stored.message.get("token").and_then(Value::as_str).unwrap_or_default();
                    self.taken(token, stored.message.get("data").cloned().unwrap_or_default())
                });
                (response, taken)
            }
        }
    }

    fn taken(&self, token: &str, data: Value) -> Taken {
        let (_, device, owner) = self.owners.get(token).unwrap_or_else(|| fail("a push to nobody"));
        Taken { device: *device, owner: owner.clone(), data }
    }
}
