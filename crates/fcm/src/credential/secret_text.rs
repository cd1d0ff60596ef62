//! A text of a JSON document that is wiped when it is dropped.

use reveille_core::Secret;
use serde::{Deserialize, Deserializer};

pub(super) struct SecretText(pub(super) Secret<String>);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}
