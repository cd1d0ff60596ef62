//! Ours beside the peers, in one run on one machine.
//!
//! `cargo run --release --manifest-path benches/Cargo.toml --bin compare -- AREA`
//!
//! Prints a table and, as the last line, one JSON object with the medians in nanoseconds per operation.

mod allocations;
mod areas;
mod arguments;
mod measure;
mod report;

use std::process::ExitCode;

use report::Report;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

/// An area: its name, and what fills the report.
type Area = (&'static str, fn(&mut Report));

const AREAS: &[Area] = &[
    ("apns", areas::apns::compare),
    ("conversation", areas::conversation::compare),
    ("delivery", areas::delivery::compare),
    ("digest", areas::digest::compare),
    ("fcm", areas::fcm::compare),
    ("gateway", areas::gateway::compare),
    ("resume", areas::resume::compare),
    ("vapid", areas::vapid::compare),
    ("webpush", areas::webpush::compare),
];

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some((name, compare)) = AREAS.iter().find(|(area, _)| *area == name) else {
        let known: Vec<_> = AREAS.iter().map(|(area, _)| *area).collect();
        eprintln!("usage: compare AREA, where AREA is one of: {}", known.join(", "));
        return ExitCode::from(2);
    };
    arguments::end(if matches!(*name, "digest" | "gateway") { 3 } else { 1 });
    let mut report = Report::new(name);
    compare(&mut report);
    report.print();
    ExitCode::SUCCESS
}
