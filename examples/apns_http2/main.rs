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
use std::sync::Arc;

use bytes::Bytes;
use connection::Connection;
use http::{Request, Response};
use local_apns::LocalApns;
use reveille_apns::{
    Alert, ApnsId, CollapseId, DeviceToken, Endpoints, Expiration, Prepared, ProviderKey, ProviderTokens,
    SignerId, SizeLimit, TokenPolicy, classify,
};
use reveille_core::{Action, Outcome, UnixTime};
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
    let mut sender = Sender::new(key, Endpoints::production().with_device(&apns.authority)?);

    let push = Alert::new("Agent Smith", "Are you still there?")
        .thread_id("c-17")
        .custom("conversationId", "c-17")?
        // A push that is sent again, because a connection was lost before its answer came, is shown once.
        .collapse_id(CollapseId::derived(PROVIDER.sha256, &["conversation", "c-17"]))
        .expiration(Expiration::At(start + std::time::Duration::from_secs(3_600)));
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

/// One key, one environment; a connection when there is one.
struct Sender {
    key: ProviderKey,
    tokens: ProviderTokens,
    signer: SignerId,
    endpoints: Endpoints,
}

/// A device, and how often it was tried.
type Job = (DeviceToken, u32);

impl Sender {
    fn new(key: ProviderKey, endpoints: Endpoints) -> Self {
        let mut tokens = ProviderTokens::new(TokenPolicy::default());
        let signer = tokens.add(key.team(), key.key_id());
        Self { key, tokens, signer, endpoints }
    }

    async fn send(
        &mut self,
        push: &Alert<'_>,
        devices: Vec<DeviceToken>,
        apns: &LocalApns,
    ) -> Result<Report, Failure> {
        let app = "com.example.app".parse()?;
        let prepared = Prepared::new(push, &app, &self.endpoints, SizeLimit::TIGHT)?;
        let mut report = Report::default();
        let mut queue: VecDeque<Job> = devices.into_iter().map(|device| (device, 0)).collect();
        while !queue.is_empty() {
            let prepared = prepared.clone().authorized(&self.bearer(clock::now())?);
            let connection = Connection::open(&apns.authority, apns.trust()).await?;
            self.use_up(&connection, &prepared, &mut queue, &mut report).await?;
            if !queue.is_empty() {
                report.reconnected += 1;
            }
        }
        Ok(report)
    }

    /// Sends until the queue is empty or the connection is of no more use.
    async fn use_up(
        &mut self,
        connection: &Connection,
        prepared: &Prepared,
        queue: &mut VecDeque<Job>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let prepared = Arc::new(prepared.clone());
        let mut in_flight = JoinSet::new();
        // One stream until the first push is accepted.
        let (mut may_multiply, mut usable) = (false, true);
        loop {
            let room = if may_multiply { Connection::MAX_STREAMS } else { 1 };
            while usable && in_flight.len() < room && connection.is_open() {
                let Some((device, attempt)) = queue.pop_front() else { break };
                let request = request(&prepared, &device)?;
                let answer = connection.send(request);
                in_flight.spawn(async move { ((device, attempt), answer.await) });
            }
            let Some(done) = in_flight.join_next().await else { return Ok(()) };
            let ((device, attempt), answer) = done?;
            match answer {
                Ok(response) => {
                    may_multiply |= response.status().is_success();
                    usable &= self.act((device, attempt), &response, queue, report)?;
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
        &mut self,
        (device, attempt): Job,
        response: &Response<Bytes>,
        queue: &mut VecDeque<Job>,
        report: &mut Report,
    ) -> Result<bool, Failure> {
        let now = clock::now();
        match classify(response.status(), response.headers(), response.body(), now) {
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
                        self.tokens.handle_refusal(self.signer, now);
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

    fn bearer(&mut self, now: UnixTime) -> Result<reveille_apns::BearerToken, Failure> {
        if let Some(token) = self.tokens.bearer(self.signer, now) {
            return Ok(token);
        }
        while let Some(request) = self.tokens.poll_output() {
            let signature = self.key.sign(request.signing_input())?;
            self.tokens.handle_signature(request, &signature, now)?;
        }
        self.tokens.bearer(self.signer, now).ok_or_else(|| "no provider token".into())
    }
}

fn request(prepared: &Prepared, device: &DeviceToken) -> Result<Request<Bytes>, Failure> {
    Ok(prepared.for_device_with_id(device, ApnsId::random(PROVIDER.random)?))
}
