//! An OAuth assertion for a service account, signed now: `cargo run --example fcm_assertion -- SERVICE_ACCOUNT.json`
//!
//! It is as good as a password for an hour. Other implementations verify it in `.ci/interop/fcm`.

use std::error::Error;

use reveille_crypto_ring::PROVIDER;
use reveille_examples::clock;
use reveille_fcm::{Assertion, SCOPE_MESSAGING, ServiceAccount};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: fcm_assertion SERVICE_ACCOUNT.json")?;
    let account = ServiceAccount::from_json(&std::fs::read(path)?)?;
    let assertion = Assertion::new(account.issuer(), SCOPE_MESSAGING, clock::now());
    let signature = account.load_key(PROVIDER.rs256)?.sign(assertion.signing_input())?;
    let request = assertion.into_request(&signature);
    println!("{}", String::from_utf8_lossy(request.body()));
    Ok(())
}
