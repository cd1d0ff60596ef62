//! The gateway's state, and the way of an event to the devices of its user.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use reveille_core::{Action, Outcome};
use reveille_crypto::{HmacKey, P256PublicKey};
use reveille_crypto_ring::PROVIDER;
use reveille_examples::clock;
use reveille_registry::suspicion::{Suspicion, SuspicionPolicy};
use reveille_webpush::credential::Refusal;
use reveille_webpush::request::RequestError;
use reveille_webpush::target::{EndpointPolicy, InvalidSubscription, PublicHttps, RefusedEndpoint};
use reveille_webpush::{ApplicationServer, Endpoint, Subscription, VapidKey, VapidKeys, VapidSettings};
use serde::Deserialize as _;
use serde_json::Value;

use crate::event::{Envelope, Event};
use crate::options::Options;
use crate::resume::Desk;
use crate::send::Sender;
use crate::store::{Device, Devices, Store};

pub struct Gateway {
    server: ApplicationServer,
    sender: Sender,
    topic_key: Arc<dyn HmacKey>,
    policy: OwnOrigin,
    store: Store,
    devices: Mutex<Devices>,
    desk: Desk,
    /// Events of other kinds: counted, never an error.
    ignored: AtomicU64,
}

/// What became of an event: how many devices, by the name of the outcome.
pub type Counts = BTreeMap<&'static str, u64>;

/// An endpoint, and the request to it.
type DeviceRequest = (Endpoint, Result<http::Request<Bytes>, RequestError>);

/// Public push services, and the one that this gateway runs itself: its very origin, and no other port of this machine. Whoever
/// may register could otherwise have requests sent to every service that listens here.
#[derive(Debug)]
struct OwnOrigin(Option<String>);

impl EndpointPolicy for OwnOrigin {
    fn check(&self, endpoint: &Endpoint) -> Result<(), RefusedEndpoint> {
        match &self.0 {
            Some(own) if *own == endpoint.origin() && !endpoint.has_credentials() => Ok(()),
            _ => PublicHttps.check(endpoint),
        }
    }
}

/// Why a registration failed.
pub enum RegisterError {
    Invalid(InvalidSubscription),
    /// The user's name is empty or too long.
    User,
    /// The user, or all together, have too many.
    Full,
    Store(io::Error),
}

impl Gateway {
    /// Bytes of a user's name. Whoever reaches the gateway may register, so there are limits.
    pub const MAX_USER: usize = 128;
    /// Devices of one user. One that is gone is removed when it is pushed to.
    pub const MAX_OF_USER: usize = 50;
    /// Devices of all users: every change writes the whole file.
    const MAX_DEVICES: usize = 100_000;

    /// `local_push` is the origin of the push service that runs beside this gateway, if one does.
    pub fn open(options: &Options, local_push: Option<String>) -> Result<Self, Box<dyn Error>> {
        let mut store = Store::open(&options.data)?;
        let key = VapidKey::new(&store.vapid_key()?, PROVIDER)?;
        let contact = options.contact.parse().map_err(|error| format!("--contact: {error}"))?;
        let policy = OwnOrigin(local_push);
        let devices = store.devices(&policy)?;
        Ok(Self {
            server: ApplicationServer::new(PROVIDER, VapidKeys::new(key), VapidSettings::new(contact)),
            sender: Sender::new()?,
            topic_key: PROVIDER.hmac_sha256.key(store.topic_secret()?.expose()),
            policy,
            store,
            devices: Mutex::new(devices),
            desk: Desk::open()?,
            ignored: AtomicU64::new(0),
        })
    }

    /// What pages pass to `pushManager.subscribe`.
    pub fn public_key(&self) -> P256PublicKey {
        *self.server.keys().current().public_key()
    }

    /// Keeps a subscription for a user, bound to the current key; `replaces` is the endpoint it takes the place of.
    /// It is on disk before this returns.
    pub fn register(
        &self,
        user: String,
        subscription: &Value,
        replaces: Option<&str>,
    ) -> Result<(), RegisterError> {
        let subscription = Subscription::from_json_with(&subscription.to_string(), &self.policy)
            .map_err(RegisterError::Invalid)?
            .with_vapid_key(self.server.keys().current().id());
        if user.is_empty() || user.len() > Self::MAX_USER {
            return Err(RegisterError::User);
        }
        let endpoint = subscription.endpoint().as_str().to_owned();
        let device = Device { user, subscription, registered: clock::now(), suspicion: Suspicion::default() };
        let mut devices = self.devices();
        match devices.get(&endpoint) {
            // Pages tell us on every visit.
            Some(known) if replaces.is_none() && known.is_same(&device) => return Ok(()),
            Some(known) if known.user == device.user => {}
            _ if replaces.and_then(|old| devices.get(old)).is_some_and(|old| old.user == device.user) => {}
            _ if devices.len() >= Self::MAX_DEVICES => return Err(RegisterError::Full),
            _ if of_user(&devices, &device.user).count() >= Self::MAX_OF_USER => {
                return Err(RegisterError::Full);
            }
            _ => {}
        }
        let replaced = replaces.and_then(|old| devices.remove(old));
        let previous = devices.insert(endpoint.clone(), device);
        self.store.save(&devices).map_err(|error| {
            // Not kept: forget it again, so that memory and disk agree.
            devices.remove(&endpoint);
            for device in [replaced, previous].into_iter().flatten() {
                devices.insert(device.subscription.endpoint().as_str().to_owned(), device);
            }
            RegisterError::Store(error)
        })
    }

    /// Forgets a subscription; whether there was one.
    pub fn unregister(&self, endpoint: &str) -> io::Result<bool> {
        let mut devices = self.devices();
        let Some(device) = devices.remove(endpoint) else { return Ok(false) };
        if let Err(error) = self.store.save(&devices) {
            devices.insert(endpoint.to_owned(), device);
            return Err(error);
        }
        Ok(true)
    }

    /// How many devices a user has.
    pub fn count(&self, user: &str) -> usize {
        of_user(&self.devices(), user).count()
    }

    /// Who lets users back in.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// How many events of other kinds there were.
    pub fn ignored(&self) -> u64 {
        self.ignored.load(Relaxed)
    }

    /// Pushes an event to all devices of its user, all at once, and goes on if the event source hangs up meanwhile.
    /// There is no second attempt: what did not arrive is counted in the answer.
    pub async fn handle_event(self: Arc<Self>, event: Value) -> Result<Counts, String> {
        let envelope = Envelope::deserialize(&event).map_err(|error| error.to_string())?;
        let Some(conversation) = envelope.conversation() else {
            self.ignored.fetch_add(1, Relaxed);
            return Ok(Counts::from([("ignored", 1)]));
        };
        let event = Event::deserialize(&event).map_err(|error| error.to_string())?;
        event.to_message(conversation, &*self.topic_key, None)?;
        self.desk.remember(&event.user, conversation, event.to_history());
        let sending: Vec<_> = self
            .requests(&event, conversation)?
            .into_iter()
            .map(|(endpoint, request)| {
                let gateway = Arc::clone(&self);
                tokio::spawn(async move { gateway.send(&endpoint, request).await })
            })
            .collect();
        let mut counts = Counts::new();
        for task in sending {
            *counts.entry(task.await.unwrap_or("not_sent")).or_default() += 1;
        }
        Ok(counts)
    }

    async fn send(
        &self,
        endpoint: &Endpoint,
        request: Result<http::Request<Bytes>, RequestError>,
    ) -> &'static str {
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                eprintln!("gateway: {error}");
                return "not_built";
            }
        };
        let authorization = request.headers().get(http::header::AUTHORIZATION).cloned();
        match self.sender.send(endpoint, request).await {
            Ok(outcome) => self.settle(endpoint.as_str(), authorization.as_ref(), outcome),
            Err(error) => {
                eprintln!("gateway: no answer from a push service: {}", error.without_url());
                "unreachable"
            }
        }
    }

    /// The requests for all devices of a user, each with a resume token for that device alone.
    fn requests(&self, event: &Event, conversation: &str) -> Result<Vec<DeviceRequest>, String> {
        let devices = self.devices();
        of_user(&devices, &event.user)
            .map(|device| {
                let endpoint = device.subscription.endpoint();
                let token = self.desk.token(&event.user, conversation, endpoint.as_str());
                let message = event.to_message(conversation, &*self.topic_key, token.as_deref())?;
                let request = self.server.request(&message, &device.subscription, clock::now());
                Ok((endpoint.clone(), request))
            })
            .collect()
    }

    /// Acts on an answer: a target that is gone is removed, one that is suspected is remembered as such.
    fn settle(
        &self,
        endpoint: &str,
        authorization: Option<&http::HeaderValue>,
        outcome: Outcome,
    ) -> &'static str {
        let mut devices = self.devices();
        let Some(device) = devices.get_mut(endpoint) else { return "unregistered" };
        let before = device.suspicion;
        let outcome = device.suspicion.weigh(outcome, SuspicionPolicy::default(), clock::now());
        let changed = device.suspicion != before;
        let rejection = match outcome {
            Outcome::Accepted(_) => None,
            Outcome::Rejected(rejection) => Some(rejection),
        };
        let name = rejection.as_ref().map_or("delivered", |rejection| rejection.action.name());
        if let Some(rejection) = &rejection {
            let reason = rejection.reason.as_deref().unwrap_or("no reason given");
            eprintln!("gateway: push service answered {} ({reason}): {name}", rejection.status);
        }
        match rejection.map(|rejection| rejection.action) {
            Some(Action::DropTarget { .. }) => {
                devices.remove(endpoint);
            }
            Some(Action::RefreshCredential { .. }) => {
                let refusal = authorization
                    .map(|refused| self.server.handle_refusal(&device.subscription, refused, clock::now()));
                if matches!(refusal, Some(Refusal::TooYoung { .. })) {
                    eprintln!(
                        "gateway: a token made within the hour is too old for them: is this clock right?"
                    );
                }
                return name;
            }
            _ if !changed => return name,
            _ => {}
        }
        if let Err(error) = self.store.save(&devices) {
            eprintln!("gateway: {error}");
        }
        name
    }

    fn devices(&self) -> MutexGuard<'_, Devices> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_user<'a>(devices: &'a Devices, user: &'a str) -> impl Iterator<Item = &'a Device> {
    devices.values().filter(move |device| device.user == user)
}
