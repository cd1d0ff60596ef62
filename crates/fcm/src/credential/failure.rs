//! Why there is no access token.

use std::fmt;

use reveille_core::UnixTime;

/// Why a fetch brought no token, in the operator's words. [`needs_operator`](Self::needs_operator) says whether
/// waiting helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenFailureKind {
    /// The signature is refused: the key was revoked, deleted, or belongs to another account.
    WrongKey,
    /// The account does not exist, or is disabled.
    UnknownAccount,
    /// The assertion's times are refused: this machine's clock is off.
    ClockOff,
    /// The assertion is refused for a reason that this version does not know.
    Refused,
    /// The account may not have this scope, or the server refuses the request as such.
    NotAllowed,
    /// The token server is overloaded or fails.
    Unavailable,
    /// An answer without a usable token.
    Malformed,
    /// The signer failed.
    Signing,
    /// The request did not get through, says the driver.
    Transport,
    /// Nothing was heard of the fetch in time.
    Timeout,
    /// A token that was given from outside has ended or was refused; there is no way to fetch another.
    GivenTokenSpent,
}

impl TokenFailureKind {
    /// Whether only a person can help. It is still tried again, slowly: persons do help.
    #[must_use]
    pub const fn needs_operator(self) -> bool {
        matches!(
            self,
            Self::WrongKey
                | Self::UnknownAccount
                | Self::ClockOff
                | Self::Refused
                | Self::NotAllowed
                | Self::Signing
                | Self::GivenTokenSpent
        )
    }

    const fn text(self) -> &'static str {
        match self {
            Self::WrongKey => "the token server refuses the signature: wrong, revoked or deleted key",
            Self::UnknownAccount => "the service account does not exist or is disabled",
            Self::ClockOff => {
                "the token server refuses the assertion's times: the clock of this machine is off"
            }
            Self::Refused => "the token server refuses the assertion",
            Self::NotAllowed => "the token server refuses the request: the account may not have this scope",
            Self::Unavailable => "the token server is unavailable",
            Self::Malformed => "the token server's answer holds no usable token",
            Self::Signing => "the assertion could not be signed",
            Self::Transport => "the request for a token did not get through",
            Self::Timeout => "the request for a token was not answered in time",
            Self::GivenTokenSpent => "the given token has ended or was refused",
        }
    }
}

/// A failed fetch: its kind, and what the server said. [`TokenError::Failed`](super::TokenError::Failed) carries it,
/// and so does what the source tells its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenFailure {
    /// What it was.
    pub kind: TokenFailureKind,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The server's error word and description, without anything that looks like a token.
    pub detail: Option<String>,
    /// What the server wants us to wait for.
    pub retry_after: Option<UnixTime>,
    /// How far this machine's clock is ahead of the server's `Date`, in seconds; negative if behind.
    pub clock_ahead_secs: Option<i64>,
}

impl TokenFailure {
    pub(super) const fn new(kind: TokenFailureKind) -> Self {
        Self { kind, status: None, detail: None, retry_after: None, clock_ahead_secs: None }
    }
}

impl fmt::Display for TokenFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.text())?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl std::error::Error for TokenFailure {}

#[cfg(test)]
mod tests {
    use super::TokenFailureKind as Kind;
    use super::*;

    #[test]
    fn every_kind_has_its_text_and_its_remedy() {
        let lines = [
            Kind::WrongKey,
            Kind::UnknownAccount,
            Kind::ClockOff,
            Kind::Refused,
            Kind::NotAllowed,
            Kind::Unavailable,
            Kind::Malformed,
            Kind::Signing,
            Kind::Transport,
            Kind::Timeout,
            Kind::GivenTokenSpent,
        ]
        .map(|kind| {
            let who = if kind.needs_operator() { "operator" } else { "wait" };
            format!("{who}: {}", TokenFailure::new(kind))
        });
        insta::assert_snapshot!(lines.join("\n"), @r"
        operator: the token server refuses the signature: wrong, revoked or deleted key
        operator: the service account does not exist or is disabled
        operator: the token server refuses the assertion's times: the clock of this machine is off
        operator: the token server refuses the assertion
        operator: the token server refuses the request: the account may not have this scope
        wait: the token server is unavailable
        wait: the token server's answer holds no usable token
        operator: the assertion could not be signed
        wait: the request for a token did not get through
        wait: the request for a token was not answered in time
        operator: the given token has ended or was refused
        ");
        let failure =
            TokenFailure { detail: Some("invalid_grant: no".to_owned()), ..TokenFailure::new(Kind::Refused) };
        insta::assert_snapshot!(failure, @"the token server refuses the assertion (invalid_grant: no)");
    }
}
