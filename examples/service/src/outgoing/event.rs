//! What happened, as it is told.

use reveille_conversation::id::{ConversationId, PersonId};
use reveille_core::UnixTime;
use reveille_crypto_ring::PROVIDER;
use reveille_delivery::pacer::{Alert, BreakerChange};
use reveille_gateway::store::ShardId;
use reveille_gateway::{Note, Output};
use reveille_registry::{Change, Device, DeviceKey, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::channels::webhook::time;

/// Nothing is pushed to a device any more.
pub(crate) const RETIRED: &str = "device.retired";

/// Something that is told: the same id says that it is the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) name: String,
    pub(crate) at_ms: u64,
    pub(crate) data: Value,
}

impl Event {
    fn new(name: &str, of: &[&[u8]], at: UnixTime, data: Value) -> Self {
        let mut all = vec![name.as_bytes(), &[0]];
        all.extend_from_slice(of);
        let hash = PROVIDER.hmac_sha256.key(b"reveille outgoing events").sign(&all);
        let id = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { id, name: name.to_owned(), at_ms: at.as_millis(), data }
    }

    /// What one output of a shard tells, if it tells anything. The number of its input makes the id, so that after a crash
    /// the same output is the same event.
    pub(crate) fn of_output(shard: ShardId, number: u64, output: &Output, now: UnixTime) -> Option<Self> {
        let of = |name: &str, which: &[u8], data| {
            Some(Self::new(name, &[&[shard.0], &number.to_be_bytes(), which], now, data))
        };
        match output {
            Output::Note(Note::PushFailed { job, person, conversation, kind, fate, instead }) => of(
                "push.failed",
                &job.to_bits().to_be_bytes(),
                json!({
                    "person": person.as_str(),
                    "conversation": conversation.as_str(),
                    "kind": kind.as_str(),
                    "fate": fate.name(),
                    "instead": instead.and_then(|target| target.channel()),
                }),
            ),
            Output::Note(Note::HandshakeFailed { person, conversation }) => {
                of("handshake.failed", person.as_str().as_bytes(), who(person, conversation))
            }
            _ => None,
        }
    }

    /// Somebody whom the last push did not reach was reached again.
    pub(crate) fn recovered(shard: ShardId, number: u64, person: &PersonId, now: UnixTime) -> Self {
        let of: [&[u8]; 3] = [&[shard.0], &number.to_be_bytes(), person.as_str().as_bytes()];
        Self::new("push.recovered", &of, now, json!({"person": person.as_str()}))
    }

    /// Somebody came back into a conversation by a push.
    pub(crate) fn opened(
        token: &[u8],
        (person, conversation): (&PersonId, &ConversationId),
        (app, device): (&str, &str),
        now: UnixTime,
    ) -> Self {
        let mut data = who(person, conversation);
        (data["app"], data["device"]) = (json!(app), json!(device));
        Self::new("notification.opened", &[token], now, data)
    }

    /// What a change of a device's record tells. `attempt` tells apart those who try to change it at the same time; what
    /// follows from a log has none.
    pub(crate) fn of_change(
        old: Option<&Device>,
        change: &Change,
        attempt: u64,
        now: UnixTime,
    ) -> Option<Self> {
        let was = old.filter(|device| device.is_reachable());
        let (name, device, why) = match change {
            Change::Put(new) if !new.is_reachable() => (RETIRED, &**new, Some(state(new))),
            Change::Put(new) => {
                let same = was.is_some_and(|old| old.owner == new.owner);
                let name = if same { "device.rotated" } else { "device.registered" };
                if same && was.is_some_and(|old| has_tokens_of(old, new)) {
                    return None;
                }
                (name, &**new, None)
            }
            Change::Purge => (RETIRED, old?, Some("purged")),
            _ => return None,
        };
        if name == RETIRED && was.is_none() {
            return None;
        }
        let purposes: Vec<_> = device.tokens.iter().map(|token| token.purpose).collect();
        let mut data = json!({
            "person": device.owner,
            "app": device.key.app,
            "device": device.key.device,
            "platform": device.platform,
            "tokens": purposes,
            "revision": device.revision,
        });
        if let Some(why) = why {
            data["why"] = json!(why);
        }
        let of: [&[u8]; 5] = [
            device.key.app.as_bytes(),
            &[0],
            device.key.device.as_bytes(),
            &device.revision.to_be_bytes(),
            &attempt.to_be_bytes(),
        ];
        Some(Self::new(name, &of, now, data))
    }

    /// What an operator should know (C10). Nothing of it is in a log: it is told if the process lives.
    pub(crate) fn of_alert(of: &'static str, alert: &Alert, now: UnixTime) -> Option<Self> {
        let (name, data) = match alert {
            Alert::Breaker { lane, change: BreakerChange::Opened { until } } => {
                ("alert.paused", json!({"lane": format!("{:016x}", lane.to_bits()), "until": time(*until)}))
            }
            Alert::Breaker { lane, change: BreakerChange::Closed } => {
                ("alert.resumed", json!({"lane": format!("{:016x}", lane.to_bits())}))
            }
            Alert::CredentialBad { credential, until, .. } => (
                "alert.credential_refused",
                json!({"credential": credential.to_bits(), "until": time(*until)}),
            ),
            Alert::CredentialWell { credential } => {
                ("alert.credential_accepted", json!({"credential": credential.to_bits()}))
            }
            Alert::PruningStopped { credential, until } => {
                ("alert.pruning_stopped", json!({"credential": credential.to_bits(), "until": time(*until)}))
            }
            Alert::Poison { digest } => {
                ("alert.poison", json!({"digest": format!("{:016x}", digest.to_bits())}))
            }
            _ => return None,
        };
        let mut data = data;
        data["of"] = json!(of);
        let text = data.to_string();
        Some(Self::new(name, &[text.as_bytes(), &now.as_millis().to_be_bytes()], now, data))
    }

    /// The device that it is about, with the revision of its record.
    pub(crate) fn device(&self) -> Option<(DeviceKey, u64)> {
        let text = |field: &str| self.data[field].as_str();
        Some((DeviceKey::new(text("app")?, text("device")?), self.data["revision"].as_u64()?))
    }

    /// The body of the request.
    pub(crate) fn body(&self) -> Vec<u8> {
        let at = time(UnixTime::from_millis(self.at_ms));
        json!({"type": self.name, "timestamp": at, "data": self.data}).to_string().into_bytes()
    }
}

fn who(person: &PersonId, conversation: &ConversationId) -> Value {
    json!({"person": person.as_str(), "conversation": conversation.as_str()})
}

/// Whether nothing is new about the tokens.
fn has_tokens_of(old: &Device, new: &Device) -> bool {
    let known = |purpose| old.token(purpose).map(|token| &token.value);
    new.tokens.iter().all(|token| known(token.purpose) == Some(&token.value))
}

fn state(device: &Device) -> &'static str {
    use reveille_registry::Retirement;
    match device.state {
        State::Quarantined { .. } => "quarantined",
        State::Retired { why, .. } => match why {
            Retirement::LoggedOut => "logged_out",
            Retirement::Gone => "gone",
            Retirement::OverLimit => "over_limit",
            Retirement::Stale => "stale",
            Retirement::EventEnded => "event_ended",
            Retirement::NoToken => "no_token",
            _ => "retired",
        },
        _ => "unreachable",
    }
}
