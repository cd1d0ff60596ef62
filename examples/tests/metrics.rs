//! What a call that rang has left in the counters of all parts.

#[path = "../metrics/main.rs"]
#[allow(dead_code, reason = "its main prints")]
mod metrics;

#[test]
fn a_call_is_counted_by_every_part() {
    let text = metrics::run().unwrap();
    for line in [
        "reveille_gateway_events_total 1",
        "reveille_gateway_jobs_open 0",
        "reveille_gateway_settled_after_ms_count{kind=\"devices\"} 1",
        "# TYPE reveille_commits_admission_to_commit_ms histogram",
        "reveille_commits_admission_to_commit_ms_bucket{le=\"3\"} 5",
        "reveille_commits_group_inputs_sum 5",
        "reveille_writer_picked_total{kind=\"leg\"} 1",
        "reveille_writer_written_total{kind=\"fcm\"} 1",
        "reveille_writer_answers_total{kind=\"accepted\"} 1",
        "reveille_pacer_verdicts_total{kind=\"1/accepted\"} 1",
        "reveille_pacer_waiting 0",
        "reveille_pacer_attempt_ms_sum{kind=\"1\"} 40",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is missing in:\n{text}");
    }
}
