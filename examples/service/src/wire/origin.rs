//! Where connections go, and which of these places are allowed.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use http::Uri;
use reveille_webpush::Endpoint;
use reveille_webpush::target::{EndpointPolicy, PublicHttps, RefusedEndpoint};
use thiserror::Error;

/// Scheme, host and port: what one pool of connections is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// `https`, or `http` where the settings name the origin.
    pub secure: bool,
    /// As in the URI, in lower case, without brackets.
    pub host: Box<str>,
    /// Written or the scheme's own.
    pub port: u16,
}

impl Origin {
    /// The origin of a request; `None` without host, or with another scheme.
    pub fn of(uri: &Uri) -> Option<Self> {
        let secure = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        Some(Self { secure, host: host.to_ascii_lowercase().into(), port })
    }
}

/// As RFC 6454 §6.2 writes it: with the port only where it is not the scheme's own.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.secure { ("https", 443) } else { ("http", 80) };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{open}{}{close}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// Origins beyond the public ones that are allowed by name: push services of one's own, a proxy before Apple's, the local
/// services of a demonstration. What is not named has to be public, in its name and in every address that is connected to.
///
/// ```
/// use reveille_example_service::wire::AllowedOrigins;
/// use reveille_webpush::Endpoint;
///
/// let allowed = AllowedOrigins::new(["http://127.0.0.1:8090"])?;
/// assert!(Endpoint::new("http://127.0.0.1:8090/push/1", &allowed).is_ok());
/// assert!(Endpoint::new("http://127.0.0.1:8091/push/1", &allowed).is_err(), "another port is another service");
/// assert!(Endpoint::new("https://push.example/1", &allowed).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins(BTreeSet<Origin>);

/// A text that is not an origin: the error of [`AllowedOrigins::new`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{given:?} is not an origin like https://push.example:8443")]
pub struct InvalidOrigin {
    /// What was given.
    pub given: String,
}

impl AllowedOrigins {
    /// These, and all that is public.
    ///
    /// # Errors
    /// [`InvalidOrigin`]: it wants scheme, host and nothing behind them.
    pub fn new<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidOrigin> {
        let read = |text: &'a str| {
            let uri: Option<Uri> = text.parse().ok();
            let bare = uri.filter(|uri| uri.path_and_query().is_none_or(|path| path == "/"));
            let bare = bare.filter(|uri| uri.authority().is_some_and(|name| !name.as_str().contains('@')));
            bare.as_ref().and_then(Origin::of).ok_or_else(|| InvalidOrigin { given: text.to_owned() })
        };
        origins.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the settings name it.
    pub fn names(&self, origin: &Origin) -> bool {
        self.0.contains(origin)
    }

    /// Whether a connection for `origin` may go to `address`: asked of the very address that is connected to, so that a
    /// name which resolves to something else than before gains nothing.
    pub(super) fn allows(&self, origin: &Origin, address: IpAddr) -> bool {
        self.names(origin) || PublicHttps.check_address(address).is_ok()
    }
}

impl EndpointPolicy for AllowedOrigins {
    fn check(&self, endpoint: &Endpoint) -> Result<(), RefusedEndpoint> {
        let origin = endpoint.origin().parse::<Uri>().ok().as_ref().and_then(Origin::of);
        match origin {
            Some(origin) if self.names(&origin) && !endpoint.has_credentials() => Ok(()),
            _ => PublicHttps.check(endpoint),
        }
    }
}
