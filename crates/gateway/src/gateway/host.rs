//! What the digest collects: the last message, for a recipient in a conversation.

use reveille_conversation::Intent;
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_digest::snapshot::Codec;
use serde::{Deserialize, Serialize};

use crate::wire::postcard_into;

/// What is collected together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) person: PersonId,
    pub(crate) conversation: ConversationId,
}

impl Codec for Key {
    fn encode(&self, out: &mut Vec<u8>) {
        postcard_into(self, out);
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes)
    }
}

/// A message, as the rules made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message(pub(crate) Box<Intent>);

impl Codec for Message {
    fn encode(&self, out: &mut Vec<u8>) {
        postcard_into(&*self.0, out);
    }
    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes).map(Self)
    }
}

fn take<'a, T: Deserialize<'a>>(bytes: &mut &'a [u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    *bytes = rest;
    Some(value)
}

/// No calendar: a person's quiet hours are resolved where their devices are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host;

impl reveille_digest::Host for Host {
    type Key = Key;
    type Payload = Message;
    type Fold = ();
    type Calendar = ();
}
