//! Any sequence of operations: the engine does what the naive model does.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/digest/tests/model/mod.rs"]
mod model;

fuzz_target!(|script: &[u8]| {
    model::drive::run(script);
});
