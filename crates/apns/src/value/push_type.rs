//! `apns-push-type`, and all that follows from it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a push: the `apns-push-type` header.
///
/// It decides the topic's suffix, the size limit and what the payload may hold (Apple, "Sending notification requests
/// to APNs", table of push types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PushType {
    /// Something the user sees or hears.
    Alert,
    /// Wakes the app for work, shows nothing.
    Background,
    /// Updates a watchOS complication.
    Complication,
    /// Reloads a control (Control Center, Lock Screen).
    Controls,
    /// Signals changes to a File Provider extension.
    FileProvider,
    /// Starts, updates or ends a Live Activity.
    LiveActivity,
    /// Asks a Location Push Service extension for the position.
    Location,
    /// Makes a managed device contact its MDM server.
    Mdm,
    /// Push to Talk.
    PushToTalk,
    /// An incoming call, through PushKit.
    Voip,
    /// Reloads widgets.
    Widgets,
}

impl PushType {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Alert,
        Self::Background,
        Self::Complication,
        Self::Controls,
        Self::FileProvider,
        Self::LiveActivity,
        Self::Location,
        Self::Mdm,
        Self::PushToTalk,
        Self::Voip,
        Self::Widgets,
    ];

    /// The header's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Background => "background",
            Self::Complication => "complication",
            Self::Controls => "controls",
            Self::FileProvider => "fileprovider",
            Self::LiveActivity => "liveactivity",
            Self::Location => "location",
            Self::Mdm => "mdm",
            Self::PushToTalk => "pushtotalk",
            Self::Voip => "voip",
            Self::Widgets => "widgets",
        }
    }

    /// What `apns-topic` has behind the bundle id; empty for those whose topic is the id itself.
    #[must_use]
    pub const fn topic_suffix(self) -> &'static str {
        match self {
            Self::Alert | Self::Background | Self::Mdm => "",
            Self::Complication => ".complication",
            Self::Controls => ".push-type.controls",
            Self::FileProvider => ".pushkit.fileprovider",
            Self::LiveActivity => ".push-type.liveactivity",
            Self::Location => ".location-query",
            Self::PushToTalk => ".voip-ptt",
            Self::Voip => ".voip",
            Self::Widgets => ".push-type.widgets",
        }
    }

    /// Apple's hard limit of the payload, in bytes.
    #[must_use]
    pub const fn max_payload(self) -> usize {
        match self {
            Self::Voip => 5_120,
            _ => 4_096,
        }
    }
}

impl fmt::Display for PushType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serialises_as_its_header() {
        for kind in PushType::ALL {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("{:?}", kind.as_str()));
            assert_eq!(serde_json::from_str::<PushType>(&json).unwrap(), kind);
        }
    }
}
