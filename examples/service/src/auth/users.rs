//! End users: a JWT that the operator's own log-in signs (RFC 7519, with the advice of RFC 8725), or the header of a proxy
//! that has checked the log-in.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};
use reveille_conversation::id::PersonId;
use reveille_core::{Secret, UnixTime};
use reveille_crypto::jws::CompactJws;
use reveille_crypto::{HmacKey, P256PublicKey};
use reveille_crypto_ring::PROVIDER;
use serde::Deserialize;

use super::Unknown;
use crate::secret_text::SecretText;
use crate::settings::{InvalidSettings, wrong};

/// The `kid` of the demonstration's sessions.
pub const DEMO_SIGNER: &str = "demo";
/// The longest token that is read, in bytes.
const LONGEST: usize = 4_096;

/// Whose tokens are good, and which proxy is believed.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserSettings {
    /// What `aud` has to name, unless a key says otherwise. Default: `reveille`.
    pub audience: String,
    /// Keys of those who sign tokens. Besides, the key `user` of the file of keys signs, with HS256.
    pub keys: Vec<UserKeySettings>,
    /// The header in which a proxy names the user it has logged in. Default: none, and no proxy is believed.
    pub header: Option<String>,
    /// The addresses of such proxies: `10.0.0.7`, or `10.0.0.0/8`.
    pub peers: Vec<String>,
}

/// One who signs tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserKeySettings {
    /// The `kid` of its tokens.
    pub id: String,
    /// HS256: the secret, at least 32 bytes.
    pub secret: Option<SecretText>,
    /// ES256: the public key, an uncompressed point as base64url.
    pub public_key: Option<String>,
    /// What `aud` has to name.
    pub audience: Option<String>,
    /// The only app that its users may name.
    pub app: Option<String>,
    /// What stands before `sub` in the ids of its users, so that two brands may both have a user "7".
    #[serde(default)]
    pub prefix: String,
}

/// A person who has logged in somewhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub person: PersonId,
    /// The only app that they may name; `None`: any.
    pub app: Option<String>,
}

/// Recognises users.
pub struct Users {
    signers: Vec<Signer>,
    header: Option<HeaderName>,
    peers: Peers,
}

struct Signer {
    id: Option<String>,
    key: SignerKey,
    audience: String,
    app: Option<String>,
    prefix: String,
}

/// The key decides the algorithm; a token's header may only agree (RFC 8725 §3.1).
enum SignerKey {
    Hs256(Arc<dyn HmacKey>),
    Es256(P256PublicKey),
}

/// The addresses of trusted proxies.
#[derive(Clone, Debug, Default)]
pub struct Peers(Vec<Network>);

/// Addresses that agree in their first bits.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Audience,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    /// The app that the user logged in to, where the log-in says so.
    #[serde(default)]
    app: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Default for UserSettings {
    fn default() -> Self {
        Self { audience: "reveille".to_owned(), keys: Vec::new(), header: None, peers: Vec::new() }
    }
}

impl Users {
    /// From settings, and the secret of the file of keys, if it has one.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the setting.
    pub fn new(settings: &UserSettings, own: Option<&Secret<[u8; 32]>>) -> Result<Self, InvalidSettings> {
        let mut signers = Vec::new();
        if let Some(own) = own {
            signers.push(Signer {
                id: None,
                key: SignerKey::Hs256(PROVIDER.hmac_sha256.key(own.expose())),
                audience: settings.audience.clone(),
                app: None,
                prefix: String::new(),
            });
        }
        for key in &settings.keys {
            signers.push(key.signer(&settings.audience)?);
        }
        let header = match settings.header.as_deref().map(HeaderName::try_from) {
            None => None,
            Some(Ok(name)) => Some(name),
            Some(Err(_)) => return Err(wrong("users.header", "is not the name of a header")),
        };
        let peers: Option<Vec<Network>> = settings.peers.iter().map(|text| Network::new(text)).collect();
        let peers =
            peers.ok_or_else(|| wrong("users.peers", "expected addresses like 10.0.0.7 or 10.0.0.0/8"))?;
        if header.is_some() == peers.is_empty() {
            return Err(wrong("users", "header and peers belong together: one of them is missing"));
        }
        Ok(Self { signers, header, peers: Peers(peers) })
    }

    /// The proxies that are believed.
    pub fn proxies(&self) -> &Peers {
        &self.peers
    }

    /// With another one who signs, for the users of one app: the demonstration's page.
    pub fn with_demo(mut self, secret: &Secret<[u8; 32]>, audience: &str, app: &str) -> Self {
        self.signers.push(Signer {
            id: Some(DEMO_SIGNER.to_owned()),
            key: SignerKey::Hs256(PROVIDER.hmac_sha256.key(secret.expose())),
            audience: audience.to_owned(),
            app: Some(app.to_owned()),
            prefix: String::new(),
        });
        self
    }

    /// Whose token it is; `None` if nobody's, or not now, or not for this service.
    pub fn of_token(&self, token: &str, now: UnixTime) -> Option<User> {
        let jws = CompactJws::parse(token, LONGEST).ok()?;
        let by_id = |signer: &&Signer| jws.key_id().is_none_or(|id| signer.id.as_deref() == Some(id));
        let signer = self.signers.iter().filter(by_id).find(|signer| signer.has_signed(&jws))?;
        let claims: Claims = jws.claims().ok()?;
        let names = |audience: &Audience| match audience {
            Audience::One(one) => *one == signer.audience,
            Audience::Many(many) => many.contains(&signer.audience),
        };
        let now = now.as_millis() as f64 / 1_000.0;
        if !names(&claims.aud) || claims.exp <= now || claims.nbf.is_some_and(|from| from > now) {
            return None;
        }
        let app = match (&signer.app, claims.app) {
            (Some(only), Some(app)) if *only != app => return None,
            (Some(only), _) => Some(only.clone()),
            (None, app) => app,
        };
        let person = PersonId::new(&format!("{}{}", signer.prefix, claims.sub)).ok()?;
        (!claims.sub.is_empty()).then_some(User { person, app })
    }

    /// Whom a proxy names; `Ok(None)` if there is no such header, or nobody who may set it.
    ///
    /// # Errors
    /// [`Unknown::Refused`] if a proxy names nobody, or two.
    pub fn of_proxy(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Option<User>, Unknown> {
        let Some(name) = &self.header else { return Ok(None) };
        if !self.peers.have(peer) {
            return Ok(None);
        }
        let mut all = headers.get_all(name).iter();
        match (all.next(), all.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => {
                let person = value.to_str().ok().and_then(|text| PersonId::new(text).ok());
                person.map(|person| Some(User { person, app: None })).ok_or(Unknown::Refused)
            }
            // One of them came through the proxy from outside.
            (Some(_), Some(_)) => Err(Unknown::Refused),
        }
    }
}

impl UserKeySettings {
    fn signer(&self, audience: &str) -> Result<Signer, InvalidSettings> {
        let path = format!("users.keys.{}", self.id);
        let key = match (&self.secret, &self.public_key) {
            (Some(text), None) => {
                let secret = text.open(&path)?;
                // RFC 7518 §3.2: no shorter than the hash.
                if secret.expose().len() < 32 {
                    return Err(wrong(&path, "the secret has fewer than 32 bytes"));
                }
                SignerKey::Hs256(PROVIDER.hmac_sha256.key(secret.expose().as_bytes()))
            }
            (None, Some(text)) => {
                SignerKey::Es256(text.parse().map_err(|error| wrong(&path, format!("public_key: {error}")))?)
            }
            _ => return Err(wrong(&path, "give one of secret and public_key")),
        };
        Ok(Signer {
            id: Some(self.id.clone()),
            key,
            audience: self.audience.clone().unwrap_or_else(|| audience.to_owned()),
            app: self.app.clone(),
            prefix: self.prefix.clone(),
        })
    }
}

impl Signer {
    fn has_signed(&self, jws: &CompactJws<'_>) -> bool {
        match &self.key {
            SignerKey::Hs256(key) => {
                jws.algorithm() == "HS256" && key.verify(&[jws.signing_input()], jws.signature()).is_ok()
            }
            SignerKey::Es256(key) => {
                jws.algorithm() == "ES256"
                    && PROVIDER.es256.verify(key, jws.signing_input(), jws.signature()).is_ok()
            }
        }
    }
}

impl Peers {
    /// Whether one of them is at this address.
    pub fn have(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|network| network.has(peer))
    }
}

impl Network {
    fn new(text: &str) -> Option<Self> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(all), |bits| bits.parse().ok().filter(|bits| *bits <= all))?;
        Some(Self { address, bits })
    }

    fn has(&self, peer: IpAddr) -> bool {
        let number = |address: IpAddr| match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let ((own, width), (other, other_width)) = (number(self.address), number(peer));
        let differs = (own ^ other).checked_shr(128 - u32::from(self.bits)).unwrap_or(0);
        width == other_width && differs == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_crypto::base64url;
    use serde_json::{Value, json};

    const NOW: UnixTime = UnixTime::from_secs(1_000);

    fn token(header: &Value, claims: &Value, secret: &[u8]) -> String {
        let part = |value: &Value| base64url::encode(value.to_string().as_bytes());
        let input = format!("{}.{}", part(header), part(claims));
        let tag = PROVIDER.hmac_sha256.key(secret).sign(&[input.as_bytes()]);
        format!("{input}.{}", base64url::encode(&tag))
    }

    fn users() -> Users {
        Users::new(&UserSettings::default(), Some(&Secret::new([7; 32]))).unwrap()
    }

    #[test]
    fn a_token_is_good_for_its_user_here_and_now() {
        let header = json!({"alg": "HS256"});
        let good = json!({"sub": "kate", "aud": "reveille", "exp": 1_001});
        let user = users().of_token(&token(&header, &good, &[7; 32]), NOW).unwrap();
        assert_eq!((user.person.as_str(), user.app), ("kate", None));
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            users().of_token(&token(&header, &claims, &[7; 32]), NOW)
        };
        assert!(with("aud", json!(["other", "reveille"])).is_some());
        assert_eq!(with("app", json!("shop")).unwrap().app.as_deref(), Some("shop"));
        for (name, value) in [
            ("aud", json!("another")),
            ("aud", json!([])),
            ("exp", json!(1_000)),
            ("exp", json!(null)),
            ("exp", json!("1001")),
            ("nbf", json!(1_000.5)),
            ("sub", json!("")),
            ("sub", json!("a\nb")),
            ("sub", json!(7)),
        ] {
            assert_eq!(with(name, value.clone()), None, "{name}: {value}");
        }
        for (header, secret) in [
            (json!({"alg": "none"}), [7; 32]),
            (json!({"alg": "ES256"}), [7; 32]),
            (json!({"alg": "HS256"}), [8; 32]),
            (json!({"alg": "HS256", "kid": "another"}), [7; 32]),
            (json!({"alg": "HS256", "crit": []}), [7; 32]),
        ] {
            assert_eq!(users().of_token(&token(&header, &good, &secret), NOW), None, "{header}");
        }
    }

    /// The public key of ES256 must not become a secret of HS256 (RFC 8725 §2.1), and an app's key is for its app.
    #[test]
    fn a_key_of_an_app_is_for_that_app_and_its_own_people() {
        let private = PROVIDER.es256.load(&PROVIDER.p256.generate().unwrap()).unwrap();
        let public = private.public_key().to_string();
        let key = UserKeySettings {
            id: "shop".to_owned(),
            secret: None,
            public_key: Some(public.clone()),
            audience: None,
            app: Some("shop".to_owned()),
            prefix: "shop:".to_owned(),
        };
        let users = Users::new(&UserSettings { keys: vec![key], ..UserSettings::default() }, None).unwrap();
        let sign = |claims: Value| {
            let input = format!(
                "{}.{}",
                base64url::encode(br#"{"alg":"ES256","kid":"shop"}"#),
                base64url::encode(claims.to_string().as_bytes())
            );
            let signature = private.sign(input.as_bytes()).unwrap();
            users.of_token(&format!("{input}.{}", base64url::encode(&signature)), NOW)
        };
        let good = json!({"sub": "7", "aud": "reveille", "exp": 2_000});
        let user = sign(good.clone()).unwrap();
        assert_eq!((user.person.as_str(), user.app.as_deref()), ("shop:7", Some("shop")));
        assert_eq!(sign(json!({"sub": "7", "aud": "reveille", "exp": 2_000, "app": "bank"})), None);
        let forged = token(&json!({"alg": "HS256", "kid": "shop"}), &good, public.as_bytes());
        assert_eq!(users.of_token(&forged, NOW), None);
    }

    #[test]
    fn a_proxy_is_believed_only_at_its_address() {
        let settings = UserSettings {
            header: Some("X-User".to_owned()),
            peers: vec!["10.0.0.0/8".to_owned(), "::1".to_owned()],
            ..UserSettings::default()
        };
        let users = Users::new(&settings, None).unwrap();
        let mut headers = HeaderMap::new();
        headers.append("x-user", "kate".parse().unwrap());
        let of = |headers: &HeaderMap, peer: &str| users.of_proxy(headers, peer.parse().unwrap());
        for (peer, known) in [
            ("10.255.0.1", true),
            ("::1", true),
            ("::ffff:10.0.0.1", true),
            ("11.0.0.1", false),
            ("::2", false),
        ] {
            assert_eq!(of(&headers, peer).unwrap().is_some(), known, "{peer}");
        }
        assert_eq!(of(&HeaderMap::new(), "::1"), Ok(None));
        headers.append("x-user", "ann".parse().unwrap());
        assert_eq!(of(&headers, "::1"), Err(Unknown::Refused), "one of them is from outside");
        for peers in [vec!["10.0.0.0/33".to_owned()], vec!["here".to_owned()], vec![]] {
            assert!(Users::new(&UserSettings { peers, ..settings.clone() }, None).is_err());
        }
    }
}
