//! The whole way, once: devices register, a message is told of and leads back, a call rings and is answered, a callback is
//! near.

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

use crate::{Failure, reachable};

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
    let origin = format!("http://{}", reachable(service.address));
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
    println!("\nRegistered: guest's browser, kate's iPhone and Android phone");

    // Ids that no earlier start used.
    let run = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis();
    chat(&caller, local, run).await?;
    call(&caller, local, run).await?;
    callback(&caller, local, run).await
}

/// Three messages, one notification; its token leads back, once.
async fn chat(caller: &Caller, local: &Twins, run: u128) -> Result<(), Failure> {
    let (chat, id) = (format!("chat-{run}"), |name: &str| format!("demo-{run}-{name}"));
    let joined = json!({"conversation": chat, "person": "guest", "role": "visitor"});
    caller.event(&id("joined"), "joined", joined).await?;
    for number in 1..=3 {
        let data = json!({
            "conversation": chat, "sender": "kate", "role": "primary", "sender_name": "Kate",
            "preview": format!("message {number}"),
        });
        caller.event(&id(&format!("message-{number}")), "message_sent", data).await?;
    }
    println!("\n1. Kate wrote three messages to guest. They wait for each other, then there is one push:");
    let pushes = wait(local, |pushes| pushes.iter().any(|push| push.service == "web_push")).await?;
    show(&pushes);
    let token = pushes.iter().find_map(|push| push.data.get("resumeToken")?.as_str());
    let token = token.ok_or("a push without a resume token")?;
    println!("   A click leads into the conversation, with the token that the push carried:");
    for attempt in ["the first time", "by another attempt"] {
        let body = json!({
            "token": token, "person": "guest", "conversation": chat, "app": LOCAL_APP, "device": "demo-browser",
            "channel": "web", "attempt": format!("{run}-{attempt}"),
        });
        let answer = caller.call("POST", "/v1/resume/commit", "application/json", &body).await?;
        println!("   POST /v1/resume/commit, {attempt}: {answer}");
    }
    Ok(())
}

/// A call rings on two phones, until one of them answers.
async fn call(caller: &Caller, local: &Twins, run: u128) -> Result<(), Failure> {
    let (call, id) = (format!("call-{run}"), |name: &str| format!("demo-{run}-{name}"));
    let offer = json!({"conversation": call, "person": "kate", "caller_name": "Ann", "queue_name": "Sales"});
    caller.event(&id("offer"), "call_offered", offer).await?;
    println!("\n2. A call for Kate rings on both of her phones:");
    show(&wait(local, |pushes| pushes.len() >= 2).await?);
    let ringing = caller.call("GET", "/v1/ringing/kate", "application/json", &Value::Null).await?;
    println!("   GET /v1/ringing/kate: {ringing}");
    let answered =
        json!({"conversation": call, "person": "kate", "device": format!("{LOCAL_APP}/demo-iphone")});
    caller.event(&id("answered"), "call_answered", answered).await?;
    println!("   She answers on the iPhone. The other phone stops:");
    show(&wait(local, |pushes| !pushes.is_empty()).await?);
    Ok(())
}

/// A callback is near: said once.
async fn callback(caller: &Caller, local: &Twins, run: u128) -> Result<(), Failure> {
    let (callback, id) = (format!("callback-{run}"), |name: &str| format!("demo-{run}-{name}"));
    let booked = json!({
        "conversation": callback, "person": "guest", "push": true, "queue": "sales", "wait_ms": 3_600_000,
    });
    caller.event(&id("booked"), "callback_created", booked).await?;
    let wait_of = |minutes: u64| json!({"conversation": callback, "wait_ms": minutes * 60_000});
    caller.event(&id("near"), "estimated_wait", wait_of(2)).await?;
    caller.event(&id("far"), "estimated_wait", wait_of(30)).await?;
    caller.event(&id("near-again"), "estimated_wait", wait_of(2)).await?;
    println!(
        "\n3. Guest booked a callback. The wait falls to two minutes, rises, and falls again: one push:"
    );
    show(&wait(local, |pushes| !pushes.is_empty()).await?);
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

fn show(pushes: &[Received]) {
    for push in pushes {
        let text = push.data.to_string();
        let start: String = text.chars().take(150).collect();
        println!("   {:8} {start}{}", push.service, if start.len() < text.len() { "…" } else { "" });
    }
}

/// What to try next.
pub fn what_next(address: SocketAddr, data: &Path, push: &str) -> String {
    format!(
        r#"
What to try next:

  * Open http://localhost:{port}/ in any browser that has Web Push (it then uses the browser's own push service), or in
    Firefox without the Internet: set dom.push.serverURL to {push} and
    dom.push.testing.allowInsecureServerURL to true in about:config, and restart it. Press "Subscribe", close the tab,
    and send the event that the page shows.
  * Let a call ring, and see where:

    KEY=$(sed -n 's/^api = "\(.*\)"/\1/p' {data}/keys.toml)
    curl -i http://{address}/v1/events -H "Authorization: Bearer $KEY" -H 'content-type: application/cloudevents+json' \
      -d '{{"specversion":"1.0","id":"1","source":"/me","type":"reveille.conversation.call_offered","data":{{"conversation":"c1","person":"kate","caller_name":"Ann"}}}}'
    curl http://{address}/v1/ringing/kate -H "Authorization: Bearer $KEY"
    curl http://{address}/metrics -H "Authorization: Bearer $KEY"

  * kill -9 it whenever you like: a second start finds everything again. Ctrl-C ends it; --help lists the options.
"#,
        address = reachable(address),
        port = address.port(),
        data = data.display(),
    )
}
