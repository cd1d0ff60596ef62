//! The platform: seven connections, and what goes wrong on each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reveille::core::UnixTime;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async};

use reveille_examples::fast_clock::Clock;

/// How many waits there are between the first connection and the one that is renewed.
pub const REFUSED_AND_STALLED: usize = 5;
/// Frames of the flood.
pub const FLOOD: usize = 20_000;

/// What the server saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub attempts: Vec<UnixTime>,
    pub open: usize,
    pub most_open: usize,
    /// Each call's state on the platform.
    calls: BTreeMap<&'static str, &'static str>,
}

pub struct LocalStream {
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LocalStream {
    pub async fn start(clock: Clock) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}/", listener.local_addr()?);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let number = {
                    let mut seen = lock(&shared);
                    seen.attempts.push(clock.now());
                    seen.open += 1;
                    seen.most_open = seen.most_open.max(seen.open);
                    seen.attempts.len()
                };
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let _ = scene(number, socket, clock, &shared).await;
                    lock(&shared).open -= 1;
                });
            }
        });
        Ok(Self { url, seen })
    }

    pub fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// What the platform's API answers: Kate's conversations, as reports of their state.
    pub fn conversations(&self) -> Vec<String> {
        lock(&self.seen).calls.iter().map(|(call, state)| report(call, state)).collect()
    }
}

/// What happens on a connection.
async fn scene(number: usize, socket: TcpStream, clock: Clock, seen: &Mutex<Seen>) -> Result<(), Error> {
    let call = |call, state| {
        lock(seen).calls.insert(call, state);
    };
    match number {
        // It offers a call and drops the connection. In the gap that call ends, and another one begins.
        1 => {
            let mut stream = subscribed(socket).await?;
            call("c1", "alerting");
            stream.send(Message::text(report("c1", "alerting"))).await?;
            clock.sleep(Duration::from_secs(1)).await;
            call("c1", "disconnected");
            call("c2", "alerting");
            Ok(())
        }
        // It refuses.
        2 => Ok(()),
        // It takes the connection and says nothing.
        3 => hold(&socket, clock).await,
        // It opens and never confirms.
        4 => listen(accept_async(socket).await?).await,
        // It falls silent: it does not even answer pings. Meanwhile the call ends.
        5 => {
            let stream = subscribed(socket).await?;
            clock.sleep(Duration::from_secs(1)).await;
            call("c2", "disconnected");
            hold(stream.get_ref(), clock).await
        }
        // It floods, and says that it will close. One call is in the middle of the flood.
        6 => {
            let mut stream = subscribed(socket).await?;
            for frame in 0..FLOOD {
                let text = match frame {
                    _ if frame == FLOOD / 2 => {
                        call("c3", "alerting");
                        report("c3", "alerting")
                    }
                    _ if frame % 100 == 0 => r#"{"topicName":"v2.users.kate.conversations","eventBody":{"id":7}}"#.to_owned(),
                    _ if frame % 100 == 1 => "{".repeat(200),
                    _ => format!(r#"{{"topicName":"v2.things.{frame}","eventBody":{{}}}}"#),
                };
                stream.feed(Message::text(text)).await?;
            }
            stream.send(Message::text(r#"{"topicName":"v2.system.socket_closing","eventBody":{}}"#)).await?;
            listen(stream).await
        }
        // The new channel overlaps with the old one: it says again what the old one said.
        _ => {
            let mut stream = subscribed(socket).await?;
            for (name, state) in [("c3", "alerting"), ("c3", "disconnected"), ("c4", "alerting")] {
                call(name, state);
                stream.send(Message::text(report(name, state))).await?;
            }
            listen(stream).await
        }
    }
}

/// Opens, and confirms the subscription.
async fn subscribed(socket: TcpStream) -> Result<WebSocketStream<TcpStream>, Error> {
    let mut stream = accept_async(socket).await?;
    let _ = stream.next().await.transpose()?;
    stream.send(Message::text(r#"{"message":"subscribed"}"#)).await?;
    Ok(stream)
}

/// Reads until the other side goes; answers nothing.
async fn listen(mut stream: WebSocketStream<TcpStream>) -> Result<(), Error> {
    while stream.next().await.transpose()?.is_some() {}
    Ok(())
}

/// Keeps the connection without reading, until the other side is gone.
async fn hold(socket: &TcpStream, clock: Clock) -> Result<(), Error> {
    let mut seen = [0; 4096];
    loop {
        clock.sleep(Duration::from_millis(500)).await;
        // The end of the other side shows behind what it has sent: nothing of that is answered.
        match socket.try_read(&mut seen) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return Ok(()),
        }
    }
}

fn report(call: &str, state: &str) -> String {
    let ended = if state == "disconnected" { r#","disconnectType":"transfer""# } else { "" };
    format!(
        r#"{{"topicName":"v2.users.kate.conversations","eventBody":{{"id":"{call}","participants":[{{"id":"p-{call}","purpose":"agent","userId":"kate","calls":[{{"id":"leg-{call}","state":"{state}"{ended}}}]}}]}}}}"#
    )
}
