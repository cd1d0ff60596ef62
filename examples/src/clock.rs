//! The one place where the examples read the time.

use std::time::{SystemTime, UNIX_EPOCH};

use reveille_core::UnixTime;

/// Now.
pub fn now() -> UnixTime {
    UnixTime::EPOCH + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
