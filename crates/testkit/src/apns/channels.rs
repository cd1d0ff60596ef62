//! The channels of all apps.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::Refusal;
use super::headers::one;

/// "10,000 channels per app" (Apple).
const MAX_CHANNELS: usize = 10_000;

/// Channels by app and id, with their storage policy.
#[derive(Debug, Default)]
pub(super) struct Channels {
    policies: BTreeMap<(String, String), u8>,
    created: u64,
}

#[derive(Deserialize)]
struct Create {
    #[serde(rename = "message-storage-policy")]
    policy: u8,
    #[serde(rename = "push-type")]
    push_type: String,
}

impl Channels {
    pub(super) fn policy(&self, app: &str, channel: &str) -> Option<u8> {
        self.policies.get(&(app.to_owned(), channel.to_owned())).copied()
    }

    /// `/1/apps/<app>/channels`
    pub(super) fn handle(&mut self, request: &Request<Bytes>, app: &str) -> Result<Response<Bytes>, Refusal> {
        match *request.method() {
            Method::POST => self.create(request.body(), app),
            Method::GET => self.read(request.headers(), app),
            Method::DELETE => self.delete(request.headers(), app),
            _ => Err(Refusal::new(405, "MethodNotAllowed")),
        }
    }

    /// `/1/apps/<app>/all-channels`
    pub(super) fn list(&self, request: &Request<Bytes>, app: &str) -> Result<Response<Bytes>, Refusal> {
        if request.method() != Method::GET {
            return Err(Refusal::new(405, "MethodNotAllowed"));
        }
        let ids: Vec<&str> =
            self.policies.keys().filter(|(owner, _)| owner == app).map(|(_, id)| id.as_str()).collect();
        Ok(answer(StatusCode::OK, json!({"channels": ids}).to_string()))
    }

    fn create(&mut self, body: &Bytes, app: &str) -> Result<Response<Bytes>, Refusal> {
        let bad = |reason| Refusal::new(400, reason);
        if body.is_empty() {
            return Err(bad("PayloadEmpty"));
        }
        let wanted: Create = serde_json::from_slice(body).map_err(|_| bad("BadRequestPayload"))?;
        if wanted.push_type != "LiveActivity" {
            return Err(bad("InvalidPushType"));
        }
        if wanted.policy > 1 {
            return Err(bad("BadRequestPayload"));
        }
        if self.policies.keys().filter(|(owner, _)| owner == app).count() >= MAX_CHANNELS {
            return Err(bad("CannotCreateChannelConfig"));
        }
        self.created += 1;
        let id = format!("{:022}==", self.created);
        self.policies.insert((app.to_owned(), id.clone()), wanted.policy);
        let mut response = answer(StatusCode::CREATED, String::new());
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("apns-channel-id", id);
        }
        Ok(response)
    }

    fn read(&self, headers: &HeaderMap, app: &str) -> Result<Response<Bytes>, Refusal> {
        let (_, policy) = self.find(headers, app)?;
        let settings = json!({"message-storage-policy": policy, "push-type": "LiveActivity"});
        Ok(answer(StatusCode::OK, settings.to_string()))
    }

    fn delete(&mut self, headers: &HeaderMap, app: &str) -> Result<Response<Bytes>, Refusal> {
        let (id, _) = self.find(headers, app)?;
        self.policies.remove(&(app.to_owned(), id));
        Ok(answer(StatusCode::NO_CONTENT, String::new()))
    }

    fn find(&self, headers: &HeaderMap, app: &str) -> Result<(String, u8), Refusal> {
        let id =
            one(headers, "apns-channel-id", "BadChannelId")?.ok_or(Refusal::new(400, "MissingChannelId"))?;
        let policy = self.policy(app, id).ok_or(Refusal::new(400, "ChannelNotRegistered"))?;
        Ok((id.to_owned(), policy))
    }
}

fn answer(status: StatusCode, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response
}
