//! JSON text, appended to a buffer.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// A value that can write itself as JSON.
pub(crate) trait Json {
    fn write(&self, out: &mut Vec<u8>);
}

impl Json for str {
    fn write(&self, out: &mut Vec<u8>) {
        write_str(self, out);
    }
}

impl Json for Cow<'static, str> {
    fn write(&self, out: &mut Vec<u8>) {
        write_str(self, out);
    }
}

impl Json for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl Json for i32 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.to_string().as_bytes());
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
        write_str(key, self.out);
        self.out.push(b':');
        write_str(value, self.out);
    }

    pub(crate) fn close(self) {
        match self.out.get_mut(self.start) {
            Some(comma) => *comma = b'{',
            None => self.out.push(b'{'),
        }
        self.out.push(b'}');
    }
}

/// A JSON string (RFC 8259 §7): `"`, `\` and control characters escaped, everything else as raw UTF-8.
pub(crate) fn write_str(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + 2);
    out.push(b'"');
    loop {
        let plain = plain_prefix(rest);
        let (head, tail) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
        out.extend_from_slice(head);
        let Some((special, after)) = tail.split_first() else { break };
        write_escape(*special, out);
        rest = after;
    }
    out.push(b'"');
}

/// How many bytes at the start need no escape; eight at a time.
fn plain_prefix(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut plain = 0;
    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (ONES * u64::from(b'"'));
        let slash = word ^ (ONES * u64::from(b'\\'));
        // The lowest flagged byte is exact: a borrow can only disturb the bytes above it.
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let special =
            (control | (quote.wrapping_sub(ONES) & !quote) | (slash.wrapping_sub(ONES) & !slash)) & HIGH;
        if special != 0 {
            return plain + (special.trailing_zeros() / 8) as usize;
        }
        plain += 8;
    }
    plain + tail.iter().position(|b| needs_escape(*b)).unwrap_or(tail.len())
}

const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            for nibble in [byte >> 4, byte & 15] {
                out.push(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'));
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write_str(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_single_character_below_256_is_as_serde_json_writes_it() {
        for c in (0..256).filter_map(char::from_u32) {
            for text in
                [c.to_string(), format!("1234567{c}"), format!("12345678{c}9"), format!("{c}{c}\u{1f600}{c}")]
            {
                assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
            }
        }
    }

    #[test]
    fn an_empty_object_has_both_braces() {
        let mut out = b"x".to_vec();
        ObjectWriter::open(&mut out).close();
        assert_eq!(out, b"x{}");
    }

    proptest! {
        #[test]
        fn strings_are_as_serde_json_writes_them(text in "\\PC*|[\\x00-\\x7f\u{80}-\u{ff}]{0,40}") {
            prop_assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
        }
    }
}
