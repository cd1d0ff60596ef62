//! Arguments.

use reveille_crypto::{CryptoProvider, base64url};
use reveille_webpush::target::{AllowLoopback, EndpointPolicy, PublicHttps};

/// What holds for the whole run.
#[derive(Clone, Copy)]
pub struct Options {
    /// The backend that was chosen, ring if none.
    pub crypto: CryptoProvider,
    /// Which endpoints are acceptable.
    pub policy: &'static dyn EndpointPolicy,
}

/// Options may stand before or behind the command; the rest is the command's words.
pub fn parse(arguments: &[String]) -> Result<(Options, Vec<&str>), String> {
    let mut options = Options { crypto: reveille_crypto_ring::PROVIDER, policy: &PublicHttps };
    let mut words = Vec::new();
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        match argument {
            "--allow-loopback" => options.policy = &AllowLoopback,
            "--provider" => options.crypto = provider(rest.next().unwrap_or_default())?,
            other => match other.strip_prefix("--provider=") {
                Some(name) => options.crypto = provider(name)?,
                None if other.starts_with('-') => return Err(format!("unknown option {other:?}")),
                None => words.push(other),
            },
        }
    }
    Ok((options, words))
}

/// The command and what is its own, behind the options that hold for the whole run.
pub fn own<'w, 'a>(words: &'w [&'a str]) -> Result<&'w [&'a str], String> {
    match words {
        ["--allow-loopback", rest @ ..] => own(rest),
        ["--provider", name, rest @ ..] => provider(name).and_then(|_| own(rest)),
        [first, rest @ ..] => match first.strip_prefix("--provider=") {
            Some(name) => provider(name).and_then(|_| own(rest)),
            None => Ok(words),
        },
        [] => Ok(words),
    }
}

fn provider(name: &str) -> Result<CryptoProvider, String> {
    match name {
        "ring" => Ok(reveille_crypto_ring::PROVIDER),
        "rustcrypto" => Ok(reveille_crypto_rustcrypto::PROVIDER),
        other => Err(format!("unknown provider {other:?}, expected ring or rustcrypto")),
    }
}

/// 16 bytes, as base64url or as 32 hexadecimal digits, which as base64url would be 24 bytes.
pub fn seed(text: &str) -> Result<[u8; 16], String> {
    if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let number = u128::from_str_radix(text, 16).map_err(|error| format!("--seed: {error}"))?;
        return Ok(number.to_be_bytes());
    }
    let bytes = base64url::decode(text).map_err(|error| format!("--seed: {error}"))?;
    bytes.try_into().map_err(|_| "--seed must be 16 bytes".to_owned())
}
