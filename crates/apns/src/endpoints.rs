//! Where requests go: hosts and ports, as data.

use std::fmt;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use crate::InvalidValue;

/// The hosts of one environment. A device token, a channel and a key belong to one of the two, never to both.
///
/// ```
/// use reveille_apns::Endpoints;
/// let production = Endpoints::production();
/// assert_eq!(production.device().as_str(), "api.push.apple.com:443");
/// assert_eq!(production.channels().as_str(), "api-manage-broadcast.push.apple.com:2196");
/// // Where a firewall lets nothing but 2197 through, and for a test:
/// assert_eq!(Endpoints::sandbox().with_port(2197).device().as_str(), "api.sandbox.push.apple.com:2197");
/// assert_eq!(production.with_device("localhost:8443")?.device().as_str(), "localhost:8443");
/// # Ok::<(), reveille_apns::InvalidValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    device: Authority,
    broadcast: Authority,
    channels: Authority,
}

impl Endpoints {
    /// The ports on which the device hosts listen.
    pub const PORTS: [u16; 2] = [443, 2197];
    /// The host for broadcasts that Apple's code samples use, where its text names the device host.
    pub const BROADCAST_PRODUCTION: &'static str = "api-broadcast.push.apple.com:443";
    /// The same for the sandbox.
    pub const BROADCAST_SANDBOX: &'static str = "api-broadcast.sandbox.push.apple.com:443";

    /// Apps from the App Store and TestFlight.
    #[must_use]
    pub fn production() -> Self {
        let device = Authority::from_static("api.push.apple.com:443");
        let channels = Authority::from_static("api-manage-broadcast.push.apple.com:2196");
        Self { broadcast: device.clone(), device, channels }
    }

    /// Apps built for development.
    #[must_use]
    pub fn sandbox() -> Self {
        let device = Authority::from_static("api.sandbox.push.apple.com:443");
        let channels = Authority::from_static("api-manage-broadcast.sandbox.push.apple.com:2195");
        Self { broadcast: device.clone(), device, channels }
    }

    /// The device host on another port: 443 or 2197.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        // A host that was an authority before still is one with a port.
        if let Ok(device) = format!("{}:{port}", self.device.host()).parse() {
            self.device = device;
        }
        self
    }

    /// Another host (and port) for pushes to devices.
    ///
    /// # Errors
    /// [`InvalidValue::Form`] unless it is a host, with or without a port.
    pub fn with_device(mut self, authority: &str) -> Result<Self, InvalidValue> {
        self.device = parse(authority)?;
        Ok(self)
    }

    /// Another host (and port) for broadcasts, for example [`BROADCAST_PRODUCTION`](Self::BROADCAST_PRODUCTION).
    ///
    /// # Errors
    /// [`InvalidValue::Form`] unless it is a host, with or without a port.
    pub fn with_broadcast(mut self, authority: &str) -> Result<Self, InvalidValue> {
        self.broadcast = parse(authority)?;
        Ok(self)
    }

    /// Another host (and port) for managing channels.
    ///
    /// # Errors
    /// [`InvalidValue::Form`] unless it is a host, with or without a port.
    pub fn with_channels(mut self, authority: &str) -> Result<Self, InvalidValue> {
        self.channels = parse(authority)?;
        Ok(self)
    }

    /// Pushes to devices.
    #[must_use]
    pub const fn device(&self) -> &Authority {
        &self.device
    }

    /// Broadcasts to channels.
    #[must_use]
    pub const fn broadcast(&self) -> &Authority {
        &self.broadcast
    }

    /// Managing channels.
    #[must_use]
    pub const fn channels(&self) -> &Authority {
        &self.channels
    }
}

fn parse(authority: &str) -> Result<Authority, InvalidValue> {
    const NOT_A_HOST: InvalidValue =
        InvalidValue::Form { what: "host", expected: "a host with or without a port" };
    let authority: Authority = authority.parse().map_err(|_| NOT_A_HOST)?;
    if authority.as_str().contains('@') { Err(NOT_A_HOST) } else { Ok(authority) }
}

/// `https://authority/path`, without a copy.
pub(crate) fn uri(authority: &Authority, path: PathAndQuery) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTPS);
    parts.authority = Some(authority.clone());
    parts.path_and_query = Some(path);
    // All three parts are there, so this cannot fail.
    Uri::from_parts(parts).unwrap_or_default()
}

/// A path made of checked pieces.
pub(crate) fn path(pieces: fmt::Arguments<'_>) -> PathAndQuery {
    // Bundle ids hold nothing that is special in a path.
    PathAndQuery::from_maybe_shared(pieces.to_string().into_bytes())
        .unwrap_or_else(|_| PathAndQuery::from_static("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_hosts() {
        let sandbox = Endpoints::sandbox();
        assert_eq!(sandbox.device().as_str(), "api.sandbox.push.apple.com:443");
        assert_eq!(sandbox.broadcast(), sandbox.device());
        assert_eq!(sandbox.channels().as_str(), "api-manage-broadcast.sandbox.push.apple.com:2195");
        let other = sandbox.with_broadcast(Endpoints::BROADCAST_SANDBOX).unwrap();
        assert_eq!(other.broadcast().as_str(), "api-broadcast.sandbox.push.apple.com:443");
        assert!(Endpoints::production().with_channels("[::1]:2196").is_ok());
        assert!(Endpoints::production().with_broadcast(Endpoints::BROADCAST_PRODUCTION).is_ok());
    }

    #[test]
    fn not_hosts() {
        for text in ["", "a b", "https://a", "a/b", "user@host"] {
            assert!(Endpoints::production().with_device(text).is_err(), "{text}");
        }
    }
}
