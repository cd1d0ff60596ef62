//! One connection: HTTP/2 with many requests under way, or HTTP/1.1 with one.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::Mutex;

use super::connect::Connected;
use super::pool::Pool;
use super::{Failure, Why, WireSettings};

type Body = Full<Bytes>;

/// No push service sends more of them.
const HEADERS: u32 = 16 * 1024;

pub(super) struct Connection {
    sender: Sender,
    in_flight: AtomicUsize,
    most: usize,
    /// The service's own bound, as its SETTINGS have it at the moment.
    granted: Arc<AtomicUsize>,
    /// It failed, or was silent for too long: nothing new goes there.
    spoilt: AtomicBool,
}

enum Sender {
    Two(http2::SendRequest<Body>),
    One(Box<Mutex<http1::SendRequest<Body>>>),
}

/// A place on a connection, given back when it is dropped.
pub(super) struct Place {
    pub(super) connection: Arc<Connection>,
    pool: Arc<Pool>,
}

impl Connection {
    pub(super) async fn open(connected: Connected, settings: &WireSettings) -> Result<Self, Why> {
        let io = TokioIo::new(connected.stream);
        let granted = Arc::new(AtomicUsize::new(usize::MAX));
        let (sender, most) = if connected.is_h2 {
            let handshake = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(settings.ping_every)
                .keep_alive_timeout(settings.ping_patience)
                .keep_alive_while_idle(true)
                .max_header_list_size(HEADERS)
                .handshake(io);
            let done = tokio::time::timeout(settings.connect, handshake).await.map_err(|_| Why::Connect)?;
            let (sender, mut connection) = done.map_err(|_| Why::Connect)?;
            let granted = Arc::clone(&granted);
            tokio::spawn(poll_fn(move |context| {
                let ended = Pin::new(&mut connection).poll(context);
                granted.store(connection.current_max_send_streams(), Relaxed);
                ended
            }));
            (Sender::Two(sender), settings.streams)
        } else {
            let (sender, connection) =
                http1::Builder::new().max_headers(64).handshake(io).await.map_err(|_| Why::Connect)?;
            tokio::spawn(connection);
            (Sender::One(Box::new(Mutex::new(sender))), 1)
        };
        Ok(Self { sender, in_flight: AtomicUsize::new(0), most, granted, spoilt: AtomicBool::new(false) })
    }

    /// Whether nothing new may go there: it ended, failed, or the service said GOAWAY.
    pub(super) fn is_over(&self) -> bool {
        let closed = match &self.sender {
            Sender::Two(sender) => sender.is_closed(),
            Sender::One(sender) => sender.try_lock().is_ok_and(|sender| sender.is_closed()),
        };
        closed || self.spoilt.load(Relaxed)
    }

    /// Requests that may be under way: our bound, and the service's own.
    fn room(&self) -> usize {
        self.most.min(self.granted.load(Relaxed))
    }

    pub(super) fn is_h2(&self) -> bool {
        matches!(self.sender, Sender::Two(_))
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Takes a place, if there is one. Only the pool calls it, under its lock.
    pub(super) fn take_place(self: &Arc<Self>, pool: &Arc<Pool>) -> Option<Place> {
        if self.is_over() || self.in_flight() >= self.room() {
            return None;
        }
        self.in_flight.fetch_add(1, Relaxed);
        Some(Place { connection: Arc::clone(self), pool: Arc::clone(pool) })
    }

    /// Nothing new goes there.
    pub(super) fn spoil(&self) {
        self.spoilt.store(true, Relaxed);
    }

    /// One request, up to the head of its answer.
    pub(super) async fn send(
        &self,
        request: Request<Body>,
        patience: Duration,
    ) -> Result<Response<Incoming>, Failure> {
        let answer = async {
            match &self.sender {
                Sender::Two(sender) => {
                    let mut sender = sender.clone();
                    let ready = poll_fn(|context| sender.poll_ready(context)).await;
                    ready.map_err(|_| Failure::NotSent(Why::Closed))?;
                    sender.try_send_request(request).await.map_err(judge)
                }
                Sender::One(sender) => {
                    let mut sender = sender.lock().await;
                    sender.ready().await.map_err(|_| Failure::NotSent(Why::Closed))?;
                    sender.try_send_request(request).await.map_err(judge)
                }
            }
        };
        let answer = tokio::time::timeout(patience, answer).await;
        let answer = answer.unwrap_or(Err(Failure::NoAnswer(Why::TimedOut)));
        // A stream that times out is reset; a connection that breaks, or speaks one request at a time, is over.
        let one = matches!(self.sender, Sender::One(_));
        if answer.as_ref().is_err_and(|failure| one || failure.why() != Why::TimedOut) {
            self.spoil();
        }
        answer
    }
}

/// An error that gives the request back is one before its first byte.
fn judge(error: TrySendError<Request<Body>>) -> Failure {
    if error.message().is_some() {
        return Failure::NotSent(Why::Closed);
    }
    Failure::after_hand_over(error.error())
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connection.in_flight.fetch_sub(1, Relaxed);
        self.pool.freed();
    }
}
