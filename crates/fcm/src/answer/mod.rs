//! What FCM's answers mean.

mod body;
mod classify;
mod error_code;
mod retry;

pub use body::{ErrorBody, FieldViolation, Quota};
pub use classify::{classify, classify_subscription};
pub use error_code::ErrorCode;
pub use retry::{RETRY_FOR, RETRY_MINIMUM, avoid_quarter_hours, retry_at};

pub(crate) use body::redact;
