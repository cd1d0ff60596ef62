//! The documentation shows what the code does: the diagram is made from the table of callbacks, the table of rings from what
//! the machine answers in each state.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::unwrap_used, clippy::panic)]

use reveille_conversation::rules::Rules;
use reveille_conversation::source::{CloudEvents, Parsed};
use reveille_conversation::{Conversations, Kind, Noted, Output, Seed, callback};
use reveille_core::{Machine, UnixTime};

const PAGE: &str = include_str!("../../../docs/conversation.md");

#[test]
fn the_diagram_and_the_table_agree() {
    let fence = "```mermaid\n";
    let shown =
        PAGE.split_once(fence).and_then(|(_, rest)| rest.split_once("\n```")).map(|(diagram, _)| diagram);
    let made = callback::diagram();
    assert!(shown == Some(made.as_str()), "docs/conversation.md should show\n{fence}{made}\n```");
}

/// Kate's ring, and what led there: seconds, kind, data.
type Events = &'static [(u64, &'static str, &'static str)];

const OFFER: (u64, &str, &str) = (0, "call_offered", r#""person":"kate","offer":"o1","caller_name":"Ann""#);

const STATES: &[(&str, Events)] = &[
    ("nothing", &[]),
    ("held", &[(0, "call_offered", r#""person":"kate","offer":"o1","caller":"ann""#)]),
    ("hidden", &[(0, "call_offered", r#""person":"kate","offer":"o1","caller_name":"Ann","hidden":true"#)]),
    ("ringing", &[OFFER]),
    ("answered", &[OFFER, (1, "call_answered", r#""person":"kate","offer":"o1","device":"d1""#)]),
    ("declined", &[OFFER, (1, "call_declined", r#""person":"kate","offer":"o1""#)]),
    ("revoked", &[OFFER, (1, "call_withdrawn", r#""person":"kate","offer":"o1","cause":"revoked""#)]),
    ("missed", &[OFFER, (1, "call_timed_out", r#""person":"kate","offer":"o1""#)]),
];

/// The held one has to be met within its 300 ms; others a little later than what led there.
const EVENTS: &[(&str, u64, &str, &str)] = &[
    ("the same offer within 5 s", 2, "call_offered", r#""person":"kate","offer":"o1","caller_name":"Ann""#),
    ("the same offer later", 6, "call_offered", r#""person":"kate","offer":"o1","caller_name":"Ann""#),
    ("another offer", 2, "call_offered", r#""person":"kate","offer":"o2","caller_name":"Ann""#),
    ("she answers", 2, "call_answered", r#""person":"kate","offer":"o1","device":"d1""#),
    ("somebody else answers", 2, "call_answered", r#""person":"paul","device":"d2""#),
    ("she declines", 2, "call_declined", r#""person":"kate","offer":"o1""#),
    (
        "it goes to somebody else",
        2,
        "call_withdrawn",
        r#""person":"kate","offer":"o1","cause":"transferred""#,
    ),
    ("it is revoked", 2, "call_withdrawn", r#""person":"kate","offer":"o1","cause":"revoked""#),
    ("nobody takes it in time", 2, "call_timed_out", r#""person":"kate","offer":"o1""#),
    ("the caller hangs up", 2, "call_ended", ""),
    ("she leaves", 2, "left", r#""person":"kate""#),
    ("she logs out", 2, "logged_out", r#""person":"kate""#),
    ("the conversation is closed", 2, "state_changed", r#""open":false"#),
];

fn happen(machine: &mut Conversations, at: UnixTime, kind: &str, data: &str) -> Vec<Output> {
    let comma = if data.is_empty() { "" } else { "," };
    let event = format!(
        r#"{{"specversion":"1.0","id":"e","type":"reveille.conversation.{kind}","data":{{"conversation":"c1"{comma}{data}}}}}"#
    );
    let Ok(Parsed::Inputs(inputs)) = CloudEvents::new().read(&event, at) else { panic!("{event}") };
    inputs.into_iter().flat_map(|input| machine.apply(input, at).collect::<Vec<_>>()).collect()
}

/// What Kate gets; or why she gets nothing.
fn cell(outputs: &[Output]) -> String {
    let mut words = Vec::new();
    for output in outputs {
        match output {
            Output::Intent(intent) if intent.kind == Kind::MissedCall => words.push("**missed**".to_owned()),
            Output::Intent(intent) if intent.recipient.as_str() == "kate" => {
                words.push("**ring**".to_owned());
            }
            Output::Withdraw(_) => words.push("**cancel**".to_owned()),
            Output::Suppressed(suppressed)
                if suppressed.recipient.as_ref().is_none_or(|person| person.as_str() == "kate") =>
            {
                words.push(suppressed.reason.to_string());
            }
            Output::Note(note) if matches!(note.what, Noted::Held { .. }) => words.push("held".to_owned()),
            _ => {}
        }
    }
    if words.is_empty() { "–".to_owned() } else { words.join(", ") }
}

/// Events down, states across.
fn rings() -> String {
    let names: Vec<_> = STATES.iter().map(|(name, _)| *name).collect();
    let mut lines =
        vec![format!("| | {} |", names.join(" | ")), format!("|---|{}", "---|".repeat(names.len()))];
    for (name, at, kind, data) in EVENTS {
        let mut line = format!("| {name} |");
        for (state, before) in STATES {
            let mut machine = Conversations::new(Rules::default(), Seed::new([1; 16])).unwrap();
            let start = UnixTime::from_secs(1_700_000_000);
            for (at, kind, data) in *before {
                happen(&mut machine, start + std::time::Duration::from_secs(*at), kind, data);
            }
            let after = if *state == "held" { 200 } else { at * 1_000 };
            let outputs = happen(&mut machine, start + std::time::Duration::from_millis(after), kind, data);
            // One that is held is over after 300 ms: it cannot be offered again six seconds later.
            let cell = if *state == "held" && *at > 5 { "–".to_owned() } else { cell(&outputs) };
            line.push_str(&format!(" {cell} |"));
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[test]
fn the_table_of_rings_is_what_the_machine_does() {
    let made = rings();
    assert!(PAGE.contains(&made), "docs/conversation.md should have\n{made}");
}
