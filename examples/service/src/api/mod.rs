//! The HTTP API. Its operations are listed in [`operations`], described at `/v1/openapi.json`, and each says who may call it:
//! a key with a right, an end user about themselves, or anyone. Errors are problem documents (RFC 9457).

mod about;
mod addresses;
mod announcements;
mod browser_tests;
mod credentials;
mod devices;
mod events;
mod explain;
mod extract;
mod hooks;
mod hosts;
mod keys;
mod letters;
mod listen;
mod page;
mod people;
mod places;
mod problem;
mod resume;
mod rings;
mod routes;
mod tokens;
mod wishes;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use reveille_gateway::Seed;
use reveille_gateway::store::Store;
use reveille_gateway::store::seal::Sealer;
use reveille_resume::{CompactKey, KeyRing};
use reveille_webpush::ApplicationServer;
use tokio::sync::mpsc;

use crate::auth::Auth;
use crate::clock::Clock;
use crate::credentials::Book;
use crate::desk::Mail;
use crate::hooks::Hooks;
use crate::lookups::{AskPresence, AudienceNames};
use crate::metrics::Metrics;
use crate::openapi::Operation;
use crate::outgoing::Outgoing;
use crate::quiet::Zones;
use crate::settings::Limits;
use crate::shards::{Lease, Shards};
use crate::wire::{AllowedOrigins, Wire};

pub use browser_tests::BrowserTests;
pub use hosts::Hosts;
pub use listen::Listener;
pub use page::Pages;
pub use places::subscriber;
pub use problem::Problem;

use routes::Routes;

/// What the API works with.
pub struct Api<S> {
    /// Devices.
    pub store: Arc<S>,
    /// Everything about conversations.
    pub shards: Shards,
    /// Opens what lies in the store.
    pub sealer: Sealer,
    /// Names devices.
    pub seed: Seed,
    /// The time.
    pub clock: Clock,
    /// Webhooks that are taken.
    pub hooks: Hooks,
    /// Who is asked whether somebody is there.
    pub presence: Arc<AskPresence>,
    /// The audiences that can be told something.
    pub audiences: AudienceNames,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether the shards are ours.
    pub lease: Lease,
    /// What carries.
    pub wire: Arc<Wire>,
    /// Which push services are acceptable.
    pub allowed: AllowedOrigins,
    /// Whose key browsers subscribe to.
    pub server: Arc<ApplicationServer>,
    /// Who calls.
    pub auth: Auth<S>,
    /// What the apps send with.
    pub book: Book<S>,
    /// Where another writer goes.
    pub desk: mpsc::UnboundedSender<Mail>,
    /// When it is night where.
    pub zones: Arc<Zones>,
    /// Who is told of what happens, if anybody.
    pub(crate) outgoing: Option<Arc<Outgoing<S>>>,
    /// What resume tokens are signed with.
    pub resume: KeyRing<CompactKey>,
    /// The bounds.
    pub limits: Limits,
    /// Under which names it answers.
    pub hosts: Hosts,
    /// Pushes to operators' own browsers.
    pub browser_tests: BrowserTests,
    /// The demonstration's pages; `None` in earnest.
    pub pages: Option<Pages>,
}

/// All operations, in the order of the document.
pub fn operations() -> [&'static Operation; 44] {
    [
        &events::POST,
        &hooks::POST,
        &devices::LIST,
        &devices::PUT,
        &devices::ROTATE,
        &devices::DELETE,
        &rings::GET,
        &people::ANSWERED,
        &people::READ,
        &addresses::GET,
        &addresses::PUT,
        &addresses::DELETE,
        &wishes::GET,
        &wishes::PUT,
        &wishes::PAUSE,
        &wishes::UNPAUSE,
        &resume::RESERVE,
        &resume::COMMIT,
        &resume::ABORT,
        &resume::CONNECTED,
        &announcements::POST,
        &announcements::GET,
        &announcements::DELETE,
        &explain::EVENT,
        &explain::JOB,
        &letters::LIST,
        &letters::REDRIVE,
        &letters::DISCARD,
        &credentials::LIST,
        &credentials::SHOW,
        &credentials::PUT,
        &credentials::DELETE,
        &credentials::TEST,
        &browser_tests::POST,
        &browser_tests::GET,
        &browser_tests::DISPLAYED,
        &keys::LIST,
        &keys::PUT,
        &keys::DELETE,
        &about::ME,
        &about::VAPID,
        &about::HEALTH,
        &about::READY,
        &rings::METRICS,
    ]
}

/// All paths.
pub fn router<S: Store>(api: Arc<Api<S>>) -> Router {
    let routes = Routes::new(Arc::clone(&api))
        .add(&events::POST, events::post::<S>)
        .add(&hooks::POST, hooks::post::<S>)
        .add(&devices::LIST, devices::list::<S>)
        .add(&devices::PUT, devices::put::<S>)
        .add(&devices::ROTATE, devices::rotate::<S>)
        .add(&devices::DELETE, devices::delete::<S>)
        .add(&rings::GET, rings::get::<S>)
        .add(&people::ANSWERED, people::answered::<S>)
        .add(&people::READ, people::read::<S>)
        .add(&addresses::GET, addresses::get::<S>)
        .add(&addresses::PUT, addresses::put::<S>)
        .add(&addresses::DELETE, addresses::delete::<S>)
        .add(&wishes::GET, wishes::get::<S>)
        .add(&wishes::PUT, wishes::put::<S>)
        .add(&wishes::PAUSE, wishes::pause::<S>)
        .add(&wishes::UNPAUSE, wishes::unpause::<S>)
        .add(&resume::RESERVE, resume::reserve::<S>)
        .add(&resume::COMMIT, resume::commit::<S>)
        .add(&resume::ABORT, resume::abort::<S>)
        .add(&resume::CONNECTED, resume::connected::<S>)
        .add(&announcements::POST, announcements::post::<S>)
        .add(&announcements::GET, announcements::get::<S>)
        .add(&announcements::DELETE, announcements::delete::<S>)
        .add(&explain::EVENT, explain::event::<S>)
        .add(&explain::JOB, explain::job::<S>)
        .add(&letters::LIST, letters::list::<S>)
        .add(&letters::REDRIVE, letters::redrive::<S>)
        .add(&letters::DISCARD, letters::discard::<S>)
        .add(&credentials::LIST, credentials::list::<S>)
        .add(&credentials::SHOW, credentials::show::<S>)
        .add(&credentials::PUT, credentials::put::<S>)
        .add(&credentials::DELETE, credentials::delete::<S>)
        .add(&credentials::TEST, credentials::test::<S>)
        .add(&browser_tests::POST, browser_tests::post::<S>)
        .add(&browser_tests::GET, browser_tests::get::<S>)
        .add(&browser_tests::DISPLAYED, browser_tests::displayed::<S>)
        .add(&keys::LIST, keys::list::<S>)
        .add(&keys::PUT, keys::put::<S>)
        .add(&keys::DELETE, keys::delete::<S>)
        .add(&about::ME, about::me)
        .add(&about::VAPID, about::vapid::<S>)
        .add(&about::HEALTH, about::health)
        .add(&about::READY, about::ready::<S>)
        .add(&rings::METRICS, rings::metrics::<S>);
    let document = Arc::<str>::from(crate::openapi::document(routes.operations()).to_string());
    // What needs no key and is not in the document has the same rate for each address.
    let open = middleware::from_fn_with_state(Arc::clone(&api), routes::open::<S>);
    let pages = api.pages.as_ref().map(|pages| page::routes(pages).route_layer(open.clone()));
    routes
        .into_router()
        .merge(pages.unwrap_or_default())
        .route("/v1/openapi.json", axum::routing::get(async move || about::json(&document)).layer(open))
        .fallback(async || Problem::not_found("there is no such path"))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this path does not know this method")
        })
        .layer(DefaultBodyLimit::max(api.limits.body_bytes))
        .layer(middleware::from_fn_with_state(Arc::clone(&api), bounded::<S>))
        .layer(middleware::from_fn_with_state(api.hosts.clone(), hosts::check))
        .with_state(api)
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
            Problem::bad_request("the path or the query cannot be read").into_response()
        }
        _ => response,
    }
}
