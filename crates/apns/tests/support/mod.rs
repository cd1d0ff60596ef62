//! A team's key, its token, and a service that trusts it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use reveille_apns::{
    App, DeviceToken, Prepared, ProviderKey, Push, SizeLimit, Token, TokenSettings, TokenSource,
};
use reveille_core::UnixTime;
use reveille_crypto::{EcPrivateKey, Es256SigningKey, P256PublicKey};
use reveille_crypto_ring::PROVIDER;
use reveille_testkit::apns::{ApnsService, TrustedKey};

/// RFC 7515 Appendix A.3: the key, in the form of a `.p8` file.
pub(crate) const P8: &str = "-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n\
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n\
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n\
-----END PRIVATE KEY-----";
pub(crate) const TEAM: &str = "DEF123GHIJ";
pub(crate) const KEY_ID: &str = "ABC123DEFG";
pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

pub(crate) fn key() -> ProviderKey {
    static KEY: OnceLock<ProviderKey> = OnceLock::new();
    let load = || ProviderKey::from_p8(P8, TEAM.parse().unwrap(), KEY_ID.parse().unwrap(), PROVIDER).unwrap();
    KEY.get_or_init(load).clone()
}

/// The same key, as one that is elsewhere.
pub(crate) fn remote_key() -> ProviderKey {
    ProviderKey::remote(public_key(), TEAM.parse().unwrap(), KEY_ID.parse().unwrap(), PROVIDER)
}

/// Loaded once: a public key is derived when a key is loaded, which is slow where nothing is optimised.
fn signer() -> &'static dyn Es256SigningKey {
    static SIGNER: OnceLock<Arc<dyn Es256SigningKey>> = OnceLock::new();
    &**SIGNER.get_or_init(|| PROVIDER.es256.load(&EcPrivateKey::parse(P8).unwrap()).unwrap())
}

pub(crate) fn public_key() -> P256PublicKey {
    *signer().public_key()
}

/// What a signer elsewhere answers.
pub(crate) fn sign(input: &[u8]) -> [u8; 64] {
    signer().sign(input).unwrap()
}

/// A token issued at [`NOW`]; the same for all who ask.
pub(crate) fn bearer() -> Token {
    static TOKEN: OnceLock<Token> = OnceLock::new();
    TOKEN.get_or_init(|| TokenSource::new(key(), TokenSettings::default()).token(NOW).unwrap()).clone()
}

pub(crate) fn service() -> ApnsService {
    let mut service = ApnsService::new(PROVIDER);
    service.trust(
        TrustedKey::new(TEAM, KEY_ID, public_key())
            .for_topics(["com.example.app", "com.apple.mgmt.External.x"]),
    );
    service
}

pub(crate) fn app() -> App {
    App::production("com.example.app".parse().unwrap())
}

pub(crate) fn device() -> DeviceToken {
    "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0".parse().unwrap()
}

pub(crate) fn request<P: Push + ?Sized>(push: &P) -> http::Request<Bytes> {
    Prepared::new(push, SizeLimit::Provider).unwrap().request(&app(), &device(), &bearer()).unwrap()
}
