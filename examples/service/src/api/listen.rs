//! Connections of callers: bounded in number, in all and for each address; in the time for a head, and in the time they have
//! to end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::places::Places;
use crate::auth::{Peer, Peers};
use crate::metrics::Metrics;
use crate::settings::Limits;

/// A server for the API.
pub struct Listener {
    /// Where it listens.
    pub listener: TcpListener,
    /// Its bounds.
    pub limits: Limits,
    /// Proxies, which have as many connections as they like.
    pub proxies: Peers,
    /// Whoever is turned away is counted.
    pub metrics: Arc<Metrics>,
}

/// What an HTTP/2 client says first (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

impl Listener {
    /// Serves until `stop` says so, and gives what is under way its time then.
    pub async fn serve(self, router: Router, mut stop: watch::Receiver<bool>) {
        let mut server = auto::Builder::new(TokioExecutor::new());
        let head = Duration::from_millis(self.limits.head_ms);
        server.http1().timer(TokioTimer::new()).header_read_timeout(head).max_headers(64);
        server
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(100)
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(head)
            .max_header_list_size(16 * 1024);
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let of_address = Places::new(self.limits.connections_per_address);
        let graceful = GracefulShutdown::new();
        loop {
            // Over the bound nobody is accepted: the kernel's queue holds them back, and the time for a head ends the silent.
            let place = tokio::select! {
                place = Arc::clone(&places).acquire_owned() => place,
                _ = stop.changed() => break,
            };
            let Ok(place) = place else { break };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.changed() => break,
            };
            let Ok((tcp, peer)) = accepted else {
                // Out of file descriptors, mostly: others have to end first.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let own = if self.proxies.have(peer.ip()) { None } else { of_address.take(peer.ip()) };
            if own.is_none() && !self.proxies.have(peer.ip()) {
                self.metrics.count("turned_away", "connections");
                continue;
            }
            let _ = tcp.set_nodelay(true);
            let router = router.clone().map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer.ip()));
                request
            });
            let service = TowerToHyperService::new(router);
            let (server, watcher) = (server.clone(), graceful.watcher());
            tokio::spawn(async move {
                if timeout(head, speaks(&tcp)).await.is_ok_and(|speaks| speaks) {
                    let connection = server.serve_connection(TokioIo::new(tcp), service).into_owned();
                    let _ = watcher.watch(connection).await;
                }
                drop((place, own));
            });
        }
        drop(self.listener);
        let patience = Duration::from_millis(self.limits.stop_ms);
        let _ = timeout(patience, graceful.shutdown()).await;
    }
}

/// Waits until it is clear which protocol a caller speaks; `false` if it hangs up before. Hyper has a time for the head once it
/// knows that, and none until then.
async fn speaks(tcp: &TcpStream) -> bool {
    let mut start = [0; PREFACE.len()];
    loop {
        let Ok(length @ 1..) = tcp.peek(&mut start).await else { return false };
        let is_clear =
            length == start.len() || start.iter().zip(PREFACE).take(length).any(|(one, other)| one != other);
        if is_clear {
            return true;
        }
        // There is something to read, so waiting for that would be no wait.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
