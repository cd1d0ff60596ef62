//! Where a push message goes: the push resource's URL (RFC 8030 §2), and which URLs are acceptable.

mod address;
mod policy;
mod url;

pub use policy::{AllowLoopback, EndpointPolicy, PublicHttps, RefusedEndpoint};
pub use url::{Endpoint, InvalidEndpoint};
