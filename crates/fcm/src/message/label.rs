//! Analytics labels and links.

use std::fmt;

use reveille_core::redacted_url;

use reveille_payload::{InvalidText, check_text};
use thiserror::Error;

use super::text::{Text, UNRESERVED, is_unreserved};
use crate::schema::{json_object, text_value};

/// A label by which Google's analytics groups messages: `[a-zA-Z0-9-_.~%]{1,50}`. Give one to each kind of message
/// whose delivery you want to see in reports.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AnalyticsLabel(Text);

impl AnalyticsLabel {
    /// The longest, in bytes.
    pub const MAX_LEN: usize = 50;

    /// Checks the text and keeps it.
    ///
    /// # Errors
    /// [`InvalidText`]: empty, longer than [`MAX_LEN`](Self::MAX_LEN), or with another character.
    pub fn new(text: impl Into<Text>) -> Result<Self, InvalidText> {
        let text = text.into();
        check_text("analytics label", &text, Self::MAX_LEN, UNRESERVED, is_unreserved)?;
        Ok(Self(text))
    }

    /// Returns the label's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no link; the error of [`HttpsUrl::new`]. The text quotes nothing of it: a link may carry a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidLink {
    /// More bytes than allowed.
    #[error("link has {length} bytes, the limit is {limit}")]
    TooLong {
        /// How many bytes were given.
        length: usize,
        /// How many bytes are allowed.
        limit: usize,
    },
    /// Not `https://host/…`.
    #[error("link is not an absolute https URL")]
    NotHttps,
}

/// An absolute `https` URL, for [`WebpushFcmOptions::with_link`](super::WebpushFcmOptions::with_link): what a click
/// on a web notification opens. `Debug` prints its origin only: a link may carry a token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpsUrl(Text);

impl HttpsUrl {
    /// The longest accepted, in bytes.
    pub const MAX_LEN: usize = 2_048;

    /// Checks the text and keeps it.
    ///
    /// # Errors
    /// [`InvalidLink`], also for a missing host, blanks or control characters.
    pub fn new(text: impl Into<Text>) -> Result<Self, InvalidLink> {
        let text = text.into();
        if text.len() > Self::MAX_LEN {
            return Err(InvalidLink::TooLong { length: text.len(), limit: Self::MAX_LEN });
        }
        if !is_url(&text, &["https://"]) {
            return Err(InvalidLink::NotHttps);
        }
        Ok(Self(text))
    }

    /// Returns the URL as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpsUrl({})", redacted_url(&self.0))
    }
}

/// The label itself.
impl fmt::Display for AnalyticsLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_value! {
    AnalyticsLabel, InvalidText, as_str;
    HttpsUrl, InvalidLink, as_str;
}

/// Whether `text` is an absolute URL of one of these schemes, with a host, and without what no URL has.
pub(crate) fn is_url(text: &str, schemes: &[&str]) -> bool {
    let Some(rest) = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)) else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !host.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

json_object! {
    /// `FcmOptions` and `AndroidFcmOptions`: what the client SDKs do besides delivering. Use it to give messages a
    /// label for analytics.
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
            assert!(HttpsUrl::new(text).is_err(), "{text}");
        }
        insta::assert_snapshot!("http://a".parse::<HttpsUrl>().unwrap_err(), @"link is not an absolute https URL");
        insta::assert_snapshot!(HttpsUrl::new("x".repeat(2_049)).unwrap_err(), @"link has 2049 bytes, the limit is 2048");
        let link = HttpsUrl::new("https://a.example/resume?token=SECRET").unwrap();
        insta::assert_snapshot!(format!("{link:?}"), @"HttpsUrl(https://a.example/…)");
    }

    #[test]
    fn labels_have_fifty_characters() {
        assert!(AnalyticsLabel::new("x".repeat(50)).is_ok());
        assert!(AnalyticsLabel::new("x".repeat(51)).is_err());
        assert!(AnalyticsLabel::new("a b").is_err());
    }
}
