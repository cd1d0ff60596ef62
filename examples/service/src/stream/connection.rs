//! One WebSocket: it says what happens, and ends when it is dropped.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Uri};
use reveille_conversation::reconnect::Link;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::settings::Way;
use crate::platform::{Platform, PlatformFailure};
use crate::wire::{Stream, Why, Wire};

/// The platform's messages have a few kilobytes; what is longer ends the connection, not the program.
const LONGEST: usize = 1 << 20;
/// For a channel and its subscriptions.
const PATIENCE: Duration = Duration::from_secs(8);

/// What happens on a connection.
#[derive(Debug)]
pub(super) enum Happened {
    Opened,
    Subscribed,
    /// It lives, and says nothing.
    Alive,
    Frame(String),
    /// For a reason, by its name in metrics.
    Lost(&'static str),
}

/// Where connections go, and what is said there.
pub(super) struct Dialer {
    /// Which of the stream's channels.
    pub(super) number: usize,
    pub(super) way: Way,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) topics: Vec<String>,
    pub(super) platform: Option<Arc<Platform>>,
    pub(super) wire: Arc<Wire>,
}

/// What is said on a connection.
pub(super) enum Word {
    Subscribe,
    Ping,
}

pub(super) struct Connection {
    words: mpsc::UnboundedSender<Word>,
    task: JoinHandle<()>,
}

impl Connection {
    /// Connects in a task of its own; how long that may take is decided by who closes it.
    pub(super) fn open(link: Link, dialer: Arc<Dialer>, happened: mpsc::Sender<(Link, Happened)>) -> Self {
        let (words, listens) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let why = dialer.serve(link, &happened, listens).await.err().unwrap_or("closed");
            let _ = happened.send((link, Happened::Lost(why))).await;
        });
        Self { words, task }
    }

    pub(super) fn say(&self, word: Word) {
        let _ = self.words.send(word);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Socket = WebSocketStream<Box<dyn Stream>>;

impl Dialer {
    async fn serve(
        &self,
        link: Link,
        happened: &mpsc::Sender<(Link, Happened)>,
        mut words: mpsc::UnboundedReceiver<Word>,
    ) -> Result<(), &'static str> {
        let (channel, uri) = match &self.way {
            Way::Url(uri) => (None, uri.clone()),
            Way::Channels(path) => {
                let (id, uri) = self.make_channel(path).await?;
                (Some(format!("{path}/{id}/subscriptions")), uri)
            }
        };
        let mut socket = self.dial(&uri).await?;
        let gone = |_| "closed";
        happened.send((link, Happened::Opened)).await.map_err(gone)?;
        loop {
            tokio::select! {
                message = socket.next() => {
                    let Some(message) = message else { return Ok(()) };
                    let news = match message.map_err(|error| name(&error))? {
                        Message::Text(text) => Happened::Frame(text.as_str().to_owned()),
                        Message::Close(_) => return Ok(()),
                        // Those of the protocol are answered by the library; a form that is not spoken is not understood.
                        _ => Happened::Alive,
                    };
                    // Waits while the loop is busy: then the socket is not read, and the platform has to wait, too.
                    happened.send((link, news)).await.map_err(gone)?;
                }
                word = words.recv() => match (word, &channel) {
                    (None, _) => return Ok(()),
                    (Some(Word::Ping), _) => say(&mut socket, json!({"message": "ping"})).await?,
                    (Some(Word::Subscribe), None) => {
                        say(&mut socket, json!({"message": "subscribe", "topics": self.topics})).await?;
                    }
                    (Some(Word::Subscribe), Some(path)) => {
                        self.subscribe(path).await?;
                        happened.send((link, Happened::Subscribed)).await.map_err(gone)?;
                    }
                }
            }
        }
    }

    async fn make_channel(&self, path: &str) -> Result<(String, Uri), &'static str> {
        let made = self.post(path, &json!({})).await?;
        let id = made.get("id").and_then(Value::as_str).ok_or("channel")?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        if id.is_empty() || id.len() > 128 || !id.bytes().all(fits) {
            return Err("channel");
        }
        let uri = made.get("connectUri").and_then(Value::as_str).and_then(|uri| uri.parse().ok());
        Ok((id.to_owned(), uri.ok_or("channel")?))
    }

    async fn subscribe(&self, path: &str) -> Result<(), &'static str> {
        let topics: Vec<Value> = self.topics.iter().map(|topic| json!({"id": topic})).collect();
        self.post(path, &Value::Array(topics)).await.map(drop)
    }

    async fn post(&self, path: &str, document: &Value) -> Result<Value, &'static str> {
        let platform = self.platform.as_ref().ok_or("platform")?;
        let asked = platform.post(path, document, platform.within(PATIENCE)).await;
        asked.map_err(PlatformFailure::name)?.ok_or("channel")
    }

    async fn dial(&self, uri: &Uri) -> Result<Socket, &'static str> {
        let stream = self.wire.open(uri).await.map_err(Why::name)?;
        let mut request = uri.into_client_request().map_err(|_| "uri")?;
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
        let opened = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await;
        Ok(opened.map_err(|error| name(&error))?.0)
    }
}

async fn say(socket: &mut Socket, document: Value) -> Result<(), &'static str> {
    socket.send(Message::text(document.to_string())).await.map_err(|error| name(&error))
}

fn name(error: &Error) -> &'static str {
    match error {
        Error::Capacity(_) => "too_long",
        Error::Protocol(_) | Error::Utf8(_) | Error::AttackAttempt => "protocol",
        Error::Http(_) => "refused",
        Error::ConnectionClosed | Error::AlreadyClosed => "closed",
        _ => "broken",
    }
}
