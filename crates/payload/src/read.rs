//! Reading JSON that somebody else wrote: errors say where and what was expected, and never what stands there.

use std::fmt;

use serde::de::DeserializeOwned;
use thiserror::Error;

/// JSON that cannot be read as what it should be. No text of it quotes a value of the input, for values may be tokens; names
/// of fields do appear.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("JSON{}{}: {problem}", At(.path), Place(*.line, *.column))]
#[non_exhaustive]
pub struct InvalidJson {
    /// Where in the document, as in `message.android.ttl` or `items[2]`; empty at its root.
    pub path: String,
    /// What is wrong: "expected a string, found a number".
    pub problem: String,
    /// Line, from 1; 0 where the value was not read from text.
    pub line: usize,
    /// Column, from 1; 0 at the start of a line.
    pub column: usize,
}

struct At<'p>(&'p str);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " at {}", self.0) }
    }
}

struct Place(usize, usize);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was not read from text has no line.
        if self.0 == 0 { Ok(()) } else { write!(f, ", line {} column {}", self.0, self.1) }
    }
}

/// The longest path or problem that is kept, in bytes: both may hold names that somebody else wrote.
const MAX_TEXT: usize = 160;

/// Reads one JSON document, to its end.
///
/// ```
/// #[derive(Debug, serde::Deserialize)]
/// struct Job { target: Target }
/// #[derive(Debug, serde::Deserialize)]
/// struct Target { badge: u32 }
///
/// let error = reveille_payload::from_json::<Job>(br#"{"target":{"badge":"SECRET"}}"#).unwrap_err();
/// assert_eq!(error.to_string(), "JSON at target.badge, line 1 column 27: expected u32, found a string");
/// ```
///
/// # Errors
/// [`InvalidJson`], also for something behind the document, and for nesting deeper than 127 levels.
pub fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, InvalidJson> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        // `?` is a step that serde did not get to.
        InvalidJson::new(path.trim_end_matches(['.', '?']), error.inner())
    })?;
    reader.end().map_err(|error| InvalidJson::new("", &error))?;
    Ok(value)
}

impl InvalidJson {
    /// From the text of serde_json's error at a path. What it quotes of the input is left out; the place, which the text
    /// ends with, is read from it.
    #[must_use]
    pub fn new(path: &str, error: &impl fmt::Display) -> Self {
        let text = error.to_string();
        let (text, (line, column)) = match text.rsplit_once(" at line ") {
            Some((text, place)) => (text, place_of(place)),
            None => (text.as_str(), (0, 0)),
        };
        Self { path: cut(path).to_owned(), problem: problem(text), line, column }
    }

    /// The same error inside something larger: `outer` comes in front of the path.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.path = match self.path.as_str() {
            "" => outer.to_owned(),
            inner if inner.starts_with('[') => format!("{outer}{inner}"),
            inner => format!("{outer}.{inner}"),
        };
        self
    }
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default()
}

/// Line and column of `3 column 7`.
fn place_of(text: &str) -> (usize, usize) {
    let read = |number: &str| number.parse().unwrap_or(0);
    text.split_once(" column ").map_or((0, 0), |(line, column)| (read(line), read(column)))
}

/// serde's text without the value that it quotes.
fn problem(text: &str) -> String {
    let Some(found) = found(text) else {
        return cut(text.strip_suffix(", there are no fields").unwrap_or(text)).to_owned();
    };
    // The last of them stands behind what is quoted: a value could hold the word itself.
    match text.rfind("expected ") {
        Some(at) => format!("{}, found {found}", cut(text.get(at..).unwrap_or_default())),
        None => format!("found {found}, which does not belong here"),
    }
}

/// What kind of value serde found.
fn found(text: &str) -> Option<&'static str> {
    const KINDS: [(&str, &str); 12] = [
        ("string", "a string"),
        ("character", "a string"),
        ("integer", "a number"),
        ("floating point", "a number"),
        ("boolean", "a boolean"),
        ("null", "null"),
        ("unit", "null"),
        ("Option", "null"),
        ("map", "an object"),
        ("sequence", "an array"),
        ("byte array", "bytes"),
        ("enum", "an object"),
    ];
    if let Some(rest) = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: ")) {
        let kind = KINDS.into_iter().find(|(word, _)| rest.starts_with(word));
        return Some(kind.map_or("another value", |(_, kind)| kind));
    }
    text.strip_prefix("invalid length ").map(|_| "another number of elements")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Job {
        #[serde(rename = "targets")]
        _targets: Vec<Target>,
    }

    #[derive(Debug, Deserialize)]
    struct Target {
        #[serde(rename = "badge")]
        _badge: u8,
        #[serde(rename = "name")]
        _name: Option<String>,
    }

    fn text(json: &str) -> String {
        from_json::<Job>(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn texts() {
        insta::assert_snapshot!(text(r#"{"targets":[{"badge":1},{"badge":"SECRET"}]}"#), @"JSON at targets[1].badge, line 1 column 41: expected u8, found a string");
        insta::assert_snapshot!(text(r#"{"targets":[{"badge":300}]}"#), @"JSON at targets[0].badge, line 1 column 24: expected u8, found a number");
        insta::assert_snapshot!(text(r#"{"targets":{}}"#), @"JSON at targets, line 1 column 11: expected a sequence, found an object");
        insta::assert_snapshot!(text(r#"{"targets":[{"badge":1,"name":["SECRET"]}]}"#), @"JSON at targets[0].name, line 1 column 30: expected a string, found an array");
        insta::assert_snapshot!(text(r#"{"targets":[{}]}"#), @"JSON at targets[0], line 1 column 14: missing field `badge`");
        insta::assert_snapshot!(text(r#"{"other":1}"#), @"JSON at other, line 1 column 8: unknown field `other`, expected `targets`");
        insta::assert_snapshot!(text(r#"{"targets":[]"#), @"JSON, line 1 column 13: EOF while parsing an object");
        insta::assert_snapshot!(text(r#"{"targets":[]} x"#), @"JSON, line 1 column 16: trailing characters");
        insta::assert_snapshot!(from_json::<Job>(br#"{"targets":[1]}"#).unwrap_err().within("message"), @"JSON at message.targets[0], line 1 column 13: expected struct Target, found a number");
    }

    #[test]
    fn what_was_not_text_has_no_place() {
        let error = serde_json::from_value::<Target>(serde_json::json!({"badge": "x"})).unwrap_err();
        insta::assert_snapshot!(InvalidJson::new("target.badge", &error), @"JSON at target.badge: expected u8, found a string");
    }

    /// serde's words for what it found (`serde::de::Unexpected`), and ours.
    #[test]
    fn every_kind_of_value_has_its_word() {
        for (found, word) in [
            ("string \"SECRET\"", "a string"),
            ("character `S`", "a string"),
            ("integer `7`", "a number"),
            ("floating point `7.5`", "a number"),
            ("boolean `true`", "a boolean"),
            ("null", "null"),
            ("unit value", "null"),
            ("Option value", "null"),
            ("map", "an object"),
            ("sequence", "an array"),
            ("byte array", "bytes"),
            ("enum", "an object"),
            ("newtype struct", "another value"),
        ] {
            for what in ["type", "value"] {
                let error = InvalidJson::new("a", &format!("invalid {what}: {found}, expected a date"));
                assert_eq!(error.problem, format!("expected a date, found {word}"), "{what} {found}");
                // Whoever writes an error by hand may leave the rest out.
                let error = InvalidJson::new("a", &format!("invalid {what}: {found}"));
                assert_eq!(
                    error.problem,
                    format!("found {word}, which does not belong here"),
                    "{what} {found}"
                );
            }
        }
        let error = InvalidJson::new("a", &"invalid length 3, expected a pair");
        assert_eq!(error.problem, "expected a pair, found another number of elements");
    }

    #[test]
    fn names_that_somebody_else_wrote_are_cut() {
        // A character of two bytes stands across the limit of 160.
        let long = format!("{}é{}", "a".repeat(159), "b".repeat(99));
        let error = InvalidJson::new(&long, &format!("missing field `{long}`"));
        assert_eq!(error.path, "a".repeat(159));
        assert_eq!(error.problem, format!("missing field `{}", "a".repeat(145)));
        let error = InvalidJson::new("", &format!("invalid type: map, expected {long}"));
        assert_eq!(error.problem, format!("expected {}, found an object", "a".repeat(151)));
        assert_eq!(InvalidJson::new(&"a".repeat(160), &"x").path.len(), 160);
    }

    #[test]
    fn the_outer_path_comes_in_front() {
        for (inner, whole) in [("", "message"), ("data", "message.data"), ("[2].a", "message[2].a")] {
            assert_eq!(InvalidJson::new(inner, &"x").within("message").path, whole);
        }
    }

    #[test]
    fn a_place_that_is_none_is_left_out() {
        for (text, place) in [
            ("x at line 3 column 7", (3, 7)),
            ("x at line 3", (0, 0)),
            ("x at line a column b", (0, 0)),
            ("x", (0, 0)),
        ] {
            let error = InvalidJson::new("", &text);
            assert_eq!((error.problem.as_str(), error.line, error.column), ("x", place.0, place.1), "{text}");
        }
    }

    #[test]
    fn a_value_that_holds_our_words_is_not_quoted() {
        for value in [r#""expected SECRET""#, r#"" at line SECRET""#, r#""\"expected SECRET""#] {
            let text = text(&format!(r#"{{"targets":[{{"badge":{value}}}]}}"#));
            assert!(!text.contains("SECRET"), "{text}");
        }
    }
}
