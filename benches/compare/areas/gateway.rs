//! The gateway: events to jobs, jobs to requests. `compare gateway machine`, `writer`, `today` and
//! `worst` do a part.

mod machine;
mod today;
mod worst;
mod writer;

use crate::arguments;
use crate::report::Report;

pub fn compare(report: &mut Report) {
    let part = arguments::word(2, &["writer", "machine", "today", "worst"]);
    let events = arguments::number(3, "events of the log", 100_000);
    let wanted = |name: &str| part.is_none_or(|part| part == name);
    if wanted("writer") {
        writer::compare(report);
    }
    if wanted("machine") {
        machine::compare(report, events);
    }
    if wanted("today") {
        today::compare(report);
    }
    if wanted("worst") {
        worst::compare(report);
    }
}
