//! Foreign JSON inside a message: the APNs payload, the web notification.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{Json, json_error};
use crate::MessageError;

/// A JSON object that somebody else defines, checked and kept as compact text.
///
/// This is the door for typed payloads of other crates: anything that serialises to an object comes in.
///
/// ```
/// use reveille_fcm::JsonObject;
/// use std::collections::BTreeMap;
///
/// let payload = BTreeMap::from([("aps", BTreeMap::from([("badge", 3)]))]);
/// assert_eq!(JsonObject::of(&payload)?.as_str(), r#"{"aps":{"badge":3}}"#);
/// assert_eq!(JsonObject::parse(r#" { "aps": { } } "#)?.as_str(), r#"{"aps":{}}"#);
/// assert!(JsonObject::of(&[1, 2]).is_err());
/// # Ok::<(), reveille_fcm::MessageError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct JsonObject {
    text: Box<str>,
}

impl JsonObject {
    /// What `value` serialises to, keys in its order.
    ///
    /// # Errors
    /// [`MessageError::Json`] if it does not serialise, or not to an object.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, MessageError> {
        let text = serde_json::to_string(value).map_err(|error| json_error(&error))?;
        // Read back once, so that doubled keys that hide in a flattened struct, or too deep a nesting, show here.
        let _: Map<String, Value> = serde_json::from_str(&text).map_err(|error| json_error(&error))?;
        Ok(Self { text: text.into() })
    }

    /// Reads JSON text; white space goes, keys are sorted, of doubled keys the last stays.
    ///
    /// # Errors
    /// [`MessageError::Json`] if it is not JSON, not an object, or nested deeper than 127 levels.
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        serde_json::from_str(text).map_err(|error| json_error(&error))
    }

    /// The compact JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn to_map(&self) -> Map<String, Value> {
        // It was written by serde_json, so it is read again; nesting beyond its limit would give an empty map.
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(crate) fn from_map(map: &Map<String, Value>) -> Self {
        Self { text: Value::from(map.clone()).to_string().into() }
    }
}

impl Json for JsonObject {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text.as_bytes());
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_map(&Map::deserialize(deserializer)?))
    }
}

/// Only the length: a payload may carry a resume token.
impl fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonObject({} bytes)", self.text.len())
    }
}
