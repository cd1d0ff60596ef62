//! The classic attacks on JWT (RFC 8725 §2, and CVEs named at each), one test each. Where an attacker could not sign,
//! the token is signed correctly anyway: the strict reading must refuse it all the same.

use crate::support::*;

use reveille_crypto_ring::PROVIDER;
use reveille_resume::jose::MAX_JOSE_LEN;
use reveille_resume::*;

#[test]
fn the_template_itself_is_accepted() {
    assert!(accepts(&jwt_keys(), &hs256(JWT_HEADER, CLAIMS)));
    assert!(accepts(&sealed_keys(), &jwe(JWE_HEADER, CLAIMS)));
}

/// CVE-2015-9235 and many more.
#[test]
fn algorithm_none() {
    for none in ["none", "None", "NONE", "nOnE"] {
        let header = b64(format!(r#"{{"alg":"{none}","typ":"resume+jwt","kid":"1"}}"#));
        for signature in ["", "AA", &b64([0; 32])] {
            let token = format!("{header}.{}.{signature}", b64(CLAIMS));
            assert_eq!(refused(&jwt_keys(), &token), Reason::WrongAlgorithm);
            assert_eq!(refused(&es256_keys(), &token), Reason::WrongAlgorithm);
        }
        let bare = format!("{}.{}.", b64(format!(r#"{{"alg":"{none}"}}"#)), b64(CLAIMS));
        assert_eq!(refused(&jwt_keys(), &bare), Reason::WrongAlgorithm);
    }
}

/// CVE-2016-10555: the public key, which everybody has, as the HMAC secret.
#[test]
fn hmac_with_an_ec_public_key() {
    let public = PROVIDER.es256.load(&ec_private()).unwrap();
    let public = public.public_key();
    let pem_like = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", b64(public));
    for secret in [public.as_bytes().as_slice(), pem_like.as_bytes(), public.to_string().as_bytes()] {
        let input = format!("{}.{}", b64(JWT_HEADER), b64(CLAIMS));
        let tag = PROVIDER.hmac_sha256.key(secret).sign(&[input.as_bytes()]);
        assert_eq!(refused(&es256_keys(), &format!("{input}.{}", b64(tag))), Reason::WrongAlgorithm);
        // The same with a header that names the right algorithm.
        let input = format!("{}.{}", b64(JWT_HEADER.replace("HS256", "ES256")), b64(CLAIMS));
        let tag = PROVIDER.hmac_sha256.key(secret).sign(&[input.as_bytes()]);
        assert_eq!(refused(&es256_keys(), &format!("{input}.{}", b64(tag))), Reason::Forged);
    }
}

#[test]
fn another_algorithm_of_the_same_family() {
    for alg in ["HS384", "HS512", "ES384", "RS256", "PS256", "EdDSA", "hs256", "HS256 ", ""] {
        let token = hs256(&JWT_HEADER.replace("HS256", alg), CLAIMS);
        assert_eq!(refused(&jwt_keys(), &token), Reason::WrongAlgorithm, "{alg}");
    }
}

/// CVE-2018-0114: a key of the attacker's own in the header.
#[test]
fn embedded_jwk() {
    let own = PROVIDER.es256.load(&ec_private()).unwrap();
    let other = reveille_crypto::EcPrivateKey::from_bytes(&[5; 32]).unwrap();
    let keys = KeyRing::new(KeyId(1), JwtKey::es256(PROVIDER, &other).unwrap());
    let point = own.public_key();
    let header = format!(
        r#"{{"alg":"ES256","typ":"resume+jwt","kid":"1","jwk":{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}}}"#,
        b64(point.x()),
        b64(point.y())
    );
    let input = format!("{}.{}", b64(header), b64(CLAIMS));
    let signature = own.sign(input.as_bytes()).unwrap();
    assert_eq!(refused(&keys, &format!("{input}.{}", b64(signature))), Reason::Malformed);
}

#[test]
fn keys_and_certificates_by_reference() {
    for member in [
        r#""jku":"https://evil.example/keys""#,
        r#""x5u":"https://evil.example/cert""#,
        r#""x5c":["MIIB"]"#,
        r#""x5t":"AA""#,
        r#""x5t#S256":"AA""#,
    ] {
        let header = JWT_HEADER.replace('}', &format!(",{member}}}"));
        assert_eq!(refused(&jwt_keys(), &hs256(&header, CLAIMS)), Reason::Malformed, "{member}");
    }
}

#[test]
fn critical_extensions_and_unencoded_payloads() {
    for member in [r#""crit":["exp"]"#, r#""crit":[]"#, r#""crit":null"#, r#""b64":false"#, r#""zip":"DEF""#]
    {
        let header = JWT_HEADER.replace('}', &format!(",{member}}}"));
        assert_eq!(refused(&jwt_keys(), &hs256(&header, CLAIMS)), Reason::Malformed, "{member}");
    }
}

/// Path and SQL tricks in `kid`.
#[test]
fn key_ids_that_are_not_plain_numbers() {
    for kid in [
        "../../dev/null",
        "1' OR '1'='1",
        "01",
        "+1",
        "1 ",
        "1.0",
        "-1",
        "65536",
        "",
        "１",
        "99999999999999999999",
    ] {
        let header = JWT_HEADER.replace(r#""kid":"1""#, &format!(r#""kid":"{kid}""#));
        assert_eq!(refused(&jwt_keys(), &hs256(&header, CLAIMS)), Reason::UnknownKey, "{kid}");
    }
    let number = JWT_HEADER.replace(r#""kid":"1""#, r#""kid":1"#);
    assert_eq!(refused(&jwt_keys(), &hs256(&number, CLAIMS)), Reason::Malformed);
}

#[test]
fn a_token_made_for_something_else() {
    for typ in ["JWT", "jwt", "at+jwt", "application/resume+jwt", "RESUME+JWT", "resume+jwt ", ""] {
        let header = JWT_HEADER.replace("resume+jwt", typ);
        assert_eq!(refused(&jwt_keys(), &hs256(&header, CLAIMS)), Reason::WrongType, "{typ}");
    }
    let without = JWT_HEADER.replace(r#""typ":"resume+jwt","#, "");
    assert_eq!(refused(&jwt_keys(), &hs256(&without, CLAIMS)), Reason::Malformed);
}

#[test]
fn duplicated_claims() {
    for (name, value) in
        [("exp", "9999999999"), ("iat", "1"), ("sub", r#""x""#), ("dev", r#""device-15""#), ("shd", "0")]
    {
        let doubled = CLAIMS.replace('}', &format!(r#","{name}":{value},"{name}":{value}}}"#));
        assert_eq!(refused(&jwt_keys(), &hs256(JWT_HEADER, &doubled)), Reason::Malformed, "{name}");
    }
    let header = JWT_HEADER.replace('}', r#","alg":"HS256"}"#);
    assert_eq!(refused(&jwt_keys(), &hs256(&header, CLAIMS)), Reason::Malformed);
    // The same name in another spelling.
    let escaped = CLAIMS.replace('}', r#","\u0065xp":9999999999}"#);
    assert_eq!(refused(&jwt_keys(), &hs256(JWT_HEADER, &escaped)), Reason::Malformed);
}

/// CVE-2026-25537: a string was read as "not present", and the check was skipped.
#[test]
fn times_that_are_not_integers() {
    for bad in [
        r#""1700000300""#,
        "1700000300.0",
        "1.7000003e9",
        "17E8",
        "-1",
        "-0",
        "null",
        "true",
        "[]",
        "{}",
        "[1700000300]",
        r#"{"$gt":0}"#,
        "NaN",
        "Infinity",
        "1e400",
        "01700000300",
        "0x6553F1EC",
        "1_700_000_300",
    ] {
        for (name, good) in [("exp", r#""exp":1700000300"#), ("iat", r#""iat":1700000000"#)] {
            let claims = CLAIMS.replace(good, &format!(r#""{name}":{bad}"#));
            assert_ne!(claims, CLAIMS);
            assert_eq!(refused(&jwt_keys(), &hs256(JWT_HEADER, &claims)), Reason::Malformed, "{name} {bad}");
        }
    }
}

#[test]
fn missing_claims() {
    for (name, member) in [
        ("jti", r#""jti":"a","#),
        ("iat", r#""iat":1700000000,"#),
        ("exp", r#""exp":1700000300,"#),
        ("sub", r#""sub":"contact-4711","#),
        ("cnv", r#""cnv":"conv-8","#),
        ("dev", r#""dev":"device-15","#),
        ("chn", r#","chn":"web""#),
    ] {
        let claims = CLAIMS.replace(member, "");
        assert_ne!(claims, CLAIMS, "{name}");
        assert_eq!(refused(&jwt_keys(), &hs256(JWT_HEADER, &claims)), Reason::Malformed, "{name}");
    }
}

#[test]
fn huge_numbers() {
    let with_exp = |exp: &str| hs256(JWT_HEADER, &CLAIMS.replace("1700000300", exp));
    // More than 64 bits.
    assert_eq!(refused(&jwt_keys(), &with_exp("18446744073709551616")), Reason::Malformed);
    assert_eq!(refused(&jwt_keys(), &with_exp(&"9".repeat(400))), Reason::Malformed);
    // Legal, but it buys nothing: the policy's 5 minutes end the token, and nothing overflows.
    let forever = with_exp("18446744073709551615");
    let check = |now| Verifier::default().check(&jwt_keys(), &forever, &MINE, now).map_err(why);
    assert!(check(NOW).is_ok());
    assert_eq!(check(reveille_core::UnixTime::from_secs(1_700_000_305)), Err(Reason::Expired));
    assert_eq!(check(reveille_core::UnixTime::MAX), Err(Reason::Expired));
    let future =
        CLAIMS.replace("1700000000", "18446744073709551614").replace("1700000300", "18446744073709551615");
    assert_eq!(refused(&jwt_keys(), &hs256(JWT_HEADER, &future)), Reason::NotYetValid);
}

#[test]
fn deep_nesting() {
    for depth in [2, 127, 128, 129, 700] {
        let nested = format!(r#"{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert_eq!(refused(&jwt_keys(), &hs256(JWT_HEADER, &nested)), Reason::Malformed);
        let token = format!("{}.{}.AA", b64(&nested), b64(CLAIMS));
        assert_eq!(refused(&jwt_keys(), &token), Reason::Malformed);
    }
    let bomb = format!("{}.{}.AA", b64("[".repeat(1_000_000)), b64(CLAIMS));
    assert_eq!(refused(&jwt_keys(), &bomb), Reason::Malformed);
}

#[test]
fn oversize_tokens_are_not_read() {
    let padded = |len: usize| {
        hs256(JWT_HEADER, &CLAIMS.replace("\"jti\":\"a\"", &format!("\"jti\":\"{}\"", "a".repeat(len))))
    };
    assert!(padded(1_200).len() <= MAX_JOSE_LEN && accepts(&jwt_keys(), &padded(1_200)));
    assert!(padded(1_400).len() > MAX_JOSE_LEN);
    assert_eq!(refused(&jwt_keys(), &padded(1_400)), Reason::Malformed);
}

#[test]
fn payloads_that_are_not_an_object() {
    for payload in [
        "",
        "null",
        "[]",
        r#""text""#,
        "1",
        "{",
        "{}",
        "{} {}",
        " {}",
        "\u{feff}{}",
        r#"["a",1700000000,1700000300,"contact-4711","conv-8","device-15","web",0]"#,
    ] {
        assert_eq!(refused(&jwt_keys(), &hs256(JWT_HEADER, payload)), Reason::Malformed, "{payload}");
    }
    let trailing = format!("{CLAIMS}{{}}");
    assert_eq!(refused(&jwt_keys(), &hs256(JWT_HEADER, &trailing)), Reason::Malformed);
    let header = r#"["HS256","resume+jwt","1"]"#;
    assert_eq!(refused(&jwt_keys(), &hs256(header, CLAIMS)), Reason::Malformed);
}

#[test]
fn signatures_of_the_wrong_length() {
    let token = hs256(JWT_HEADER, CLAIMS);
    let (input, tag) = token.rsplit_once('.').unwrap();
    let tag = reveille_crypto::base64url::decode(tag).unwrap();
    for len in 0..32 {
        // A correct tag cut short is not a correct tag.
        let token = format!("{input}.{}", b64(&tag[..len]));
        assert_eq!(refused(&jwt_keys(), &token), Reason::Forged, "{len}");
    }
    let longer = format!("{input}.{}", b64([tag.as_slice(), &[0]].concat()));
    assert_eq!(refused(&jwt_keys(), &longer), Reason::Forged);
}

/// CVE-2022-21449 ("psychic signatures").
#[test]
fn es256_signatures_of_zeros() {
    let input = format!("{}.{}", b64(JWT_HEADER.replace("HS256", "ES256")), b64(CLAIMS));
    for signature in [&[0; 64][..], &[0; 63], &[0; 72], &[0xff; 64], &[]] {
        assert_eq!(refused(&es256_keys(), &format!("{input}.{}", b64(signature))), Reason::Forged);
    }
    // DER instead of R ‖ S.
    let der = [&[0x30, 0x44, 0x02, 0x20][..], &[1; 32], &[0x02, 0x20], &[1; 32]].concat();
    assert_eq!(refused(&es256_keys(), &format!("{input}.{}", b64(der))), Reason::Forged);
}

#[test]
fn parts_too_many_or_too_few() {
    let token = hs256(JWT_HEADER, CLAIMS);
    for bad in [
        ".",
        "..",
        "...",
        "....",
        &token.replacen('.', "", 1),
        &format!("{token}."),
        &format!(".{token}"),
        &token.replace('.', ".."),
    ] {
        assert_eq!(refused(&jwt_keys(), bad), Reason::Malformed, "{bad}");
        assert_eq!(refused(&sealed_keys(), bad), Reason::Malformed, "{bad}");
    }
}

#[test]
fn a_jwt_inside_a_jwt() {
    let inner = hs256(JWT_HEADER, CLAIMS);
    assert_eq!(refused(&jwt_keys(), &hs256(JWT_HEADER, &inner)), Reason::Malformed);
}

/// Compression bombs, key wrapping with an attacker's iteration count, and other JWE features nobody asked for.
#[test]
fn jwe_features_nobody_asked_for() {
    for member in [
        r#""zip":"DEF""#,
        r#""p2c":2147483647"#,
        r#""epk":{}"#,
        r#""cty":"JWT""#,
        r#""crit":["x"]"#,
        r#""apu":"AA""#,
    ] {
        let header = JWE_HEADER.replace('}', &format!(",{member}}}"));
        assert_eq!(refused(&sealed_keys(), &jwe(&header, CLAIMS)), Reason::Malformed, "{member}");
    }
    for (from, to) in [
        ("dir", "A256KW"),
        ("dir", "none"),
        ("A256GCM", "A128GCM"),
        ("A256GCM", "A256CBC-HS512"),
        ("dir", "PBES2-HS256+A128KW"),
    ] {
        let header = JWE_HEADER.replace(from, to);
        assert_eq!(refused(&sealed_keys(), &jwe(&header, CLAIMS)), Reason::WrongAlgorithm, "{to}");
    }
    let token = jwe(JWE_HEADER, CLAIMS).replacen("..", ".AAAA.", 1);
    assert_eq!(refused(&sealed_keys(), &token), Reason::Malformed, "an encrypted key with dir");
}

#[test]
fn jwe_tags_and_nonces_of_the_wrong_length() {
    let token = jwe(JWE_HEADER, CLAIMS);
    let parts: Vec<_> = token.split('.').collect();
    for (at, bytes) in [(2, 11), (2, 13), (2, 0), (4, 15), (4, 12), (4, 17), (4, 0)] {
        let mut parts = parts.clone();
        let other = b64(vec![9; bytes]);
        parts[at] = &other;
        assert_eq!(refused(&sealed_keys(), &parts.join(".")), Reason::Malformed, "{at} {bytes}");
    }
}
