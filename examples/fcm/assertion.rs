//! An OAuth assertion for a service account, signed now: `cargo run --example fcm_assertion -- SERVICE_ACCOUNT.json`
//!
//! It is as good as a password for an hour. Other implementations verify it in `.ci/interop/fcm`.

use std::error::Error;

use reveille_crypto_ring::PROVIDER;
use reveille_examples::clock;
use reveille_fcm::ServiceAccount;
use reveille_fcm::credential::{Assertion, OAuthScope};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: fcm_assertion SERVICE_ACCOUNT.json")?;
    let account = ServiceAccount::from_json(&std::fs::read(path)?)?;
    let assertion = Assertion::new(account.issuer(), OAuthScope::Messaging, clock::now());
    let signature = account.load_key(PROVIDER)?.sign(assertion.signing_input())?;
    let request = assertion.into_request(&signature);
    println!("{}", String::from_utf8_lossy(request.body()));
    Ok(())
}
