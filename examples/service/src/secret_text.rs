//! A secret of the settings: written there, or in a file that they name.

use std::fmt;
use std::path::PathBuf;

use reveille_core::Secret;
use serde::Deserialize;

use crate::settings::{InvalidSettings, read, wrong};

/// A secret as an operator sets it: `"the text"`, or `{ file = "a path" }`, whose white space at the end does not count.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum SecretText {
    /// Here.
    Text(String),
    /// There.
    File {
        /// Where.
        file: PathBuf,
    },
}

impl SecretText {
    /// The secret itself.
    ///
    /// # Errors
    /// [`InvalidSettings`] if the file cannot be read, or if it is empty.
    pub fn open(&self, setting: &str) -> Result<Secret<String>, InvalidSettings> {
        let text = match self {
            Self::Text(text) => text.clone(),
            Self::File { file } => read(file)?.trim_end().to_owned(),
        };
        if text.is_empty() {
            return Err(wrong(setting, "a secret is empty"));
        }
        Ok(Secret::new(text))
    }
}

/// Says where it is, not what.
impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("SecretText(…)"),
            Self::File { file } => f.debug_tuple("SecretText").field(file).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let text = SecretText::Text("hunter2".to_owned());
        assert_eq!(format!("{text:?}"), "SecretText(…)");
        assert_eq!(text.open("x").unwrap().expose(), "hunter2");
        assert_eq!(
            SecretText::Text(String::new()).open("hooks.secrets").unwrap_err().to_string(),
            "hooks.secrets: a secret is empty"
        );
    }
}
