//! A JSON object that is already written.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::InvalidNotification;

/// A JSON object (Apple's "dictionary") made from any `Serialize`, held as text. `Debug` shows its size only.
///
/// ```
/// use reveille_apns::JsonObject;
/// #[derive(serde::Serialize)]
/// struct Queue { position: u32 }
/// assert_eq!(JsonObject::new(&Queue { position: 3 })?.as_bytes(), br#"{"position":3}"#);
/// assert!(JsonObject::new(&3).is_err());
/// # Ok::<(), reveille_apns::InvalidNotification>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct JsonObject(Vec<u8>);

impl JsonObject {
    /// Serialises `value`.
    ///
    /// # Errors
    /// [`InvalidNotification::NotAnObject`] if that fails or gives anything but an object.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, InvalidNotification> {
        let json = serde_json::to_vec(value).map_err(|_| InvalidNotification::NotAnObject)?;
        if json.first() == Some(&b'{') { Ok(Self(json)) } else { Err(InvalidNotification::NotAnObject) }
    }

    /// Takes JSON text as it is, after checking all of it: syntax, UTF-8, escapes, range of numbers.
    ///
    /// # Errors
    /// [`InvalidNotification::NotAnObject`].
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidNotification> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let mut nowhere = serde_json::Serializer::new(std::io::sink());
        serde_transcode::transcode(&mut reader, &mut nowhere)
            .map_err(|_| InvalidNotification::NotAnObject)?;
        reader.end().map_err(|_| InvalidNotification::NotAnObject)?;
        if json.trim_ascii_start().first() == Some(&b'{') {
            Ok(Self(json.to_vec()))
        } else {
            Err(InvalidNotification::NotAnObject)
        }
    }

    /// The JSON.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonObject({} bytes)", self.0.len())
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_transcode::transcode(&mut serde_json::Deserializer::from_slice(&self.0), serializer)
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = Vec::new();
        serde_transcode::transcode(deserializer, &mut serde_json::Serializer::new(&mut json))
            .map_err(D::Error::custom)?;
        if json.first() == Some(&b'{') {
            Ok(Self(json))
        } else {
            Err(D::Error::custom(InvalidNotification::NotAnObject))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_checked_to_the_end() {
        for json in
            ["", "[]", "1", "{} x", "{\"a\":1e999}", "{\"a\":\"\\ud800\"}", "{a:1}", "{\"a\":1", "null"]
        {
            assert!(JsonObject::from_json(json.as_bytes()).is_err(), "{json}");
        }
        assert!(JsonObject::from_json(b"{\"a\":\"\xff\"}").is_err(), "invalid UTF-8");
        assert!(JsonObject::from_json("[".repeat(100_000).as_bytes()).is_err(), "no stack overflow");
        let spaced = JsonObject::from_json(b" {\"a\": 1} ").unwrap();
        assert_eq!(spaced.as_bytes(), b" {\"a\": 1} ");
        insta::assert_snapshot!(format!("{spaced:?}"), @"JsonObject(10 bytes)");
    }

    #[test]
    fn order_and_numbers_survive_a_queue() {
        let json = r#"{"b":18446744073709551615,"a":[-1,0.25,null,true,{"z":"é"}]}"#;
        let object: JsonObject = serde_json::from_str(json).unwrap();
        assert_eq!(object.as_bytes(), json.as_bytes());
        assert_eq!(serde_json::to_string(&object).unwrap(), json);
    }
}
