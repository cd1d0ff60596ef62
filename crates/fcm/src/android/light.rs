//! The blinking light.

use reveille_payload::{ObjectWriter, WriteJson, label};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::LightColor;
use crate::message::ProtoDuration;
use crate::schema::{ReadFields, WriteFields, read_object, set_once};

/// How the notification light blinks: colour, time on, time off; FCM requires all three. Use it for devices that have
/// such a light.
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

#[derive(Default)]
struct Parts {
    color: Option<LightColor>,
    on: Option<ProtoDuration>,
    off: Option<ProtoDuration>,
}

impl From<&LightSettings> for Parts {
    fn from(light: &LightSettings) -> Self {
        Self { color: Some(light.color), on: Some(light.on), off: Some(light.off) }
    }
}

impl WriteFields for Parts {
    fn write_fields(&self, object: &mut ObjectWriter<'_>) {
        if let Some(color) = &self.color {
            object.member(label!("color"), color);
        }
        if let Some(on) = &self.on {
            object.member(label!("lightOnDuration"), on);
        }
        if let Some(off) = &self.off {
            object.member(label!("lightOffDuration"), off);
        }
    }

    fn serialize_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        if let Some(color) = &self.color {
            map.serialize_entry("color", color)?;
        }
        if let Some(on) = &self.on {
            map.serialize_entry("lightOnDuration", on)?;
        }
        if let Some(off) = &self.off {
            map.serialize_entry("lightOffDuration", off)?;
        }
        Ok(())
    }
}

impl ReadFields for Parts {
    const NAME: &'static str = "LightSettings";

    fn read_field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "color" => set_once(&mut self.color, "color", map),
            "lightOnDuration" | "light_on_duration" => set_once(&mut self.on, "lightOnDuration", map),
            "lightOffDuration" | "light_off_duration" => set_once(&mut self.off, "lightOffDuration", map),
            _ => Ok(false),
        }
    }
}

impl WriteJson for LightSettings {
    fn write_json(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::open(out);
        Parts::from(self).write_fields(&mut object);
        object.close();
    }
}

impl Serialize for LightSettings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        Parts::from(self).serialize_fields(&mut map)?;
        map.end()
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
