//! A project that does not exist, for examples and tests.

use reveille_crypto::{CryptoProvider, RsaPublicKey};

use super::{FcmService, Google, OAuthService};

/// The key file of a service account that does not exist, as Google's console gives it; its key protects nothing. Use it
/// with [`Google::made_up`].
pub const SERVICE_ACCOUNT: &str = include_str!("../../data/service_account.json");

/// The public key of [`SERVICE_ACCOUNT`]; use it where its private key is said to be elsewhere.
#[must_use]
pub fn service_account_key() -> RsaPublicKey {
    RsaPublicKey::new(include_bytes!("../../data/service_account_modulus.bin"), &[1, 0, 1])
}

impl Google {
    /// Google with one project and one service account, those of [`SERVICE_ACCOUNT`], and no device yet. `crypto` has to verify
    /// RS256, as ring does.
    ///
    /// ```
    /// use reveille_crypto_ring::PROVIDER;
    /// use reveille_testkit::fcm::{Device, Google};
    /// let mut google = Google::made_up(PROVIDER);
    /// google.fcm.device("phone-7", Device::Registered);
    /// assert!(google.fcm.take().is_empty());
    /// ```
    #[must_use]
    pub fn made_up(crypto: CryptoProvider) -> Self {
        Self::made_up_at("https://oauth2.googleapis.com", crypto)
    }

    /// [`made_up`](Self::made_up), reached at `origin`, such as `http://127.0.0.1:8080`: give the account the token URI
    /// `{origin}/token`.
    #[must_use]
    pub fn made_up_at(origin: &str, crypto: CryptoProvider) -> Self {
        let email = "firebase-adminsdk-test@reveille-test.iam.gserviceaccount.com";
        let token_uri = format!("{origin}/token");
        Self {
            fcm: FcmService::new("reveille-test"),
            oauth: OAuthService::new(token_uri, email, service_account_key(), crypto),
        }
    }
}
