//! Reading headers as strictly as Apple does.

use http::HeaderMap;

use super::Refusal;

/// The one value of a header.
///
/// # Errors
/// `DuplicateHeaders` if there are several; `bad` if it is not text.
pub(super) fn one<'a>(
    headers: &'a HeaderMap,
    name: &str,
    bad: &'static str,
) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Refusal::new(400, bad)),
        _ => Err(Refusal::new(400, "DuplicateHeaders")),
    }
}

/// A canonical UUID in lower case.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Unix seconds.
pub(super) fn seconds(text: &str) -> Option<u64> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}
