//! Keeping an access token fresh: one fetch at a time, early, with back-off.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use reveille_core::{Jitter, UnixTime, Wakeup};

use super::grant::{GrantKind, metadata_request};
use super::{Assertion, Grant, IssuedToken, TokenFailure, TokenFailureKind, read_token_answer};
use crate::AccessToken;

/// When tokens are renewed and how failures are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshPolicy {
    /// How long before its end a token is renewed. 225 s by default, as in Google's own library: the metadata server
    /// gives out the old token until about five minutes before its end, so asking much earlier is useless.
    pub early: Duration,
    /// Renewals of many processes are spread over this; it makes the renewal later.
    pub spread: Duration,
    /// A fetch of which nothing is heard for this long has failed.
    pub fetch_timeout: Duration,
    /// The first back-off; it doubles.
    pub backoff: Duration,
    /// The longest back-off while the server fails.
    pub max_backoff: Duration,
    /// The longest back-off while only a person can help.
    pub max_backoff_operator: Duration,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self {
            early: Duration::from_secs(225),
            spread: Duration::from_secs(60),
            fetch_timeout: Duration::from_secs(30),
            backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(64),
            max_backoff_operator: Duration::from_secs(300),
        }
    }
}

/// Names one fetch. An answer to an older one is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FetchId(u64);

/// What the driver has to do or may want to know. `Debug` prints no body: an assertion is as good as a password.
#[non_exhaustive]
pub enum TokenOutput {
    /// Send this request, then call `handle_response` or `handle_failure`. The body is as good as a password.
    Fetch {
        /// To be given back.
        fetch: FetchId,
        /// The request.
        request: Request<Bytes>,
    },
    /// Sign this with RS256, then call `handle_signature` or `handle_failure`.
    Sign {
        /// To be given back.
        fetch: FetchId,
        /// What is signed.
        signing_input: Bytes,
    },
    /// There is a new token.
    Ready {
        /// Its generation.
        generation: u64,
        /// Its end.
        expires_at: UnixTime,
    },
    /// A fetch failed; another follows by itself, except for a given token. Tell the operator if the failure's kind
    /// says so.
    Failed(TokenFailure),
}

impl fmt::Debug for TokenOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch { fetch, request } => {
                write!(f, "Fetch({fetch:?}, {} {:?})", request.method(), request.uri().host())
            }
            Self::Sign { fetch, signing_input } => {
                write!(f, "Sign({fetch:?}, {} bytes)", signing_input.len())
            }
            Self::Ready { generation, expires_at } => write!(f, "Ready({generation}, until {expires_at})"),
            Self::Failed(failure) => f.debug_tuple("Failed").field(failure).finish(),
        }
    }
}

/// A source of access tokens.
///
/// ```
/// # use reveille_fcm::{Grant, TokenOutput, TokenSource};
/// # use reveille_core::{Jitter, UnixTime};
/// # use http::{Request, Response};
/// # use bytes::Bytes;
/// # struct Driver { now: UnixTime }
/// # impl Driver {
/// #     fn now(&mut self) -> UnixTime { self.now }
/// #     fn sign(&self, _: &[u8]) -> Vec<u8> { vec![1; 256] }
/// #     fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, ()> {
/// #         Ok(Response::new(Bytes::from_static(br#"{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}"#)))
/// #     }
/// # }
/// # let mut driver = Driver { now: UnixTime::from_secs(1_000) };
/// let mut source = TokenSource::new(Grant::metadata_server(), Jitter::new(7));
///
/// let token = loop {
///     source.handle_timeout(driver.now());                       // 1. tell the time
///     while let Some(output) = source.poll_output() {            // 2. do what it says
///         match output {
///             TokenOutput::Fetch { fetch, request } => match driver.send(request) {
///                 Ok(response) => source.handle_response(fetch, &response, driver.now()),
///                 Err(()) => source.handle_failure(fetch, driver.now()),
///             },
///             TokenOutput::Sign { fetch, signing_input } => {
///                 source.handle_signature(fetch, &driver.sign(&signing_input), driver.now());
///             }
///             TokenOutput::Ready { generation, .. } => println!("token {generation}"),
///             TokenOutput::Failed(failure) => eprintln!("{failure}"),
///             _ => {}
///         }
///     }
///     if let Some(token) = source.token(driver.now()) {          // 3. use the token
///         break token.clone();
///     }
///     // 4. sleep until source.next_wakeup()
/// };
/// assert_eq!(token.generation(), 1);
/// assert_eq!(token.header(), "Bearer ya29.x");
/// assert_eq!(source.next_wakeup().unwrap().reason, "renew the access token");
/// ```
pub struct TokenSource {
    grant: Grant,
    policy: RefreshPolicy,
    jitter: Jitter,
    token: Option<AccessToken>,
    /// When the present token is to be renewed.
    renew_at: UnixTime,
    /// No fetch starts before this.
    not_before: UnixTime,
    flight: Option<Flight>,
    /// The token of a [`Grant::given`] was taken.
    given_taken: bool,
    generation: u64,
    fetches: u64,
    /// Failures and refusals in a row.
    failures: u32,
    refusals: u32,
    /// The latest time seen, to notice a clock that steps back.
    seen: UnixTime,
    work: Option<TokenOutput>,
    ready: Option<TokenOutput>,
    failed: Option<TokenFailure>,
}

struct Flight {
    fetch: FetchId,
    started: UnixTime,
    deadline: UnixTime,
    /// Set while the signature is awaited.
    unsigned: Option<Assertion>,
}

/// Steps back that are noise between threads, not a clock being set.
const CLOCK_NOISE: Duration = Duration::from_secs(5);
/// A token is not handed out during its last seconds: the request has a way to go.
const ON_THE_WAY: Duration = Duration::from_secs(10);
/// After a success at least this long before the next fetch, for servers that give tokens with little life left.
const PAUSE: Duration = Duration::from_secs(10);

/// The most that a `Retry-After` can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

impl TokenSource {
    /// A source without a token yet, under the default policy.
    #[must_use]
    pub fn new(grant: Grant, jitter: Jitter) -> Self {
        Self::with_policy(grant, RefreshPolicy::default(), jitter)
    }

    /// A source under another policy.
    #[must_use]
    pub fn with_policy(grant: Grant, policy: RefreshPolicy, jitter: Jitter) -> Self {
        Self {
            grant,
            policy,
            jitter,
            token: None,
            renew_at: UnixTime::EPOCH,
            not_before: UnixTime::EPOCH,
            flight: None,
            given_taken: false,
            generation: 0,
            fetches: 0,
            failures: 0,
            refusals: 0,
            seen: UnixTime::EPOCH,
            work: None,
            ready: None,
            failed: None,
        }
    }

    /// The token, if there is one that has not ended at `now`.
    pub fn token(&mut self, now: UnixTime) -> Option<&AccessToken> {
        let now = self.observe(now);
        self.token.as_ref().filter(|token| now < token.expires_at())
    }

    /// The next thing to do or to know; `None` when there is nothing until the next input or wake-up.
    pub fn poll_output(&mut self) -> Option<TokenOutput> {
        self.failed.take().map(TokenOutput::Failed).or_else(|| self.ready.take()).or_else(|| self.work.take())
    }

    /// When `handle_timeout` is wanted next.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Wakeup> {
        if let Some(flight) = &self.flight {
            return Some(Wakeup { at: flight.deadline, reason: "a fetch of an access token times out" });
        }
        let reason = match (&self.token, self.failures) {
            (_, 1..) => "retry the fetch of an access token",
            (None, 0) => "fetch an access token",
            (Some(_), 0) => "renew the access token",
        };
        match self.due() {
            UnixTime::MAX => None,
            at => Some(Wakeup { at, reason }),
        }
    }

    /// Time has passed. Starts a fetch if one is due, gives one up that is overdue. Calling it too early, or too
    /// often, does nothing.
    pub fn handle_timeout(&mut self, now: UnixTime) {
        let now = self.observe(now);
        if self.flight.as_ref().is_some_and(|flight| flight.deadline <= now) {
            self.fail(TokenFailure::new(TokenFailureKind::Timeout), now);
        }
        if self.flight.is_none() && self.due() <= now {
            self.start(now);
        }
    }

    /// The answer to a fetch.
    pub fn handle_response<B: AsRef<[u8]>>(&mut self, fetch: FetchId, response: &Response<B>, now: UnixTime) {
        let now = self.observe(now);
        let Some(flight) = self.flight.take_if(|flight| flight.fetch == fetch && flight.unsigned.is_none())
        else {
            return;
        };
        let answer = read_token_answer(response.status(), response.headers(), response.body().as_ref(), now);
        match answer {
            Ok(issued) => self.accept(&issued, flight.started, now),
            Err(failure) => self.fail(failure, now),
        }
    }

    /// The signature that `Sign` asked for.
    pub fn handle_signature(&mut self, fetch: FetchId, signature: &[u8], now: UnixTime) {
        self.observe(now);
        if let Some(flight) = self.flight.as_mut().filter(|flight| flight.fetch == fetch)
            && let Some(assertion) = flight.unsigned.take()
        {
            self.work = Some(TokenOutput::Fetch { fetch, request: assertion.into_request(signature) });
        }
    }

    /// The request did not get through, or the signer failed.
    pub fn handle_failure(&mut self, fetch: FetchId, now: UnixTime) {
        let now = self.observe(now);
        if let Some(flight) = self.flight.take_if(|flight| flight.fetch == fetch) {
            let signing = flight.unsigned.is_some();
            let kind = if signing { TokenFailureKind::Signing } else { TokenFailureKind::Transport };
            self.fail(TokenFailure::new(kind), now);
        }
    }

    /// FCM refused the token of this generation
    /// ([`Action::RefreshCredential`](reveille_core::Action::RefreshCredential)). The first such refusal of a
    /// generation drops the token, all others do nothing. If the next token is refused as well, the fetch after it
    /// waits, and longer each time.
    pub fn handle_refusal(&mut self, generation: u64, now: UnixTime) {
        let now = self.observe(now);
        if self.token.take_if(|token| token.generation() == generation).is_none() {
            return;
        }
        if matches!(self.grant.kind, GrantKind::Given { .. }) {
            self.not_before = UnixTime::MAX;
            self.failed = Some(TokenFailure::new(TokenFailureKind::GivenTokenSpent));
            return;
        }
        let pause = match self.refusals {
            0 => Duration::ZERO,
            refusals => self.backoff(refusals, self.policy.max_backoff_operator),
        };
        self.not_before = now + pause;
        self.refusals = self.refusals.saturating_add(1);
    }

    /// New credentials: fetched with at once. The present token stays in use until then.
    pub fn replace_grant(&mut self, grant: Grant, now: UnixTime) {
        let now = self.observe(now);
        self.grant = grant;
        self.given_taken = false;
        (self.flight, self.work) = (None, None);
        (self.failures, self.refusals) = (0, 0);
        (self.renew_at, self.not_before) = (now, now);
    }

    /// When the next fetch may start.
    fn due(&self) -> UnixTime {
        let wanted = if self.token.is_some() { self.renew_at } else { UnixTime::EPOCH };
        wanted.max(self.not_before)
    }

    fn start(&mut self, now: UnixTime) {
        self.fetches += 1;
        let fetch = FetchId(self.fetches);
        let mut unsigned = None;
        let work = match &self.grant.kind {
            GrantKind::Local { issuer, key } => {
                let assertion = Assertion::new(issuer, self.grant.scope, now);
                match key.sign(assertion.signing_input()) {
                    Ok(signature) => {
                        TokenOutput::Fetch { fetch, request: assertion.into_request(&signature) }
                    }
                    Err(_) => return self.fail(TokenFailure::new(TokenFailureKind::Signing), now),
                }
            }
            GrantKind::Remote { issuer } => {
                let assertion = Assertion::new(issuer, self.grant.scope, now);
                let signing_input = Bytes::copy_from_slice(assertion.signing_input());
                unsigned = Some(assertion);
                TokenOutput::Sign { fetch, signing_input }
            }
            GrantKind::Metadata { uri } => {
                TokenOutput::Fetch { fetch, request: metadata_request(uri, self.grant.scope) }
            }
            GrantKind::Given { token } => {
                let token = token.clone();
                return self.take_given(token, now);
            }
        };
        self.work = Some(work);
        self.flight =
            Some(Flight { fetch, started: now, deadline: now + self.policy.fetch_timeout, unsigned });
    }

    /// A given token is taken once. When it has ended there is nothing more to do.
    fn take_given(&mut self, token: AccessToken, now: UnixTime) {
        let end = token.expires_at();
        if self.given_taken || end <= now {
            self.not_before = UnixTime::MAX;
            self.failed = Some(TokenFailure::new(TokenFailureKind::GivenTokenSpent));
            return;
        }
        self.given_taken = true;
        self.put(token, end, now);
    }

    fn accept(&mut self, issued: &IssuedToken, started: UnixTime, now: UnixTime) {
        // The token's life began at the server, some time after the request was made: count from there.
        let margin = ON_THE_WAY.min(issued.lifetime / 10);
        let end = started.min(now) + issued.lifetime.saturating_sub(margin);
        match AccessToken::issued(issued.token.expose(), end, 0) {
            Ok(token) if now < end => {
                let early = self.policy.early.min(issued.lifetime / 2);
                let later = self.jitter.up_to(self.policy.spread.min(early / 2));
                self.put(token, end - early.saturating_sub(margin) + later, now);
                self.not_before = now + PAUSE;
            }
            _ => self.fail(TokenFailure::new(TokenFailureKind::Malformed), now),
        }
    }

    fn put(&mut self, token: AccessToken, renew_at: UnixTime, now: UnixTime) {
        // A token that lived until its renewal was not refused: the credential works.
        if self.token.is_some() && self.renew_at <= now {
            self.refusals = 0;
        }
        self.generation += 1;
        self.failures = 0;
        self.renew_at = renew_at;
        self.ready = Some(TokenOutput::Ready { generation: self.generation, expires_at: token.expires_at() });
        self.token = Some(token.of_generation(self.generation));
    }

    fn fail(&mut self, failure: TokenFailure, now: UnixTime) {
        (self.flight, self.work) = (None, None);
        self.failures = self.failures.saturating_add(1);
        let operator = failure.kind.needs_operator();
        let longest = if operator { self.policy.max_backoff_operator } else { self.policy.max_backoff };
        let wait = now + self.backoff(self.failures, longest);
        // A server that asks for a year is broken; it must not stop the source for good.
        self.not_before = failure.retry_after.map_or(wait, |at| at.min(now + LONGEST_WAIT).max(wait));
        self.failed = Some(failure);
    }

    /// Exponential, half of it jitter: never at once, never all together.
    fn backoff(&mut self, times: u32, longest: Duration) -> Duration {
        let span = self.policy.backoff.saturating_mul(2_u32.saturating_pow(times.min(30))).min(longest);
        span / 2 + self.jitter.up_to(span / 2)
    }

    /// Takes notice of the time. A clock that was set back takes all deadlines with it, so that what was to happen in
    /// a minute still happens in a minute.
    fn observe(&mut self, now: UnixTime) -> UnixTime {
        let back = self.seen.since(now);
        if back <= CLOCK_NOISE {
            self.seen = self.seen.max(now);
            return self.seen;
        }
        self.seen = now;
        let shift = |at: UnixTime| if at == UnixTime::MAX { at } else { at - back };
        self.not_before = shift(self.not_before);
        if let Some(flight) = &mut self.flight {
            (flight.started, flight.deadline) = (shift(flight.started), shift(flight.deadline));
        }
        // The end of a given token is the giver's statement about the wall clock; it stays.
        if !matches!(self.grant.kind, GrantKind::Given { .. }) {
            self.renew_at = shift(self.renew_at);
            self.token = self.token.take().map(|token| {
                let end = shift(token.expires_at());
                token.expiring(end)
            });
        }
        now
    }
}

/// Times and numbers; neither the token nor the credential.
impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource")
            .field("grant", &self.grant)
            .field("token", &self.token)
            .field("renew_at", &self.renew_at)
            .field("in_flight", &self.flight.is_some())
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}
