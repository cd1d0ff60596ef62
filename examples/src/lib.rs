//! What several examples share: a clock, and a local push service with a receiver.

pub mod clock;
pub mod local_push;
