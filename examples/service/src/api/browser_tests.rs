//! The test of Web Push (D5): a real push to the operator's own browser, of which it is known whether it was sent, accepted
//! and displayed. Its worker reports the last one, at the path that stands in the push.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use reveille_core::Outcome;
use reveille_crypto_ring::PROVIDER;
use reveille_gateway::store::Store;
use reveille_webpush::{Message, Subscription, Ttl, Urgency, classify_response};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::extract::Doc;
use super::{Api, Problem};
use crate::auth::Right;
use crate::openapi::{Answer, Operation, Verb, Who};

/// Tests that are remembered.
const MOST: usize = 100;
/// For how long the push is worth something, in seconds.
const TTL: u64 = 60;

pub(super) const POST: Operation = Operation::new(
    Verb::Post,
    "/v1/web-push/tests",
    "postWebPushTest",
    "Sends a push to a browser at once, and says what its push service answered",
    Who::Key(Right::Credentials),
)
.bodies(&[("application/json", "BrowserTestRequest")])
.answers(&[Answer::json(200, "What became of it so far", "BrowserTest")]);

pub(super) const GET: Operation = Operation::new(
    Verb::Get,
    "/v1/web-push/tests/{test}",
    "getWebPushTest",
    "What became of a test: displayed, when the browser's worker has reported",
    Who::Key(Right::Credentials),
)
.answers(&[Answer::json(200, "What became of it so far", "BrowserTest")])
.problems_too(&[404]);

pub(super) const DISPLAYED: Operation = Operation::new(
    Verb::Post,
    "/v1/web-push/tests/{test}/displayed",
    "displayedWebPushTest",
    "The browser's worker shows the push. Only the push names the test",
    Who::Anyone,
)
.answers(&[Answer::empty(204, "It is noted")])
.problems_too(&[404]);

/// The last tests.
#[derive(Default)]
pub struct BrowserTests(Mutex<VecDeque<Test>>);

#[derive(Clone)]
struct Test {
    id: String,
    sent: bool,
    accepted: bool,
    displayed: bool,
    problem: Option<String>,
}

impl BrowserTests {
    fn all(&self) -> MutexGuard<'_, VecDeque<Test>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before it is sent: the browser may be faster than the answer.
    fn begin(&self, id: &str) {
        let mut all = self.all();
        if all.len() == MOST {
            all.pop_front();
        }
        let id = id.to_owned();
        all.push_back(Test { id, sent: false, accepted: false, displayed: false, problem: None });
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Test)) -> Result<Test, Problem> {
        let mut all = self.all();
        let test = all.iter_mut().find(|test| test.id == id);
        let test = test.ok_or_else(|| Problem::not_found("there is no such test, or not any more"))?;
        change(test);
        Ok(test.clone())
    }
}

impl Test {
    fn document(&self) -> Json<Value> {
        let Self { id, sent, accepted, displayed, problem } = self;
        let mut document = json!({"test": id, "sent": sent, "accepted": accepted, "displayed": displayed});
        if let Some(problem) = problem {
            document["problem"] = json!(problem);
        }
        Json(document)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    subscription: Box<RawValue>,
}

pub(super) async fn post<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Doc(form): Doc<Form>,
) -> Result<Json<Value>, Problem> {
    let subscription = Subscription::from_json_with(form.subscription.get(), &api.allowed);
    let subscription =
        subscription.map_err(|error| Problem::bad_request(format!("subscription: {error}")))?;
    let unable = |_| Problem::unavailable("the push could not be made");
    let mut random = [0; 16];
    PROVIDER.random.fill(&mut random).map_err(|_| Problem::unavailable("there are no random bytes"))?;
    let id = format!("{:032x}", u128::from_be_bytes(random));
    let ttl = Ttl::from_secs(TTL).map_err(|_| Problem::unavailable("the push could not be made"))?;
    let message = Message::new(text(&id).to_string(), ttl).map_err(|_| Problem::unavailable("too large"))?;
    let now = api.clock.now();
    let request =
        api.server.request(&message.with_urgency(Urgency::High), &subscription, now).map_err(unable)?;
    api.browser_tests.begin(&id);
    let (sent, accepted, problem) = match api.wire.send(request).await {
        Ok(response) => match classify_response(subscription.endpoint(), &response, api.clock.now()) {
            Outcome::Accepted(_) => (true, true, None),
            Outcome::Rejected(rejection) => {
                let reason = rejection.reason.as_deref().unwrap_or("no reason given");
                let problem = format!(
                    "the push service answered {} ({reason}): {}",
                    rejection.status,
                    rejection.action.name()
                );
                (true, false, Some(problem))
            }
        },
        Err(failure) => {
            (false, false, Some(format!("no answer of the push service: {}", failure.why().name())))
        }
    };
    let test = api.browser_tests.change(&id, |test| {
        (test.sent, test.accepted, test.problem) = (sent, accepted, problem);
    })?;
    Ok(test.document())
}

pub(super) async fn get<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    Ok(api.browser_tests.change(&id, |_| {})?.document())
}

pub(super) async fn displayed<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    api.browser_tests.change(&id, |test| test.displayed = true)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the push says, to a worker that shows notifications as the gateway's own does.
fn text(id: &str) -> Value {
    json!({"notification": {
        "title": "Web Push works",
        "body": "This is the test that was asked for.",
        "tag": format!("test-{id}"),
        "data": {"test": id, "displayed": format!("/v1/web-push/tests/{id}/displayed")},
    }})
}
