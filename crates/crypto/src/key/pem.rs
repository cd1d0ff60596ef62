//! PEM (RFC 7468), read leniently: any line length, line ends written as `\n`, any text around the blocks, because
//! keys travel through environment variables, JSON and secret stores that reflow them.

use reveille_core::Secret;

use super::InvalidKey;
use crate::base64url;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// The decoded content of the first block with one of `labels`, and which of them it was.
///
/// `EC PARAMETERS`, which `openssl ecparam -genkey` writes first, is passed over.
pub(super) fn decode(
    text: &str,
    labels: &[&'static str],
    expected: &'static str,
) -> Result<(&'static str, Secret<Vec<u8>>), InvalidKey> {
    let mut found = None;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (label, after) =
            after.split_once(DASHES).ok_or(InvalidKey::Pem { problem: "BEGIN line is not closed" })?;
        let (body, after) = after.split_once(END).ok_or(InvalidKey::Pem { problem: "no END line" })?;
        let (end_label, after) =
            after.split_once(DASHES).ok_or(InvalidKey::Pem { problem: "END line is not closed" })?;
        if end_label != label {
            return Err(InvalidKey::Pem { problem: "BEGIN and END differ" });
        }
        if let Some(known) = labels.iter().find(|known| **known == label) {
            return Ok((known, decode_body(body)?));
        }
        if found.is_none_or(|found| found == PARAMETERS_ONLY) {
            found = Some(describe(label));
        }
        rest = after;
    }
    match found {
        Some(found) => Err(InvalidKey::PemLabel { expected, found }),
        None => Err(InvalidKey::Pem { problem: "no BEGIN line" }),
    }
}

fn decode_body(body: &str) -> Result<Secret<Vec<u8>>, InvalidKey> {
    // Room for all of it: a string that grows leaves copies behind.
    let mut packed = String::with_capacity(body.len());
    for line in body.split("\\n").flat_map(|line| line.split("\\r")) {
        packed.extend(line.split_ascii_whitespace());
    }
    let packed = Secret::new(packed);
    if packed.expose().contains([':', ',']) {
        return Err(InvalidKey::Pem { problem: "the key is encrypted; decrypt it first" });
    }
    base64url::decode_lenient(packed.expose())
        .map(Secret::new)
        .map_err(|_| InvalidKey::Pem { problem: "content is not base64" })
}

const PARAMETERS_ONLY: &str = "only curve parameters";

/// A word for a label that was not looked for. The label itself is not repeated: it is input.
fn describe(label: &str) -> &'static str {
    match label {
        "EC PARAMETERS" => PARAMETERS_ONLY,
        "ENCRYPTED PRIVATE KEY" => "an encrypted key (decrypt it first)",
        "PUBLIC KEY" | "RSA PUBLIC KEY" => "a public key",
        "CERTIFICATE" => "a certificate",
        "RSA PRIVATE KEY" => "an RSA key",
        "EC PRIVATE KEY" => "an EC key",
        "OPENSSH PRIVATE KEY" => "an OpenSSH key (convert it to PKCS#8)",
        _ => "something else",
    }
}
