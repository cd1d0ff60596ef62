//! Analytics labels and links.

use std::fmt;

use reveille_core::redacted_url;

use super::text::{Text, UNRESERVED, check, is_unreserved};
use crate::MessageError;
use crate::json::{Json, json_object, read_through_parse};

/// A label that Google's analytics groups messages by: `[a-zA-Z0-9-_.~%]{1,50}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AnalyticsLabel(Text);

impl AnalyticsLabel {
    /// The longest, in bytes.
    pub const MAX_LEN: usize = 50;

    /// Checks it.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn parse(text: impl Into<Text>) -> Result<Self, MessageError> {
        let text = text.into();
        check("analytics label", &text, Self::MAX_LEN, UNRESERVED, is_unreserved)?;
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Json for AnalyticsLabel {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

/// An absolute `https` URL. `Debug` prints its origin only: a link may carry a token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpsUrl(Text);

impl HttpsUrl {
    /// The longest accepted, in bytes.
    pub const MAX_LEN: usize = 2_048;

    /// Checks it.
    ///
    /// # Errors
    /// [`MessageError`] for another scheme, a missing host, spaces or control characters.
    pub fn parse(text: impl Into<Text>) -> Result<Self, MessageError> {
        let text = text.into();
        if text.len() > Self::MAX_LEN {
            return Err(MessageError::TooLong { what: "link", length: text.len(), limit: Self::MAX_LEN });
        }
        let malformed = MessageError::Malformed { what: "link", expected: "an absolute https URL" };
        let rest = text.strip_prefix("https://").ok_or_else(|| malformed.clone())?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if host.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(malformed);
        }
        Ok(Self(text))
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Json for HttpsUrl {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

impl fmt::Debug for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpsUrl({})", redacted_url(&self.0))
    }
}

read_through_parse!(AnalyticsLabel, HttpsUrl);

json_object! {
    /// `FcmOptions` and `AndroidFcmOptions`: what the client SDKs do besides delivering.
    pub struct FcmOptions {
        /// Groups messages in Google's analytics.
        analytics_label, with_analytics_label: AnalyticsLabel = "analyticsLabel" | "analytics_label",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_https() {
        for text in [
            "http://a.example/",
            "https://",
            "https:///x",
            "//a.example",
            "https://a example/",
            "javascript:1",
        ] {
            assert!(HttpsUrl::parse(text).is_err(), "{text}");
        }
        let link = HttpsUrl::parse("https://a.example/resume?token=SECRET").unwrap();
        insta::assert_snapshot!(format!("{link:?}"), @"HttpsUrl(https://a.example/…)");
    }

    #[test]
    fn labels_have_fifty_characters() {
        assert!(AnalyticsLabel::parse("x".repeat(50)).is_ok());
        assert!(AnalyticsLabel::parse("x".repeat(51)).is_err());
        assert!(AnalyticsLabel::parse("a b").is_err());
    }
}
