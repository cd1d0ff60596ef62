//! The rules of conversations: events per second over many live conversations, memory, and parsing beside plain
//! `serde_json::Value`, which does less: it builds a tree and understands nothing.

use std::fmt::Write as _;

use reveille_conversation::event::{Event, Joined, Message, Offer, Read, What, Withdrawn};
use reveille_conversation::event::{MessageKind, Role};
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_conversation::rules::Rules;
use reveille_conversation::source::{CloudEvents, Genesys};
use reveille_conversation::text::Text;
use reveille_conversation::{Cause, Conversations, Input, Output, Seed};
use reveille_core::{Machine, UnixTime};

use crate::allocations;
use crate::measure::{Contestant, race};
use crate::report::Report;

const LIVE: u64 = 100_000;
const BATCH: u32 = 4_096;
const START: u64 = 1_700_000_000_000;
const SEED: Seed = Seed::new([7; 16]);

pub fn compare(report: &mut Report) {
    memory(report);
    events(report);
    snapshot(report);
    parsing(report);
}

/// Ids as platforms write them.
fn uuid(kind: u64, number: u64) -> String {
    let mixed = (number ^ kind << 56).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        mixed >> 32,
        mixed >> 16 & 0xffff,
        kind,
        number & 0xfff,
        number
    )
}

struct Ids {
    conversation: ConversationId,
    agent: PersonId,
    visitor: PersonId,
}

fn ids() -> Vec<Ids> {
    let one = |number| Ids {
        conversation: uuid(1, number).parse().expect("an id"),
        agent: uuid(2, number % 5_000).parse().expect("an id"),
        visitor: uuid(3, number).parse().expect("an id"),
    };
    (0..LIVE).map(one).collect()
}

fn at(millis: u64) -> UnixTime {
    UnixTime::from_millis(START + millis)
}

fn message(sender: &PersonId, role: Role, sequence: u64, text: &Text) -> What {
    What::MessageSent(Message {
        sender: sender.clone(),
        role,
        kind: MessageKind::Written,
        message: None,
        sequence: Some(sequence),
        sender_name: Some(text.clone()),
        preview: Some(text.clone()),
    })
}

fn give(machine: &mut Conversations, ids: &Ids, what: What, now: UnixTime) -> u64 {
    let input = Input::Event(Event::new(ids.conversation.clone(), what, now));
    machine
        .apply(input, now)
        .filter(|output| matches!(output, Output::Intent(_) | Output::Withdraw(_)))
        .count() as u64
}

/// Two participants and one unread message in each.
fn filled(ids: &[Ids], text: &Text) -> Conversations {
    let mut machine = Conversations::new(Rules::default(), SEED).expect("rules");
    for one in ids {
        let joined = What::Joined(Joined { person: one.visitor.clone(), role: Role::Visitor });
        give(&mut machine, one, joined, at(0));
        give(&mut machine, one, message(&one.agent, Role::Primary, 1, text), at(0));
    }
    assert_eq!(machine.live() as u64, LIVE);
    machine
}

/// The ids in a conversation hold their texts themselves, so all of its bytes are the machine's; what the texts take is said
/// beside it.
fn memory(report: &mut Report) {
    let (ids, text) = (ids(), Text::new("text"));
    let one = &ids[0];
    let texts = one.conversation.as_str().len() + one.agent.as_str().len() + one.visitor.as_str().len();
    let before = allocations::live_bytes();
    let machine = filled(&ids, &text);
    let bytes = (allocations::live_bytes() - before) as f64 / LIVE as f64;
    report.note(&format!(
        "{LIVE} live conversations, two participants and one unread message each: {bytes:.1} bytes each from the allocator, {texts} of them texts of ids: {:.1} beyond their texts",
        bytes - texts as f64
    ));
    drop(machine);
}

/// A mixture: messages of both sides, reads, and every eighth a call that is offered and taken back.
fn events(report: &mut Report) {
    let (ids, text) = (ids(), Text::new("text"));
    let mut machine = filled(&ids, &text);
    let (mut count, mut state, mut told) = (0_u64, 1_u64, 0_u64);
    let run = Contestant::batch("ours", BATCH, || {
        for _ in 0..BATCH {
            count += 1;
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let one = &ids[((u128::from(state) * u128::from(LIVE)) >> 64) as usize];
            // A thousand events per ms.
            let now = at(1_000 + count / 1_000);
            let what = match count % 16 {
                0 => What::CallOffered(Offer {
                    caller_name: Some(text.clone()),
                    queue_name: Some(text.clone()),
                    ..Offer::new(one.agent.clone())
                }),
                8 => What::CallWithdrawn(Withdrawn {
                    person: one.agent.clone(),
                    cause: Cause::Transferred,
                    offer: None,
                }),
                1 | 5 | 9 | 13 => What::ReadUpTo(Read { person: one.visitor.clone(), sequence: None }),
                2 | 6 | 10 | 14 => message(&one.visitor, Role::Visitor, count + 1, &text),
                _ => message(&one.agent, Role::Primary, count + 1, &text),
            };
            told += give(&mut machine, one, what, now);
        }
    });
    report.row(
        &format!("one event, {LIVE} live conversations at random, outputs drained"),
        run,
        vec![],
        None,
    );
    assert!(told > 0);
    let mut machine = filled(&ids, &text);
    let mut count = 0_u64;
    let run = Contestant::batch("ours", BATCH, || {
        for _ in 0..BATCH {
            count += 1;
            let input = Input::Tick;
            std::hint::black_box(machine.apply(input, at(1_000 + count / 1_000)).count());
        }
    });
    report.row("one tick with nothing due", run, vec![], None);
}

fn snapshot(report: &mut Report) {
    let (ids, text) = (ids(), Text::new("text"));
    let mut machine = filled(&ids, &text);
    let start = std::time::Instant::now();
    let mut bytes = Vec::new();
    machine.snapshot(&mut bytes);
    let written = start.elapsed();
    let start = std::time::Instant::now();
    let again = Conversations::restore(&bytes, SEED).expect("a snapshot");
    let read = start.elapsed();
    assert_eq!(again.live() as u64, LIVE);
    report.note(&format!(
        "{LIVE} live conversations: snapshot {:.0} ms, {:.1} bytes each with their ids, restore {:.0} ms",
        written.as_secs_f64() * 1e3,
        bytes.len() as f64 / LIVE as f64,
        read.as_secs_f64() * 1e3
    ));
}

fn parsing(report: &mut Report) {
    let text = "I would like to know when my order arrives, it was promised for yesterday. ".repeat(3);
    let event = format!(
        r#"{{"specversion":"1.0","id":"{}","source":"/chat","type":"reveille.conversation.message_sent","time":"2026-01-01T00:00:00.123Z","datacontenttype":"application/json","data":{{"conversation":"{}","sender":"{}","role":"visitor","message":"{}","sequence":17,"sender_name":"Ann Baker","preview":"{text}"}}}}"#,
        uuid(4, 1),
        uuid(1, 1),
        uuid(3, 1),
        uuid(5, 1)
    );
    parse(report, "CloudEvents, a message", &event, || {
        let mut source = CloudEvents::new();
        Box::new(move |json: &str| source.read(json, at(0)).is_ok())
    });
    let report_of_state =
        include_str!("../../../crates/conversation/tests/fixtures/genesys_users_conversations.json");
    parse(report, "Genesys, v2.users.{id}.conversations", report_of_state, || {
        let mut source = Genesys::new();
        Box::new(move |json: &str| source.read(json, at(0)).is_ok())
    });
}

type Reader = Box<dyn FnMut(&str) -> bool>;

fn parse(report: &mut Report, name: &str, json: &str, reader: impl Fn() -> Reader) {
    let mut ours = reader();
    let ours_run = Contestant::new("ours", || assert!(ours(json)));
    let peer_run = Contestant::new("serde_json::Value, from_str", || {
        serde_json::from_str::<serde_json::Value>(json).expect("JSON")
    });
    let mut title = String::new();
    let _ = write!(title, "{name}, {} bytes", json.len());
    report.row(&title, ours_run, vec![peer_run], None);
    let mut ours = reader();
    let rate = race(&mut [Contestant::new("ours", || assert!(ours(json)))]);
    let rate = rate.first().map_or(0.0, |measured| json.len() as f64 * 1e3 / measured.nanoseconds);
    report.note(&format!("{name}: {rate:.0} MB/s"));
}
