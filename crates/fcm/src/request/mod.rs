//! From a message to an [`http::Request`].

mod fan_out;
mod prepared;
mod project;
mod send_request;

pub use fan_out::FanOut;
pub use prepared::{PrepareError, Prepared};
pub use project::{InvalidProject, Project};
pub use send_request::SendRequest;

pub(crate) use project::{is_safe, is_safe_origin};
