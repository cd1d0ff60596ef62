//! Sending with `hyper` on tokio.
//!
//! `cargo run --example client_hyper -- SUBSCRIPTION.json` sends "hello" to a subscription as the browser gave it.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use reveille_core::Outcome;
use reveille_crypto_ring::PROVIDER;
use reveille_examples::clock;
use reveille_webpush::{
    ApplicationServer, Message, Subscription, Ttl, VapidKey, VapidKeys, VapidSettings, classify,
};

const TIMEOUT: Duration = Duration::from_secs(10);

pub type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// hyper follows no redirects by itself, which is what is wanted here. For endpoints that come from users, check the
/// addresses you connect to as well: `examples/service/src/wire/connect.rs`.
pub fn client() -> Result<HttpClient, Box<dyn Error>> {
    let provider = rustls::crypto::ring::default_provider();
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(provider)?
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// Sends a request and says what the answer means; the endpoint's path is cut out of what the service said.
pub async fn send(
    client: &HttpClient,
    subscription: &Subscription,
    request: http::Request<Bytes>,
) -> Result<Outcome, Box<dyn Error>> {
    let sending = client.request(request.map(Full::new));
    let response = tokio::time::timeout(TIMEOUT, sending).await??;
    let (parts, body) = response.into_parts();
    // A body that is too long, breaks off or does not come says nothing; the status is what counts.
    let body = tokio::time::timeout(TIMEOUT, Limited::new(body, 16 * 1024).collect()).await;
    let body = body.ok().and_then(Result::ok).map(|body| body.to_bytes()).unwrap_or_default();
    Ok(classify(subscription, parts.status, &parts.headers, &body, clock::now()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: client_hyper SUBSCRIPTION.json")?;
    let subscription = Subscription::from_json(&std::fs::read_to_string(path)?)?;
    let key = VapidKey::from_text(&std::env::var("VAPID_PRIVATE_KEY")?, PROVIDER)?;
    let settings = VapidSettings::new("mailto:ops@example.com".parse()?);
    let server = ApplicationServer::new(PROVIDER, VapidKeys::new(key), settings);

    let message = Message::new("hello", Ttl::from_secs(3_600)?)?;
    let request = server.request(&message, &subscription, clock::now())?;
    println!("{:?}", send(&client()?, &subscription, request).await?);
    Ok(())
}
