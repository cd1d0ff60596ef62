//! What is wrong with a document: the path, never the value.

use serde::Deserialize;
use thiserror::Error;

use crate::id::InvalidId;

/// Why a document is not an event: returned by all readers in this module. It names the path but never the value, so it
/// can be logged; a webhook that leads to it is answered as malformed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It is not JSON.
    #[error("this is not JSON: line {line}, column {column}")]
    NotJson {
        /// The line of the document, from 1 on.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// Something that is used is not what it should be.
    #[error("{path}: expected {expected}, found {found}")]
    Invalid {
        /// Where in the document.
        path: String,
        /// What is allowed there.
        expected: String,
        /// What kind of value was found.
        found: String,
    },
}

impl SourceError {
    pub(super) fn missing(path: &str, expected: &str) -> Self {
        Self::invalid(path, expected, "nothing")
    }

    pub(super) fn invalid(path: &str, expected: &str, found: &str) -> Self {
        Self::Invalid { path: path.to_owned(), expected: expected.to_owned(), found: found.to_owned() }
    }

    pub(super) fn id(path: &str, error: InvalidId) -> Self {
        let text = error.to_string();
        let (expected, found) = text.split_once(", found ").unwrap_or((&text, "another text"));
        Self::invalid(path, expected.trim_start_matches("expected "), found)
    }

    /// The same, inside something.
    pub(super) fn within(self, outer: &str) -> Self {
        match self {
            Self::Invalid { path, expected, found } => {
                let path = if path == WHOLE { outer.to_owned() } else { format!("{outer}.{path}") };
                Self::Invalid { path, expected, found }
            }
            other @ Self::NotJson { .. } => other,
        }
    }
}

const WHOLE: &str = "the document";

/// Reads a value. The path of an error costs a second pass, which good documents do not take.
pub(crate) fn from_json<'de, T: Deserialize<'de>>(json: &'de str) -> Result<T, SourceError> {
    serde_json::from_str(json).or_else(|_| explain(json))
}

fn explain<'de, T: Deserialize<'de>>(json: &'de str) -> Result<T, SourceError> {
    let mut from = serde_json::Deserializer::from_str(json);
    let value = serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." || path.is_empty() { WHOLE.to_owned() } else { path };
        describe(path, error.inner())
    })?;
    from.end().map_err(|error| SourceError::NotJson { line: error.line(), column: error.column() })?;
    Ok(value)
}

fn describe(path: String, error: &serde_json::Error) -> SourceError {
    if !error.is_data() {
        return SourceError::NotJson { line: error.line(), column: error.column() };
    }
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    if let Some(field) = text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let path = if path == WHOLE { field.to_owned() } else { format!("{path}.{field}") };
        return SourceError::Invalid { path, expected: "a value".to_owned(), found: "nothing".to_owned() };
    }
    // serde_json quotes the value before ", expected": only its type is kept.
    let (found, expected) = if let Some(ours) = text.strip_prefix("expected ") {
        let (expected, found) = ours.split_once(", found ").unwrap_or((ours, "another value"));
        (found, expected)
    } else {
        let (before, expected) = text.rsplit_once(", expected ").unwrap_or((text, "another value"));
        let kind = before.split_once(": ").map_or(before, |(_, kind)| kind);
        let kinds = ["string", "integer", "floating point", "boolean", "null", "map", "sequence"];
        let found = kinds.into_iter().find(|known| kind.starts_with(known)).unwrap_or("another value");
        (if before.starts_with("unknown variant") { "another word" } else { found }, expected)
    };
    SourceError::Invalid { path, expected: expected.to_owned(), found: found.to_owned() }
}
