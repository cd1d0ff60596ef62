//! The URL of a push resource.

use std::borrow::Cow;
use std::fmt;

use http::Uri;
use http::uri::Scheme;
use thiserror::Error;

use super::policy::{EndpointPolicy, RefusedEndpoint};

/// The URL of a push resource, as the browser's `PushSubscription.endpoint` gives it: where requests for one
/// subscription go. It is a capability, so keep it out of logs.
///
/// It is a capability: whoever knows it can push (RFC 8030 §8.3, RFC 8292 §4). `Debug` and `Display` therefore show the origin only;
/// [`as_str`](Self::as_str) gives the whole.
///
/// ```
/// use reveille_webpush::Endpoint;
/// use reveille_webpush::target::PublicHttps;
///
/// let endpoint = Endpoint::new("https://push.example.net/push/secret", &PublicHttps)?;
/// assert_eq!(endpoint.origin(), "https://push.example.net");
/// assert!(!format!("{endpoint:?}").contains("secret"));
/// assert!(Endpoint::new("https://169.254.169.254/", &PublicHttps).is_err());
/// # Ok::<(), reveille_webpush::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    url: Box<str>,
    /// Bytes of `url` up to the end of the authority.
    authority_end: u16,
}

/// Why a URL is not a push endpoint; the error of [`Endpoint::new`]. No variant repeats the URL, for it is a
/// capability.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidEndpoint {
    /// Longer than [`Endpoint::MAX_LEN`].
    #[error("URL of {length} bytes is longer than the limit of {}", Endpoint::MAX_LEN)]
    TooLong {
        /// How many bytes were given.
        length: usize,
    },
    /// Not an absolute URL with a host.
    #[error("not an absolute URL with a host")]
    NotAbsolute,
    /// A scheme other than `https` or `http`.
    #[error("scheme is neither https nor http")]
    Scheme,
    /// A space, a control character, or one outside ASCII: browsers write none of them.
    #[error("URL has a space, a control character or a character outside ASCII")]
    Character,
    /// A fragment, which is never sent.
    #[error("URL has a fragment")]
    Fragment,
    /// The host has characters that no host name or IP literal has.
    #[error("host is neither a name nor an IP address")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("port is not a number from 1 to 65535")]
    Port,
    /// The caller's policy says no.
    #[error(transparent)]
    Refused(#[from] RefusedEndpoint),
}

impl Endpoint {
    /// The longest URL that is accepted, in bytes. Real ones have 150 to 700.
    pub const MAX_LEN: usize = 2_048;

    /// Checks a URL, and asks `policy` whether it is wanted.
    ///
    /// # Errors
    /// [`InvalidEndpoint`].
    pub fn new(url: &str, policy: &dyn EndpointPolicy) -> Result<Self, InvalidEndpoint> {
        if url.len() > Self::MAX_LEN {
            return Err(InvalidEndpoint::TooLong { length: url.len() });
        }
        if !url.bytes().all(|b| {
            b.is_ascii_graphic()
                && !matches!(b, b'"' | b'\\' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}')
        }) {
            return Err(InvalidEndpoint::Character);
        }
        if url.contains('#') {
            return Err(InvalidEndpoint::Fragment);
        }
        let uri: Uri = url.parse().map_err(|_| InvalidEndpoint::NotAbsolute)?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(InvalidEndpoint::NotAbsolute);
        };
        if *scheme != Scheme::HTTPS && *scheme != Scheme::HTTP {
            return Err(InvalidEndpoint::Scheme);
        }
        let authority = authority.as_str();
        let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, rest)| rest);
        check_host_and_port(host_and_port)?;
        let scheme_len = scheme.as_str().len() + "://".len();
        let authority_end = u16::try_from(scheme_len + authority.len())
            .map_err(|_| InvalidEndpoint::TooLong { length: url.len() })?;
        let endpoint = Self { url: url.into(), authority_end };
        policy.check(&endpoint)?;
        Ok(endpoint)
    }

    /// The whole URL. Keep it out of logs.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.url
    }

    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme().eq_ignore_ascii_case("https")
    }

    /// Whether the URL carries a user name or password.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.authority().contains('@')
    }

    /// The host as it is written, an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        split_port(self.host_and_port()).0
    }

    /// The port, if it is written and not the scheme's default.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        let default = if self.is_https() { 443 } else { 80 };
        let port = split_port(self.host_and_port()).1.and_then(|port| port.parse().ok());
        port.filter(|port| *port != default)
    }

    /// The ASCII serialisation of the origin (RFC 6454 §6.2), which is the `aud` of VAPID (RFC 8292 §2): lower case,
    /// with the port only where it is not the default.
    #[must_use]
    pub fn origin(&self) -> String {
        let (scheme, host) = (self.scheme(), self.host());
        let mut origin = format!("{scheme}://{host}");
        origin.make_ascii_lowercase();
        if let Some(port) = self.port() {
            origin.push_str(&format!(":{port}"));
        }
        origin
    }

    /// [`origin`](Self::origin), borrowed where the URL is already written that way, as those of browsers are.
    pub(crate) fn canonical_origin(&self) -> Cow<'_, str> {
        let raw = self.raw_origin();
        let canonical = !raw.bytes().any(|b| b.is_ascii_uppercase() || b == b'@')
            && (self.port().is_some() || split_port(self.host_and_port()).1.is_none());
        if canonical { Cow::Borrowed(raw) } else { Cow::Owned(self.origin()) }
    }

    /// Scheme and authority as they are written.
    fn raw_origin(&self) -> &str {
        self.url.get(..usize::from(self.authority_end)).unwrap_or_default()
    }

    fn scheme(&self) -> &str {
        self.raw_origin().split("://").next().unwrap_or_default()
    }

    fn authority(&self) -> &str {
        self.raw_origin().split_once("://").map_or("", |(_, authority)| authority)
    }

    fn host_and_port(&self) -> &str {
        let authority = self.authority();
        authority.rsplit_once('@').map_or(authority, |(_, rest)| rest)
    }
}

/// Splits `host[:port]`, minding the colons of an IPv6 address in brackets.
fn split_port(host_and_port: &str) -> (&str, Option<&str>) {
    let host_len = host_and_port.rfind(']').map_or(0, |bracket| bracket + 1);
    match host_and_port.split_at_checked(host_len) {
        Some((bracketed, rest)) => match rest.rsplit_once(':') {
            Some((name, port)) if bracketed.is_empty() => (name, Some(port)),
            Some(("", port)) => (bracketed, Some(port)),
            _ => (host_and_port, None),
        },
        None => (host_and_port, None),
    }
}

fn check_host_and_port(host_and_port: &str) -> Result<(), InvalidEndpoint> {
    let (host, port) = split_port(host_and_port);
    // Digits without sign or leading zero, so that one port has one text.
    let canonical =
        |port: &str| port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port);
    if port.is_some_and(|port| !canonical(port)) {
        return Err(InvalidEndpoint::Port);
    }
    let valid = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            let labels = host.strip_suffix('.').unwrap_or(host).split('.');
            let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            labels.into_iter().all(|label| !label.is_empty() && label.bytes().all(legal))
        }
    };
    if valid { Ok(()) } else { Err(InvalidEndpoint::Host) }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.origin())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AllowLoopback, PublicHttps};
    use super::*;

    fn origin(url: &str) -> String {
        Endpoint::new(url, &AllowLoopback).unwrap().origin()
    }

    #[test]
    fn the_origin_has_a_port_only_where_it_is_not_the_default() {
        assert_eq!(origin("https://push.example/a"), "https://push.example");
        assert_eq!(origin("https://push.example:443/a"), "https://push.example");
        assert_eq!(origin("https://PUSH.Example:8443?x"), "https://push.example:8443");
        assert_eq!(origin("http://127.0.0.1:80/"), "http://127.0.0.1");
        assert_eq!(origin("http://[::1]:8080/x"), "http://[::1]:8080");
        assert_eq!(origin("https://[2606:4700::1111]/x"), "https://[2606:4700::1111]");
    }

    #[test]
    fn equal_origins_are_one_origin() {
        for url in ["https://push.example/a", "https://PUSH.example/a", "HTTPS://push.example:443/a"] {
            let endpoint = Endpoint::new(url, &PublicHttps).unwrap();
            assert_eq!(endpoint.canonical_origin(), "https://push.example", "{url}");
        }
        let with_port = Endpoint::new("https://push.example:8443/a", &PublicHttps).unwrap();
        assert!(matches!(with_port.canonical_origin(), Cow::Borrowed("https://push.example:8443")));
    }

    #[test]
    fn other_spellings_of_host_and_port_are_refused() {
        for host in [
            "[2606:4700::1111]x:443",
            "push.example:+80",
            "push.example:0443",
            "push.example:",
            "push..example",
            ".push.example",
            "127.0.0.1..",
            "push.example:65536",
        ] {
            let url = format!("https://{host}/x");
            assert!(Endpoint::new(&url, &AllowLoopback).is_err(), "{url}");
        }
        for url in ["https://push.example/\\..\\x", "https://push.example/\"", "https://push.example/\u{e9}"]
        {
            assert!(Endpoint::new(url, &PublicHttps).is_err(), "{url}");
        }
    }

    #[test]
    fn debug_shows_the_origin_only() {
        let endpoint = Endpoint::new("https://push.example/SECRET", &PublicHttps).unwrap();
        insta::assert_snapshot!(format!("{endpoint:?}"), @"Endpoint(https://push.example/…)");
    }
}
