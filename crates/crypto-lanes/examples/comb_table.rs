//! Makes the table of multiples of the generator: `cargo run -p reveille-crypto-lanes --example comb_table > crates/crypto-lanes/src/ifma/comb/table.bin`.
//!
//! Only p256 and num-bigint are at work here, nothing of the crate that uses the table; `tests/comb_table.rs` makes it again and
//! compares.

#![allow(clippy::indexing_slicing, reason = "a program that is run once")]

use std::io::Write as _;

#[path = "../tests/comb_table/program.rs"]
mod program;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(&program::table())
}
