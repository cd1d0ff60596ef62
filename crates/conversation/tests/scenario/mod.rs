//! The readable form of a scenario, and how it is run.

pub(crate) mod text;

use std::collections::BTreeMap;

use reveille_conversation::id::PersonId;
use reveille_conversation::lookup::{Answer, LookupKey};
use reveille_conversation::rules::Rules;
use reveille_conversation::source::{CloudEvents, Parsed};
use reveille_conversation::text::Text;
use reveille_conversation::*;
use reveille_core::{Machine, UnixTime};
use serde_json::{Map, Value, json};
use text::{Scenario, Step, millis};

const BASE: u64 = 1_700_000_000_000;
const SEED: Seed = Seed::new([9; 16]);

pub(crate) struct Ran {
    /// The scenario with what really came out.
    pub(crate) said: String,
    pub(crate) wrong: Vec<String>,
}

impl Scenario {
    pub(crate) fn run(&self, restarts: bool) -> Ran {
        let rules = Rules::from_toml(&self.rules).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let mut machine = Conversations::new(rules, SEED).unwrap();
        let (mut said, mut wrong) = (format!("## {}\n", self.name), Vec::new());
        for rule in self.rules.lines() {
            match rule.strip_prefix("preset = ") {
                Some(preset) => said.push_str(&format!("preset: {}\n", preset.trim_matches('"'))),
                None => said.push_str(&format!("rule: {rule}\n")),
            }
        }
        let mut seen: BTreeMap<(PersonId, CollapseKey), u64> = BTreeMap::new();
        for step in &self.steps {
            if restarts {
                let mut bytes = Vec::new();
                machine.snapshot(&mut bytes);
                machine = Conversations::restore(&bytes, SEED).unwrap();
            }
            said.push_str(&format!("{}\n", step.line));
            let lines = self.step(&mut machine, step, &mut seen);
            for line in &lines {
                said.push_str(&format!("        > {line}\n"));
            }
            wrong.extend(step.wrong(&lines));
        }
        said.push('\n');
        Ran { said, wrong }
    }

    fn step(
        &self,
        machine: &mut Conversations,
        step: &Step,
        seen: &mut BTreeMap<(PersonId, CollapseKey), u64>,
    ) -> Vec<String> {
        let now = UnixTime::from_millis(BASE + step.at);
        let person = |name: &str| name.parse::<PersonId>().unwrap();
        let input = match step.words[1].as_str() {
            "rings" => {
                let rings = machine.ringing(&person(&step.words[2]), now);
                return rings.iter().map(|ring| format!("{} {}", ring.conversation, ring.media)).collect();
            }
            "unread" => {
                return vec![machine.unread(&"c1".parse().unwrap(), &person(&step.words[2])).to_string()];
            }
            "live" => return vec![machine.live().to_string()],
            "tick" => Input::Tick,
            "rules" => {
                Input::Rules(Box::new(Rules::from_toml(step.line.split_once("rules ").unwrap().1).unwrap()))
            }
            "answer" => Input::Answer(Answer {
                of: lookup_key(&step.words[2]),
                text: step.words.get(3).map(|text| Text::new(text.trim_matches('"'))),
            }),
            kind => self.event(kind, &step.words[2..], now),
        };
        // As it comes out of a log.
        let mut log = Vec::new();
        input.encode(&mut log);
        let input = Input::decode(&log).unwrap();
        let outputs: Vec<Output> = machine.apply(input, now).collect();
        for output in &outputs {
            let (who, collapse, generation) = match output {
                Output::Intent(intent) => (&intent.recipient, intent.collapse, intent.generation),
                Output::Withdraw(withdraw) => (&withdraw.recipient, withdraw.collapse, withdraw.generation),
                _ => continue,
            };
            let last = seen.insert((who.clone(), collapse), generation.to_bits());
            assert!(
                last.is_none_or(|last| last < generation.to_bits()),
                "{}: a generation goes back",
                self.name
            );
        }
        outputs.iter().map(show).collect()
    }

    /// The fields of an event, through the same reader as those of a CloudEvent.
    fn event(&self, kind: &str, words: &[String], now: UnixTime) -> Input {
        let mut data = Map::new();
        let mut at = now;
        for word in words {
            let (key, value) =
                word.split_once('=').unwrap_or_else(|| panic!("{}: {word} is not key=value", self.name));
            if key == "at" {
                at = UnixTime::from_millis(BASE + millis(value).unwrap());
                continue;
            }
            let key = if key == "in" { "conversation" } else { key };
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
            match key.split_once('.') {
                Some((outer, inner)) => data.insert(outer.to_owned(), json!({ inner: value })),
                None => data.insert(key.to_owned(), value),
            };
        }
        let of_queue = ["estimated_wait", "business_closing"].contains(&kind) && data.contains_key("queue");
        if !data.contains_key("conversation") && !of_queue {
            data.insert("conversation".to_owned(), json!("c1"));
        }
        let envelope = json!({
            "specversion": "1.0", "id": "e", "source": "/test", "type": format!("reveille.conversation.{kind}"),
            "time": at.as_millis(), "data": data,
        });
        match CloudEvents::new().read(&envelope.to_string(), now) {
            Ok(Parsed::Inputs(mut inputs)) => inputs.remove(0),
            other => panic!("{}: {kind}: {other:?}", self.name),
        }
    }
}

fn since(at: UnixTime) -> String {
    let millis = u64::try_from(at.since(UnixTime::from_millis(BASE)).as_millis()).unwrap();
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)] {
        if millis >= size && millis % size == 0 {
            return format!("{}{unit}", millis / size);
        }
    }
    format!("{millis}ms")
}

fn lookup_key(text: &str) -> LookupKey {
    let (kind, id) = text.split_once(':').unwrap();
    match kind {
        "person" => LookupKey::Person(id.parse().unwrap()),
        "queue" => LookupKey::Queue(id.parse().unwrap()),
        _ => LookupKey::Snippet("c1".parse().unwrap(), id.parse().unwrap()),
    }
}

/// An output as a line.
pub(crate) fn show(output: &Output) -> String {
    fn add(line: &mut String, key: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            let value = value.to_string();
            let quote = if value.contains(' ') { "\"" } else { "" };
            line.push_str(&format!(" {key}={quote}{value}{quote}"));
        }
    }
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.as_str().to_owned());
    let name = |id: &Option<PersonId>| id.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let mut line;
    match output {
        Output::Intent(intent) => {
            line = format!("intent {} {}", intent.recipient, intent.kind);
            add(&mut line, "in", Some(&intent.conversation).filter(|id| id.as_str() != "c1"));
            add(&mut line, "media", intent.media.filter(|media| *media != Media::Call));
            add(&mut line, "episode", intent.episode);
            let devices: Vec<_> = intent.except.iter().map(ToString::to_string).collect();
            add(&mut line, "except", Some(devices.join("+")).filter(|devices| !devices.is_empty()));
            add(&mut line, "from", text(&intent.arguments.from));
            add(&mut line, "queue", text(&intent.arguments.queue));
            add(&mut line, "snippet", text(&intent.arguments.snippet));
            add(&mut line, "number", text(&intent.arguments.number));
            add(&mut line, "unread", Some(intent.arguments.unread).filter(|unread| *unread > 0));
            add(&mut line, "minutes", intent.arguments.minutes);
            add(&mut line, "attempt", intent.arguments.attempt.map(|(one, of)| format!("{one}/{of}")));
            add(&mut line, "channels", Some(intent.channels));
            add(&mut line, "not_after", Some(since(intent.not_after)));
        }
        Output::Withdraw(withdraw) => {
            line = format!(
                "withdraw {} {} {} {}",
                withdraw.recipient, withdraw.of, withdraw.how, withdraw.cause
            );
            add(&mut line, "in", Some(&withdraw.conversation).filter(|id| id.as_str() != "c1"));
            add(&mut line, "episode", withdraw.episode);
            add(&mut line, "answered_by", withdraw.answered_by.as_ref());
            add(&mut line, "except", withdraw.except.as_ref());
            add(&mut line, "only", withdraw.only.as_ref());
            add(&mut line, "channels", Some(withdraw.channels));
            let forms = withdraw.forms;
            add(&mut line, "forms", Some(format!("{}/{}/{}", forms.apns, forms.fcm, forms.web_push)));
        }
        Output::Suppressed(suppressed) => {
            line = format!("suppressed {} {}", name(&suppressed.recipient), suppressed.reason);
            add(&mut line, "kind", suppressed.kind);
        }
        Output::Lookup(lookup) => {
            let key = match &lookup.of {
                LookupKey::Queue(queue) => format!("queue:{queue}"),
                LookupKey::Person(person) => format!("person:{person}"),
                LookupKey::Snippet(_, message) => format!("snippet:{message}"),
                _ => "other".to_owned(),
            };
            line = format!("lookup {key}");
            add(&mut line, "deadline", Some(since(lookup.deadline)));
        }
        Output::Note(note) => {
            line = "note".to_owned();
            match note.what {
                Noted::Taken => line.push_str(" taken"),
                Noted::Held { until, .. } => line.push_str(&format!(" held until={}", since(until))),
                Noted::PresenceOverridden { presence } => {
                    line.push_str(&format!(" presence_overridden {presence}"));
                }
                Noted::PresenceObeyed { presence } => line.push_str(&format!(" presence_obeyed {presence}")),
                Noted::Answered { waiting } => line.push_str(&format!(" answered waiting={waiting}")),
                Noted::RulesChanged => line.push_str(" rules_changed"),
                _ => line.push_str(" other"),
            }
            add(&mut line, "person", note.person.as_ref());
        }
        _ => line = "other".to_owned(),
    }
    line
}
