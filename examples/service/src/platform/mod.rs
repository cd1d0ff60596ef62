//! The platform's REST API: names, presence, and the state of conversations after a gap.
//!
//! One [`Platform`] for a process. It has a token of its own ([client credentials](https://www.rfc-editor.org/rfc/rfc6749#section-4.4)),
//! a rate of its own, and connects as the [`wire`](crate::wire) does: to checked addresses, without redirects, with bounds on
//! time and bodies.

mod failure;
mod lane;
mod settings;
mod token;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use reveille_delivery::pacer::Rate;
use serde_json::Value;

use crate::clock::{Clock, Uptime};
use crate::metrics::Metrics;
use crate::settings::{InvalidSettings, wrong};
use crate::wire::{AllowedOrigins, Wire, WireSettings};

pub use failure::PlatformFailure;
pub use lane::Haste;
pub use settings::{Place, PlatformSettings};

use lane::Lane;
use token::Tokens;

/// A client of the platform.
pub struct Platform {
    /// What it was made of.
    pub settings: PlatformSettings,
    wire: Arc<Wire>,
    tokens: Arc<Tokens>,
    lane: Lane,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl Platform {
    /// Makes a client; nothing is asked yet.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the setting.
    pub fn new(
        settings: &PlatformSettings,
        wire: &WireSettings,
        allowed: AllowedOrigins,
        certificates: &[rustls::pki_types::CertificateDer<'static>],
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, InvalidSettings> {
        settings.check()?;
        let answer = Duration::from_millis(settings.answer_ms);
        let wire = WireSettings {
            answer,
            body: answer,
            body_bytes: settings.body_bytes,
            connections: 4,
            origins: 4,
            ..wire.clone()
        };
        let wire = Wire::new(wire, allowed, certificates).map_err(|error| wrong("platform", error))?;
        let wire = Arc::new(wire);
        let secret = settings.client_secret.open("platform.client_secret")?;
        let client = (settings.client_id.as_str(), &secret);
        let tokens =
            Tokens::new(Arc::clone(&wire), &settings.login, client, settings.scope.as_deref(), clock.clone());
        let rate = Rate::new(settings.per_minute, Duration::from_secs(60), settings.burst);
        let rate = rate.map_err(|error| wrong("platform", error))?;
        let (tokens, lane) = (Arc::new(tokens), Lane::new(rate, clock.clone()));
        Ok(Self { settings: settings.clone(), wire, tokens, lane, clock, metrics })
    }

    /// What is at this path; `None` if nothing is (404). Waits for its turn until `until` at the latest, and for the answer as
    /// long as the settings say: whoever wants less drops the future.
    ///
    /// # Errors
    /// [`PlatformFailure`]
    pub async fn get(
        &self,
        path: &str,
        haste: Haste,
        until: Uptime,
    ) -> Result<Option<Value>, PlatformFailure> {
        self.ask(Method::GET, path, Bytes::new(), (haste, until)).await
    }

    /// Gives it a document.
    ///
    /// # Errors
    /// [`PlatformFailure`]
    pub async fn post(
        &self,
        path: &str,
        document: &Value,
        until: Uptime,
    ) -> Result<Option<Value>, PlatformFailure> {
        self.ask(Method::POST, path, document.to_string().into(), (Haste::Hurries, until)).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        turn: (Haste, Uptime),
    ) -> Result<Option<Value>, PlatformFailure> {
        let answer = self.with_token(method, path, body, turn).await;
        let word = match &answer {
            Ok(Some(_)) => "found",
            Ok(None) => "unknown",
            Err(failure) => failure.name(),
        };
        self.metrics.count("platform", word);
        answer
    }

    async fn with_token(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        turn: (Haste, Uptime),
    ) -> Result<Option<Value>, PlatformFailure> {
        let mut renewed = false;
        loop {
            let token = self.tokens.token().await?;
            self.lane.turn(turn.0, turn.1).await.map_err(|_| PlatformFailure::Late)?;
            let request = Request::builder()
                .method(method.clone())
                .uri(format!("{}{path}", self.settings.api))
                .header(header::AUTHORIZATION, token.header)
                .header(header::ACCEPT, "application/json")
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.clone())
                .map_err(|_| PlatformFailure::Refused { status: 0 })?;
            let response =
                self.wire.send(request).await.map_err(|failure| PlatformFailure::Wire(failure.why()))?;
            let status = response.status();
            match status {
                // A token may be taken back before its time. Another one that is refused, too, is not the token's fault.
                StatusCode::UNAUTHORIZED if !std::mem::replace(&mut renewed, true) => {
                    self.tokens.refused(token.number);
                }
                StatusCode::UNAUTHORIZED => {
                    self.tokens.refused(token.number);
                    return Err(PlatformFailure::Refused { status: 401 });
                }
                // Who has time comes again when the platform says so; who has not hears it at once.
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                    let said = response.headers().get(header::RETRY_AFTER);
                    self.lane.slow_down(said.map(|value| value.as_bytes()));
                    self.metrics.count("platform", "slow_down");
                }
                StatusCode::NOT_FOUND => return Ok(None),
                StatusCode::NO_CONTENT => return Ok(Some(Value::Null)),
                status if status.is_success() => {
                    let value = serde_json::from_slice(response.body());
                    return value.map(Some).map_err(|_| PlatformFailure::Malformed);
                }
                status => return Err(PlatformFailure::Refused { status: status.as_u16() }),
            }
        }
    }

    /// A time from now, as the methods above want it.
    pub fn within(&self, span: Duration) -> Uptime {
        self.clock.uptime().after(span)
    }
}

/// A path with what stands for `{name}`.
pub fn path(template: &str, values: &[(&str, &str)]) -> String {
    let mut path = String::with_capacity(template.len() + 64);
    let mut rest = template;
    // One pass: what is put in is not looked at again.
    while let Some((before, after)) = rest.split_once('{') {
        path.push_str(before);
        let found = after.split_once('}').and_then(|(name, rest)| {
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| (value, rest))
        });
        match found {
            Some((value, behind)) => {
                path.push_str(&encoded(value));
                rest = behind;
            }
            None => {
                path.push_str("%7B");
                rest = after;
            }
        }
    }
    path.push_str(rest);
    path
}

/// RFC 3986 §2.1: all but what is unreserved; so no id leaves its place in a path.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    // A path of dots alone would be another path.
    if !out.is_empty() && out.bytes().all(|byte| byte == b'.') { out.replace('.', "%2E") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_in_their_place() {
        let path = |id| path("/users/{id}/name", &[("id", id)]);
        assert_eq!(path("kate"), "/users/kate/name");
        assert_eq!(path("../../admin?x=1#y"), "/users/..%2F..%2Fadmin%3Fx%3D1%23y/name");
        assert_eq!(path(".."), "/users/%2E%2E/name");
        assert_eq!(path("{id}ü"), "/users/%7Bid%7D%C3%BC/name");
        assert_eq!(super::path("/a/{b}", &[]), "/a/%7Bb}");
    }
}
