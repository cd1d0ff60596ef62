//! The `sub` claim.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use crate::target::is_local_name;

/// How the push service's operator reaches the application server's operator: a `mailto:` or `https:` URI (RFC 8292
/// §2.1), for [`VapidSettings::new`](crate::VapidSettings::new).
///
/// The RFC makes it optional; Apple and Mozilla in practice do not. It is checked the way the strictest service does:
/// Apple answers `BadJwtToken` to spaces, angle brackets, a doubled `mailto:` and hosts like `localhost`.
///
/// ```
/// use reveille_webpush::credential::{Contact, InvalidContact};
/// assert!("mailto:ops@example.com".parse::<Contact>().is_ok());
/// assert!("https://example.com/contact".parse::<Contact>().is_ok());
/// assert_eq!("mailto: ops@example.com".parse::<Contact>(), Err(InvalidContact::Character));
/// assert_eq!("mailto:mailto:ops@example.com".parse::<Contact>(), Err(InvalidContact::DoubledScheme));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Contact(Box<str>);

/// Why text is not an acceptable contact; the error of [`Contact`]'s `FromStr`. Push services refuse such contacts,
/// some of them late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidContact {
    /// Longer than [`Contact::MAX_LEN`].
    #[error("contact of {length} bytes is longer than the limit of {}", Contact::MAX_LEN)]
    TooLong {
        /// How many bytes were given.
        length: usize,
    },
    /// Neither `mailto:` nor `https:`.
    #[error("contact must begin with mailto: or https:")]
    Scheme,
    /// `mailto:mailto:` and the like.
    #[error("contact has its scheme twice")]
    DoubledScheme,
    /// A space, an angle bracket, a quote, a control character or anything outside ASCII.
    #[error("contact has a space, an angle bracket or another character that push services refuse")]
    Character,
    /// No mailbox, or not one `@`.
    #[error("mailto: must be followed by one address with one @")]
    Mailbox,
    /// `localhost`, a name without a dot, a reserved name, or an address of this network.
    #[error("contact's host must be a public name")]
    Host,
}

impl Contact {
    /// The longest contact, in bytes: claims should be small (RFC 8292 §2.2).
    pub const MAX_LEN: usize = 256;

    /// Returns the URI as it was given.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Contact {
    type Err = InvalidContact;

    fn from_str(text: &str) -> Result<Self, InvalidContact> {
        if text.len() > Self::MAX_LEN {
            return Err(InvalidContact::TooLong { length: text.len() });
        }
        if !text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"' | b'\\')) {
            return Err(InvalidContact::Character);
        }
        let host = if let Some(address) = text.strip_prefix("mailto:") {
            if has_scheme(address) {
                return Err(InvalidContact::DoubledScheme);
            }
            mail_host(address)?
        } else if let Some(rest) = text.strip_prefix("https://") {
            if has_scheme(rest) {
                return Err(InvalidContact::DoubledScheme);
            }
            web_host(rest).ok_or(InvalidContact::Host)?
        } else {
            return Err(InvalidContact::Scheme);
        };
        if is_public_name(host) { Ok(Self(text.into())) } else { Err(InvalidContact::Host) }
    }
}

/// The domain of the one address; header fields (`?subject=`) are allowed and ignored.
fn mail_host(address: &str) -> Result<&str, InvalidContact> {
    let address = address.split('?').next().unwrap_or_default();
    match address.split_once('@') {
        Some((mailbox, host))
            if !mailbox.is_empty() && !host.contains(['@', ',', ';']) && !mailbox.contains([',', ';']) =>
        {
            Ok(host)
        }
        _ => Err(InvalidContact::Mailbox),
    }
}

fn has_scheme(rest: &str) -> bool {
    ["mailto:", "https:", "http:"]
        .iter()
        .any(|scheme| rest.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// The host; none if there are credentials or the port is not a number.
fn web_host(rest: &str) -> Option<&str> {
    let authority = rest.split(['/', '?', '#']).next().filter(|authority| !authority.contains('@'))?;
    match authority.split_once(':') {
        Some((host, port)) => port.parse::<u16>().is_ok().then_some(host),
        None => Some(authority),
    }
}

/// A name with at least two labels, none empty, the last not numeric, and not one that means something only in one
/// network.
fn is_public_name(host: &str) -> bool {
    let labels: Vec<_> = host.split('.').collect();
    let Some(last) = labels.last() else { return false };
    let legal = |label: &&str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    labels.len() >= 2
        && labels.iter().all(legal)
        && host.parse::<IpAddr>().is_err()
        && !last.bytes().all(|b| b.is_ascii_digit())
        && !is_local_name(host)
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_serde!(Contact);

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contact({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_services_refuse_is_refused() {
        let table = [
            ("mailto:MAILTO:ops@example.com", InvalidContact::DoubledScheme),
            ("https://u:p@example.com/", InvalidContact::Host),
            ("https://example.com:port/", InvalidContact::Host),
            ("mailto:ops@-.example.com", InvalidContact::Host),
            ("", InvalidContact::Scheme),
            ("ops@example.com", InvalidContact::Scheme),
            ("http://example.com", InvalidContact::Scheme),
            ("MAILTO:ops@example.com", InvalidContact::Scheme),
            ("mailto: ops@example.com", InvalidContact::Character),
            ("mailto:<ops@example.com>", InvalidContact::Character),
            ("mailto:ops@example.com ", InvalidContact::Character),
            ("mailto:öps@example.com", InvalidContact::Character),
            ("mailto:ops\n@example.com", InvalidContact::Character),
            ("mailto:mailto:ops@example.com", InvalidContact::DoubledScheme),
            ("https://https://example.com", InvalidContact::DoubledScheme),
            ("mailto:https://example.com", InvalidContact::DoubledScheme),
            ("mailto:", InvalidContact::Mailbox),
            ("mailto:ops", InvalidContact::Mailbox),
            ("mailto:@example.com", InvalidContact::Mailbox),
            ("mailto:a@b@example.com", InvalidContact::Mailbox),
            ("mailto:a@example.com,b@example.com", InvalidContact::Mailbox),
            ("mailto:ops@localhost", InvalidContact::Host),
            ("mailto:ops@mail.local", InvalidContact::Host),
            ("mailto:ops@example.invalid", InvalidContact::Host),
            ("https://localhost:3000/", InvalidContact::Host),
            ("https://127.0.0.1/", InvalidContact::Host),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<Contact>(), Err(expected), "{text:?}");
        }
        let long = format!("mailto:{}@example.com", "a".repeat(256));
        insta::assert_snapshot!(long.parse::<Contact>().unwrap_err(), @"contact of 275 bytes is longer than the limit of 256");
    }

    #[test]
    fn what_services_take_is_taken() {
        for text in [
            "mailto:ops@example.com",
            "mailto:o'neil+push@mail.example.co.uk",
            "mailto:ops@example.com?subject=push",
            "https://example.com",
            "https://example.com:8443/contact?x=1",
        ] {
            assert_eq!(text.parse::<Contact>().map(|c| c.to_string()).as_deref(), Ok(text));
        }
    }
}
