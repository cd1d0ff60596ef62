//! What is behind the lock of a source: no signing, no verifying, no I/O.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use reveille_core::{Jitter, UnixTime, Wakeup};
use reveille_crypto::Rs256SigningKey;
use reveille_crypto::jws::{SigningId, SigningRequest};

use super::clock::{Clock, Point, Reading};
use super::grant::{GrantKind, metadata_request};
use super::{
    Assertion, FetchId, Grant, IssuedToken, Refusal, Token, TokenError, TokenFailure, TokenFailureKind,
    TokenOutput, TokenSettings,
};

/// A token is not handed out during its last seconds: the request has a way to go.
const ON_THE_WAY: Duration = Duration::from_secs(10);
/// After a success at least this long before the next fetch, for servers that give tokens with little life left.
const PAUSE: Duration = Duration::from_secs(10);
/// The most that a `Retry-After` can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

pub(super) struct State {
    pub(super) grant: Grant,
    settings: TokenSettings,
    jitter: Jitter,
    clock: Clock,
    token: Option<Held>,
    /// When the present token is to be renewed.
    renew: Point,
    /// No fetch starts before this.
    pause: Point,
    /// Nor before this, on a clock that leapt and is known for coming back.
    doubt: Point,
    flight: Option<Flight>,
    /// The token of a [`Grant::given`] was taken.
    given_taken: bool,
    fetches: u64,
    /// Failures and refusals in a row.
    failures: u32,
    refusals: u32,
    /// The token that was refused last.
    last_refused: Option<HeaderValue>,
    last_failure: Option<TokenFailure>,
    work: Option<Todo>,
    ready: Option<UnixTime>,
    failed: Option<TokenFailure>,
}

struct Held {
    token: Token,
    end: Point,
}

struct Flight {
    fetch: FetchId,
    started: UnixTime,
    deadline: Point,
    /// The clock leapt during it, and the deadline was moved, once.
    extended: bool,
    /// Set while a signature is awaited.
    unsigned: Option<(SigningId, Assertion)>,
}

/// What is to be done, inside.
pub(super) enum Todo {
    Output(TokenOutput),
    SignHere { fetch: FetchId, assertion: Assertion, key: Arc<dyn Rs256SigningKey> },
}

impl State {
    pub(super) const fn new(grant: Grant, settings: TokenSettings, jitter: Jitter) -> Self {
        Self {
            grant,
            settings,
            jitter,
            clock: Clock::new(),
            token: None,
            renew: Point::PAST,
            pause: Point::PAST,
            doubt: Point::PAST,
            flight: None,
            given_taken: false,
            fetches: 0,
            failures: 0,
            refusals: 0,
            last_refused: None,
            last_failure: None,
            work: None,
            ready: None,
            failed: None,
        }
    }

    pub(super) fn token(&mut self, now: UnixTime) -> Result<Token, TokenError> {
        let now = self.observe(now);
        if let Some(token) = self.valid(now) {
            return Ok(token);
        }
        self.advance(now);
        // A given token is there at once.
        if let Some(token) = self.valid(now) {
            return Ok(token);
        }
        match (&self.flight, &self.last_failure) {
            (None, Some(failure)) => Err(TokenError::Failed(failure.clone())),
            _ => Err(TokenError::Pending),
        }
    }

    fn valid(&self, now: UnixTime) -> Option<Token> {
        self.token.as_ref().filter(|held| now < held.end.at).map(|held| held.token.clone())
    }

    pub(super) fn next(&mut self) -> Option<Todo> {
        let known = self.failed.take().map(TokenOutput::Failed);
        let known = known.or_else(|| self.ready.take().map(|expires_at| TokenOutput::Ready { expires_at }));
        known.map(Todo::Output).or_else(|| self.work.take())
    }

    pub(super) fn next_wakeup(&self) -> Option<Wakeup> {
        if let Some(flight) = &self.flight {
            return Some(Wakeup { at: flight.deadline.at, reason: "a fetch of an access token times out" });
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

    pub(super) fn advance(&mut self, now: UnixTime) {
        let now = self.observe(now);
        if self.flight.as_ref().is_some_and(|flight| flight.deadline.at <= now) {
            self.fail(TokenFailure::new(TokenFailureKind::Timeout));
        }
        if self.flight.is_none() && self.due() <= now {
            self.start(now);
        }
    }

    /// When the next fetch may start.
    fn due(&self) -> UnixTime {
        let wanted = if self.token.is_some() { self.renew.at } else { UnixTime::EPOCH };
        wanted.max(self.pause.at).max(self.doubt.at)
    }

    fn start(&mut self, now: UnixTime) {
        self.fetches = self.fetches.saturating_add(1);
        let fetch = FetchId(self.fetches);
        let mut unsigned = None;
        let work = match &self.grant.kind {
            GrantKind::Local { issuer, key } => {
                let assertion = Assertion::new(issuer, self.grant.scope, now);
                Todo::SignHere { fetch, assertion, key: Arc::clone(key) }
            }
            GrantKind::Remote { issuer, .. } => {
                let assertion = Assertion::new(issuer, self.grant.scope, now);
                let id = SigningId::new(self.fetches);
                let request: SigningRequest = assertion.signing_request(id, issuer);
                unsigned = Some((id, assertion));
                Todo::Output(TokenOutput::Sign(request))
            }
            GrantKind::Metadata { uris } => {
                let request = metadata_request(uris, self.grant.scope);
                Todo::Output(TokenOutput::Fetch { fetch, request })
            }
            GrantKind::Given { token } => {
                let token = token.clone();
                return self.take_given(token, now);
            }
        };
        self.work = Some(work);
        let deadline = Point::new(now + self.settings.fetch_timeout(), now);
        self.flight = Some(Flight { fetch, started: now, deadline, extended: false, unsigned });
    }

    /// Whether this fetch, or the signing before it, is under way.
    pub(super) fn is_flying(&self, fetch: FetchId) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.fetch == fetch)
    }

    /// Whether an answer to this fetch is awaited.
    pub(super) fn is_fetching(&self, fetch: FetchId) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.fetch == fetch && flight.unsigned.is_none())
    }

    /// What waits for this signature.
    pub(super) fn unsigned(&self, id: SigningId) -> Option<&Assertion> {
        let (awaited, assertion) = self.flight.as_ref()?.unsigned.as_ref()?;
        (*awaited == id).then_some(assertion)
    }

    /// The assertion in flight is signed: this is the request.
    pub(super) fn signed(&mut self, request: Request<Bytes>) {
        if let Some(flight) = &mut self.flight {
            flight.unsigned = None;
            self.work = Some(Todo::Output(TokenOutput::Fetch { fetch: flight.fetch, request }));
        }
    }

    pub(super) fn answered(
        &mut self,
        fetch: FetchId,
        answer: Result<IssuedToken, TokenFailure>,
        now: UnixTime,
    ) {
        let now = self.observe(now);
        if !self.is_fetching(fetch) {
            return;
        }
        let Some(flight) = self.flight.take() else { return };
        match answer {
            Ok(issued) => self.accept(&issued, flight.started, now),
            Err(failure) => self.fail(failure),
        }
    }

    /// A given token is taken once. When it has ended there is nothing more to do.
    fn take_given(&mut self, token: Token, now: UnixTime) {
        let end = token.expires_at();
        if self.given_taken || end <= now {
            self.spent();
            return;
        }
        self.given_taken = true;
        // Its end is the giver's word about the wall clock: it stays wherever the clock goes.
        self.put(
            Held { token, end: Point::new(end, UnixTime::EPOCH) },
            Point::new(end, UnixTime::EPOCH),
            now,
        );
    }

    fn spent(&mut self) {
        self.pause = Point::NEVER;
        let failure = TokenFailure::new(TokenFailureKind::GivenTokenSpent);
        self.last_failure = Some(failure.clone());
        self.failed = Some(failure);
    }

    fn accept(&mut self, issued: &IssuedToken, started: UnixTime, now: UnixTime) {
        // The token's life began at the server, some time after the request was made: count from there.
        let margin = ON_THE_WAY.min(issued.lifetime / 10);
        let end = started.min(now) + issued.lifetime.saturating_sub(margin);
        match Token::new(issued.token.expose()) {
            Ok(token) if now < end => {
                let early = self.settings.early().min(issued.lifetime / 2);
                let later = self.jitter.up_to(self.settings.spread().min(early / 2));
                let renew = end - early.saturating_sub(margin) + later;
                let held = Held { token: token.with_expires_at(end), end: Point::new(end, now) };
                self.put(held, Point::new(renew, now), now);
                self.pause = Point::new(now + PAUSE, now);
            }
            _ => self.fail(TokenFailure::new(TokenFailureKind::Malformed)),
        }
    }

    fn put(&mut self, held: Held, renew: Point, now: UnixTime) {
        // A token that lived until its renewal was not refused: the credential works.
        if self.token.is_some() && self.renew.at <= now {
            self.refusals = 0;
        }
        self.failures = 0;
        (self.last_failure, self.last_refused) = (None, None);
        self.renew = renew;
        self.ready = Some(held.end.at);
        self.token = Some(held);
    }

    pub(super) fn fail(&mut self, failure: TokenFailure) {
        let now = self.clock.now();
        (self.flight, self.work) = (None, None);
        self.failures = self.failures.saturating_add(1);
        let longest = if failure.kind.needs_operator() {
            self.settings.max_backoff_operator()
        } else {
            self.settings.max_backoff()
        };
        let wait = now + self.backoff(self.failures, longest);
        // A server that asks for a year is broken; it must not stop the source for good.
        let at = failure.retry_after.map_or(wait, |at| at.min(now + LONGEST_WAIT).max(wait));
        self.pause = Point::new(at, now);
        self.last_failure = Some(failure.clone());
        self.failed = Some(failure);
    }

    pub(super) fn refused(&mut self, refused: &HeaderValue, now: UnixTime) -> Refusal {
        let now = self.observe(now);
        let given = matches!(self.grant.kind, GrantKind::Given { .. });
        if self.token.as_ref().is_none_or(|held| held.token.authorization() != refused) {
            return match &self.last_refused {
                Some(last) if last == refused && self.token.is_none() => {
                    self.after_refusal(given && self.given_taken, now)
                }
                _ => Refusal::Replaced,
            };
        }
        self.token = None;
        self.last_refused = Some(refused.clone());
        if given && self.given_taken {
            self.spent();
        } else {
            let pause = match self.refusals {
                0 => Duration::ZERO,
                refusals => self.backoff(refusals, self.settings.max_backoff_operator()),
            };
            self.pause = Point::new(now + pause, now);
            self.refusals = self.refusals.saturating_add(1);
        }
        self.after_refusal(given && self.given_taken, now)
    }

    fn after_refusal(&self, spent: bool, now: UnixTime) -> Refusal {
        match self.pause.at {
            _ if spent => Refusal::Spent,
            until if self.refusals > 1 && until > now => Refusal::TooYoung { until },
            _ => Refusal::Renewing,
        }
    }

    pub(super) fn replace_grant(&mut self, grant: Grant, now: UnixTime) {
        let now = self.observe(now);
        self.grant = grant;
        self.given_taken = false;
        (self.flight, self.work, self.last_failure) = (None, None, None);
        (self.failures, self.refusals) = (0, 0);
        (self.renew, self.pause, self.doubt) = (Point::new(now, now), Point::new(now, now), Point::PAST);
    }

    /// Exponential, half of it jitter: never at once, never all together.
    fn backoff(&mut self, times: u32, longest: Duration) -> Duration {
        let span = self.settings.backoff().saturating_mul(2_u32.saturating_pow(times.min(30))).min(longest);
        span / 2 + self.jitter.up_to(span / 2)
    }

    /// Takes notice of the time, and gives the time to go by.
    pub(super) fn observe(&mut self, now: UnixTime) -> UnixTime {
        let reading = self.clock.read(now);
        let now = self.clock.now();
        for point in [&mut self.pause, &mut self.doubt, &mut self.renew] {
            *point = point.after(reading, now);
        }
        if let Some(flight) = &mut self.flight {
            flight.started = flight.started.min(now);
            flight.deadline = flight.deadline.after(reading, now);
        }
        if let Some(held) = &mut self.token {
            let end = held.end.after(reading, now);
            if end.at != held.end.at {
                held.token = held.token.clone().with_expires_at(end.at);
            }
            held.end = end;
        }
        if reading == Reading::Leap {
            self.leapt(now);
        }
        now
    }

    /// A leap may be a glitch: what is in flight gets its time once more, and a clock that is known for coming back has to
    /// stay where it is for a while before it costs a fetch.
    fn leapt(&mut self, now: UnixTime) {
        if let Some(flight) = self.flight.as_mut().filter(|flight| !flight.extended) {
            flight.extended = true;
            flight.deadline = Point::new(now + self.settings.fetch_timeout(), now);
        }
        let steps = self.clock.steps_back();
        if steps > 0 && !matches!(self.grant.kind, GrantKind::Given { .. }) {
            let wait = self.backoff(steps, self.settings.max_backoff_operator());
            self.doubt = Point::new(now + wait, now);
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource")
            .field("grant", &self.grant)
            .field("token", &self.token.as_ref().map(|held| &held.token))
            .field("renew_at", &self.renew.at)
            .field("in_flight", &self.flight.is_some())
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}
