//! Keeping an access token fresh: one fetch at a time, early, with back-off.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderValue, Response, StatusCode};
use reveille_core::{Jitter, UnixTime, Wakeup};
use reveille_crypto::jws::SigningRequest;

use super::grant::GrantKind;
use super::output::Work;
use super::state::{State, Todo};
use super::{
    FetchId, Grant, Refusal, SignatureRefused, Token, TokenError, TokenFailure, TokenFailureKind,
    TokenOutput, TokenSettings, WorkId, read_token_answer,
};

/// A source of access tokens, for all threads of a process: make one for each service account, ask it for a token,
/// and do what its outputs say.
///
/// Every method takes `&self`. A lock inside is held for a look-up or an installation, never while something is signed,
/// verified or fetched: who finds a token gets it, whatever the signer does. There is never more than one fetch, and any
/// clock is survived: one that is set back takes the token's end with it, one that jumps ahead and comes back finds the
/// token still there.
///
/// ```
/// # use reveille_fcm::credential::TokenError;
/// # use reveille_fcm::{Grant, TokenOutput, TokenSettings, TokenSource};
/// # use reveille_core::{Jitter, UnixTime};
/// # use http::{Request, Response};
/// # use bytes::Bytes;
/// # struct Driver { now: UnixTime }
/// # impl Driver {
/// #     fn now(&self) -> UnixTime { self.now }
/// #     fn sign(&self, _: &[u8]) -> Vec<u8> { vec![1; 256] }
/// #     fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, ()> {
/// #         Ok(Response::new(Bytes::from_static(br#"{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}"#)))
/// #     }
/// # }
/// # let driver = Driver { now: UnixTime::from_secs(1_000) };
/// let source = TokenSource::new(Grant::metadata_server(), TokenSettings::default(), Jitter::new(7));
///
/// let token = loop {
///     match source.token(driver.now()) {                         // 1. ask for the token
///         Ok(token) => break token,
///         Err(TokenError::Pending) => {}
///         Err(error) => return Err(error),                       //    or sleep until source.next_wakeup()
///     }
///     while let Some(output) = source.poll_output() {            // 2. do what the source says
///         match output {
///             TokenOutput::Fetch { fetch, request } => match driver.send(request) {
///                 Ok(response) => source.handle_response(fetch, &response, driver.now()),
///                 Err(()) => source.handle_failure(fetch, driver.now()),
///             },
///             TokenOutput::Sign(request) => {
///                 let signature = driver.sign(request.signing_input());
///                 let _refused = source.handle_signature(&request, &signature, driver.now());
///             }
///             TokenOutput::Failed(failure) => eprintln!("{failure}"),
///             _ => {}
///         }
///     }
/// };
/// assert_eq!(token.authorization(), "Bearer ya29.x");
/// // 3. a task that calls handle_timeout at each wake-up renews the token before it ends
/// assert_eq!(source.next_wakeup().unwrap().reason, "renew the access token");
/// # Ok::<(), TokenError>(())
/// ```
pub struct TokenSource {
    state: Mutex<State>,
}

impl TokenSource {
    /// A source without a token yet. The jitter spreads renewals and back-offs of many processes: seed it differently in
    /// each.
    #[must_use]
    pub const fn new(grant: Grant, settings: TokenSettings, jitter: Jitter) -> Self {
        Self { state: Mutex::new(State::new(grant, settings, jitter)) }
    }

    /// The lock. No critical section can panic; should one do it nevertheless, the state is whole between two statements,
    /// and the others go on.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token, if there is one that has not ended at `now`; else a fetch starts, unless one is under way or has to wait.
    ///
    /// # Errors
    /// [`TokenError::Pending`]: drain [`poll_output`](Self::poll_output), then ask again. [`TokenError::Failed`]: there is
    /// none until the next attempt, at [`next_wakeup`](Self::next_wakeup).
    pub fn token(&self, now: UnixTime) -> Result<Token, TokenError> {
        self.state().token(now)
    }

    /// The next thing to do or to know; `None` when there is nothing until the next input or wake-up. Where the key is in
    /// this process, it signs here, without the lock.
    #[must_use]
    pub fn poll_output(&self) -> Option<TokenOutput> {
        loop {
            let todo = self.state().next()?;
            let (fetch, assertion, key) = match todo {
                Todo::Output(output) => return Some(output),
                Todo::SignHere { fetch, assertion, key } => (fetch, assertion, key),
            };
            let signed = key.sign(assertion.signing_input());
            let mut state = self.state();
            if !state.is_flying(fetch) {
                continue;
            }
            match signed {
                Ok(signature) => {
                    return Some(TokenOutput::Fetch { fetch, request: assertion.into_request(&signature) });
                }
                Err(_) => state.fail(TokenFailure::new(TokenFailureKind::Signing)),
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted next.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Wakeup> {
        self.state().next_wakeup()
    }

    /// Time has passed. Starts a fetch if one is due, gives one up that is overdue. Calling it too early, or too
    /// often, does nothing.
    pub fn handle_timeout(&self, now: UnixTime) {
        self.state().advance(now);
    }

    /// The answer to a fetch.
    pub fn handle_response<B: AsRef<[u8]>>(&self, fetch: FetchId, response: &Response<B>, now: UnixTime) {
        self.handle_answer(fetch, response.status(), response.headers(), response.body().as_ref(), now);
    }

    /// The answer to a fetch, in its parts.
    pub fn handle_answer(
        &self,
        fetch: FetchId,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now: UnixTime,
    ) {
        let answer = read_token_answer(status, headers, body, now);
        self.state().answered(fetch, answer, now);
    }

    /// The signature that [`TokenOutput::Sign`] asked for. It is verified before it is used.
    ///
    /// # Errors
    /// [`SignatureRefused`]: not awaited, or not the account's.
    pub fn handle_signature(
        &self,
        request: &SigningRequest,
        signature: &[u8],
        now: UnixTime,
    ) -> Result<(), SignatureRefused> {
        let (assertion, key, rs256) = {
            let mut state = self.state();
            state.observe(now);
            let assertion = state.unsigned(request.id()).cloned().ok_or(SignatureRefused::NotAwaited)?;
            let GrantKind::Remote { key, rs256, .. } = &state.grant.kind else {
                return Err(SignatureRefused::NotAwaited);
            };
            (assertion, key.clone(), *rs256)
        };
        let verified = rs256.verify(&key, assertion.signing_input(), signature).is_ok();
        let mut state = self.state();
        if state.unsigned(request.id()).is_none() {
            return Err(SignatureRefused::NotAwaited);
        }
        if !verified {
            state.fail(TokenFailure::new(TokenFailureKind::Signing));
            return Err(SignatureRefused::Invalid);
        }
        state.signed(assertion.into_request(signature));
        Ok(())
    }

    /// The request did not get through, or the signer failed: give the [`FetchId`] or the [`SigningRequest`].
    pub fn handle_failure(&self, work: impl Into<WorkId>, now: UnixTime) {
        let WorkId(work) = work.into();
        let mut state = self.state();
        state.observe(now);
        let kind = match work {
            Work::Fetch(fetch) if state.is_fetching(fetch) => TokenFailureKind::Transport,
            Work::Sign(id) if state.unsigned(id).is_some() => TokenFailureKind::Signing,
            _ => return,
        };
        state.fail(TokenFailure::new(kind));
    }

    /// FCM refused the request that carried this `authorization` header
    /// ([`Action::RefreshCredential`](reveille_core::Action::RefreshCredential)).
    ///
    /// Only the refusal of the present token does anything: a hundred refusals of one token are one fetch, and a late one
    /// never throws a newer token away. If the next token is refused as well, the fetch after it waits, longer each time.
    pub fn handle_refusal(&self, refused: &HeaderValue, now: UnixTime) -> Refusal {
        self.state().refused(refused, now)
    }

    /// New credentials: fetched with at once. The present token stays in use until then.
    pub fn replace_grant(&self, grant: Grant, now: UnixTime) {
        self.state().replace_grant(grant, now);
    }
}

/// Times and numbers; neither the token nor the credential.
impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state().fmt(f)
    }
}
