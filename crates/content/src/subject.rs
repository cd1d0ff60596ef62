//! What is written: something new, or what takes it back.

use std::fmt::{self, Write as _};

use reveille_conversation::id::{ConversationId, PersonId};
use reveille_conversation::lookup::Takes;
use reveille_conversation::rules::{CancelForm, Channels};
use reveille_conversation::{Channel, CollapseKey, Episode, Forms, Intent, Kind, Withdraw};
use reveille_core::UnixTime;

use crate::{InvalidContent, Slip};

/// What is written: an [`Intent`] or a [`Withdraw`]. Both turn into it by themselves.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_enums, reason = "there is something new, or something is taken back")]
pub enum Subject<'a> {
    /// Tell somebody something.
    Intent(&'a Intent),
    /// Take something back.
    Withdraw(&'a Withdraw),
}

impl<'a> From<&'a Intent> for Subject<'a> {
    fn from(intent: &'a Intent) -> Self {
        Self::Intent(intent)
    }
}

impl<'a> From<&'a Withdraw> for Subject<'a> {
    fn from(withdraw: &'a Withdraw) -> Self {
        Self::Withdraw(withdraw)
    }
}

/// As the machine's outputs have it.
impl<'a> From<&'a Box<Intent>> for Subject<'a> {
    fn from(intent: &'a Box<Intent>) -> Self {
        Self::Intent(intent)
    }
}

/// As the machine's outputs have it.
impl<'a> From<&'a Box<Withdraw>> for Subject<'a> {
    fn from(withdraw: &'a Box<Withdraw>) -> Self {
        Self::Withdraw(withdraw)
    }
}

/// The name of a ring for the system's telephone: CallKit reports and ends calls by UUID. The same for a ring and its cancel,
/// another one for the next ring of the same call (RFC 9562 §5.8, version 8).
///
/// ```
/// use reveille_content::call_uuid;
/// use reveille_conversation::{CollapseKey, Episode};
/// let key = CollapseKey::from_bits(0x00112233_44556677_8899aabb_ccddeeff);
/// assert_eq!(call_uuid(key, Episode::from_bits(1)), "00112233-4455-8677-8899-aabbccddeefe");
/// assert_eq!(call_uuid(key, Episode::from_bits(2)), "00112233-4455-8677-8899-aabbccddeefd");
/// ```
#[must_use]
pub fn call_uuid(ring: CollapseKey, episode: Episode) -> String {
    Name::call(ring, episode).as_str().to_owned()
}

/// A collapse key or the UUID of a call as text, without an allocation.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    bytes: [u8; 36],
    length: usize,
}

impl Name {
    /// As the key is displayed: its bits from the top, six to a character of base64url.
    pub(crate) fn tag(key: CollapseKey) -> Self {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        const LENGTH: usize = 22;
        let (mut bytes, mut bits) = ([0; 36], key.to_bits());
        for byte in bytes.iter_mut().take(LENGTH) {
            *byte = ALPHABET.get((bits >> 122) as usize).copied().unwrap_or_default();
            bits <<= 6;
        }
        Self { bytes, length: LENGTH }
    }

    pub(crate) fn call(ring: CollapseKey, episode: Episode) -> Self {
        let bits = ring.to_bits() ^ u128::from(episode.to_bits());
        let bits = bits & !(0xf << 76 | 0b11 << 62) | 8 << 76 | 0b10 << 62;
        Self::written(format_args!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            bits >> 96,
            bits >> 80 & 0xffff,
            bits >> 64 & 0xffff,
            bits >> 48 & 0xffff,
            bits & 0xffff_ffff_ffff
        ))
    }

    fn written(text: fmt::Arguments<'_>) -> Self {
        let mut name = Self { bytes: [0; 36], length: 0 };
        // Both fit.
        let _ = name.write_fmt(text);
        name
    }

    pub(crate) fn as_str(&self) -> &str {
        let written = self.bytes.get(..self.length).unwrap_or_default();
        str::from_utf8(written).unwrap_or_default()
    }
}

impl fmt::Write for Name {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

impl<'a> Subject<'a> {
    /// What it is about.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Intent(intent) => intent.kind,
            Self::Withdraw(withdraw) => withdraw.of,
        }
    }

    pub(crate) const fn conversation(self) -> &'a ConversationId {
        match self {
            Self::Intent(intent) => &intent.conversation,
            Self::Withdraw(withdraw) => &withdraw.conversation,
        }
    }

    pub(crate) const fn recipient(self) -> &'a PersonId {
        match self {
            Self::Intent(intent) => &intent.recipient,
            Self::Withdraw(withdraw) => &withdraw.recipient,
        }
    }

    pub(crate) const fn collapse(self) -> CollapseKey {
        match self {
            Self::Intent(intent) => intent.collapse,
            Self::Withdraw(withdraw) => withdraw.collapse,
        }
    }

    pub(crate) const fn not_after(self) -> UnixTime {
        match self {
            Self::Intent(intent) => intent.not_after,
            Self::Withdraw(withdraw) => withdraw.not_after,
        }
    }

    const fn channels(self) -> Channels {
        match self {
            Self::Intent(intent) => intent.channels,
            Self::Withdraw(withdraw) => withdraw.channels,
        }
    }

    /// Whether it shows something on a platform, by the form that the rules give to cancels: `form` picks the platform.
    pub(crate) fn shows(self, slip: &Slip, form: fn(&Forms) -> CancelForm) -> bool {
        match self {
            Self::Intent(_) => true,
            Self::Withdraw(withdraw) => {
                let forms = slip.forms().unwrap_or(&withdraw.forms);
                withdraw.how == Takes::Cancel && form(forms) == CancelForm::Replacement
            }
        }
    }

    /// In time, and on a channel that the rules allow.
    pub(crate) fn check(self, channel: Channel, now: UnixTime) -> Result<(), InvalidContent> {
        let kind = self.kind();
        if !self.channels().has(channel) {
            return Err(InvalidContent::Channel { kind, channel });
        }
        if self.not_after() <= now {
            let (not_after_ms, now_ms) = (self.not_after().as_millis(), now.as_millis());
            return Err(InvalidContent::Late { kind, not_after_ms, now_ms });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_the_key_as_it_is_displayed() {
        for bits in [0, 1, 0xf, u128::MAX, 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff, 1 << 127] {
            let key = CollapseKey::from_bits(bits);
            assert_eq!(Name::tag(key).as_str(), key.to_string());
        }
    }
}
