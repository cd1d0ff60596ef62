//! What every answer means: all statuses, and each service's own way to say why.

use std::fmt::Write as _;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use proptest::prelude::*;
use reveille_core::{Action, Outcome, Rejection, RetrySource, UnixTime};
use reveille_webpush::target::PublicHttps;
use reveille_webpush::{Endpoint, classify, classify_response};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// As long as real ones.
fn endpoint() -> Endpoint {
    Endpoint::new("https://push.example/wpush/v2/gAAAAABkSECRETsecretSECRETsecret", &PublicHttps).unwrap()
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: impl AsRef<[u8]>) -> Outcome {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    classify(&endpoint(), StatusCode::from_u16(status).unwrap(), &headers, body.as_ref(), NOW)
}

fn rejection(outcome: Outcome) -> Rejection {
    match outcome {
        Outcome::Rejected(rejection) => rejection,
        Outcome::Accepted(receipt) => panic!("accepted: {receipt:?}"),
    }
}

/// `name: action [field or pause] | reason | detail`
fn line(name: &str, outcome: Outcome) -> String {
    let Rejection { action, reason, detail, .. } = rejection(outcome);
    let more = match &action {
        Action::FixRequest { field: Some(field) } => format!(" {field}"),
        Action::Retry { not_before: at, source } => {
            format!(" +{} s ({})", at.since(NOW).as_secs(), source.name())
        }
        Action::SlowDown { scope, until, source } => {
            format!(" {} +{} s ({})", scope.name(), until.since(NOW).as_secs(), source.name())
        }
        Action::FixCredential { scope } => format!(" {}", scope.name()),
        _ => String::new(),
    };
    let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
    format!("{name}: {}{more} | {} | {}\n", action.name(), text(reason.as_deref()), text(detail.as_deref()))
}

/// Every status there is, in ranges of the same action; none is left out.
#[test]
fn every_status_has_an_action() {
    let mut ranges: Vec<(u16, u16, String)> = Vec::new();
    for status in 100..=599 {
        let outcome = answer(status, &[], "");
        let action = outcome.action().map_or("accepted", Action::name).to_owned();
        match ranges.last_mut() {
            Some((_, last, same)) if *same == action => *last = status,
            _ => ranges.push((status, status, action)),
        }
    }
    assert_eq!(ranges.iter().map(|(first, last, _)| usize::from(last - first) + 1).sum::<usize>(), 500);
    let mut table = String::new();
    for (first, last, action) in ranges {
        writeln!(table, "{first}-{last} {action}").unwrap();
    }
    insta::assert_snapshot!(table, @"
    100-199 give_up
    200-299 accepted
    300-399 give_up
    400-400 fix_request
    401-401 fix_credential
    402-402 give_up
    403-403 fix_credential
    404-404 suspect_target
    405-405 fix_request
    406-406 slow_down
    407-407 give_up
    408-408 retry
    409-409 give_up
    410-410 drop_target
    411-415 fix_request
    416-420 give_up
    421-421 reconnect
    422-422 fix_request
    423-424 give_up
    425-425 retry
    426-428 give_up
    429-429 slow_down
    430-430 give_up
    431-431 fix_request
    432-499 give_up
    500-500 retry
    501-501 give_up
    502-504 retry
    505-505 give_up
    506-599 retry
    ");
    // Statuses that no RFC knows are legal in HTTP libraries; they mean nothing to us.
    for status in 600..=999 {
        assert_eq!(answer(status, &[], "").action(), Some(&Action::GiveUp), "{status}");
    }
}

/// Where nothing but the status is known: the header at fault, and what an operator should know.
#[test]
fn every_status_says_what_it_can() {
    let mut said = String::new();
    for status in 300..=599 {
        let rejection = rejection(answer(status, &[], ""));
        let field = match &rejection.action {
            Action::FixRequest { field } => field.as_deref(),
            _ => None,
        };
        if field.is_some() || rejection.detail.is_some() {
            let detail = rejection.detail.unwrap_or_default();
            writeln!(said, "{status} {} {detail}", field.unwrap_or("-")).unwrap();
        }
    }
    let redirects: String =
        (300..=399).map(|status| format!("{status} - redirects are not followed\n")).collect();
    let said = said.strip_prefix(&redirects).unwrap();
    insta::assert_snapshot!(said);
}

fn autopush(status: u16, errno: u32, message: &str) -> Outcome {
    let body = format!(
        r#"{{"code":{status},"errno":{errno},"error":"Error","message":"{message}","more_info":"http://autopush.readthedocs.io/en/latest/http.html#error-codes"}}"#
    );
    answer(status, &[], body)
}

#[test]
fn autopush_errno() {
    let mut table = String::new();
    for (status, errno, message) in [
        (400, 101, "Missing necessary crypto keys"),
        (404, 102, "Request did not validate: invalid URL"),
        (410, 103, "Expired URL endpoint"),
        (413, 104, "Message is too big"),
        (410, 105, "Endpoint became unavailable during request"),
        (410, 106, "Invalid subscription"),
        (400, 108, "Router type is invalid"),
        (401, 109, "Invalid bearer token"),
        (401, 109, "VAPID public key mismatch"),
        (401, 109, "Auth expired"),
        (400, 109, "Invalid authentication"),
        (400, 110, "Crypto keys specified incorrectly"),
        (400, 111, "Missing TTL Header"),
        (400, 112, "Invalid TTL header value"),
        (400, 113, "Invalid Topic header value"),
        (400, 114, "Invalid TTL"),
        (503, 201, "Use exponential back-off for retries"),
        (503, 202, "Immediate retry ok"),
        (500, 999, "Unknown error"),
    ] {
        table += &line(&format!("{status} errno {errno}"), autopush(status, errno, message));
    }
    insta::assert_snapshot!(table, @"
    400 errno 101: fix_request content-encoding | errno 101 | Missing necessary crypto keys
    404 errno 102: suspect_target | errno 102 | Request did not validate: invalid URL
    410 errno 103: drop_target | errno 103 | Expired URL endpoint
    413 errno 104: fix_request body | errno 104 | Message is too big
    410 errno 105: drop_target | errno 105 | Endpoint became unavailable during request
    410 errno 106: drop_target | errno 106 | Invalid subscription
    400 errno 108: fix_request | errno 108 | Router type is invalid
    401 errno 109: fix_credential credential | errno 109 | Invalid bearer token
    401 errno 109: suspect_target | errno 109 | VAPID public key mismatch
    401 errno 109: refresh_credential | errno 109 | Auth expired
    400 errno 109: fix_request authorization | errno 109 | Invalid authentication
    400 errno 110: fix_request content-encoding | errno 110 | Crypto keys specified incorrectly
    400 errno 111: fix_request ttl | errno 111 | Missing TTL Header
    400 errno 112: fix_request ttl | errno 112 | Invalid TTL header value
    400 errno 113: fix_request topic | errno 113 | Invalid Topic header value
    400 errno 114: fix_request ttl | errno 114 | Invalid TTL
    503 errno 201: retry +0 s (guess) | errno 201 | Use exponential back-off for retries
    503 errno 202: retry +0 s (guess) | errno 202 | Immediate retry ok
    500 errno 999: retry +0 s (guess) | errno 999 | Unknown error
    ");
}

/// The number names the header, whatever the text says.
#[test]
fn the_errno_alone_says_what_is_at_fault() {
    let fields = [
        (101, "content-encoding"),
        (104, "body"),
        (109, "authorization"),
        (110, "content-encoding"),
        (111, "ttl"),
        (112, "ttl"),
        (113, "topic"),
        (114, "ttl"),
    ];
    for (errno, field) in fields {
        let said = line("", autopush(400, errno, "No"));
        assert!(said.contains(&format!("fix_request {field} ")), "{errno}: {said}");
    }
    assert!(
        !line("", autopush(400, 100, "No")).contains("topic"),
        "a number that is not known names nothing"
    );
}

/// developer.apple.com, "Sending web push notifications in web apps and browsers", response errors.
#[test]
fn apple_reasons() {
    let mut table = String::new();
    for (status, reason) in [
        (400, "BadAuthorizationHeader"),
        (400, "BadTtl"),
        (400, "BadUrgency"),
        (400, "BadWebPushTopic"),
        (400, "VapidPkHashMismatch"),
        (403, "BadJwtToken"),
        (403, "ExpiredJwtToken"),
        (403, "VapidPkHashMismatch"),
        (404, "BadPath"),
        (405, "MethodNotAllowed"),
        (410, "Unregistered"),
        (413, "PayloadTooLarge"),
        (429, "TooManyRequests"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
    ] {
        table +=
            &line(&format!("{status} {reason}"), answer(status, &[], format!(r#"{{"reason":"{reason}"}}"#)));
    }
    insta::assert_snapshot!(table, @"
    400 BadAuthorizationHeader: fix_request authorization | BadAuthorizationHeader | -
    400 BadTtl: fix_request ttl | BadTtl | -
    400 BadUrgency: fix_request urgency | BadUrgency | -
    400 BadWebPushTopic: fix_request topic | BadWebPushTopic | -
    400 VapidPkHashMismatch: suspect_target | VapidPkHashMismatch | the subscription was made with another VAPID key and must be renewed
    403 BadJwtToken: fix_credential credential | BadJwtToken | the VAPID key, its contact or this server's clock is wrong
    403 ExpiredJwtToken: refresh_credential | ExpiredJwtToken | -
    403 VapidPkHashMismatch: suspect_target | VapidPkHashMismatch | the subscription was made with another VAPID key and must be renewed
    404 BadPath: suspect_target | BadPath | -
    405 MethodNotAllowed: fix_request | MethodNotAllowed | -
    410 Unregistered: drop_target | Unregistered | -
    413 PayloadTooLarge: fix_request body | PayloadTooLarge | -
    429 TooManyRequests: slow_down service +60 s (guess) | TooManyRequests | -
    500 InternalServerError: retry +0 s (guess) | InternalServerError | -
    503 ServiceUnavailable: retry +0 s (guess) | ServiceUnavailable | -
    ");
}

#[test]
fn fcm_texts_html_and_json() {
    let html = |title: &str, status: u16| {
        format!(
            "<HTML>\n<HEAD>\n<TITLE>{title}</TITLE>\n</HEAD>\n<BODY BGCOLOR=\"#FFFFFF\" TEXT=\"#000000\">\n<H1>{title}</H1>\n<H2>Error {status}</H2>\n</BODY>\n</HTML>\n"
        )
    };
    let mut table = String::new();
    for (name, status, body) in [
        (
            "another key",
            403,
            "the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.\n".to_owned(),
        ),
        ("another sender", 403, html("MismatchSenderId", 403)),
        ("no or wrong VAPID", 400, html("UnauthorizedRegistration", 400)),
        ("no or wrong VAPID, as text", 400, "UnauthorizedRegistration".into()),
        ("invalid token", 403, "invalid JWT provided\n".into()),
        ("wrong audience", 403, "aud claim in the token MUST include the origin of the push resource URL\n".into()),
        ("gone", 410, "push subscription has unsubscribed or expired.\n".into()),
        ("never was", 404, "A valid push subscription endpoint should be specified in the URL as such: https://fcm.googleapis.com/wp/dHIoDxE7Hdg".into()),
        ("page", 404, html("Not Found", 404)),
        ("too large", 413, "payload is too large".into()),
        ("json", 400, r#"{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT","details":[]}}"#.into()),
        ("json quota", 429, r#"{"error":{"code":429,"message":"Quota exceeded.","status":"RESOURCE_EXHAUSTED"}}"#.into()),
        ("json unavailable", 503, r#"{"error":{"code":503,"status":"UNAVAILABLE"}}"#.into()),
    ] {
        table += &line(name, answer(status, &[], body));
    }
    insta::assert_snapshot!(table, @"
    another key: suspect_target | the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions. | the subscription was made with another VAPID key and must be renewed
    another sender: suspect_target | MismatchSenderId | the subscription was made with another VAPID key and must be renewed
    no or wrong VAPID: fix_credential credential | UnauthorizedRegistration | the VAPID key, its contact or this server's clock is wrong
    no or wrong VAPID, as text: fix_credential credential | UnauthorizedRegistration | the VAPID key, its contact or this server's clock is wrong
    invalid token: fix_credential credential | invalid JWT provided | the VAPID key, its contact or this server's clock is wrong
    wrong audience: fix_credential credential | aud claim in the token MUST include the origin of the push resource URL | the VAPID key, its contact or this server's clock is wrong
    gone: drop_target | push subscription has unsubscribed or expired. | -
    never was: suspect_target | A valid push subscription endpoint should be specified in the URL as such: https://fcm.googleapis.com/… | -
    page: suspect_target | Not Found | -
    too large: fix_request body | payload is too large | -
    json: fix_request | INVALID_ARGUMENT | Request contains an invalid argument.
    json quota: slow_down service +60 s (guess) | RESOURCE_EXHAUSTED | Quota exceeded.
    json unavailable: retry +0 s (guess) | UNAVAILABLE | -
    ");
}

#[test]
fn wns_speaks_in_headers() {
    let mut table = String::new();
    for (name, status, headers) in [
        (
            "TTL of zero",
            400,
            &[
                ("x-wns-error-description", "Ttl value conflicts with X-WNS-Cache-Policy."),
                ("x-wns-notificationstatus", "dropped"),
                ("x-wns-status", "dropped"),
            ][..],
        ),
        ("throttled", 406, &[("x-wns-notificationstatus", "channelthrottled")]),
        ("throttled until", 406, &[("x-wns-notificationstatus", "channelthrottled"), ("retry-after", "300")]),
        ("throttled as a sender", 406, &[("x-wns-error-description", "Too many")]),
        ("thrown away", 200, &[("x-wns-notificationstatus", "dropped")]),
        (
            "thrown away for this one",
            200,
            &[("x-wns-notificationstatus", "channelThrottled"), ("retry-after", "5")],
        ),
        ("too large", 413, &[("x-wns-error-description", "The payload exceeds the limit.")]),
        ("gone", 410, &[("x-wns-notificationstatus", "dropped"), ("x-wns-status", "revoked")]),
        ("another sender", 403, &[("x-wns-error-description", "The cloud service is not authorized.")]),
        ("unavailable", 503, &[("retry-after", "30")]),
    ] {
        table += &line(name, answer(status, headers, ""));
    }
    insta::assert_snapshot!(table, @"
    TTL of zero: fix_request ttl | Ttl value conflicts with X-WNS-Cache-Policy. | dropped
    throttled: slow_down target +60 s (guess) | channelthrottled | -
    throttled until: slow_down target +300 s (service) | channelthrottled | -
    throttled as a sender: slow_down service +60 s (guess) | Too many | -
    thrown away: give_up | dropped | -
    thrown away for this one: slow_down target +5 s (service) | channelThrottled | -
    too large: fix_request body | The payload exceeds the limit. | -
    gone: drop_target | dropped | revoked
    another sender: fix_credential credential | The cloud service is not authorized. | the VAPID key, its contact or this server's clock is wrong
    unavailable: retry +30 s (service) | - | -
    ");
}

#[test]
fn unknown_services() {
    let mut table = String::new();
    for (name, status, body) in [
        (
            "problem details",
            400,
            &br#"{"type":"about:blank","title":"Bad TTL","detail":"TTL must be positive","status":400}"#[..],
        ),
        ("an array", 400, br#"[{"reason":"no"}]"#),
        ("an array of the members in order", 400, br#"[109,"reason","message"]"#),
        ("JSON text", 400, br#""Invalid topic""#),
        ("members of other types", 400, br#"{"errno":"109","reason":7,"message":["a"]}"#),
        ("one member of another type", 401, br#"{"errno":109,"error":401,"message":"Auth expired"}"#),
        ("a member twice", 400, br#"{"reason":"a","reason":"b"}"#),
        ("null members", 410, br#"{"errno":null,"reason":null,"error":null,"message":null}"#),
        ("JSON cut off", 500, br#"{"errno":999,"mess"#),
        ("nested deeply", 400, "[".repeat(5_000).leak().as_bytes()),
        ("white space", 502, b" \r\n\t "),
        ("plain text", 507, b"disk full\n"),
        ("not UTF-8", 500, b"\xff\xfe\xfd"),
        ("a redirect", 302, b"<a href=\"https://elsewhere.example\">"),
    ] {
        let shown = line(name, answer(status, &[], body));
        table += &if shown.len() > 300 { format!("{}…\n", &shown[..80]) } else { shown };
    }
    insta::assert_snapshot!(table, @r#"
    problem details: fix_request ttl | Bad TTL | TTL must be positive
    an array: fix_request | - | [{"reason":"no"}]
    an array of the members in order: fix_request | - | [109,"reason","message"]
    JSON text: fix_request topic | Invalid topic | -
    members of other types: fix_request | - | -
    one member of another type: refresh_credential | errno 109 | Auth expired
    a member twice: fix_request | b | -
    null members: drop_target | - | -
    JSON cut off: retry +0 s (guess) | - | {"errno":999,"mess
    nested deeply: fix_request | - | [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…
    white space: retry +0 s (guess) | - | -
    plain text: retry +0 s (guess) | disk full | -
    not UTF-8: retry +0 s (guess) | - | -
    a redirect: give_up | - | redirects are not followed
    "#);
}

#[test]
fn retry_after_in_both_forms() {
    let pause = |status, value: &str| {
        answer(status, &[("retry-after", value)], "").action().unwrap().not_before().unwrap()
    };
    let seconds = |n| NOW + Duration::from_secs(n);
    assert_eq!(pause(429, "120"), seconds(120));
    assert_eq!(pause(503, " 5 "), seconds(5));
    // 15 January 2027 08:00:00 is NOW.
    assert_eq!(pause(503, "Fri, 15 Jan 2027 08:00:30 GMT"), seconds(30));
    assert_eq!(pause(503, "Friday, 15-Jan-27 08:00:30 GMT"), seconds(30));
    assert_eq!(pause(503, "Fri Jan 15 08:00:30 2027"), seconds(30));
    assert_eq!(
        pause(503, "Fri, 15 Jan 2027 07:59:00 GMT"),
        seconds(1),
        "a date in the past means now, or so"
    );
    assert_eq!(pause(429, "0"), seconds(1));
    for slip in ["99999999999999999999", "Fri, 15 Jan 2038 08:00:00 GMT"] {
        assert_eq!(pause(503, slip), seconds(24 * 3_600), "a slip of the service's clock: a day at most");
    }
    for nonsense in ["", "soon", "-1", "1.5", "Fri, 99 Jan 2027 08:00:30 GMT"] {
        assert_eq!(pause(503, nonsense), NOW, "{nonsense:?}: as if it were absent");
        assert_eq!(pause(429, nonsense), seconds(60), "{nonsense:?}: as if it were absent");
    }
    assert_eq!(answer(400, &[("retry-after", "9")], "").action().unwrap().not_before(), None);
}

/// The endpoint is a capability, and these texts end up in logs.
#[test]
fn the_url_that_was_asked_for_is_not_repeated() {
    let mut table = String::new();
    for (name, body) in [
        ("text", "no such subscription: https://push.example:8443/p/SECRET?k=SECRET"),
        ("in quotes", "GET \"https://push.example/p/SECRET\": gone, see (https://push.example/a,b;SECRET)"),
        (
            "json",
            r#"{"reason":"https://push.example/SECRET","message":"POST https://u:SECRET@push.example/ failed"}"#,
        ),
        ("page", "<html><title>404 https://push.example/SECRET</title><p>https://push.example/SECRET</p>"),
        ("several lines", "not found\nhttps://push.example/SECRET\n"),
        ("in a parameter", "from=https://push.example/SECRET/https://push.example/SECRET to nowhere"),
    ] {
        table += &line(name, answer(404, &[("x-wns-status", "http://push.example/SECRET")], body));
    }
    assert!(!table.contains("SECRET"), "{table}");
    insta::assert_snapshot!(table, @r#"
    text: suspect_target | no such subscription: https://push.example:8443/… | http://push.example/…
    in quotes: suspect_target | GET "https://push.example/…": gone, see (https://push.example/… | http://push.example/…
    json: suspect_target | https://push.example/… | POST https://push.example/… failed
    page: suspect_target | 404 https://push.example/… | http://push.example/…
    several lines: suspect_target | not found https://push.example/… | http://push.example/…
    in a parameter: suspect_target | from=https://push.example/… to nowhere | http://push.example/…
    "#);
}

/// A service, or a proxy before it, quotes what it was sent: the path, decoded or not, alone or in a sentence; the token.
#[test]
fn the_path_that_was_asked_for_is_not_repeated() {
    let url = "https://push.example/wpush/v2/gAAAAABkSECRETsecret,SECRET/tok%2Fen%3DAPA91bSECRETsecret?k=c2VjcmV0c2VjcmV0";
    let endpoint = Endpoint::new(url, &PublicHttps).unwrap();
    let mut table = String::new();
    for (name, headers, body) in [
        (
            "express",
            None,
            "Cannot POST /wpush/v2/gAAAAABkSECRETsecret,SECRET/tok%2Fen%3DAPA91bSECRETsecret?k=c2VjcmV0c2VjcmV0",
        ),
        (
            "decoded",
            None,
            r#"{"message":"no route for /wpush/v2/gAAAAABkSECRETsecret,SECRET/tok/en=APA91bSECRETsecret"}"#,
        ),
        ("in lower case", None, "unknown: gaaaaabksecretsecret,secret"),
        ("cut off", None, "unknown subscription 'gAAAAABkSECRETsec...'"),
        ("title", None, "<html><title>404 gAAAAABkSECRETsecret,SECRET</title>"),
        ("query", None, "bad parameter k=c2VjcmV0c2VjcmV0"),
        ("WNS", Some(("x-wns-error-description", "channel gAAAAABkSECRETsecret,SECRET is gone")), ""),
        (
            "token",
            None,
            "bad header: vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJTRUNSRVQifQ.U0VDUkVU, k=BA1H",
        ),
        ("reading direction", None, "no \u{202e}gAAAAABkSECRETsecret,SECRET\u{2066} here"),
    ] {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let outcome = classify(&endpoint, StatusCode::NOT_FOUND, &headers.collect(), body.as_bytes(), NOW);
        table += &line(name, outcome);
    }
    assert!(!table.to_ascii_lowercase().contains("secret") && !table.contains("U0VD"), "{table}");
    insta::assert_snapshot!(table, @"
    express: suspect_target | Cannot POST /wpush/v2/…/…?k=… | -
    decoded: suspect_target | - | no route for /wpush/v2/…/tok/en=…
    in lower case: suspect_target | unknown: … | -
    cut off: suspect_target | unknown subscription '…' | -
    title: suspect_target | 404 … | -
    query: suspect_target | bad parameter k=… | -
    WNS: suspect_target | channel … is gone | -
    token: suspect_target | bad header: vapid t=…, k=BA1H | -
    reading direction: suspect_target | no  …  here | -
    ");
}

/// A `Location` may be relative, and without a slash it looks like a name.
#[test]
fn no_receipt_prints_a_path() {
    for location in [
        "m/SECRETSECRETSECRET",
        "SECRETSECRETSECRET",
        "/m/SECRETSECRETSECRET",
        "https://h/SECRETSECRETSECRET",
        "x SECRETSECRETSECRET",
        "SECRETSECRETSECRET://h",
        "urn:SECRETSECRETSECRET://h",
        "",
    ] {
        let outcome = answer(201, &[("location", location), ("link", location)], "");
        let printed = format!("{outcome:?}");
        assert!(!printed.contains("SECRET"), "{location}: {printed}");
    }
    let response = Response::builder().status(201).header("location", "m/1").body(Vec::new()).unwrap();
    let Outcome::Accepted(receipt) = classify_response(None, &response, NOW) else { panic!("201 accepts") };
    assert_eq!(receipt.message.as_deref(), Some("./m/1"), "the same reference (RFC 3986 §4.2)");
}

/// What is no URI reference is no receipt's name, and what is one is given as it stands.
#[test]
fn a_location_is_a_uri_reference() {
    let message = |location: &str| {
        let Outcome::Accepted(receipt) = answer(201, &[("location", location)], "") else {
            panic!("201 accepts")
        };
        receipt.message
    };
    for good in ["https://h/m/1", "HTTP://h/m/1", "/m/1", "//h/m", "?m=1", "./m", "../m"] {
        assert_eq!(message(good).as_deref(), Some(good));
    }
    assert_eq!(message("m/1").as_deref(), Some("./m/1"));
    for bad in ["", "a b", "/a<b", "/a>b", "/a\"b", "<", ">", "\"", "ftp://h/m", "x://", "/é"] {
        assert_eq!(message(bad), None, "{bad}");
    }
}

#[test]
fn what_an_accepting_service_says() {
    let Outcome::Accepted(receipt) = answer(
        201,
        &[
            ("location", "https://push.example/m/1"),
            ("ttl", "2592000"),
            ("link", "</r/1>; rel=\"urn:ietf:params:push:receipt\""),
        ],
        "",
    ) else {
        panic!("201 accepts")
    };
    assert_eq!(receipt.status, 201);
    assert_eq!(receipt.message.as_deref(), Some("https://push.example/m/1"));
    assert_eq!(receipt.ttl, Some(Duration::from_secs(2_592_000)));
    assert_eq!(receipt.reference.as_deref(), Some("</r/1>; rel=\"urn:ietf:params:push:receipt\""));

    for (ttl, expected) in
        [("0", Some(0)), (" 7 ", Some(7)), ("-1", None), ("1.5", None), ("", None), ("x", None)]
    {
        let Outcome::Accepted(receipt) = answer(200, &[("ttl", ttl)], "ignored") else {
            panic!("200 accepts")
        };
        assert_eq!(receipt.ttl, expected.map(Duration::from_secs), "{ttl:?}");
    }
}

#[test]
fn header_values_that_are_not_text() {
    let mut headers = HeaderMap::new();
    for name in ["retry-after", "location", "ttl", "link", "x-wns-error-description", "x-wns-status"] {
        headers.insert(name, HeaderValue::from_bytes(b"\xff\xfe").unwrap());
    }
    let Outcome::Accepted(receipt) = classify(None, StatusCode::CREATED, &headers, b"", NOW) else {
        panic!("201 accepts")
    };
    assert_eq!((receipt.message, receipt.ttl, receipt.reference), (None, None, None));
    let refused = rejection(classify(None, StatusCode::SERVICE_UNAVAILABLE, &headers, b"", NOW));
    assert_eq!(refused.action, Action::Retry { not_before: NOW, source: RetrySource::Guess });
    assert_eq!((refused.reason, refused.detail), (None, None));
}

#[test]
fn a_huge_body_is_read_at_its_beginning_only() {
    for body in [
        vec![0xff; 64 * 1024],
        vec![b'x'; 64 * 1024],
        "é".repeat(32 * 1024).into_bytes(),
        vec![b'{'; 64 * 1024],
    ] {
        let refused = rejection(answer(400, &[], &body));
        assert!(refused.reason.as_ref().is_none_or(|text| text.len() <= Rejection::MAX_TEXT));
        assert!(refused.detail.as_ref().is_none_or(|text| text.len() <= Rejection::MAX_TEXT));
        assert_eq!(refused.action, Action::FixRequest { field: None });
    }
    // A text that is cut in the middle of a character is still a text.
    let cut = [b"a".as_slice(), "é".repeat(32 * 1024).as_bytes()].concat();
    assert!(rejection(answer(400, &[], cut)).reason.is_some_and(|text| text.starts_with("aé")));
}

proptest! {
    #[test]
    fn classify_is_total(
        status in 100_u16..1_000,
        retry_after in proptest::option::of("\\PC{0,30}|[0-9]{0,25}"),
        body in proptest::collection::vec(any::<u8>(), 0..200),
        now: u64,
    ) {
        let mut headers = HeaderMap::new();
        if let Some(Ok(value)) = retry_after.map(|text| HeaderValue::from_bytes(text.as_bytes())) {
            headers.insert("retry-after", value);
        }
        let now = UnixTime::from_millis(now);
        let status = StatusCode::from_u16(status).unwrap();
        let outcome = classify(&endpoint(), status, &headers, &body, now);
        prop_assert_eq!(outcome.action().is_none(), status.is_success());
        prop_assert!(outcome.action().and_then(Action::not_before).is_none_or(|at| at >= now));
    }
}
