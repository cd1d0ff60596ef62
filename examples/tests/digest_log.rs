//! The log of the README of `reveille-digest`, written by the code that stands there, and played again by the commands that
//! stand in `docs/durability.md`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What the README's code leaves: a log, a snapshot, and the notification that went out.
struct Left {
    log: Vec<u8>,
    snapshot: Vec<u8>,
    collapse_id: String,
    generation: u64,
}

fn service() -> Result<Left, Box<dyn Error>> {
    // begin
    use reveille_core::UnixTime;
    use reveille_core::log::{LogEntries, Logged, Snapshot, log_append, log_head};
    use reveille_digest::catch_up::CatchUp;
    use reveille_digest::snapshot::Codec;
    use reveille_digest::{Engine, Event, EventId, Host, Input, Limits, Output, Policy, Seed};

    struct Chat;
    impl Host for Chat {
        type Key = (String, String); // recipient and conversation
        type Payload = String;
        type Fold = ();
        type Calendar = String;
    }

    type Logging<'a> = (&'a mut Logged<Engine<Chat>>, &'a mut Vec<u8>);
    let commit = |(logged, log): Logging<'_>, input: Input<Chat>, now| {
        let (number, mut bytes) = (logged.next_number(), Vec::new());
        input.encode(&mut bytes);
        log_append(log, number, now, &bytes); // 2. append; commit (fsync); acknowledge the source
        logged.apply(number, input, now).map(Vec::from_iter) // 3. apply, drain; the outputs may go
    };

    let (at, seed) = (UnixTime::from_secs, Seed::new([7; 16]));
    let mut logged = Logged::new(Engine::new(Chat, Policy::default(), Limits::default(), seed)?);
    let mut log = Vec::new();
    log_head(&mut log, Engine::<Chat>::BEHAVIOUR);
    for first in [Input::Policy(Policy::default()), Input::Limits(Limits::default())] {
        commit((&mut logged, &mut log), first, at(0))?;
    }

    let mut snapshot = Vec::new();
    for (second, text) in [(100, "Hello"), (110, "Are you there?")] {
        let key = ("ada".to_owned(), "c1".to_owned());
        let event = Event::new(key, EventId(second.into()), text.to_owned());
        logged.machine().admits(&event.key)?; // 1. admit, or answer 429
        let outputs = commit((&mut logged, &mut log), Input::Event(event), at(second))?;
        assert!(outputs.is_empty());
        if second == 100 {
            logged.snapshot(&mut snapshot); // between two inputs: what comes after it is its tail
        }
    }

    // kill -9. The snapshot, then the tail of the log; then what is overdue.
    let mut again = Logged::<Engine<Chat>>::restore((Chat, seed), &snapshot)?;
    let mut once_more = Vec::new();
    for entry in LogEntries::new(&log, Engine::<Chat>::BEHAVIOUR)? {
        if entry.number > again.applied() {
            let input = Input::decode(&mut &*entry.input).ok_or("an input of another version")?;
            // Under their old names: let those go again of which nobody knows that they left.
            once_more.extend(again.apply(entry.number, input, entry.now)?);
        }
    }
    assert!(once_more.is_empty(), "nothing had left");
    let outputs = commit((&mut again, &mut log), Input::Recovered(CatchUp::default()), at(500))?;
    let [Output::Notify(notify)] = &outputs[..] else { return Err("one notification".into()) };
    assert_eq!(notify.summary.total, 2);
    // end
    let (collapse_id, generation) = (notify.collapse_id.to_string(), notify.generation.to_bits());
    Ok(Left { log, snapshot, collapse_id, generation })
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

#[test]
fn the_readme_has_these_lines() {
    let source = include_str!("digest_log.rs");
    let (_, rest) = source.split_once("    // begin\n").unwrap();
    let (code, _) = rest.split_once("    // end\n").unwrap();
    let code: Vec<_> = code.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    assert!(
        read("crates/digest/README.md").contains(&format!("```\n{}\n# Ok::", code.join("\n"))),
        "the README's log is written by other code:\n{}",
        code.join("\n")
    );
}

/// In a folder of its own, with what the service left there.
fn in_folder<T>(test: &str, run: impl FnOnce(&Path, &Left) -> T) -> T {
    let folder = std::env::temp_dir().join(format!("reveille-digest-log-{}-{test}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let left = service().unwrap();
    std::fs::write(folder.join("service.log"), &left.log).unwrap();
    std::fs::write(folder.join("service.snapshot"), &left.snapshot).unwrap();
    let done = run(&folder, &left);
    std::fs::remove_dir_all(&folder).unwrap();
    done
}

fn pushtool(folder: &Path, arguments: &[&str]) -> (Vec<Value>, Option<i32>) {
    // Tests are in `deps`, examples beside it; `cargo test` builds both.
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(format!("examples/pushtool{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: cargo build --example pushtool", path.display());
    let output = Command::new(path).current_dir(folder).args(arguments).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output.status.code())
}

const SEED: &str = "07070707070707070707070707070707";

#[test]
fn the_documented_commands_play_it_again() {
    let document = read("docs/durability.md");
    let commands =
        document.lines().filter_map(|line| line.strip_prefix("cargo run --release --example pushtool -- "));
    let commands: Vec<Vec<_>> = commands.map(|command| command.split(' ').collect()).collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    in_folder("commands", |folder, left| {
        for command in commands {
            let (lines, status) = pushtool(folder, &command);
            let [notify, sums] = lines.as_slice() else { panic!("{lines:?}") };
            assert_eq!(status, Some(0));
            assert_eq!((&notify["at_ms"], &notify["total"]), (&500_000.into(), &2.into()), "{command:?}");
            assert_eq!(notify["collapse_id"], left.collapse_id, "{command:?}");
            assert_eq!(notify["generation"], left.generation, "{command:?}");
            assert_eq!((&sums["events"], &sums["notified"]), (&2.into(), &1.into()));
        }
    });
}

/// What is wrong, in words, behind all that came before it.
fn complaint(folder: &Path, arguments: &[&str]) -> (String, String, usize) {
    let (lines, status) = pushtool(folder, &[&["digest", "replay"], arguments].concat());
    assert_eq!(status, Some(1), "{lines:?}");
    let error = &lines.last().unwrap()["error"];
    let text = |name: &str| error[name].as_str().unwrap().to_owned();
    (text("kind"), text("message"), lines.len() - 1)
}

#[test]
fn a_snapshot_is_of_one_seed_and_of_one_log() {
    in_folder("seed", |folder, left| {
        let other = "00000000000000000000000000000001";
        let expected = "the snapshot was made with another seed: give the service's own with --seed";
        for seed in [&["--seed", other][..], &[]] {
            let arguments = [&["service.log", "--snapshot", "service.snapshot"], seed].concat();
            assert_eq!(complaint(folder, &arguments), ("snapshot".to_owned(), expected.to_owned(), 0));
        }
        // Without a snapshot nobody can tell, and the names are others.
        let (lines, status) = pushtool(folder, &["digest", "replay", "service.log", "--seed", other]);
        assert_eq!((status, &lines[0]["total"]), (Some(0), &2.into()));
        assert_ne!(lines[0]["collapse_id"], left.collapse_id);
        // The same in the other form.
        let arguments = ["service.log", "--snapshot", "service.snapshot", "--seed", "BwcHBwcHBwcHBwcHBwcHBw"];
        let (lines, status) = pushtool(folder, &[&["digest", "replay"], &arguments[..]].concat());
        assert_eq!((status, &lines[0]["collapse_id"]), (Some(0), &left.collapse_id.clone().into()));

        let of = |path| ["service.log", "--seed", SEED, "--snapshot", path];
        let said = complaint(folder, &of("service.log"));
        assert_eq!((said.0.as_str(), said.1.as_str()), ("snapshot", "this is not a snapshot"));
        let mut damaged = left.snapshot.clone();
        damaged[60] ^= 1;
        std::fs::write(folder.join("damaged"), damaged).unwrap();
        assert_eq!(complaint(folder, &of("damaged")).1, "the snapshot is damaged");
    });
}

#[test]
fn a_log_that_was_cut_behind_a_snapshot_needs_it() {
    use reveille_core::log::{LogEntries, Snapshot as _, log_append, log_head};
    use reveille_digest::{Engine, Plain};
    const BEHAVIOUR: u32 = Engine::<Plain<u64>>::BEHAVIOUR;
    in_folder("tail", |folder, left| {
        let mut tail = Vec::new();
        log_head(&mut tail, BEHAVIOUR);
        for entry in LogEntries::new(&left.log, BEHAVIOUR).unwrap().skip(3) {
            log_append(&mut tail, entry.number, entry.now, entry.input);
        }
        std::fs::write(folder.join("tail"), &tail).unwrap();
        let arguments = ["digest", "replay", "tail", "--seed", SEED, "--snapshot", "service.snapshot"];
        let (lines, status) = pushtool(folder, &arguments);
        assert_eq!((status, &lines[0]["collapse_id"]), (Some(0), &left.collapse_id.clone().into()));
        let said = complaint(folder, &["tail", "--seed", SEED]);
        let expected = "entry 4 of the log is not the next one: that is 1: give the snapshot behind which the log was \
                        cut, with --snapshot";
        assert_eq!((said.0.as_str(), said.1.as_str()), ("log", expected));
    });
}

#[test]
fn a_damaged_or_cut_log_is_an_error_that_names_the_entry() {
    in_folder("damage", |folder, left| {
        let last = left.log.len() - 1;
        let (mut flipped, cut) = (left.log.clone(), &left.log[..last]);
        flipped[last] ^= 1;
        for bytes in [&flipped, cut] {
            std::fs::write(folder.join("damaged"), bytes).unwrap();
            for more in [&["--snapshot", "service.snapshot"][..], &[]] {
                let said = complaint(folder, &[&["damaged", "--seed", SEED], more].concat());
                assert!(
                    said.1.starts_with("entry 5 is damaged, or was not written to its end; "),
                    "{}",
                    said.1
                );
                assert_eq!((said.0.as_str(), said.2), ("log", 1), "the sums of what is before it");
            }
        }
        std::fs::write(folder.join("head"), &left.log[..8 + 9]).unwrap();
        assert!(complaint(folder, &["head"]).1.starts_with("the first entry is damaged"));
    });
}

/// A log whose host is never quiet by itself, with who is paused in the calendar: the tool knows what its lines mean.
#[test]
fn the_calendar_names_who_is_paused() {
    use reveille_core::UnixTime;
    use reveille_core::log::{Snapshot as _, log_append, log_head};
    use reveille_digest::catch_up::Rate;
    use reveille_digest::snapshot::Codec as _;
    use reveille_digest::{Engine, Event, EventId, Host, Input};

    struct Chat;
    impl Host for Chat {
        type Key = (String, String);
        type Payload = String;
        type Fold = ();
        type Calendar = String;
    }
    let calendar = |paused: &str| Input::<Chat>::Calendar(paused.to_owned(), Rate::UNLIMITED);
    let event = |recipient: &str, id| {
        Input::Event(Event::new((recipient.to_owned(), "c1".to_owned()), EventId(id), "Hello".to_owned()))
    };
    let inputs = [
        (1, calendar("ada\nbob\n")),
        (2, event("ada", 1)),
        (2, event("eve", 2)),
        (32, Input::Tick),
        (90, calendar("bob\n")),
    ];
    let mut log = Vec::new();
    log_head(&mut log, Engine::<Chat>::BEHAVIOUR);
    for ((second, input), number) in inputs.iter().zip(1..) {
        let mut bytes = Vec::new();
        input.encode(&mut bytes);
        log_append(&mut log, number, UnixTime::from_secs(*second), &bytes);
    }
    in_folder("calendar", |folder, _| {
        std::fs::write(folder.join("paused"), log).unwrap();
        let (lines, status) = pushtool(folder, &["digest", "replay", "paused"]);
        let told: Vec<_> = lines.iter().filter(|line| line["output"] == "notify").collect();
        let told: Vec<_> =
            told.iter().map(|line| (line["at_ms"].as_u64(), line["recipient"].as_str())).collect();
        assert_eq!(status, Some(0), "{lines:?}");
        assert_eq!(told, [(Some(32_000), Some("eve")), (Some(90_000), Some("ada"))]);
    });
}

/// Options that only a log has make a log of it, and other keys are said to be others.
#[test]
fn what_is_no_log_of_this_kind() {
    use reveille_core::UnixTime;
    use reveille_core::log::{Snapshot as _, log_append, log_head};
    use reveille_digest::snapshot::Codec as _;
    use reveille_digest::{Engine, Event, EventId, Input, Plain};
    in_folder("kind", |folder, _| {
        std::fs::write(folder.join("script"), "{}\n").unwrap();
        assert_eq!(complaint(folder, &["script", "--seed", SEED]).1, "this is not a log");
        assert_eq!(pushtool(folder, &["digest", "replay", "script"]).1, Some(0));

        let (mut log, mut bytes) = (Vec::new(), Vec::new());
        log_head(&mut log, Engine::<Plain<u64>>::BEHAVIOUR);
        Input::<Plain<u64>>::Event(Event::new(1, EventId(1), ())).encode(&mut bytes);
        log_append(&mut log, 1, UnixTime::from_secs(5), &bytes);
        std::fs::write(folder.join("numbers"), log).unwrap();
        let expected =
            "entry 1 is not an input for keys of two strings, payloads of bytes and a calendar of one string";
        assert_eq!(complaint(folder, &["numbers"]).1, expected);
    });
}

#[test]
fn bad_arguments() {
    let bad: [&[&str]; 6] = [
        &["no-such-file"],
        &["service.log", "--seed", "AAAA"],
        &["service.log", "--seed", "0707070707070707070707070707070"],
        &["service.log", "--seed"],
        &["service.log", "--snapshot", "no-such-file"],
        &["service.log", "--rules", "service.log"],
    ];
    in_folder("arguments", |folder, _| {
        for arguments in bad {
            let done = pushtool(folder, &[&["digest", "replay"], arguments].concat());
            assert_eq!(done, (vec![], Some(2)), "{arguments:?}");
        }
        // What holds for the whole run stands before any command.
        for (provider, status) in [("ring", 0), ("nobody", 2)] {
            let arguments = ["--allow-loopback", "--provider", provider, "digest", "replay", "service.log"];
            assert_eq!(pushtool(folder, &arguments).1, Some(status), "{provider}");
        }
    });
}
