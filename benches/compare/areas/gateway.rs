//! The gateway. So far: the writer, from jobs to requests.

mod writer;

use crate::report::Report;

pub fn compare(report: &mut Report) {
    writer::compare(report);
}
