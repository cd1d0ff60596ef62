//! Settings of a gateway as JSON.

use std::collections::BTreeMap;

use reveille_conversation::Kind;
use reveille_gateway::{GatewaySettings, Target};
use serde::Deserialize;

use crate::line::{self, Failure, failure};
use crate::policy::PolicyLine;

/// What is not said is as [`GatewaySettings::default`] has it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SettingsFile {
    /// How messages are collected.
    digests: PolicyLine,
    /// What is sent when a push has failed.
    fallbacks: BTreeMap<Kind, Fallback>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fallback {
    Webhook,
    Email,
    Sms,
}

pub(super) fn read(json: &[u8]) -> Result<GatewaySettings, Failure> {
    let file: SettingsFile = line::parse(json)?;
    if file.digests.seed.is_some() || !file.digests.quiet.is_empty() {
        return Err(Failure::new("settings", "digests.seed and digests.quiet are not a gateway's"));
    }
    let mut settings = GatewaySettings::default();
    settings = settings.clone().with_digests(file.digests.over(settings.digests));
    for (kind, fallback) in file.fallbacks {
        let target = match fallback {
            Fallback::Webhook => Target::Webhook,
            Fallback::Email => Target::Email,
            Fallback::Sms => Target::Sms,
        };
        settings = settings.with_fallback(kind, target);
    }
    // Settings that cannot work would change nothing.
    settings.check().map_err(failure("settings"))?;
    Ok(settings)
}
