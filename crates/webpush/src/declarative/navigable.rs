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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_a_browser_may_open() {
        for good in [
            "https://a.example",
            "https://a.example/x?y#z",
            "HTTPS://a.example/",
            "https://a.example/#a b".replace(' ', "%20").as_str(),
            "http://localhost/",
            "http://localhost:8080/x",
            "http://127.0.0.1/",
            "http://[::1]:1/",
        ] {
            assert!(is_navigable(good), "{good}");
        }
        for bad in [
            "",
            "/x",
            "a.example",
            "http://a.example/",
            "http://127.0.0.2/",
            "https://",
            "https:///x",
            "https:x",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://a.example/",
            "https://a.example/a b",
            "https://a.example/#a b",
            "https://a.example/\n",
            "https://a.example/#\t",
            "https://a.example/#\u{7f}",
        ] {
            assert!(!is_navigable(bad), "{bad:?}");
        }
    }
}
