//! Resume tokens: the same claims (five ids as UUIDs) in each format, single use beside them.

use std::hint::black_box;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use pasetors::claims::{Claims as PasetoClaims, ClaimsValidationRules};
use pasetors::keys::SymmetricKey;
use pasetors::token::UntrustedToken;
use pasetors::version4::V4;
use pasetors::{Local, local};
use reveille_core::{Jitter, UnixTime};
use reveille_crypto_ring::PROVIDER;
use reveille_resume::compact::COMPACT_LEN;
use reveille_resume::replay::SingleUse;
use reveille_resume::{
    Attempt, Bindings, CompactKey, Issuer, JwtKey, KeyId, KeyRing, ReplayLimits, ReplaySet, SealedKey,
    TokenId, TokenSecret, Verdict, Verifier,
};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::allocations;
use crate::measure::Contestant;
use crate::report::Report;

const SECRET: [u8; 32] = [7; 32];
const IDS: Bindings<'static> = Bindings {
    contact: "0c6e2f0a-4f3b-4e0e-9a55-0a3c3a1f9d11",
    conversation: "5b0b9f0e-7a8e-4b8c-8f5e-6a1a2b3c4d5e",
    device: "f2a1c7d4-11aa-4b6f-b0c2-9d8e7f6a5b4c",
    channel: "web",
};

/// What a user of a general token crate puts into it.
#[derive(Clone, Serialize, Deserialize)]
struct Claims {
    jti: String,
    contact: String,
    conversation: String,
    device: String,
    channel: String,
    iat: u64,
    exp: u64,
}

pub fn compare(report: &mut Report) {
    let now = UnixTime::from_millis(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis()
            .try_into()
            .unwrap_or(u64::MAX),
    );
    let secret = TokenSecret::from_bytes(&SECRET).expect("32 bytes");
    let keys = KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &secret).expect("key"));
    let jwt_keys = KeyRing::new(KeyId(1), JwtKey::hs256(PROVIDER, &secret).expect("key"));
    let sealed_keys = KeyRing::new(KeyId(1), SealedKey::new(PROVIDER, &secret).expect("key"));
    let peers = Peers::new(now);
    let mac = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
    let body = [0x5a_u8; 53];
    let floor = || Contestant::new("ring HMAC-SHA256, 53 bytes", || hmac::sign(&mac, black_box(&body)));

    let issuer = Issuer::new(PROVIDER);
    report.row(
        "issue, compact",
        Contestant::new("ours", || issuer.issue(&keys, &IDS, now)),
        vec![peers.issue_jsonwebtoken(), peers.issue_pasetors(), peers.issue_branca()],
        Some(floor()),
    );
    let issuer = Issuer::new(PROVIDER);
    report.row(
        "issue, JWT profile (HS256)",
        Contestant::new("ours", || issuer.issue(&jwt_keys, &IDS, now)),
        vec![peers.issue_jsonwebtoken()],
        None,
    );
    let issuer = Issuer::new(PROVIDER);
    report.row(
        "issue, sealed profile (A256GCM)",
        Contestant::new("ours", || issuer.issue(&sealed_keys, &IDS, now)),
        vec![peers.issue_pasetors(), peers.issue_branca()],
        None,
    );

    let verifier = Verifier::default();
    let token = Issuer::new(PROVIDER).issue(&keys, &IDS, now).expect("token");
    report.row(
        "verify, compact, bindings included, without single use",
        Contestant::new("ours", || verifier.check(&keys, black_box(&token), &IDS, now).expect("good")),
        vec![peers.verify_jsonwebtoken(), peers.verify_pasetors(), peers.verify_branca()],
        Some(floor()),
    );
    verify_with_replay_set(report, &keys, &verifier, &peers, now);
    let jwt = Issuer::new(PROVIDER).issue(&jwt_keys, &IDS, now).expect("token");
    report.row(
        "verify, JWT profile (HS256), bindings included",
        Contestant::new("ours", || verifier.check(&jwt_keys, black_box(&jwt), &IDS, now).expect("good")),
        vec![peers.verify_jsonwebtoken()],
        None,
    );
    let sealed = Issuer::new(PROVIDER).issue(&sealed_keys, &IDS, now).expect("token");
    report.row(
        "verify, sealed profile (A256GCM), bindings included",
        Contestant::new("ours", || {
            verifier.check(&sealed_keys, black_box(&sealed), &IDS, now).expect("good")
        }),
        vec![peers.verify_pasetors(), peers.verify_branca()],
        None,
    );
    report.note(&format!(
        "characters: compact {}, JWT profile {}, sealed {}; jsonwebtoken {}, pasetors {}, branca {}",
        token.len(),
        jwt.len(),
        sealed.len(),
        peers.jwt.len(),
        peers.paseto.len(),
        peers.branca.len()
    ));
    memory(report, now);
}

/// All of it: MAC, time, bindings, reserve, and the second phase, over a set that holds a million tokens. The second
/// phase is the abort, so that the set stays as it is; it does the same work as the commit.
fn verify_with_replay_set(
    report: &mut Report,
    keys: &KeyRing<CompactKey>,
    verifier: &Verifier,
    peers: &Peers,
    now: UnixTime,
) {
    const POOL: usize = 1 << 16;
    let mut set = filled(1_000_000 - POOL, now);
    let pool = pool(keys, POOL, now);
    // In order, as from a socket: the ids are random, so the set is searched all over.
    let mut at = 0;
    let mut verify = || {
        at = (at + 1) % POOL;
        let token = &pool[at * COMPACT_LEN..(at + 1) * COMPACT_LEN];
        let verdict = verifier.verify(keys, token, &IDS, Attempt::new(at as u64), &mut set, now);
        let Verdict::Resume { reservation, .. } = verdict else { panic!("{verdict:?}") };
        set.abort(&reservation, now).expect("held");
    };
    (0..POOL).for_each(|_| verify());
    report.row(
        "verify, compact, bindings and single use included, 1 M tokens in the set",
        Contestant::new("ours", verify),
        vec![peers.verify_jsonwebtoken(), peers.verify_pasetors(), peers.verify_branca()],
        None,
    );
}

/// Tokens, one behind the other.
fn pool(keys: &KeyRing<CompactKey>, count: usize, now: UnixTime) -> String {
    let issuer = Issuer::new(PROVIDER);
    (0..count).map(|_| issuer.issue(keys, &IDS, now).expect("token")).collect()
}

fn filled(count: usize, now: UnixTime) -> ReplaySet {
    let limits = ReplayLimits::default().with_capacity(8_000_000);
    let mut set = ReplaySet::complete(0, limits);
    let mut random = Jitter::new(1);
    for _ in 0..count {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&random.next_u64().to_be_bytes());
        id[8..].copy_from_slice(&random.next_u64().to_be_bytes());
        let token = SingleUse {
            token_id: TokenId::new(id),
            shard: 0,
            issued_at: now,
            keep_until: now + Duration::from_secs(305),
        };
        let held = set.reserve(&token, Attempt::new(1), now).expect("new");
        set.commit(&held, now).expect("held");
    }
    set
}

fn memory(report: &mut Report, now: UnixTime) {
    for millions in 1..=4_usize {
        let before = allocations::live_bytes();
        let set = filled(millions * 1_000_000, now);
        let bytes = (allocations::live_bytes() - before) as f64;
        report.note(&format!(
            "replay set of {millions} M live tokens: {:.1} bytes each, from the allocator",
            bytes / set.occupied() as f64
        ));
    }
}

struct Peers {
    claims: Claims,
    jwt: String,
    paseto: String,
    branca: String,
    paseto_claims: PasetoClaims,
    paseto_key: SymmetricKey<V4>,
}

impl Peers {
    fn new(now: UnixTime) -> Self {
        let claims = Claims {
            jti: "9b2d1f3e-6c5a-4b7d-8e9f-0a1b2c3d4e5f".into(),
            contact: IDS.contact.into(),
            conversation: IDS.conversation.into(),
            device: IDS.device.into(),
            channel: IDS.channel.into(),
            iat: now.as_secs(),
            exp: now.as_secs() + 300,
        };
        let mut paseto_claims = PasetoClaims::new_expires_in(&Duration::from_secs(300)).expect("claims");
        paseto_claims.token_identifier(&claims.jti).expect("claim");
        for (binding, id) in IDS.each() {
            paseto_claims.add_additional(binding.name(), id).expect("claim");
        }
        let paseto_key = SymmetricKey::<V4>::from(&SECRET).expect("key");
        let jwt = jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(&SECRET))
            .expect("jwt");
        let paseto = local::encrypt(&paseto_key, &paseto_claims, None, None).expect("paseto");
        let json = serde_json::to_vec(&claims).expect("json");
        let branca = branca::encode(&json, &SECRET, claims.iat as u32).expect("branca");
        Self { claims, jwt, paseto, branca, paseto_claims, paseto_key }
    }

    fn issue_jsonwebtoken(&self) -> Contestant<'_> {
        let (header, key) = (Header::default(), EncodingKey::from_secret(&SECRET));
        Contestant::new("jsonwebtoken 11, HS256", move || jsonwebtoken::encode(&header, &self.claims, &key))
    }

    fn verify_jsonwebtoken(&self) -> Contestant<'_> {
        let (key, validation) = (DecodingKey::from_secret(&SECRET), Validation::new(Algorithm::HS256));
        Contestant::new("jsonwebtoken 11, HS256", move || {
            jsonwebtoken::decode::<Claims>(black_box(&self.jwt), &key, &validation).expect("good")
        })
    }

    fn issue_pasetors(&self) -> Contestant<'_> {
        Contestant::new("pasetors 0.8, v4.local", || {
            local::encrypt(&self.paseto_key, &self.paseto_claims, None, None)
        })
    }

    fn verify_pasetors(&self) -> Contestant<'_> {
        let rules = ClaimsValidationRules::new();
        Contestant::new("pasetors 0.8, v4.local", move || {
            let token = UntrustedToken::<Local, V4>::try_from(black_box(&self.paseto)).expect("token");
            local::decrypt(&self.paseto_key, &token, &rules, None, None).expect("good")
        })
    }

    fn issue_branca(&self) -> Contestant<'_> {
        Contestant::new("branca 0.10", || {
            let json = serde_json::to_vec(&self.claims).expect("json");
            branca::encode(&json, &SECRET, self.claims.iat as u32)
        })
    }

    fn verify_branca(&self) -> Contestant<'_> {
        Contestant::new("branca 0.10", || {
            let json = branca::decode(black_box(&self.branca), &SECRET, 300).expect("good");
            serde_json::from_slice::<Claims>(&json).expect("json")
        })
    }
}
