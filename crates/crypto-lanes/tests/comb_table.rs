//! The table of multiples of the generator is what its program makes.

// The helpers of the tests are tests, too.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

#[path = "comb_table/program.rs"]
mod program;

#[test]
fn the_table_is_what_its_program_makes() {
    let table: &[u8] = include_bytes!("../src/ifma/comb/table.bin");
    assert!(
        table == program::table(),
        "src/ifma/comb/table.bin differs from what examples/comb_table.rs makes"
    );
}
