//! Capability URLs in logs.

/// A URL cut to its origin: `https://push.example/…`. A relative one, which `Location` and `Link` may hold (RFC 9110
/// §10.2.2, RFC 8288 §3.1), is cut to its first character. Other text is returned whole, because services also name messages
/// with plain ids, which are not secret.
///
/// Credentials before an `@` are cut as well.
///
/// ```
/// use reveille_core::redacted_url;
/// assert_eq!(redacted_url("https://push.example:8443/wpush/v2/SECRET"), "https://push.example:8443/…");
/// assert_eq!(redacted_url("https://user:pw@push.example/x"), "https://push.example/…");
/// assert_eq!(redacted_url("/m/SECRET"), "/…");
/// assert_eq!(redacted_url("5f1e…"), "5f1e…");
/// ```
#[must_use]
pub fn redacted_url(text: &str) -> String {
    if let Some(first @ ('/' | '<' | '?' | '.')) = text.chars().next() {
        return format!("{first}…");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}/…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_behind_the_authority_survives() {
        for url in ["https://h?SECRET", "https://h#SECRET", "https://h/a/SECRET", "https://SECRET@h/SECRET"] {
            assert_eq!(redacted_url(url), "https://h/…", "{url}");
        }
    }

    #[test]
    fn nothing_of_a_relative_reference_survives() {
        for reference in [
            "/m/SECRET",
            "//h/SECRET",
            "../SECRET",
            "?SECRET",
            "</r/SECRET>; rel=\"urn:ietf:params:push:receipt\"",
            "/m/SECRET?next=https://h/x",
            "</r/SECRET>; rel=\"https://h/x\"",
            "<https://h/r/SECRET>; rel=\"x\"",
        ] {
            assert!(!redacted_url(reference).contains("SECRET"), "{reference}");
        }
        for id in ["projects/p/messages/0:1500415314455276%31bd1c9631bd1c96", "5f1e2c3a-1", ""] {
            assert_eq!(redacted_url(id), id);
        }
    }
}
