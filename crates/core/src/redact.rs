//! Capability URLs in logs.

/// A URL cut to its origin: `https://push.example/…`. Text that is not a URL with an authority is returned whole,
/// because services also name messages with plain ids, which are not secret.
///
/// Credentials before an `@` are cut as well.
///
/// ```
/// use reveille_core::redacted_url;
/// assert_eq!(redacted_url("https://push.example:8443/wpush/v2/SECRET"), "https://push.example:8443/…");
/// assert_eq!(redacted_url("https://user:pw@push.example/x"), "https://push.example/…");
/// assert_eq!(redacted_url("5f1e…"), "5f1e…");
/// ```
#[must_use]
pub fn redacted_url(text: &str) -> String {
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
}
