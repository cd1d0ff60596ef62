//! One error for all of this crate.

use thiserror::Error;

use crate::{InvalidJson, InvalidText, TooLarge};

/// Everything that this crate can refuse, for functions that want one `?` for all of it; each small error turns into it.
/// The texts are those of the errors inside.
///
/// ```
/// use reveille_payload::{Error, JsonObject, Part, fit};
///
/// fn check(json: &[u8]) -> Result<JsonObject, Error> {
///     let object = JsonObject::from_json(json)?;
///     fit(object.as_str().len(), 20, &[Part::fixed("data", object.as_str().len())])?;
///     Ok(object)
/// }
/// assert!(check(br#"{"id":7}"#).is_ok());
/// assert!(matches!(check(b"[]"), Err(Error::Json(_))));
/// assert!(matches!(check(br#"{"id":"longer than twenty"}"#), Err(Error::TooLarge(_))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum Error {
    /// JSON is not what it should be.
    Json(#[from] InvalidJson),
    /// A text cannot be what it should be.
    Text(#[from] InvalidText),
    /// A message does not fit, whatever is cut.
    TooLarge(#[from] TooLarge),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_those_inside() {
        let empty = InvalidText::Empty { what: "the topic" };
        insta::assert_snapshot!(Error::from(empty), @"the topic must not be empty");
    }
}
