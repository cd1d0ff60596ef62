//! URLs inside a declarative message.

/// Whether `text` is an absolute `https:` URL (or `http:` to this machine, for development), without white space or control characters.
pub(super) fn is_navigable(text: &str) -> bool {
    let clean = !text.bytes().any(|b| b.is_ascii_control() || b == b' ');
    let Ok(uri) = text.split('#').next().unwrap_or_default().parse::<http::Uri>() else { return false };
    let local = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    clean
        && uri.host().is_some()
        && match uri.scheme_str() {
            Some("https") => true,
            Some("http") => local,
            _ => false,
        }
}
