//! What happens to a service's state and clocks: one generator for the tests of every type that keeps something.
//!
//! A test asks for a script, keeps a [`Clocks`] and its own copies of the state under test, and applies one
//! [`Adversity`] after the other. What an event means to the type under test is the test's business; the events and
//! how often each comes are the same for all. For what lives from a log ([`reveille_core::Machine`]), [`live`] is such a
//! test already.
//!
//! ```
//! use reveille_core::UnixTime;
//! use reveille_testkit::adversity::{Adversity, Clocks, script};
//!
//! let mut clocks = Clocks::new(UnixTime::from_secs(1_700_000_000), 2);
//! for event in script(7, 100) {
//!     clocks.apply(&event);
//!     if let Adversity::Act { node, choice } = event {
//!         // Call the type under test with `clocks.now(node)`; `choice` says what with.
//!         let _ = (clocks.now(node), choice % 10);
//!     }
//! }
//! ```

mod clocks;
mod event;
mod life;

pub use clocks::Clocks;
pub use event::{Adversity, Snapshot, script};
pub use life::{Lives, live};

/// A script as a proptest strategy: it shrinks to few events, short waits and right clocks.
#[cfg(feature = "adversity")]
pub fn scripts(
    events: impl Into<proptest::collection::SizeRange>,
) -> impl proptest::strategy::Strategy<Value = Vec<Adversity>> {
    use proptest::strategy::Strategy as _;
    let event = (0..1_000_u64, proptest::num::u64::ANY, proptest::num::u64::ANY);
    proptest::collection::vec(event.prop_map(|(kind, a, b)| Adversity::from_draws(kind, a, b)), events)
}
