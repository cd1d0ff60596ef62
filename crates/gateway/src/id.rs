//! Names that the gateway gives, and the seed that keys them.

use std::fmt;
use std::hash::{Hash, Hasher};

use reveille_conversation as conversation;
use reveille_conversation::CollapseKey;
use reveille_conversation::id::{ConversationId, InvalidId, PersonId};
use reveille_core::siphash::Sip13;
use reveille_delivery::{DeviceId, JobId, RecipientId, SlotId};
use serde::{Deserialize, Serialize};

use crate::audience::AnnouncementId;

/// A secret of 16 random bytes, from which all names follow: make it once, keep it with your keys, and use the same one in
/// all shards, on all machines and after every restart.
///
/// With another one, what is on a screen is not replaced, and a snapshot is refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 16]);

/// Which queue, stream or webhook an event came from: event ids are unique within one. Choose a number for each of your
/// sources, and keep it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "a number under a name")]
pub struct SourceId(pub u16);

/// Who owns a shard: rises with every claim. Admit it as [`Input::Owner`](crate::Input::Owner) when a process takes a shard
/// over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "a number under a name")]
pub struct Epoch(pub u64);

/// 128 bits as a UUID of version 8 (RFC 9562 §5.8): six bits are given up for version and variant.
pub(crate) fn uuid(bits: u128) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bits = bits & !(0xF000 << 64) & !(0b11 << 62) | 0x8000 << 64 | 0b10 << 62;
    let digit = |four: u8| DIGITS.get(usize::from(four & 15)).map_or('0', |digit| char::from(*digit));
    let mut text = String::with_capacity(36);
    for (at, byte) in bits.to_be_bytes().into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(digit(byte >> 4));
        text.push(digit(byte));
    }
    text
}

/// What a name is for: no two uses share a key.
#[derive(Clone, Copy)]
enum Use {
    Conversations = 1,
    Digests,
    Delivery,
    Fingerprint,
    Recipient,
    Device,
    Job,
    Slot,
    // 9 named rings.
    Event = 10,
    Group,
    Text,
}

impl Seed {
    /// From 16 random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    const fn hasher(self, name: Use) -> Sip13 {
        let key = u128::from_le_bytes(self.0);
        Sip13::new(key as u64, (key >> 64) as u64 ^ ((name as u64) << 32))
    }

    fn hash(self, name: Use, value: impl Hash) -> u128 {
        let mut hasher = self.hasher(name);
        value.hash(&mut hasher);
        hasher.halfway().both()
    }

    pub(crate) fn conversations(self) -> conversation::Seed {
        conversation::Seed::new(self.hash(Use::Conversations, ()).to_le_bytes())
    }

    pub(crate) fn digests(self) -> reveille_digest::Seed {
        reveille_digest::Seed::new(self.hash(Use::Digests, ()).to_le_bytes())
    }

    pub(crate) fn delivery(self) -> u64 {
        self.hash(Use::Delivery, ()) as u64
    }

    pub(crate) fn fingerprint(self) -> u64 {
        self.hash(Use::Fingerprint, ()) as u64
    }

    /// A recipient, as delivery names them.
    #[must_use]
    pub fn recipient(self, person: &PersonId) -> RecipientId {
        RecipientId::from_bits(self.hash(Use::Recipient, person))
    }

    /// A device, as delivery names it, from the name that [`device_name`] gives it.
    #[must_use]
    pub fn device(self, name: &conversation::id::DeviceId) -> DeviceId {
        DeviceId::from_bits(self.hash(Use::Device, name))
    }

    /// The same from app and device, without making the name; `None` where [`device_name`] gives an error.
    #[must_use]
    pub fn device_of(self, app: &str, device: &str) -> Option<DeviceId> {
        let control = |text: &str| text.bytes().any(|byte| byte < 0x20 || byte == 0x7f);
        if app.len().saturating_add(device.len()) >= conversation::id::MAX_ID
            || control(app)
            || control(device)
        {
            return None;
        }
        Some(DeviceId::from_bits(self.hash(Use::Device, Pieces([app, "/", device]))))
    }

    /// The shard of a conversation, one of 256: the same on every machine.
    #[must_use]
    pub fn shard(self, conversation: &ConversationId) -> u8 {
        (self.hash(Use::Group, conversation) >> 64) as u8
    }

    /// A conversation in a table. The other half of this hash says its shard.
    pub(crate) fn conversation(self, conversation: &ConversationId) -> u64 {
        self.hash(Use::Group, conversation) as u64
    }

    /// One notification for one recipient, on all ways: hash(recipient, conversation, kind, generation). The collapse key
    /// stands for recipient, conversation and slot.
    pub(crate) fn jobs(
        self,
        collapse: CollapseKey,
        kind: &str,
        takes_back: bool,
        generation: u64,
    ) -> JobNames {
        let mut hasher = self.hasher(Use::Job);
        (collapse.to_bits(), kind, takes_back, generation).hash(&mut hasher);
        JobNames(hasher)
    }

    /// What replaces what, on one way.
    pub(crate) fn slot(self, collapse: CollapseKey, way: u8) -> SlotId {
        // Nothing stands where there was a number once, so that names are what they were.
        SlotId::from_bits(self.hash(Use::Slot, (collapse.to_bits(), way, None::<u64>)))
    }

    /// What stands for a text that is only told apart from others.
    pub(crate) fn text(self, text: &str) -> u64 {
        self.hash(Use::Text, text) as u64
    }

    /// What the gateway calls an announcement of a source.
    #[must_use]
    pub fn announcement(self, source: SourceId, id: &conversation::id::EventId) -> AnnouncementId {
        AnnouncementId::from_bits(self.event(source, id))
    }

    /// What stands for an event of a source.
    pub(crate) fn event(self, source: SourceId, event: &conversation::id::EventId) -> u128 {
        self.hash(Use::Event, (source.0, event))
    }
}

/// The names of a notification's jobs, but for the way, which is hashed last.
#[derive(Clone, Copy)]
pub(crate) struct JobNames(Sip13);

impl JobNames {
    /// The name of the job on one way.
    pub(crate) fn on(self, way: u8) -> JobId {
        let Self(mut hasher) = self;
        hasher.write_u8(way);
        JobId::from_bits(hasher.halfway().both())
    }
}

/// Hashes as the text that they make together.
struct Pieces<'a>([&'a str; 3]);

impl Hash for Pieces<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|piece| state.write(piece.as_bytes()));
        // What the standard library puts behind a text.
        state.write_u8(0xff);
    }
}

/// Says nothing.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// The name of a device in events ("answered on …", "shows the conversation"), made of what the registry calls it: the app,
/// a slash, the device. Events and records must name a device in the same way, so that a cancel spares the one that
/// answered.
///
/// ```
/// let name = reveille_gateway::device_name("com.example.chat", "phone-1")?;
/// assert_eq!(name.as_str(), "com.example.chat/phone-1");
/// # Ok::<(), reveille_conversation::id::InvalidId>(())
/// ```
///
/// # Errors
/// [`InvalidId`] if the two are too long together, or not fit for a log.
pub fn device_name(app: &str, device: &str) -> Result<conversation::id::DeviceId, InvalidId> {
    conversation::id::DeviceId::new(&format!("{app}/{device}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_pinned() {
        let seed = Seed::new([7; 16]);
        let (ann, c1) = (PersonId::new("ann").unwrap(), ConversationId::new("c1").unwrap());
        let phone = device_name("app", "phone").unwrap();
        let collapse = CollapseKey::from_bits(5);
        let all = [
            format!("{:?}", seed.recipient(&ann)),
            format!("{:?}", seed.device(&phone)),
            format!("{:?}", seed.jobs(collapse, "new_message", false, 9).on(0)),
            format!("{:?}", seed.slot(collapse, 0)),
            format!("shard {}", seed.shard(&c1)),
            format!("{seed:?}"),
        ];
        insta::assert_snapshot!(all.join("\n"), @"
        RecipientId(f122e63ed831b43141a5ec01ab25e59e)
        DeviceId(b15cde8768cbf5e6dc6b3a15c2b4ca29)
        JobId(1b40121f2ee428bb7a28e7ebe4784b42)
        SlotId(e651794f66bcce171529f9ee45f390e1)
        shard 99
        Seed(…)
        ");
        let job = |takes_back, way| seed.jobs(collapse, "x", takes_back, 9).on(way);
        assert_ne!(job(true, 0), job(false, 0));
        assert_ne!(job(false, 0), job(false, 1));
    }

    #[test]
    fn a_device_has_one_name() {
        let seed = Seed::new([7; 16]);
        for (app, device) in
            [("app", "phone"), ("", ""), ("a/b", "c"), ("é", "\u{1f4f1}"), ("app", &*"x".repeat(124))]
        {
            let name = device_name(app, device).unwrap();
            assert_eq!(seed.device_of(app, device), Some(seed.device(&name)));
        }
        for (app, device) in [("app", &*"x".repeat(125)), ("a\n", "b"), ("a", "\u{7f}")] {
            assert!(device_name(app, device).is_err() && seed.device_of(app, device).is_none());
        }
    }

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        assert_eq!(uuid(0), "00000000-0000-8000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-8fff-bfff-ffffffffffff");
    }
}
