//! `data`: strings to strings, without the keys that FCM keeps for itself.

use std::collections::BTreeMap;
use std::fmt;

use reveille_payload::WriteJson;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::text::{Text, quoted};

/// Why an entry cannot be in [`Data`]. Keys appear in the texts, values do not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidData {
    /// A key is empty.
    #[error("data key must not be empty")]
    EmptyKey,
    /// A key that FCM keeps for itself; the message would be refused, or accepted and never delivered.
    #[error("data key {key:?} is reserved by FCM ({rule})")]
    ReservedKey {
        /// The key, cut to 64 bytes.
        key: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// More entries than could ever be sent.
    #[error("data has more than {limit} entries")]
    TooMany {
        /// How many entries are allowed.
        limit: usize,
    },
}

/// The data of a message: strings under strings, for [`Message::with_data`](crate::Message::with_data), which the app
/// reads. It is written in the order of its keys, so that equal data is equal text.
///
/// ```
/// use reveille_fcm::Data;
/// let data = Data::new([("contactId", "c-1"), ("channelType", "chat")])?;
/// assert_eq!((data.value("contactId"), data.len()), (Some("c-1"), 2));
/// assert_eq!(
///     Data::new([("google.ttl", "1")]).unwrap_err().to_string(),
///     r#"data key "google.ttl" is reserved by FCM (the prefix `google.`)"#,
/// );
/// # Ok::<(), reveille_fcm::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Data(BTreeMap<Text, Text>);

impl Data {
    /// Entries that are accepted; 4,096 bytes could not hold more anyway.
    pub const MAX_ENTRIES: usize = 4_096;

    /// From pairs; of doubled keys the last stays.
    ///
    /// # Errors
    /// As [`with_entry`](Self::with_entry).
    pub fn new<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, InvalidData>
    where
        K: Into<Text>,
        V: Into<Text>,
    {
        let mut data = Self::default();
        for (key, value) in pairs {
            data.insert(key, value)?;
        }
        Ok(data)
    }

    /// With one more entry, or another value for the same key.
    ///
    /// # Errors
    /// [`InvalidData::ReservedKey`] for `from`, `message_type` and the prefixes `google.` and `gcm.notification.`;
    /// [`InvalidData::EmptyKey`]; [`InvalidData::TooMany`] above [`MAX_ENTRIES`](Self::MAX_ENTRIES).
    pub fn with_entry(mut self, key: impl Into<Text>, value: impl Into<Text>) -> Result<Self, InvalidData> {
        self.insert(key, value)?;
        Ok(self)
    }

    pub(crate) fn insert(&mut self, key: impl Into<Text>, value: impl Into<Text>) -> Result<(), InvalidData> {
        let key = key.into();
        if key.is_empty() {
            return Err(InvalidData::EmptyKey);
        }
        if let Some(rule) = reserved(&key) {
            return Err(InvalidData::ReservedKey { key: quoted(&key), rule });
        }
        if self.0.len() >= Self::MAX_ENTRIES && !self.0.contains_key(&key) {
            return Err(InvalidData::TooMany { limit: Self::MAX_ENTRIES });
        }
        self.0.insert(key, value.into());
        Ok(())
    }

    /// The value of a key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(AsRef::as_ref)
    }

    /// All entries, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value.as_ref()))
    }

    /// Returns how many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Text> {
        self.0.remove(key)
    }

    pub(crate) fn value_mut(&mut self, key: &str) -> Option<&mut Text> {
        self.0.get_mut(key)
    }
}

/// The rule of `Message.data` in the schema that a key breaks.
///
/// `message_type` is the worst of them: FCM takes the message and never delivers it.
pub(crate) fn reserved(key: &str) -> Option<&'static str> {
    match key {
        "from" => Some("the word `from`"),
        "message_type" => Some("the word `message_type`"),
        _ if key.starts_with("google.") => Some("the prefix `google.`"),
        _ if key.starts_with("gcm.notification.") => Some("the prefix `gcm.notification.`"),
        _ => None,
    }
}

impl WriteJson for Data {
    fn write_json(&self, out: &mut Vec<u8>) {
        self.0.write_json(out);
    }
}

/// As an object of strings.
impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = BTreeMap::<String, String>::deserialize(deserializer)?;
        Self::new(map).map_err(serde::de::Error::custom)
    }
}

/// Keys, and the lengths of the values: a value may be a resume token.
impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths = self.iter().map(|(key, value)| (key, format!("{} bytes", value.len())));
        f.debug_map().entries(lengths).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_keys_are_refused_and_their_look_alikes_are_not() {
        for key in ["from", "message_type", "google.c.a.e", "google.", "gcm.notification.title"] {
            assert!(matches!(Data::new([(key, "x")]), Err(InvalidData::ReservedKey { .. })), "{key}");
        }
        for key in [
            "From",
            "fromage",
            "message_types",
            "google",
            "googlePay",
            "gcm",
            "gcm.notification",
            "notification",
        ] {
            assert!(Data::new([(key, "x")]).is_ok(), "{key}");
        }
        assert_eq!(Data::new([("", "x")]), Err(InvalidData::EmptyKey));
    }

    #[test]
    fn values_are_not_printed() {
        let data = Data::new([("resumeToken", "SECRET"), ("a", "")]).unwrap();
        insta::assert_snapshot!(format!("{data:?}"), @r#"{"a": "0 bytes", "resumeToken": "6 bytes"}"#);
    }

    #[test]
    fn the_number_of_entries_is_bounded() {
        let mut data = Data::new((0..4_096).map(|i| (i.to_string(), ""))).unwrap();
        assert_eq!(data.insert("x", ""), Err(InvalidData::TooMany { limit: 4_096 }));
        assert_eq!(data.insert("0", "replaced"), Ok(()));
    }
}
