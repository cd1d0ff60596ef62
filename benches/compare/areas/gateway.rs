//! The gateway: events to jobs, jobs to requests. `compare gateway machine`, `writer`, `today` and
//! `worst` do a part.

mod machine;
mod today;
mod worst;
mod writer;

use crate::report::Report;

pub fn compare(report: &mut Report) {
    let part = std::env::args().nth(2);
    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    if wanted("writer") {
        writer::compare(report);
    }
    if wanted("machine") {
        machine::compare(report);
    }
    if wanted("today") {
        today::compare(report);
    }
    if wanted("worst") {
        worst::compare(report);
    }
}
