//! A gateway whose socket breaks while messages go on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use reveille::core::UnixTime;
use reveille_examples::fast_clock::Clock;
use serde::Deserialize;
use tokio::net::TcpListener;

/// Messages in all, one a second.
pub const MESSAGES: u64 = 60;
/// The socket breaks behind this message,
const BREAKS_AFTER: u64 = 5;
/// and is refused until there is this one.
const REFUSES_UNTIL: u64 = 35;

#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub attempts: usize,
    pub refused: usize,
    /// When somebody said that they are connected, over either way.
    pub connected: Vec<UnixTime>,
    written: u64,
}

#[derive(Clone)]
struct Desk {
    seen: Arc<Mutex<Seen>>,
    clock: Clock,
}

pub struct LocalGateway {
    pub authority: String,
    desk: Desk,
}

impl LocalGateway {
    pub async fn start(clock: Clock) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let authority = listener.local_addr()?.to_string();
        let desk = Desk { seen: Arc::default(), clock };
        let router = Router::new().route("/stream", get(stream)).route("/messages", get(messages));
        let router = router.with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let writer = desk.clone();
        tokio::spawn(async move {
            for number in 1..=MESSAGES {
                writer.clock.sleep(Duration::from_secs(1)).await;
                writer.with(|seen| seen.written = number);
            }
        });
        Ok(Self { authority, desk })
    }

    pub fn seen(&self) -> Seen {
        self.desk.with(|seen| seen.clone())
    }
}

impl Desk {
    fn with<T>(&self, act: impl FnOnce(&mut Seen) -> T) -> T {
        act(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Deserialize)]
struct After {
    after: u64,
}

async fn messages(State(desk): State<Desk>, Query(After { after }): Query<After>) -> Json<Vec<u64>> {
    let now = desk.clock.now();
    let written = desk.with(|seen| {
        seen.connected.push(now);
        seen.written
    });
    Json((after.saturating_add(1)..=written).collect())
}

async fn stream(State(desk): State<Desk>, upgrade: WebSocketUpgrade) -> Response {
    let refuses = desk.with(|seen| {
        seen.attempts += 1;
        let refuses = (BREAKS_AFTER..REFUSES_UNTIL).contains(&seen.written);
        seen.refused += usize::from(refuses);
        refuses
    });
    if refuses {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    upgrade.on_upgrade(move |socket| async move {
        let _ = serve(socket, desk).await;
    })
}

async fn serve(mut socket: WebSocket, desk: Desk) -> Result<(), axum::Error> {
    let Some(Message::Text(connected)) = socket.recv().await.transpose()? else { return Ok(()) };
    let Ok(After { after: mut sent }) = serde_json::from_str(&connected) else { return Ok(()) };
    let now = desk.clock.now();
    desk.with(|seen| seen.connected.push(now));
    socket.send(Message::text(r#"{"type":"welcome"}"#)).await?;
    loop {
        let written = desk.with(|seen| seen.written);
        while sent < written {
            sent += 1;
            socket.send(Message::text(format!(r#"{{"type":"message","sequence":{sent}}}"#))).await?;
        }
        if (BREAKS_AFTER..REFUSES_UNTIL).contains(&sent) {
            return Ok(());
        }
        desk.clock.sleep(Duration::from_millis(200)).await;
    }
}
