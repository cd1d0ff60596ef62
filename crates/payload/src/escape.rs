//! JSON strings (RFC 8259 §7): raw UTF-8, escaped only where it must be, byte for byte as `serde_json` writes them.

/// The number of bytes of `text` inside a JSON string, without the two quotes.
///
/// ```
/// assert_eq!(reveille_payload::escaped_len("é \"\n\u{1}"), 2 + 1 + 2 + 2 + 6);
/// ```
#[must_use]
pub fn escaped_len(text: &str) -> usize {
    text.bytes().map(escaped_byte_len).fold(0, usize::saturating_add)
}

/// Appends `text` as a JSON string, quotes included.
///
/// ```
/// let mut json = Vec::new();
/// reveille_payload::write_string(&mut json, "say \"hé\"");
/// assert_eq!(json, r#""say \"hé\"""#.as_bytes());
/// ```
#[inline]
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    write_escaped(out, text);
    out.push(b'"');
}

/// Appends `number` in decimal digits.
///
/// ```
/// let mut json = Vec::new();
/// reveille_payload::write_integer(&mut json, 4_096);
/// assert_eq!(json, b"4096");
/// ```
#[inline]
pub fn write_integer(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let (mut rest, mut first) = (number, digits.len());
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        // The remainder of a division by ten fits a byte.
        *digit = b'0' + (rest % 10) as u8;
        (rest, first) = (rest / 10, at);
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(first..).unwrap_or_default());
}

/// Appends `text` as the inside of a JSON string, without the quotes.
#[inline]
pub fn write_escaped(out: &mut Vec<u8>, text: &str) {
    // Without an early exit, so that the loop is vectorised.
    if text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        out.extend_from_slice(text.as_bytes());
    } else {
        write_with_escapes(out, text);
    }
}

#[cold]
fn write_with_escapes(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    loop {
        let (plain, from) = rest.split_at_checked(plain_prefix(rest)).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let Some((special, after)) = from.split_first() else { return };
        write_special(out, *special);
        rest = after;
    }
}

/// How many bytes at the start need no escape; eight at a time.
#[inline]
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
        let special = control | (quote.wrapping_sub(ONES) & !quote) | (slash.wrapping_sub(ONES) & !slash);
        if special & HIGH != 0 {
            return plain + ((special & HIGH).trailing_zeros() / 8) as usize;
        }
        plain += 8;
    }
    plain + tail.iter().position(|byte| !is_plain(*byte)).unwrap_or(tail.len())
}

fn write_special(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(hex_digit(byte >> 4));
            out.push(hex_digit(byte & 0x0f));
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

#[inline]
const fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// How many bytes one byte of UTF-8 becomes.
#[inline]
pub(crate) const fn escaped_byte_len(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | 0x08 | b'\t' | b'\n' | 0x0c | b'\r' => 2,
        0x00..=0x1f => 6,
        _ => 1,
    }
}
