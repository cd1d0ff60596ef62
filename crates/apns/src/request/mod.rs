//! From a notification to requests.

mod fan_out;
mod invalid;
mod prepared;

pub use fan_out::FanOut;
pub use invalid::InvalidRequest;
pub use prepared::Prepared;

pub(crate) use prepared::{APNS_EXPIRATION, APNS_ID, APNS_PRIORITY, APNS_PUSH_TYPE, JSON, check_time};
