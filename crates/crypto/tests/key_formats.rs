//! Keys as OpenSSL and Node.js write them, what we write ourselves, and everything that is not a key.
//! `data/SOURCE.md` says how each file was made.
// The helpers of the tests are tests, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::string_slice)]

use std::fmt::Write as _;

use proptest::prelude::*;
use reveille_crypto::key::InvalidKey;
use reveille_crypto::{EcPrivateKey, RsaPrivateKey, base64url};

macro_rules! data {
    ($name:literal) => {
        include_str!(concat!("data/", $name))
    };
    (bytes $name:literal) => {
        include_bytes!(concat!("data/", $name)).as_slice()
    };
}

/// Scalar and point as `openssl pkey -text` prints them.
fn expected(text: &str) -> (Vec<u8>, Vec<u8>) {
    let section = |from: &str, to: &str| {
        let (_, rest) = text.split_once(from).unwrap();
        let digits: String = rest.split_once(to).unwrap().0.chars().filter(char::is_ascii_hexdigit).collect();
        (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect()
    };
    let (scalar, point): (Vec<u8>, Vec<u8>) = (section("priv:", "pub:"), section("pub:", "ASN1 OID"));
    assert_eq!((scalar.len(), point.len()), (32, 65));
    (scalar, point)
}

#[track_caller]
fn assert_is_the_key(key: Result<EcPrivateKey, InvalidKey>, with_public_key: bool) {
    let key = key.unwrap();
    let (scalar, point) = expected(data!("pkey.txt"));
    assert_eq!(key.expose_scalar()[..], scalar);
    let public_key = key.public_key().map(|key| key.as_bytes().to_vec());
    assert_eq!(public_key, with_public_key.then_some(point));
}

fn scalar() -> Vec<u8> {
    expected(data!("pkey.txt")).0
}

fn standard_base64(bytes: &[u8]) -> String {
    let text = base64url::encode(bytes).replace('-', "+").replace('_', "/");
    let padding = "=".repeat(text.len().next_multiple_of(4) - text.len());
    text + &padding
}

#[test]
fn what_openssl_writes() {
    for pem in [data!("sec1.pem"), data!("sec1_with_parameters.pem"), data!("pkcs8.pem")] {
        assert_is_the_key(EcPrivateKey::parse(pem), true);
        assert_is_the_key(EcPrivateKey::from_pem(pem), true);
    }
    for pem in [data!("sec1_no_public.pem"), data!("pkcs8_no_public.pem")] {
        assert_is_the_key(EcPrivateKey::parse(pem), false);
    }
    assert_is_the_key(EcPrivateKey::from_der(data!(bytes "sec1.der")), true);
    assert_is_the_key(EcPrivateKey::from_sec1_der(data!(bytes "sec1.der")), true);
    assert_is_the_key(EcPrivateKey::from_der(data!(bytes "pkcs8.der")), true);
    assert_is_the_key(EcPrivateKey::from_pkcs8_der(data!(bytes "pkcs8.der")), true);
}

#[test]
fn what_node_writes() {
    assert_is_the_key(EcPrivateKey::parse(data!("jwk.json")), true);
    assert_is_the_key(EcPrivateKey::from_jwk(data!("jwk.json")), true);
    let with_more = data!("jwk.json").replacen('{', r#" { "use":"sig","kid":"1","key_ops":["sign"],"#, 1);
    assert_is_the_key(EcPrivateKey::parse(&with_more), true);
    // RFC 7518 §6.2.2 wants the point, too; a store that kept the scalar alone has lost nothing.
    let scalar_only = jwk(|jwk| jwk.retain(|name, _| name != "x" && name != "y"));
    assert_is_the_key(scalar_only, false);
}

#[test]
fn raw_scalars_and_der_in_base64() {
    let scalar = scalar();
    let raw = base64url::encode(&scalar);
    for text in [raw.clone(), format!("{raw}="), standard_base64(&scalar), format!("\n  {raw}\r\n")] {
        assert_is_the_key(EcPrivateKey::parse(&text), false);
    }
    assert!(standard_base64(&scalar).contains(['+', '/']), "the key shows the difference of the alphabets");
    assert_is_the_key(EcPrivateKey::from_bytes(&scalar), false);
    for der in [data!(bytes "sec1.der"), data!(bytes "pkcs8.der")] {
        assert_is_the_key(EcPrivateKey::parse(&base64url::encode(der)), true);
        assert_is_the_key(EcPrivateKey::parse(&standard_base64(der)), true);
    }
    // A scalar that begins as DER does.
    let mut scalar = [0x30; 32];
    scalar[1] = 30;
    assert_eq!(EcPrivateKey::parse(&base64url::encode(&scalar)).unwrap().expose_scalar(), &scalar);
}

/// What secret stores, environment variables and e-mail do to a PEM.
#[test]
fn reflowed_pem() {
    for pem in [data!("sec1.pem"), data!("sec1_with_parameters.pem"), data!("pkcs8.pem")] {
        for mangled in [
            pem.replace('\n', "\r\n"),
            pem.replace('\n', "\r"),
            pem.replace('\n', ""),
            pem.replace('\n', " "),
            pem.replace('\n', r"\n"),
            pem.replace('\n', r"\r\n"),
            pem.replace('\n', "\n    "),
            pem.trim_end().to_owned(),
            format!("\u{feff}{pem}"),
            format!(
                "Bag Attributes\n    friendlyName: vapid\nKey Attributes: <No Attributes>\n{pem}\nthe end"
            ),
            format!("{}{pem}", data!("certificate.pem")),
            format!("{}{pem}", data!("public.pem")),
            format!("{pem}{}", data!("encrypted_pkcs8.pem")),
        ] {
            assert_is_the_key(EcPrivateKey::parse(&mangled), true);
        }
    }
}

/// Our PEM and DER are OpenSSL's byte for byte, our JWK is Node's but for the order of its members.
#[test]
fn what_we_write() {
    let key = EcPrivateKey::parse(data!("sec1.pem")).unwrap();
    assert_eq!(key.to_pkcs8_pem().unwrap().expose(), data!("pkcs8.pem"));
    assert_eq!(key.to_pkcs8_der().unwrap().expose(), data!(bytes "pkcs8.der"));
    assert_eq!(key.to_base64url().expose(), &base64url::encode(&scalar()));
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(json(key.to_jwk().unwrap().expose()), json(data!("jwk.json")));
    assert_eq!(expected(data!("pkey_of_ours.txt")), expected(data!("pkey.txt")), "OpenSSL reads our PEM");

    let without = EcPrivateKey::parse(data!("sec1_no_public.pem")).unwrap();
    assert!(
        without.to_pkcs8_pem().is_none() && without.to_pkcs8_der().is_none() && without.to_jwk().is_none()
    );
    let public_key = *key.public_key().unwrap();
    let with = without.with_public_key(public_key);
    assert_eq!(with.to_pkcs8_pem().unwrap().expose(), data!("pkcs8.pem"));
}

#[test]
fn what_we_write_we_read() {
    let key = EcPrivateKey::parse(data!("sec1.pem")).unwrap();
    assert_is_the_key(EcPrivateKey::parse(key.to_pkcs8_pem().unwrap().expose()), true);
    assert_is_the_key(EcPrivateKey::from_der(key.to_pkcs8_der().unwrap().expose()), true);
    assert_is_the_key(EcPrivateKey::parse(key.to_jwk().unwrap().expose()), true);
    assert_is_the_key(EcPrivateKey::parse(key.to_base64url().expose()), false);
}

#[test]
fn rsa() {
    let expected = data!(bytes "rsa_pkcs1.der");
    let crlf = data!("rsa_pkcs8.pem").replace('\n', "\r\n");
    // As in the JSON of a service account that was not unescaped.
    let escaped = data!("rsa_pkcs8.pem").replace('\n', r"\n");
    for pem in [data!("rsa_pkcs8.pem"), data!("rsa_pkcs1.pem"), crlf.as_str(), escaped.as_str()] {
        assert_eq!(RsaPrivateKey::from_pem(pem).unwrap().expose_pkcs1_der(), expected);
    }
    assert_eq!(
        RsaPrivateKey::from_pkcs8_der(data!(bytes "rsa_pkcs8.der")).unwrap().expose_pkcs1_der(),
        expected
    );
    assert_eq!(RsaPrivateKey::from_pkcs1_der(expected).expose_pkcs1_der(), expected);
}

#[test]
fn nothing_secret_is_printed() {
    insta::assert_snapshot!(format!("{:?}", EcPrivateKey::parse(data!("sec1_no_public.pem")).unwrap()), @"EcPrivateKey { public_key: None, .. }");
    insta::assert_snapshot!(format!("{:?}", RsaPrivateKey::from_pem(data!("rsa_pkcs8.pem")).unwrap()), @"RsaPrivateKey { .. }");
    let printed = format!("{:?}", EcPrivateKey::parse(data!("sec1.pem")).unwrap());
    assert!(
        printed.contains("P256PublicKey(") && !printed.contains(&base64url::encode(&scalar())),
        "{printed}"
    );
}

/// One line per case: what it is, and what the error says.
fn table<T: std::fmt::Debug>(cases: &[(&str, Result<T, InvalidKey>)]) -> String {
    cases.iter().fold(String::new(), |mut lines, (name, result)| {
        let error = result.as_ref().expect_err(name);
        writeln!(lines, "{name}: {error}").unwrap();
        lines
    })
}

fn jwk(
    change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>),
) -> Result<EcPrivateKey, InvalidKey> {
    let mut jwk = serde_json::from_str(data!("jwk.json")).unwrap();
    change(&mut jwk);
    EcPrivateKey::parse(&serde_json::to_string(&jwk).unwrap())
}

#[test]
fn malformed_pem() {
    let ec = |pem: &str| EcPrivateKey::parse(pem);
    let pem = data!("pkcs8.pem");
    let parameters_only =
        data!("sec1_with_parameters.pem").split_inclusive("END EC PARAMETERS-----\n").next().unwrap();
    insta::assert_snapshot!(table(&[
        ("P-384 SEC1", ec(data!("p384_sec1.pem"))),
        ("P-384 PKCS#8", ec(data!("p384_pkcs8.pem"))),
        ("secp256k1 SEC1", ec(data!("k256_sec1.pem"))),
        ("secp256k1 PKCS#8", ec(data!("k256_pkcs8.pem"))),
        ("Ed25519 PKCS#8", ec(data!("ed25519_pkcs8.pem"))),
        ("RSA PKCS#8", ec(data!("rsa_pkcs8.pem"))),
        ("RSA PKCS#1", ec(data!("rsa_pkcs1.pem"))),
        ("encrypted PKCS#8", ec(data!("encrypted_pkcs8.pem"))),
        ("encrypted SEC1", ec(data!("encrypted_sec1.pem"))),
        ("public key", ec(data!("public.pem"))),
        ("certificate", ec(data!("certificate.pem"))),
        ("EC PARAMETERS alone", ec(parameters_only)),
        ("certificate after EC PARAMETERS", ec(&format!("{parameters_only}{}", data!("certificate.pem")))),
        ("certificate, then public key", ec(&format!("{}{}", data!("certificate.pem"), data!("public.pem")))),
        ("explicit parameters, SEC1", ec(data!("sec1_explicit_parameters.pem"))),
        ("explicit parameters, PKCS#8", ec(data!("pkcs8_explicit_parameters.pem"))),
        ("compressed public key", ec(data!("sec1_compressed.pem"))),
        ("OpenSSH label", ec(&pem.replace("PRIVATE", "OPENSSH PRIVATE"))),
        ("unknown label", ec(&pem.replace("PRIVATE", "secret words"))),
        ("other label at the end", ec(&pem.replace("END PRIVATE", "END EC PRIVATE"))),
        ("SEC1 label, PKCS#8 inside", ec(&pem.replace("PRIVATE", "EC PRIVATE"))),
        ("PKCS#8 label, SEC1 inside", ec(&data!("sec1.pem").replace("EC PRIVATE", "PRIVATE"))),
        ("no END", ec(pem.split("-----END").next().unwrap())),
        ("END not closed", ec(pem.trim_end().trim_end_matches('-'))),
        ("BEGIN not closed", ec("-----BEGIN PRIVATE KEY")),
        ("BEGIN with another dash", ec(&pem.replace("-----BEGIN ", "-----BEGIN\u{2010}"))),
        ("empty body", ec("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----")),
        ("not base64", ec(&pem.replacen('M', "*", 1))),
        ("first line cut off", ec(&pem.replacen("MIGH", "", 1))),
        ("no PEM, from_pem", EcPrivateKey::from_pem("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")),
    ]), @r#"
    P-384 SEC1: key is not EC on the named curve P-256
    P-384 PKCS#8: key is not EC on the named curve P-256
    secp256k1 SEC1: key is not EC on the named curve P-256
    secp256k1 PKCS#8: key is not EC on the named curve P-256
    Ed25519 PKCS#8: key is not EC on the named curve P-256
    RSA PKCS#8: key is not EC on the named curve P-256
    RSA PKCS#1: PEM holds an RSA key, expected PRIVATE KEY or EC PRIVATE KEY
    encrypted PKCS#8: PEM holds an encrypted key (decrypt it first), expected PRIVATE KEY or EC PRIVATE KEY
    encrypted SEC1: malformed PEM: the key is encrypted; decrypt it first
    public key: PEM holds a public key, expected PRIVATE KEY or EC PRIVATE KEY
    certificate: PEM holds a certificate, expected PRIVATE KEY or EC PRIVATE KEY
    EC PARAMETERS alone: PEM holds only curve parameters, expected PRIVATE KEY or EC PRIVATE KEY
    certificate after EC PARAMETERS: PEM holds a certificate, expected PRIVATE KEY or EC PRIVATE KEY
    certificate, then public key: PEM holds a certificate, expected PRIVATE KEY or EC PRIVATE KEY
    explicit parameters, SEC1: key is not EC on the named curve P-256
    explicit parameters, PKCS#8: key is not EC on the named curve P-256
    compressed public key: public key beside the private key: P-256 public key must be 65 bytes, got 33
    OpenSSH label: PEM holds an OpenSSH key (convert it to PKCS#8), expected PRIVATE KEY or EC PRIVATE KEY
    unknown label: PEM holds something else, expected PRIVATE KEY or EC PRIVATE KEY
    other label at the end: malformed PEM: BEGIN and END differ
    SEC1 label, PKCS#8 inside: malformed DER: not a SEC1 structure
    PKCS#8 label, SEC1 inside: malformed DER: not a PKCS#8 structure
    no END: malformed PEM: no END line
    END not closed: malformed PEM: END line is not closed
    BEGIN not closed: malformed PEM: BEGIN line is not closed
    BEGIN with another dash: malformed PEM: no BEGIN line
    empty body: malformed DER: not a PKCS#8 structure
    not base64: malformed PEM: content is not base64
    first line cut off: malformed DER: not a PKCS#8 structure
    no PEM, from_pem: malformed PEM: no BEGIN line
    "#);
}

#[test]
fn malformed_der_and_raw() {
    let (sec1, pkcs8) = (data!(bytes "sec1.der"), data!(bytes "pkcs8.der"));
    let der = EcPrivateKey::from_der;
    let text = |bytes: &[u8]| EcPrivateKey::parse(&base64url::encode(bytes));
    let changed = |der: &[u8], at: usize| {
        let mut changed = der.to_vec();
        changed[at] ^= 1;
        changed
    };
    // The octet string of the scalar one byte shorter or longer, all lengths around it fitting.
    let scalar_of =
        |scalar: &[u8]| [&[0x30, scalar.len() as u8 + 5, 2, 1, 1, 4, scalar.len() as u8], scalar].concat();
    insta::assert_snapshot!(table(&[
        ("empty DER", der(&[])),
        ("empty sequence", der(&[0x30, 0])),
        ("SEC1 truncated", der(&sec1[..sec1.len() - 1])),
        ("PKCS#8 truncated", der(&pkcs8[..pkcs8.len() - 1])),
        ("SEC1 with a byte more", der(&[sec1, &[0]].concat())),
        ("PKCS#8 with a byte more", der(&[pkcs8, &[0]].concat())),
        ("PKCS#8 truncated, as PKCS#8", EcPrivateKey::from_pkcs8_der(&pkcs8[..pkcs8.len() - 1])),
        ("SEC1 as PKCS#8", EcPrivateKey::from_pkcs8_der(sec1)),
        ("PKCS#8 as SEC1", EcPrivateKey::from_sec1_der(pkcs8)),
        ("SEC1 version 2", der(&changed(sec1, 4))),
        ("length of 4 GiB", der(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, 1])),
        ("indefinite length", der(&[0x30, 0x80, 2, 1, 1, 0, 0])),
        ("public key off the curve", der(&changed(sec1, sec1.len() - 1))),
        ("scalar of 31 bytes, SEC1", der(&scalar_of(&[1; 31]))),
        ("scalar of 33 bytes, SEC1", der(&scalar_of(&[1; 33]))),
        ("scalar of 31 bytes", text(&[1; 31])),
        ("scalar of 33 bytes", text(&[1; 33])),
        ("DER of 41 bytes in base64", text(&[0x30; 41])),
        ("public key in base64", text(&expected(data!("pkey.txt")).1)),
        ("scalar in hexadecimal", EcPrivateKey::parse(&"0f".repeat(32))),
        ("empty", EcPrivateKey::parse("")),
        ("whitespace", EcPrivateKey::parse(" \r\n\t ")),
        ("a word", EcPrivateKey::parse("password!")),
        ("both alphabets", EcPrivateKey::parse(&format!("-/{}", "A".repeat(41)))),
        ("padding in the middle", EcPrivateKey::parse(&format!("AA=={}", "A".repeat(39)))),
        ("a megabyte of A", EcPrivateKey::parse(&"A".repeat(1 << 20))),
        ("a megabyte of zero bytes", der(&vec![0; 1 << 20])),
        ("10,000 PEM blocks", EcPrivateKey::parse(&data!("public.pem").repeat(10_000))),
    ]), @r#"
    empty DER: malformed DER: not a PKCS#8 or SEC1 structure
    empty sequence: malformed DER: not a PKCS#8 or SEC1 structure
    SEC1 truncated: malformed DER: not a PKCS#8 or SEC1 structure
    PKCS#8 truncated: malformed DER: not a PKCS#8 or SEC1 structure
    SEC1 with a byte more: malformed DER: not a PKCS#8 or SEC1 structure
    PKCS#8 with a byte more: malformed DER: not a PKCS#8 or SEC1 structure
    PKCS#8 truncated, as PKCS#8: malformed DER: not a PKCS#8 structure
    SEC1 as PKCS#8: malformed DER: not a PKCS#8 structure
    PKCS#8 as SEC1: malformed DER: not a SEC1 structure
    SEC1 version 2: malformed DER: not a PKCS#8 or SEC1 structure
    length of 4 GiB: malformed DER: not a PKCS#8 or SEC1 structure
    indefinite length: malformed DER: not a PKCS#8 or SEC1 structure
    public key off the curve: public key beside the private key: P-256 public key is not a point on the curve
    scalar of 31 bytes, SEC1: P-256 private key must be 32 bytes, got 31
    scalar of 33 bytes, SEC1: P-256 private key must be 32 bytes, got 33
    scalar of 31 bytes: P-256 private key must be 32 bytes, got 31
    scalar of 33 bytes: P-256 private key must be 32 bytes, got 33
    DER of 41 bytes in base64: malformed DER: not a PKCS#8 or SEC1 structure
    public key in base64: P-256 private key must be 32 bytes, got 65
    scalar in hexadecimal: P-256 private key must be 32 bytes, got 48
    empty: P-256 private key must be 32 bytes, got 0
    whitespace: P-256 private key must be 32 bytes, got 0
    a word: private key is not base64url: invalid character or length
    both alphabets: private key is not base64url: invalid character or length
    padding in the middle: private key is not base64url: invalid character or length
    a megabyte of A: P-256 private key must be 32 bytes, got 786432
    a megabyte of zero bytes: malformed DER: not a PKCS#8 or SEC1 structure
    10,000 PEM blocks: PEM holds a public key, expected PRIVATE KEY or EC PRIVATE KEY
    "#);
}

#[test]
fn malformed_jwk() {
    let parse = |json: &str| EcPrivateKey::from_jwk(json);
    let doubled = data!("jwk.json").replacen('{', r#"{"d":"AA","#, 1);
    let array = r#"["EC","P-256",null,null,"yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"]"#;
    insta::assert_snapshot!(table(&[
        ("RSA", parse(data!("rsa_jwk.json"))),
        ("P-384", parse(data!("p384_jwk.json"))),
        ("public key", parse(data!("public_jwk.json"))),
        ("kty OKP", jwk(|jwk| drop(jwk.insert("kty".into(), "OKP".into())))),
        ("kty in lower case", jwk(|jwk| drop(jwk.insert("kty".into(), "ec".into())))),
        ("crv secp256k1", jwk(|jwk| drop(jwk.insert("crv".into(), "secp256k1".into())))),
        ("no kty", jwk(|jwk| drop(jwk.remove("kty")))),
        ("no crv", jwk(|jwk| drop(jwk.remove("crv")))),
        ("no d", jwk(|jwk| drop(jwk.remove("d")))),
        ("x without y", jwk(|jwk| drop(jwk.remove("y")))),
        ("y without x", jwk(|jwk| drop(jwk.remove("x")))),
        ("off the curve", jwk(|jwk| drop(jwk.insert("y".into(), jwk["x"].clone())))),
        ("short x", jwk(|jwk| drop(jwk.insert("x".into(), base64url::encode(&[1; 31]).into())))),
        ("x not base64url", jwk(|jwk| drop(jwk.insert("x".into(), "***".into())))),
        ("d not base64url", jwk(|jwk| drop(jwk.insert("d".into(), "***".into())))),
        ("short d", jwk(|jwk| drop(jwk.insert("d".into(), base64url::encode(&[1; 31]).into())))),
        ("long d", jwk(|jwk| drop(jwk.insert("d".into(), base64url::encode(&[1; 33]).into())))),
        ("empty d", jwk(|jwk| drop(jwk.insert("d".into(), "".into())))),
        ("d a number", jwk(|jwk| drop(jwk.insert("d".into(), 7.into())))),
        ("doubled d", parse(&doubled)),
        ("array of members", parse(array)),
        ("empty object", parse("{}")),
        ("empty", parse("")),
        ("not closed", parse(data!("jwk.json").trim_end().trim_end_matches('}'))),
        ("text after it", parse(&format!("{}x", data!("jwk.json")))),
        ("a key set", parse(&format!(r#"{{"keys":[{}]}}"#, data!("jwk.json")))),
        ("deep nesting", parse(&format!(r#"{{"x5c":{}"#, "[".repeat(100_000)))),
    ]), @r#"
    RSA: key is not EC on the named curve P-256
    P-384: key is not EC on the named curve P-256
    public key: malformed JWK: no member d: this is a public key
    kty OKP: key is not EC on the named curve P-256
    kty in lower case: key is not EC on the named curve P-256
    crv secp256k1: key is not EC on the named curve P-256
    no kty: malformed JWK: not a JSON object of a key
    no crv: key is not EC on the named curve P-256
    no d: malformed JWK: no member d: this is a public key
    x without y: malformed JWK: x and y come together or not at all
    y without x: malformed JWK: x and y come together or not at all
    off the curve: public key beside the private key: P-256 public key is not a point on the curve
    short x: malformed JWK: x and y must be 32 bytes each
    x not base64url: malformed JWK: x or y is not base64url
    d not base64url: private key is not base64url: invalid character or length
    short d: P-256 private key must be 32 bytes, got 31
    long d: P-256 private key must be 32 bytes, got 33
    empty d: P-256 private key must be 32 bytes, got 0
    d a number: malformed JWK: not a JSON object of a key
    doubled d: malformed JWK: not a JSON object of a key
    array of members: malformed JWK: not a JSON object of a key
    empty object: malformed JWK: not a JSON object of a key
    empty: malformed JWK: not a JSON object of a key
    not closed: malformed JWK: not a JSON object of a key
    text after it: malformed JWK: not a JSON object of a key
    a key set: malformed JWK: not a JSON object of a key
    deep nesting: malformed JWK: not a JSON object of a key
    "#);
}

#[test]
fn malformed_rsa() {
    let (rsa, pkcs8) = (|pem: &str| RsaPrivateKey::from_pem(pem), data!(bytes "rsa_pkcs8.der"));
    insta::assert_snapshot!(table(&[
        ("EC SEC1", rsa(data!("sec1.pem"))),
        ("EC PKCS#8", rsa(data!("pkcs8.pem"))),
        ("Ed25519 PKCS#8", rsa(data!("ed25519_pkcs8.pem"))),
        ("encrypted PKCS#8", rsa(data!("encrypted_pkcs8.pem"))),
        ("public key", rsa(data!("rsa_public.pem"))),
        ("certificate", rsa(data!("certificate.pem"))),
        ("empty", rsa("")),
        ("PKCS#1 label, not base64", rsa(&data!("rsa_pkcs1.pem").replacen('M', "*", 1))),
        ("PKCS#8 truncated", RsaPrivateKey::from_pkcs8_der(&pkcs8[..pkcs8.len() - 1])),
        ("PKCS#8 with a byte more", RsaPrivateKey::from_pkcs8_der(&[pkcs8, &[0]].concat())),
        ("PKCS#1 as PKCS#8", RsaPrivateKey::from_pkcs8_der(data!(bytes "rsa_pkcs1.der"))),
    ]), @r#"
    EC SEC1: PEM holds an EC key, expected PRIVATE KEY or RSA PRIVATE KEY
    EC PKCS#8: key is not RSA
    Ed25519 PKCS#8: key is not RSA
    encrypted PKCS#8: PEM holds an encrypted key (decrypt it first), expected PRIVATE KEY or RSA PRIVATE KEY
    public key: PEM holds a public key, expected PRIVATE KEY or RSA PRIVATE KEY
    certificate: PEM holds a certificate, expected PRIVATE KEY or RSA PRIVATE KEY
    empty: malformed PEM: no BEGIN line
    PKCS#1 label, not base64: malformed PEM: content is not base64
    PKCS#8 truncated: malformed DER: not a PKCS#8 structure
    PKCS#8 with a byte more: malformed DER: not a PKCS#8 structure
    PKCS#1 as PKCS#8: malformed DER: not a PKCS#8 structure
    "#);
}

#[test]
fn every_truncation_is_refused() {
    for der in [data!(bytes "sec1.der"), data!(bytes "pkcs8.der")] {
        for length in 0..der.len() {
            assert!(EcPrivateKey::from_der(&der[..length]).is_err(), "{length} bytes");
        }
        assert!(EcPrivateKey::from_der(der).is_ok());
    }
}

/// No part of the input is in an error.
#[test]
fn errors_do_not_quote() {
    let secret = "c2VjcmV0IHdvcmRz";
    for text in [
        secret.to_owned(),
        format!("-----BEGIN {secret}-----\n{secret}\n-----END {secret}-----"),
        format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----"),
        format!(r#"{{"kty":"{secret}","{secret}":"{secret}"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","d":"{secret}*"}}"#),
    ] {
        let error = EcPrivateKey::parse(&text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
    }
}

proptest! {
    #[test]
    fn parsing_is_total(text in "\\PC{0,200}", bytes: Vec<u8>) {
        let _ = EcPrivateKey::parse(&text);
        let _ = EcPrivateKey::from_pem(&text);
        let _ = EcPrivateKey::from_jwk(&text);
        let _ = EcPrivateKey::from_der(&bytes);
        let _ = EcPrivateKey::from_pkcs8_der(&bytes);
        let _ = RsaPrivateKey::from_pem(&text);
        let _ = RsaPrivateKey::from_pkcs8_der(&bytes);
    }

    /// A changed byte gives an error or a key, never a panic; where a key comes out, it is not printed.
    #[test]
    fn changed_der(at in 0..138_usize, byte: u8) {
        let mut der = data!(bytes "pkcs8.der").to_vec();
        der[at] = byte;
        if let Ok(key) = EcPrivateKey::from_der(&der) {
            let printed = format!("{key:?}");
            prop_assert!(!printed.contains(&base64url::encode(key.expose_scalar())));
        }
    }

    #[test]
    fn any_scalar_travels(scalar: [u8; 32]) {
        let public_key = *EcPrivateKey::parse(data!("sec1.pem")).unwrap().public_key().unwrap();
        let key = EcPrivateKey::from_bytes(&scalar).unwrap().with_public_key(public_key);
        let texts = [key.to_pkcs8_pem().unwrap(), key.to_jwk().unwrap(), key.to_base64url()];
        for text in texts {
            let read = EcPrivateKey::parse(text.expose()).unwrap();
            prop_assert_eq!(read.expose_scalar(), &scalar);
        }
    }
}
