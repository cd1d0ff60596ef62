//! Batches of different messages.

use reveille_core::UnixTime;
use reveille_crypto::p256::{AgreementKey, EphemeralAgreement};
use reveille_crypto::{CryptoError, CryptoProvider, EcPrivateKey, KeyError, P256, P256PublicKey};
use reveille_crypto_lanes::Lanes;
use reveille_webpush::credential::UnknownVapidKey;
use reveille_webpush::request::RequestError;
use reveille_webpush::target::PublicHttps;
use reveille_webpush::{
    ApplicationServer, Endpoint, Message, Subscription, Ttl, UserAgent, UserAgentKeys, VapidKey, VapidKeys,
    VapidSettings,
};

const RING: CryptoProvider = reveille_crypto_ring::PROVIDER;
const RUSTCRYPTO: CryptoProvider = reveille_crypto_rustcrypto::PROVIDER;
static LANES: Lanes = Lanes::over(RING);
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn server(crypto: CryptoProvider) -> ApplicationServer {
    let key = VapidKey::new(&crypto.p256.generate().unwrap(), crypto).unwrap();
    let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
    ApplicationServer::new(crypto, VapidKeys::new(key), settings)
}

fn user_agent() -> (UserAgent, Subscription) {
    let keys = UserAgentKeys::generate(RUSTCRYPTO).unwrap();
    let user_agent = UserAgent::new(&keys, RUSTCRYPTO).unwrap();
    let subscription =
        user_agent.subscription(Endpoint::new("https://push.example/x", &PublicHttps).unwrap());
    (user_agent, subscription)
}

/// Every fifth message carries nothing; all others something of their own. The TTL is the message's number.
fn message(number: usize) -> Message {
    let ttl = Ttl::from_secs(number as u64).unwrap();
    if number % 5 == 3 { Message::without_payload(ttl) } else { Message::new(payload(number), ttl).unwrap() }
}

fn payload(number: usize) -> Vec<u8> {
    vec![number as u8; number]
}

/// Each pair keeps its own message, its own subscription and its own fate, in lanes and without, and at the ends of the
/// chunks.
#[test]
fn different_messages_in_one_batch() {
    let lost = VapidKey::new(&RING.p256.generate().unwrap(), RING).unwrap().id();
    for crypto in [RING, RUSTCRYPTO, LANES.provider()] {
        for count in [0, 1, 2, 9, 64, 65, 130] {
            let gone = |number: usize| number % 31 == 7;
            let receivers: Vec<_> = (0..count)
                .map(|number| {
                    let (user_agent, subscription) = user_agent();
                    (user_agent, if gone(number) { subscription.with_vapid_key(lost) } else { subscription })
                })
                .collect();
            let messages: Vec<_> = (0..count).map(message).collect();
            let jobs: Vec<_> = messages
                .iter()
                .zip(&receivers)
                .map(|(message, (_, subscription))| (message, subscription))
                .collect();
            let mut out = Vec::new();
            server(crypto).requests_each(&jobs, NOW, &mut out);
            assert_eq!(out.len(), count);
            for (number, (request, (user_agent, _))) in out.into_iter().zip(&receivers).enumerate() {
                if gone(number) {
                    assert_eq!(request.unwrap_err(), RequestError::from(UnknownVapidKey { id: lost }));
                    continue;
                }
                let request = request.unwrap();
                assert_eq!(request.headers()["ttl"], number.to_string());
                if number % 5 == 3 {
                    assert!(request.body().is_empty(), "{number}");
                    assert!(!request.headers().contains_key("content-encoding"));
                } else {
                    assert_eq!(user_agent.open(request.body()).unwrap(), payload(number), "{number}");
                }
            }
        }
    }
}

#[derive(Debug)]
struct NoKeys;
impl P256 for NoKeys {
    fn generate(&self) -> Result<EcPrivateKey, CryptoError> {
        Err(CryptoError)
    }

    fn agree_ephemeral(&self, _peer: &P256PublicKey) -> Result<EphemeralAgreement, CryptoError> {
        Err(CryptoError)
    }

    fn load_agreement_key(&self, _private: &EcPrivateKey) -> Result<Box<dyn AgreementKey>, KeyError> {
        Err(KeyError::Crypto(CryptoError))
    }
}

/// Messages without content need no key, and go out when no key can be had.
#[test]
fn a_failing_backend_fails_encrypted_messages_only() {
    let key = VapidKey::new(&RING.p256.generate().unwrap(), RING).unwrap();
    let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
    let server =
        ApplicationServer::new(CryptoProvider { p256: &NoKeys, ..RING }, VapidKeys::new(key), settings);
    let (_, subscription) = user_agent();
    let messages: Vec<_> = (0..10).map(message).collect();
    let jobs: Vec<_> = messages.iter().map(|message| (message, &subscription)).collect();
    let mut out = Vec::new();
    server.requests_each(&jobs, NOW, &mut out);
    for (number, request) in out.into_iter().enumerate() {
        assert_eq!(request.err(), (number % 5 != 3).then_some(RequestError::Crypto(CryptoError)), "{number}");
    }
}
