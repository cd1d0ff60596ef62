//! One notification to a thousand devices over one HTTP/2 connection at a time: hyper and rustls, against a local
//! APNs that says GOAWAY in the middle, loses a connection, wedges another, and refuses some.
//!
//! `cargo run --release --example apns_http2`
//!
//! What the wire demands of a sender is here: one stream until the first push is accepted, then many; a new connection
//! after GOAWAY, after a lost one, and after an expired token; and every outcome is acted upon.

mod connection;
mod local_apns;

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;

use bytes::Bytes;
use connection::Connection;
use http::Response;
use http::header::{AUTHORIZATION, HeaderValue};
use local_apns::LocalApns;
use reveille_apns::message::ApnsId;
use reveille_apns::request::FanOut;
use reveille_apns::{
    Alert, App, CollapseId, DeviceToken, Endpoints, Expiration, Prepared, ProviderKey, SizeLimit,
    TokenSettings, TokenSource, classify_response,
};
use reveille_core::{Action, Outcome};
use reveille_crypto_ring::PROVIDER;
use reveille_examples::clock;
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

const DEVICES: usize = 1_000;
const ATTEMPTS: u32 = 5;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    run().await
}

/// The whole scene; an error if a device is lost.
pub async fn run() -> Result<(), Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let start = clock::now();
    let apns = LocalApns::start(start).await?;
    let key = ProviderKey::from_p8(&apns.p8, "DEF123GHIJ".parse()?, "ABC123DEFG".parse()?, PROVIDER)?;
    let endpoints = Endpoints::production().with_device(&apns.authority)?;
    let sender = Sender {
        tokens: TokenSource::new(key, TokenSettings::default()),
        app: App::new("com.example.app".parse()?, endpoints),
    };

    let push = Alert::new("Agent Smith", "Are you still there?")
        .with_thread_id("c-17")
        .with_custom("conversationId", "c-17")?
        // A push that is sent again, because a connection was lost before its answer came, is shown once.
        .with_collapse_id(CollapseId::derived(PROVIDER.sha256, &["conversation", "c-17"]))
        .with_expiration(Expiration::At(start + std::time::Duration::from_secs(3_600)));
    let report = sender.send(&push, apns.devices(DEVICES), &apns).await?;

    println!("{report:#?}");
    let seen = apns.distinct_devices();
    println!("connections {}, distinct devices reached {seen}", apns.connections());
    let all = report.accepted + report.dropped + report.suspected;
    if all != DEVICES || seen != report.accepted || report.reconnected < 3 {
        return Err("something was lost".into());
    }
    Ok(())
}

/// What became of the devices.
#[derive(Debug, Default)]
struct Report {
    accepted: usize,
    dropped: usize,
    suspected: usize,
    reconnected: usize,
    sent_again: usize,
    refusals: BTreeMap<String, usize>,
}

/// One key, one app in one environment; a connection when there is one.
struct Sender {
    tokens: TokenSource,
    app: App,
}

/// A device, and how often it was tried.
type Job = (DeviceToken, u32);

impl Sender {
    async fn send(
        &self,
        push: &Alert<'_>,
        devices: Vec<DeviceToken>,
        apns: &LocalApns,
    ) -> Result<Report, Failure> {
        let prepared = Prepared::new(push, SizeLimit::Own)?;
        let mut report = Report::default();
        let mut queue: VecDeque<Job> = devices.into_iter().map(|device| (device, 0)).collect();
        while !queue.is_empty() {
            let token = self.tokens.token(clock::now())?;
            let fan_out = prepared.fan_out(&self.app, &token)?;
            let connection = Connection::open(&apns.authority, apns.trust()).await?;
            self.use_up(&connection, fan_out, &mut queue, &mut report).await?;
            if !queue.is_empty() {
                report.reconnected += 1;
            }
        }
        Ok(report)
    }

    /// Sends until the queue is empty or the connection is of no more use.
    async fn use_up(
        &self,
        connection: &Connection,
        fan_out: FanOut,
        queue: &mut VecDeque<Job>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let mut in_flight = JoinSet::new();
        // One stream until the first push is accepted.
        let (mut may_multiply, mut usable) = (false, true);
        loop {
            let room = if may_multiply { Connection::MAX_STREAMS } else { 1 };
            while usable && in_flight.len() < room && connection.is_open() {
                let Some((device, attempt)) = queue.pop_front() else { break };
                let request = fan_out.request_with_id(&device, ApnsId::random(PROVIDER.random)?)?;
                // What a refusal is about, should one come.
                let authorization = request.headers().get(AUTHORIZATION).cloned();
                let answer = connection.send(request);
                in_flight.spawn(async move { ((device, attempt), authorization, answer.await) });
            }
            let Some(done) = in_flight.join_next().await else { return Ok(()) };
            let ((device, attempt), authorization, answer) = done?;
            match answer {
                Ok(response) => {
                    may_multiply |= response.status().is_success();
                    usable &= self.act((device, attempt), authorization, &response, queue, report)?;
                }
                // The connection is gone; whether APNs took the push is unknown. The collapse id makes a second one harmless.
                Err(_) if attempt + 1 < ATTEMPTS => {
                    report.sent_again += 1;
                    queue.push_back((device, attempt + 1));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the connection is of any more use.
    fn act(
        &self,
        (device, attempt): Job,
        authorization: Option<HeaderValue>,
        response: &Response<Bytes>,
        queue: &mut VecDeque<Job>,
        report: &mut Report,
    ) -> Result<bool, Failure> {
        let now = clock::now();
        match classify_response(&device, response, now) {
            Outcome::Accepted(_) => report.accepted += 1,
            Outcome::Rejected(rejection) => {
                let reason = rejection.reason.unwrap_or_default().into_owned();
                *report.refusals.entry(reason.clone()).or_default() += 1;
                let again = attempt + 1 < ATTEMPTS;
                match rejection.action {
                    // A registry would compare the time with the one of the registration.
                    Action::DropTarget { .. } => report.dropped += 1,
                    Action::SuspectTarget => report.suspected += 1,
                    // This connection refuses everything from now on, also with a new token.
                    Action::RefreshCredential { .. } if again => {
                        if let Some(refused) = authorization {
                            self.tokens.handle_refusal(&refused, now);
                        }
                        queue.push_back((device, attempt + 1));
                        return Ok(false);
                    }
                    Action::Reconnect if again => {
                        queue.push_back((device, attempt + 1));
                        return Ok(false);
                    }
                    // A gateway would wait until then; here the local service is known to have recovered.
                    Action::Retry { .. } | Action::SlowDown { .. } if again => {
                        queue.push_back((device, attempt + 1));
                    }
                    _ => return Err(format!("{reason} cannot be mended by sending again").into()),
                }
            }
        }
        Ok(true)
    }
}
