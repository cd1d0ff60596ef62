//! The loop that people write: a task for each notification, `web-push` for the message, `reqwest` for the way. It gets its
//! events from memory, has no log, and knows nothing of outcomes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Certificate, Client};
use serde_json::json;
use tokio::sync::Semaphore;
use web_push::request_builder::build_request;
use web_push::{
    ContentEncoding, PartialVapidSignatureBuilder, SubscriptionInfo, VapidSignatureBuilder,
    WebPushMessageBuilder,
};

use crate::machine::{name, subscription};
use crate::sink::Sink;
use crate::{Failure, PEOPLE};

/// A VAPID key, which signs as well as any other.
const VAPID_PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
/// Notifications under way.
const AT_ONCE: usize = 200;

/// Notifications a second.
pub async fn most(sink: &Sink, span: Duration) -> Result<f64, Failure> {
    let subscriptions: Result<Vec<SubscriptionInfo>, Failure> =
        (0..PEOPLE).map(|person| Ok(serde_json::from_value(subscription(&sink.origin, person)?)?)).collect();
    let subscriptions = Arc::new(subscriptions?);
    let key = VapidSignatureBuilder::from_base64_no_sub(VAPID_PRIVATE)?;
    let certificate = Certificate::from_der(&sink.certificate)?;
    let http = Client::builder().tls_certs_only([certificate]).build()?;
    let free = Arc::new(Semaphore::new(AT_ONCE));
    let (begun, warm) = (Instant::now(), span / 4);
    let (mut person, mut from) = (0, None);
    while begun.elapsed() < warm + span {
        if from.is_none() && begun.elapsed() >= warm {
            from = Some((Instant::now(), sink.count()));
        }
        let place = Arc::clone(&free).acquire_owned().await?;
        let (subscriptions, key, http) = (Arc::clone(&subscriptions), key.clone(), http.clone());
        person = (person + 1) % PEOPLE;
        tokio::spawn(async move {
            let sent = notify(&subscriptions[person], key, &http, person).await;
            drop(place);
            sent.map_err(|error| eprintln!("{error}"))
        });
    }
    let (from, before) = from.ok_or("too short")?;
    let rate = (sink.count() - before) as f64 / from.elapsed().as_secs_f64();
    let _ = free.acquire_many(AT_ONCE as u32).await?;
    Ok(rate)
}

async fn notify(
    subscription: &SubscriptionInfo,
    key: PartialVapidSignatureBuilder,
    http: &Client,
    person: usize,
) -> Result<(), Failure> {
    let text =
        json!({"title": "Ann invites you", "body": "to a conversation", "data": {"person": name(person)}});
    let payload = text.to_string();
    let mut vapid = key.add_sub_info(subscription);
    vapid.add_claim("sub", "mailto:ops@example.com");
    let mut message = WebPushMessageBuilder::new(subscription);
    message.set_payload(ContentEncoding::Aes128Gcm, payload.as_bytes());
    message.set_ttl(3_600);
    message.set_vapid_signature(vapid.build()?);
    let request = build_request::<Vec<u8>>(message.build()?);
    let mut post = http.post(request.uri().to_string());
    for (name, value) in request.headers() {
        post = post.header(name.as_str(), value.as_bytes());
    }
    let response = post.body(request.into_body()).send().await?;
    if response.status().as_u16() == 201 { Ok(()) } else { Err(response.status().to_string().into()) }
}
