//! The two colours of the schema: `#rrggbb` for the icon, fractions for the light.

use std::str::FromStr;

use reveille_payload::{ObjectWriter, WriteJson, label};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess};
use serde::ser::{Serialize, SerializeMap, Serializer};
use thiserror::Error;

use crate::schema::{ReadFields, WriteFields, json_as_display, read_object, serde_as_display, set_once};

/// Why a text or numbers are no colour; the error of [`Rgb`]'s `FromStr` and of [`LightColor::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidColor {
    /// Not six hexadecimal digits behind a `#`.
    #[error("color is not #rrggbb")]
    Hex,
    /// A part of a light's colour that is not between 0 and 1.
    #[error("part of a color is not between 0 and 1")]
    Fraction,
}

/// The colour of an Android notification's icon, `#rrggbb`, for
/// [`AndroidNotification::with_color`](super::AndroidNotification::with_color).
///
/// ```
/// use reveille_fcm::android::Rgb;
/// assert_eq!("#FF8800".parse::<Rgb>()?, Rgb::new(255, 136, 0));
/// assert_eq!(Rgb::new(255, 136, 0).to_string(), "#ff8800");
/// # Ok::<(), reveille_fcm::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb {
    red: u8,
    green: u8,
    blue: u8,
}

impl Rgb {
    /// Makes a colour of its parts, 0 to 255 each.
    #[must_use]
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }
}

/// From `#rrggbb`, in either case.
impl FromStr for Rgb {
    type Err = InvalidColor;

    fn from_str(text: &str) -> Result<Self, InvalidColor> {
        let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6).ok_or(InvalidColor::Hex)?;
        if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(InvalidColor::Hex);
        }
        let number = u32::from_str_radix(hex, 16).map_err(|_| InvalidColor::Hex)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self { red, green, blue })
    }
}

impl std::fmt::Display for Rgb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

serde_as_display!(Rgb);
json_as_display!(Rgb);

/// The colour of the notification light, a `google.type.Color`: fractions from 0 to 1, and an optional alpha. It goes
/// into [`LightSettings`](super::LightSettings).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LightColor {
    red: Fraction,
    green: Fraction,
    blue: Fraction,
    alpha: Option<Fraction>,
}

impl LightColor {
    /// Makes a solid colour of fractions from 0 to 1.
    ///
    /// # Errors
    /// [`InvalidColor::Fraction`] for anything not between 0 and 1.
    pub fn new(red: f32, green: f32, blue: f32) -> Result<Self, InvalidColor> {
        Ok(Self {
            red: Fraction::new(red)?,
            green: Fraction::new(green)?,
            blue: Fraction::new(blue)?,
            alpha: None,
        })
    }

    /// Sets how solid the colour is, from 0 to 1.
    ///
    /// # Errors
    /// [`InvalidColor::Fraction`] for anything not between 0 and 1.
    pub fn with_alpha(mut self, alpha: f32) -> Result<Self, InvalidColor> {
        self.alpha = Some(Fraction::new(alpha)?);
        Ok(self)
    }
}

impl From<Rgb> for LightColor {
    fn from(rgb: Rgb) -> Self {
        let part = |byte: u8| Fraction(f32::from(byte) / 255.0);
        Self { red: part(rgb.red), green: part(rgb.green), blue: part(rgb.blue), alpha: None }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Fraction(f32);

impl Fraction {
    fn new(value: f32) -> Result<Self, InvalidColor> {
        if (0.0..=1.0).contains(&value) {
            // `+ 0.0` turns -0 into 0.
            Ok(Self(value + 0.0))
        } else {
            Err(InvalidColor::Fraction)
        }
    }
}

/// The shortest text that reads back as the same number.
impl WriteJson for Fraction {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.to_string().as_bytes());
    }
}

/// As the writer: 0 and 1 without a point.
impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0.0 => serializer.serialize_u8(0),
            1.0 => serializer.serialize_u8(1),
            part => serializer.serialize_f32(part),
        }
    }
}

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f32::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[derive(Default)]
struct Parts {
    red: Option<Fraction>,
    green: Option<Fraction>,
    blue: Option<Fraction>,
    alpha: Option<Fraction>,
}

impl WriteFields for Parts {
    fn write_fields(&self, object: &mut ObjectWriter<'_>) {
        for (label, part) in [
            (label!("red"), self.red),
            (label!("green"), self.green),
            (label!("blue"), self.blue),
            (label!("alpha"), self.alpha),
        ] {
            if let Some(part) = part {
                object.member(label, &part);
            }
        }
    }

    fn serialize_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for (key, part) in
            [("red", self.red), ("green", self.green), ("blue", self.blue), ("alpha", self.alpha)]
        {
            if let Some(part) = part {
                map.serialize_entry(key, &part)?;
            }
        }
        Ok(())
    }
}

impl ReadFields for Parts {
    const NAME: &'static str = "Color";

    fn read_field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "red" => set_once(&mut self.red, "red", map),
            "green" => set_once(&mut self.green, "green", map),
            "blue" => set_once(&mut self.blue, "blue", map),
            "alpha" => set_once(&mut self.alpha, "alpha", map),
            _ => Ok(false),
        }
    }
}

impl From<&LightColor> for Parts {
    fn from(color: &LightColor) -> Self {
        Self { red: Some(color.red), green: Some(color.green), blue: Some(color.blue), alpha: color.alpha }
    }
}

impl WriteJson for LightColor {
    fn write_json(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::open(out);
        Parts::from(self).write_fields(&mut object);
        object.close();
    }
}

impl Serialize for LightColor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        Parts::from(self).serialize_fields(&mut map)?;
        map.end()
    }
}

/// A part that is missing is 0, as in proto3.
impl<'de> Deserialize<'de> for LightColor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts: Parts = read_object(deserializer)?;
        let [red, green, blue] = [parts.red, parts.green, parts.blue].map(Option::unwrap_or_default);
        Ok(Self { red, green, blue, alpha: parts.alpha })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icon_colours() {
        for text in ["", "ff8800", "#f80", "#ff88000", "#gg0000", "#+f8800"] {
            assert!(text.parse::<Rgb>().is_err(), "{text}");
        }
    }

    #[test]
    fn light_colours_are_fractions() {
        for bad in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
            assert!(LightColor::new(bad, 0.0, 0.0).is_err());
        }
        let color = LightColor::new(-0.0, 1.0, 0.4).unwrap().with_alpha(0.5).unwrap();
        let mut out = Vec::new();
        color.write_json(&mut out);
        assert_eq!(String::from_utf8(out.clone()).unwrap(), r#"{"red":0,"green":1,"blue":0.4,"alpha":0.5}"#);
        assert_eq!(serde_json::from_slice::<LightColor>(&out).unwrap(), color);
        assert_eq!(
            serde_json::from_str::<LightColor>(&serde_json::to_string(&color).unwrap()).unwrap(),
            color
        );
        insta::assert_snapshot!(InvalidColor::Fraction, @"part of a color is not between 0 and 1");
        insta::assert_snapshot!(InvalidColor::Hex, @"color is not #rrggbb");
        assert_eq!(LightColor::from(Rgb::new(255, 0, 51)), LightColor::new(1.0, 0.0, 0.2).unwrap());
        assert!(serde_json::from_str::<LightColor>(r#"{"red":2}"#).is_err());
        assert!(serde_json::from_str::<LightColor>("[1,1,1]").is_err());
    }
}
