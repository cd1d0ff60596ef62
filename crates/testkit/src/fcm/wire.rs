//! Forms, JSON answers, times: what is on the wire.

use bytes::Bytes;
use http::{HeaderValue, Response};
use reveille_core::UnixTime;
use serde_json::Value;

pub(super) fn ok(body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("application/json; charset=UTF-8"));
    response
}

/// RFC 3339 in seconds, by counting years and months: rules of its own, not those of the crate under test.
pub(super) fn rfc3339(time: UnixTime) -> String {
    const MONTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    // Whole cycles of 400 years first, so that any time is counted in a few steps.
    let (secs, cycle) = (time.as_secs(), 146_097);
    let days = secs / 86_400;
    let (mut year, mut left) = (1970 + days / cycle * 400, days % cycle);
    while left >= 365 + u64::from(is_leap(year)) {
        left -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    for (at, days) in MONTHS.into_iter().enumerate() {
        let days = days + u64::from(at == 1 && is_leap(year));
        if left < days {
            break;
        }
        left -= days;
        month += 1;
    }
    let (hour, minute, second) = (secs / 3_600 % 24, secs / 60 % 60, secs % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", left + 1)
}

/// The pairs of a form or a query.
pub(super) fn form(text: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode(&key.replace('+', " ")), percent_decode(&value.replace('+', " ")))
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

pub(super) fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.split_at_checked(2).filter(|_| *first == b'%').and_then(|(hex, after)| {
            let hex = std::str::from_utf8(hex).ok()?;
            Some((u8::from_str_radix(hex, 16).ok()?, after))
        });
        let (byte, after) = code.unwrap_or((*first, after));
        out.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339() {
        for (secs, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_412_175_661, "2014-10-01T15:01:01Z"),
            (1_795_168_800, "2026-11-20T10:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(UnixTime::from_secs(secs)), text);
        }
        assert!(rfc3339(UnixTime::MAX).ends_with('Z'), "any time is a time");
    }
}
