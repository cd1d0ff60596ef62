//! The main job, shown without a browser.

use std::error::Error;
use std::net::SocketAddr;

use reveille_crypto::P256PublicKey;
use reveille_examples::local_push::{LocalPush, Receiver};
use serde_json::{Value, json};

const USER: &str = "demo";
const EVENTS: [(&str, &str); 3] = [
    ("Agent Smith", "Hello, how can I help you?"),
    ("Agent Smith", "I have found your order: it leaves tomorrow. 📦"),
    ("Agent Smith", "Shall I send you the tracking number?"),
];

/// A user agent subscribes, three events arrive over HTTP, and what it opens is printed.
pub async fn run(gateway: SocketAddr, push: &LocalPush, key: &P256PublicKey) -> Result<(), Box<dyn Error>> {
    println!("\n1. A user agent subscribes at the local push service with the VAPID public key,");
    let mut receiver = Receiver::subscribe(&push.browser_url(), key).await?;
    println!("   and hands its subscription to the gateway: POST /v1/subscriptions");
    let registration = json!({"user": USER, "subscription": receiver.browser_json()});
    post(gateway, "/v1/subscriptions", &registration).await?;

    println!("2. Three chat events arrive: POST /v1/events");
    let mut link = String::new();
    for (from, text) in EVENTS {
        let topic = "v2.detail.events.conversation.42.message";
        let event = json!({"topic": topic, "user": USER, "from": from, "text": text});
        let answer = post(gateway, "/v1/events", &event).await?;
        let opened = receiver.receive().await?.ok_or("a push without payload")?;
        let shown: Value = serde_json::from_slice(&opened)?;
        println!("   {answer}");
        println!("   3. opened by the user agent: {}: {}", text_of(&shown, "title"), text_of(&shown, "body"));
        link = text_of(&shown, "url").to_owned();
    }
    let endpoint = receiver.subscription().endpoint().as_str();
    let (_, token) = link.split_once("#resume=").ok_or("a notification without token")?;
    println!(
        "   The click leads to {}#resume=…; its token opens the history once:",
        link.replace(token, "").replace("#resume=", "")
    );
    for attempt in ["first", "second"] {
        let body = json!({"token": token, "user": USER, "conversation": "42", "endpoint": endpoint, "attempt": attempt});
        let answer: Value = serde_json::from_str(&post(gateway, "/v1/resume", &body).await?)?;
        let messages = answer.get("messages").and_then(Value::as_array).map_or(0, Vec::len);
        println!("   POST /v1/resume, {attempt} time: {}, {messages} messages", text_of(&answer, "answer"));
    }
    push.unsubscribe(endpoint);
    let event =
        json!({"topic": "v2.detail.events.conversation.42.message", "user": USER, "text": "Are you there?"});
    println!("4. The user agent unsubscribes; the next event finds nobody (410) and the gateway forgets it:");
    println!("   {}", post(gateway, "/v1/events", &event).await?);
    Ok(())
}

fn text_of<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

async fn post(gateway: SocketAddr, path: &str, body: &Value) -> Result<String, Box<dyn Error>> {
    let client = reqwest::Client::builder().tls_backend_preconfigured(no_tls()?).no_proxy().build()?;
    let response = client
        .post(format!("http://{gateway}{path}"))
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await?;
    let status = response.status();
    let text = response.text().await?;
    if status.is_success() { Ok(text) } else { Err(format!("{path}: {status}: {text}").into()) }
}

/// The gateway's own address is plain HTTP; reqwest wants a TLS configuration all the same.
fn no_tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = rustls::crypto::ring::default_provider();
    Ok(rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}

/// What to try next, printed at the end.
pub fn what_next(port: u16, browser_url: &str) -> String {
    format!(
        r#"
The gateway keeps serving. What to try next:

  * Open http://localhost:{port}/ in any browser that has Web Push (it then uses the browser's own push service), or
    in Firefox without the Internet: set dom.push.serverURL to {browser_url} and
    dom.push.testing.allowInsecureServerURL to true in about:config, and restart it.
  * Press "Subscribe", close the tab, and send an event:

    curl http://localhost:{port}/v1/events -H 'content-type: application/json' \
      -d '{{"topic":"v2.detail.events.conversation.42.message","user":"guest","from":"Agent Smith","text":"Hello!"}}'

  * gateway --help lists the options. Ctrl-C ends it.
"#
    )
}
