//! tmp
use serde::de::DeserializeOwned;
/// tmp
#[derive(Debug)]
pub struct SourceError;
pub(crate) fn from_json<T: DeserializeOwned>(json: &str) -> Result<T, SourceError> {
    serde_json::from_str(json).map_err(|_| SourceError)
}
