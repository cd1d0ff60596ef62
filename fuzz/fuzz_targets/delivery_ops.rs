//! Any sequence of inputs: every job ends once, nothing unwanted leaves, and a snapshot changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/delivery/tests/model/mod.rs"]
mod model;

fuzz_target!(|script: &[u8]| {
    model::run(script);
});
