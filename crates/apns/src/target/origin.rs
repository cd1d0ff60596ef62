//! Scheme, host and port.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use crate::InvalidValue;

/// Scheme, host and port of a server: `https://api.push.apple.com:443`. `http` is taken for this machine only, for
/// tests: a provider token never goes in the clear.
///
/// ```
/// use reveille_apns::target::Origin;
/// assert_eq!("localhost:8443".parse::<Origin>()?.to_string(), "https://localhost:8443");
/// assert_eq!("http://127.0.0.1:8080".parse::<Origin>()?.authority(), "127.0.0.1:8080");
/// assert!("http://api.push.apple.com".parse::<Origin>().is_err());
/// # Ok::<(), reveille_apns::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    authority: Authority,
}

const INVALID: InvalidValue =
    InvalidValue::Form { what: "host", expected: "[https://]host[:port], or http:// on loopback" };

impl Origin {
    pub(super) fn apple(authority: &'static str) -> Self {
        Self { scheme: Scheme::HTTPS, authority: Authority::from_static(authority) }
    }

    /// Host and port, as they stand in `:authority`; what a connection is opened to.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// Returns the host, without its port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// The port; 443, or 80 for `http`, where none was given.
    #[must_use]
    pub fn port(&self) -> u16 {
        let default = if self.scheme == Scheme::HTTPS { 443 } else { 80 };
        self.authority.port_u16().unwrap_or(default)
    }

    pub(super) fn with_port(&self, port: u16) -> Result<Self, InvalidValue> {
        let authority = format!("{}:{port}", self.authority.host()).parse().map_err(|_| INVALID)?;
        Ok(Self { scheme: self.scheme.clone(), authority })
    }

    /// `scheme://authority/path`, without a copy.
    #[inline]
    pub(crate) fn uri(&self, path: PathAndQuery) -> Result<Uri, InvalidValue> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).map_err(|_| InvalidValue::Form { what: ":path", expected: "a path" })
    }
}

impl FromStr for Origin {
    type Err = InvalidValue;

    /// # Errors
    /// [`InvalidValue::Form`] unless it is a host, with or without scheme and port, and `http` on loopback only.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let (scheme, authority) = match text.split_once("://") {
            None | Some(("https", _)) => (Scheme::HTTPS, text.strip_prefix("https://").unwrap_or(text)),
            Some(("http", authority)) => (Scheme::HTTP, authority),
            Some(_) => return Err(INVALID),
        };
        let authority: Authority = authority.parse().map_err(|_| INVALID)?;
        if authority.as_str().contains('@') || (scheme == Scheme::HTTP && !is_loopback(authority.host())) {
            return Err(INVALID);
        }
        Ok(Self { scheme, authority })
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_origins() {
        for text in [
            "",
            "a b",
            "a/b",
            "https://a/b",
            "user@host",
            "https://u:p@h",
            "ftp://h",
            "http://h",
            "HTTP://localhost",
            "http://127.0.0.1.example",
            "http://10.0.0.1",
            "http://localhost.example",
            "https://",
            "http://",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
        insta::assert_snapshot!("http://h".parse::<Origin>().unwrap_err(), @"host must be [https://]host[:port], or http:// on loopback");
    }

    #[test]
    fn origins() {
        for (text, shown, port) in [
            ("h", "https://h", 443),
            ("https://h:2197", "https://h:2197", 2197),
            ("http://localhost", "http://localhost", 80),
            ("http://[::1]:8080", "http://[::1]:8080", 8080),
            ("http://127.9.9.9:1", "http://127.9.9.9:1", 1),
        ] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!((origin.to_string().as_str(), origin.port()), (shown, port));
        }
    }
}
