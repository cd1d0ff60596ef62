//! `webpush …`

use std::process::ExitCode;

use reveille_core::UnixTime;
use reveille_crypto::jws::CompactJws;
use reveille_crypto::{EcPrivateKey, P256PublicKey, base64url};
use reveille_webpush::credential::VapidHeader;
use reveille_webpush::message::SizeLimit;
use reveille_webpush::{
    ApplicationServer, Contact, Message, Padding, Subscription, Topic, Ttl, UserAgent, UserAgentKeys,
    VapidKey, VapidKeys, VapidSettings,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::line::{Base64, Failure, RequestJson, failure, for_each_line, print_one};
use crate::options::Options;

/// A user agent's keys.
pub fn keys(options: Options) -> ExitCode {
    let keys = UserAgentKeys::generate(options.crypto).map_err(failure("crypto"));
    print_one(keys.map(|keys| {
        json!({
            "private_key": keys.private_key().to_base64url().expose(),
            "public_key": keys.public_key(),
            "auth": base64url::encode(keys.expose_auth_secret()),
        })
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    subscription: Box<RawValue>,
    vapid_private: Value,
    #[serde(default)]
    vapid_public: Option<P256PublicKey>,
    #[serde(default)]
    contact: Option<String>,
    #[serde(default)]
    payload: Option<Base64>,
    ttl: u64,
    #[serde(default)]
    urgency: Option<String>,
    #[serde(default)]
    topic: Option<String>,
    #[serde(default)]
    padding: Option<usize>,
    now_ms: UnixTime,
}

const DEFAULT_CONTACT: &str = "mailto:ops@example.com";

/// A message and a subscription into a request.
pub fn request(options: Options) -> ExitCode {
    for_each_line(|line: RequestLine| build_request(line, options))
}

fn build_request(line: RequestLine, options: Options) -> Result<RequestJson, Failure> {
    let subscription = Subscription::from_json_with(line.subscription.get(), options.policy)
        .map_err(failure("subscription"))?;
    // Text in any format, or a JWK as it is.
    let private = line.vapid_private.as_str().map_or_else(|| line.vapid_private.to_string(), str::to_owned);
    let mut private = EcPrivateKey::parse(&private).map_err(failure("vapid_private"))?;
    if let Some(public) = line.vapid_public {
        private = private.with_public_key(public);
    }
    let key = VapidKey::new(&private, options.crypto).map_err(failure("vapid_private"))?;
    let contact: Contact =
        line.contact.as_deref().unwrap_or(DEFAULT_CONTACT).parse().map_err(failure("contact"))?;
    let ttl = Ttl::from_secs(line.ttl).map_err(failure("ttl"))?;
    let mut message = match line.payload {
        Some(Base64(payload)) => {
            Message::new_within(SizeLimit::Provider, payload, ttl).map_err(failure("payload"))?
        }
        None => Message::without_payload(ttl),
    };
    if let Some(urgency) = line.urgency {
        message = message.with_urgency(urgency.parse().map_err(failure("urgency"))?);
    }
    if let Some(topic) = line.topic {
        message = message.with_topic(Topic::new(&topic).map_err(failure("topic"))?);
    }
    if let Some(padding) = line.padding {
        message = message.with_padding(Padding::Bytes(padding)).map_err(failure("padding"))?;
    }
    let server = ApplicationServer::new(options.crypto, VapidKeys::new(key), VapidSettings::new(contact));
    let request = server.request(&message, &subscription, line.now_ms).map_err(failure("request"))?;
    Ok(request.into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenLine {
    private_key: String,
    #[serde(default)]
    public_key: Option<P256PublicKey>,
    auth: String,
    body: Base64,
}

#[derive(Serialize)]
struct Opened {
    plaintext: Base64,
}

/// A body into its plaintext; always with the rustcrypto backend, because ring cannot load a receiver's key.
pub fn open(_: Options) -> ExitCode {
    for_each_line(|line: OpenLine| {
        let mut keys = UserAgentKeys::from_text(&line.private_key, &line.auth).map_err(failure("keys"))?;
        if let Some(public) = line.public_key {
            keys = keys.with_public_key(public);
        }
        let user_agent =
            UserAgent::new(&keys, reveille_crypto_rustcrypto::PROVIDER).map_err(failure("keys"))?;
        let plaintext = user_agent.open(&line.body.0).map_err(failure("body"))?;
        Ok(Opened { plaintext: Base64(plaintext) })
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyLine {
    authorization: String,
    audience: String,
    now_ms: UnixTime,
}

/// An `Authorization` header into its claims.
pub fn verify_vapid(options: Options) -> ExitCode {
    for_each_line(|line: VerifyLine| {
        let header = VapidHeader::new(&line.authorization).map_err(failure("authorization"))?;
        header.verify(&line.audience, options.crypto, line.now_ms).map_err(failure("authorization"))?;
        // All claims, those that the library does not know, too.
        let token = CompactJws::parse(header.token(), VapidHeader::MAX_TOKEN_LEN)
            .map_err(failure("authorization"))?;
        let claims: Value = token.claims().map_err(failure("authorization"))?;
        Ok(json!({"claims": claims, "public_key": header.key()}))
    })
}
