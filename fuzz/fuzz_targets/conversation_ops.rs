//! Any sequence of inputs: what must hold, holds; see the model.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/conversation/tests/model/mod.rs"]
mod model;

fuzz_target!(|script: &[u8]| {
    model::run(script);
});
