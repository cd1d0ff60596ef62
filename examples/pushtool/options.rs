//! Arguments.

use reveille_crypto::CryptoProvider;
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

fn provider(name: &str) -> Result<CryptoProvider, String> {
    match name {
        "ring" => Ok(reveille_crypto_ring::PROVIDER),
        "rustcrypto" => Ok(reveille_crypto_rustcrypto::PROVIDER),
        other => Err(format!("unknown provider {other:?}, expected ring or rustcrypto")),
    }
}
