//! Any sequence of events: records stay whole, and a late drop never hits a token that was registered again.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/registry/tests/model/mod.rs"]
mod model;

fuzz_target!(|script: &[u8]| {
    model::run(script);
});
