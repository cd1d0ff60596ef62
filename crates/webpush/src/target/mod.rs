//! Where a push message goes: the subscription, its push resource's URL (RFC 8030 §2), and which URLs are acceptable.

mod address;
mod endpoint;
mod json;
mod policy;
mod stored;
mod subscription;

pub use endpoint::{Endpoint, InvalidEndpoint};
pub(crate) use policy::is_local_name;
pub use policy::{AllowLoopback, EndpointPolicy, PublicHttps, RefusedEndpoint};
pub use stored::StoredSubscription;
pub use subscription::{AUTH_SECRET_LEN, InvalidSubscription, Subscription};
