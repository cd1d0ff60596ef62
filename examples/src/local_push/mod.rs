//! A push service on this machine: RFC 8030 towards application servers, and towards browsers the WebSocket protocol
//! that Firefox speaks to its push service. What a request must look like is checked by `reveille-testkit`.
//!
//! In Firefox's `about:config` set `dom.push.serverURL` to the printed `ws://` address and
//! `dom.push.testing.allowInsecureServerURL` to true, and start Firefox anew.

mod browser;
mod receiver;
mod state;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use http::header::ORIGIN;
use http::{HeaderMap, StatusCode};
use reveille_crypto::P256PublicKey;
use tokio::net::TcpListener;

use crate::clock;
pub use receiver::Receiver;
use state::Shared;

/// A running local push service; it ends with the program.
#[derive(Clone)]
pub struct LocalPush {
    address: SocketAddr,
    state: Arc<Mutex<Shared>>,
}

impl LocalPush {
    /// Starts the service. Port 0 takes any free one.
    pub async fn start(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(Shared::new(format!("http://{address}"))));
        let router = Router::new()
            .route("/", any(browser_connects))
            .fallback(push)
            // More than the 4,096 bytes of a body, so that the service itself can answer 413.
            .layer(DefaultBodyLimit::max(64 * 1024))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, state })
    }

    /// The origin of its endpoints: the only one of this machine that an application server should send to.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What goes into Firefox's `dom.push.serverURL`.
    pub fn browser_url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    /// A subscription without a browser, for tests: its endpoint.
    pub fn subscribe(&self, key: Option<P256PublicKey>) -> String {
        lock(&self.state).service.subscribe(key)
    }

    /// Ends such a subscription: from now on it answers 410.
    pub fn unsubscribe(&self, endpoint: &str) -> bool {
        lock(&self.state).service.unsubscribe(endpoint)
    }

    /// The bodies that wait for such a subscription.
    pub fn take(&self, endpoint: &str) -> Vec<Bytes> {
        let messages = lock(&self.state).service.take(endpoint, clock::now());
        messages.into_iter().map(|message| message.body).collect()
    }
}

fn lock(state: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Browsers connect by themselves; pages that they show have no business here, and say where they are from.
fn is_page(headers: &HeaderMap) -> bool {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    origin.eq_ignore_ascii_case("null")
        || origin.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"))
}

async fn browser_connects(
    State(state): State<Arc<Mutex<Shared>>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if is_page(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let upgrade = upgrade.protocols(["push-notification"]).max_message_size(64 * 1024);
    upgrade.on_upgrade(move |socket| browser::serve(socket, state))
}

async fn push(State(state): State<Arc<Mutex<Shared>>>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match axum::body::to_bytes(body, 64 * 1024).await {
        Ok(body) => body,
        Err(_) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    };
    let request = http::Request::from_parts(parts, body);
    let mut state = lock(&state);
    let response = state.service.handle(&request, clock::now());
    state.deliver(request.uri().path());
    response.map(axum::body::Body::from)
}
