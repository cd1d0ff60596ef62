//! Sounds that pass the mute switch.

use std::borrow::Cow;

use reveille_payload::{ObjectWriter, label};
use serde::{Deserialize, Serialize};

use super::Fraction;

/// The dictionary form of `sound`, `{"critical":1,"name":…,"volume":…}`, for alerts that must be heard; the app needs an
/// entitlement from Apple. JSON form: `name`, and optionally `volume` (0 to 1, 1 unless set).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CriticalSound<'a> {
    name: Cow<'a, str>,
    #[serde(default = "full", skip_serializing_if = "is_full")]
    volume: Fraction,
}

const fn full() -> Fraction {
    Fraction::ONE
}

fn is_full(volume: &Fraction) -> bool {
    *volume == Fraction::ONE
}

impl<'a> CriticalSound<'a> {
    /// A sound file of the app, or `default`, at full volume.
    pub fn new(name: impl Into<Cow<'a, str>>) -> Self {
        Self { name: name.into(), volume: Fraction::ONE }
    }

    /// The volume; 0 is silent.
    #[must_use]
    pub fn with_volume(mut self, volume: Fraction) -> Self {
        self.volume = volume;
        self
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut sound = ObjectWriter::open(out);
        sound.flag(label!("critical"), true);
        sound.text(label!("name"), &self.name);
        sound.member(label!("volume"), &self.volume);
        sound.close();
    }
}
