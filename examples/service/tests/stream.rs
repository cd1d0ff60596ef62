//! Event streams that misbehave.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use reveille_example_service::clock::Clock;
use reveille_example_service::keys::Keys;
use reveille_example_service::service::Service;
use reveille_example_service::settings::Settings;
use reveille_example_service::twins::{Received, Twins};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::common::gated::Gated;
use crate::common::platform::{LocalPlatform, Reply};
use crate::common::{Caller, Folder, event};
use crate::service::{Running, register, start, wait};

type Socket = WebSocketStream<TcpStream>;

struct LocalStream {
    origin: String,
    url: String,
    attempts: Arc<Mutex<Vec<Instant>>>,
    most_open: Arc<AtomicUsize>,
}

impl LocalStream {
    /// Every connection is given to `scene`, with its number from 1 on.
    async fn start<F>(scene: impl Fn(usize, TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let attempts = Arc::new(Mutex::new(Vec::new()));
        let (open, most_open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (seen, most) = (Arc::clone(&attempts), Arc::clone(&most_open));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                seen.lock().unwrap().push(Instant::now());
                let number = seen.lock().unwrap().len();
                most.fetch_max(open.fetch_add(1, SeqCst) + 1, SeqCst);
                let (scene, open) = (scene(number, socket), Arc::clone(&open));
                tokio::spawn(async move {
                    let _ = scene.await;
                    open.fetch_sub(1, SeqCst);
                });
            }
        });
        Self {
            origin: format!("http://{address}"),
            url: format!("ws://{address}/events"),
            attempts,
            most_open,
        }
    }

    fn attempts(&self) -> Vec<Instant> {
        self.attempts.lock().unwrap().clone()
    }
}

/// Opens, and confirms the subscription.
async fn subscribed(socket: TcpStream) -> Result<Socket, Error> {
    let mut stream = accept_async(socket).await?;
    let asked = stream.next().await.transpose()?;
    assert!(asked.is_some_and(|asked| asked.to_string().contains("v2.users.kate.conversations")));
    stream.send(Message::text(r#"{"message":"subscribed"}"#)).await?;
    Ok(stream)
}

/// Reads until the other side goes, and answers pings.
async fn listen(mut stream: Socket) -> Result<(), Error> {
    while let Some(message) = stream.next().await.transpose()? {
        if message.to_string().contains("ping") {
            stream.send(Message::text(r#"{"message":"pong"}"#)).await?;
        }
    }
    Ok(())
}

fn report(call: &str, state: &str) -> Value {
    let mut leg = json!({"id": format!("leg-{call}"), "state": state});
    if state == "disconnected" {
        leg["disconnectType"] = json!("transfer");
    }
    json!({"id": call, "participants": [
        {"id": format!("p-{call}"), "purpose": "agent", "userId": "kate", "calls": [leg]}]})
}

fn frame(call: &str, state: &str) -> Message {
    let frame = json!({"topicName": "v2.users.kate.conversations", "eventBody": report(call, state)});
    Message::text(frame.to_string())
}

fn stream_settings(settings: &mut Settings, stream: &LocalStream, more: &str) {
    let text = format!(
        "[[streams]]\nname = \"agents\"\nurl = \"{}\"\ntopics = [\"v2.users.kate.conversations\"]\n{more}",
        stream.url
    );
    settings.streams = Settings::from_toml(&text, "streams.toml").unwrap().streams;
    settings.allowed_origins.push(stream.origin.clone());
}

/// Rings and cancels of a call, on both of kate's phones.
fn of_call(pushes: &[Received], call: &str) -> (usize, usize) {
    let of = pushes.iter().filter(|push| push.data.to_string().contains(&format!("\"{call}\"")));
    let (cancels, rings): (Vec<_>, Vec<_>) = of.partition(|push| push.data.get("action").is_some());
    let missed = rings.iter().filter(|push| push.data["kind"] == "missed_call").count();
    (rings.len() - missed, cancels.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_a_stream_no_ring_is_lost_and_none_rings_twice() {
    let (folder, clock) = (Folder::new("stream"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let platform = LocalPlatform::start().await;
    // What the list says when it is asked for: nothing goes on yet.
    platform.says("/active?page=1", Reply::Json(json!({"entities": []})));
    platform.says("/active?page=2", Reply::Json(json!({"entities": []})));
    let there = platform.clone();
    let stream = LocalStream::start(move |number, socket| {
        let platform = there.clone();
        async move {
            match number {
                // A call, again and again, among rubbish. Then the connection breaks. In the gap that call ends, and another
                // one begins.
                1 => {
                    let mut stream = subscribed(socket).await?;
                    // Until the devices are registered.
                    tokio::time::sleep(Duration::from_millis(700)).await;
                    for _ in 0..3 {
                        stream.feed(frame("c1", "alerting")).await?;
                        stream.feed(Message::text("{".repeat(200))).await?;
                        stream.feed(Message::text(r#"{"topicName":"v2.new.things","eventBody":{}}"#)).await?;
                        let wrong = r#"{"topicName":"v2.users.kate.conversations","eventBody":{"id":7}}"#;
                        stream.feed(Message::text(wrong)).await?;
                        stream.feed(Message::binary(vec![0, 159, 146, 150])).await?;
                    }
                    stream.flush().await?;
                    tokio::time::sleep(Duration::from_millis(800)).await;
                    platform.says("/api/v2/conversations/c1", Reply::Json(report("c1", "disconnected")));
                    platform.says("/api/v2/conversations/c2", Reply::Json(report("c2", "alerting")));
                    platform
                        .says("/active?page=1", Reply::Json(json!({"entities": [report("c2", "alerting")]})));
                    // The first answers after the gap fail.
                    platform.says_once("/api/v2/conversations/c1", Reply::Status(503));
                    platform.says_once("/active?page=1", Reply::Status(500));
                    stream.get_ref().set_zero_linger()?;
                    Ok(())
                }
                // It takes the connection away at once.
                2 => Ok(()),
                // A frame that says it has 2^62 bytes.
                3 => {
                    let mut socket = subscribed(socket).await?.into_inner();
                    let mut head = vec![0x81, 127];
                    head.extend((1_u64 << 62).to_be_bytes());
                    socket.write_all(&head).await?;
                    while socket.write_all(&[b'x'; 4_096]).await.is_ok() {}
                    Ok(())
                }
                // Silence: not even a pong.
                4 => {
                    let stream = subscribed(socket).await?;
                    let mut seen = [0; 64];
                    // Looks whether the other side is there, and answers nothing.
                    loop {
                        tokio::time::sleep(Duration::from_millis(200)).await;
                        if let Ok(0) = stream.get_ref().try_read(&mut seen) {
                            return Ok(());
                        }
                    }
                }
                // A fragmented message that does not end.
                5 => {
                    let mut socket = subscribed(socket).await?.into_inner();
                    socket.write_all(&[0x01, 1, b'{']).await?;
                    while socket
                        .write_all(&[[0x00, 126, 0x0f, 0xff].as_slice(), &[b' '; 4_095]].concat())
                        .await
                        .is_ok()
                    {}
                    Ok(())
                }
                _ => {
                    let mut stream = subscribed(socket).await?;
                    stream.send(frame("c3", "alerting")).await?;
                    listen(stream).await
                }
            }
        }
    })
    .await;
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, "calls.ring_for = \"10min\"\n").unwrap();
    let Running { service, caller } = start(&folder, &twins, &clock, |settings| {
        settings.platform = Some(platform.settings());
        settings.allowed_origins.push(platform.origin.clone());
        // Longer than all this takes.
        settings.rules = Some(rules);
        let more = "ping_after_secs = 1\nsilent_after_secs = 2\n\
                    resync = { path = \"/active?page={page}\" }";
        stream_settings(settings, &stream, more);
    })
    .await;
    register(&caller, &twins).await;
    let mut pushes = Vec::new();
    let begun = Instant::now();
    while of_call(&pushes, "c3").0 < 2 && begun.elapsed() < Duration::from_secs(60) {
        pushes.extend(twins.take());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    pushes.extend(twins.take());
    assert_eq!(of_call(&pushes, "c1"), (2, 2), "it rang once on each phone, and was taken back: {pushes:?}");
    assert_eq!(of_call(&pushes, "c2"), (2, 0), "it began in the gap: {pushes:?}");
    assert_eq!(of_call(&pushes, "c3"), (2, 0), "{pushes:?}");
    assert!(stream.most_open.load(SeqCst) <= 2, "{}", stream.most_open.load(SeqCst));
    let attempts = stream.attempts();
    assert!(attempts.len() >= 6, "{attempts:?}");
    for pair in attempts.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(990), "no storm: {:?}", pair[1] - pair[0]);
    }
    for (metric, least) in [
        ("reveille_stream_frames_total{kind=\"malformed\"}", 6.0),
        ("reveille_stream_frames_total{kind=\"unknown\"}", 3.0),
        ("reveille_stream_lost_total{kind=\"too_long\"}", 2.0),
        ("reveille_stream_connections_total{kind=\"given_up\"}", 1.0),
        ("reveille_resyncs_total{kind=\"done\"}", 1.0),
    ] {
        let value = caller.metric(metric).await;
        assert!(value.is_some_and(|value| value >= least), "{metric}: {value:?}");
    }
    service.stop().await.unwrap();
}

/// While nothing is taken in, nothing is read; then all of it is taken, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_waits_while_nothing_is_taken_in() {
    const EVENTS: usize = 3_000;
    let (folder, clock) = (Folder::new("pressure"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let (sent, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (count, allowed) = (Arc::clone(&sent), Arc::clone(&go));
    let stream = LocalStream::start(move |_, socket| {
        let (sent, allowed) = (Arc::clone(&count), Arc::clone(&allowed));
        async move {
            let mut stream = subscribed(socket).await?;
            let _ = allowed.acquire().await;
            // Ten kilobytes each: more than the system's buffers hold.
            let padding = " ".repeat(10_000);
            for number in sent.load(SeqCst)..EVENTS {
                let data = json!({"conversation": format!("c{number}"), "person": "ann", "role": "visitor"});
                let text = event(&format!("e{number}"), "joined", data).to_string();
                stream.send(Message::text(format!("{padding}{text}"))).await?;
                sent.fetch_add(1, SeqCst);
            }
            listen(stream).await
        }
    })
    .await;
    let mut settings = Settings { listen: ([127, 0, 0, 1], 0).into(), ..Settings::default() };
    stream_settings(
        &mut settings,
        &stream,
        "form = \"cloud_events\"\nping_after_secs = 1\nsilent_after_secs = 3",
    );
    settings.limits.waiting_events = 300;
    let keys = Keys::open(&folder.path().join("keys.toml")).unwrap();
    let store = Arc::new(Gated::default());
    let service =
        Service::start(&settings, &keys, Arc::clone(&store), Some(&twins), clock.clone()).await.unwrap();
    let caller = Caller::new(service.address, keys.api.expose());
    // The store fails until it is seen that nothing more comes in.
    store.no_commit.store(u32::MAX, SeqCst);
    go.add_permits(1);
    let mut before = 0;
    while before == 0 || before != sent.load(SeqCst) {
        before = sent.load(SeqCst);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
    }
    assert!(before < EVENTS, "the platform could send everything: nobody held it back");
    store.no_commit.store(0, SeqCst);
    let begun = Instant::now();
    let mut taken = None;
    while taken != Some(EVENTS as f64) && begun.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        // What the store did not take was given again, and known by its id.
        let all = caller.metric("reveille_gateway_events_total").await;
        let again = caller.metric("reveille_gateway_events_already_taken_total").await;
        taken = all.zip(again).map(|(all, again)| all - again);
    }
    assert_eq!(taken, Some(EVENTS as f64));
    assert_eq!(stream.attempts().len(), 1, "who is held back is not silent");
    let held = caller.metric("reveille_stream_held_total{kind=\"store\"}").await;
    assert!(held.is_some_and(|held| held >= 1.0), "{held:?}");
    service.stop().await.unwrap();
}

/// Channels are made with the API, renewed before they end, and what both say rings once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_are_made_and_renewed() {
    let (folder, clock) = (Folder::new("channels"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let platform = LocalPlatform::start().await;
    let stream = LocalStream::start(|number, socket| async move {
        let mut stream = accept_async(socket).await?;
        tokio::time::sleep(Duration::from_millis(600)).await;
        // Each says what the one before has said.
        for call in 1..=number.min(4) {
            stream.send(frame(&format!("c{call}"), "alerting")).await?;
        }
        if number == 2 {
            let closing = r#"{"topicName":"v2.system.socket_closing","eventBody":{}}"#;
            stream.send(Message::text(closing)).await?;
        }
        listen(stream).await
    })
    .await;
    let url = stream.url.clone();
    platform.says_once("/channels", Reply::Status(500));
    platform.says_once("/channels", Reply::Json(json!({"id": "../x", "connectUri": url})));
    platform.says("/channels", Reply::Json(json!({"id": "ch1", "connectUri": url, "expires": "2030"})));
    platform.says_once("/channels/ch1/subscriptions", Reply::Status(500));
    platform.says("/channels/ch1/subscriptions", Reply::Json(json!({"entities": []})));
    let Running { service, caller } = start(&folder, &twins, &clock, |settings| {
        settings.platform = Some(platform.settings());
        settings.allowed_origins.extend([platform.origin.clone(), stream.origin.clone()]);
        let text = "[[streams]]\nname = \"agents\"\nchannels = \"/channels\"\ntopics = [\"v2.users.kate.conversations\"]\n\
                    channel_lives_secs = 60\nrenew_before_secs = 57\n";
        settings.streams = Settings::from_toml(text, "streams.toml").unwrap().streams;
    })
    .await;
    register(&caller, &twins).await;
    let mut pushes = wait(&twins, "the last call", |pushes| of_call(pushes, "c4").0 >= 2).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    pushes.extend(twins.take());
    for call in ["c1", "c2", "c3", "c4"] {
        assert_eq!(of_call(&pushes, call), (2, 0), "{call}: {pushes:?}");
    }
    assert!(stream.most_open.load(SeqCst) <= 2, "{}", stream.most_open.load(SeqCst));
    let bodies = platform.bodies("/channels/ch1/subscriptions");
    assert!(
        bodies.len() >= 4
            && bodies.iter().all(|body| *body == json!([{"id": "v2.users.kate.conversations"}]))
    );
    let renewed = caller.metric("reveille_stream_connections_total{kind=\"renewed\"}").await;
    assert!(renewed.is_some_and(|renewed| renewed >= 2.0), "{renewed:?}");
    let begun = Instant::now();
    service.stop().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[test]
fn settings_that_cannot_work() {
    let rules = reveille_conversation::rules::Rules::default();
    let wrong = |text: &str, has_platform: bool| {
        let text = format!("[[streams]]\nname = \"a\"\n{text}");
        let settings = Settings::from_toml(&text, "x").unwrap();
        reveille_example_service::stream::plan(&settings.streams, has_platform, &rules)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let topics = "topics = [\"v2.users.kate.presence\"]";
    assert_eq!(wrong(&format!("url = \"wss://a.example/x\"\n{topics}"), false), "");
    assert_eq!(wrong(topics, true), "streams: a: give channels, a path, or url");
    assert_eq!(
        wrong(&format!("url = \"https://a.example\"\n{topics}"), true),
        "streams: a: url is not a WebSocket's"
    );
    assert_eq!(
        wrong(&format!("channels = \"/c\"\n{topics}"), false),
        "streams: a: channels are made with the API of [platform], which is not there"
    );
    assert_eq!(
        wrong("url = \"wss://a.example\"\ntopics = []", true),
        "streams: a: give topics, and the form genesys or cloud_events"
    );
    assert_eq!(
        wrong(&format!("url = \"wss://a.example\"\nping_after_secs = 0\n{topics}"), true),
        "streams: a: ping_after: expected 1s to 3600s, found 0ns"
    );
}
