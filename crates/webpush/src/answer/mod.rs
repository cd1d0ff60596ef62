//! What a push service's answer means.

mod classify;
mod words;

pub use classify::{classify, classify_response};
