//! JSON text, appended to a buffer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use reveille_payload::{write_integer, write_string};

/// A value that can write itself as JSON.
pub(crate) trait Json {
    fn write(&self, out: &mut Vec<u8>);
}

impl Json for str {
    fn write(&self, out: &mut Vec<u8>) {
        write_string(out, self);
    }
}

impl Json for Cow<'static, str> {
    fn write(&self, out: &mut Vec<u8>) {
        write_string(out, self);
    }
}

impl Json for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl Json for i32 {
    fn write(&self, out: &mut Vec<u8>) {
        if *self < 0 {
            out.push(b'-');
        }
        write_integer(out, self.unsigned_abs().into());
    }
}

impl<T: Json> Json for Box<T> {
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }
}

impl<T: Json> Json for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (i, item) in self.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            item.write(out);
        }
        out.push(b']');
    }
}

impl Json for BTreeMap<Cow<'static, str>, Cow<'static, str>> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::open(out);
        for (key, value) in self {
            object.entry(key, value);
        }
        object.close();
    }
}

/// An object under construction. Every member is written with a comma in front; the first of them becomes the `{`.
pub(crate) struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> ObjectWriter<'a> {
    pub(crate) fn open(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start }
    }

    /// `label` is `,"key":`, prepared at compile time.
    pub(crate) fn member(&mut self, label: &'static str, value: &(impl Json + ?Sized)) {
        self.out.extend_from_slice(label.as_bytes());
        value.write(self.out);
    }

    pub(crate) fn entry(&mut self, key: &str, value: &str) {
        self.out.push(b',');
        write_string(self.out, key);
        self.out.push(b':');
        write_string(self.out, value);
    }

    pub(crate) fn close(self) {
        match self.out.get_mut(self.start) {
            Some(comma) => *comma = b'{',
            None => self.out.push(b'{'),
        }
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for number in [0, 7, -7, 10, 100_200, i32::MAX, i32::MIN] {
            let mut out = b"x".to_vec();
            number.write(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("x{number}"));
        }
    }

    #[test]
    fn an_empty_object_has_both_braces() {
        let mut out = b"x".to_vec();
        ObjectWriter::open(&mut out).close();
        assert_eq!(out, b"x{}");
    }
}
