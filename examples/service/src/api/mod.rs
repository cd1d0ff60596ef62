//! The HTTP API.
//!
//! | | | answers |
//! |---|---|---|
//! | `POST /v1/events` | one event (CloudEvents, structured or binary; Genesys) or a batch | 202 when on disk |
//! | `PUT /v1/devices/{app}/{device}` | a device registers | 201, 200 |
//! | `DELETE /v1/devices/{app}/{device}` | its owner logs out | 204 |
//! | `GET /v1/ringing/{person}` | what should ring now | 200 |
//! | `GET /health`, `/ready` | for whoever watches the process | 200, 503 |
//! | `GET /metrics` | for Prometheus | 200 |
//!
//! All under `/v1` and the metrics want `Authorization: Bearer KEY`. Errors are problem documents (RFC 9457).

mod devices;
mod events;
mod listen;
mod problem;
mod rings;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use reveille_core::Secret;
use reveille_gateway::Seed;
use reveille_gateway::store::Store;
use reveille_webpush::ApplicationServer;
use subtle::ConstantTimeEq as _;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::settings::Limits;
use crate::shards::{Lease, Shards};
use crate::wire::{AllowedOrigins, Wire};

pub use listen::Listener;
pub use problem::Problem;

/// What the API works with.
pub struct Api<S> {
    /// Devices.
    pub store: Arc<S>,
    /// Everything about conversations.
    pub shards: Shards,
    /// Names devices.
    pub seed: Seed,
    /// The time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether the shards are ours.
    pub lease: Lease,
    /// For its size.
    pub wire: Arc<Wire>,
    /// Which push services are acceptable.
    pub allowed: AllowedOrigins,
    /// Whose key browsers subscribe to.
    pub server: Arc<ApplicationServer>,
    /// What callers show.
    pub key: Secret<String>,
    /// The bounds.
    pub limits: Limits,
}

/// All paths.
pub fn router<S: Store>(api: Arc<Api<S>>) -> Router {
    let v1 = Router::new()
        .route("/v1/events", post(events::post::<S>))
        .route("/v1/devices/{app}/{device}", put(devices::put::<S>).delete(devices::delete::<S>))
        .route("/v1/ringing/{person}", get(rings::get::<S>))
        .route("/metrics", get(rings::metrics::<S>))
        .layer(middleware::from_fn_with_state(Arc::clone(&api), authenticate::<S>));
    Router::new()
        .merge(v1)
        .route("/health", get(async || "alive\n"))
        .route("/ready", get(ready::<S>))
        .fallback(async || Problem::not_found("there is no such path"))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this path does not know this method")
        })
        .layer(DefaultBodyLimit::max(api.limits.body_bytes))
        .layer(middleware::from_fn_with_state(Arc::clone(&api), bounded::<S>))
        .with_state(api)
}

async fn authenticate<S: Store>(State(api): State<Arc<Api<S>>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    // The length of the key is no secret; its characters are.
    if bool::from(given.as_bytes().ct_eq(api.key.expose().as_bytes())) {
        next.run(request).await
    } else {
        api.metrics.count("unauthorized", "all");
        Problem::unauthorized().into_response()
    }
}

/// A time for the whole request, the body included; and problem documents where axum answers in plain text.
async fn bounded<S: Store>(State(api): State<Arc<Api<S>>>, request: Request, next: Next) -> Response {
    let patience = std::time::Duration::from_millis(api.limits.request_ms);
    let Ok(response) = tokio::time::timeout(patience, next.run(request)).await else {
        let detail =
            "the request took too long; events of it may have been taken in, so send the same ids again";
        return Problem::unavailable(detail).into_response();
    };
    let status = response.status();
    let is_document = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    match status {
        StatusCode::PAYLOAD_TOO_LARGE if !is_document => {
            Problem::new(status, "too-large", "the body is too large").into_response()
        }
        status if status.is_client_error() && !is_document => {
            Problem::new(status, "bad-request", "the request cannot be read").into_response()
        }
        _ => response,
    }
}

/// Whether events are taken in: the store took the last commit, and the shards are ours.
async fn ready<S: Store>(State(api): State<Arc<Api<S>>>) -> Response {
    match (api.shards.is_well(), api.lease.is_ours()) {
        (true, true) => "ready\n".into_response(),
        (false, _) => Problem::unavailable("the store did not take the last commit").into_response(),
        (_, false) => Problem::unavailable("the lease of the shards is over").into_response(),
    }
}
