//! A writer for JSON objects.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::{write_integer, write_string};

/// A key as it stands in the output, with the comma before it: `,"title":`. Made at compile time.
///
/// ```
/// assert_eq!(reveille_payload::label!("title"), ",\"title\":");
/// ```
#[macro_export]
macro_rules! label {
    ($key:literal) => {
        concat!(",\"", $key, "\":")
    };
}

/// A value that writes itself as JSON. Implement it for types of your own that are given to [`ObjectWriter::member`].
pub trait WriteJson {
    /// Appends the value.
    fn write_json(&self, out: &mut Vec<u8>);
}

/// Writes the members of one JSON object, straight into the caller's buffer. Use it where a message is written often:
/// it makes no value in between.
///
/// Every member is written with a comma in front of it, which costs no branch; [`close`](Self::close) makes the first comma
/// the opening brace.
///
/// ```
/// use reveille_payload::{ObjectWriter, label};
/// let mut json = Vec::new();
/// let mut object = ObjectWriter::open(&mut json);
/// object.text(label!("title"), "say \"hé\"");
/// object.integer(label!("badge"), 3);
/// object.member(label!("data"), &[1_i32, 2][..]);
/// object.close();
/// assert_eq!(json, r#"{"title":"say \"hé\"","badge":3,"data":[1,2]}"#.as_bytes());
/// ```
#[derive(Debug)]
pub struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
}

impl<'o> ObjectWriter<'o> {
    /// Begins an object at the end of `out`.
    #[inline]
    pub fn open(out: &'o mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start }
    }

    /// Ends the object: writes the closing brace.
    #[inline]
    pub fn close(self) {
        match self.out.get_mut(self.start) {
            Some(comma) => *comma = b'{',
            None => self.out.push(b'{'),
        }
        self.out.push(b'}');
    }

    /// The buffer behind `label`, made by [`label!`]: append exactly one JSON value.
    #[inline]
    pub fn value(&mut self, label: &'static str) -> &mut Vec<u8> {
        self.out.extend_from_slice(label.as_bytes());
        self.out
    }

    /// The buffer behind a key that is known at run time only: append exactly one JSON value.
    #[inline]
    pub fn entry(&mut self, key: &str) -> &mut Vec<u8> {
        self.out.push(b',');
        write_string(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// Writes a member with any value.
    #[inline]
    pub fn member(&mut self, label: &'static str, value: &(impl WriteJson + ?Sized)) {
        value.write_json(self.value(label));
    }

    /// Writes a member whose value is a string, escaped.
    #[inline]
    pub fn text(&mut self, label: &'static str, text: &str) {
        write_string(self.value(label), text);
    }

    /// A string, if there is one.
    #[inline]
    pub fn optional_text(&mut self, label: &'static str, text: Option<&Cow<'_, str>>) {
        if let Some(text) = text {
            self.text(label, text);
        }
    }

    /// `1` if set, nothing otherwise: Apple's form of a flag.
    #[inline]
    pub fn flag(&mut self, label: &'static str, set: bool) {
        if set {
            self.value(label).push(b'1');
        }
    }

    /// A number that is not negative.
    #[inline]
    pub fn integer(&mut self, label: &'static str, number: u64) {
        write_integer(self.value(label), number);
    }

    /// JSON that is written already.
    #[inline]
    pub fn raw(&mut self, label: &'static str, json: &[u8]) {
        self.value(label).extend_from_slice(json);
    }
}

impl WriteJson for str {
    #[inline]
    fn write_json(&self, out: &mut Vec<u8>) {
        write_string(out, self);
    }
}

impl WriteJson for Cow<'_, str> {
    #[inline]
    fn write_json(&self, out: &mut Vec<u8>) {
        write_string(out, self);
    }
}

impl WriteJson for bool {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl WriteJson for i32 {
    fn write_json(&self, out: &mut Vec<u8>) {
        if *self < 0 {
            out.push(b'-');
        }
        write_integer(out, self.unsigned_abs().into());
    }
}

impl WriteJson for u64 {
    fn write_json(&self, out: &mut Vec<u8>) {
        write_integer(out, *self);
    }
}

impl<T: WriteJson + ?Sized> WriteJson for Box<T> {
    fn write_json(&self, out: &mut Vec<u8>) {
        (**self).write_json(out);
    }
}

impl<T: WriteJson> WriteJson for [T] {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (at, item) in self.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            item.write_json(out);
        }
        out.push(b']');
    }
}

impl<T: WriteJson> WriteJson for Vec<T> {
    fn write_json(&self, out: &mut Vec<u8>) {
        self.as_slice().write_json(out);
    }
}

impl<K: AsRef<str>, V: WriteJson> WriteJson for BTreeMap<K, V> {
    fn write_json(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::open(out);
        for (key, value) in self {
            value.write_json(object.entry(key.as_ref()));
        }
        object.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for number in [0, 7, -7, 10, 100_200, i32::MAX, i32::MIN] {
            let mut out = b"x".to_vec();
            number.write_json(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("x{number}"));
        }
    }

    /// Whatever it is behind: a box, a list, a map.
    #[test]
    fn every_value_is_written_as_serde_json_writes_it() {
        fn same<T: WriteJson + serde::Serialize + ?Sized>(value: &T) {
            let mut out = b"x".to_vec();
            value.write_json(&mut out);
            assert_eq!(
                String::from_utf8(out).unwrap(),
                format!("x{}", serde_json::to_string(value).unwrap())
            );
        }
        for text in ["", "plain", "say \"hé\"\n"] {
            same(text);
            same(&Cow::Borrowed(text));
            same(&Cow::<str>::Owned(text.to_owned()));
            same::<Box<str>>(&text.into());
        }
        same(&true);
        same(&false);
        for number in [0, 9, 10, 4_096, u64::MAX] {
            same(&number);
            same(&Box::new(number));
        }
        same::<[u64]>(&[]);
        same(&vec![7_u64]);
        same(&[1_i32, -2, 3][..]);
        same(&vec![vec![true], vec![], vec![false, true]]);
        same(&BTreeMap::<String, bool>::new());
        same(&BTreeMap::from([("a", vec![1_u64, 2]), ("b\"", vec![])]));
    }

    #[test]
    fn an_empty_object_has_both_braces() {
        let mut out = b"x".to_vec();
        ObjectWriter::open(&mut out).close();
        assert_eq!(out, b"x{}");
    }

    #[test]
    fn members_are_separated() {
        let mut out = Vec::new();
        let mut object = ObjectWriter::open(&mut out);
        object.flag(label!("no"), false);
        object.flag(label!("yes"), true);
        object.text(label!("t"), "\"");
        object.optional_text(label!("o"), None);
        object.integer(label!("n"), 0);
        object.raw(label!("r"), b"[{}]");
        object.member(label!("m"), &BTreeMap::from([("k", true)]));
        true.write_json(object.entry("x\"y"));
        object.close();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, r#"{"yes":1,"t":"\"","n":0,"r":[{}],"m":{"k":true},"x\"y":true}"#);
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }
}
