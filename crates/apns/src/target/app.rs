//! An app in one environment.

use super::{BundleId, Endpoints};

/// An app in one environment: its bundle id and Apple's hosts. Every request needs one; make it once per app.
///
/// A device token, a channel and a key belong to one environment and are unknown in the other.
///
/// ```
/// use reveille_apns::{App, Endpoints};
/// let app = App::production("com.example.app".parse()?);
/// assert_eq!(app.endpoints(), &Endpoints::production());
/// let local = Endpoints::production().with_device("http://127.0.0.1:8080")?;
/// let in_a_test = App::new("com.example.app".parse()?, local);
/// assert_eq!(in_a_test.bundle_id(), app.bundle_id());
/// # Ok::<(), reveille_apns::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    bundle_id: BundleId,
    endpoints: Endpoints,
}

impl App {
    /// An app at these hosts.
    #[must_use]
    pub const fn new(bundle_id: BundleId, endpoints: Endpoints) -> Self {
        Self { bundle_id, endpoints }
    }

    /// An app from the App Store or TestFlight.
    #[must_use]
    pub fn production(bundle_id: BundleId) -> Self {
        Self::new(bundle_id, Endpoints::production())
    }

    /// An app that was built for development.
    #[must_use]
    pub fn sandbox(bundle_id: BundleId) -> Self {
        Self::new(bundle_id, Endpoints::sandbox())
    }

    /// The bundle id, from which `apns-topic` is made.
    #[must_use]
    pub const fn bundle_id(&self) -> &BundleId {
        &self.bundle_id
    }

    /// Returns the hosts that requests go to.
    #[must_use]
    pub const fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }
}
