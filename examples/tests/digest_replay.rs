//! `pushtool digest replay`, the program itself: a committed script and all of its output, and what it says to bad input.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn pushtool() -> Command {
    // Tests are in `deps`, examples beside it; `cargo test` builds both.
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(format!("examples/pushtool{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: cargo build --example pushtool", path.display());
    let mut command = Command::new(path);
    command.args(["digest", "replay"]);
    command
}

/// The output, and whether the exit status was that of success.
fn replay(script: &[u8]) -> (String, bool) {
    let mut child = pushtool().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let script = script.to_vec();
    // It may end before it has read all.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&script)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.success())
}

fn lines(script: &[&str]) -> (String, bool) {
    replay(script.join("\n").as_bytes())
}

#[test]
fn a_day_comes_out_line_by_line() {
    let (out, ok) = replay(include_bytes!("digest_replay/day.jsonl"));
    let expected = include_str!("digest_replay/day.out.jsonl");
    for (number, (line, expected)) in (1..).zip(out.lines().zip(expected.lines())) {
        assert_eq!(line, expected, "line {number} of the output");
    }
    assert_eq!(out.lines().count(), expected.lines().count());
    assert!(!ok, "one line of the script is an answer that comes twice");
}

const MESSAGE: &str = r#"{"at_ms":5,"recipient":"a","conversation":"c","event":"message"}"#;
const SUMS: &str =
    r#""duplicate":0,"events":1,"expired":0,"merged":0,"notified":1,"output":"explain","pending":0"#;

/// What a bad line between two good ones gives; the good ones are done all the same.
fn complaint(line: &str) -> String {
    let (out, ok) = lines(&["{}", MESSAGE, "", line]);
    assert!(!ok && out.contains(SUMS), "{out}");
    out.lines().next().unwrap().to_owned()
}

#[test]
fn a_bad_line_is_named_and_the_run_goes_on() {
    let tick = |more: &str| format!(r#"{{"at_ms":6,{more}}}"#);
    let cases = [
        ("{\"at_ms\":", "json", "EOF while parsing a value at column 9"),
        ("[6,null,null,\"tick\"]", "json", "line is not a JSON object"),
        ("{\"event\":\"tick\"}", "json", "missing field `at_ms` at column 16"),
        (
            &tick(r#""event":"tock""#),
            "json",
            "unknown variant `tock`, expected one of `message`, `read`, \
            `cancel`, `delivered`, `failed`, `pause`, `resume`, `tick` at column 25",
        ),
        (
            &tick(r#""event":"tick","recipent":"a""#),
            "json",
            "unknown field `recipent`, expected one of `at_ms`, \
            `recipient`, `conversation`, `event`, `id`, `seq`, `actor`, `kind`, `class`, `urgent`, `rank`, `bytes`, \
            `payload`, `generation` at column 36",
        ),
        (
            r#"{"at_ms":4,"event":"tick"}"#,
            "time",
            "at_ms 4 is before 5 of an earlier line: sort the lines by time",
        ),
        (&tick(r#""event":"message","conversation":"c""#), "field", "recipient is missing"),
        (&tick(r#""event":"message","recipient":"a""#), "field", "conversation is missing"),
        (&tick(r#""event":"read","recipient":"a","conversation":"c""#), "field", "seq is missing"),
        (&tick(r#""event":"failed","recipient":"a","conversation":"c""#), "field", "generation is missing"),
        (
            &tick(r#""event":"failed","recipient":"a","conversation":"c","generation":7"#),
            "generation",
            "no such generation is in flight",
        ),
        (
            &tick(r#""event":"cancel","recipient":"a","conversation":"c","id":"m","kind":1"#),
            "field",
            "cancel by id or by kind, not by both",
        ),
    ];
    for (line, kind, message) in cases {
        let expected = serde_json::json!({"error": {"kind": kind, "line": 4, "message": message}});
        assert_eq!(complaint(line), expected.to_string(), "{line}");
    }
    let (out, ok) = replay(&[b"{}\n", MESSAGE.as_bytes(), b"\n\xff\n"].concat());
    assert!(
        out.starts_with(r#"{"error":{"kind":"json","line":3,"message":"line is not UTF-8"}}"#) && !ok,
        "{out}"
    );
}

/// The events mean nothing without it: one complaint, not one for each of them.
#[test]
fn a_bad_policy_ends_the_run() {
    let hint = "(the first line is the policy, {} for the default)";
    let cases = [
        ("{", format!("EOF while parsing an object at column 1 {hint}")),
        (
            r#"{"windw":1}"#,
            format!(
                "unknown field `windw`, expected one of `window`, `leading`, `max_items`, \
            `max_bytes`, `collect`, `keep`, `actors`, `urgent`, `refractory`, `reminders_ms`, `dedup_ms`, \
            `ack_timeout_ms`, `attempts`, `useful_for_ms`, `spread_ms`, `remember_ms`, `seed`, `quiet` at column 8 \
            {hint}"
            ),
        ),
        (r#"{"actors":0}"#, "policy.actors is 0: it must be from 1 to 255".to_owned()),
        (r#"{"seed":"AAAA"}"#, "seed must be 16 bytes".to_owned()),
        (r#"{"quiet":[{"from_ms":2,"until_ms":2}]}"#, "quiet: from_ms 2 is not before until_ms 2".to_owned()),
    ];
    for (line, message) in cases {
        let expected = serde_json::json!({"error": {"kind": "policy", "line": 1, "message": message}});
        assert_eq!(lines(&[line, MESSAGE, MESSAGE]), (format!("{expected}\n"), false), "{line}");
    }
    let none = r#"{"error":{"kind":"policy","message":"there is no line; the first one is the policy, {} for the default"}}"#;
    assert_eq!(lines(&["", " "]), (format!("{none}\n"), false));
}

#[test]
fn the_end_of_time_is_not_an_endless_run() {
    let line = MESSAGE.replace(":5,", &format!(":{},", u64::MAX));
    let (out, ok) = lines(&["{}", &line]);
    assert!(ok && out.contains(r#""pending":1"#), "{out}");
}

/// What cannot be read ends the run, instead of an error for ever.
#[cfg(unix)]
#[test]
fn a_directory_is_no_script() {
    let directory = std::fs::File::open(env!("CARGO_MANIFEST_DIR")).unwrap();
    let output = pushtool().stdin(directory).output().unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.starts_with(br#"{"error":{"kind":"io","line":1,"#), "{output:?}");
}

/// A log as a service writes it: the outputs come at the times of its inputs, and what a crash cut off is said.
#[test]
fn a_log_is_played_again() {
    use reveille_core::UnixTime;
    use reveille_core::log::{Snapshot as _, log_append, log_head};
    use reveille_digest::snapshot::Codec as _;
    use reveille_digest::{Engine, Event, EventId, Host, Input, Policy};

    struct Production;
    impl Host for Production {
        type Key = (String, String);
        type Payload = Vec<u8>;
        type Fold = ();
        type Calendar = String;
    }

    let key = ("ada".to_owned(), "c1".to_owned());
    let mut policy = Policy::default();
    policy.ack_timeout = None;
    let inputs: [(u64, Input<Production>); 4] = [
        (0, Input::Policy(policy)),
        (1_000, Input::Event(Event::new(key.clone(), EventId(1), b"one".to_vec()))),
        (9_000, Input::Event(Event::new(key, EventId(2), b"two".to_vec()))),
        (31_000, Input::Tick),
    ];
    let mut log = Vec::new();
    log_head(&mut log, Engine::<Production>::BEHAVIOUR);
    for ((at, input), number) in inputs.iter().zip(1..) {
        let mut bytes = Vec::new();
        input.encode(&mut bytes);
        log_append(&mut log, number, UnixTime::from_millis(*at), &bytes);
    }
    let (out, ok) = replay(&log);
    let notify: serde_json::Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&notify["at_ms"], &notify["output"], &notify["total"]),
        (&31_000.into(), &"notify".into(), &2.into())
    );
    assert!(ok && out.lines().count() == 2);
    let (out, ok) = replay(&log[..log.len() - 1]);
    assert!(!ok && out.contains("entry 4 is damaged, or was not written to its end"), "{out}");
}
