//! What several test files need.

use reveille_core::UnixTime;
use reveille_crypto::{RsaPublicKey, base64url};
use reveille_crypto_ring::PROVIDER;
use reveille_fcm::ServiceAccount;
use reveille_testkit::fcm::Google;
use serde_json::Value;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_795_000_000);
pub(crate) const PROJECT: &str = "reveille-test";
pub(crate) const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
pub(crate) const CLIENT_EMAIL: &str = "firebase-adminsdk-test@reveille-test.iam.gserviceaccount.com";

pub(crate) use reveille_testkit::fcm::{SERVICE_ACCOUNT, service_account_key as account_key};

pub(crate) fn account() -> ServiceAccount {
    ServiceAccount::from_json(SERVICE_ACCOUNT.as_bytes()).unwrap()
}

/// A public key from a JWK.
pub(crate) fn public_key(jwk: &str) -> RsaPublicKey {
    let jwk: Value = serde_json::from_str(jwk).unwrap();
    let part = |name: &str| base64url::decode(jwk[name].as_str().unwrap()).unwrap();
    RsaPublicKey::new(&part("n"), &part("e"))
}

/// Google, for the project and the account of the test data.
pub(crate) fn google() -> Google {
    Google::made_up(PROVIDER)
}
