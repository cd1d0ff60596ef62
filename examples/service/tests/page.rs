//! The demonstration's page and what belongs to it, against those who do not wish it well, and through a restart.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reveille_crypto::P256PublicKey;
use reveille_example_service::clock::Clock;
use reveille_example_service::credentials::LOCAL_APP;
use reveille_example_service::keys::Keys;
use reveille_example_service::local_push::{LocalPush, Receiver};
use reveille_example_service::redb_store::{RedbSettings, RedbStore};
use reveille_example_service::service::Service;
use reveille_example_service::settings::Settings;
use reveille_example_service::twins::Twins;
use reveille_gateway::store::StoreError;
use reveille_testkit::store::MemoryStore;
use reveille_webpush::target::AllowLoopback;
use reveille_webpush::{Endpoint, StoredSubscription, UserAgent, UserAgentKeys};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::common::{Caller, Folder, raw};
use crate::service::{Running, start};

/// The origin of a push service where nobody answers.
const OWN: &str = "http://127.0.0.1:1";

/// A page's user: registers, resumes, reads.
struct User {
    caller: Caller,
    key: P256PublicKey,
}

impl User {
    async fn new(address: SocketAddr, name: &str) -> Self {
        let (status, session) = session(address, name).await;
        assert_eq!(status, 200, "{session}");
        let key = session["applicationServerKey"].as_str().unwrap().parse().unwrap();
        Self { caller: Caller::new(address, session["token"].as_str().unwrap()), key }
    }

    async fn register(&self, device: &str, subscription: Value) -> (u16, Value) {
        let body = json!({"platform": "web", "subscription": subscription});
        self.call("PUT", &format!("/v1/devices/{LOCAL_APP}/{device}"), &body).await
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (status, answer) =
            self.caller.call(method, path, "application/json", body.to_string()).await.unwrap();
        (status.as_u16(), answer)
    }

    /// Those that are pushed to.
    async fn devices(&self) -> usize {
        let (_, answer) = self.call("GET", "/v1/devices", &Value::Null).await;
        answer["devices"].as_array().unwrap().iter().filter(|device| device["state"] == "active").count()
    }
}

async fn session(address: SocketAddr, name: &str) -> (u16, Value) {
    let (status, _, body) =
        raw(address, ("POST", "/demo/session"), &[("host", "localhost")], &json!({"user": name})).await;
    (status, serde_json::from_str(&body).unwrap_or_default())
}

/// With push services of its own at these origins.
async fn beside(folder: &Folder, twins: &Twins, origins: &[String]) -> Running {
    start(folder, twins, &Clock::default(), |settings| settings.allowed_origins = origins.to_vec()).await
}

/// A subscription as a browser gives it.
fn subscription(endpoint: &str) -> Value {
    let provider = reveille_crypto_rustcrypto::PROVIDER;
    let user_agent = UserAgent::new(&UserAgentKeys::generate(provider).unwrap(), provider).unwrap();
    let endpoint = Endpoint::new(endpoint, &AllowLoopback).unwrap();
    serde_json::to_value(StoredSubscription::from(user_agent.subscription(endpoint))).unwrap()
}

async fn join(operator: &Caller, person: &str, conversation: &str) {
    let joined = json!({"conversation": conversation, "person": person, "role": "visitor"});
    assert_eq!(
        operator.event(&format!("{person} joins {conversation}"), "joined", joined).await.unwrap(),
        202
    );
}

async fn write(operator: &Caller, conversation: &str, text: &str) {
    let message = json!({
        "conversation": conversation, "sender": "smith", "role": "primary", "sender_name": "Agent Smith", "preview": text,
    });
    assert_eq!(operator.event(text, "message_sent", message).await.unwrap(), 202);
}

async fn until<T>(what: &str, probe: impl AsyncFn() -> Option<T>) -> T {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        if let Some(found) = probe().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} did not happen");
}

/// DNS rebinding: the browser believes that the attacker's page and this service are of one origin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_under_another_name_is_turned_away() {
    let (folder, clock) = (Folder::new("hosts"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let running =
        start(&folder, &twins, &clock, |settings| settings.host = Some("push.example.com".into())).await;
    let address = running.service.address;
    for host in
        ["localhost", "localhost:8040", "LOCALHOST", "127.0.0.1:8040", "[::1]:8040", "push.example.com"]
    {
        assert_eq!(raw(address, ("GET", "/"), &[("host", host)], &Value::Null).await.0, 200, "{host}");
    }
    for host in
        ["evil.example", "evil.example:8040", "localhost.evil.example", "192.168.1.7", "10.0.0.1:8040", ""]
    {
        for what in [("GET", "/"), ("GET", "/v1/vapid"), ("POST", "/v1/events"), ("POST", "/demo/session")] {
            let (status, _, body) = raw(address, what, &[("host", host)], &json!({"user": "guest"})).await;
            assert_eq!(status, 421, "{host}: {what:?}: {body}");
            assert!(body.contains("urn:reveille:problem:host"), "{body}");
        }
    }
    // The whole URL in the request line counts.
    let whole = ("GET", "http://evil.example/v1/vapid");
    assert_eq!(raw(address, whole, &[("host", "localhost")], &Value::Null).await.0, 421);
    running.service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_takes_nothing_from_elsewhere() {
    let (folder, clock) = (Folder::new("files"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let running = start(&folder, &twins, &clock, |_| {}).await;
    let mut paths = vec!["/".to_owned(), "/conversations/42".to_owned(), "/service-worker.js".to_owned()];
    let mut scripts = 0;
    while let Some(path) = paths.pop() {
        let (status, head, body) =
            raw(running.service.address, ("GET", &path), &[("host", "localhost")], &Value::Null).await;
        assert_eq!(status, 200, "{path}");
        assert!(head.contains("content-security-policy: default-src 'self'"), "{path}: {head}");
        assert!(
            !body.contains("https://") && !body.contains("<script>") && !body.contains("onclick="),
            "{path}"
        );
        scripts += usize::from(head.contains("text/javascript"));
        let imported = body.lines().filter_map(|line| line.split_once("from \"/")?.1.split('"').next());
        let linked = body.split("src=\"/").skip(1).filter_map(|rest| rest.split('"').next());
        let found: Vec<String> = imported.chain(linked).map(|path| format!("/{path}")).collect();
        paths.extend(found);
    }
    assert!(scripts >= 5, "the page's scripts were looked at");
    running.service.stop().await.unwrap();
}

/// Pages, and sessions for whoever asks, are for a demonstration only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_earnest_there_is_no_page_and_no_session() {
    let folder = Folder::new("earnest");
    let settings = Settings { listen: ([127, 0, 0, 1], 0).into(), ..Settings::default() };
    let keys = Keys::open(&folder.path().join("keys.toml")).unwrap();
    let store = Arc::new(MemoryStore::default());
    let service = Service::start(&settings, &keys, Arc::clone(&store), None, Clock::default()).await.unwrap();
    for what in [("GET", "/"), ("GET", "/app.js"), ("POST", "/demo/session"), ("GET", "/demo/history/1")] {
        let (status, ..) =
            raw(service.address, what, &[("host", "localhost")], &json!({"user": "guest"})).await;
        assert_eq!(status, 404, "{what:?}");
    }
    service.stop().await.unwrap();

    // A demonstration ends with the first credentials of somebody's own; its sessions are good for the local app only.
    let twins = Twins::start(None, Clock::default()).await.unwrap();
    let running = beside(&folder, &twins, &[]).await;
    let user = User::new(running.service.address, "guest").await;
    let elsewhere = json!({"platform": "web", "subscription": subscription("https://push.example/1")});
    assert_eq!(user.call("PUT", "/v1/devices/com.shop/b", &elsewhere).await.0, 403);
    assert_eq!(user.call("GET", "/demo/receipts", &Value::Null).await.0, 404, "nobody asked for receipts");
    let own = json!({"web_push": true}).to_string();
    let put = running.caller.call("PUT", "/v1/credentials/com.shop", "application/json", own).await.unwrap();
    assert!(put.0.is_success(), "{put:?}");
    assert_eq!(session(running.service.address, "guest").await.0, 403);
    running.service.stop().await.unwrap();
    // Nor is a session of before good after a restart.
    let again = beside(&folder, &twins, &[]).await;
    let late = Caller::new(again.service.address, &user.caller.key);
    assert_eq!(late.call("GET", "/v1/me", "text/plain", "").await.unwrap().0, 401);
    again.service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_and_the_key_survive_a_restart() {
    let (folder, clock) = (Folder::new("restart"), Clock::default());
    let push = LocalPush::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let twins = Twins::start(None, clock).await.unwrap();
    let first = beside(&folder, &twins, &[push.origin()]).await;
    let ana = User::new(first.service.address, "ana").await;
    let mut receiver = Receiver::subscribe(&push.browser_url(), &ana.key).await.unwrap();
    assert_eq!(ana.register("laptop", receiver.browser_json()).await.0, 201);
    first.service.stop().await.unwrap();

    let second = beside(&folder, &twins, &[push.origin()]).await;
    join(&second.caller, "ana", "42").await;
    write(&second.caller, "42", "after the restart").await;
    let opened: Value = serde_json::from_slice(&receiver.receive().await.unwrap().unwrap()).unwrap();
    assert_eq!(opened["notification"]["body"], "after the restart");
    let ana = User::new(second.service.address, "ana").await;
    assert_eq!((ana.devices().await, ana.register("laptop", receiver.browser_json()).await.0), (1, 200));

    // Gone is gone, after another restart too.
    push.unsubscribe(receiver.subscription().endpoint().as_str());
    write(&second.caller, "42", "anybody there?").await;
    until("the end of the device", async || (ana.devices().await == 0).then_some(())).await;
    second.service.stop().await.unwrap();
    let third = beside(&folder, &twins, &[push.origin()]).await;
    assert_eq!(User::new(third.service.address, "ana").await.devices().await, 0);
    third.service.stop().await.unwrap();
}

/// Other services listen on this machine, too, and a push is a POST.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_port_of_this_machine_is_pushed_to() {
    let folder = Folder::new("neighbour");
    let twins = Twins::start(None, Clock::default()).await.unwrap();
    let neighbour = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", neighbour.local_addr().unwrap());
    let port = neighbour.local_addr().unwrap().port();
    let running = beside(&folder, &twins, &[OWN.to_owned()]).await;
    let ana = User::new(running.service.address, "ana").await;
    for endpoint in [
        format!("http://127.0.0.1:{port}/admin/shutdown"),
        format!("http://localhost:{port}/admin/shutdown"),
        format!("http://[::1]:{port}/admin/shutdown"),
        format!("https://127.0.0.1:{port}/admin/shutdown"),
        "http://localhost:1/admin/shutdown".to_owned(),
        "https://127.0.0.1:1/admin/shutdown".to_owned(),
    ] {
        let (status, answer) = ana.register("b", subscription(&endpoint)).await;
        assert_eq!(status, 400, "{endpoint}: {answer}");
        assert!(!answer.to_string().contains("shutdown"), "{answer}");
    }
    running.service.stop().await.unwrap();
    // Left over from a run beside another push service: kept, not used.
    let other = beside(&folder, &twins, std::slice::from_ref(&origin)).await;
    let ana = User::new(other.service.address, "ana").await;
    assert_eq!(ana.register("b", subscription(&format!("{origin}/x"))).await.0, 201);
    other.service.stop().await.unwrap();
    let running = beside(&folder, &twins, &[OWN.to_owned()]).await;
    join(&running.caller, "ana", "42").await;
    write(&running.caller, "42", "hello").await;
    until("a message that cannot be written", async || {
        running.caller.metric("reveille_unwritten_total{kind=\"invalid_subscription\"}").await
    })
    .await;
    let came = tokio::time::timeout(Duration::from_millis(200), neighbour.accept()).await;
    assert!(came.is_err(), "the neighbour was called");
    running.service.stop().await.unwrap();
}

/// A conversation has several parties, and there are several conversations.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_cannot_read_what_was_said_to_another() {
    let folder = Folder::new("history");
    let push = LocalPush::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let twins = Twins::start(None, Clock::default()).await.unwrap();
    let running = beside(&folder, &twins, &[push.origin()]).await;
    let mallory = User::new(running.service.address, "mallory").await;
    let mut receiver = Receiver::subscribe(&push.browser_url(), &mallory.key).await.unwrap();
    assert_eq!(mallory.register("m", receiver.browser_json()).await.0, 201);
    join(&running.caller, "ana", "41").await;
    join(&running.caller, "mallory", "42").await;
    write(&running.caller, "41", "SECRET of ana").await;
    write(&running.caller, "42", "hello mallory").await;
    let opened: Value = serde_json::from_slice(&receiver.receive().await.unwrap().unwrap()).unwrap();
    let token = opened["notification"]["data"]["resumeToken"].as_str().unwrap().to_owned();
    let body = |person: &str, conversation: &str, attempt: &str| {
        json!({
            "token": token, "person": person, "conversation": conversation, "app": LOCAL_APP, "device": "m",
            "channel": "web", "attempt": attempt,
        })
    };
    // Neither her token nor her session leads into somebody else's conversation, or makes her somebody else.
    assert_eq!(mallory.call("POST", "/v1/resume/commit", &body("ana", "42", "1")).await.0, 403);
    let (_, answer) = mallory.call("POST", "/v1/resume/commit", &body("mallory", "41", "2")).await;
    assert_eq!(answer, json!({"answer": "fresh"}));
    assert_eq!(mallory.call("GET", "/demo/history/41", &Value::Null).await.1, json!({"messages": []}));
    let (_, answer) = mallory.call("POST", "/v1/resume/commit", &body("mallory", "42", "3")).await;
    assert_eq!(answer["answer"], "resume");
    let (_, past) = mallory.call("GET", "/demo/history/42", &Value::Null).await;
    assert_eq!(past, json!({"messages": [{"title": "Agent Smith", "body": "hello mallory"}]}));
    let (status, ..) =
        raw(running.service.address, ("GET", "/demo/history/42"), &[("host", "localhost")], &Value::Null)
            .await;
    assert_eq!(status, 401);
    running.service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_service_that_is_dead_costs_nobody_a_device() {
    let folder = Folder::new("dead");
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let twins = Twins::start(None, Clock::default()).await.unwrap();
    let running = beside(&folder, &twins, &[format!("http://{nobody}")]).await;
    let ana = User::new(running.service.address, "ana").await;
    assert_eq!(ana.register("b", subscription(&format!("http://{nobody}/x"))).await.0, 201);
    join(&running.caller, "ana", "42").await;
    write(&running.caller, "42", "hello").await;
    let failed = || async {
        let (_, text) = running.caller.call("GET", "/metrics", "text/plain", "").await.unwrap();
        let lines = text.as_str().unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>();
        lines.into_iter().find(|line| line.starts_with("reveille_wire_failures_total"))
    };
    until("a failure that is counted", async || failed().await).await;
    assert_eq!(ana.devices().await, 1, "and it stays registered");
    running.service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_register_may_not_register_everything() {
    let folder = Folder::new("limits");
    let twins = Twins::start(None, Clock::default()).await.unwrap();
    let running = start(&folder, &twins, &Clock::default(), |settings| {
        settings.allowed_origins = vec![OWN.to_owned()];
        settings.limits.user_rate = 1_000;
    })
    .await;
    for name in ["", &"u".repeat(257)] {
        assert_eq!(session(running.service.address, name).await.0, 400, "{} bytes", name.len());
    }
    let ana = User::new(running.service.address, "ana").await;
    let mut most = 0;
    for number in 0..60 {
        let (status, answer) =
            ana.register(&format!("b{number}"), subscription(&format!("{OWN}/{number}"))).await;
        assert_eq!(status, 201, "{answer}");
        most = most.max(ana.devices().await);
    }
    assert!((1..=50).contains(&most), "of too many the one that was seen least recently goes: {most}");
    assert_eq!(ana.devices().await, most);
    assert_eq!(
        ana.register("b59", subscription(&format!("{OWN}/new"))).await.0,
        200,
        "one may take another's place"
    );
    assert_eq!(ana.devices().await, most);
    let bob = User::new(running.service.address, "bob").await;
    assert_eq!(bob.register("b", subscription(&format!("{OWN}/b"))).await.0, 201);
    assert_eq!(bob.register("b59", subscription(&format!("{OWN}/c"))).await.0, 403, "ana's");

    let huge = json!({"user": "x".repeat(2 << 20)});
    let (status, ..) =
        raw(running.service.address, ("POST", "/demo/session"), &[("host", "localhost")], &huge).await;
    assert_eq!(status, 413);
    running.service.stop().await.unwrap();
}

/// A disk that is full, or any other reason why something cannot be written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_kept_is_not_promised() {
    let folder = Folder::new("full");
    let twins = Twins::start(None, Clock::default()).await.unwrap();
    let settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        allowed_origins: vec![OWN.to_owned()],
        ..Settings::default()
    };
    let keys = Keys::open(&folder.path().join("keys.toml")).unwrap();
    let store = Arc::new(MemoryStore::default());
    let service =
        Service::start(&settings, &keys, Arc::clone(&store), Some(&twins), Clock::default()).await.unwrap();
    let ana = User::new(service.address, "ana").await;
    assert_eq!(ana.register("old", subscription(&format!("{OWN}/old"))).await.0, 201);
    // Also the look-ups fail; some of the errors may meet a commit of the service's own.
    (0..50).for_each(|_| store.refuse(StoreError::Full));
    assert_eq!(ana.register("new", subscription(&format!("{OWN}/new"))).await.0, 503);
    let path = format!("/v1/devices/{LOCAL_APP}/old");
    assert_eq!(ana.call("DELETE", &path, &Value::Null).await.0, 503);
    let devices = until("a store that works again", async || {
        let (status, answer) = ana.call("GET", "/v1/devices", &Value::Null).await;
        (status == 200).then(|| answer["devices"].as_array().unwrap().len())
    })
    .await;
    assert_eq!(devices, 1, "the old one, not the new one");
    until("the log-out", async || (ana.call("DELETE", &path, &Value::Null).await.0 == 204).then_some(()))
        .await;
    assert_eq!(ana.devices().await, 0);
    service.stop().await.unwrap();
}

/// D5: the operator's own browser gets a real push, and it is known whether it was sent, accepted and displayed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_test_of_web_push_is_a_push_to_the_operators_browser() {
    let folder = Folder::new("d5");
    let push = LocalPush::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let twins = Twins::start(None, Clock::default()).await.unwrap();
    let running = beside(&folder, &twins, &[push.origin(), format!("http://{nobody}")]).await;
    let operator = User { key: User::new(running.service.address, "x").await.key, caller: running.caller };
    let mut receiver = Receiver::subscribe(&push.browser_url(), &operator.key).await.unwrap();
    let test = async |subscription: Value| {
        operator.call("POST", "/v1/web-push/tests", &json!({"subscription": subscription})).await
    };
    let (status, answer) = test(receiver.browser_json()).await;
    assert_eq!(
        (status, &answer["sent"], &answer["accepted"], &answer["displayed"]),
        (200, &json!(true), &json!(true), &json!(false))
    );
    let opened: Value = serde_json::from_slice(&receiver.receive().await.unwrap().unwrap()).unwrap();
    let data = &opened["notification"]["data"];
    assert_eq!(data["test"], answer["test"]);
    // The worker has no key: only the push names the test.
    let path = data["displayed"].as_str().unwrap();
    let (status, ..) =
        raw(running.service.address, ("POST", path), &[("host", "localhost")], &Value::Null).await;
    assert_eq!(status, 204);
    let one = format!("/v1/web-push/tests/{}", answer["test"].as_str().unwrap());
    assert_eq!(operator.call("GET", &one, &Value::Null).await.1["displayed"], true);
    assert_eq!(operator.call("GET", "/v1/web-push/tests/0", &Value::Null).await.0, 404);

    // A precise failure otherwise.
    push.unsubscribe(receiver.subscription().endpoint().as_str());
    let (_, gone) = test(receiver.browser_json()).await;
    assert_eq!((&gone["sent"], &gone["accepted"]), (&json!(true), &json!(false)));
    assert!(gone["problem"].as_str().unwrap().starts_with("the push service answered 410"), "{gone}");
    let (_, dead) = test(subscription(&format!("http://{nobody}/x"))).await;
    assert_eq!((&dead["sent"], &dead["accepted"]), (&json!(false), &json!(false)));
    assert!(dead["problem"].as_str().unwrap().starts_with("no answer of the push service"), "{dead}");
    assert_eq!(test(subscription("http://127.0.0.1:9/x")).await.0, 400, "no other port of this machine");
    let guest = User::new(running.service.address, "guest").await;
    assert_eq!(guest.call("POST", "/v1/web-push/tests", &json!({})).await.0, 403);
    running.service.stop().await.unwrap();
}

/// Keys, the store, and what the local services remember.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_and_devices_are_the_owners_alone_in_any_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("modes");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    // Left behind by a copy, with any permissions.
    drop(RedbStore::open(folder.path().join("store.redb"), {
        let keys = Keys::open(&folder.path().join("keys.toml")).unwrap();
        RedbSettings::new(keys.sealer())
    }));
    for file in ["keys.toml", "store.redb"] {
        std::fs::set_permissions(folder.path().join(file), std::fs::Permissions::from_mode(0o666)).unwrap();
    }
    let twins = Twins::start(None, Clock::default()).await.unwrap();
    let running = beside(&folder, &twins, &[OWN.to_owned()]).await;
    let ana = User::new(running.service.address, "ana").await;
    assert_eq!(ana.register("b", subscription(&format!("{OWN}/x"))).await.0, 201);
    for file in ["keys.toml", "store.redb"] {
        let mode = std::fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    running.service.stop().await.unwrap();
}
