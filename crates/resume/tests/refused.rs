//! The table of refused tokens: `vectors/refused.tsv`, for other implementations too. The tokens are built here, so that
//! it can be seen what is wrong with each, and must be the same as in the file.

use crate::support::*;

use reveille_core::UnixTime;
use reveille_resume::keys::KeyState;
use reveille_resume::verdict::Authentic;
use reveille_resume::*;
use std::fmt::Write as _;

struct Row {
    format: &'static str,
    fault: String,
    token: String,
    now: UnixTime,
    /// Reason and fraud flag.
    expected: (&'static str, bool),
}

const HEADER: &str = "# format, what is wrong, reason, fraud, now in ms, token. Keys: 1 = 32 bytes 0x07; for compact also 2 = 32 bytes 0x08,\n\
# revoked from 1700000000000 on. Expected: contact-4711, conv-8, device-15, web. 5 minutes, leeway 5 s.\n";

#[test]
fn all_rows_have_their_reason_and_flag() {
    let mut compact = compact_keys();
    let second = CompactKey::new(reveille_crypto_ring::PROVIDER, &secret(8)).unwrap();
    compact.insert(KeyId(2), second, KeyState::Revoked { from: UnixTime::from_secs(1_700_000_000) }).unwrap();
    let (jwt, sealed, es256) = (jwt_keys(), sealed_keys(), es256_keys());
    let mut table = HEADER.to_owned();
    let rows: Vec<Row> = compact_rows(&compact).into_iter().chain(jwt_rows()).chain(sealed_rows()).collect();
    for row in &rows {
        let check = |verdict: Result<Authentic, Verdict>| {
            let reason = why(verdict.expect_err(&row.fault));
            assert_eq!((reason.name(), reason.is_fraud()), row.expected, "{}: {}", row.format, row.fault);
        };
        let verifier = Verifier::default();
        match row.format {
            "compact" => check(verifier.check(&compact, &row.token, &MINE, row.now)),
            "jwt" => check(verifier.check(&jwt, &row.token, &MINE, row.now)),
            "es256" => check(verifier.check(&es256, &row.token, &MINE, row.now)),
            _ => check(verifier.check(&sealed, &row.token, &MINE, row.now)),
        }
        let (reason, fraud) = row.expected;
        writeln!(table, "{}\t{}\t{reason}\t{fraud}\t{}\t{}", row.format, row.fault, row.now, row.token)
            .unwrap();
    }
    assert!(rows.len() >= 60, "{}", rows.len());
    assert!(table == include_str!("vectors/refused.tsv"), "the file should be:\n{table}");
}

/// The bytes of a good compact token.
fn good(keys: &KeyRing<CompactKey>) -> Vec<u8> {
    let token = fixed_issuer().issue(keys, &MINE, NOW).unwrap();
    reveille_crypto::base64url::decode(&token).unwrap()
}

/// A body of our choice under a correct MAC, as only somebody with the secret could make it.
fn signed(fill: u8, body: &[u8]) -> String {
    let crypto = reveille_crypto_ring::PROVIDER;
    let mut mac = [0; 32];
    let out = reveille_crypto::Expand { info: &[b"rt1 mac"], out: &mut mac };
    crypto.hkdf_sha256.derive(b"reveille/resume", &[fill; 32], &mut [out]).unwrap();
    let tag = crypto.hmac_sha256.key(&mac).sign(&[body]);
    b64([body, &tag[..16]].concat())
}

fn compact_rows(keys: &KeyRing<CompactKey>) -> Vec<Row> {
    let bytes = good(keys);
    let text = b64(&bytes);
    let mut rows = Vec::new();
    let mut row = |fault: &str, token: String, expected| {
        rows.push(Row { format: "compact", fault: fault.to_owned(), token, now: NOW, expected });
    };
    let malformed = ("malformed", false);
    row("nothing", String::new(), ("absent", false));
    row("one character", "A".into(), malformed);
    row("one character short", text[..91].into(), malformed);
    row("one character more", format!("{text}A"), malformed);
    row("one byte short", b64(&bytes[..68]), malformed);
    row("one byte more", b64([&bytes[..], &[0]].concat()), malformed);
    row("twice", format!("{text}{text}"), malformed);
    row("padding behind", format!("{text}===="), malformed);
    row("padding inside", format!("{}====", &text[..88]), malformed);
    row("space before", format!(" {}", &text[..91]), malformed);
    row("space behind", format!("{} ", &text[..91]), malformed);
    row("standard alphabet, plus", format!("{}+", &text[..91]), malformed);
    row("standard alphabet, slash", format!("{}/", &text[..91]), malformed);
    row("a dot", format!("{}.{}", &text[..51], &text[52..]), malformed);
    row("not ASCII", format!("{}é", &text[..90]), malformed);
    row("hexadecimal", bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")), malformed);
    row("percent-encoded", text.replace('_', "%5F").replace('-', "%2D").replacen('A', "%41", 1), malformed);
    row("quoted", format!("\"{text}\""), malformed);
    row("a JWT", hs256(JWT_HEADER, CLAIMS), malformed);
    row("lower case", text.to_lowercase(), ("unknown_version", false));
    row("all zeros", b64([0; 69]), ("unknown_version", false));
    row("all ones", b64([0xff; 69]), ("unknown_version", false));
    let changed = |at: usize, to: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = to;
        b64(bytes)
    };
    row("version 0", changed(0, 0), ("unknown_version", false));
    row("version 2", changed(0, 2), ("unknown_version", false));
    row("version 2, MAC correct", signed(7, &[&[2], &bytes[1..53]].concat()), ("unknown_version", false));
    row("key 3", changed(2, 3), ("unknown_key", false));
    row("key 257", changed(1, 1), ("unknown_key", false));
    row("key 2 instead of 1", changed(2, 2), ("forged", false));
    row("another shard", changed(3, 1), ("forged", false));
    row("another token id", changed(4, 0), ("forged", false));
    row("issued later", changed(25, bytes[25] + 1), ("forged", false));
    row("longer life", changed(26, 1), ("forged", false));
    row("another contact hash", changed(29, !bytes[29]), ("forged", false));
    row("another channel hash", changed(52, !bytes[52]), ("forged", false));
    row("first byte of the tag", changed(53, !bytes[53]), ("forged", false));
    row("last byte of the tag", changed(68, !bytes[68]), ("forged", false));
    row("tag of zeros", b64([&bytes[..53], &[0; 16]].concat()), ("forged", false));
    row("two tokens mixed", b64([&bytes[..40], &[1; 13], &bytes[53..]].concat()), ("forged", false));
    row("made with another secret", signed(9, &bytes[..53]), ("forged", false));
    let body = |at: usize, to: &[u8]| {
        let mut body = bytes[..53].to_vec();
        body[at..at + to.len()].copy_from_slice(to);
        body
    };
    let issued = |ms: u64| signed(7, &body(20, &ms.to_be_bytes()[2..]));
    row("issued 5001 ms ahead", issued(NOW.as_millis() + 5_001), ("not_yet_valid", false));
    row("issued at the end of time", issued((1 << 48) - 1), ("not_yet_valid", false));
    row("issued in 1970", issued(0), ("expired", false));
    row("issued 305 s ago", issued(NOW.as_millis() - 305_000), ("expired", false));
    let forever = [(NOW.as_millis() - 305_000).to_be_bytes()[2..].to_vec(), vec![0xff; 3]].concat();
    row("issued 305 s ago, to live 4 h 39 min", signed(7, &body(20, &forever)), ("expired", false));
    let ago = [(NOW.as_millis() - 5_000).to_be_bytes()[2..].to_vec(), vec![0; 3]].concat();
    row("life time 0, leeway over", signed(7, &body(20, &ago)), ("expired", false));
    for (binding, at) in Binding::ALL.into_iter().zip([29, 35, 41, 47]) {
        let name = format!("wrong_{}", binding.name()).leak();
        row(&format!("another {}", binding.name()), signed(7, &body(at, &[0; 6])), (name, true));
    }
    let old_elsewhere =
        [(NOW.as_millis() - 305_000).to_be_bytes()[2..].to_vec(), bytes[26..41].to_vec(), vec![0; 6]]
            .concat();
    row("issued 305 s ago for another device", signed(7, &body(20, &old_elsewhere)), ("wrong_device", true));
    row(
        "contact and device exchanged",
        signed(7, &body(29, &[&bytes[41..47], &bytes[35..41], &bytes[29..35]].concat())),
        ("wrong_contact", true),
    );
    let with = |bindings: &Bindings<'_>| fixed_issuer().issue(keys, bindings, NOW).unwrap();
    row("issued for another device", with(&Bindings { device: "device-16", ..MINE }), ("wrong_device", true));
    row("issued for another channel", with(&Bindings { channel: "apns", ..MINE }), ("wrong_channel", true));
    row(
        "contact in upper case",
        with(&Bindings { contact: "CONTACT-4711", ..MINE }),
        ("wrong_contact", true),
    );
    let mut second = KeyRing::empty();
    let key = CompactKey::new(reveille_crypto_ring::PROVIDER, &secret(8)).unwrap();
    second.insert(KeyId(2), key, KeyState::Active).unwrap();
    let stolen = fixed_issuer().issue(&second, &MINE, NOW).unwrap();
    row("made with a key after its revocation", stolen, ("key_revoked", true));
    let old_key = fixed_issuer().issue(&second, &MINE, NOW - ms(305_000)).unwrap();
    row("made with a key before its revocation, and expired", old_key, ("expired", false));
    let same_time = fixed_issuer().issue(&second, &MINE, NOW - ms(5_123)).unwrap();
    row("made with a key 5 s before its revocation", same_time, ("key_revoked", true));
    let ahead =
        [[1, 0, 2, 0].as_slice(), &[1; 16], &(NOW.as_millis() + 600_000).to_be_bytes()[2..], &bytes[26..53]]
            .concat();
    row("issued in 10 minutes for somebody else", signed(8, &ahead), ("wrong_contact", true));
    rows
}

fn jwt_rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = |fault: &str, token: String, expected| {
        rows.push(Row { format: "jwt", fault: fault.to_owned(), token, now: NOW, expected });
    };
    let malformed = ("malformed", false);
    let claims = |from: &str, to: &str| {
        assert!(CLAIMS.contains(from));
        hs256(JWT_HEADER, &CLAIMS.replace(from, to))
    };
    let header = |from: &str, to: &str| {
        assert!(JWT_HEADER.contains(from));
        hs256(&JWT_HEADER.replace(from, to), CLAIMS)
    };
    row(
        "alg none, no signature",
        format!("{}.{}.", b64(JWT_HEADER.replace("HS256", "none")), b64(CLAIMS)),
        ("wrong_algorithm", false),
    );
    row("alg HS512", header("HS256", "HS512"), ("wrong_algorithm", false));
    row("alg missing", header(r#""alg":"HS256","#, ""), malformed);
    row("typ JWT", header("resume+jwt", "JWT"), ("wrong_type", false));
    row("kid unknown", header(r#""1""#, r#""2""#), ("unknown_key", false));
    row("kid a path", header(r#""1""#, r#""../1""#), ("unknown_key", false));
    row("kid with a zero before", header(r#""1""#, r#""01""#), ("unknown_key", false));
    row("kid a number", header(r#""1""#, "1"), malformed);
    row("jwk in the header", header("}", r#","jwk":{}}"#), malformed);
    row("crit in the header", header("}", r#","crit":["exp"]}"#), malformed);
    row("alg twice", header("}", r#","alg":"HS256"}"#), malformed);
    row("exp a string", claims("1700000300", r#""1700000300""#), malformed);
    row("exp a fraction", claims("1700000300", "1700000300.5"), malformed);
    row("exp with an exponent", claims("1700000300", "1.7e9"), malformed);
    row("exp negative", claims("1700000300", "-1"), malformed);
    row("exp null", claims("1700000300", "null"), malformed);
    row("exp of more than 64 bits", claims("1700000300", "99999999999999999999"), malformed);
    row("exp missing", claims(r#""exp":1700000300,"#, ""), malformed);
    row("exp twice", claims("}", r#","exp":1800000000}"#), malformed);
    row("exp before iat", claims("1700000300", "1699999999"), malformed);
    row("an unknown claim", claims("}", r#","admin":true}"#), malformed);
    row("nested claims", claims(r#""a""#, "[[[[[[[[]]]]]]]]"), malformed);
    row("jti empty", claims(r#""a""#, r#""""#), malformed);
    row("shard 256", claims("}", r#","shd":256}"#), malformed);
    row("claims not UTF-8", hs256(JWT_HEADER, "").replacen("..", ".gIA.", 1), ("forged", false));
    row("two parts", format!("{}.{}", b64(JWT_HEADER), b64(CLAIMS)), malformed);
    row("four parts", format!("{}.AA", hs256(JWT_HEADER, CLAIMS)), malformed);
    row("padding", format!("{}=", hs256(JWT_HEADER, CLAIMS)), malformed);
    row(
        "another signature",
        format!("{}.{}.{}", b64(JWT_HEADER), b64(CLAIMS), b64([0; 32])),
        ("forged", false),
    );
    row(
        "expired",
        claims(r#""iat":1700000000,"exp":1700000300"#, r#""iat":1699999000,"exp":1699999300"#),
        ("expired", false),
    );
    row("not yet valid", claims(r#""iat":1700000000"#, r#""iat":1700000006"#), ("not_yet_valid", false));
    row("another device", claims("device-15", "device-16"), ("wrong_device", true));
    row("another conversation", claims("conv-8", "conv-9"), ("wrong_conversation", true));
    rows.push(Row {
        format: "es256",
        fault: "HS256 for an ES256 key".into(),
        token: hs256(JWT_HEADER, CLAIMS),
        now: NOW,
        expected: ("wrong_algorithm", false),
    });
    rows
}

fn sealed_rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = |fault: &str, token: String, expected| {
        rows.push(Row { format: "sealed", fault: fault.to_owned(), token, now: NOW, expected });
    };
    let malformed = ("malformed", false);
    let good = jwe(JWE_HEADER, CLAIMS);
    let header = |from: &str, to: &str| jwe(&JWE_HEADER.replace(from, to), CLAIMS);
    row("an encrypted key", good.replacen("..", ".AA.", 1), malformed);
    row("zip", header("}", r#","zip":"DEF"}"#), malformed);
    row("A128GCM", header("A256GCM", "A128GCM"), ("wrong_algorithm", false));
    row("A256KW", header("dir", "A256KW"), ("wrong_algorithm", false));
    row("typ JWT", header("resume+jwt", "JWT"), ("wrong_type", false));
    row("kid unknown", header(r#""1""#, r#""2""#), ("unknown_key", false));
    row("four parts", good.replacen("..", ".", 1), malformed);
    row("tag cut short", good[..good.len() - 4].into(), malformed);
    row(
        "another header",
        good.replacen(&b64(JWE_HEADER), &b64(JWE_HEADER.replace(',', ", ")), 1),
        ("forged", false),
    );
    row("a signed JWT", hs256(JWT_HEADER, CLAIMS), malformed);
    row("claims inside not an object", jwe(JWE_HEADER, "[]"), malformed);
    row("another contact", jwe(JWE_HEADER, &CLAIMS.replace("4711", "4712")), ("wrong_contact", true));
    rows
}
