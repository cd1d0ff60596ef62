//! When to sign: not twice within 20 minutes, never for what nobody asks for, and not for every time that a clock shows.

use std::time::Duration;

use http::HeaderValue;
use reveille_core::{UnixTime, Wakeup};
use reveille_crypto::jws::{SigningAlgorithm, SigningId, SigningRequest, UnsignedJws};

use super::kept::{Kept, Rank, SHORTEST, SKEW};
use super::{ProviderKey, Refusal, Token, TokenSettings};

/// After so many jumps back nothing is signed for yet another time.
const MOST_JUMPS: u32 = 8;

#[derive(Debug)]
pub(super) struct State {
    settings: TokenSettings,
    kept: Kept,
    work: Work,
    clock: Clock,
    /// A token was asked for since the last one was signed.
    asked: bool,
    signed: u64,
}

#[derive(Debug)]
enum Work {
    Idle,
    /// A signature from elsewhere is wanted; `poll_output` will hand it out, for this time.
    Wanted {
        issued_at: UnixTime,
    },
    /// A signer elsewhere is at work.
    Signing {
        id: SigningId,
        jws: UnsignedJws,
        issued_at: UnixTime,
    },
    /// A thread of this process is at work.
    Here {
        since: UnixTime,
    },
    /// A signer has failed.
    Pausing {
        until: UnixTime,
    },
}

/// What [`token`](State::token) decided.
#[derive(Debug)]
pub(super) enum Plan {
    /// Send with this one.
    Use(Token),
    /// Sign with the key that is here; if that fails, use the old one.
    Sign { old: Option<Token> },
    /// A signer elsewhere has to work first.
    Wait,
    /// The clock jumps.
    Unsteady,
}

/// How often the clock has jumped back of late.
#[derive(Debug, Default)]
struct Clock {
    last: Option<UnixTime>,
    jumps: u32,
    calm: Duration,
}

impl Clock {
    fn observe(&mut self, now: UnixTime) {
        let last = self.last.replace(now).unwrap_or(now);
        if now + SKEW < last {
            (self.jumps, self.calm) = ((self.jumps + 1).min(MOST_JUMPS), Duration::ZERO);
            return;
        }
        // A jump ahead counts for 20 minutes only: it takes two steps ahead without one back to forgive one.
        self.calm = self.calm.saturating_add(now.since(last).min(SHORTEST));
        if self.calm >= 2 * SHORTEST {
            (self.jumps, self.calm) = (self.jumps.saturating_sub(1), self.calm.saturating_sub(SHORTEST));
        }
    }
}

impl State {
    pub(super) fn new(settings: TokenSettings) -> Self {
        Self {
            settings,
            kept: Kept::default(),
            work: Work::Idle,
            clock: Clock::default(),
            asked: false,
            signed: 0,
        }
    }

    /// What to do for somebody who asks for a token, or (`asked` is false) looks after the one in use; `here` is whether
    /// the key is here.
    pub(super) fn token(&mut self, here: bool, asked: bool, now: UnixTime) -> Plan {
        self.clock.observe(now);
        self.asked |= asked;
        let best = self.kept.use_best(self.settings.renew_after(), now);
        let old = match best {
            Some((Rank::Good | Rank::Ahead | Rank::Doubted, token)) => {
                self.withdraw(now);
                return Plan::Use(token);
            }
            Some((Rank::Due, token)) => Some(token),
            Some((Rank::Refused, _)) | None => None,
        };
        if !self.may_sign() {
            return old.map_or(Plan::Unsteady, Plan::Use);
        }
        if here {
            return match old {
                // One thread renews; all others go on with what there is.
                Some(token) if !self.is_due(now) => Plan::Use(token),
                old => {
                    self.work = Work::Here { since: now };
                    Plan::Sign { old }
                }
            };
        }
        self.want(now);
        old.map_or(Plan::Wait, Plan::Use)
    }

    /// The first token is always signed.
    const fn may_sign(&self) -> bool {
        self.kept.is_empty() || self.clock.jumps < MOST_JUMPS
    }

    /// A signature that nobody needs any more: the clock went to a time that has its token. An answer that is under way
    /// is refused, for it would be the second token within 20 minutes.
    fn withdraw(&mut self, now: UnixTime) {
        let at_work_here = matches!(self.work, Work::Here { .. });
        if !at_work_here || self.is_due(now) {
            self.work = Work::Idle;
        }
    }

    fn want(&mut self, now: UnixTime) {
        // A wish that waited is signed for the present: neither old already, nor of a time to come.
        if self.is_due(now) {
            self.work = Work::Wanted { issued_at: now };
        }
    }

    /// Whether no signer is at work, or none that still counts. A clock that went back ends every wait.
    fn is_due(&self, now: UnixTime) -> bool {
        let over = |since: UnixTime, span: Duration| now >= since + span || now + SKEW < since;
        match self.work {
            Work::Idle | Work::Wanted { .. } => true,
            Work::Signing { issued_at: since, .. } | Work::Here { since } => {
                over(since, self.settings.signer_timeout())
            }
            Work::Pausing { until } => now >= until || until > now + self.settings.signer_pause() + SKEW,
        }
    }

    /// A token that this process has signed: the one to use, which is another one if somebody was faster.
    pub(super) fn signed_here(&mut self, token: Token, asked: bool, now: UnixTime) -> Token {
        if matches!(self.work, Work::Here { .. }) {
            self.work = Work::Idle;
        }
        if let Some((Rank::Good | Rank::Ahead, first)) = self.kept.use_best(self.settings.renew_after(), now)
        {
            return first;
        }
        self.install(token.clone());
        self.asked = asked;
        token
    }

    pub(super) fn failed_here(&mut self, now: UnixTime) {
        if matches!(self.work, Work::Here { .. }) {
            self.pause(now);
        }
    }

    fn pause(&mut self, now: UnixTime) {
        self.work = Work::Pausing { until: now + self.settings.signer_pause() };
    }

    fn install(&mut self, token: Token) {
        self.kept.add(token);
        self.asked = false;
    }

    pub(super) fn poll_output(&mut self, key: &ProviderKey) -> Option<SigningRequest> {
        let Work::Wanted { issued_at } = self.work else { return None };
        self.signed = self.signed.saturating_add(1);
        let (id, jws) = (SigningId::new(self.signed), key.unsigned(issued_at));
        let request = SigningRequest::new(id, SigningAlgorithm::Es256, key.key_id().as_str(), &jws);
        self.work = Work::Signing { id, jws, issued_at };
        Some(request)
    }

    /// Whether this very request waits for its signature.
    pub(super) fn waits_for(&self, request: &SigningRequest) -> bool {
        matches!(&self.work, Work::Signing { id, jws, .. }
            if *id == request.id() && jws.signing_input() == request.signing_input())
    }

    /// The request's token and time, with its signature.
    pub(super) fn finish(
        &mut self,
        request: &SigningRequest,
        signature: &[u8],
    ) -> Option<(String, UnixTime)> {
        if !self.waits_for(request) {
            return None;
        }
        let Work::Signing { jws, issued_at, .. } = std::mem::replace(&mut self.work, Work::Idle) else {
            return None;
        };
        Some((jws.finish(signature), issued_at))
    }

    pub(super) fn signed_elsewhere(&mut self, token: Token) {
        self.install(token);
    }

    pub(super) fn failed_elsewhere(&mut self, request: &SigningRequest, now: UnixTime) {
        if self.waits_for(request) {
            self.pause(now);
        }
    }

    pub(super) fn handle_refusal(&mut self, here: bool, refused: &HeaderValue, now: UnixTime) -> Refusal {
        self.clock.observe(now);
        let Some(issued_at) = self.kept.refuse(refused) else { return Refusal::Replaced };
        self.asked = true;
        let best = self.kept.best(self.settings.renew_after(), now);
        match best.map(|(rank, token)| (rank, token.authorization() == refused)) {
            Some((Rank::Doubted, true)) => Refusal::TooYoung { until: issued_at + SHORTEST },
            Some((Rank::Good | Rank::Ahead | Rank::Doubted | Rank::Due, _)) => Refusal::Replaced,
            Some((Rank::Refused, _)) | None => {
                if !here && self.may_sign() {
                    self.want(now);
                }
                Refusal::Renewing
            }
        }
    }

    /// Whether a token that is in use is to be renewed now.
    pub(super) fn is_asked(&self) -> bool {
        self.asked
    }

    pub(super) fn next_wakeup(&self) -> Option<Wakeup> {
        let now = self.clock.last.filter(|_| self.asked)?;
        let at = match self.work {
            Work::Wanted { .. } => return None,
            Work::Signing { issued_at: since, .. } | Work::Here { since } => {
                since + self.settings.signer_timeout()
            }
            Work::Pausing { until } => until,
            Work::Idle if !self.may_sign() => now + SKEW,
            Work::Idle => match self.kept.best(self.settings.renew_after(), now) {
                Some((Rank::Good | Rank::Ahead | Rank::Due, token)) => {
                    token.issued_at() + self.settings.renew_after()
                }
                Some((Rank::Doubted, token)) => token.issued_at() + SHORTEST,
                Some((Rank::Refused, _)) | None => now,
            },
        };
        Some(Wakeup { at, reason: "renew a provider token" })
    }
}
