//! Cutting a message's fields in a declared order until it fits.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use crate::escaped_len;
use crate::shorten::{ELLIPSIS, shorten};

/// One field of a message, as [`fit`] sees it. The order of the parts is the order of sacrifice.
///
/// ```
/// use reveille_payload::Part;
///
/// let body = Part::text("body", "say \"hi\"");
/// assert_eq!((body.name(), body.bytes()), ("body", 10)); // as JSON: each quote takes two bytes
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The field's name, for reports.
    name: Cow<'a, str>,
    kind: Kind<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind<'a> {
    Fixed { bytes: usize },
    Optional { bytes: usize },
    Text { text: &'a str, bytes: usize },
}

impl<'a> Part<'a> {
    /// A field that stays as it is; it only appears in the list of sizes when nothing helps.
    pub fn fixed(name: impl Into<Cow<'a, str>>, bytes: usize) -> Self {
        Self { name: name.into(), kind: Kind::Fixed { bytes } }
    }

    /// A field that may be left out. `bytes` is what the message loses with it: key, separators and value.
    pub fn optional(name: impl Into<Cow<'a, str>>, bytes: usize) -> Self {
        Self { name: name.into(), kind: Kind::Optional { bytes } }
    }

    /// A JSON string that may be shortened, down to a lone ellipsis.
    pub fn text(name: impl Into<Cow<'a, str>>, text: &'a str) -> Self {
        Self { name: name.into(), kind: Kind::Text { text, bytes: escaped_len(text) } }
    }

    /// Returns the field's name, as reports show it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The field's size in the message; of a text, inside its quotes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        match self.kind {
            Kind::Fixed { bytes } | Kind::Optional { bytes } | Kind::Text { bytes, .. } => bytes,
        }
    }

    /// The most that can be cut off.
    fn spare(&self) -> usize {
        match self.kind {
            Kind::Fixed { .. } => 0,
            Kind::Optional { bytes } => bytes,
            Kind::Text { bytes, .. } => bytes.saturating_sub(ELLIPSIS.len_utf8()),
        }
    }
}

/// One field that was cut to make a message fit, and by how much. `fit` of each message type returns a list of them:
/// log it, for the user sees less than was written.
///
/// ```
/// use reveille_payload::{Part, fit};
///
/// let cuts = fit(100, 90, &[Part::optional("image", 8), Part::text("body", "Good morning")])?;
/// assert_eq!(cuts[0].to_string(), "image dropped, 8 bytes");
/// assert_eq!(cuts[1].to_string(), "body shortened from 12 to 10 bytes");
/// assert_eq!(cuts[1].text.as_deref(), Some("Good mo…"));
/// # Ok::<(), reveille_payload::TooLarge>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cut {
    /// The part's place in the list that was given to [`fit`].
    pub index: usize,
    /// The field's name.
    pub name: String,
    /// Its bytes in the message before.
    pub before: usize,
    /// Bytes after; 0 if it was dropped.
    pub after: usize,
    /// The shortened text; `None` if the field was dropped.
    pub text: Option<String>,
}

impl Cut {
    /// Whether the whole field is to be left out.
    #[must_use]
    pub const fn is_dropped(&self) -> bool {
        self.text.is_none()
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, before, after, .. } = self;
        if self.is_dropped() {
            write!(f, "{name} dropped, {before} bytes")
        } else {
            write!(f, "{name} shortened from {before} to {after} bytes")
        }
    }
}

/// A field and its size in bytes, as it is written in the message; [`TooLarge`] lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct FieldSize {
    /// The field's name.
    pub name: String,
    /// Its bytes in the message.
    pub bytes: usize,
}

/// The message does not fit, whatever is cut; the error of every `fit` and of every size check. It lists bytes per
/// field, the largest first, so that a log says what to shorten.
///
/// ```
/// use reveille_payload::{Part, fit};
///
/// let error = fit(100, 50, &[Part::fixed("loc-args", 60), Part::optional("image", 8)]).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "message of 100 bytes does not fit into 50, at least 92 are needed: loc-args 60, image 8"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("message of {size} bytes does not fit into {limit}, at least {smallest} are needed{}", list(.fields))]
#[non_exhaustive]
pub struct TooLarge {
    /// Bytes of the message.
    pub size: usize,
    /// How many bytes are allowed.
    pub limit: usize,
    /// Bytes that remain when everything is cut that may be cut.
    pub smallest: usize,
    /// The fields by size, the largest first.
    pub fields: Vec<FieldSize>,
}

impl TooLarge {
    /// The error for a message of `size` bytes of which nothing may be cut.
    #[must_use]
    pub fn uncut(size: usize, limit: usize, parts: &[Part<'_>]) -> Self {
        Self { size, limit, smallest: size, fields: sizes(parts) }
    }
}

/// Names up to five fields; the rest is in the error's `fields`.
fn list(fields: &[FieldSize]) -> String {
    const SHOWN: usize = 5;
    let mut text = String::new();
    for (at, FieldSize { name, bytes }) in fields.iter().take(SHOWN).enumerate() {
        text.push_str(if at == 0 { ": " } else { ", " });
        text.push_str(name);
        text.push(' ');
        text.push_str(&bytes.to_string());
    }
    if fields.len() > SHOWN {
        text.push_str(", …");
    }
    text
}

fn sizes(parts: &[Part<'_>]) -> Vec<FieldSize> {
    let mut fields: Vec<_> =
        parts.iter().map(|part| FieldSize { name: part.name.to_string(), bytes: part.bytes() }).collect();
    fields.sort_by_key(|field| std::cmp::Reverse(field.bytes));
    fields
}

/// Decides what to cut from a message of `size` bytes so that it takes at most `limit`.
///
/// The parts are taken in order, each only as far as is needed: an optional one is dropped, a text is shortened
/// (see [`shorten`]). Apply every [`Cut`], and the message's size is `size` less the sum of `before - after`.
///
/// # Errors
/// [`TooLarge`] if cutting everything is not enough; then nothing is to be cut.
pub fn fit(size: usize, limit: usize, parts: &[Part<'_>]) -> Result<Vec<Cut>, TooLarge> {
    let mut excess = size.saturating_sub(limit);
    let spare = parts.iter().map(Part::spare).fold(0, usize::saturating_add);
    if spare < excess {
        return Err(TooLarge { size, limit, smallest: size.saturating_sub(spare), fields: sizes(parts) });
    }
    let mut cuts = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        if excess == 0 {
            break;
        }
        let before = part.bytes();
        let text = match part.kind {
            Kind::Fixed { .. } => continue,
            Kind::Optional { .. } => None,
            Kind::Text { text, .. } => {
                let target = before.saturating_sub(excess).max(ELLIPSIS.len_utf8());
                match shorten(text, target) {
                    Some(short) if escaped_len(&short) < before => Some(short),
                    _ => continue,
                }
            }
        };
        let after = text.as_deref().map_or(0, escaped_len);
        excess = excess.saturating_sub(before.saturating_sub(after));
        cuts.push(Cut { index, name: part.name.to_string(), before, after, text });
    }
    Ok(cuts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> [Part<'static>; 4] {
        [
            Part::optional("custom.a", 10),
            Part::fixed("id", 20),
            Part::text("body", "0123456789"),
            Part::text("title", "a \"b\" c"),
        ]
    }

    #[test]
    fn nothing_is_cut_without_need() {
        assert_eq!(fit(100, 100, &parts()), Ok(vec![]));
    }

    #[test]
    fn the_order_is_kept_and_each_gives_only_what_is_needed() {
        let names = |limit| -> Vec<String> {
            fit(100, limit, &parts()).unwrap().iter().map(ToString::to_string).collect()
        };
        assert_eq!(names(95), ["custom.a dropped, 10 bytes"]);
        assert_eq!(names(88), ["custom.a dropped, 10 bytes", "body shortened from 10 to 8 bytes"]);
        assert_eq!(
            names(80),
            [
                "custom.a dropped, 10 bytes",
                "body shortened from 10 to 3 bytes",
                "title shortened from 9 to 4 bytes"
            ]
        );
    }

    #[test]
    fn a_text_that_cannot_get_shorter_is_passed_over() {
        let parts = [Part::text("title", "hey"), Part::text("empty", ""), Part::optional("custom.a", 10)];
        let cuts = fit(100, 95, &parts).unwrap();
        assert_eq!(cuts.iter().map(ToString::to_string).collect::<Vec<_>>(), ["custom.a dropped, 10 bytes"]);
    }

    #[test]
    fn texts() {
        let err = fit(100, 60, &parts()).unwrap_err();
        insta::assert_snapshot!(err, @"message of 100 bytes does not fit into 60, at least 77 are needed: id 20, custom.a 10, body 10, title 9");
        let err = TooLarge::uncut(5_000, 4_096, &vec![Part::fixed("x", 1); 6]);
        insta::assert_snapshot!(err, @"message of 5000 bytes does not fit into 4096, at least 5000 are needed: x 1, x 1, x 1, x 1, x 1, …");
    }
}
