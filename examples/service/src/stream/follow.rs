//! The loop that follows a stream on one channel: what happened goes to [`Reconnect`], what that says is done, then it sleeps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reveille_conversation as conversation;
use reveille_conversation::reconnect::{Do, Link, Reconnect, StreamEvent};
use reveille_conversation::source::Parsed;
use reveille_core::UnixTime;
use reveille_gateway::store::Store;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::connection::{Connection, Dialer, Happened, Word};
use super::resync::Resync;
use super::taking::Taking;
use super::{Planned, StreamParts};
use crate::clock::Clock;
use crate::intake::name_of;
use crate::shards::NotTaken;

/// Frames that wait between the sockets and the loop. A flood waits in the platform's own buffers, not in our memory.
const FRAMES: usize = 64;
/// How long a connection that was replaced is read further: what it said before the other one was subscribed is on its way.
const LINGER: Duration = Duration::from_secs(2);
/// The loop looks as often at least.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Follow<S> {
    parts: StreamParts<S>,
    name: String,
    dialer: Arc<Dialer>,
    taking: Taking,
    resync: Option<Arc<Resync<S>>>,
    stream: Reconnect,
    connections: BTreeMap<Link, Connection>,
    /// Connections that were replaced, and until when they are read.
    lingering: Vec<(UnixTime, Link)>,
    /// Since when something may be missing, and who asks for it.
    resyncing: Option<(UnixTime, JoinHandle<()>)>,
    /// Events that had no id of their own.
    unnamed: u64,
    began: UnixTime,
    happened: mpsc::Sender<(Link, Happened)>,
    happening: mpsc::Receiver<(Link, Happened)>,
}

impl<S: Store> Follow<S> {
    pub(super) fn new(planned: &Planned, number: usize, topics: Vec<String>, parts: StreamParts<S>) -> Self {
        let taking = Taking {
            shards: parts.shards.clone(),
            presence: Arc::clone(&parts.presence),
            metrics: Arc::clone(&parts.metrics),
            source: planned.source,
            form: planned.settings.form,
        };
        let resync = parts.platform.as_ref().map(|platform| {
            Arc::new(Resync {
                store: Arc::clone(&parts.store),
                platform: Arc::clone(platform),
                taking: taking.clone(),
                clock: parts.clock.clone(),
                list: planned.settings.resync.clone(),
                topics: topics.clone(),
            })
        });
        let dialer = Dialer {
            number,
            way: planned.way.clone(),
            authorization: planned.authorization.clone(),
            topics,
            platform: parts.platform.clone(),
            wire: Arc::clone(&parts.wire),
        };
        let (happened, happening) = mpsc::channel(FRAMES);
        let began = parts.clock.now();
        let seed = began.as_millis() ^ (number as u64).rotate_left(32) ^ u64::from(std::process::id());
        let stream = Reconnect::new(planned.reconnect.clone(), seed, steady(&parts.clock));
        Self {
            parts,
            name: planned.name.clone(),
            dialer: Arc::new(dialer),
            taking,
            resync,
            stream,
            connections: BTreeMap::new(),
            lingering: Vec::new(),
            resyncing: None,
            unnamed: 0,
            began,
            happened,
            happening,
        }
    }

    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            // Also while it waits for room.
            () = async { while !*stop.borrow() && stop.changed().await.is_ok() {} } => {}
            _ = self.follow() => {}
        }
        if let Some((_, resyncing)) = self.resyncing.take() {
            resyncing.abort();
        }
    }

    async fn follow(&mut self) -> Result<(), NotTaken> {
        let mut portion = Vec::new();
        loop {
            while let Some(todo) = self.stream.poll_output() {
                self.act(todo); // 2. do what it says
            }
            let wait = self.stream.next_wakeup().map(|wakeup| wakeup.at.since(steady(&self.parts.clock)));
            let wait = wait.unwrap_or(LOOK).clamp(Duration::from_millis(1), LOOK);
            tokio::select! {
                count = self.happening.recv_many(&mut portion, FRAMES) => if count == 0 { return Ok(()) },
                () = tokio::time::sleep(wait) => {} // 3. sleep
            }
            self.handle(std::mem::take(&mut portion)).await?; // 1. tell it what happened
            // Whatever waited for room has been told before: a stream that is held up is not silent.
            let now = steady(&self.parts.clock);
            self.stream.handle_timeout(now);
            self.lingering.retain(|(until, link)| {
                let stays = *until > now;
                if !stays {
                    self.connections.remove(link);
                }
                stays
            });
        }
    }

    fn act(&mut self, todo: Do) {
        match todo {
            Do::Connect { link, resume: _ } => {
                self.parts.metrics.count("stream_connections", "tried");
                let connection = Connection::open(link, Arc::clone(&self.dialer), self.happened.clone());
                self.connections.insert(link, connection);
            }
            Do::Subscribe { link } => self.say(link, Word::Subscribe),
            Do::Ping { link } => self.say(link, Word::Ping),
            Do::Close { link } => {
                self.parts.metrics.count("stream_connections", "given_up");
                self.connections.remove(&link);
            }
            Do::Resync { since } => self.resync(since),
            _ => {}
        }
    }

    /// The new connection is subscribed; if there is an old one, it is read for a little longer.
    fn replaced(&mut self) {
        let mut others = Vec::new();
        while let Some(todo) = self.stream.poll_output() {
            match todo {
                Do::Close { link } => {
                    self.parts.metrics.count("stream_connections", "renewed");
                    self.lingering.push((steady(&self.parts.clock) + LINGER, link));
                }
                other => others.push(other),
            }
        }
        others.into_iter().for_each(|todo| self.act(todo));
    }

    fn resync(&mut self, since: Option<UnixTime>) {
        let Some(resync) = self.resync.clone() else {
            self.parts.metrics.count("resyncs", "nobody_to_ask");
            return;
        };
        // Known on the clock that nobody sets; asked for on the one that everybody shows.
        let passed = since.map(|since| steady(&self.parts.clock).since(since));
        let now = self.parts.clock.now();
        let since = passed.map_or(UnixTime::EPOCH, |passed| {
            UnixTime::from_millis(now.as_millis().saturating_sub(reveille_core::millis(passed)))
        });
        // A gap after a gap: one question for both.
        let unfinished = self.resyncing.take().filter(|(_, before)| !before.is_finished());
        let since = unfinished.as_ref().map_or(since, |(before, _)| since.min(*before));
        if let Some((_, before)) = unfinished {
            before.abort();
        }
        self.resyncing = Some((since, tokio::spawn(async move { resync.run(since).await })));
    }

    fn say(&self, link: Link, word: Word) {
        if let Some(connection) = self.connections.get(&link) {
            connection.say(word);
        }
    }

    async fn handle(&mut self, all: Vec<(Link, Happened)>) -> Result<(), NotTaken> {
        let (mut events, mut news) = (Vec::new(), Vec::new());
        for (link, happened) in all {
            // Closed meanwhile.
            if !self.connections.contains_key(&link) {
                continue;
            }
            let news_of = match happened {
                Happened::Frame(text) if is_confirmation(&text) => News::Is(StreamEvent::Subscribed),
                Happened::Frame(text) => match self.taking.read(&text, self.parts.clock.now()) {
                    Parsed::Inputs(mut inputs) => {
                        self.name(&mut inputs);
                        events.push(inputs);
                        News::Heard
                    }
                    Parsed::ClosingSoon => News::Is(StreamEvent::ClosingSoon),
                    _ => News::Heard,
                },
                Happened::Alive => News::Heard,
                Happened::Opened => News::Is(StreamEvent::Opened { resumed: false }),
                Happened::Subscribed => News::Is(StreamEvent::Subscribed),
                Happened::Lost(why) => News::Lost(why),
            };
            news.push((link, news_of));
        }
        self.taking.take(events).await?;
        let now = steady(&self.parts.clock);
        for (link, happened) in news {
            match happened {
                News::Heard => self.stream.handle_event(link, StreamEvent::Received { resume: None }, now),
                News::Is(event) => {
                    self.stream.handle_event(link, StreamEvent::Received { resume: None }, now);
                    let is_subscribed = event == StreamEvent::Subscribed;
                    self.stream.handle_event(link, event, now);
                    if is_subscribed {
                        self.replaced();
                    }
                }
                News::Lost(why) => {
                    self.parts.metrics.count("stream_lost", why);
                    eprintln!("stream {}: the connection is lost: {why}", self.name);
                    self.connections.remove(&link);
                    self.stream.handle_failure(link, now);
                }
            }
        }
        Ok(())
    }
}

impl<S> Follow<S> {
    /// What is given to a shard again, because its store did not answer, has to be known there.
    fn name(&mut self, inputs: &mut [conversation::Input]) {
        for input in inputs {
            if let conversation::Input::Event(event) = input
                && event.id.is_none()
            {
                let frame = format!("{}/{}/{}", self.name, self.began.as_millis(), self.dialer.number);
                event.id = name_of(&frame, self.unnamed);
                self.unnamed += 1;
            }
        }
    }
}

/// What a connection's news are for [`Reconnect`].
enum News {
    Heard,
    Is(StreamEvent),
    Lost(&'static str),
}

/// `{"message":"subscribed"}`, and nothing else of that length.
fn is_confirmation(text: &str) -> bool {
    text.len() < 256
        && text.contains("subscribed")
        && serde_json::from_str::<Value>(text).is_ok_and(|value| value["message"] == "subscribed")
}

/// A clock that nobody sets, in the form in which [`Reconnect`] wants it.
fn steady(clock: &Clock) -> UnixTime {
    UnixTime::from_millis(clock.uptime().as_millis())
}
