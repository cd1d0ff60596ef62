//! Shortening on grapheme boundaries (UAX #29), with an ellipsis, to a number of bytes counted after JSON escaping.

use unicode_segmentation::GraphemeCursor;

use crate::escape::escaped_byte_len;
use crate::escaped_len;

/// What a shortened text ends with: U+2026, three bytes, never escaped.
pub const ELLIPSIS: char = '…';

/// The longest form of `text` that takes at most `max_escaped` bytes inside a JSON string (quotes not counted): the
/// text itself if it fits, else whole graphemes from its beginning, without white space at the cut, and an ellipsis.
///
/// `None` if not even the ellipsis fits.
///
/// ```
/// use reveille_payload::shorten;
/// assert_eq!(shorten("short", 5).as_deref(), Some("short"));
/// assert_eq!(shorten("one two three", 10).as_deref(), Some("one two…"));
/// assert_eq!(shorten("👩‍👩‍👧‍👦 family", 20).as_deref(), Some("…"), "a family is not torn apart");
/// assert_eq!(shorten("\n\n\n\n", 5).as_deref(), Some("…"), "a line feed takes two bytes");
/// assert_eq!(shorten("long", 2), None);
/// ```
#[must_use]
pub fn shorten(text: &str, max_escaped: usize) -> Option<String> {
    if escaped_len(text) <= max_escaped {
        return Some(text.to_owned());
    }
    let room = max_escaped.checked_sub(ELLIPSIS.len_utf8())?;
    let head = trim(text, head_within(text, room));
    let mut short = String::with_capacity(head.len() + ELLIPSIS.len_utf8());
    short.push_str(head);
    short.push(ELLIPSIS);
    Some(short)
}

/// The longest run of whole graphemes from the beginning of `text` that takes at most `room` bytes when escaped.
fn head_within(text: &str, room: usize) -> &str {
    let mut used = 0_usize;
    let end = text.bytes().position(|byte| {
        used = used.saturating_add(escaped_byte_len(byte));
        used > room
    });
    let end = text.floor_char_boundary(end.unwrap_or(text.len()));
    let end = if is_boundary(text, end) {
        end
    } else {
        GraphemeCursor::new(end, text.len(), true).prev_boundary(text, 0).ok().flatten().unwrap_or(0)
    };
    text.get(..end).unwrap_or_default()
}

/// Takes white space off the end of `head`, unless that would tear a grapheme of `text`.
fn trim<'a>(text: &str, head: &'a str) -> &'a str {
    let trimmed = head.trim_end();
    if is_boundary(text, trimmed.len()) { trimmed } else { head }
}

fn is_boundary(text: &str, at: usize) -> bool {
    GraphemeCursor::new(at, text.len(), true).is_boundary(text, 0).unwrap_or(false)
}
