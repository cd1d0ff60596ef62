//! A JSON object that is held as text.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{InvalidJson, WriteJson, from_json, write_string};

/// A JSON object (Apple's "dictionary") whose keys somebody else defines, checked and kept as compact text. Use it
/// for values that pass through unread: sending one costs one copy.
///
/// Members keep their order. A key that stands twice is refused, at any depth: one half of the world would read the
/// first, the other the last. Integers of more than 64 bits become fractions. `Debug` shows the size only, for a value may
/// be a resume token.
///
/// ```
/// use reveille_payload::JsonObject;
/// #[derive(serde::Serialize)]
/// struct Queue { position: u32 }
/// assert_eq!(JsonObject::from_serialize(&Queue { position: 3 })?.as_str(), r#"{"position":3}"#);
/// assert_eq!(r#" { "b": [ 1e2 ], "a": "\u00e9" } "#.parse::<JsonObject>()?.as_str(), r#"{"b":[100.0],"a":"é"}"#);
/// assert!(JsonObject::from_serialize(&3).is_err());
/// # Ok::<(), reveille_payload::InvalidJson>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct JsonObject {
    text: Box<str>,
}

impl JsonObject {
    /// What `value` serialises to, keys in its order.
    ///
    /// # Errors
    /// [`InvalidJson`] if it does not serialise, or not to an object, or with a key twice, which `#[serde(flatten)]` can
    /// hide.
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, InvalidJson> {
        let text = serde_json::to_vec(value).map_err(|error| InvalidJson::new("", &error))?;
        Self::from_json(&text)
    }

    /// Reads JSON text; the same as [`str::parse`], for bytes.
    ///
    /// # Errors
    /// [`InvalidJson`] if it is not JSON, not an object, has a key twice, or is nested deeper than 127 levels.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidJson> {
        from_json(json)
    }

    /// The object as anything that can be read from it, for a look inside: a struct, a map.
    ///
    /// # Errors
    /// [`InvalidJson`] if it does not have that form.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, InvalidJson> {
        from_json(self.text.as_bytes())
    }

    /// Returns the object as compact JSON text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for JsonObject {
    type Err = InvalidJson;
    fn from_str(text: &str) -> Result<Self, InvalidJson> {
        Self::from_json(text.as_bytes())
    }
}

impl WriteJson for JsonObject {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text.as_bytes());
    }
}

impl fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonObject({} bytes)", self.text.len())
    }
}

/// As an object, in any format.
impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_transcode::transcode(&mut serde_json::Deserializer::from_str(&self.text), serializer)
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = Vec::new();
        deserializer.deserialize_map(ObjectInto(&mut json))?;
        let text = String::from_utf8(json).map_err(D::Error::custom)?;
        Ok(Self { text: text.into() })
    }
}

/// Appends any one JSON value to the buffer while it is being read, compact, in its order; a key that stands twice is an
/// error. For types that hold foreign values as text.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct JsonInto<'o>(pub &'o mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for JsonInto<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonInto<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        value.write_json(self.0);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        value.write_json(self.0);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        if value < 0 {
            self.0.push(b'-');
        }
        value.unsigned_abs().write_json(self.0);
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        if !value.is_finite() {
            return Err(E::custom("expected a finite number"));
        }
        serde_json::to_writer(self.0, &value).map_err(E::custom)
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        write_string(self.0, value);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let start = self.0.len();
        self.0.push(b'[');
        let mut end = self.0.len();
        while elements.next_element_seed(JsonInto(self.0))?.is_some() {
            self.0.push(b',');
            end = self.0.len() - 1;
        }
        self.0.truncate(end.max(start + 1));
        self.0.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        ObjectInto(self.0).visit_map(map)
    }
}

/// The same for what must be an object.
struct ObjectInto<'o>(&'o mut Vec<u8>);

impl<'de> Visitor<'de> for ObjectInto<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        self.0.push(b'{');
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if !seen.is_empty() {
                self.0.push(b',');
            }
            write_string(self.0, &key);
            self.0.push(b':');
            map.next_value_seed(JsonInto(self.0))?;
            if let Some(key) = seen.replace(key) {
                return Err(A::Error::custom(format_args!("the key {key:?} stands twice")));
            }
        }
        self.0.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::ser::{SerializeMap as _, SerializeSeq as _};
    use serde_json::{Map, Value};

    #[test]
    fn text_is_checked_to_the_end() {
        for json in [
            "",
            "[]",
            "1",
            "{} x",
            "{\"a\":1e999}",
            "{\"a\":\"\\ud800\"}",
            "{a:1}",
            "{\"a\":1",
            "null",
            "{\"a\":[1,]}",
        ] {
            assert!(json.parse::<JsonObject>().is_err(), "{json}");
        }
        assert!(JsonObject::from_json(b"{\"a\":\"\xff\"}").is_err(), "invalid UTF-8");
        assert!(JsonObject::from_json("{\"a\":".repeat(100_000).as_bytes()).is_err(), "no stack overflow");
        insta::assert_snapshot!(format!("{:?}", " {\"a\": 1} ".parse::<JsonObject>().unwrap()), @r#"JsonObject(7 bytes)"#);
        insta::assert_snapshot!("[1]".parse::<JsonObject>().unwrap_err(), @"JSON, line 1 column 0: expected an object, found an array");
    }

    /// As `#[serde(flatten)]` can make it: the same key in the struct and in what is flattened into it.
    struct Doubled;
    impl Serialize for Doubled {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("b", &1)?;
            map.serialize_entry("b", &2)?;
            map.end()
        }
    }

    /// A sequence of such an object, to be found inside.
    struct Inside;
    impl Serialize for Inside {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut list = serializer.serialize_seq(None)?;
            list.serialize_element(&Doubled)?;
            list.end()
        }
    }

    #[test]
    fn doubled_keys_never_get_out() {
        assert!(JsonObject::from_serialize(&Doubled).is_err());
        let error =
            JsonObject::from_serialize(&std::collections::BTreeMap::from([("list", Inside)])).unwrap_err();
        assert_eq!((error.path.as_str(), error.problem.as_str()), ("list[0]", r#"the key "b" stands twice"#));
        assert!(r#"{"a":1,"\u0061":2}"#.parse::<JsonObject>().is_err(), "the same key, escaped");
    }

    #[test]
    fn order_and_numbers_survive_a_queue() {
        let json =
            r#"{"b":18446744073709551615,"a":[-1,-9223372036854775808,0.25,null,true,[],{},{"z":"é"}]}"#;
        let object: JsonObject = serde_json::from_str(json).unwrap();
        assert_eq!(object.as_str(), json);
        assert_eq!(serde_json::to_string(&object).unwrap(), json);
    }

    /// A format that has more kinds of values than JSON (`postcard`, MessagePack): what an option or a wrapper is there.
    enum Foreign {
        None,
        Some(i64),
        Wrapped(i64),
        Text(String),
        Number(f64),
        Bytes(&'static [u8]),
    }
    impl<'de> Deserializer<'de> for Foreign {
        type Error = serde::de::value::Error;
        fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            use serde::de::IntoDeserializer as _;
            match self {
                Self::None => visitor.visit_none(),
                Self::Some(number) => visitor.visit_some(number.into_deserializer()),
                Self::Wrapped(number) => visitor.visit_newtype_struct(number.into_deserializer()),
                Self::Text(text) => visitor.visit_string(text),
                Self::Number(number) => visitor.visit_f64(number),
                Self::Bytes(bytes) => visitor.visit_bytes(bytes),
            }
        }
        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
        }
    }

    #[test]
    fn values_of_other_formats_become_json() {
        let json = |value: Foreign| {
            let mut out = Vec::new();
            JsonInto(&mut out).deserialize(value).map(|()| String::from_utf8(out).unwrap())
        };
        assert_eq!(json(Foreign::None).unwrap(), "null");
        assert_eq!(json(Foreign::Some(-7)).unwrap(), "-7");
        assert_eq!(json(Foreign::Wrapped(7)).unwrap(), "7");
        assert_eq!(json(Foreign::Text("é\"".to_owned())).unwrap(), "\"é\\\"\"");
        assert_eq!(json(Foreign::Number(0.5)).unwrap(), "0.5");
        for infinite in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(json(Foreign::Number(infinite)).unwrap_err().to_string(), "expected a finite number");
        }
        insta::assert_snapshot!(json(Foreign::Bytes(b"x")).unwrap_err(), @"invalid type: byte array, expected any JSON value");
    }

    #[test]
    fn text_and_map_are_the_same_size() {
        // Sizes are counted on either: the text must not be shorter or longer.
        for text in [r#"{"n":1E15}"#, r#"{"n":20000000000000000000000}"#, r#"{"n":1e2,"s":"\/\u00e9"}"#] {
            let object: JsonObject = text.parse().unwrap();
            assert_eq!(object.to::<Value>().unwrap().to_string(), object.as_str());
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            prop::num::f64::NORMAL.prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn written_as_serde_json_writes_it(values in prop::collection::btree_map(".{0,4}", value(), 0..6)) {
            let map: Map<String, Value> = values.into_iter().collect();
            let text = Value::from(map.clone()).to_string();
            let object = JsonObject::from_serialize(&map).unwrap();
            prop_assert_eq!(object.as_str(), &text);
            prop_assert_eq!(object.to::<Map<String, Value>>().unwrap(), map);
        }
    }
}
