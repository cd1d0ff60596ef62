//! FCM with state: devices, access tokens, delivered messages.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use reveille_core::UnixTime;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::schema::SEND_MESSAGE_REQUEST;
use super::subscriptions::Subscriptions;
use super::validate::{Violation, field, validate};
use super::wire::{ok, percent_decode};
use super::{Device, apple, limits};

/// A message that the service took; [`FcmService::take`] returns them for a test to look at.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredMessage {
    /// The name that the answer gave.
    pub name: String,
    /// The message, target included.
    pub message: Value,
    /// When it was taken.
    pub at: UnixTime,
}

/// FCM in memory, for one project. It never reads a clock and never sends: hand it requests, take the messages out.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_testkit::fcm::{Device, FcmService};
///
/// let now = UnixTime::from_secs(1_800_000_000);
/// let mut service = FcmService::new("my-project");
/// service.device("token-1", Device::Registered);
/// service.allow("ya29.x", UnixTime::MAX);
/// let request = http::Request::post("https://fcm.googleapis.com/v1/projects/my-project/messages:send")
///     .header("authorization", "Bearer ya29.x")
///     .header("content-type", "application/json")
///     .body(bytes::Bytes::from(r#"{"message":{"token":"token-1","data":{"a":"b"}}}"#))?;
/// assert_eq!(service.handle(&request, now).status(), 200);
/// assert_eq!(service.take()[0].message["data"]["a"], "b");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug)]
pub struct FcmService {
    project: String,
    api_enabled: bool,
    tokens: HashMap<String, UnixTime>,
    devices: HashMap<String, Device>,
    script: VecDeque<Refusal>,
    messages: Vec<StoredMessage>,
    subscriptions: Subscriptions,
    count: u64,
}

impl FcmService {
    /// The service of a project.
    #[must_use]
    pub fn new(project: impl Into<String>) -> Self {
        Self {
            project: project.into(),
            api_enabled: true,
            tokens: HashMap::new(),
            devices: HashMap::new(),
            script: VecDeque::new(),
            messages: Vec::new(),
            subscriptions: Subscriptions::default(),
            count: 0,
        }
    }

    /// Enables or disables the API in the project.
    pub const fn enable_api(&mut self, enabled: bool) {
        self.api_enabled = enabled;
    }

    /// Takes an access token until it ends.
    pub fn allow(&mut self, access_token: impl Into<String>, until: UnixTime) {
        self.tokens.insert(access_token.into(), until);
    }

    /// Takes an access token no longer.
    pub fn revoke(&mut self, access_token: &str) {
        self.tokens.remove(access_token);
    }

    /// Knows a device, by token or installation id. Others have a malformed token.
    pub fn device(&mut self, name: impl Into<String>, state: Device) {
        self.devices.insert(name.into(), state);
    }

    /// The next requests, one each, are answered with these whatever they are.
    pub fn script(&mut self, answers: impl IntoIterator<Item = Refusal>) {
        self.script.extend(answers);
    }

    /// Takes a request and answers it.
    pub fn handle(&mut self, request: &Request<Bytes>, now: UnixTime) -> Response<Bytes> {
        if let Some(refusal) = self.script.pop_front() {
            return refusal.response();
        }
        match self.answer(request, now) {
            Ok(body) => ok(&body),
            Err(refusal) => refusal.response(),
        }
    }

    /// The messages that were taken, oldest first. A dry run leaves none.
    pub fn take(&mut self) -> Vec<StoredMessage> {
        std::mem::take(&mut self.messages)
    }

    fn answer(&mut self, request: &Request<Bytes>, now: UnixTime) -> Result<Value, Refusal> {
        let path = request.uri().path().strip_prefix("/v1/projects/").ok_or(Refusal::NoSuchPath)?;
        let (project, rest) = path.split_at(path.find('/').ok_or(Refusal::NoSuchPath)?);
        self.authorize(request.headers(), now)?;
        if project != self.project {
            return Err(Refusal::PermissionDenied);
        }
        if !self.api_enabled {
            return Err(Refusal::ApiDisabled);
        }
        match (request.method(), rest) {
            (&Method::POST, "/messages:send") => self.send(request, now),
            (_, rest) => {
                let (registration, rest) = rest
                    .strip_prefix("/registrations/")
                    .and_then(|rest| rest.split_once("/topicSubscriptions"))
                    .ok_or(Refusal::NoSuchPath)?;
                let registration = percent_decode(registration);
                self.known(&registration)?;
                self.subscriptions.answer(request, project, &registration, rest.trim_start_matches('/'), now)
            }
        }
    }

    /// A plain 401, without `FcmError`: it is about our token.
    fn authorize(&self, headers: &HeaderMap, now: UnixTime) -> Result<(), Refusal> {
        let mut values = headers.get_all("authorization").iter();
        let token = values
            .next()
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let until = token.and_then(|token| self.tokens.get(token));
        if values.next().is_none() && until.is_some_and(|until| now < *until) {
            Ok(())
        } else {
            Err(Refusal::Unauthenticated)
        }
    }

    fn send(&mut self, request: &Request<Bytes>, now: UnixTime) -> Result<Value, Refusal> {
        let is_json = request
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        let parsed = serde_json::from_slice::<Value>(request.body()).ok().filter(|_| is_json);
        let body = parsed.ok_or_else(|| bad_request("", "Invalid JSON payload received."))?;
        let mut violations = validate(&SEND_MESSAGE_REQUEST, &body);
        let message = field(&body, "message").ok_or_else(|| bad_request("message", "message is required"))?;
        if violations.is_empty() {
            violations = limits::check(message);
        }
        if !violations.is_empty() {
            return Err(Refusal::BadRequest(violations));
        }
        if let Some(device) = ["fid", "token"].iter().find_map(|name| field(message, name)?.as_str()) {
            self.known(device)?;
            apple::check(self.devices.get(device).copied(), message)?;
        }
        self.count += 1;
        let dry_run = field(&body, "validateOnly").and_then(Value::as_bool).unwrap_or_default();
        let id = if dry_run { "fake_message_id".to_owned() } else { format!("0:{:016}", self.count) };
        let name = format!("projects/{}/messages/{id}", self.project);
        if !dry_run {
            self.messages.push(StoredMessage { name: name.clone(), message: message.clone(), at: now });
        }
        Ok(json!({"name": name}))
    }

    fn known(&self, device: &str) -> Result<(), Refusal> {
        match self.devices.get(device) {
            Some(Device::Registered | Device::Apple | Device::AppleGone) => Ok(()),
            Some(Device::Unregistered) => Err(Refusal::Unregistered),
            Some(Device::Foreign) => Err(Refusal::SenderIdMismatch),
            None => Err(Refusal::InvalidToken),
        }
    }
}

fn bad_request(field: &str, description: &str) -> Refusal {
    Refusal::BadRequest(vec![Violation::new(field, description)])
}
