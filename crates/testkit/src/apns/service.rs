//! The service: keys, devices, channels, and what was accepted.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use reveille_core::UnixTime;
use reveille_crypto::CryptoProvider;

use super::channels::Channels;
use super::headers::is_uuid;
use super::{AcceptedBroadcast, AcceptedPush, Refusal, TrustedKey, broadcast, device, token};

/// APNs in memory, one environment of it. It never reads a clock and never sends: hand it requests, take out what
/// it accepted.
///
/// A device that was never mentioned is taken for a live one; [`unregister`](Self::unregister) ends it.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_crypto_rustcrypto::PROVIDER;
/// use reveille_testkit::apns::ApnsService;
///
/// let mut service = ApnsService::new(PROVIDER);
/// let request = http::Request::post("https://api.push.apple.com/3/device/00fc").body(bytes::Bytes::new())?;
/// let response = service.handle(&request, UnixTime::from_secs(1_800_000_000));
/// assert_eq!(response.status(), 403);
/// assert_eq!(response.body(), &br#"{"reason":"MissingProviderToken"}"#[..]);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug)]
pub struct ApnsService {
    crypto: CryptoProvider,
    keys: Vec<TrustedKey>,
    devices: HashMap<String, Refusal>,
    channels: Channels,
    /// The newest `iat` seen per key id, to notice renewals that come too often.
    newest_token: HashMap<String, UnixTime>,
    script: VecDeque<Refusal>,
    answered: u64,
    pushes: Vec<AcceptedPush>,
    broadcasts: Vec<AcceptedBroadcast>,
}

impl ApnsService {
    /// A service that trusts no key yet. The provider verifies tokens.
    #[must_use]
    pub fn new(crypto: CryptoProvider) -> Self {
        Self {
            crypto,
            keys: Vec::new(),
            devices: HashMap::new(),
            channels: Channels::default(),
            newest_token: HashMap::new(),
            script: VecDeque::new(),
            answered: 0,
            pushes: Vec::new(),
            broadcasts: Vec::new(),
        }
    }

    /// Registers a key: tokens that it signs are taken from now on.
    pub fn trust(&mut self, key: TrustedKey) {
        self.keys.push(key);
    }

    /// The app is gone from this device since then: 410.
    pub fn unregister(&mut self, device: &str, since: UnixTime) {
        self.answer_device(device, Refusal::unregistered(since));
    }

    /// Every push to this device is answered so.
    pub fn answer_device(&mut self, device: &str, refusal: Refusal) {
        self.devices.insert(device.to_owned(), refusal);
    }

    /// The next requests that are otherwise in order, one each, are answered so.
    pub fn script(&mut self, answers: impl IntoIterator<Item = Refusal>) {
        self.script.extend(answers);
    }

    /// The pushes accepted since the last call.
    pub fn take_pushes(&mut self) -> Vec<AcceptedPush> {
        std::mem::take(&mut self.pushes)
    }

    /// The broadcasts accepted since the last call.
    pub fn take_broadcasts(&mut self) -> Vec<AcceptedBroadcast> {
        std::mem::take(&mut self.broadcasts)
    }

    /// Answers a request as APNs would at this time.
    pub fn handle(&mut self, request: &Request<Bytes>, now: UnixTime) -> Response<Bytes> {
        self.answered += 1;
        let path = request.uri().path();
        let id_header = if path.starts_with("/3/") { "apns-id" } else { "apns-request-id" };
        let sent = request.headers().get(id_header).and_then(|id| id.to_str().ok());
        let id = sent.filter(|id| is_uuid(id)).map_or_else(|| self.own_id(), str::to_owned);
        match self.answer(request, &id, now) {
            Ok(mut response) => {
                if let Ok(id) = HeaderValue::from_str(&id) {
                    response.headers_mut().insert(id_header, id);
                }
                response
            }
            Err(refusal) => refusal.response(id_header, &id),
        }
    }

    fn own_id(&self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.answered)
    }

    fn answer(
        &mut self,
        request: &Request<Bytes>,
        id: &str,
        now: UnixTime,
    ) -> Result<Response<Bytes>, Refusal> {
        let (key, issued_at) = token::check(request.headers(), &self.keys, self.crypto, now)?;
        check_renewal(&mut self.newest_token, key, issued_at)?;
        let path = request.uri().path();
        if let Some(app) = path.strip_prefix("/4/broadcasts/apps/") {
            check_app(key, app)?;
            let accepted = broadcast::check(request, app, |channel| self.channels.policy(app, channel), now)?;
            self.next_of_script()?;
            self.broadcasts.push(accepted);
            return Ok(Response::new(Bytes::new()));
        }
        if let Some((app, leaf)) = path.strip_prefix("/1/apps/").and_then(|rest| rest.split_once('/')) {
            check_app(key, app)?;
            self.next_of_script()?;
            return match leaf {
                "channels" => self.channels.handle(request, app),
                "all-channels" => self.channels.list(request, app),
                _ => Err(Refusal::new(404, "BadPath")),
            };
        }
        let mut accepted = device::check(request, key)?;
        if let Some(refusal) = self.devices.get(&accepted.device) {
            return Err(*refusal);
        }
        self.next_of_script()?;
        accepted.id = id.to_owned();
        self.pushes.push(accepted);
        Ok(Response::new(Bytes::new()))
    }

    fn next_of_script(&mut self) -> Result<(), Refusal> {
        self.script.pop_front().map_or(Ok(()), Err)
    }
}

/// The bundle id in the path of a broadcast is bare.
fn check_app(key: &TrustedKey, app: &str) -> Result<(), Refusal> {
    if key.topics.is_empty() || key.topics.iter().any(|topic| topic == app) {
        Ok(())
    } else if key.may_push_to(app) {
        Err(Refusal::new(400, "TopicDisallowed"))
    } else {
        Err(Refusal::new(403, "TopicMismatch"))
    }
}

/// "More than once every 20 minutes" (Apple): judged by the tokens' own times, as all requests share a connection.
fn check_renewal(
    newest: &mut HashMap<String, UnixTime>,
    key: &TrustedKey,
    issued_at: UnixTime,
) -> Result<(), Refusal> {
    const SHORTEST: std::time::Duration = std::time::Duration::from_secs(20 * 60);
    match newest.get(&key.key_id) {
        Some(known) if issued_at > *known && issued_at.since(*known) < SHORTEST => {
            Err(Refusal::new(429, "TooManyProviderTokenUpdates"))
        }
        Some(known) if issued_at <= *known => Ok(()),
        _ => {
            newest.insert(key.key_id.clone(), issued_at);
            Ok(())
        }
    }
}
