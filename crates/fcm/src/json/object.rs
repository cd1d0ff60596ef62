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
    /// What `value` serialises to, keys in its order. Where a key is doubled, which a flattened struct can hide, the
    /// last stays and keys are sorted, as in [`parse`](Self::parse); integers of more than 64 bits become fractions.
    ///
    /// # Errors
    /// [`MessageError::Json`] if it does not serialise, or not to an object.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, MessageError> {
        let text = serde_json::to_string(value).map_err(|error| json_error(&error))?;
        // Read back once: too deep a nesting shows here, and so does all that would come out shorter or longer when it
        // is read for its size.
        let map: Map<String, Value> = serde_json::from_str(&text).map_err(|error| json_error(&error))?;
        let again = Value::from(map).to_string();
        Ok(Self { text: if again.len() == text.len() { text.into() } else { again.into() } })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// As `#[serde(flatten)]` can make it: the same key in the struct and in what is flattened into it.
    struct Doubled;
    impl Serialize for Doubled {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeMap as _;
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("b", &[1])?;
            map.serialize_entry("a", &1)?;
            map.serialize_entry("b", &2)?;
            map.end()
        }
    }

    #[test]
    fn doubled_keys_never_get_out() {
        assert_eq!(JsonObject::of(&Doubled).unwrap().as_str(), r#"{"a":1,"b":2}"#);
        assert_eq!(JsonObject::parse(r#"{"b":[1],"a":1,"b":2}"#).unwrap().as_str(), r#"{"a":1,"b":2}"#);
    }

    proptest::proptest! {
        /// Without serde_json's `float_roundtrip` every reading may move a number by a little.
        #[test]
        fn numbers_stay_what_they_are(number in proptest::num::f64::NORMAL) {
            let object = JsonObject::of(&std::collections::BTreeMap::from([("n", number)])).unwrap();
            let again = JsonObject::parse(object.as_str()).unwrap();
            proptest::prop_assert_eq!(again.to_map()["n"].as_f64(), Some(number));
            proptest::prop_assert_eq!(again, object);
        }
    }

    #[test]
    fn text_and_map_are_the_same_size() {
        // The size of a message is counted on the map: the text must not be shorter or longer.
        for text in [r#"{"n":1E15}"#, r#"{"n":20000000000000000000000}"#, r#"{"n":1e2,"s":"\/\u00e9"}"#] {
            let object = JsonObject::parse(text).unwrap();
            assert_eq!(Value::from(object.to_map()).to_string(), object.as_str());
        }
        let wide =
            JsonObject::of(&std::collections::BTreeMap::from([("n", u128::MAX), ("m", 1 << 64)])).unwrap();
        assert_eq!(Value::from(wide.to_map()).to_string(), wide.as_str());
    }
}
