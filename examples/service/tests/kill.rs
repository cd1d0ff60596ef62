//! `kill -9` under load: what was accepted is told, whatever moment it was.
//!
//! `REVEILLE_KILLS=100 cargo test --release -p reveille-example-service kill -- --nocapture` for more rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reveille_core::UnixTime;
use reveille_example_service::clock::Clock;
use reveille_example_service::keys::Keys;
use reveille_example_service::twins::{KEY_ID, PROJECT, Received, TEAM, Twins};
use serde_json::json;

use crate::common::{Caller, Folder};

const APP: &str = "com.example.app";
/// So many that no device gets more than its service allows (four a second).
const PEOPLE: usize = 120;
/// Sources that post at the same time.
const SOURCES: usize = 8;
/// What left before a cancel was committed may arrive so much later.
const ON_ITS_WAY: Duration = Duration::from_secs(2);

/// An event that was answered with 202, and when.
#[derive(Clone)]
struct Accepted {
    conversation: String,
    person: usize,
    /// When its cancel was answered with 202.
    cancelled: Option<UnixTime>,
}

/// The program. Tests are in `deps`, examples beside it; `cargo test` builds both.
fn program() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(format!("examples/gateway{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: cargo build --example gateway", path.display());
    path
}

/// The service as a process of its own.
struct Child9(Child);

impl Child9 {
    fn start(settings: &Path) -> Self {
        let child = Command::new(program()).arg("--settings").arg(settings).stdout(Stdio::null()).spawn();
        Self(child.unwrap())
    }

    /// SIGKILL.
    fn kill(self) {
        drop(self);
    }
}

/// A test that fails leaves nothing behind that runs.
impl Drop for Child9 {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn settings(folder: &Path, twins: &Twins, listen: SocketAddr) -> PathBuf {
    let [web, apple, google] = &twins.origins;
    std::fs::write(folder.join("ca.pem"), twins.certificate_pem()).unwrap();
    std::fs::write(folder.join("key.p8"), twins.p8()).unwrap();
    let at = folder.display();
    let text = format!(
        r#"
listen = "{listen}"
data = "{at}/data"
allowed_origins = ["{web}", "{apple}", "{google}"]
certificates = "{at}/ca.pem"
digest_ms = 300
rate = 5000
ramp_secs = 0
snapshot_inputs = 50
[[apps]]
id = "{APP}"
apns = {{ bundle = "{APP}", key_file = "{at}/key.p8", key_id = "{KEY_ID}", team = "{TEAM}", origin = "{apple}" }}
fcm = {{ project = "{PROJECT}", metadata = "{google}", origin = "{google}" }}
"#
    );
    let path = folder.join("settings.toml");
    std::fs::write(&path, text).unwrap();
    path
}

async fn ready(caller: &Caller) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        if matches!(caller.call("GET", "/ready", "text/plain", "").await, Ok((status, _)) if status == 200) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it does not get ready");
}

/// Sends an event until it is accepted. The id is the same each time.
async fn insist(caller: &Caller, id: &str, kind: &str, data: serde_json::Value) {
    while !matches!(caller.event(id, kind, data.clone()).await, Ok(status) if status == 202) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Chats of one message, and calls of which every other one is abandoned.
async fn source(
    number: usize,
    caller: Arc<Caller>,
    clock: Clock,
    accepted: Arc<Mutex<Vec<Accepted>>>,
    over: Arc<AtomicBool>,
) {
    for count in 0_usize.. {
        if over.load(Relaxed) {
            return;
        }
        let (person, conversation) = ((count + number) % PEOPLE, format!("c-{number}-{count}"));
        let id = |name: &str| format!("{number}-{count}-{name}");
        let call = count % 2 == 0;
        if call {
            let data = json!({"conversation": conversation, "person": format!("person-{person}"), "caller_name": "Ann"});
            insist(&caller, &id("offer"), "call_offered", data).await;
        } else {
            let data = json!({"conversation": conversation, "person": format!("person-{person}"), "role": "visitor"});
            insist(&caller, &id("joined"), "joined", data).await;
            let data = json!({"conversation": conversation, "sender": "kate", "role": "primary", "preview": "hello"});
            insist(&caller, &id("message"), "message_sent", data).await;
        }
        let mut event = Accepted { conversation: conversation.clone(), person, cancelled: None };
        if call && count % 4 == 0 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            insist(&caller, &id("ended"), "call_ended", json!({"conversation": conversation})).await;
            event.cancelled = Some(clock.now());
        }
        accepted.lock().unwrap().push(event);
    }
}

fn text<'a>(push: &'a Received, name: &str) -> &'a str {
    push.data.get(name).and_then(|value| value.as_str()).unwrap_or_default()
}

struct Judged {
    pushes: usize,
    duplicates: usize,
}

/// Counted from the services' side.
fn judge(accepted: &[Accepted], pushes: &[Received], devices: &BTreeMap<String, usize>) -> Judged {
    let mut told: BTreeMap<(&str, usize), BTreeSet<&str>> = BTreeMap::new();
    let mut seen: BTreeMap<(&str, &str, bool), Vec<&str>> = BTreeMap::new();
    for push in pushes {
        let person = *devices.get(&push.device).expect("a push to a device that nobody registered");
        let conversation = text(push, "conversationId");
        let takes_back = push.data.get("action").is_some();
        assert_eq!(text(push, "userId"), format!("person-{person}"), "a push for somebody else");
        told.entry((conversation, person)).or_default().insert(&push.device);
        seen.entry((conversation, &push.device, takes_back)).or_default().push(text(push, "generation"));
    }
    for event in accepted {
        let told = told.get(&(event.conversation.as_str(), event.person)).map_or(0, BTreeSet::len);
        // A call that was abandoned at once need not have rung.
        if event.cancelled.is_none() {
            assert!(told >= 3, "{}: accepted, and told on {told} of 3 devices", event.conversation);
        }
    }
    let cancelled: BTreeMap<&str, UnixTime> =
        accepted.iter().filter_map(|event| Some((event.conversation.as_str(), event.cancelled?))).collect();
    for push in pushes.iter().filter(|push| push.data.get("action").is_none()) {
        let Some(cancelled) = cancelled.get(text(push, "conversationId")) else { continue };
        let is_ring = text(push, "kind") == "incoming_call";
        assert!(
            !is_ring || push.at <= *cancelled + ON_ITS_WAY,
            "{} rang after its cancel",
            text(push, "conversationId")
        );
    }
    let mut duplicates = 0;
    for ((conversation, ..), generations) in &seen {
        let kinds: BTreeSet<_> = generations.iter().collect();
        duplicates += generations.len() - kinds.len();
        assert!(!conversation.is_empty());
    }
    Judged { pushes: pushes.len(), duplicates }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_nothing_that_was_accepted() {
    run(std::env::var("REVEILLE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)).await;
}

/// The control: what the test counts as sent again comes from the kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_kill_nothing_is_sent_twice() {
    run(0).await;
}

async fn run(rounds: u64) {
    let (folder, clock) = (Folder::new("kill"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = settings(folder.path(), &twins, listen);
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    let keys = Keys::open(&folder.path().join("data/keys.toml")).unwrap();
    let caller = Arc::new(Caller::new(listen, keys.api.expose()));

    let mut child = Child9::start(&settings);
    ready(&caller).await;
    let devices = register(&twins, &caller).await;

    let (accepted, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let sources: Vec<_> = (0..SOURCES)
        .map(|number| {
            tokio::spawn(source(
                number,
                Arc::clone(&caller),
                clock.clone(),
                Arc::clone(&accepted),
                Arc::clone(&over),
            ))
        })
        .collect();
    let mut random = reveille_core::Jitter::new(clock.now().as_millis());
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        tokio::time::sleep(Duration::from_millis(200 + random.next_u64() % 1_500)).await;
        child.kill();
        let begun = Instant::now();
        child = Child9::start(&settings);
        ready(&caller).await;
        slowest = slowest.max(begun.elapsed());
    }
    tokio::time::sleep(Duration::from_millis(if rounds == 0 { 3_000 } else { 500 })).await;
    over.store(true, Relaxed);
    for source in sources {
        source.await.unwrap();
    }
    settle(&caller).await;
    child.kill();

    let (accepted, pushes) = (accepted.lock().unwrap().clone(), twins.take());
    let judged = judge(&accepted, &pushes, &devices);
    println!(
        "{rounds} kills, {} conversations accepted, {} pushes received, {} of them again, ready again after at most {} ms",
        accepted.len(),
        judged.pushes,
        judged.duplicates,
        slowest.as_millis(),
    );
    assert!(accepted.len() > 20, "too little load to say anything: {}", accepted.len());
    if rounds == 0 {
        assert_eq!(judged.duplicates, 0, "nothing died, so nothing is sent again");
    }
    // What was on its way at a kill: no more than the sources had under way, on three devices each.
    let most = rounds as usize * SOURCES * 2 * 3;
    assert!(judged.duplicates <= most, "{} duplicates, at most {most}", judged.duplicates);
}

/// Three devices for everybody: whose is which, as the services name them.
async fn register(twins: &Twins, caller: &Caller) -> BTreeMap<String, usize> {
    let mut devices = BTreeMap::new();
    let mut registering = Vec::new();
    for person in 0..PEOPLE {
        let owner = format!("person-{person}");
        let (browser, (alert, _), android) = (twins.browser().unwrap(), twins.iphone(), twins.android());
        for device in [browser["endpoint"].as_str().unwrap(), alert.as_str(), android.as_str()] {
            devices.insert(device.to_owned(), person);
        }
        for (name, body) in [
            ("browser", json!({"owner": owner, "platform": "web", "subscription": browser})),
            ("iphone", json!({"owner": owner, "platform": "ios", "apns_alert": alert})),
            ("android", json!({"owner": owner, "platform": "android", "fcm_token": android})),
        ] {
            registering.push(async move { caller.register(APP, &format!("{name}-{person}"), body).await });
        }
    }
    for status in futures_util::future::join_all(registering).await {
        assert_eq!(status, 201);
    }
    devices
}

/// Until nothing is open any more.
async fn settle(caller: &Caller) {
    let begun = Instant::now();
    let mut open = (None, None);
    while begun.elapsed() < Duration::from_secs(90) {
        let jobs = caller.metric("reveille_gateway_jobs_open").await;
        let pending = caller.metric("reveille_gateway_messages_pending").await;
        open = (jobs, pending);
        if open == (Some(0.0), Some(0.0)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let metrics = caller.call("GET", "/metrics", "text/plain", "").await.unwrap().1;
    panic!("never at rest: jobs and messages {open:?}\n{}", metrics.as_str().unwrap_or_default());
}
