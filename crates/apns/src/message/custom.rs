//! The app's own keys, beside `aps`.

use std::fmt;

use reveille_payload::{InvalidJson, JsonInto, Part, escaped_len, write_string};
use serde::de::{DeserializeSeed as _, Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::InvalidNotification;
use super::InvalidNotification::{DuplicateKey, Json, ReservedKey};
use super::entries::{Entries, Entry};

/// Keys that the app reads, beside `aps` and not in it: APNs ignores unknown keys inside `aps`. The typed
/// notifications keep one of these; use their `with_custom` to fill it.
///
/// Held as written JSON, so that sending costs one copy. `Debug` shows keys and sizes, for a value may be a token.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Custom {
    /// `,"key":value` for each.
    json: Vec<u8>,
    entries: Entries,
}

/// One entry, as slices of the JSON.
struct Slices<'c> {
    key: &'c [u8],
    value: &'c [u8],
    bytes: usize,
}

impl Custom {
    /// Adds a key and its value, written as JSON.
    ///
    /// # Errors
    /// [`InvalidNotification`] if the key is `aps`, or is there already, or the value cannot be written as JSON.
    pub fn insert<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), InvalidNotification> {
        let start = self.begin(key)?;
        let end = self.json.len();
        let written = serde_json::to_writer(&mut self.json, value);
        let checked = written.and_then(|()| check_keys(self.json.get(end..).unwrap_or_default()));
        match checked {
            Ok(()) => self.finish(start, key),
            Err(error) => {
                self.json.truncate(start);
                return Err(Json(InvalidJson::new(key, &error)));
            }
        }
        Ok(())
    }

    /// Returns whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the keys, in the order in which they were added.
    pub fn keys(&self) -> impl Iterator<Item = String> + '_ {
        self.slices().map(|entry| key_text(entry.key))
    }

    /// Whether a key is there.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        let mut quoted = Vec::with_capacity(key.len() + 2);
        write_string(&mut quoted, key);
        self.has_quoted(&quoted)
    }

    /// All entries as they stand in the payload, each with a comma before it.
    pub(crate) fn json(&self) -> &[u8] {
        &self.json
    }

    /// The last key first: keys are listed in the order of importance.
    pub(crate) fn optional_parts(&self) -> impl Iterator<Item = Part<'_>> {
        let mut parts: Vec<_> =
            self.slices().map(|entry| Part::optional(key_text(entry.key), entry.bytes)).collect();
        parts.reverse();
        parts.into_iter()
    }

    pub(crate) fn remove_last(&mut self) {
        self.entries.pop();
        self.json.truncate(self.entries.last().map_or(0, |entry| entry.end));
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// A key that is in both.
    pub(crate) fn common_key(&self, other: &Self) -> Option<String> {
        self.slices().find(|entry| other.has_quoted(entry.key)).map(|entry| key_text(entry.key))
    }

    fn begin(&mut self, key: &str) -> Result<usize, InvalidNotification> {
        if key == "aps" {
            return Err(ReservedKey);
        }
        let start = self.json.len();
        if start == 0 {
            self.json.reserve(key.len() + 64);
        }
        self.json.push(b',');
        write_string(&mut self.json, key);
        let duplicate = self.json.get(start + 1..).is_some_and(|quoted| self.has_quoted(quoted));
        if duplicate {
            self.json.truncate(start);
            return Err(DuplicateKey { key: key.to_owned() });
        }
        self.json.push(b':');
        Ok(start)
    }

    fn finish(&mut self, start: usize, key: &str) {
        // A comma, two quotes, a colon.
        let value = start + escaped_len(key) + 4;
        self.entries.push(Entry { value, end: self.json.len() });
    }

    fn has_quoted(&self, quoted: &[u8]) -> bool {
        self.slices().any(|entry| entry.key == quoted)
    }

    fn slices(&self) -> impl Iterator<Item = Slices<'_>> {
        let starts = std::iter::once(0).chain(self.entries.iter().map(|entry| entry.end));
        starts.zip(self.entries.iter()).map(|(start, entry)| Slices {
            key: self.json.get(start + 1..entry.value.saturating_sub(1)).unwrap_or_default(),
            value: self.json.get(entry.value..entry.end).unwrap_or_default(),
            bytes: entry.end.saturating_sub(start),
        })
    }
}

/// The key without quotes and escapes.
fn key_text(quoted: &[u8]) -> String {
    serde_json::from_slice(quoted).unwrap_or_else(|_| String::from_utf8_lossy(quoted).into_owned())
}

/// Refuses a key that stands twice in what was written, at any depth: it could not be read back.
fn check_keys(value: &[u8]) -> Result<(), serde_json::Error> {
    if !matches!(value.first(), Some(b'{' | b'[')) {
        return Ok(());
    }
    let mut read = Vec::with_capacity(value.len());
    JsonInto(&mut read).deserialize(&mut serde_json::Deserializer::from_slice(value))
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.slices().map(|entry| (key_text(entry.key), Bytes(entry.value.len()))))
            .finish()
    }
}

struct Bytes(usize);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

impl Serialize for Custom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries.len()))?;
        for entry in self.slices() {
            let mut value = serde_json::Deserializer::from_slice(entry.value);
            map.serialize_entry(&key_text(entry.key), &serde_transcode::Transcoder::new(&mut value))?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Custom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CustomVisitor)
    }
}

struct CustomVisitor;

impl<'de> Visitor<'de> for CustomVisitor {
    type Value = Custom;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of custom keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Custom, A::Error> {
        let mut custom = Custom::default();
        while let Some(key) = map.next_key::<String>()? {
            let start = custom.begin(&key).map_err(A::Error::custom)?;
            map.next_value_seed(JsonInto(&mut custom.json))?;
            custom.finish(start, &key);
        }
        Ok(custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_are_checked() {
        let mut custom = Custom::default();
        custom.insert("a\"b", &1).unwrap();
        custom.insert("", &[1.5]).unwrap();
        assert_eq!(custom.insert("aps", &1), Err(ReservedKey));
        assert_eq!(custom.insert("a\"b", &2), Err(DuplicateKey { key: "a\"b".into() }));
        let not_json = std::collections::BTreeMap::from([(vec![1], 2)]);
        insta::assert_snapshot!(custom.insert("m", &not_json).unwrap_err(), @"JSON at m: key must be a string");
        assert_eq!(custom.json(), br#","a\"b":1,"":[1.5]"#);
        assert_eq!(custom.keys().collect::<Vec<_>>(), ["a\"b", ""]);
        insta::assert_snapshot!(format!("{custom:?}"), @r#"{"a\"b": 1 bytes, "": 5 bytes}"#);
        custom.remove_last();
        assert_eq!(custom.json(), br#","a\"b":1"#);
    }

    /// As `#[serde(flatten)]` can make it.
    struct Doubled;
    impl Serialize for Doubled {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("b", &1)?;
            map.serialize_entry("b", &2)?;
            map.end()
        }
    }

    #[test]
    fn doubled_keys_never_get_in() {
        let mut custom = Custom::default();
        insta::assert_snapshot!(custom.insert("k", &[Doubled]).unwrap_err(), @r#"JSON at k, line 1 column 14: the key "b" stands twice"#);
        assert!(custom.is_empty() && custom.json().is_empty());
    }

    proptest! {
        #[test]
        fn survives_a_queue(pairs in prop::collection::vec((".{0,5}", ".{0,9}"), 0..9)) {
            let mut custom = Custom::default();
            for (key, value) in &pairs {
                let _ = custom.insert(key, value);
            }
            let json = serde_json::to_string(&custom).unwrap();
            prop_assert_eq!(serde_json::from_str::<Custom>(&json).unwrap(), custom.clone());
            let flat = format!("{{\"x\":0{}}}", str::from_utf8(custom.json()).unwrap());
            let parsed: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&flat).unwrap();
            prop_assert_eq!(parsed.len() - usize::from(!custom.contains("x")), custom.len());
        }
    }
}
