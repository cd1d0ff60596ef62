//! The gateway against those who do not wish it well, and through a restart.

#![allow(dead_code)] // The example's own modules; what only its `main` uses is unused here.

#[path = "../gateway/event.rs"]
mod event;
#[path = "../gateway/gateway.rs"]
mod gateway;
#[path = "../gateway/history.rs"]
mod history;
#[path = "../gateway/hosts.rs"]
mod hosts;
#[path = "../gateway/options.rs"]
mod options;
#[path = "../gateway/page.rs"]
mod page;
#[path = "../gateway/resume.rs"]
mod resume;
#[path = "../gateway/routes.rs"]
mod routes;
#[path = "../gateway/send.rs"]
mod send;
#[path = "../gateway/store.rs"]
mod store;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reveille_crypto_rustcrypto::PROVIDER;
use reveille_examples::local_push::{LocalPush, Receiver};
use reveille_webpush::target::AllowLoopback;
use reveille_webpush::{Endpoint, StoredSubscription, UserAgent, UserAgentKeys};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use gateway::Gateway;
use hosts::Hosts;
use options::Options;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("reveille-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The origin of the push service beside the gateway, where a test needs none that answers.
const OWN: &str = "http://127.0.0.1:1";

struct Running {
    address: SocketAddr,
    gateway: Arc<Gateway>,
    task: JoinHandle<()>,
}

impl Running {
    /// With a push service of its own at [`OWN`], where nobody answers.
    async fn start(folder: &Path, host: Option<&str>) -> Self {
        Self::beside(OWN.to_owned(), folder, host).await
    }

    async fn beside(local_push: String, folder: &Path, host: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let options = Options {
            listen: address,
            host: None,
            data: folder.to_owned(),
            contact: "mailto:ops@example.com".to_owned(),
            local_push: true,
            receipts: false,
            demo: false,
        };
        let gateway = Arc::new(Gateway::open(&options, Some(local_push)).unwrap());
        let hosts = Hosts::new(address.ip(), host.map(str::to_owned));
        let router = routes::router(Arc::clone(&gateway), hosts, false);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, gateway, task }
    }

    async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
        // Connections that are still open hold it, too.
        while Arc::strong_count(&self.gateway) > 1 {
            tokio::task::yield_now().await;
        }
    }

    /// Status and body, with any `Host` at all; the connection is closed.
    async fn call(&self, host: &str, method: &str, path: &str, body: &Value) -> (u16, String) {
        let body = body.to_string();
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, String) {
        self.call("localhost", "POST", path, body).await
    }
}

fn event(user: &str, text: &str) -> Value {
    json!({"topic": "v2.detail.events.conversation.42.message", "user": user, "text": text})
}

/// A subscription as a browser gives it.
fn subscription(endpoint: &str) -> Value {
    let user_agent = UserAgent::new(&UserAgentKeys::generate(PROVIDER).unwrap(), PROVIDER).unwrap();
    let endpoint = Endpoint::new(endpoint, &AllowLoopback).unwrap();
    serde_json::to_value(StoredSubscription::from(user_agent.subscription(endpoint))).unwrap()
}

fn registration(user: &str, endpoint: &str) -> Value {
    json!({"user": user, "subscription": subscription(endpoint)})
}

/// DNS rebinding: the browser believes that the attacker's page and this gateway are of one origin.
#[tokio::test]
async fn a_page_under_another_name_is_turned_away() {
    let folder = Folder::new("hosts");
    let gateway = Running::start(&folder.0, Some("push.example.com")).await;
    for host in
        ["localhost", "localhost:8030", "LOCALHOST", "127.0.0.1:8030", "[::1]:8030", "push.example.com"]
    {
        assert_eq!(gateway.call(host, "GET", "/", &Value::Null).await.0, 200, "{host}");
    }
    for host in
        ["evil.example", "evil.example:8030", "localhost.evil.example", "192.168.1.7", "10.0.0.1:8030", ""]
    {
        for (method, path) in
            [("GET", "/"), ("GET", "/v1/config"), ("POST", "/v1/events"), ("POST", "/v1/resume")]
        {
            let (status, body) = gateway.call(host, method, path, &event("guest", "hello")).await;
            assert_eq!(status, 421, "{host}: {method} {path}: {body}");
        }
    }
    // The whole URL in the request line counts.
    let (status, _) = gateway.call("localhost", "GET", "http://evil.example/v1/config", &Value::Null).await;
    assert_eq!(status, 421);
}

#[test]
fn who_listens_on_the_network_answers_to_any_name_or_to_the_given_one() {
    let network: IpAddr = "0.0.0.0".parse().unwrap();
    let answers = |hosts: Hosts, host| hosts.knows(host);
    assert!(answers(Hosts::new(network, None), "any.example"));
    assert!(!answers(Hosts::new(network, Some("push.example.com".into())), "any.example"));
    assert!(answers(Hosts::new(network, Some("push.example.com".into())), "PUSH.example.com:443"));
}

/// A WebSocket is not held back by the same-origin policy: the server must look where it comes from.
#[tokio::test]
async fn a_page_cannot_speak_for_the_browser_to_the_local_push_service() {
    let push = LocalPush::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    for (origin, welcome) in [
        (None, true),
        (Some(push.browser_url()), true), // As Firefox does.
        (Some("https://evil.example".to_owned()), false),
        (Some("HTTP://evil.example".to_owned()), false),
        (Some("null".to_owned()), false),
    ] {
        let mut request = push.browser_url().into_client_request().unwrap();
        if let Some(origin) = &origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        let connected = tokio_tungstenite::connect_async(request).await;
        assert_eq!(connected.is_ok(), welcome, "{origin:?}");
    }
}

#[tokio::test]
async fn subscriptions_and_the_key_survive_a_restart() {
    let folder = Folder::new("restart");
    let push = LocalPush::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let first = Running::beside(push.origin(), &folder.0, None).await;
    let mut receiver = Receiver::subscribe(&push.browser_url(), &first.gateway.public_key()).await.unwrap();
    let body = json!({"user": "ana", "subscription": receiver.browser_json()});
    assert_eq!(first.post("/v1/subscriptions", &body).await.0, 201);
    first.stop().await;

    let second = Running::beside(push.origin(), &folder.0, None).await;
    let (status, answer) = second.post("/v1/events", &event("ana", "after the restart")).await;
    assert_eq!((status, answer.as_str()), (202, r#"{"devices":{"delivered":1}}"#));
    let opened: Value = serde_json::from_slice(&receiver.receive().await.unwrap().unwrap()).unwrap();
    assert_eq!(opened["body"], "after the restart");

    // Gone is gone, after another restart too.
    push.unsubscribe(receiver.subscription().endpoint().as_str());
    let (_, answer) = second.post("/v1/events", &event("ana", "anybody there?")).await;
    assert_eq!(answer, r#"{"devices":{"drop_target":1}}"#);
    second.stop().await;
    assert_eq!(Running::beside(push.origin(), &folder.0, None).await.gateway.count("ana"), 0);
}

/// Other services listen on this machine, too, and a push is a POST.
#[tokio::test]
async fn no_other_port_of_this_machine_is_pushed_to() {
    let folder = Folder::new("neighbour");
    let neighbour = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Running::start(&folder.0, None).await;
    let port = neighbour.local_addr().unwrap().port();
    for endpoint in [
        format!("http://127.0.0.1:{port}/admin/shutdown"),
        format!("http://localhost:{port}/admin/shutdown"),
        format!("http://[::1]:{port}/admin/shutdown"),
        format!("https://127.0.0.1:{port}/admin/shutdown"),
        "http://localhost:1/admin/shutdown".to_owned(),
        "https://127.0.0.1:1/admin/shutdown".to_owned(),
    ] {
        let (status, answer) = gateway.post("/v1/subscriptions", &registration("ana", &endpoint)).await;
        assert_eq!(status, 400, "{endpoint}: {answer}");
        assert!(!answer.contains("shutdown"), "{answer}");
    }
    // Left over from a run beside another push service: kept, not used.
    gateway.stop().await;
    let line = json!({"user": "ana", "registered": 1, "subscription": subscription(&format!("http://127.0.0.1:{port}/x"))});
    std::fs::write(folder.0.join("devices.jsonl"), format!("{line}\n")).unwrap();
    assert_eq!(Running::start(&folder.0, None).await.gateway.count("ana"), 0);
}

/// A conversation has several parties; a name is all that a client gives here.
#[tokio::test]
async fn one_user_cannot_read_what_was_said_to_another_in_the_same_conversation() {
    let folder = Folder::new("history");
    let push = LocalPush::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let gateway = Running::beside(push.origin(), &folder.0, None).await;
    let mut mallory = Receiver::subscribe(&push.browser_url(), &gateway.gateway.public_key()).await.unwrap();
    let body = json!({"user": "mallory", "subscription": mallory.browser_json()});
    assert_eq!(gateway.post("/v1/subscriptions", &body).await.0, 201);
    gateway.post("/v1/events", &event("ana", "SECRET of ana")).await;
    gateway.post("/v1/events", &event("mallory", "hello mallory")).await;
    let opened: Value = serde_json::from_slice(&mallory.receive().await.unwrap().unwrap()).unwrap();
    let token = opened["url"].as_str().unwrap().split_once("#resume=").unwrap().1.to_owned();
    let endpoint = mallory.subscription().endpoint().as_str();
    let resume = |user: &str, attempt: &str| json!({"token": token, "user": user, "conversation": "42", "endpoint": endpoint, "attempt": attempt});
    let (_, answer) = gateway.post("/v1/resume", &resume("ana", "1")).await;
    assert!(!answer.contains("SECRET"), "{answer}");
    let (_, answer) = gateway.post("/v1/resume", &resume("mallory", "2")).await;
    assert!(answer.contains("hello mallory") && !answer.contains("SECRET"), "{answer}");
}

#[tokio::test]
async fn a_push_service_that_is_dead_is_said_to_be() {
    let folder = Folder::new("dead");
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gateway = Running::beside(format!("http://{nobody}"), &folder.0, None).await;
    assert_eq!(
        gateway.post("/v1/subscriptions", &registration("ana", &format!("http://{nobody}/x"))).await.0,
        201
    );
    let (status, answer) = gateway.post("/v1/events", &event("ana", "hello")).await;
    assert_eq!((status, answer.as_str()), (202, r#"{"devices":{"unreachable":1}}"#));
    assert_eq!(gateway.gateway.count("ana"), 1, "and it stays subscribed");
}

#[tokio::test]
async fn who_may_register_may_not_register_everything() {
    let folder = Folder::new("limits");
    let gateway = Running::start(&folder.0, None).await;
    for user in ["", &"u".repeat(Gateway::MAX_USER + 1)] {
        let (status, answer) =
            gateway.post("/v1/subscriptions", &registration(user, "http://127.0.0.1:1/x")).await;
        assert_eq!((status, answer.as_str()), (400, r#"{"error":"user: must be 1 to 128 bytes"}"#));
    }
    let at = |i: usize| registration("ana", &format!("http://127.0.0.1:1/{i}"));
    for i in 0..Gateway::MAX_OF_USER {
        assert_eq!(gateway.post("/v1/subscriptions", &at(i)).await.0, 201, "{i}");
    }
    assert_eq!(gateway.post("/v1/subscriptions", &at(Gateway::MAX_OF_USER)).await.0, 409);
    assert_eq!(gateway.post("/v1/subscriptions", &at(0)).await.0, 201, "one that is there may be renewed");
    assert_eq!(gateway.gateway.count("ana"), Gateway::MAX_OF_USER);
    let replacing = json!({
        "user": "ana", "subscription": subscription("http://127.0.0.1:1/new"), "replaces": "http://127.0.0.1:1/0",
    });
    assert_eq!(
        gateway.post("/v1/subscriptions", &replacing).await.0,
        201,
        "one may take the place of another"
    );
    assert_eq!(gateway.gateway.count("ana"), Gateway::MAX_OF_USER);
    assert_eq!(gateway.post("/v1/subscriptions", &registration("bob", "http://127.0.0.1:1/b")).await.0, 201);

    let huge = json!({"user": "ana", "text": "x".repeat(65 * 1024)});
    assert_eq!(gateway.post("/v1/events", &huge).await.0, 413);
}

/// A disk that is full, or any other reason why a file cannot be written.
#[tokio::test]
async fn what_cannot_be_kept_is_not_promised() {
    let folder = Folder::new("full");
    let gateway = Running::start(&folder.0, None).await;
    let old = registration("ana", "http://127.0.0.1:1/old");
    assert_eq!(gateway.post("/v1/subscriptions", &old).await.0, 201);
    std::fs::create_dir(folder.0.join("devices.jsonl.new")).unwrap();
    let new = subscription("http://127.0.0.1:1/new");
    let body = json!({"user": "ana", "subscription": new, "replaces": "http://127.0.0.1:1/old"});
    assert_eq!(gateway.post("/v1/subscriptions", &body).await.0, 507);
    assert_eq!(gateway.post("/v1/subscriptions", &old).await.0, 201, "nothing to write: it is known");
    let forget = json!({"endpoint": "http://127.0.0.1:1/old"});
    assert_eq!(gateway.call("localhost", "DELETE", "/v1/subscriptions", &forget).await.0, 507);
    assert_eq!(gateway.gateway.count("ana"), 1);
    std::fs::remove_dir(folder.0.join("devices.jsonl.new")).unwrap();
    assert_eq!(gateway.call("localhost", "DELETE", "/v1/subscriptions", &forget).await.0, 204);
    gateway.stop().await;
    assert_eq!(Running::start(&folder.0, None).await.gateway.count("ana"), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn keys_and_endpoints_are_the_owners_alone_in_any_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("modes");
    std::fs::create_dir(&folder.0).unwrap();
    std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o755)).unwrap();
    // Left behind by a crash, with any permissions.
    std::fs::write(folder.0.join("devices.jsonl.new"), "").unwrap();
    let gateway = Running::start(&folder.0, None).await;
    assert_eq!(gateway.post("/v1/subscriptions", &registration("ana", "http://127.0.0.1:1/x")).await.0, 201);
    for file in ["vapid.pem", "topic.key", "devices.jsonl"] {
        let mode = std::fs::metadata(folder.0.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn the_conversation_that_has_been_quiet_for_longest_is_forgotten_first() {
    let mut history = history::History::default();
    // By its name it would be the first to go.
    history.push("ana", "0", json!("early"));
    for i in 0..2_000 {
        history.push("ana", &format!("c{i}"), json!(i));
        history.push("ana", "0", json!(i));
    }
    assert_eq!(history.of("ana", "0"), (1_950..2_000).map(Value::from).collect::<Vec<_>>());
    assert!(history.of("ana", "c0").is_empty());
    assert_eq!(history.of("ana", "c1999"), [json!(1_999)]);
    assert!(history.of("bob", "0").is_empty(), "another user's");
}
