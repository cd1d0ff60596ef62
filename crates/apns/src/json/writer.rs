//! A writer for JSON objects with known keys.

use std::borrow::Cow;

use reveille_payload::{write_integer, write_string};

/// A key as it stands in the output: `"title":`.
macro_rules! key {
    ($name:literal) => {
        concat!("\"", $name, "\":")
    };
}
pub(crate) use key;

/// Writes the members of one object; [`open`](Self::open) and [`close`](Self::close) write its braces.
pub(crate) struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    separator: &'static [u8],
}

impl<'o> ObjectWriter<'o> {
    #[inline]
    pub(crate) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, separator: b"" }
    }

    #[inline]
    pub(crate) fn close(self) -> &'o mut Vec<u8> {
        self.out.push(b'}');
        self.out
    }

    /// The buffer, behind `key`: write one value into it.
    #[inline]
    pub(crate) fn value(&mut self, key: &'static str) -> &mut Vec<u8> {
        self.out.extend_from_slice(self.separator);
        self.separator = b",";
        self.out.extend_from_slice(key.as_bytes());
        self.out
    }

    #[inline]
    pub(crate) fn text(&mut self, key: &'static str, text: &str) {
        write_string(self.value(key), text);
    }

    #[inline]
    pub(crate) fn optional_text(&mut self, key: &'static str, text: Option<&Cow<'_, str>>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// `1` if set, nothing otherwise.
    #[inline]
    pub(crate) fn flag(&mut self, key: &'static str, set: bool) {
        if set {
            self.value(key).push(b'1');
        }
    }

    #[inline]
    pub(crate) fn integer(&mut self, key: &'static str, number: u64) {
        write_integer(self.value(key), number);
    }

    pub(crate) fn float(&mut self, key: &'static str, number: f64) {
        // A finite number into a buffer: cannot fail.
        let _ = serde_json::to_writer(self.value(key), &number);
    }

    pub(crate) fn raw(&mut self, key: &'static str, json: &[u8]) {
        self.value(key).extend_from_slice(json);
    }
}

pub(crate) fn write_str_array(out: &mut Vec<u8>, texts: &[Cow<'_, str>]) {
    out.push(b'[');
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(out, text);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_separated() {
        let mut out = Vec::new();
        let mut object = ObjectWriter::open(&mut out);
        object.flag(key!("no"), false);
        object.flag(key!("yes"), true);
        object.text(key!("t"), "\"");
        object.integer(key!("n"), 0);
        object.float(key!("f"), 0.5);
        object.close();
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"yes":1,"t":"\"","n":0,"f":0.5}"#);
    }
}
