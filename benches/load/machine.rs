//! The service, in this process, with its own settings but for rates, which here are nobody's.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use reveille_crypto_ring::PROVIDER;
use reveille_example_service::auth::UserSettings;
use reveille_example_service::clock::Clock;
use reveille_example_service::keys::Keys;
use reveille_example_service::redb_store::{RedbSettings, RedbStore};
use reveille_example_service::service::Service;
use reveille_example_service::settings::{AppSettings, Settings};
use reveille_webpush::UserAgentKeys;
use serde_json::{Value, json};

use crate::figures::Latencies;
use crate::sink::Sink;
use crate::{Failure, PEOPLE};

const APP: &str = "com.example.load";
/// Events in a request, and requests under way, at the highest rate.
const BATCH: usize = 100;
const FEEDERS: usize = 8;
/// Events in a request at half of it.
const FEW: usize = 10;
/// What waits at most between the events that were taken and the pushes that came.
const AHEAD: u64 = 4_000;

pub struct Machine<'s> {
    pub service: Service<RedbStore>,
    pub sink: &'s Sink,
    key: String,
    http: Client,
    next: AtomicUsize,
}

impl<'s> Machine<'s> {
    pub async fn start(folder: &Path, sink: &'s Sink) -> Result<Self, Failure> {
        let certificates = folder.join("certificates.pem");
        std::fs::write(&certificates, &sink.pem)?;
        let mut settings = Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            data: folder.to_owned(),
            allowed_origins: vec![sink.origin.clone()],
            certificates: Some(certificates),
            apps: vec![AppSettings {
                id: APP.to_owned(),
                web_push: true,
                apns: None,
                fcm: None,
                brand: None,
            }],
            rate: 1_000_000,
            ramp_secs: 0,
            users: UserSettings {
                header: Some("x-user".to_owned()),
                peers: vec!["127.0.0.0/8".to_owned()],
                ..UserSettings::default()
            },
            ..Settings::default()
        };
        settings.limits.key_rate = 1_000_000;
        (settings.limits.connections, settings.limits.connections_per_address) = (20_000, 20_000);
        let keys = Keys::open(&folder.join("keys.toml"))?;
        let store = RedbStore::open(folder.join("store.redb"), RedbSettings::new(keys.sealer()))?;
        let service = Service::start(&settings, &keys, Arc::new(store), None, Clock::default()).await?;
        let http = Client::builder().http1_only().pool_max_idle_per_host(64).build()?;
        let machine = Self { service, sink, key: keys.api.expose().clone(), http, next: AtomicUsize::new(0) };
        machine.register().await?;
        Ok(machine)
    }

    async fn register(&self) -> Result<(), Failure> {
        let register = async |first: usize| {
            for person in (first..PEOPLE).step_by(FEEDERS) {
                let subscription = subscription(&self.sink.origin, person)?;
                let device = json!({"owner": name(person), "platform": "web", "subscription": subscription});
                let path = format!("/v1/devices/{APP}/browser-{person}");
                let url = self.url(&path);
                let put =
                    self.http.put(url).bearer_auth(&self.key).header("content-type", "application/json");
                let status = put.body(device.to_string()).send().await?.status();
                if status != StatusCode::CREATED {
                    return Err(format!("{path}: {status}").into());
                }
            }
            Ok::<(), Failure>(())
        };
        futures_util::future::try_join_all((0..FEEDERS).map(register)).await?;
        Ok(())
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.service.address)
    }

    pub fn next_person(&self) -> usize {
        self.next.fetch_add(1, Relaxed) % PEOPLE
    }

    pub async fn post(&self, events: Vec<Value>) -> Result<(), Failure> {
        let post = self.http.post(self.url("/v1/events")).bearer_auth(&self.key);
        let post = post.header("content-type", "application/cloudevents-batch+json");
        let response = post.body(Value::Array(events).to_string()).send().await?;
        if response.status() == StatusCode::ACCEPTED {
            return Ok(());
        }
        Err(format!("{}: {}", response.status(), response.text().await?).into())
    }

    /// Events as fast as they are taken: pushes a second.
    pub async fn most(&self, span: Duration) -> Result<f64, Failure> {
        let (begun, before) = (Instant::now(), self.sink.count());
        let warm = span / 4;
        let given = AtomicUsize::new(0);
        let feed = async || {
            while begun.elapsed() < warm + span {
                let events: Vec<Value> = (0..BATCH).map(|_| invitation(self.next_person())).collect();
                self.post(events).await?;
                let given = given.fetch_add(BATCH, Relaxed) as u64;
                while given > self.sink.count() - before + AHEAD && begun.elapsed() < warm + span {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            Ok::<(), Failure>(())
        };
        let measure = async {
            tokio::time::sleep(warm).await;
            let (begun, before) = (Instant::now(), self.sink.count());
            tokio::time::sleep(span).await;
            Ok((self.sink.count() - before) as f64 / begun.elapsed().as_secs_f64())
        };
        let (_, rate) =
            tokio::try_join!(futures_util::future::try_join_all((0..FEEDERS).map(|_| feed())), measure)?;
        Ok(rate)
    }

    /// Events at this rate, a few in each request: the time from when they should have been sent to each one's push.
    pub async fn at_rate(&self, rate: f64, span: Duration) -> Result<Latencies, Failure> {
        let count = (rate * span.as_secs_f64()) as usize;
        let people: Vec<usize> = (0..count.min(PEOPLE)).map(|_| self.next_person()).collect();
        for person in &people {
            let _ = self.sink.take(*person);
        }
        let begun = Instant::now();
        let at = |place: usize| begun + Duration::from_secs_f64(place as f64 / rate);
        let posts = people.chunks(FEW).enumerate().map(async |(chunk, people)| {
            tokio::time::sleep_until(at(chunk * FEW).into()).await;
            self.post(people.iter().map(|person| invitation(*person)).collect()).await
        });
        futures_util::future::try_join_all(posts).await?;
        self.settle().await?;
        let mut latencies = Latencies::default();
        for (place, person) in people.iter().enumerate() {
            let came = self.sink.take(*person).ok_or_else(|| format!("nothing came for person {person}"))?;
            latencies.push(came.saturating_duration_since(at(place / FEW * FEW)));
        }
        Ok(latencies)
    }

    /// One ring after the other.
    pub async fn rings(&self, span: Duration) -> Result<Latencies, Failure> {
        let (mut latencies, begun) = (Latencies::default(), Instant::now());
        while begun.elapsed() < span && latencies.len() < 2_000 {
            let person = self.next_person();
            self.sink.take(person);
            let data = json!({"conversation": unique(), "person": name(person), "caller_name": "Ann"});
            let sent = Instant::now();
            self.post(vec![event("call_offered", data)]).await?;
            let came = loop {
                if let Some(came) = self.sink.take(person) {
                    break came;
                }
                if sent.elapsed() > Duration::from_secs(10) {
                    return Err("a ring did not come".into());
                }
                tokio::time::sleep(Duration::from_micros(200)).await;
            };
            latencies.push(came.saturating_duration_since(sent));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(latencies)
    }

    /// Until nothing has come for half a second.
    pub async fn settle(&self) -> Result<(), Failure> {
        let mut before = 0;
        while before != self.sink.count() {
            before = self.sink.count();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Ok(())
    }

    pub fn size(&self, folder: &Path) -> Result<String, Failure> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default().trim();
        let store = std::fs::metadata(folder.join("store.redb"))?.len() >> 20;
        let events = self.next.load(Relaxed);
        Ok(format!(
            "after {events} events: {resident} of memory for all in this process, {store} MiB of store"
        ))
    }

    pub async fn stop(self) -> Result<(), Failure> {
        Ok(self.service.stop().await?)
    }
}

pub fn subscription(origin: &str, person: usize) -> Result<Value, Failure> {
    let keys = UserAgentKeys::generate(PROVIDER)?;
    let public = keys.public_key().ok_or("a public key")?.to_string();
    let auth = reveille_crypto::base64url::encode(keys.expose_auth_secret());
    Ok(json!({"endpoint": format!("{origin}/p/{person}"), "keys": {"p256dh": public, "auth": auth}}))
}

pub fn name(person: usize) -> String {
    format!("person-{person}")
}

fn invitation(person: usize) -> Value {
    event("invited", json!({"conversation": unique(), "to": {"agent": name(person)}, "by_name": "Ann"}))
}

fn event(kind: &str, data: Value) -> Value {
    json!({
        "specversion": "1.0", "id": unique(), "source": "/load", "type": format!("reveille.conversation.{kind}"), "data": data,
    })
}

fn unique() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("load-{}", NEXT.fetch_add(1, Relaxed))
}
