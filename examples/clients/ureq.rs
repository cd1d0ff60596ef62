//! Sending with `ureq`: blocking code, no runtime.
//!
//! `cargo run --example client_ureq -- SUBSCRIPTION.json` sends "hello" to a subscription as the browser gave it.

use std::error::Error;
use std::io::Read as _;
use std::time::Duration;

use bytes::Bytes;
use reveille_core::Outcome;
use reveille_crypto_ring::PROVIDER;
use reveille_examples::clock;
use reveille_webpush::{
    ApplicationServer, Message, Subscription, Ttl, VapidKey, VapidKeys, VapidSettings, classify,
};

/// Redirects are not followed: they would lead around the endpoint policy. Statuses are data, not errors. For endpoints
/// that come from users, check the addresses you connect to as well: `examples/gateway/send.rs`.
pub fn client() -> ureq::Agent {
    ureq::Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into()
}

/// Sends a request and says what the answer means; the endpoint's path is cut out of what the service said.
pub fn send(
    client: &ureq::Agent,
    subscription: &Subscription,
    request: http::Request<Bytes>,
) -> Result<Outcome, Box<dyn Error>> {
    let (parts, body) = client.run(request.map(Vec::from))?.into_parts();
    let mut text = Vec::new();
    // No push service says more than 16 KiB; a body that breaks off says nothing, the status is what counts.
    let _ = body.into_reader().take(16 * 1024).read_to_end(&mut text);
    Ok(classify(subscription, parts.status, &parts.headers, &text, clock::now()))
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: client_ureq SUBSCRIPTION.json")?;
    let subscription = Subscription::from_json(&std::fs::read_to_string(path)?)?;
    let key = VapidKey::from_text(&std::env::var("VAPID_PRIVATE_KEY")?, PROVIDER)?;
    let settings = VapidSettings::new("mailto:ops@example.com".parse()?);
    let server = ApplicationServer::new(PROVIDER, VapidKeys::new(key), settings);

    let message = Message::new("hello", Ttl::from_secs(3_600)?)?;
    let request = server.request(&message, &subscription, clock::now())?;
    println!("{:?}", send(&client(), &subscription, request)?);
    Ok(())
}
