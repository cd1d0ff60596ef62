//! Registered devices, health checks, pauses: the crate `registry`.

use std::collections::BTreeMap;

use reveille_core::{Machine, UnixTime};
use reveille_registry::health::{HealthCheck, HealthSettings, Input, Output, ProbeId};
use reveille_registry::pause::{Channel, Pauses, Weighed};
use reveille_registry::{
    Consequence, Device, DeviceKey, Effect, Event, Memory, Platform, Pruning, Purpose, Registration,
    RegistryPolicy, State, Token, TokenValue,
};

use super::Words;

pub(crate) struct Devices {
    memory: Memory,
    health: HealthCheck,
    pauses: Pauses,
    /// Decisions that were made and not committed yet.
    open: BTreeMap<String, reveille_registry::Decision>,
}

impl Default for Devices {
    fn default() -> Self {
        Self {
            memory: Memory::default(),
            health: HealthCheck::new(HealthSettings::default()),
            pauses: Pauses::default(),
            open: BTreeMap::new(),
        }
    }
}

fn key(name: &str) -> DeviceKey {
    DeviceKey::new("com.example.chat", name)
}

fn token(value: &str) -> Token {
    Token::new(Purpose::FcmToken, value)
}

fn register(words: &Words<'_>) -> Event {
    let token = token(words.get("token").unwrap());
    let owner = words.get("owner").unwrap_or("ann");
    let registration = Registration::new(key(words.word(0)), owner, Platform::Android, [token]);
    Event::Register { registration: registration.into() }
}

fn show(device: &Device) -> String {
    let state = match device.state {
        State::Active => "active",
        State::Suspect { .. } => "suspect",
        State::Quarantined { .. } => "quarantined",
        State::Retired { .. } => "retired",
        _ => "?",
    };
    let token = device.tokens.first().map_or("none", |token| token.value.expose());
    format!("{} {state} token={token} revision={} owner={}", device.key.device, device.revision, device.owner)
}

fn consequence(what: &Consequence) -> String {
    match what {
        Consequence::CancelPending { owner } => format!("cancel_pending {owner}"),
        Consequence::AskToRegister => "ask_to_register".to_owned(),
        Consequence::Validate { .. } => "validate".to_owned(),
        Consequence::Stale => "stale".to_owned(),
        Consequence::TakeFromOthers { value } => format!("take_from_others {}", value.expose()),
        other => format!("{other:?}"),
    }
}

impl Devices {
    pub(crate) fn step(&mut self, words: &Words<'_>) -> Option<Vec<String>> {
        let delivery = |effect| Event::Delivery {
            purpose: Purpose::FcmToken,
            revision: words.number("revision", 1),
            effect,
            at: words.now,
            pruning: if words.has("pruning_stopped") { Pruning::Stopped } else { Pruning::Allowed },
        };
        let event = match words.verb() {
            "register" => register(words),
            "seen" => Event::Seen,
            "delivered" => delivery(Effect::Accepted),
            "not_known" => delivery(Effect::Suspect),
            "gone" => delivery(Effect::Gone { if_registered_before: words.time("before") }),
            "validated" => {
                Event::Validated { purpose: Purpose::FcmToken, revision: words.number("revision", 1) }
            }
            "rotate" => Event::Rotate {
                old: words.get("old").map(TokenValue::new),
                new: token(words.get("new").unwrap()).into(),
            },
            "night" => Event::Tick,
            "decide" | "commit" => return Some(self.compare_and_set(words)),
            "announce" | "confirm" | "resubscribed" | "health_tick" => return Some(self.health(words)),
            "pause" | "unpause" | "weigh" => return Some(self.pause(words)),
            _ => return None,
        };
        let key = key(words.word(0));
        let then = self.memory.apply(&key, &event, &RegistryPolicy::default(), words.now);
        let mut lines: Vec<_> = then.iter().map(|(_, what)| consequence(what)).collect();
        lines.push(self.memory.load(&key).map_or_else(|| format!("{} purged", words.word(0)), show));
        Some(lines)
    }

    /// Two launches of an app at the same time: each decides on what it read.
    fn compare_and_set(&mut self, words: &Words<'_>) -> Vec<String> {
        let key = key(words.word(0));
        let launch = words.get("launch").unwrap().to_owned();
        if words.verb() == "decide" {
            let policy = RegistryPolicy::default();
            let decision =
                reveille_registry::decide(self.memory.load(&key), &register(words), &policy, words.now);
            self.open.insert(launch, decision);
            return Vec::new();
        }
        match self.memory.commit(&key, &self.open.remove(&launch).unwrap()) {
            Ok(()) => vec![show(self.memory.load(&key).unwrap())],
            Err(conflict) => vec![format!("conflict found={}", conflict.found.unwrap_or_default())],
        }
    }

    fn health(&mut self, words: &Words<'_>) -> Vec<String> {
        let probe = || ProbeId::from_bits(words.word(0).parse().unwrap());
        let input = match words.verb() {
            "announce" => Input::Announced { probe: probe() },
            "confirm" => Input::Confirmed { probe: probe() },
            "resubscribed" => Input::Resubscribed,
            _ => Input::Tick,
        };
        let since = |at: UnixTime| format!("{}s", at.since(words.now).as_secs());
        let outputs = self.health.apply(input, words.now);
        outputs
            .map(|output| match output {
                Output::PushProbe { probe } => format!("push_probe {}", probe.to_bits()),
                Output::NotBefore { at } => format!("not_before in={}", since(at)),
                Output::Well { next } => format!("well next_in={}", since(next)),
                Output::Silent { missed, next } => format!("silent missed={missed} next_in={}", since(next)),
                other => format!("{other:?}"),
            })
            .collect()
    }

    fn pause(&mut self, words: &Words<'_>) -> Vec<String> {
        let channel = match words.word(0) {
            "web_push" => Channel::WebPush,
            "mobile" => Channel::Mobile,
            "email" => Channel::Email,
            other => panic!("{other}"),
        };
        match words.verb() {
            "pause" => {
                self.pauses.pause(channel, words.time("until"), words.has("urgent_passes"));
                Vec::new()
            }
            "unpause" => {
                let held = self.pauses.resume(channel).map_or(0, |pause| pause.held);
                vec![format!("resumed held={held}")]
            }
            _ => match self.pauses.weigh(channel, words.has("urgent"), words.now) {
                Weighed::Passes => vec!["passes".to_owned()],
                _ => vec!["held".to_owned()],
            },
        }
    }
}
