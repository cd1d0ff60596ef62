//! Under which names the service answers.
//!
//! A page of another site can have its own name resolve to this machine, and its requests are then of "the same origin" for
//! the browser (DNS rebinding). What it cannot change is the `Host` header.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::Problem;

/// The names.
#[derive(Clone, Debug)]
pub struct Hosts {
    /// Only this machine's own names.
    local_only: bool,
    /// And the one that the operator gave.
    named: Option<String>,
}

impl Hosts {
    /// For a service that listens on `address`, and is also known as `named`, for instance behind a proxy. One that listens
    /// on the network and was given no name answers to any.
    pub fn new(address: IpAddr, named: Option<String>) -> Self {
        Self { local_only: address.is_loopback() || named.is_some(), named }
    }

    /// Whether a `Host` is one of ours.
    pub fn knows(&self, host: &str) -> bool {
        // The port is not part of the question, and behind a proxy another one.
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
        !self.local_only
            || address.is_ok_and(|address| address.is_loopback())
            || name.eq_ignore_ascii_case("localhost")
            || self.named.as_deref().is_some_and(|named| name.eq_ignore_ascii_case(named))
    }
}

/// 421 for requests to any other name, or to none.
pub(super) async fn check(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    // A request line with a whole URL counts for more than the header (RFC 9112 §3.2.2); HTTP/2 has `:authority` there.
    let host = request.uri().authority().map(|authority| authority.as_str()).or(header);
    if host.is_some_and(|host| hosts.knows(host)) {
        return next.run(request).await;
    }
    let detail = "this service does not answer to that name (the setting host gives it another one)";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "host", detail).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_on_the_network_answers_to_any_name_or_to_the_given_one() {
        let network: IpAddr = "0.0.0.0".parse().unwrap();
        let named = Hosts::new(network, Some("push.example.com".into()));
        assert!(Hosts::new(network, None).knows("any.example"));
        assert!(!named.knows("any.example"));
        assert!(named.knows("PUSH.example.com:443"));
    }
}
