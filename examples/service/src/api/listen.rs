//! Connections of callers: bounded in number, in the time for a head, and in the time they have to end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt as _;

use crate::auth::Peer;
use crate::settings::Limits;

/// A server for the API.
pub struct Listener {
    /// Where it listens.
    pub listener: TcpListener,
    /// Its bounds.
    pub limits: Limits,
}

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
            let _ = tcp.set_nodelay(true);
            let router = router.clone().map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer.ip()));
                request
            });
            let service = TowerToHyperService::new(router);
            let connection = server.serve_connection(TokioIo::new(tcp), service).into_owned();
            let watched = graceful.watch(connection);
            tokio::spawn(async move {
                let _ = watched.await;
                drop(place);
            });
        }
        drop(self.listener);
        let patience = Duration::from_millis(self.limits.stop_ms);
        let _ = tokio::time::timeout(patience, graceful.shutdown()).await;
    }
}
