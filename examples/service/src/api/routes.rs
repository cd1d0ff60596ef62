//! The routes, each with its operation: who calls is asked before anything is read.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::on;
use reveille_gateway::store::Store;

use super::{Api, Problem};
use crate::auth::{Caller, Peer, Unknown};
use crate::openapi::{Operation, Who};

/// Routes that are being gathered.
pub(super) struct Routes<S> {
    api: Arc<Api<S>>,
    router: Router<Arc<Api<S>>>,
    operations: Vec<&'static Operation>,
}

impl<S: Store> Routes<S> {
    pub(super) fn new(api: Arc<Api<S>>) -> Self {
        Self { api, router: Router::new(), operations: Vec::new() }
    }

    /// Serves an operation.
    pub(super) fn add<T: 'static>(
        mut self,
        operation: &'static Operation,
        handler: impl Handler<T, Arc<Api<S>>>,
    ) -> Self {
        let gate = middleware::from_fn_with_state((Arc::clone(&self.api), operation), gate::<S>);
        let route = on(operation.verb.filter(), handler).route_layer(gate);
        self.router = self.router.route(operation.path, route);
        self.operations.push(operation);
        self
    }

    /// All that are served.
    pub(super) fn operations(&self) -> &[&'static Operation] {
        &self.operations
    }

    pub(super) fn into_router(self) -> Router<Arc<Api<S>>> {
        self.router
    }
}

type Gate<S> = (Arc<Api<S>>, &'static Operation);

async fn gate<S: Store>(
    State((api, operation)): State<Gate<S>>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&api, operation.who, &request) {
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => next.run(request).await,
        Err(problem) => {
            api.metrics.count("turned_away", problem.kind());
            problem.into_response()
        }
    }
}

fn admit<S: Store>(api: &Api<S>, who: Who, request: &Request) -> Result<Option<Caller>, Problem> {
    // What is signed is checked where the body is there.
    if who == Who::Signed {
        return Ok(None);
    }
    let peer: Option<IpAddr> = request.extensions().get::<Peer>().map(|peer| peer.0);
    if who == Who::Anyone {
        return stranger(api, peer).map(|()| None);
    }
    let caller = match api.auth.recognise(request.headers(), peer, &api.clock) {
        Ok(caller) => caller,
        Err(unknown) => {
            stranger(api, peer)?;
            return Err(Problem::unauthorized(match unknown {
                Unknown::Nothing => "give a key or a user's token as Authorization: Bearer …",
                Unknown::Refused => "this is no key, and no token that is good here and now",
            }));
        }
    };
    let taken = api.auth.rates.take(&caller, api.clock.uptime());
    taken.map_err(|wait| too_often(wait, "this caller asks too often"))?;
    match (who, &caller) {
        (Who::Key(right) | Who::Person(right), Caller::Key(key)) if !key.has(right) => {
            Err(Problem::forbidden("this key does not have the right to do that"))
        }
        (Who::Key(_), Caller::User(_)) => Err(Problem::forbidden("this is not for end users")),
        _ => Ok(Some(caller)),
    }
}

/// For what is open to anyone, and not an operation.
pub(super) async fn open<S: Store>(State(api): State<Arc<Api<S>>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    match stranger(&api, peer) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Whoever shows nothing, or nothing that is good, has a rate for their address. Behind a trusted proxy all have the proxy's.
pub(super) fn stranger<S>(api: &Api<S>, peer: Option<IpAddr>) -> Result<(), Problem> {
    match peer {
        Some(peer) if !api.auth.users.proxies().have(peer) => {
            let taken = api.auth.rates.take_stranger(peer, api.clock.uptime());
            taken.map_err(|wait| too_often(wait, "this address asks too often without a key or a token"))
        }
        _ => Ok(()),
    }
}

pub(super) fn too_often(wait: Duration, detail: &str) -> Problem {
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate", detail).with("bound", "requests").after(seconds)
}
