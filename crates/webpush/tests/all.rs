//! All tests of this crate in one program: they are linked once, and share what they need.

// The helpers of the tests are tests, too.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod adversarial_tokens;
#[cfg(feature = "aesgcm")]
mod aesgcm;
mod answers;
mod batches;
mod bodies;
#[cfg(feature = "aesgcm")]
mod interop_cases;
mod limits;
mod malformed;
mod rfc_vectors;
mod service;
mod values;
mod vapid;

/// Cargo looks for no other file here (`autotests = false`), so one that is not named above would never run.
#[test]
fn every_file_is_a_module() {
    let all = include_str!("all.rs");
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")).unwrap();
    let files = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<_> = files.filter_map(|file| Some(file.strip_suffix(".rs")?.to_owned())).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names.iter().filter(|name| *name != "all") {
        assert!(all.contains(&format!("\nmod {name};\n")), "tests/{name}.rs is not a module of tests/all.rs");
    }
}
