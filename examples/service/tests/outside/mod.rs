//! What leaves the service besides pushes: webhook, e-mail, text message, outgoing events; and quiet hours.

mod events;
mod fallback;
mod quiet;
mod receiver;
mod webhook;

use reveille_example_service::clock::Clock;
use reveille_example_service::settings::Settings;
use reveille_example_service::twins::Twins;
use serde_json::{Value, json};

use crate::common::{Caller, Folder};
use crate::service::{Running, register, start};

use receiver::Receiver;

const JSON: &str = "application/json";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

struct Scene {
    folder: Folder,
    twins: Twins,
    clock: Clock,
    running: Running,
}

impl Scene {
    async fn new(name: &str, clock: Clock, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = Folder::new(name);
        let twins = Twins::start(None, clock.clone()).await.unwrap();
        let running = start(&folder, &twins, &clock, change).await;
        register(&running.caller, &twins).await;
        Self { folder, twins, clock, running }
    }

    fn caller(&self) -> &Caller {
        &self.running.caller
    }

    async fn call(&self, verb: &str, path: &str, body: Value) -> (u16, Value) {
        let (status, document) = self.caller().call(verb, path, JSON, body.to_string()).await.unwrap();
        (status.as_u16(), document)
    }

    async fn event(&self, id: &str, kind: &str, data: Value) {
        assert_eq!(self.caller().event(id, kind, data).await.unwrap(), 202);
    }

    /// A guest is in a conversation with kate.
    async fn joined(&self, conversation: &str) {
        let joined = json!({"conversation": conversation, "person": "guest", "role": "visitor"});
        self.event(&format!("join-{conversation}"), "joined", joined).await;
    }

    async fn message(&self, id: &str, conversation: &str, text: &str) {
        let said =
            json!({"conversation": conversation, "sender": "kate", "role": "primary", "preview": text});
        self.event(id, "message_sent", said).await;
    }

    /// What became of what an event told; empty while nothing did.
    async fn fate(&self, event: &str) -> String {
        let (_, followed) = self.call("GET", &format!("/v1/explain/events/1/{event}"), json!({})).await;
        let Some(job) = followed["followed"][0]["told"]["job"].as_str() else { return String::new() };
        let (_, job) = self.call("GET", &format!("/v1/explain/jobs/{job}"), json!({})).await;
        job["fate"].as_str().unwrap_or_default().to_owned()
    }

    async fn stop(self) {
        self.running.service.stop().await.unwrap();
    }
}

/// Settings of a hook at this receiver.
fn hook(
    settings: &mut Settings,
    receiver: &Receiver,
    more: &str,
) -> reveille_example_service::channels::ReceiverSettings {
    settings.allowed_origins.push(receiver.origin.clone());
    let text = format!("url = \"{}/hook\"\nsecrets = [\"{SECRET}\", \"{OLD}\"]\n{more}", receiver.origin);
    toml::from_str(&text).unwrap()
}
