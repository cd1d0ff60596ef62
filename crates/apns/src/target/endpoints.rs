//! Where requests go: hosts and ports, as data.

use std::fmt;

use http::uri::PathAndQuery;

use super::Origin;
use crate::InvalidValue;

/// The hosts of one environment, production or sandbox, for [`App::new`](crate::App::new). A device token, a channel
/// and a key belong to one of the two, never to both.
///
/// ```
/// use reveille_apns::Endpoints;
/// let production = Endpoints::production();
/// assert_eq!(production.device().authority(), "api.push.apple.com:443");
/// assert_eq!(production.channels().authority(), "api-manage-broadcast.push.apple.com:2196");
/// // Where a firewall lets nothing but 2197 through, and for a test:
/// assert_eq!(Endpoints::sandbox().with_port(2197)?.device().authority(), "api.sandbox.push.apple.com:2197");
/// assert_eq!(production.with_device("http://localhost:8080")?.device().to_string(), "http://localhost:8080");
/// # Ok::<(), reveille_apns::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    device: Origin,
    broadcast: Origin,
    channels: Origin,
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
        let device = Origin::apple("api.push.apple.com:443");
        let channels = Origin::apple("api-manage-broadcast.push.apple.com:2196");
        Self { broadcast: device.clone(), device, channels }
    }

    /// Returns the hosts for apps that are built for development.
    #[must_use]
    pub fn sandbox() -> Self {
        let device = Origin::apple("api.sandbox.push.apple.com:443");
        let channels = Origin::apple("api-manage-broadcast.sandbox.push.apple.com:2195");
        Self { broadcast: device.clone(), device, channels }
    }

    /// The device host on another port: Apple listens on 443 and 2197.
    ///
    /// # Errors
    /// [`InvalidValue::Form`] if host and port together are no authority.
    pub fn with_port(mut self, port: u16) -> Result<Self, InvalidValue> {
        self.device = self.device.with_port(port)?;
        Ok(self)
    }

    /// Another host for pushes to devices: `host`, `host:port`, `https://host:port`, or `http://` on loopback.
    ///
    /// # Errors
    /// [`InvalidValue::Form`] for anything else.
    pub fn with_device(mut self, origin: &str) -> Result<Self, InvalidValue> {
        self.device = origin.parse()?;
        Ok(self)
    }

    /// Another host for broadcasts, for example [`BROADCAST_PRODUCTION`](Self::BROADCAST_PRODUCTION); in the forms of
    /// [`with_device`](Self::with_device).
    ///
    /// # Errors
    /// [`InvalidValue::Form`] for anything else.
    pub fn with_broadcast(mut self, origin: &str) -> Result<Self, InvalidValue> {
        self.broadcast = origin.parse()?;
        Ok(self)
    }

    /// Another host for managing channels; in the forms of [`with_device`](Self::with_device).
    ///
    /// # Errors
    /// [`InvalidValue::Form`] for anything else.
    pub fn with_channels(mut self, origin: &str) -> Result<Self, InvalidValue> {
        self.channels = origin.parse()?;
        Ok(self)
    }

    /// Where pushes to devices go.
    #[must_use]
    pub const fn device(&self) -> &Origin {
        &self.device
    }

    /// Where broadcasts to channels go.
    #[must_use]
    pub const fn broadcast(&self) -> &Origin {
        &self.broadcast
    }

    /// Returns the server on which channels are managed.
    #[must_use]
    pub const fn channels(&self) -> &Origin {
        &self.channels
    }
}

/// A path made of checked pieces.
pub(crate) fn path(pieces: fmt::Arguments<'_>) -> Result<PathAndQuery, InvalidValue> {
    PathAndQuery::from_maybe_shared(pieces.to_string().into_bytes())
        .map_err(|_| InvalidValue::Form { what: ":path", expected: "a path" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_hosts() {
        let sandbox = Endpoints::sandbox();
        assert_eq!(sandbox.device().authority(), "api.sandbox.push.apple.com:443");
        assert_eq!(sandbox.broadcast(), sandbox.device());
        assert_eq!(sandbox.channels().authority(), "api-manage-broadcast.sandbox.push.apple.com:2195");
        let other = sandbox.with_broadcast(Endpoints::BROADCAST_SANDBOX).unwrap();
        assert_eq!(other.broadcast().authority(), "api-broadcast.sandbox.push.apple.com:443");
        assert!(Endpoints::production().with_channels("[::1]:2196").is_ok());
        assert!(Endpoints::production().with_broadcast(Endpoints::BROADCAST_PRODUCTION).is_ok());
    }

    #[test]
    fn a_port_keeps_scheme_and_host() {
        let local = Endpoints::production().with_device("http://[::1]").unwrap().with_port(2197).unwrap();
        assert_eq!(local.device().to_string(), "http://[::1]:2197");
    }
}
