//! The access token: client credentials (RFC 6749 §4.4), kept, and renewed before it ends.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use reveille_core::Secret;
use serde::Deserialize;

use super::failure::PlatformFailure;
use crate::clock::{Clock, Uptime};
use crate::wire::Wire;

/// A token whose end nobody says (RFC 6749 §5.1 recommends to say it) is renewed after half of this.
const UNSAID: u64 = 600;
/// A token is not kept for longer, whatever is said.
const LONGEST: u64 = 86_400;
/// No access token is longer, in bytes.
const LONGEST_TOKEN: usize = 8 * 1024;
/// After a failure nobody asks again before this, …
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// … twice as long after each further one, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Gets tokens from one login.
pub(super) struct Tokens {
    wire: Arc<Wire>,
    login: String,
    authorization: HeaderValue,
    form: String,
    clock: Clock,
    state: Mutex<State>,
    /// One asks, the others wait.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    number: u64,
    renewing: bool,
    failures: u32,
    not_before: Uptime,
    said: Option<PlatformFailure>,
}

/// A token, by a number, so that it can be said which one was refused.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) header: HeaderValue,
    pub(super) number: u64,
    renew: Uptime,
    ends: Uptime,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<u64>,
}

impl Tokens {
    pub(super) fn new(
        wire: Arc<Wire>,
        login: &str,
        (id, secret): (&str, &Secret<String>),
        scope: Option<&str>,
        clock: Clock,
    ) -> Self {
        let mut form = "grant_type=client_credentials".to_owned();
        if let Some(scope) = scope {
            form.push_str(&format!("&scope={}", super::encoded(scope)));
        }
        // RFC 6749 §2.3.1: both are encoded as in a form before they are joined.
        let pair = format!("{}:{}", super::encoded(id), super::encoded(secret.expose()));
        let mut authorization = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
            .unwrap_or_else(|_| HeaderValue::from_static("Basic"));
        authorization.set_sensitive(true);
        let (state, asking) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { wire, login: login.to_owned(), authorization, form, clock, state, asking }
    }

    /// The token. One that is good still but ends soon is renewed meanwhile, and nobody waits for that.
    pub(super) async fn token(self: &Arc<Self>) -> Result<Token, PlatformFailure> {
        if let Some(token) = self.kept() {
            return Ok(token);
        }
        self.ask().await
    }

    fn kept(self: &Arc<Self>) -> Option<Token> {
        let now = self.clock.uptime();
        let mut state = self.state();
        let token = state.token.clone().filter(|token| token.ends > now)?;
        if token.renew <= now && state.not_before <= now && !std::mem::replace(&mut state.renewing, true) {
            let tokens = Arc::clone(self);
            tokio::spawn(async move {
                // What goes wrong is said when the token has ended.
                let asking = tokens.asking.lock().await;
                let _ = tokens.fetch().await;
                drop(asking);
                tokens.state().renewing = false;
            });
        }
        Some(token)
    }

    /// The platform does not take this token: it is not used any more.
    pub(super) fn refused(&self, number: u64) {
        let mut state = self.state();
        if state.token.as_ref().is_some_and(|token| token.number == number) {
            state.token = None;
        }
    }

    async fn ask(self: &Arc<Self>) -> Result<Token, PlatformFailure> {
        let _asking = self.asking.lock().await;
        // Somebody else may have got one meanwhile, or heard that there is none.
        if let Some(token) = self.kept() {
            return Ok(token);
        }
        let now = self.clock.uptime();
        let (said, not_before) = {
            let state = self.state();
            (state.said, state.not_before)
        };
        if let Some(said) = said.filter(|_| not_before > now) {
            return Err(said);
        }
        self.fetch().await
    }

    async fn fetch(&self) -> Result<Token, PlatformFailure> {
        let fetched = self.once().await;
        let now = self.clock.uptime();
        let mut state = self.state();
        match fetched {
            Ok((header, secs)) => {
                state.number += 1;
                let life = Duration::from_secs(secs);
                // Late enough not to ask all the time, and early enough for a few failures.
                let early = (life / 5).min(Duration::from_secs(300));
                let token = Token {
                    header,
                    number: state.number,
                    renew: now.after(life.saturating_sub(early)),
                    ends: now.after(life),
                };
                state.token = Some(token.clone());
                (state.failures, state.said) = (0, None);
                Ok(token)
            }
            Err(failure) => {
                let pause = FIRST_PAUSE.saturating_mul(1 << state.failures.min(16)).min(LONGEST_PAUSE);
                state.failures = state.failures.saturating_add(1);
                state.not_before = now.after(pause);
                state.said = Some(failure);
                Err(failure)
            }
        }
    }

    async fn once(&self) -> Result<(HeaderValue, u64), PlatformFailure> {
        let request = Request::post(&self.login)
            .header(header::AUTHORIZATION, self.authorization.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(Bytes::from(self.form.clone()))
            .map_err(|_| PlatformFailure::Login { status: 0 })?;
        let response =
            self.wire.send(request).await.map_err(|failure| PlatformFailure::Wire(failure.why()))?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(PlatformFailure::Login { status });
        }
        let answer: Answer =
            serde_json::from_slice(response.body()).map_err(|_| PlatformFailure::Malformed)?;
        let is_bearer = answer.token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
        if !is_bearer || answer.access_token.is_empty() || answer.access_token.len() > LONGEST_TOKEN {
            return Err(PlatformFailure::Malformed);
        }
        let token = Secret::new(answer.access_token);
        let header = HeaderValue::try_from(format!("Bearer {}", token.expose()));
        let mut header = header.map_err(|_| PlatformFailure::Malformed)?;
        header.set_sensitive(true);
        Ok((header, answer.expires_in.unwrap_or(UNSAID).clamp(1, LONGEST)))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
