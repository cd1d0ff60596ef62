//! What a verification ends with: what an authentic token says, and what the client may learn.

pub(crate) mod kinds;

pub use kinds::{Authentic, Claims, ClientAnswer};
