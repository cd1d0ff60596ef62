//! `pushtool gateway replay` and `pushtool simulate`, the program itself.

use std::path::PathBuf;
use std::process::Command;

use reveille_conversation::rules::Rules;
use reveille_core::log::{LogEntries, Snapshot as _, log_append, log_head};
use reveille_gateway::{Gateway, GatewaySettings, Seed, Shard};
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
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/gateway/tests/data");
    format!("{folder}/behaviour-{}.log", Gateway::BEHAVIOUR)
}
/// Sixteen bytes of 7.
const SEED: &str = "BwcHBwcHBwcHBwcHBwcHBw";

fn of<'a>(lines: &'a [Value], output: &str, kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["output"] == output && line["kind"] == kind).collect()
}

/// The first call of the log rings for two agents with two devices each.
fn rings(lines: &[Value]) -> usize {
    let rings = of(lines, "send", "incoming_call").into_iter();
    rings.filter(|line| line["takes_back"] == false && line["conversation"] == "call").count()
}

#[test]
fn a_log_gives_its_outputs_again() {
    let (lines, status) = pushtool(&["gateway", "replay", &log(), "--seed", SEED]);
    assert_eq!(status, Some(0), "{:?}", lines.last());
    assert_eq!(rings(&lines), 4);
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
    // Announcements are no messages of a participant.
    let announced = |line: &&Value| line["conversation"].as_str().is_some_and(|id| id.starts_with("at-"));
    let messages = of(&lines, "send", "new_message");
    assert!(!messages.is_empty() && messages.iter().all(announced));
    assert_eq!(rings(&lines), 4, "calls ring as they did");
}

/// A file for one test.
fn file(name: &str, bytes: &[u8]) -> String {
    let path = std::env::temp_dir().join(format!("reveille-replay-{}-{name}", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Half of the log, as a snapshot, and the other half, as a log that was cut behind it.
fn halves() -> (Vec<u8>, Vec<u8>, u64) {
    let log = std::fs::read(log()).unwrap();
    let seed = Seed::new([7; 16]);
    let gateway = Gateway::new(Rules::default(), GatewaySettings::default(), seed).unwrap();
    let (mut shard, mut snapshot, mut rest) = (Shard::new(gateway), Vec::new(), Vec::new());
    log_head(&mut rest, Gateway::BEHAVIOUR);
    let entries: Vec<_> = LogEntries::new(&log, Gateway::BEHAVIOUR).unwrap().collect();
    let (before, after) = entries.split_at(entries.len() / 2);
    before.iter().for_each(|entry| shard.replay(entry).unwrap().for_each(drop));
    shard.snapshot(&mut snapshot);
    after.iter().for_each(|entry| log_append(&mut rest, entry.number, entry.now, entry.input));
    (snapshot, rest, shard.next_number())
}

#[test]
fn from_a_snapshot_on_it_is_the_same() {
    let (snapshot, rest, first) = halves();
    let (snapshot, rest) = (file("snapshot", &snapshot), file("rest", &rest));
    let whole = pushtool(&["gateway", "replay", &log(), "--seed", SEED]).0;
    let (before, later): (Vec<_>, Vec<_>) =
        whole.into_iter().partition(|line| line["input"].as_u64() < Some(first));
    // What left at once for a question of before is not listed.
    let asked: Vec<_> =
        before.iter().filter(|line| line["output"] == "devices").map(|line| &line["job"]).collect();
    let rest_of = |lines: Vec<Value>| -> Vec<Value> {
        lines.into_iter().filter(|line| line["output"] != "send" || !asked.contains(&&line["job"])).collect()
    };
    let later = rest_of(later);
    assert!(later.len() > 10 && !before.is_empty());
    for log in [&rest, &log()] {
        let (lines, status) = pushtool(&["gateway", "replay", log, "--seed", SEED, "--snapshot", &snapshot]);
        assert_eq!(status, Some(0), "{:?}", lines.last());
        assert_eq!(rest_of(lines), later);
    }
    // Without the snapshot its beginning is missing, and something else is none.
    let (lines, status) = pushtool(&["gateway", "replay", &rest, "--seed", SEED]);
    assert_eq!((lines.len(), status), (1, Some(1)), "{lines:?}");
    let (lines, _) = pushtool(&["gateway", "replay", &rest, "--seed", SEED, "--snapshot", &rest]);
    assert_eq!(lines[0]["error"]["kind"], "snapshot");
    // Other rules go on from there, too.
    let rules = file("none", b"[messages]\nvisitor = false\nprimary = false\nsecondary = false\n");
    let arguments = ["gateway", "replay", &rest, "--seed", SEED, "--snapshot", &snapshot, "--rules", &rules];
    assert_eq!(pushtool(&arguments).1, Some(0));
    for path in [snapshot, rest, rules] {
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_damaged_log_is_an_error_that_names_the_entry() {
    let whole = std::fs::read(log()).unwrap();
    let mut entries = LogEntries::new(&whole, Gateway::BEHAVIOUR).unwrap();
    let entry = entries.by_ref().nth(9).unwrap();
    let (begins, next) = (entries.valid_len(), entries.next().unwrap().number);
    let (mut flipped, mut cut) = (whole.clone(), whole.clone());
    flipped[begins + 20] ^= 1;
    cut.truncate(begins + 20);
    for (name, bytes) in [("flipped", flipped), ("cut", cut)] {
        let path = file(name, &bytes);
        let (lines, status) = pushtool(&["gateway", "replay", &path, "--seed", SEED]);
        let message = lines.last().unwrap()["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("entry {next} is damaged")), "{message}");
        assert_eq!((status, lines.len() > 1), (Some(1), true), "all before entry {next} comes first");
        assert!(lines.iter().all(|line| line["input"].as_u64() <= Some(entry.number + 100)));
        // The same with other rules.
        let rules = file(&format!("{name}-rules"), b"");
        assert_eq!(pushtool(&["gateway", "replay", &path, "--seed", SEED, "--rules", &rules]).1, Some(1));
        std::fs::remove_file(rules).unwrap();
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn other_settings_would_have_told_sooner() {
    let at = |arguments: &[&str]| {
        let (lines, status) = pushtool(&[&["gateway", "replay", &log(), "--seed", SEED], arguments].concat());
        assert_eq!(status, Some(0), "{:?}", lines.last());
        let sent = of(&lines, "send", "new_message");
        sent.iter().filter(|line| line["conversation"] != "at-news").map(|line| line["at_ms"].as_u64()).min()
    };
    let soon = file(
        "soon",
        br#"{"digests":{"window":{"fixed":{"wait_ms":1000}}},"fallbacks":{"new_message":"email"}}"#,
    );
    let (as_it_was, sooner) = (at(&[]).unwrap(), at(&["--settings", &soon]).unwrap());
    assert_eq!(as_it_was.unwrap() - sooner.unwrap(), 29_000);
    let bad = file("bad", br#"{"digests":{"seed":"AAAA"}}"#);
    for path in [&bad, "no-such-file"] {
        assert_eq!(pushtool(&["gateway", "replay", &log(), "--settings", path]), (vec![], Some(2)));
    }
    for path in [soon, bad] {
        std::fs::remove_file(path).unwrap();
    }
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
