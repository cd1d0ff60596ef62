//! `vapid …`

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::line::{Failure, failure, print_one};
use crate::options::Options;

/// A key pair in every format.
pub fn generate(options: Options) -> ExitCode {
    print_one(key_pair(options))
}

fn key_pair(options: Options) -> Result<Value, Failure> {
    let key = options.crypto.p256.generate().map_err(failure("crypto"))?;
    let (Some(public), Some(pem), Some(jwk)) = (key.public_key(), key.to_pkcs8_pem(), key.to_jwk()) else {
        return Err(Failure::new("crypto", "the backend gave no public key"));
    };
    let jwk: Value = serde_json::from_str(jwk.expose()).map_err(failure("crypto"))?;
    Ok(json!({
        "private_key": key.to_base64url().expose(),
        "public_key": public,
        "pkcs8_pem": pem.expose(),
        "jwk": jwk,
    }))
}
