//! The app's side of a conversation (C11): a WebSocket that comes back progressively, and HTTP while there is none. For a page
//! the same is `page/connection.js`.
//!
//! `cargo run --release --example app_reconnect`
//!
//! `Reconnect` decides when to try; here are the socket, the polling, and a server that drops the socket and refuses it for
//! half a minute while messages go on. Every message is shown once, in order, and `connected` is said at once, because a
//! gateway gives a reservation back after 30 s. The clock runs twenty times as fast as yours.

mod local_gateway;

use std::error::Error;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use local_gateway::{LocalGateway, MESSAGES};
use reveille::conversation::reconnect::{Do, Link, Reconnect, ReconnectSettings, StreamEvent};
use reveille::core::UnixTime;
use reveille_examples::fast_clock::Clock;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Failure = Box<dyn Error + Send + Sync>;
type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Most gaps are short: only a longer one is bridged over HTTP.
const POLL_AFTER: Duration = Duration::from_secs(10);
const POLL_EVERY: Duration = Duration::from_secs(5);
const CONNECT_WITHIN: Duration = Duration::from_secs(8);
/// No answer of ours is longer; what is would fill the app's memory.
const LONGEST: usize = 1 << 20;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let report = run().await?;
    println!(
        "{} messages, each once and in order: {} over the socket, {} over HTTP in {} requests",
        report.shown.len(), report.shown.len() - report.over_http, report.over_http, report.polls
    );
    println!("{} attempts to connect, {} of them refused", report.attempts, report.refused);
    Ok(())
}

#[derive(Debug, Default)]
pub struct Report {
    pub shown: Vec<u64>,
    pub over_http: usize,
    pub polls: usize,
    pub attempts: usize,
    pub refused: usize,
    pub connected: Vec<UnixTime>,
}

/// The whole scene; an error if a message is lost or shown twice.
pub async fn run() -> Result<Report, Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let clock = Clock::start(20);
    let gateway = LocalGateway::start(clock).await?;
    let mut app = App::new(clock, &gateway)?;
    tokio::time::timeout(Duration::from_secs(60), app.follow()).await??;
    let seen = gateway.seen();
    let mut report = app.report;
    (report.attempts, report.refused, report.connected) = (seen.attempts, seen.refused, seen.connected);
    if report.shown != (1..=MESSAGES).collect::<Vec<_>>() {
        return Err(format!("not every message once and in order: {report:?}").into());
    }
    Ok(report)
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Word {
    /// The resume is taken.
    Welcome,
    Message { sequence: u64 },
}

struct App {
    clock: Clock,
    stream: Reconnect,
    stream_url: String,
    http_url: String,
    http: reqwest::Client,
    socket: Option<(Link, Socket)>,
    /// When to ask over HTTP, if there is no socket by then.
    poll_at: Option<UnixTime>,
    report: Report,
}

impl App {
    fn new(clock: Clock, gateway: &LocalGateway) -> Result<Self, Failure> {
        let now = clock.now();
        Ok(Self {
            clock,
            stream: Reconnect::new(ReconnectSettings::default(), rand_seed(), now),
            stream_url: format!("ws://{}/stream", gateway.authority),
            http_url: format!("http://{}/messages", gateway.authority),
            http: reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?,
            socket: None,
            poll_at: Some(now + POLL_AFTER),
            report: Report::default(),
        })
    }

    fn last(&self) -> u64 {
        self.report.shown.last().copied().unwrap_or(0)
    }

    async fn follow(&mut self) -> Result<(), Failure> {
        while self.last() < MESSAGES {
            while let Some(todo) = self.stream.poll_output() {
                self.act(todo).await; // 2. do what it says
            }
            let wakeup = self.stream.next_wakeup().map(|wakeup| wakeup.at);
            let wakeup = wakeup.into_iter().chain(self.poll_at).min();
            let frame = async {
                match &mut self.socket {
                    Some((_, socket)) => socket.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                frame = frame => self.heard(frame), // 1. tell it what happened
                () = self.clock.sleep_until(wakeup) => {} // 3. sleep until then
            }
            if self.poll_at.is_some_and(|at| at <= self.clock.now()) {
                self.poll().await;
            }
            self.stream.handle_timeout(self.clock.now());
        }
        Ok(())
    }

    async fn act(&mut self, todo: Do) {
        match todo {
            Do::Connect { link, .. } => {
                // Here and not in a task: an app has nothing else to do meanwhile, but must not wait for ever.
                let opened = tokio::select! {
                    opened = connect_async(&self.stream_url) => opened.ok(),
                    () = self.clock.sleep(CONNECT_WITHIN) => None,
                };
                let now = self.clock.now();
                match opened {
                    Some((socket, _)) => {
                        self.socket = Some((link, socket));
                        self.stream.handle_event(link, StreamEvent::Opened { resumed: true }, now);
                    }
                    None => self.stream.handle_failure(link, now),
                }
            }
            // The first word: that the resume arrived, and what is known. The answer brings what is after it.
            Do::Subscribe { .. } => {
                let last = self.last();
                self.say(format!(r#"{{"type":"connected","conversation":"c1","attempt":"a1","after":{last}}}"#)).await;
            }
            Do::Ping { .. } => self.say(r#"{"type":"ping"}"#.to_owned()).await,
            Do::Close { link } => self.socket = self.socket.take().filter(|(open, _)| *open != link),
            // Nothing: `connected` said what is known.
            _ => {}
        }
    }

    async fn say(&mut self, text: String) {
        let Some((link, socket)) = &mut self.socket else { return };
        if socket.send(Frame::text(text)).await.is_err() {
            let link = *link;
            self.lost(link);
        }
    }

    fn heard(&mut self, frame: Option<Result<Frame, tokio_tungstenite::tungstenite::Error>>) {
        let Some(link) = self.socket.as_ref().map(|(link, _)| *link) else { return };
        let now = self.clock.now();
        match frame {
            Some(Ok(Frame::Text(text))) => {
                match serde_json::from_str(&text) {
                    Ok(Word::Welcome) => {
                        self.poll_at = None;
                        self.stream.handle_event(link, StreamEvent::Subscribed, now);
                    }
                    Ok(Word::Message { sequence }) => self.show(sequence),
                    // A message that cannot be read costs that message only.
                    Err(_) => {}
                }
                self.stream.handle_event(link, StreamEvent::Received { resume: None }, now);
            }
            Some(Ok(Frame::Close(_)) | Err(_)) | None => self.lost(link),
            Some(Ok(_)) => {}
        }
    }

    fn lost(&mut self, link: Link) {
        let now = self.clock.now();
        self.socket = None;
        self.poll_at.get_or_insert(now + POLL_AFTER);
        self.stream.handle_failure(link, now);
    }

    /// HTTP while there is no socket.
    async fn poll(&mut self) {
        self.report.polls += 1;
        let before = self.report.shown.len();
        for sequence in self.ask().await.unwrap_or_default() {
            self.show(sequence);
        }
        self.report.over_http += self.report.shown.len() - before;
        self.poll_at = Some(self.clock.now() + POLL_EVERY);
    }

    async fn ask(&self) -> Result<Vec<u64>, Failure> {
        let url = format!("{}?conversation=c1&attempt=a1&after={}", self.http_url, self.last());
        let mut answer = self.http.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                return Err("the answer is too long".into());
            }
        }
        Ok(serde_json::from_slice(&body)?)
    }

    /// What is known is not shown again.
    fn show(&mut self, sequence: u64) {
        if sequence > self.last() {
            self.report.shown.push(sequence);
        }
    }
}

/// Different on every device, so that they do not come back all at once.
fn rand_seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}
