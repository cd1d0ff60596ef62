//! What may be said of a JSON error: where and what was expected, never what was found. Found is input, and input
//! holds tokens.

use crate::MessageError;

/// The longest problem text, in bytes.
const MAX_PROBLEM: usize = 160;

/// A reading error without any value of the input in it.
pub(crate) fn json_error(error: &serde_json::Error) -> MessageError {
    MessageError::Json { problem: problem_of(error), line: error.line(), column: error.column() }
}

/// The text of a serde error without the value it quotes: from `expected` on, where there is one.
pub(crate) fn problem_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // serde_json adds the place, which is given apart.
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let quotes_input =
        ["invalid type", "invalid value", "invalid length"].iter().any(|p| text.starts_with(p));
    let safe = match text.rfind("expected ") {
        Some(at) if quotes_input => text.get(at..).unwrap_or_default(),
        _ if quotes_input => "unexpected value",
        _ => text.strip_suffix(", there are no fields").unwrap_or(text),
    };
    safe.get(..safe.floor_char_boundary(MAX_PROBLEM)).unwrap_or_default().to_owned()
}
