//! Webhooks in: who may send them, and how their signatures are checked.

mod settings;
mod signature;

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use reveille_core::UnixTime;
use reveille_gateway::SourceId;

use crate::intake::{Form, source_of};
use crate::settings::{InvalidSettings, wrong};

pub use settings::{Encoding, HookSettings, PlainSignature};
pub use signature::Unsigned;

use signature::Verifier;

/// A webhook that is taken: its name is in the path.
#[derive(Debug)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// The form of its bodies, if the media type does not say it.
    pub form: Option<Form>,
    /// Ids of its events are unique within this number.
    pub source: SourceId,
    verifier: Verifier,
}

/// All webhooks that are taken.
#[derive(Debug, Default)]
pub struct Hooks(BTreeMap<String, Hook>);

/// A message whose signature is good.
#[derive(Debug, PartialEq, Eq)]
pub struct Signed<'m> {
    /// The id of the message, where the form has one.
    pub message: Option<&'m str>,
}

impl Hooks {
    /// From settings.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the setting.
    pub fn new(settings: &[HookSettings]) -> Result<Self, InvalidSettings> {
        let mut hooks = BTreeMap::new();
        for hook in settings {
            let wrong = |problem: &str| wrong(format!("hooks: {}", hook.name), problem);
            let fits =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
            if !(1..=64).contains(&hook.name.len()) || !hook.name.bytes().all(fits) {
                return Err(wrong("a name has 1 to 64 of the characters a–z, 0–9, - and _"));
            }
            let made = Hook {
                name: hook.name.clone(),
                form: hook.form,
                source: hook.source.map_or_else(|| source_of(&format!("hook/{}", hook.name)), SourceId),
                verifier: Verifier::new(hook)?,
            };
            if hooks.insert(hook.name.clone(), made).is_some() {
                return Err(wrong("there are two of this name"));
            }
        }
        Ok(Self(hooks))
    }

    /// The hook of this name, if it has signed this message. Whoever asks for a hook that is not there hears the same as who
    /// cannot sign.
    ///
    /// # Errors
    /// [`Unsigned`]
    pub fn verify<'m>(
        &self,
        name: &str,
        headers: &'m HeaderMap,
        body: &[u8],
        now: UnixTime,
    ) -> Result<(&Hook, Signed<'m>), Unsigned> {
        let hook = self.0.get(name).ok_or(Unsigned::Wrong)?;
        Ok((hook, hook.verifier.verify(headers, body, now)?))
    }
}
