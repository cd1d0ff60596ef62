//! The Rust libraries, called as their own documentation calls them, with what can be prepared once prepared once.

use reveille_crypto::{P256PublicKey, base64url};
use web_push::request_builder::build_request;
use web_push::{
    ContentEncoding, PartialVapidSignatureBuilder, SubscriptionInfo, VapidSignatureBuilder,
    WebPushMessageBuilder,
};
use web_push_native::jwt_simple::algorithms::ES256KeyPair;
use web_push_native::{Auth, WebPushBuilder};

use super::ours::{AUTH, CONTACT, ENDPOINT, P256DH, VAPID_PRIVATE};
use crate::measure::Contestant;

pub struct Peers {
    ua_public: P256PublicKey,
    auth: Vec<u8>,
    web_push: SubscriptionInfo,
    web_push_key: PartialVapidSignatureBuilder,
    native_key: ES256KeyPair,
    native_public: web_push_native::p256::PublicKey,
}

impl Peers {
    pub fn new() -> Self {
        let ua_public: P256PublicKey = P256DH.parse().expect("valid key");
        let private = base64url::decode(VAPID_PRIVATE).expect("valid base64url");
        Self {
            auth: base64url::decode(AUTH).expect("valid base64url"),
            web_push: SubscriptionInfo::new(ENDPOINT, P256DH, AUTH),
            web_push_key: VapidSignatureBuilder::from_base64_no_sub(VAPID_PRIVATE).expect("valid key"),
            native_key: ES256KeyPair::from_bytes(&private).expect("valid key"),
            native_public: web_push_native::p256::PublicKey::from_sec1_bytes(ua_public.as_bytes())
                .expect("on the curve"),
            ua_public,
        }
    }

    pub fn encryption<'a>(&'a self, payload: &'a [u8]) -> Vec<Contestant<'a>> {
        let mut contestants = Vec::new();
        let ece = || ece::encrypt(self.ua_public.as_bytes(), &self.auth, payload);
        if fits_one_record(ece().ok()) {
            contestants.push(Contestant::new("ece 2 (openssl)", ece));
        }
        let web_push = || {
            let mut builder = WebPushMessageBuilder::new(&self.web_push);
            builder.set_payload(ContentEncoding::Aes128Gcm, payload);
            builder.build()
        };
        if fits_one_record(web_push().ok().and_then(|message| message.payload).map(|payload| payload.content))
        {
            contestants.push(Contestant::new("web-push 0.11", web_push));
        }
        let auth = Auth::clone_from_slice(&self.auth);
        let native = move || web_push_native::encrypt(payload.to_vec(), &self.native_public, &auth);
        if fits_one_record(native().ok()) {
            contestants.push(Contestant::new("web-push-native 0.5", native));
        }
        contestants
    }

    pub fn requests<'a>(&'a self, payload: &'a [u8]) -> Vec<Contestant<'a>> {
        let mut contestants = Vec::new();
        let web_push = || {
            let mut vapid = self.web_push_key.clone().add_sub_info(&self.web_push);
            vapid.add_claim("sub", CONTACT);
            let mut builder = WebPushMessageBuilder::new(&self.web_push);
            builder.set_payload(ContentEncoding::Aes128Gcm, payload);
            builder.set_ttl(3_600);
            builder.set_vapid_signature(vapid.build()?);
            builder.build().map(build_request::<Vec<u8>>)
        };
        if fits_one_record(web_push().ok().map(|request| request.into_body())) {
            contestants.push(Contestant::new("web-push 0.11", web_push));
        }
        let auth = Auth::clone_from_slice(&self.auth);
        let builder = WebPushBuilder::new(ENDPOINT.parse().expect("valid URI"), self.native_public, auth)
            .with_vapid(&self.native_key, CONTACT);
        let native = move || builder.build(payload);
        if fits_one_record(native().ok().map(|request| request.into_body())) {
            contestants.push(Contestant::new("web-push-native 0.5", native));
        }
        contestants
    }
}

/// A peer takes part where it makes a body that a browser opens: a legal record size and one record (RFC 8291 §4).
fn fits_one_record(body: Option<Vec<u8>>) -> bool {
    let Some(body) = body else { return false };
    let record_size = u32::from_be_bytes([body[16], body[17], body[18], body[19]]) as usize;
    record_size >= 18 && body.len() - 86 <= record_size
}
