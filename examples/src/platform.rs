//! A conversation platform, made up; and what came of what it said.

use std::process::{ExitCode, Termination};

use reveille_conversation as conversation;
use reveille_conversation::Kind;
use reveille_conversation::source::{CloudEvents, Parsed};
use reveille_core::UnixTime;
use reveille_gateway::{Input, SourceId};
use serde_json::json;

/// Of what somebody was told, once for each device, and what was left to do at the end.
#[derive(Debug)]
pub struct Told {
    /// What, in the order in which the services took it.
    pub kinds: Vec<Kind>,
    /// How many jobs are not settled.
    pub open_jobs: u64,
}

impl Termination for Told {
    fn report(self) -> ExitCode {
        println!("{self:?}");
        if self.kinds.is_empty() || self.open_jobs > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// Kate is in a chat, the visitor writes, and a call comes for her.
///
/// # Errors
/// If a document cannot be read, which would be a fault here.
pub fn events(now: UnixTime) -> Result<Vec<Input>, Box<dyn std::error::Error>> {
    let documents = [
        ("joined", json!({"conversation": "chat-1", "person": "kate", "role": "primary"})),
        (
            "message_sent",
            json!({"conversation": "chat-1", "sender": "ann", "role": "visitor", "sender_name": "Ann", "preview": "Hi!"}),
        ),
        ("call_offered", json!({"conversation": "call-1", "person": "kate", "caller": "ann"})),
    ];
    let mut inputs = Vec::new();
    for (number, (kind, data)) in documents.into_iter().enumerate() {
        let document = json!({
            "specversion": "1.0", "id": number.to_string(), "source": "/platform",
            "type": format!("reveille.conversation.{kind}"), "data": data,
        });
        let Parsed::Inputs(read) = CloudEvents::new().read(&document.to_string(), now)? else {
            return Err(format!("{kind} is unknown").into());
        };
        inputs.extend(read.into_iter().filter_map(|input| match input {
            conversation::Input::Event(event) => {
                Some(Input::Event { source: SourceId(1), event: event.into() })
            }
            _ => None,
        }));
    }
    Ok(inputs)
}
