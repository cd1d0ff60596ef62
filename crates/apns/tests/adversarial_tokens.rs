//! The source of tokens under every clock, restart and signer that somebody could think of.

use std::time::Duration;

use crate::support::{self, NOW, key, remote_key};
use proptest::prelude::*;
use reveille_apns::credential::TokenError;
use reveille_apns::{Token, TokenSettings, TokenSource};
use reveille_core::UnixTime;
use reveille_crypto::jws::SigningRequest;
use reveille_testkit::adversity::{Adversity, Clocks, scripts};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// A driver: one clock, one source, a signer elsewhere if the key is there.
struct Driver {
    tokens: TokenSource,
    now: UnixTime,
    /// What the signer has been asked and not answered.
    open: Vec<SigningRequest>,
    /// All that was ever signed and used, by time of issue.
    issued: Vec<UnixTime>,
    asked_signer: usize,
}

impl Driver {
    fn new(is_here: bool, now: UnixTime) -> Self {
        let key = if is_here { key() } else { remote_key() };
        let tokens = TokenSource::new(key, TokenSettings::default());
        Self { tokens, now, open: Vec::new(), issued: Vec::new(), asked_signer: 0 }
    }

    fn poll(&mut self) {
        while let Some(request) = self.tokens.poll_output() {
            self.asked_signer += 1;
            self.open.push(request);
        }
    }

    /// Asks as a sender does: once, answers the signer, once more.
    fn send(&mut self) -> Result<Token, TokenError> {
        let mut token = self.tokens.token(self.now);
        if token == Err(TokenError::Pending) {
            self.poll();
            self.answer_last();
            token = self.tokens.token(self.now);
        }
        let token = token?;
        self.note(&token);
        Ok(token)
    }

    fn answer_last(&mut self) {
        if let Some(request) = self.open.pop() {
            let signature = support::sign(request.signing_input());
            // Refused if it was given up meanwhile.
            let _ = self.tokens.handle_signature(&request, &signature, self.now);
        }
    }

    fn act(&mut self, deed: Deed, is_here: bool) -> Result<(), TestCaseError> {
        match deed {
            Deed::Send => match self.send() {
                Ok(token) => {
                    prop_assert!(self.now.since(token.issued_at()) < HOUR);
                    prop_assert!(token.issued_at() <= self.now + 20 * MINUTE);
                    prop_assert_eq!(self.tokens.token(self.now).unwrap(), token, "the same for all");
                }
                Err(error) => prop_assert!(matches!(error, TokenError::Clock) || !is_here, "{}", error),
            },
            // Refused by identity: the one in use, or one of a source before the restart.
            Deed::Refuse { stranger } => {
                let refused = if stranger {
                    Token::from_jwt("a.b.c", self.now).ok()
                } else {
                    self.tokens.token(self.now).ok()
                };
                if let Some(token) = refused {
                    self.tokens.handle_refusal(token.authorization(), self.now);
                }
            }
            Deed::Timeout => self.tokens.handle_timeout(self.now),
            Deed::Poll => self.poll(),
            Deed::Answer(at) => {
                if let Some(request) = take(&mut self.open, at) {
                    let signature = support::sign(request.signing_input());
                    // Given twice it is refused the second time.
                    if self.tokens.handle_signature(&request, &signature, self.now).is_ok() {
                        prop_assert!(self.tokens.handle_signature(&request, &signature, self.now).is_err());
                    }
                }
            }
            Deed::AnswerWrongly(at) => {
                if let Some(request) = take(&mut self.open, at) {
                    prop_assert!(self.tokens.handle_signature(&request, &[7; 64], self.now).is_err());
                }
            }
            Deed::Fail(at) => {
                if let Some(request) = take(&mut self.open, at) {
                    self.tokens.handle_failure(&request, self.now);
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, token: &Token) {
        if !self.issued.contains(&token.issued_at()) {
            self.issued.push(token.issued_at());
        }
    }
}

/// The very fault that was seen: a clock that is wrong for one call costs a good token for an hour.
#[test]
fn a_jump_for_a_moment_does_not_lose_a_good_token() {
    for is_here in [true, false] {
        for glitch in
            [NOW + 10_000 * HOUR, NOW + 45 * MINUTE, UnixTime::MAX, NOW - 10_000 * HOUR, UnixTime::EPOCH]
        {
            let mut driver = Driver::new(is_here, NOW);
            let good = driver.send().unwrap();
            driver.now = glitch;
            let _ = driver.send();
            driver.now = NOW + SECOND;
            assert_eq!(driver.send().unwrap(), good, "{glitch}");
        }
    }
}

#[test]
fn a_thousand_jumps_do_not_make_a_thousand_tokens() {
    for is_here in [true, false] {
        for direction in [-1_i64, 1] {
            let mut driver = Driver::new(is_here, NOW);
            let good = driver.send().unwrap();
            for jump in 1..=1_000_u32 {
                let hours = 2 * jump * HOUR;
                driver.now = if direction > 0 { NOW + hours } else { NOW - hours };
                let _ = driver.send();
                driver.now = NOW + SECOND;
                assert_eq!(driver.send().unwrap(), good, "jump {jump}");
            }
            assert!(driver.issued.len() <= 12, "{} tokens, {direction}", driver.issued.len());
            assert!(driver.asked_signer <= 12, "{} requests, {direction}", driver.asked_signer);
        }
    }
}

/// A machine that boots with a clock far ahead, or far behind, has a good token as soon as the clock is right.
#[test]
fn the_first_token_is_signed_however_unsteady_the_clock() {
    let mut driver = Driver::new(false, NOW);
    for jump in 0..50_u32 {
        driver.now = if jump % 2 == 0 { NOW + 30 * HOUR } else { NOW };
        assert_eq!(driver.tokens.token(driver.now), Err(TokenError::Pending), "jump {jump}");
        driver.poll();
    }
    driver.send().unwrap();
}

#[test]
fn a_wrong_clock_at_boot_is_forgotten() {
    for is_here in [true, false] {
        for boot in [NOW + 24 * HOUR, NOW + 30 * MINUTE, NOW - 24 * HOUR, UnixTime::EPOCH, UnixTime::MAX] {
            let mut driver = Driver::new(is_here, boot);
            let _ = driver.send();
            driver.now = NOW;
            let token = driver.send().unwrap();
            assert_eq!(token.issued_at(), NOW, "booted at {boot}");
        }
        // A little ahead: another token would be the second within 20 minutes. If APNs refuses this one, it goes.
        let mut driver = Driver::new(is_here, NOW + 19 * MINUTE);
        let ahead = driver.send().unwrap();
        driver.now = NOW;
        assert_eq!(driver.send().unwrap(), ahead);
        driver.tokens.handle_refusal(ahead.authorization(), NOW);
        assert_eq!(driver.send().unwrap().issued_at(), NOW);
    }
}

/// Two threads that read the same clock come in the wrong order.
#[test]
fn small_steps_back_are_nothing() {
    let mut driver = Driver::new(true, NOW);
    let token = driver.send().unwrap();
    for step in 0..10_000_u64 {
        driver.now = NOW + Duration::from_millis(step % 7 * 10_000);
        assert_eq!(driver.send().unwrap(), token);
    }
}

/// A clock that jumps gets an error in the moment of the jump; left alone, it is trusted again.
#[test]
fn an_unsteady_clock_is_told_and_forgiven() {
    let mut driver = Driver::new(true, NOW);
    driver.send().unwrap();
    let mut refused = None;
    for jump in 1..=20_u32 {
        driver.now = NOW + 2 * jump * HOUR;
        if let Err(error) = driver.send() {
            refused.get_or_insert((jump, error));
        }
        driver.now = NOW;
        driver.send().unwrap();
    }
    assert_eq!(refused, Some((9, TokenError::Clock)));
    driver.now = NOW + 100 * HOUR;
    let (mut denied, mut steps) = (0, 0);
    while driver.send().is_err() {
        (denied, steps) = (denied + 1, steps + 1);
        driver.now += MINUTE;
        assert!(steps < 60, "never forgiven");
    }
    assert!(denied > 0);
}

/// What a driver does when a script says that it acts. The numbers go around.
enum Deed {
    Send,
    Refuse { stranger: bool },
    Timeout,
    Poll,
    Answer(usize),
    AnswerWrongly(usize),
    Fail(usize),
}

fn deed(choice: u64) -> Deed {
    let at = (choice / 16 % 4) as usize;
    match choice % 13 {
        0..=4 => Deed::Send,
        5 => Deed::Refuse { stranger: at == 0 },
        6 => Deed::Timeout,
        7 | 8 => Deed::Poll,
        9 | 10 => Deed::Answer(at),
        11 => Deed::AnswerWrongly(at),
        _ => Deed::Fail(at),
    }
}

/// What the clock shows. One that has lost its mind shows the end of time.
fn shown(clocks: &Clocks) -> UnixTime {
    let now = clocks.now(0);
    if now > NOW + 500_000 * HOUR { UnixTime::MAX } else { now }
}

fn take(open: &mut Vec<SigningRequest>, at: usize) -> Option<SigningRequest> {
    (at < open.len()).then(|| open.swap_remove(at))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Whatever happens: no token is sent that is an hour old or more than 20 minutes ahead, none is made of a signature
    /// that is wrong or late, the wake-up leads on, and left alone there is a token before long.
    #[test]
    fn any_clock_any_signer(is_here: bool, script in scripts(1..120)) {
        let mut clocks = Clocks::new(NOW, 1);
        let mut driver = Driver::new(is_here, NOW);
        for event in script {
            clocks.apply(&event);
            driver.now = shown(&clocks);
            match event {
                Adversity::Act { choice, .. } => driver.act(deed(choice), is_here)?,
                // What was asked before the restart is answered to the source after it.
                Adversity::Restart { .. } | Adversity::Fork { .. } => {
                    let open = std::mem::take(&mut driver.open);
                    driver = Driver { open, ..Driver::new(is_here, driver.now) };
                }
                _ => {}
            }
            if let Some(wakeup) = driver.tokens.next_wakeup()
                && wakeup.at > driver.now
                && wakeup.at < UnixTime::MAX
            {
                // It may be polled by another clock; a driver that keeps to it does not spin.
                driver.tokens.handle_timeout(wakeup.at);
                let next = driver.tokens.next_wakeup();
                prop_assert!(next.is_none_or(|next| next.at > wakeup.at), "{:?} at {}", next, wakeup.at);
                clocks.apply(&Adversity::Wait { ms: wakeup.at.since(driver.now).as_millis() as u64 });
            }
        }
        // Left alone, it has a token before long. At the end of time none can be told from an old one.
        driver.now = driver.now.min(NOW + 1_000_000 * HOUR);
        let mut last = driver.send();
        for _ in 0..60 {
            driver.now += MINUTE;
            last = driver.send();
            if last.is_ok() {
                break;
            }
        }
        prop_assert!(last.is_ok(), "{:?}", last);
    }

    /// On a steady clock signatures are 20 minutes apart, whoever refuses, fails or answers late.
    #[test]
    fn apples_twenty_minutes(is_here: bool, script in scripts(1..150)) {
        let mut driver = Driver::new(is_here, NOW);
        let mut seen: Vec<UnixTime> = Vec::new();
        for event in script {
            match event {
                Adversity::Wait { ms } => driver.now += Duration::from_millis(ms),
                Adversity::Act { choice, .. } => match deed(choice) {
                    Deed::Send => drop(driver.send()),
                    Deed::Refuse { .. } => {
                        if let Ok(token) = driver.tokens.token(driver.now) {
                            driver.note(&token);
                            driver.tokens.handle_refusal(token.authorization(), driver.now);
                        }
                    }
                    Deed::Timeout => driver.tokens.handle_timeout(driver.now),
                    Deed::Poll => driver.poll(),
                    Deed::Answer(_) => driver.answer_last(),
                    Deed::AnswerWrongly(at) | Deed::Fail(at) => {
                        if let Some(request) = take(&mut driver.open, at) {
                            driver.tokens.handle_failure(&request, driver.now);
                        }
                    }
                },
                _ => {}
            }
            if let Ok(token) = driver.tokens.token(driver.now)
                && seen.last() != Some(&token.issued_at())
            {
                seen.push(token.issued_at());
            }
        }
        for pair in seen.windows(2) {
            prop_assert!(pair[1] >= pair[0] + 20 * MINUTE, "{:?}", seen);
        }
    }
}
