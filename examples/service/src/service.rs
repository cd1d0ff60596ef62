//! All parts together: start, run, stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use reveille_conversation::rules::{Channels, Rules};
use reveille_conversation::{Channel, Kind};
use reveille_core::Secret;
use reveille_crypto_ring::PROVIDER;
use reveille_delivery::pacer::{LaneSettings, PacerSettings, Rate, ServiceId};
use reveille_digest::options::Window;
use reveille_gateway::settings::Retry;
use reveille_gateway::store::{Claim, Store, StoreError};
use reveille_gateway::{GatewaySettings, class};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::api::{Api, BrowserTests, Hosts, Listener, Pages, router};
use crate::auth::{Auth, KeyTable, Rates, Users};
use crate::channels::{self, Carrier, Channels as Carriers, Parts};
use crate::clock::Clock;
use crate::committer::Committer;
use crate::credentials::{Book, BookFailure, LOCAL_APP, senders};
use crate::desk::{Desk, Mail};
use crate::hooks::Hooks;
use crate::keys::Keys;
use crate::lookups::{AskPresence, AudienceNames, Lookups};
use crate::metrics::Metrics;
use crate::outgoing::Outgoing;
use crate::platform::Platform;
use crate::provider_tokens;
use crate::quiet::Zones;
use crate::rotation;
use crate::settings::{InvalidSettings, Settings, read, wrong};
use crate::shards::{Credits, Lease, Out, ShardSettings, Shards, Shared};
use crate::stream::{self, Planned, StreamParts};
use crate::twins::Twins;
use crate::wire::{Proxy, Wire, WireSettings};

/// Why the service does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A setting.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// The store, or a shard in it.
    #[error(transparent)]
    Out(#[from] Out),
    /// The store.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// What the apps send with.
    #[error(transparent)]
    Credentials(#[from] BookFailure),
    /// The address of the API.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
}

/// A service that runs.
pub struct Service<S> {
    /// Where the API listens.
    pub address: SocketAddr,
    /// The shards, for questions.
    pub shards: Shards,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    store: Arc<S>,
    claims: Vec<Claim>,
    mail: mpsc::UnboundedSender<Mail>,
    carriers: mpsc::UnboundedSender<channels::Mail>,
    carrying: JoinHandle<()>,
    telling: Option<JoinHandle<()>>,
    stop_api: watch::Sender<bool>,
    stop_shards: watch::Sender<bool>,
    api: JoinHandle<()>,
    streams: Vec<JoinHandle<()>>,
    desk: JoinHandle<()>,
    tokens: JoinHandle<()>,
    lease: JoinHandle<Out>,
    ended: FuturesUnordered<oneshot::Receiver<Result<(), Out>>>,
    patience: Duration,
}

impl<S: Store> Service<S> {
    /// Starts everything over a store that is open. With local services the wire trusts them, and there is one app.
    ///
    /// # Errors
    /// [`StartError`]; nothing was sent then.
    pub async fn start(
        settings: &Settings,
        keys: &Keys,
        store: Arc<S>,
        local: Option<&Twins>,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let address = settings.listen;
        let bound = TcpListener::bind(address).await;
        let listener = bound.map_err(|error| StartError::Listen { address, error })?;
        let address = listener.local_addr().map_err(|error| StartError::Listen { address, error })?;
        let (pages, users) = match local {
            Some(_) => {
                let (pages, users) = demonstration(settings, keys)?;
                (Some(pages), users)
            }
            None => (None, Users::new(&settings.users, keys.user.as_ref())?),
        };
        let mut settings = settings.clone();
        if local.is_some() {
            // What is pushed leads to the demonstration's page.
            settings.link = format!("http://localhost:{}", address.port());
        }
        let settings = &settings;
        let rules = rules(settings)?;
        let senders = senders(settings, &rules, keys, local)?;
        let shard_settings = shard_settings(settings, rules)?;
        let metrics = Arc::new(Metrics::default());
        let wire = WireSettings { proxy: proxy(settings), ..WireSettings::default() };
        let platform = match &settings.platform {
            None => None,
            Some(platform) => Some(Arc::new(Platform::new(
                platform,
                &wire,
                senders.allowed.clone(),
                &senders.certificates,
                clock.clone(),
                Arc::clone(&metrics),
            )?)),
        };
        let incoming = Incoming::check(settings, &shard_settings.rules)?;
        let presence =
            AskPresence::new(platform.clone(), &shard_settings.rules, clock.clone(), Arc::clone(&metrics));
        let presence = Arc::new(presence);
        let wire = Wire::new(wire, senders.allowed.clone(), &senders.certificates);
        let wire = Arc::new(wire.map_err(|error| wrong("certificates", error))?);

        let zones = Arc::new(Zones::default());
        let parts = Parts {
            store: Arc::clone(&store),
            wire: Arc::clone(&wire),
            clock: clock.clone(),
            zones: Arc::clone(&zones),
            brands: senders.workshop.brands.clone(),
        };
        let carrier = Carrier::new(settings, parts, &senders.allowed, &senders.certificates)?;

        let (lease, claims) = Lease::claim(&*store, &settings.owner, settings.lease(), &clock).await?;
        let latency = Duration::from_millis(settings.commit_latency_ms);
        let committer = Committer::start(Arc::clone(&store), latency, clock.clone(), Arc::clone(&metrics));
        let (mail, inbox) = mpsc::unbounded_channel();
        let sealer = keys.sealer();
        rotation::secrets(&*store, &sealer).await?;
        let auth = Auth {
            keys: KeyTable::open(Arc::clone(&store), sealer.clone(), &keys.api).await?,
            users,
            rates: {
                let limits = &settings.limits;
                Rates::new(limits.key_rate, limits.user_rate, limits.stranger_rate)
            },
        };
        let server = Arc::clone(&senders.workshop.server);
        let book = Book::open(Arc::clone(&store), sealer.clone(), senders.workshop, senders.apps).await;
        let (book, writer) = book?;
        let apple = book.apple();
        provider_tokens::begin(&*store, &sealer, &provider_tokens::list(&apple), clock.now()).await?;
        let tokens = provider_tokens::keep(Arc::clone(&store), sealer.clone(), apple, clock.clone());
        let hook =
            settings.outgoing.as_ref().map(|hook| hook.hook("outgoing", &senders.allowed)).transpose()?;
        let outgoing = hook.map(|hook| {
            let kept = (Arc::clone(&store), sealer.clone());
            Outgoing::new(hook, kept, Arc::clone(&wire), clock.clone(), Arc::clone(&metrics))
        });
        let (outgoing, told) = outgoing.unzip();
        if let Some(outgoing) = &outgoing {
            outgoing.load().await?;
        }
        let shared = Shared {
            store: Arc::clone(&store),
            committer,
            sealer: sealer.clone(),
            seed: keys.seed,
            clock: clock.clone(),
            metrics: Arc::clone(&metrics),
            desk: mail.clone(),
            outgoing: outgoing.clone(),
        };
        let credits = Credits::new(settings.limits.waiting_events, settings.limits.waiting_bytes);
        let (stop_shards, stopped) = watch::channel(false);
        let (shards, ended) =
            Shards::start(&shard_settings, claims.clone(), shared, credits, stopped).await?;
        let (carriers, to_carry) = mpsc::unbounded_channel();
        let carrying = Carriers {
            carrier: Arc::new(carrier),
            shards: shards.clone(),
            lease: lease.clone(),
            clock: clock.clone(),
            metrics: Arc::clone(&metrics),
            outgoing: outgoing.clone(),
        };
        let telling = outgoing.clone().zip(told).map(|(outgoing, told)| tokio::spawn(outgoing.run(told)));
        let carrying = tokio::spawn(carrying.run(carriers.clone(), to_carry));
        let desk = Desk {
            store: Arc::clone(&store),
            shards: shards.clone(),
            lookups: Lookups::new(
                Arc::clone(&store),
                shards.clone(),
                platform.clone(),
                &settings.audiences,
                clock.clone(),
                Arc::clone(&metrics),
            ),
            writer: Arc::new(writer),
            wire: Arc::clone(&wire),
            channels: carriers.clone(),
            zones: Arc::clone(&zones),
            lease: lease.clone(),
            clock: clock.clone(),
            metrics: Arc::clone(&metrics),
            outgoing: outgoing.clone(),
            pacing: pacing(settings, local.is_some()),
            writers: std::thread::available_parallelism().map_or(1, usize::from),
        };
        let tokens = tokio::spawn(tokens);
        let desk = tokio::spawn(desk.run(mail.clone(), inbox));

        let (stop_api, stopped) = watch::channel(false);
        let parts = StreamParts {
            store: Arc::clone(&store),
            shards: shards.clone(),
            platform,
            presence: Arc::clone(&presence),
            wire: Arc::clone(&wire),
            clock: clock.clone(),
            metrics: Arc::clone(&metrics),
        };
        let streams =
            incoming.streams.into_iter().flat_map(|stream| stream.start(&parts, &stopped)).collect();
        let api = Arc::new(Api {
            store: Arc::clone(&store),
            shards: shards.clone(),
            sealer,
            seed: keys.seed,
            clock,
            hooks: incoming.hooks,
            presence,
            audiences: incoming.audiences,
            metrics: Arc::clone(&metrics),
            lease: lease.clone(),
            wire,
            allowed: senders.allowed,
            server,
            auth,
            resume: book.resume_keys()?,
            book,
            desk: mail.clone(),
            zones,
            outgoing,
            limits: settings.limits.clone(),
            hosts: Hosts::new(address.ip(), settings.host.clone()),
            browser_tests: BrowserTests::default(),
            pages,
        });
        let listener = Listener {
            listener,
            limits: settings.limits.clone(),
            proxies: api.auth.users.proxies().clone(),
            metrics: Arc::clone(&metrics),
        };
        let api = tokio::spawn(listener.serve(router(api), stopped));
        let lease = tokio::spawn(lease.keep(Arc::clone(&store), claims.clone(), settings.lease()));
        let patience = Duration::from_millis(settings.limits.stop_ms);
        let ended = ended.into_iter().collect();
        Ok(Self {
            address,
            shards,
            metrics,
            store,
            claims,
            mail,
            carriers,
            carrying,
            telling,
            stop_api,
            stop_shards,
            api,
            streams,
            desk,
            tokens,
            lease,
            ended,
            patience,
        })
    }

    /// Waits until something ends that should not: then the process has to stop.
    pub async fn failed(&mut self) -> Out {
        tokio::select! {
            out = &mut self.lease => out.unwrap_or(Out::Store(StoreError::Closed)),
            Some(ended) = self.ended.next() => match ended {
                Ok(Err(out)) => out,
                _ => Out::Store(StoreError::Closed),
            },
        }
    }

    /// Takes nothing new in, lets what is under way come to its end, writes snapshots, and gives the shards back.
    ///
    /// # Errors
    /// [`Out`] if a shard could not be closed: nothing is lost, but the next start takes longer.
    pub async fn stop(mut self) -> Result<(), Out> {
        let _ = self.stop_api.send(true);
        for stream in self.streams.drain(..) {
            let _ = stream.await;
        }
        let (done, is_done) = oneshot::channel();
        let _ = self.mail.send(Mail::Close(done));
        let (carried, all_carried) = oneshot::channel();
        let _ = self.carriers.send(channels::Mail::Close(carried));
        // What still is under way then has no outcome in the log, and may be sent again; but no text message.
        let _ = tokio::time::timeout(self.patience, async { (is_done.await, all_carried.await) }).await;
        self.desk.abort();
        self.carrying.abort();
        let _ = tokio::time::timeout(self.patience, &mut self.api).await;
        let _ = self.stop_shards.send(true);
        let mut result = Ok(());
        while let Some(ended) = self.ended.next().await {
            if let Ok(Err(out)) = ended {
                result = Err(out);
            }
        }
        self.lease.abort();
        self.tokens.abort();
        // What was not told yet is in the store.
        self.telling.iter().for_each(JoinHandle::abort);
        self.store.release(&self.claims).await?;
        let store = Arc::clone(&self.store);
        drop(self);
        // The last task that holds the store is gone a moment later; then its file is free.
        for _ in 0..500 {
            if Arc::strong_count(&store) == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        result
    }
}

/// What comes in besides the API, checked.
struct Incoming {
    hooks: Hooks,
    streams: Vec<Planned>,
    audiences: AudienceNames,
}

impl Incoming {
    fn check(settings: &Settings, rules: &Rules) -> Result<Self, InvalidSettings> {
        let has_platform = settings.platform.is_some();
        let hooks = Hooks::new(&settings.hooks)?;
        let streams = stream::plan(&settings.streams, has_platform, rules)?;
        let audiences = AudienceNames::new(&settings.audiences, has_platform)?;
        Ok(Self { hooks, streams, audiences })
    }
}

fn rules(settings: &Settings) -> Result<Rules, InvalidSettings> {
    Ok(match &settings.rules {
        Some(path) => {
            Rules::from_toml(&read(path)?).map_err(|error| wrong(path.display().to_string(), error))?
        }
        // What nobody carries is not even decided on.
        None => {
            let mut carried = vec![Channel::Mobile, Channel::WebPush];
            carried.extend(settings.webhook.as_ref().map(|_| Channel::Webhook));
            carried.extend(settings.smtp.as_ref().filter(|smtp| smtp.parallel).map(|_| Channel::Email));
            let carried = Channels::of(&carried);
            let rules = Rules::default();
            let recipients = rules.recipients().clone();
            let recipients = recipients.with_visitor(carried).with_primary(carried).with_secondary(carried);
            rules.with_recipients(recipients)
        }
    })
}

fn shard_settings(settings: &Settings, rules: Rules) -> Result<ShardSettings, InvalidSettings> {
    let defaults = GatewaySettings::default();
    let mut digests = defaults.digests.clone();
    digests.window = Window::Fixed { wait: Duration::from_millis(settings.digest_ms) };
    let gateway = defaults.with_digests(digests);
    let gateway = gateway.with_retry(class::WEBHOOK, webhook_retry()).with_retry(class::EMAIL, email_retry());
    let falls_back = |gateway: GatewaySettings, (kind, fallback): (&Kind, &channels::Fallback)| {
        gateway.with_fallback(*kind, fallback.target())
    };
    let gateway = settings.fallback.iter().fold(gateway, falls_back);
    gateway.check().map_err(|error| wrong("digest_ms", error))?;
    Ok(ShardSettings {
        owner: settings.owner.clone(),
        threads: settings.shard_threads(),
        lease: settings.lease(),
        snapshot_inputs: settings.snapshot_inputs,
        snapshot_age: Duration::from_secs(12 * 3_600),
        gateway,
        rules,
    })
}

/// Pages, and users who are whoever they say they are: beside local services only.
fn demonstration(settings: &Settings, keys: &Keys) -> Result<(Pages, Users), StartError> {
    let mut secret = [0; 32];
    PROVIDER.random.fill(&mut secret).map_err(|_| wrong("the demonstration", "no random bytes"))?;
    let (audience, secret) = (&settings.users.audience, Secret::new(secret));
    let users = Users::new(&settings.users, keys.user.as_ref())?.with_demo(&secret, audience, LOCAL_APP);
    Ok((Pages::new(secret, audience, settings.receipts), users))
}

/// A receiver that is away for an hour misses calls, and nothing else: what its lane's breaker holds costs no attempt.
fn webhook_retry() -> Retry {
    Retry { attempts: 16, base: Duration::from_secs(1), cap: Duration::from_secs(1_800), ..Retry::default() }
}

/// A server that lists strangers as grey wants to be asked again after minutes, or hours (RFC 6647 §2).
fn email_retry() -> Retry {
    Retry { attempts: 10, base: Duration::from_secs(30), cap: Duration::from_secs(3_600), ..Retry::default() }
}

/// The rate for every lane; local services are nobody's, and have no limits.
fn pacing(settings: &Settings, local: bool) -> PacerSettings {
    let rate = if local { settings.rate.max(20_000) } else { settings.rate };
    let ramp = if local { 0 } else { settings.ramp_secs };
    let lane = LaneSettings::default()
        .with_rate(Rate::new(rate, Duration::from_secs(1), rate).unwrap_or(Rate::PUSH_SERVICE))
        .with_ramp(Duration::from_secs(ramp))
        .unwrap_or_default();
    let pacing = PacerSettings::default();
    (0..3).fold(pacing, |pacing, service| pacing.with_lane(ServiceId(service), lane))
}

fn proxy(settings: &Settings) -> Option<Proxy> {
    let proxy = settings.proxy.as_ref()?;
    Some(Proxy { authority: proxy.authority.clone(), authorization: proxy.authorization.clone() })
}
