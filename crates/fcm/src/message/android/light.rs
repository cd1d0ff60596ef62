//! The blinking light.

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess};

use crate::json::{Json, JsonFields, ObjectWriter, read_object, set_once};
use crate::message::{LightColor, ProtoDuration};

/// How the light blinks. All three parts are required.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LightSettings {
    color: LightColor,
    on: ProtoDuration,
    off: ProtoDuration,
}

impl LightSettings {
    /// On for one time, off for the other, in turn.
    #[must_use]
    pub fn new(
        color: impl Into<LightColor>,
        on: impl Into<ProtoDuration>,
        off: impl Into<ProtoDuration>,
    ) -> Self {
        Self { color: color.into(), on: on.into(), off: off.into() }
    }
}

impl Json for LightSettings {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::open(out);
        object.member(",\"color\":", &self.color);
        object.member(",\"lightOnDuration\":", &self.on);
        object.member(",\"lightOffDuration\":", &self.off);
        object.close();
    }
}

#[derive(Default)]
struct Parts {
    color: Option<LightColor>,
    on: Option<ProtoDuration>,
    off: Option<ProtoDuration>,
}

impl JsonFields for Parts {
    const NAME: &'static str = "LightSettings";

    fn write_fields(&self, _: &mut ObjectWriter<'_>) {}

    fn read_field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "color" => set_once(&mut self.color, "color", map),
            "lightOnDuration" | "light_on_duration" => set_once(&mut self.on, "lightOnDuration", map),
            "lightOffDuration" | "light_off_duration" => set_once(&mut self.off, "lightOffDuration", map),
            _ => Ok(false),
        }
    }
}

impl<'de> Deserialize<'de> for LightSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts: Parts = read_object(deserializer)?;
        Ok(Self {
            color: parts.color.ok_or_else(|| D::Error::missing_field("color"))?,
            on: parts.on.ok_or_else(|| D::Error::missing_field("lightOnDuration"))?,
            off: parts.off.ok_or_else(|| D::Error::missing_field("lightOffDuration"))?,
        })
    }
}
