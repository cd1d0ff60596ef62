//! The demonstration page, its service worker, and what they need: a session for a made-up user, and what was said in the
//! conversations of that user. There is none of it in earnest: the routes are there only while local services stand in for
//! those of Apple and Google, and no session is given any more once somebody has stored credentials.

mod files;
mod history;
mod session;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::{get, post};
use reveille_conversation::Input;
use reveille_conversation::event::What;
use reveille_conversation::source::{Parsed, SourceError};
use reveille_core::Secret;
use reveille_gateway::store::Store;
use serde_json::{Value, json};

use super::Api;
use history::History;

/// Receipts that are kept for a test: enough for any, and no way to fill the memory.
const RECEIPTS: usize = 10_000;

/// What the pages know.
pub struct Pages {
    /// Signs the sessions of made-up users; nobody knows it after a restart.
    secret: Secret<[u8; 32]>,
    audience: String,
    history: Mutex<History>,
    /// What service workers report, where a test wants to know.
    receipts: Option<Mutex<Vec<Value>>>,
}

impl Pages {
    /// Pages whose sessions are signed with `secret`; with a route for receipts if a test asks for it.
    pub fn new(secret: Secret<[u8; 32]>, audience: &str, receipts: bool) -> Self {
        let receipts = receipts.then(Mutex::default);
        Self { secret, audience: audience.to_owned(), history: Mutex::default(), receipts }
    }

    /// Keeps who takes part and what is said, for pages that come back.
    pub(super) fn remember(&self, reads: &[Result<Parsed, SourceError>]) {
        for read in reads {
            let Ok(Parsed::Inputs(inputs)) = read else { continue };
            for input in inputs {
                let Input::Event(event) = input else { continue };
                let conversation = event.conversation.as_str();
                match &event.what {
                    What::Joined(joined) => lock(&self.history).join(joined.person.as_str(), conversation),
                    What::Left(left) => lock(&self.history).leave(left.person.as_str(), conversation),
                    What::MessageSent(message) => {
                        let name = message
                            .sender_name
                            .as_ref()
                            .map_or(message.sender.as_str(), |name| name.as_str());
                        let text = message.preview.as_ref().map_or("", |text| text.as_str());
                        lock(&self.history).push(conversation, json!({"title": name, "body": text}));
                    }
                    _ => {}
                }
            }
        }
    }
}

/// The page's files, and its own small API.
pub(super) fn routes<S: Store>(pages: &Pages) -> Router<Arc<Api<S>>> {
    let router = Router::new()
        .route("/", get(files::index))
        .route("/conversations/{id}", get(files::index))
        .route("/app.js", get(files::app))
        .route("/resume.js", get(files::resume))
        .route("/session.js", get(files::session))
        .route("/style.css", get(files::style))
        .route("/service-worker.js", get(files::service_worker))
        .route("/receiver.js", get(files::receiver))
        .route("/demo/session", post(session::start::<S>))
        .route("/demo/history/{conversation}", get(session::history::<S>));
    match pages.receipts {
        Some(_) => router.route("/demo/receipts", get(session::receipts::<S>).post(session::receipt::<S>)),
        None => router,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
