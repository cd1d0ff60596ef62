//! A program that follows an event stream through whatever a server does: it drops, refuses, stalls, floods and closes. The
//! decisions are `Reconnect`'s and `Conversations`'; here are the sockets.
//!
//! `cargo run --release --example event_stream`
//!
//! The stream gives no catch-up (B2), so after each gap the platform is asked what rings now; what began in the gap rings, and
//! what ended in it is cancelled. The clock runs twenty times as fast as yours, so that back-off takes no minutes.

mod connection;
mod local_stream;

use std::collections::BTreeMap;
use std::error::Error;

use reveille_examples::fast_clock::Clock;
use connection::{Connection, Happened};
use local_stream::{LocalStream, REFUSED_AND_STALLED};
use reveille::conversation::reconnect::{Do, Link, Reconnect, ReconnectSettings, StreamEvent};
use reveille::conversation::rules::Rules;
use reveille::conversation::source::{Genesys, Parsed};
use reveille::conversation::{Conversations, Input, Output, Reason, Seed};
use reveille::core::Machine;
use std::time::Duration;
use tokio::sync::mpsc;

type Failure = Box<dyn Error + Send + Sync>;

/// Frames that wait between the sockets and the loop. A flood waits in the server's own buffers, not in our memory.
const FRAMES: usize = 64;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let report = run().await?;
    println!(
        "{} connections, {} re-syncs, {} frames read ({} of unknown kinds, {} malformed), {} rings, {} cancels",
        report.connections, report.resyncs, report.documents, report.unknown, report.malformed, report.rings.len(),
        report.cancels.len(),
    );
    println!("the shortest wait between two attempts was {:?}; never more than {} connections at a time",
        report.shortest_wait, report.most_open);
    println!("no ring was lost, none rang twice, and all that ended was cancelled");
    Ok(())
}

/// What happened, for the test.
#[derive(Debug, Default)]
pub struct Report {
    pub connections: usize,
    pub resyncs: usize,
    pub documents: u64,
    pub unknown: u64,
    pub malformed: u64,
    pub duplicates: usize,
    /// By conversation.
    pub rings: BTreeMap<String, usize>,
    pub cancels: BTreeMap<String, usize>,
    pub shortest_wait: Duration,
    pub most_open: usize,
}

/// The whole scene; an error if a ring is lost, rings twice, or is not cancelled.
pub async fn run() -> Result<Report, Failure> {
    let clock = Clock::start(20);
    let server = LocalStream::start(clock).await?;
    let mut driver = Driver::new(clock, &server)?;
    tokio::time::timeout(Duration::from_secs(60), driver.follow(&server)).await??;
    let mut report = driver.report;
    let seen = server.seen();
    (report.connections, report.most_open) = (seen.attempts.len(), seen.most_open);
    let waits = seen.attempts.windows(2).map(|pair| pair[1].since(pair[0]));
    // The last connection is a renewal: it waits for nothing.
    report.shortest_wait = waits.take(REFUSED_AND_STALLED).min().unwrap_or_default();
    let expected = BTreeMap::from(["c1", "c2", "c3", "c4"].map(|call| (call.to_owned(), 1)));
    let ended = BTreeMap::from(["c1", "c2", "c3"].map(|call| (call.to_owned(), 1)));
    if report.rings != expected || report.cancels != ended {
        return Err(format!("rings or cancels are not what they should be: {report:?}").into());
    }
    Ok(report)
}

struct Driver {
    clock: Clock,
    url: String,
    stream: Reconnect,
    source: Genesys,
    machine: Conversations,
    connections: BTreeMap<Link, Connection>,
    happened: mpsc::Sender<(Link, Happened)>,
    happening: mpsc::Receiver<(Link, Happened)>,
    report: Report,
}

impl Driver {
    fn new(clock: Clock, server: &LocalStream) -> Result<Self, Failure> {
        let settings = ReconnectSettings::default()
            .with_ping_after(Duration::from_secs(10))?
            .with_silent_after(Duration::from_secs(20))?;
        let (happened, happening) = mpsc::channel(FRAMES);
        Ok(Self {
            clock,
            url: server.url.clone(),
            stream: Reconnect::new(settings, 7, clock.now()),
            source: Genesys::new(),
            machine: Conversations::new(Rules::from_toml("calls.ring_for = \"10min\"")?, Seed::new([7; 16]))?,
            connections: BTreeMap::new(),
            happened,
            happening,
            report: Report::default(),
        })
    }

    /// Until the call `c4` rings, which the server offers on its last connection.
    async fn follow(&mut self, server: &LocalStream) -> Result<(), Failure> {
        while !self.report.rings.contains_key("c4") {
            while let Some(todo) = self.stream.poll_output() {
                self.act(todo, server)?; // 2. do what it says
            }
            let wakeup = self.stream.next_wakeup().map(|wakeup| wakeup.at);
            let wakeup = wakeup.into_iter().chain(self.machine.next_wakeup().map(|wakeup| wakeup.at)).min();
            tokio::select! {
                happened = self.happening.recv() => {
                    let Some((link, happened)) = happened else { return Err("the channel is gone".into()) };
                    self.handle(link, happened); // 1. tell it what happened
                }
                () = self.clock.sleep_until(wakeup) => self.apply(Input::Tick), // 3. sleep until then
            }
            // Also in a flood, in which nobody sleeps.
            self.stream.handle_timeout(self.clock.now());
        }
        let counts = self.source.counts();
        (self.report.documents, self.report.unknown, self.report.malformed) =
            (counts.documents, counts.unknown, counts.malformed);
        Ok(())
    }

    fn act(&mut self, todo: Do, server: &LocalStream) -> Result<(), Failure> {
        match todo {
            Do::Connect { link, resume: _ } => {
                let connection = Connection::open(link, self.url.clone(), self.happened.clone());
                self.connections.insert(link, connection);
            }
            Do::Subscribe { link } => self.say(link, r#"{"message":"subscribe","topics":["v2.users.kate.conversations"]}"#),
            Do::Ping { link } => self.say(link, r#"{"message":"ping"}"#),
            Do::Close { link } => drop(self.connections.remove(&link)),
            Do::Resync { since: _ } => {
                self.report.resyncs += 1;
                // In the world outside: GET the person's conversations, within the platform's limit (C8).
                for report in server.conversations() {
                    self.read(&report);
                }
            }
            other => return Err(format!("this program does not know {other:?}").into()),
        }
        Ok(())
    }

    fn say(&self, link: Link, text: &str) {
        if let Some(connection) = self.connections.get(&link) {
            connection.say(text.to_owned());
        }
    }

    fn handle(&mut self, link: Link, happened: Happened) {
        let now = self.clock.now();
        match happened {
            Happened::Opened => self.stream.handle_event(link, StreamEvent::Opened { resumed: false }, now),
            Happened::Lost => {
                self.connections.remove(&link);
                self.stream.handle_failure(link, now);
            }
            Happened::Frame(text) if text.contains(r#""message":"subscribed""#) => {
                self.stream.handle_event(link, StreamEvent::Subscribed, now);
            }
            Happened::Frame(text) => {
                let closing = self.read(&text);
                self.stream.handle_event(link, StreamEvent::Received { resume: None }, now);
                if closing {
                    self.stream.handle_event(link, StreamEvent::ClosingSoon, now);
                }
            }
        }
    }

    /// Whether the server says that it will close.
    fn read(&mut self, text: &str) -> bool {
        match self.source.read(text, self.clock.now()) {
            Ok(Parsed::Inputs(inputs)) => inputs.into_iter().for_each(|input| self.apply(input)),
            Ok(Parsed::ClosingSoon) => return true,
            // What is malformed or of an unknown kind is counted; the stream goes on.
            Ok(_) | Err(_) => {}
        }
        false
    }

    fn apply(&mut self, input: Input) {
        for output in self.machine.apply(input, self.clock.now()) {
            let of = match &output {
                Output::Intent(ring) => self.report.rings.entry(ring.conversation.to_string()),
                Output::Withdraw(cancel) => self.report.cancels.entry(cancel.conversation.to_string()),
                Output::Suppressed(suppressed) if suppressed.reason == Reason::Duplicate => {
                    self.report.duplicates += 1;
                    continue;
                }
                _ => continue,
            };
            *of.or_default() += 1;
        }
    }
}
