//! `pushtool gateway replay` and `pushtool simulate`, the program itself.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

fn pushtool(arguments: &[&str]) -> (Vec<Value>, Option<i32>) {
    // Tests are in `deps`, examples beside it; `cargo test` builds both.
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(format!("examples/pushtool{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: cargo build --example pushtool", path.display());
    let output = Command::new(path).args(arguments).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output.status.code())
}

/// The log of a chat and a call, of today's behaviour: `crates/gateway/tests/samples.rs` wrote it.
fn log() -> String {
    let behaviour = <reveille_gateway::Gateway as reveille_core::log::Snapshot>::BEHAVIOUR;
    format!("{}/../crates/gateway/tests/data/behaviour-{behaviour}.log", env!("CARGO_MANIFEST_DIR"))
}
/// Sixteen bytes of 7.
const SEED: &str = "BwcHBwcHBwcHBwcHBwcHBw";

fn of<'a>(lines: &'a [Value], output: &str, kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["output"] == output && line["kind"] == kind).collect()
}

#[test]
fn a_log_gives_its_outputs_again() {
    let (lines, status) = pushtool(&["gateway", "replay", &log(), "--seed", SEED]);
    assert_eq!(status, Some(0), "{:?}", lines.last());
    // Two agents with two devices each.
    let rings = of(&lines, "send", "incoming_call").into_iter().filter(|line| line["takes_back"] == false);
    assert_eq!(rings.count(), 4);
    assert!(!of(&lines, "send", "new_message").is_empty());
    assert!(lines.iter().any(|line| line["output"] == "settled" && line["fate"] == "accepted"));
    assert!(lines.windows(2).all(|two| two[0]["at_ms"].as_u64() <= two[1]["at_ms"].as_u64()));
}

#[test]
fn other_rules_would_have_told_nobody_of_messages() {
    let rules = std::env::temp_dir().join(format!("reveille-rules-{}.toml", std::process::id()));
    std::fs::write(&rules, "[messages]\nvisitor = false\nprimary = false\nsecondary = false\n").unwrap();
    let rules_path = rules.to_str().unwrap();
    let (lines, status) = pushtool(&["gateway", "replay", &log(), "--seed", SEED, "--rules", rules_path]);
    std::fs::remove_file(&rules).unwrap();
    assert_eq!(status, Some(0), "{:?}", lines.last());
    // The announcement is no message of a participant.
    let messages = of(&lines, "send", "new_message");
    assert!(!messages.is_empty() && messages.iter().all(|line| line["conversation"] == "at-news"));
    let rings = of(&lines, "send", "incoming_call").into_iter().filter(|line| line["takes_back"] == false);
    assert_eq!(rings.count(), 4, "calls ring as they did");
}

#[test]
fn with_another_seed_it_is_another_shard() {
    let (lines, status) = pushtool(&["gateway", "replay", &log()]);
    assert_eq!((status, &lines.last().unwrap()["error"]["kind"]), (Some(1), &Value::from("log")));
}

#[test]
fn bad_arguments() {
    let bad: [&[&str]; 6] = [
        &["gateway", "replay"],
        &["gateway", "replay", "no-such-file"],
        &["gateway", "replay", &log(), "--seed", "AAAA"],
        &["gateway", "replay", &log(), "--loud"],
        &["simulate", "--faults", "many"],
        &["simulate", "--seed"],
    ];
    for arguments in bad {
        assert_eq!(pushtool(arguments), (vec![], Some(2)), "{arguments:?}");
    }
}

#[test]
fn a_simulation_is_one_line_and_the_same_again() {
    let arguments = ["simulate", "--seed", "3", "--events", "120", "--recipients", "6", "--faults", "hell"];
    let (lines, status) = pushtool(&arguments);
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(status, Some(0), "{line}");
    for (name, expected) in
        [("seed", 3), ("events", 120), ("lost", 0), ("rung_after_cancel", 0), ("duplicates", 0)]
    {
        assert_eq!(line[name], expected, "{name}");
    }
    assert!(line["notified"].as_u64() > Some(50) && line["suppressed"].is_object());
    assert!(line["fallback"].is_u64() && line["dead_lettered"].is_u64());
    assert_eq!(line["fingerprint"].as_str().map(str::len), Some(16));
    assert_eq!(pushtool(&arguments).0, lines);
}
