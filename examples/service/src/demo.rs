//! The whole way, once: devices register, a message is told of, a call rings and is answered.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use reveille_example_service::credentials::LOCAL_APP;
use reveille_example_service::keys::Keys;
use reveille_example_service::redb_store::RedbStore;
use reveille_example_service::service::Service;
use reveille_example_service::twins::{Received, Twins};
use reveille_example_service::wire::{AllowedOrigins, Wire, WireSettings};
use serde_json::{Value, json};

use crate::Failure;

/// How long a push may take until the demonstration is taken for broken.
const PATIENCE: Duration = Duration::from_secs(15);

struct Caller {
    http: Wire,
    origin: String,
    key: String,
}

impl Caller {
    async fn call(&self, method: &str, path: &str, kind: &str, body: &Value) -> Result<Value, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin))
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", kind)
            .body(Bytes::from(body.to_string()))?;
        let response = self.http.send(request).await?;
        if !response.status().is_success() {
            return Err(format!("{method} {path}: {}", String::from_utf8_lossy(response.body())).into());
        }
        Ok(serde_json::from_slice(response.body()).unwrap_or_default())
    }

    async fn event(&self, id: &str, kind: &str, data: Value) -> Result<(), Failure> {
        let document = json!({
            "specversion": "1.0", "id": id, "source": "/demo", "type": format!("reveille.conversation.{kind}"),
            "data": data,
        });
        self.call("POST", "/v1/events", "application/cloudevents+json", &document).await?;
        Ok(())
    }

    async fn register(&self, device: &str, body: Value) -> Result<(), Failure> {
        let path = format!("/v1/devices/{LOCAL_APP}/{device}");
        self.call("PUT", &path, "application/json", &body).await?;
        Ok(())
    }
}

/// Shows it, and prints what the local services received.
pub async fn run(service: &Service<RedbStore>, keys: &Keys, local: &Twins) -> Result<(), Failure> {
    let origin = format!("http://{}", own(service.address));
    let allowed = AllowedOrigins::new([origin.as_str()])?;
    let http = Wire::new(WireSettings::default(), allowed, &[])?;
    let caller = Caller { http, origin, key: keys.api.expose().clone() };
    local.take();

    let (alert, voip) = local.iphone();
    caller
        .register(
            "demo-browser",
            json!({"owner": "guest", "platform": "web", "subscription": local.browser()?}),
        )
        .await?;
    caller
        .register(
            "demo-iphone",
            json!({"owner": "kate", "platform": "ios", "apns_alert": alert, "apns_voip": voip}),
        )
        .await?;
    caller
        .register(
            "demo-android",
            json!({"owner": "kate", "platform": "android", "fcm_token": local.android()}),
        )
        .await?;
    println!("\nregistered: guest's browser, kate's iPhone and Android phone");

    // Ids that no earlier start used.
    let run = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis();
    let id = |name: &str| format!("demo-{run}-{name}");
    let (chat, call) = (format!("chat-{run}"), format!("call-{run}"));
    caller
        .event(&id("joined"), "joined", json!({"conversation": chat, "person": "guest", "role": "visitor"}))
        .await?;
    for number in 1..=3 {
        let data = json!({
            "conversation": chat, "sender": "kate", "role": "primary", "sender_name": "Kate",
            "preview": format!("message {number}"),
        });
        caller.event(&id(&format!("message-{number}")), "message_sent", data).await?;
    }
    println!("kate wrote three messages to guest: one push, after the digest's wait");
    let offer = json!({"conversation": call, "person": "kate", "caller_name": "Ann", "queue_name": "Sales"});
    caller.event(&id("offer"), "call_offered", offer).await?;
    let rings =
        wait(local, |pushes| pushes.iter().filter(|push| push.service != "web_push").count() >= 2).await?;
    show("a call rings on both of kate's phones", &rings);
    let ringing = caller.call("GET", "/v1/ringing/kate", "application/json", &Value::Null).await?;
    println!("GET /v1/ringing/kate   {ringing}");
    let answered =
        json!({"conversation": call, "person": "kate", "device": format!("{LOCAL_APP}/demo-iphone")});
    caller.event(&id("answered"), "call_answered", answered).await?;
    let rest = wait(local, |pushes| {
        pushes.iter().any(|push| push.service == "web_push")
            && pushes.iter().any(|push| push.service == "fcm")
    })
    .await?;
    show("she answers on the iPhone: the other phone stops; and the browser shows the digest", &rest);
    Ok(())
}

async fn wait(local: &Twins, enough: impl Fn(&[Received]) -> bool) -> Result<Vec<Received>, Failure> {
    let begun = std::time::Instant::now();
    let mut all = Vec::new();
    while begun.elapsed() < PATIENCE {
        all.extend(local.take());
        if enough(&all) {
            return Ok(all);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(format!("the local services received {} pushes and wait for more", all.len()).into())
}

fn show(what: &str, pushes: &[Received]) {
    println!("{what}:");
    for push in pushes {
        let text = push.data.to_string();
        let start: String = text.chars().take(150).collect();
        println!("  {:8} {start}{}", push.service, if start.len() < text.len() { "…" } else { "" });
    }
}

/// What to try next.
pub fn what_next(address: SocketAddr, data: &Path) -> String {
    format!(
        "\ntry next:
  KEY=$(sed -n 's/^api = \"\\(.*\\)\"/\\1/p' {data}/keys.toml)
  curl -i http://{address}/v1/events -H \"Authorization: Bearer $KEY\" -H 'content-type: application/cloudevents+json' \\
    -d '{{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/me\",\"type\":\"reveille.conversation.call_offered\",\"data\":{{\"conversation\":\"c1\",\"person\":\"kate\",\"caller_name\":\"Ann\"}}}}'
  curl http://{address}/v1/ringing/kate -H \"Authorization: Bearer $KEY\"
  curl http://{address}/metrics -H \"Authorization: Bearer $KEY\"
and kill -9 it whenever you like: a second start finds everything again.
",
        address = own(address),
        data = data.display(),
    )
}

fn own(address: SocketAddr) -> SocketAddr {
    match address.ip().is_unspecified() {
        true => SocketAddr::from(([127, 0, 0, 1], address.port())),
        false => address,
    }
}
