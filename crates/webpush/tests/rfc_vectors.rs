//! The examples of the RFCs, byte for byte.

use reveille_core::UnixTime;
use reveille_crypto::base64url;
use reveille_testkit::rfc8291;
use reveille_webpush::credential::{InvalidVapid, VapidHeader};
use reveille_webpush::{
    ApplicationServer, Message, Subscription, Ttl, UserAgent, UserAgentKeys, VapidKey, VapidKeys,
    VapidSettings,
};

const PROVIDERS: [reveille_crypto::CryptoProvider; 2] =
    [reveille_crypto_ring::PROVIDER, reveille_crypto_rustcrypto::PROVIDER];

#[test]
fn rfc_8291_appendix_a_is_sealed_byte_for_byte() {
    // The same bytes must come out whichever backend derives the keys and seals.
    for backend in PROVIDERS {
        let crypto = reveille_crypto::CryptoProvider {
            random: rfc8291::PROVIDER.random,
            p256: rfc8291::PROVIDER.p256,
            ..backend
        };
        let key = VapidKey::from_text(rfc8291::VAPID_PRIVATE, backend).unwrap();
        let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
        let server = ApplicationServer::new(crypto, VapidKeys::new(key), settings);
        let subscription = Subscription::from_json(rfc8291::SUBSCRIPTION).unwrap();
        let message = Message::new(rfc8291::PLAINTEXT, Ttl::from_secs(10).unwrap()).unwrap();
        let request = server.request(&message, &subscription, UnixTime::from_secs(1_500_000_000)).unwrap();
        assert_eq!(base64url::encode(request.body()), rfc8291::BODY, "{}", backend.name);
        assert_eq!(request.body().len(), 144);
        assert_eq!(request.uri(), "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV");
        assert_eq!(request.headers()["ttl"], "10");
        assert_eq!(request.headers()["content-encoding"], "aes128gcm");
    }
}

#[test]
fn rfc_8291_appendix_a_is_opened() {
    let keys = UserAgentKeys::from_text(rfc8291::UA_PRIVATE, rfc8291::AUTH_SECRET)
        .unwrap()
        .with_public_key(rfc8291::UA_PUBLIC.parse().unwrap());
    let user_agent = UserAgent::new(&keys, reveille_crypto_rustcrypto::PROVIDER).unwrap();
    let body = base64url::decode(rfc8291::BODY).unwrap();
    assert_eq!(user_agent.open(&body).unwrap(), rfc8291::PLAINTEXT.as_bytes());
}

#[test]
fn rfc_8292_section_2_4() {
    let header = concat!(
        "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1",
        "YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, ",
        "k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs",
    );
    let parsed = VapidHeader::new(header).unwrap();
    let issued = UnixTime::from_secs(1_453_523_768 - 3_600);
    for crypto in PROVIDERS {
        let claims = parsed.verify("https://push.example.net", crypto, issued).unwrap();
        assert_eq!(claims.exp, 1_453_523_768);
        assert_eq!(claims.sub.as_deref(), Some("mailto:push@example.com"));
        let wrong = |audience, now| parsed.verify(audience, crypto, now).unwrap_err();
        assert_eq!(wrong("https://push.example.org", issued), InvalidVapid::Audience);
        assert_eq!(
            wrong("https://push.example.net", UnixTime::from_secs(1_453_523_768 + 60)),
            InvalidVapid::Expired
        );
        assert_eq!(
            wrong("https://push.example.net", UnixTime::from_secs(1_453_523_768 - 90_000)),
            InvalidVapid::TooFar
        );
    }
}
