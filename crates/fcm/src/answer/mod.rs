//! What FCM's answers mean: [`classify`].

mod apns_error;
mod body;
mod classify;
mod error_code;

pub use apns_error::ApnsError;
pub use body::{ErrorBody, FieldViolation, Quota};
pub use classify::{classify, classify_response, classify_subscription, classify_subscription_response};
pub use error_code::ErrorCode;
