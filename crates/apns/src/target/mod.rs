//! Where a push goes: a device, an app, and the hosts of its environment.

mod app;
mod bundle_id;
mod device_token;
mod endpoints;
mod origin;

pub use app::App;
pub use bundle_id::BundleId;
pub use device_token::DeviceToken;
pub use endpoints::Endpoints;
pub use origin::Origin;

pub(crate) use endpoints::path;
