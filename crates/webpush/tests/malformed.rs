//! Bad input of every kind, and what is said about it: the field, what was expected, what was given; never the
//! input itself, which may be a secret or a capability.

use std::fmt::{Display, Write as _};

use reveille_core::UnixTime;
use reveille_crypto::jws::UnsignedJws;
use reveille_crypto::{CryptoProvider, EcPrivateKey, base64url};
use reveille_testkit::rfc8291;
use reveille_webpush::credential::VapidHeader;
use reveille_webpush::message::SizeLimit;
use reveille_webpush::target::PublicHttps;
use reveille_webpush::{
    Contact, Endpoint, InnerSecret, Message, Padding, StoredSubscription, Subscription, Topic, Ttl, Urgency,
    UserAgent, UserAgentKeys, VapidKey,
};
use serde_json::{Value, json};

const RUSTCRYPTO: CryptoProvider = reveille_crypto_rustcrypto::PROVIDER;
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ENDPOINT: &str = "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV";

/// One line per case: its name and the error's text. Fails for input that is accepted or repeated in the text.
fn table<T, E: Display>(cases: &[(&str, String)], read: impl Fn(&str) -> Result<T, E>) -> String {
    let mut lines = String::new();
    for (name, input) in cases {
        let Err(error) = read(input) else { panic!("{name}: accepted") };
        let text = error.to_string();
        assert_says_nothing_of(input, &text);
        writeln!(lines, "{name}: {text}").unwrap();
    }
    lines
}

/// No 10 characters of the input come back, but for the names of the browser's own members.
fn assert_says_nothing_of(input: &str, text: &str) {
    for window in input.as_bytes().windows(10).filter_map(|window| std::str::from_utf8(window).ok()) {
        let member = ["\"expirationTime\"", "\"vapidKeyId\"", "-----BEGIN PRIVATE KEY-----"]
            .iter()
            .any(|known| known.contains(window));
        assert!(member || !text.contains(window), "{window:?} of the input is repeated in: {text}");
    }
}

fn cases(list: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    list.iter().map(|(name, input)| (*name, (*input).to_owned())).collect()
}

/// The subscription of RFC 8291 with one member changed; `Null` at the top removes it.
fn with(pointer: &str, value: Value) -> String {
    let mut json: Value = serde_json::from_str(rfc8291::SUBSCRIPTION).unwrap();
    *json.pointer_mut(pointer).unwrap() = value;
    json.to_string()
}

fn without(pointer: &str, member: &str) -> String {
    let mut json: Value = serde_json::from_str(rfc8291::SUBSCRIPTION).unwrap();
    json.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(member).unwrap();
    json.to_string()
}

#[test]
fn subscriptions() {
    let point = base64url::decode(rfc8291::UA_PUBLIC).unwrap();
    let key = |bytes: &[u8]| with("/keys/p256dh", base64url::encode(bytes).into());
    let off_curve = [&point[..64], &[point[64] ^ 1]].concat();
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    let doubled = rfc8291::SUBSCRIPTION.replacen('{', r#"{"endpoint":"https://a.example/","#, 1);
    let in_an_array = format!(
        r#"["{ENDPOINT}",null,{{"p256dh":"{}","auth":"{}"}}]"#,
        rfc8291::UA_PUBLIC,
        rfc8291::AUTH_SECRET
    );
    let cases = [
        ("nothing", String::new()),
        ("not JSON", "endpoint=https://push.example.net/push/JzLQ3raZ".into()),
        ("cut off", rfc8291::SUBSCRIPTION[..150].into()),
        ("something behind it", format!("{} x", with("/expirationTime", Value::Null))),
        ("a member twice", doubled),
        ("null", "null".into()),
        ("text", r#""https://push.example.net/push/JzLQ3raZJfFBR0""#.into()),
        ("the members in an array", in_an_array),
        ("an empty object", "{}".into()),
        ("endpoint absent", without("", "endpoint")),
        ("endpoint null", with("/endpoint", Value::Null)),
        ("endpoint a number", with("/endpoint", json!(7))),
        ("endpoint an object", with("/endpoint", json!({"url": ENDPOINT}))),
        ("endpoint http", with("/endpoint", ENDPOINT.replace("https", "http").into())),
        ("keys absent", without("", "keys")),
        ("keys null", with("/keys", Value::Null)),
        ("keys an array", with("/keys", json!([rfc8291::UA_PUBLIC, rfc8291::AUTH_SECRET]))),
        ("keys text", with("/keys", rfc8291::UA_PUBLIC.into())),
        ("p256dh absent", without("/keys", "p256dh")),
        ("p256dh null", with("/keys/p256dh", Value::Null)),
        ("p256dh an array of bytes", with("/keys/p256dh", json!([4, 37, 113]))),
        ("p256dh empty", key(&[])),
        ("p256dh not base64url", with("/keys/p256dh", rfc8291::UA_PUBLIC.replace('B', "*").into())),
        ("p256dh of 64 bytes", key(&point[1..])),
        ("p256dh of 66 bytes", key(&[&point[..], &[0]].concat())),
        ("p256dh compressed", key(&compressed)),
        ("p256dh of zeros", key(&[0; 65])),
        ("p256dh off the curve", key(&off_curve)),
        ("p256dh the identity", key(&[0])),
        ("auth absent", without("/keys", "auth")),
        ("auth a number", with("/keys/auth", json!(12))),
        ("auth empty", with("/keys/auth", "".into())),
        ("auth not base64url", with("/keys/auth", "BTBZMqHH6r4Tts7J aSIgg".into())),
        ("auth of 15 bytes", with("/keys/auth", base64url::encode(&[1; 15]).into())),
        ("auth of 17 bytes", with("/keys/auth", base64url::encode(&[1; 17]).into())),
        ("auth and p256dh swapped", with("/keys/auth", rfc8291::UA_PUBLIC.into())),
        ("expirationTime text", with("/expirationTime", "2027-01-15".into())),
        ("expirationTime negative", with("/expirationTime", json!(-1))),
        ("expirationTime an object", with("/expirationTime", json!({}))),
        ("vapidKeyId too short", rfc8291::SUBSCRIPTION.replacen('{', r#"{"vapidKeyId":"abc","#, 1)),
        ("vapidKeyId a number", rfc8291::SUBSCRIPTION.replacen('{', r#"{"vapidKeyId":5,"#, 1)),
    ];
    insta::assert_snapshot!(table(&cases, |json| StoredSubscription::from_json(json)?.admitted_by(&PublicHttps)), @"
    nothing: JSON, line 1 column 0: EOF while parsing a value
    not JSON: JSON, line 1 column 1: expected value
    cut off: JSON, line 5 column 24: EOF while parsing a string
    something behind it: JSON, line 1 column 241: trailing characters
    a member twice: JSON, line 2 column 14: duplicate field `endpoint`
    null: JSON, line 1 column 4: expected a push subscription as a JSON object, found null
    text: JSON, line 1 column 46: expected a push subscription as a JSON object, found a string
    the members in an array: JSON, line 1 column 0: expected a push subscription as a JSON object, found an array
    an empty object: endpoint: missing
    endpoint absent: endpoint: missing
    endpoint null: endpoint: expected a string, found null
    endpoint a number: endpoint: expected a string, found a number
    endpoint an object: endpoint: expected a string, found an object
    endpoint http: endpoint: scheme must be https
    keys absent: keys: missing
    keys null: keys: expected an object, found null
    keys an array: keys: expected an object, found an array
    keys text: keys: expected an object, found a string
    p256dh absent: keys.p256dh: missing
    p256dh null: keys.p256dh: expected a string, found null
    p256dh an array of bytes: keys.p256dh: expected a string, found an array
    p256dh empty: keys.p256dh: P-256 public key must be 65 bytes, got 0
    p256dh not base64url: keys.p256dh: P-256 public key is not base64url: invalid character or length
    p256dh of 64 bytes: keys.p256dh: P-256 public key must be 65 bytes, got 64
    p256dh of 66 bytes: keys.p256dh: P-256 public key must be 65 bytes, got 66
    p256dh compressed: keys.p256dh: P-256 public key must be 65 bytes, got 33
    p256dh of zeros: keys.p256dh: P-256 public key must be an uncompressed point (first byte 0x04), got 0x00
    p256dh off the curve: keys.p256dh: P-256 public key is not a point on the curve
    p256dh the identity: keys.p256dh: P-256 public key must be 65 bytes, got 1
    auth absent: keys.auth: missing
    auth a number: keys.auth: expected a string, found a number
    auth empty: keys.auth: must be 16 bytes, got 0
    auth not base64url: keys.auth: not base64url: invalid character or length
    auth of 15 bytes: keys.auth: must be 16 bytes, got 15
    auth of 17 bytes: keys.auth: must be 16 bytes, got 17
    auth and p256dh swapped: keys.auth: must be 16 bytes, got 65
    expirationTime text: expirationTime: expected null or a number of milliseconds since 1970, found a string
    expirationTime negative: expirationTime: expected null or a number of milliseconds since 1970, found a negative number
    expirationTime an object: expirationTime: expected null or a number of milliseconds since 1970, found an object
    vapidKeyId too short: vapidKeyId: VAPID key id must be 11 characters of base64url (8 bytes)
    vapidKeyId a number: vapidKeyId: expected a string, found a number
    ");
    // The same through serde, where an application has it inside something of its own.
    for (name, input) in &cases {
        let stored = serde_json::from_str::<StoredSubscription>(input);
        assert_eq!(stored.is_err(), *name != "endpoint http", "{name}");
        // What comes from outside does not choose the key: there our own member is as unknown as any other.
        let unbound = name.starts_with("vapidKeyId").then_some(None);
        let outside = Subscription::from_json(input).map(|subscription| subscription.vapid_key());
        assert_eq!(outside.ok(), unbound, "{name}");
        let inside = serde_json::from_str(input).map(|subscription: Subscription| subscription.vapid_key());
        assert_eq!(inside.ok(), unbound, "{name}");
    }
}

#[test]
fn endpoints() {
    let cases = cases(&[
        ("nothing", ""),
        ("a path", "/wpush/v2/SECRETSECRET"),
        ("no scheme", "push.example.net/SECRETSECRET"),
        ("no host", "https:///SECRETSECRET"),
        ("another scheme", "ftp://push.example.net/SECRETSECRET"),
        ("javascript", "javascript:alert(1)//SECRETSECRET"),
        ("a space", "https://push.example.net/SECRET SECRET"),
        ("a line end", "https://push.example.net/SECRET\r\nSECRET"),
        ("outside ASCII", "https://push.example.net/SECRETSECRETé"),
        ("a fragment", "https://push.example.net/SECRETSECRET#x"),
        ("port 0", "https://push.example.net:0/SECRETSECRET"),
        ("port 65536", "https://push.example.net:65536/SECRETSECRET"),
        ("port without a number", "https://push.example.net:/SECRETSECRET"),
        ("host with a wildcard", "https://*.example.net/SECRETSECRET"),
        ("half an IPv6 address", "https://[2606:4700/SECRETSECRET"),
        ("http", "http://push.example.net/SECRETSECRET"),
        ("user and password", "https://user:password@push.example.net/SECRETSECRET"),
        ("loopback", "https://127.0.0.1/SECRETSECRET"),
        ("metadata service", "https://169.254.169.254/latest/meta-data/"),
        ("private network", "https://10.1.2.3/SECRETSECRET"),
        ("loopback in IPv6", "https://[::1]/SECRETSECRET"),
        ("loopback mapped into IPv6", "https://[::ffff:127.0.0.1]/SECRETSECRET"),
        ("localhost", "https://localhost/SECRETSECRET"),
        ("a number", "https://2130706433/SECRETSECRET"),
        ("hexadecimal", "https://0x7f.1/SECRETSECRET"),
        ("too long", &format!("https://push.example.net/{}", "S".repeat(2_048))),
    ]);
    insta::assert_snapshot!(table(&cases, |url| Endpoint::new(url, &PublicHttps)), @"
    nothing: not an absolute URL with a host
    a path: not an absolute URL with a host
    no scheme: not an absolute URL with a host
    no host: not an absolute URL with a host
    another scheme: scheme is neither https nor http
    javascript: not an absolute URL with a host
    a space: URL has a space, a control character or a character outside ASCII
    a line end: URL has a space, a control character or a character outside ASCII
    outside ASCII: URL has a space, a control character or a character outside ASCII
    a fragment: URL has a fragment
    port 0: port is not a number from 1 to 65535
    port 65536: port is not a number from 1 to 65535
    port without a number: port is not a number from 1 to 65535
    host with a wildcard: host is neither a name nor an IP address
    half an IPv6 address: not an absolute URL with a host
    http: scheme must be https
    user and password: URL carries credentials
    loopback: host is a private, loopback, link-local or otherwise special address
    metadata service: host is a private, loopback, link-local or otherwise special address
    private network: host is a private, loopback, link-local or otherwise special address
    loopback in IPv6: host is a private, loopback, link-local or otherwise special address
    loopback mapped into IPv6: host is a private, loopback, link-local or otherwise special address
    localhost: host is a private, loopback, link-local or otherwise special address
    a number: host ends in a number but is not an IPv4 address in dotted decimal
    hexadecimal: host ends in a number but is not an IPv4 address in dotted decimal
    too long: URL of 2073 bytes is longer than the limit of 2048
    ");
}

#[test]
fn contacts() {
    let cases = cases(&[
        ("nothing", ""),
        ("only an address", "operations@example.com"),
        ("http", "http://example.com/operations"),
        ("telephone", "tel:+431234567890"),
        ("a space behind mailto", "mailto: operations@example.com"),
        ("angle brackets", "mailto:<operations@example.com>"),
        ("mailto twice", "mailto:mailto:operations@example.com"),
        ("a line end", "mailto:operations@example.com\r\nX: y"),
        ("outside ASCII", "mailto:öperations@example.com"),
        ("no mailbox", "mailto:@example.com"),
        ("two addresses", "mailto:operations@example.com,a@example.com"),
        ("localhost", "mailto:operations@localhost"),
        ("reserved name", "https://service.invalid/operations"),
        ("an address", "https://192.0.2.1/operations"),
        ("an empty label", "mailto:operations@example..com"),
        ("a label that begins with a hyphen", "mailto:operations@-example.com"),
        ("a label that ends with a hyphen", "mailto:operations@example-.com"),
        ("a label with another character", "mailto:operations@exam!ple.com"),
        ("one label", "mailto:operations@example"),
        ("a number in the last place", "mailto:operations@example.1"),
        ("too long", &format!("mailto:{}@example.com", "o".repeat(300))),
    ]);
    insta::assert_snapshot!(table(&cases, str::parse::<Contact>), @"
    nothing: contact must begin with mailto: or https:
    only an address: contact must begin with mailto: or https:
    http: contact must begin with mailto: or https:
    telephone: contact must begin with mailto: or https:
    a space behind mailto: contact has a space, an angle bracket or another character that push services refuse
    angle brackets: contact has a space, an angle bracket or another character that push services refuse
    mailto twice: contact has its scheme twice
    a line end: contact has a space, an angle bracket or another character that push services refuse
    outside ASCII: contact has a space, an angle bracket or another character that push services refuse
    no mailbox: mailto: must be followed by one address with one @
    two addresses: mailto: must be followed by one address with one @
    localhost: contact's host must be a public name
    reserved name: contact's host must be a public name
    an address: contact's host must be a public name
    an empty label: contact's host must be a public name
    a label that begins with a hyphen: contact's host must be a public name
    a label that ends with a hyphen: contact's host must be a public name
    a label with another character: contact's host must be a public name
    one label: contact's host must be a public name
    a number in the last place: contact's host must be a public name
    too long: contact of 319 bytes is longer than the limit of 256
    ");
}

#[test]
fn messages() {
    let topic = cases(&[
        ("nothing", ""),
        ("33 characters", &"a".repeat(33)),
        ("a space", "conversation 7"),
        ("padding", "conversation7="),
        ("standard alphabet", "conversation/7"),
        ("outside ASCII", "unterhältnis7"),
        ("a line end", "conversation\r\nttl"),
    ]);
    insta::assert_snapshot!(table(&topic, Topic::new), @"
    nothing: topic must be 1 to 32 characters, got 0
    33 characters: topic must be 1 to 32 characters, got 33
    a space: topic may only contain A-Z, a-z, 0-9, '-' and '_'
    padding: topic may only contain A-Z, a-z, 0-9, '-' and '_'
    standard alphabet: topic may only contain A-Z, a-z, 0-9, '-' and '_'
    outside ASCII: topic may only contain A-Z, a-z, 0-9, '-' and '_'
    a line end: topic may only contain A-Z, a-z, 0-9, '-' and '_'
    ");

    let urgency =
        cases(&[("nothing", ""), ("capitals", "High"), ("another word", "urgent"), ("two", "low, high")]);
    insta::assert_snapshot!(table(&urgency, str::parse::<Urgency>), @"
    nothing: urgency must be very-low, low, normal or high
    capitals: urgency must be very-low, low, normal or high
    another word: urgency must be very-low, low, normal or high
    two: urgency must be very-low, low, normal or high
    ");

    let ttl = cases(&[("32 bits", "2147483648"), ("64 bits", "18446744073709551615")]);
    // A number is no secret, and it helps to see it.
    let texts: Vec<_> =
        ttl.iter().map(|(_, ttl)| Ttl::from_secs(ttl.parse().unwrap()).unwrap_err().to_string()).collect();
    insta::assert_snapshot!(texts.join("\n"), @"
    TTL of 2147483648 seconds is longer than the limit of 2147483647
    TTL of 18446744073709551615 seconds is longer than the limit of 2147483647
    ");

    let of = |payload: usize, padding| {
        Message::new_within(SizeLimit::Provider, vec![b'S'; payload], Ttl::ZERO)
            .and_then(|message| message.with_padding(padding))
    };
    insta::assert_snapshot!(of(3_994, Padding::None).unwrap_err(), @"message of 3994 bytes does not fit into 3993, at least 3994 are needed: payload 3994");
    insta::assert_snapshot!(of(100_000, Padding::None).unwrap_err(), @"message of 100000 bytes does not fit into 3993, at least 100000 are needed: payload 100000");
    insta::assert_snapshot!(of(3_993, Padding::Bytes(1)).unwrap_err(), @"payload of 3993 bytes with 1 bytes of padding is longer than the limit of 3993");
    insta::assert_snapshot!(of(10, Padding::ToLength(4_000)).unwrap_err(), @"payload of 10 bytes with 3990 bytes of padding is longer than the limit of 3993");
    let bare = Message::without_payload(Ttl::ZERO);
    insta::assert_snapshot!(bare.with_padding(Padding::Bytes(1)).unwrap_err(), @"a message without payload cannot be padded");
}

#[test]
fn vapid_keys() {
    let order = base64url::encode(&[
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ]);
    let cases = cases(&[
        ("nothing", ""),
        ("not base64url", "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oR!"),
        ("31 bytes", &base64url::encode(&[7; 31])),
        ("33 bytes", &base64url::encode(&[7; 33])),
        ("the public key", rfc8291::UA_PUBLIC),
        ("zero", &base64url::encode(&[0; 32])),
        ("the group's order", &order),
        ("DER of nothing known", &base64url::encode(&[0x30; 60])),
        ("PEM without an end", "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEH"),
        ("PEM of nothing", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----"),
        ("PEM of a certificate", "-----BEGIN CERTIFICATE-----\nMIGH\n-----END CERTIFICATE-----"),
        ("JWK cut off", r#"{"kty":"EC","crv":"P-256","d":"yfWPiYE-n46H"#),
        ("JWK of RSA", r#"{"kty":"RSA","n":"yfWPiYE-n46H","e":"AQAB"}"#),
        ("JWK of P-384", r#"{"kty":"EC","crv":"P-384","d":"yfWPiYE-n46H"}"#),
        ("JWK of a public key", r#"{"kty":"EC","crv":"P-256","x":"yfWPiYE-n46H","y":"yfWPiYE-n46H"}"#),
        ("JWK with half a point", r#"{"kty":"EC","crv":"P-256","x":"yfWPiYE-n46H","d":"yfWPiYE-n46H"}"#),
    ]);
    insta::assert_snapshot!(table(&cases, |key| VapidKey::from_text(key, RUSTCRYPTO)), @"
    nothing: P-256 private key must be 32 bytes, got 0
    not base64url: private key is not base64url: invalid character or length
    31 bytes: P-256 private key must be 32 bytes, got 31
    33 bytes: P-256 private key must be 32 bytes, got 33
    the public key: P-256 private key must be 32 bytes, got 65
    zero: the rustcrypto backend rejects this P-256 private key: out of range, too small, or inconsistent
    the group's order: the rustcrypto backend rejects this P-256 private key: out of range, too small, or inconsistent
    DER of nothing known: malformed DER: not a PKCS#8 or SEC1 structure
    PEM without an end: malformed PEM: no END line
    PEM of nothing: malformed DER: not a PKCS#8 structure
    PEM of a certificate: PEM holds a certificate, expected PRIVATE KEY or EC PRIVATE KEY
    JWK cut off: malformed JWK: not a JSON object of a key
    JWK of RSA: key is not EC on the named curve P-256
    JWK of P-384: key is not EC on the named curve P-256
    JWK of a public key: malformed JWK: no member d: this is a public key
    JWK with half a point: malformed JWK: x and y come together or not at all
    ");

    let other = EcPrivateKey::parse(rfc8291::AS_PRIVATE)
        .unwrap()
        .with_public_key(rfc8291::UA_PUBLIC.parse().unwrap());
    insta::assert_snapshot!(VapidKey::new(&other, RUSTCRYPTO).unwrap_err(), @"the public key does not belong to the private key");
    insta::assert_snapshot!(VapidKey::new(&other, reveille_crypto_ring::PROVIDER).unwrap_err(), @"the public key does not belong to the private key");
}

#[test]
fn vapid_headers() {
    let private = EcPrivateKey::parse(rfc8291::AS_PRIVATE).unwrap();
    let signer = RUSTCRYPTO.es256.load(&private).unwrap();
    let k = signer.public_key().to_string();
    let signed = |header: &str, claims: &str| {
        let jws = UnsignedJws::new(header.as_bytes(), claims.as_bytes());
        let signature = signer.sign(jws.signing_input()).unwrap();
        jws.finish(&signature)
    };
    let es256 = r#"{"typ":"JWT","alg":"ES256"}"#;
    let exp = NOW.as_secs() + 3_600;
    let claims =
        |aud: &str, exp: u64| format!(r#"{{"aud":"{aud}","exp":{exp},"sub":"mailto:ops@example.com"}}"#);
    let good = signed(es256, &claims("https://push.example.net", exp));
    let header = |t: &str| format!("vapid t={t}, k={k}");
    let accepted = |value: &str| VapidHeader::new(value)?.verify("https://push.example.net", RUSTCRYPTO, NOW);
    assert_eq!(accepted(&header(&good)).unwrap().exp, exp);

    let altered = {
        let (input, signature) = good.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { "B" } else { "A" };
        format!("{input}.{first}{}", &signature[1..])
    };
    let der =
        |token: &str| format!("{}.{}", token.rsplit_once('.').unwrap().0, base64url::encode(&[0x30; 70]));
    let cases = [
        ("nothing", String::new()),
        ("no parameters", "vapid".into()),
        ("another scheme", format!("Bearer {good}")),
        ("the draft's scheme", format!("WebPush {good}")),
        ("no t", format!("vapid k={k}")),
        ("no k", format!("vapid t={good}")),
        ("t twice", format!("vapid t={good}, t={good}, k={k}")),
        ("k twice", format!("vapid t={good}, k={k}, k={k}")),
        ("k not base64url", format!("vapid t={good}, k=*{}", &k[1..])),
        ("k too short", format!("vapid t={good}, k={}", &k[..40])),
        ("k off the curve", format!("vapid t={good}, k={}{}", &k[..84], "AAA")),
        ("k of another key", format!("vapid t={good}, k={}", rfc8291::UA_PUBLIC)),
        ("t empty", header("")),
        ("t of two parts", header(good.rsplit_once('.').unwrap().0)),
        ("t of four parts", header(&format!("{good}.AA"))),
        ("t with padding", header(&format!("{good}="))),
        ("t too long", header(&"e".repeat(5_000))),
        ("header not JSON", header(&signed("ES256", "{}"))),
        ("header without alg", header(&signed("{}", "{}"))),
        ("alg none", header(&signed(r#"{"alg":"none"}"#, &claims("https://push.example.net", exp)))),
        ("alg HS256", header(&signed(r#"{"alg":"HS256"}"#, &claims("https://push.example.net", exp)))),
        ("crit", header(&signed(r#"{"alg":"ES256","crit":["b64"],"b64":false}"#, "{}"))),
        ("signature altered", header(&altered)),
        ("signature in DER", header(&der(&good))),
        (
            "signature of zeros",
            header(&format!("{}.{}", good.rsplit_once('.').unwrap().0, base64url::encode(&[0; 64]))),
        ),
        ("claims not an object", header(&signed(es256, "[]"))),
        ("no aud", header(&signed(es256, r#"{"exp":1800003600}"#))),
        ("no exp", header(&signed(es256, r#"{"aud":"https://push.example.net"}"#))),
        ("exp text", header(&signed(es256, r#"{"aud":"https://push.example.net","exp":"1800003600"}"#))),
        ("exp negative", header(&signed(es256, r#"{"aud":"https://push.example.net","exp":-1}"#))),
        (
            "aud twice",
            header(&signed(es256, r#"{"aud":"a","aud":"https://push.example.net","exp":1800003600}"#)),
        ),
        ("aud of another service", header(&signed(es256, &claims("https://push.example.org", exp)))),
        ("aud with a path", header(&signed(es256, &claims("https://push.example.net/", exp)))),
        ("expired", header(&signed(es256, &claims("https://push.example.net", NOW.as_secs() - 60)))),
        ("two days", header(&signed(es256, &claims("https://push.example.net", NOW.as_secs() + 172_800)))),
    ];
    insta::assert_snapshot!(table(&cases, accepted), @"
    nothing: authorization scheme is not vapid
    no parameters: authorization scheme is not vapid
    another scheme: authorization scheme is not vapid
    the draft's scheme: authorization scheme is not vapid
    no t: parameter t is missing
    no k: parameter k is missing
    t twice: parameter t appears twice
    k twice: parameter k appears twice
    k not base64url: k: P-256 public key is not base64url: invalid character or length
    k too short: k: P-256 public key must be 65 bytes, got 30
    k off the curve: k: P-256 public key is not a point on the curve
    k of another key: t: signature is not valid
    t empty: t: token must have exactly three parts separated by dots
    t of two parts: t: token must have exactly three parts separated by dots
    t of four parts: t: token must have exactly three parts separated by dots
    t with padding: t: signature is not unpadded base64url
    t too long: t: token of 5000 bytes is longer than the limit of 4096
    header not JSON: t: header is not the expected JSON object
    header without alg: t: header is not the expected JSON object
    alg none: t: algorithm is not ES256
    alg HS256: t: algorithm is not ES256
    crit: t: header has critical extensions, none is supported
    signature altered: t: signature is not valid
    signature in DER: t: signature is not valid
    signature of zeros: t: signature is not valid
    claims not an object: t: payload is not the expected JSON object
    no aud: t: claim aud must be a text
    no exp: t: claim exp must be a whole number of seconds
    exp text: t: claim exp must be a whole number of seconds
    exp negative: t: claim exp must be a whole number of seconds
    aud twice: t: payload is not the expected JSON object
    aud of another service: t: audience is not this push service
    aud with a path: t: audience is not this push service
    expired: t: expired
    two days: t: expires more than 24 hours from now
    ");
}

#[test]
fn bodies() {
    let keys = UserAgentKeys::from_text(rfc8291::UA_PRIVATE, rfc8291::AUTH_SECRET).unwrap();
    let user_agent = UserAgent::new(&keys, RUSTCRYPTO).unwrap();
    let good = base64url::decode(rfc8291::BODY).unwrap();
    assert!(user_agent.open(&good).is_ok());
    let with = |at: usize, bytes: &[u8]| {
        let mut body = good.clone();
        body[at..at + bytes.len()].copy_from_slice(bytes);
        body
    };
    let bodies = [
        ("empty", Vec::new()),
        ("only a salt", good[..16].to_vec()),
        ("no keyid", good[..21].to_vec()),
        ("half a keyid", good[..50].to_vec()),
        ("header only", good[..86].to_vec()),
        ("a byte less than delimiter and tag", good[..102].to_vec()),
        ("without its last byte", good[..143].to_vec()),
        ("a byte more", [&good[..], &[0]].concat()),
        ("keyid of 0 bytes", with(20, &[0])),
        ("keyid of 64 bytes", with(20, &[64])),
        ("keyid compressed", with(21, &[2])),
        ("keyid off the curve", with(85, &[!good[85]])),
        ("record size 0", with(16, &[0; 4])),
        ("record size 17", with(16, &[0, 0, 0, 17])),
        ("record size of two records", with(16, &[0, 0, 0, 57])),
        ("another salt", with(0, &[0; 16])),
        ("ciphertext altered", with(86, &[!good[86]])),
        ("tag altered", with(143, &[!good[143]])),
    ];
    let mut lines = String::new();
    for (name, body) in bodies {
        writeln!(lines, "{name}: {}", user_agent.open(&body).unwrap_err()).unwrap();
    }
    insta::assert_snapshot!(lines, @"
    empty: body is malformed: shorter than header, delimiter and tag
    only a salt: body is malformed: shorter than header, delimiter and tag
    no keyid: body is malformed: shorter than header, delimiter and tag
    half a keyid: body is malformed: shorter than header, delimiter and tag
    header only: body is malformed: shorter than header, delimiter and tag
    a byte less than delimiter and tag: body is malformed: shorter than header, delimiter and tag
    without its last byte: body is not authentic
    a byte more: body is not authentic
    keyid of 0 bytes: body is malformed: keyid is not 65 bytes
    keyid of 64 bytes: body is malformed: keyid is not 65 bytes
    keyid compressed: body is malformed: keyid is not a point on P-256
    keyid off the curve: body is malformed: keyid is not a point on P-256
    record size 0: body is malformed: record size is below 18
    record size 17: body is malformed: record size is below 18
    record size of two records: body is malformed: more than one record
    another salt: body is not authentic
    ciphertext altered: body is not authentic
    tag altered: body is not authentic
    ");
}

#[test]
fn user_agent_keys_and_inner_secrets() {
    let err = |private: &str, auth: &str| UserAgentKeys::from_text(private, auth).unwrap_err().to_string();
    insta::assert_snapshot!(err("", rfc8291::AUTH_SECRET), @"private key: P-256 private key must be 32 bytes, got 0");
    insta::assert_snapshot!(err("q1dXpw3UpT5VOmu!", rfc8291::AUTH_SECRET), @"private key: private key is not base64url: invalid character or length");
    insta::assert_snapshot!(err(rfc8291::UA_PRIVATE, ""), @"auth: must be 16 bytes, got 0");
    insta::assert_snapshot!(err(rfc8291::UA_PRIVATE, "BTBZMqHH6r4Tts7J_aSI"), @"auth: must be 16 bytes, got 15");
    insta::assert_snapshot!(err(rfc8291::UA_PRIVATE, "BTBZ MqHH"), @"auth: not base64url: invalid character or length");
    let zero = UserAgentKeys::from_text(&base64url::encode(&[0; 32]), rfc8291::AUTH_SECRET).unwrap();
    insta::assert_snapshot!(UserAgent::new(&zero, RUSTCRYPTO).unwrap_err(), @"the rustcrypto backend rejects this P-256 private key: out of range, too small, or inconsistent");
    let right = UserAgentKeys::from_text(rfc8291::UA_PRIVATE, rfc8291::AUTH_SECRET).unwrap();
    insta::assert_snapshot!(UserAgent::new(&right, reveille_crypto_ring::PROVIDER).unwrap_err(), @"the ring backend does not support loading a P-256 agreement key");
    let mismatch = right.with_public_key(
        EcPrivateKey::parse(rfc8291::AS_PRIVATE)
            .map(|key| *VapidKey::new(&key, RUSTCRYPTO).unwrap().public_key())
            .unwrap(),
    );
    insta::assert_snapshot!(UserAgent::new(&mismatch, RUSTCRYPTO).unwrap_err(), @"the public key does not belong to the private key");
    insta::assert_snapshot!("AAAA".parse::<InnerSecret>().unwrap_err(), @"inner secret must be 32 bytes in base64url");
    insta::assert_snapshot!("not base64 at all".parse::<InnerSecret>().unwrap_err(), @"inner secret must be 32 bytes in base64url");
}
