//! The test of credentials: what Apple and Google say to them. Nobody is shown anything by it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use reveille_apns as apns;
use reveille_apns::Push as _;
use reveille_core::Action;
use reveille_fcm as fcm;
use reveille_fcm::Project;
use reveille_fcm::credential::{TokenOutput, Verdict, probe_request};
use serde_json::{Value, json};

use super::app::Read;
use crate::clock::Clock;
use crate::wire::{Failure, Wire};

/// For all of a test.
const PATIENCE: Duration = Duration::from_secs(12);
/// A device that Apple never names: the answer to a good credential is that it is unknown.
const NOBODY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a service said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// `apns` or `fcm`.
    pub service: &'static str,
    /// Whether messages can be sent with it.
    pub good: bool,
    /// Whether nobody could say: then it may be good.
    pub later: bool,
    /// In words.
    pub verdict: String,
}

impl Tested {
    /// As it is answered.
    pub fn document(&self) -> Value {
        json!({"service": self.service, "configured": self.good, "verdict": self.verdict})
    }

    fn later(service: &'static str, verdict: &str) -> Self {
        Self { service, good: false, later: true, verdict: verdict.to_owned() }
    }
}

/// Asks every service of an app. Web Push has nobody to ask: its key is the service's own.
pub async fn probe(read: &Read, wire: &Wire, clock: &Clock) -> Vec<Tested> {
    let apple = async {
        let (app, tokens) = read.apple.as_ref()?;
        let asked = tokio::time::timeout(PATIENCE, apple(app, tokens, wire, clock)).await;
        Some(asked.unwrap_or_else(|_| Tested::later("apns", "no answer in time")))
    };
    let google = async {
        let (project, tokens) = read.google.as_ref()?;
        let asked = tokio::time::timeout(PATIENCE, google(project, tokens, wire, clock)).await;
        Some(asked.unwrap_or_else(|_| Tested::later("fcm", "no answer in time")))
    };
    let (apple, google) = tokio::join!(apple, google);
    apple.into_iter().chain(google).collect()
}

async fn apple(app: &apns::App, tokens: &apns::TokenSource, wire: &Wire, clock: &Clock) -> Tested {
    let request = || -> Result<Request<Bytes>, apns::Error> {
        let device: apns::DeviceToken = NOBODY.parse()?;
        apns::Alert::new("credential test", "")
            .request(app, &device, &tokens.token(clock.now())?)
            .map_err(Into::into)
    };
    let request = match request() {
        Ok(request) => request,
        Err(error) => {
            return Tested { service: "apns", good: false, later: false, verdict: error.to_string() };
        }
    };
    let response = match wire.send(request).await {
        Ok(response) => response,
        Err(failure) => return unreached("apns", &failure),
    };
    let outcome = apns::classify(None, response.status(), response.headers(), response.body(), clock.now());
    let reason = match &outcome {
        reveille_core::Outcome::Rejected(rejection) => {
            rejection.reason.as_deref().unwrap_or_default().to_owned()
        }
        _ => String::new(),
    };
    let (good, later) = match outcome.action() {
        None | Some(Action::DropTarget { .. } | Action::SuspectTarget) => (true, false),
        Some(Action::FixCredential { .. } | Action::FixRequest { .. } | Action::RefreshCredential { .. }) => {
            (false, false)
        }
        Some(_) => (false, true),
    };
    let verdict = match good {
        true => "configured".to_owned(),
        false => format!("{} {reason}", response.status().as_u16()),
    };
    Tested { service: "apns", good, later, verdict }
}

async fn google(project: &Project, tokens: &Arc<fcm::TokenSource>, wire: &Wire, clock: &Clock) -> Tested {
    let verdict = match token(tokens, wire, clock).await {
        Err(verdict) => verdict,
        Ok(token) => match probe_request(project, None, &token) {
            Err(error) => Verdict::Unexpected { status: None, detail: error.to_string() },
            Ok(request) => match wire.send(request).await {
                Ok(response) => Verdict::from_response(None, &response, clock.now()),
                Err(failure) => return unreached("fcm", &failure),
            },
        },
    };
    let later = matches!(verdict, Verdict::TryLater { .. });
    Tested { service: "fcm", good: verdict.is_configured(), later, verdict: verdict.to_string() }
}

async fn token(tokens: &fcm::TokenSource, wire: &Wire, clock: &Clock) -> Result<fcm::Token, Verdict> {
    loop {
        if let Ok(token) = tokens.token(clock.now()) {
            return Ok(token);
        }
        match tokens.poll_output() {
            Some(TokenOutput::Fetch { fetch, request }) => match wire.send(request).await {
                Ok(response) => handle(tokens, fetch, &response, clock),
                Err(_) => tokens.handle_failure(fetch, clock.now()),
            },
            Some(TokenOutput::Failed(failure)) => return Err(Verdict::from_token_failure(&failure)),
            Some(_) => {}
            None => return Err(Verdict::TryLater { not_before: None }),
        }
    }
}

fn handle(
    tokens: &fcm::TokenSource,
    fetch: fcm::credential::FetchId,
    response: &Response<Bytes>,
    clock: &Clock,
) {
    tokens.handle_response(fetch, response, clock.now());
}

fn unreached(service: &'static str, failure: &Failure) -> Tested {
    Tested::later(service, &format!("the service was not reached: {}", failure.why().name()))
}
