//! Sending with `reqwest` on tokio.
//!
//! `cargo run --example client_reqwest -- SUBSCRIPTION.json` sends "hello" to a subscription as the browser gave it.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use reveille_core::Outcome;
use reveille_crypto_ring::PROVIDER;
use reveille_examples::clock;
use reveille_webpush::{
    ApplicationServer, Message, Subscription, Ttl, VapidKey, VapidKeys, VapidSettings, classify,
};

/// Redirects are not followed: they would lead around the endpoint policy. For endpoints that come from users, check
/// the addresses you connect to as well: `examples/gateway/send.rs`.
pub fn client() -> Result<reqwest::Client, Box<dyn Error>> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10))
        .build()?)
}

/// Sends a request and says what the answer means; the endpoint's path is cut out of what the service said.
pub async fn send(
    client: &reqwest::Client,
    subscription: &Subscription,
    request: http::Request<Bytes>,
) -> Result<Outcome, Box<dyn Error>> {
    let mut response = client.execute(request.try_into()?).await?;
    let mut body = Vec::new();
    // A body that breaks off says nothing; the status is what counts.
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > 16 * 1024 {
            break; // No push service says that much.
        }
    }
    Ok(classify(subscription, response.status(), response.headers(), &body, clock::now()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: client_reqwest SUBSCRIPTION.json")?;
    let subscription = Subscription::from_json(&std::fs::read_to_string(path)?)?;
    let key = VapidKey::from_text(&std::env::var("VAPID_PRIVATE_KEY")?, PROVIDER)?;
    let settings = VapidSettings::new("mailto:ops@example.com".parse()?);
    let server = ApplicationServer::new(PROVIDER, VapidKeys::new(key), settings);

    let message = Message::new("hello", Ttl::from_secs(3_600)?)?;
    let request = server.request(&message, &subscription, clock::now())?;
    println!("{:?}", send(&client()?, &subscription, request).await?);
    Ok(())
}
