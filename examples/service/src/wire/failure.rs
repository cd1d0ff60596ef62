//! How a request fails, told apart as the gateway needs it: has the service seen a byte of it, or may it have?

use std::error::Error;
use std::fmt;

use reveille_delivery::Verdict;

/// A request that has no answer. `Display` names no path and no token: endpoints are capabilities.
#[derive(Debug)]
pub enum Failure {
    /// Not one byte of the request reached the service, for certain: it can go again at no risk.
    NotSent(Why),
    /// It left, or may have: sent again, it may be there twice.
    NoAnswer(Why),
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The URI has no host, or a scheme that is not spoken.
    Uri,
    /// The policy forbids the origin, or every address that its name resolves to.
    Address,
    /// The name does not resolve.
    Resolve,
    /// No connection within the time for it.
    Connect,
    /// The proxy refused.
    Proxy,
    /// The handshake of TLS failed.
    Tls,
    /// No place on a connection within the time for it.
    Crowded,
    /// The connection ended before the request was on it, or the service said that it did not look at it.
    Closed,
    /// The connection broke after the request was on it.
    Broken,
    /// No answer within the time for it.
    TimedOut,
}

impl Why {
    /// Its name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uri => "uri",
            Self::Address => "address",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Crowded => "crowded",
            Self::Closed => "closed",
            Self::Broken => "broken",
            Self::TimedOut => "timed_out",
        }
    }
}

impl Failure {
    /// The delivery's word for it.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::NotSent(_) => Verdict::NotSent,
            Self::NoAnswer(_) => Verdict::NoAnswer,
        }
    }

    /// What went wrong.
    pub fn why(&self) -> Why {
        match self {
            Self::NotSent(why) | Self::NoAnswer(why) => *why,
        }
    }

    /// What an error of hyper says about a request that was handed to a connection and did not come back with the error.
    ///
    /// A stream that the service refused (`REFUSED_STREAM`), or one behind the last that its GOAWAY names, was not processed
    /// (RFC 9113 §8.7). A GOAWAY with an error proves nothing about older streams.
    pub(super) fn after_hand_over(error: &hyper::Error) -> Self {
        let unseen =
            error.source().and_then(|source| source.downcast_ref::<h2::Error>()).is_some_and(|error| {
                let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
                let behind_the_last = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
                error.is_remote() && (refused || behind_the_last)
            });
        if unseen { Self::NotSent(Why::Closed) } else { Self::NoAnswer(Why::Broken) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, why) = match self {
            Self::NotSent(why) => ("not sent", why),
            Self::NoAnswer(why) => ("no answer", why),
        };
        write!(f, "{what}: {}", why.name())
    }
}

impl Error for Failure {}
