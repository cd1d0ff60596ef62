//! The gateway: events to jobs, jobs to requests. `compare gateway machine` and `compare gateway writer` do one of the two.

mod machine;
mod today;
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
}
