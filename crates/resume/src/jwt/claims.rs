//! The claims of the JWT and the sealed profile.

use std::borrow::Cow;
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_crypto::{Sha256, base64url};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::strict_json;
use crate::error::IssueError;
use crate::keys::KeyState;
use crate::profile::{Draft, Opened};
use crate::{Binding, Bindings, KeyId, Mismatch, Reason, TokenId};

/// Numbers are whole seconds as JSON integers: a fraction, an exponent, a string or more than 64 bits is malformed,
/// never "not present" (CVE-2026-25537 was that). Unknown and doubled members are malformed too.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JoseClaims<'a> {
    #[serde(borrow)]
    jti: Cow<'a, str>,
    iat: u64,
    exp: u64,
    /// The contact.
    #[serde(borrow)]
    sub: Cow<'a, str>,
    /// The conversation.
    #[serde(borrow)]
    cnv: Cow<'a, str>,
    /// The device.
    #[serde(borrow)]
    dev: Cow<'a, str>,
    /// The channel.
    #[serde(borrow)]
    chn: Cow<'a, str>,
    /// The shard; 0 if left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    shd: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(shard: &u8) -> bool {
    *shard == 0
}

/// The payload of a token. `iat` and `exp` are rounded down, so that no token lives longer than was asked for.
pub(crate) fn to_json(draft: &Draft<'_>) -> Result<Vec<u8>, IssueError> {
    if draft.lifetime_ms < 1_000 {
        return Err(IssueError::Lifetime {
            min_ms: 1_000,
            max_ms: u32::MAX.into(),
            given_ms: draft.lifetime_ms.into(),
        });
    }
    let claims = JoseClaims {
        jti: base64url::encode(draft.token_id.as_bytes()).into(),
        iat: draft.issued_at.as_secs(),
        exp: (draft.issued_at + Duration::from_millis(draft.lifetime_ms.into())).as_secs(),
        sub: draft.bindings.contact.into(),
        cnv: draft.bindings.conversation.into(),
        dev: draft.bindings.device.into(),
        chn: draft.bindings.channel.into(),
        shd: draft.shard,
    };
    serde_json::to_vec(&claims).map_err(|_| IssueError::Json)
}

/// Reads a payload whose MAC is valid, and compares all four ids.
pub(crate) fn open(
    payload: &[u8],
    sha256: &dyn Sha256,
    key_id: KeyId,
    key_state: KeyState,
    expected: &Bindings<'_>,
) -> Result<Opened, Reason> {
    let claims: JoseClaims<'_> = strict_json(payload).ok_or(Reason::Malformed)?;
    if claims.exp <= claims.iat || claims.jti.is_empty() {
        return Err(Reason::Malformed);
    }
    let found = [&claims.sub, &claims.cnv, &claims.dev, &claims.chn];
    let mismatch = expected.each().into_iter().zip(found).fold(
        Mismatch::NONE,
        |mismatch, ((binding, wanted), found): ((Binding, &str), _)| {
            mismatch.with(binding, !bool::from(wanted.as_bytes().ct_eq(found.as_bytes())))
        },
    );
    let issued_at = UnixTime::from_secs(claims.iat);
    Ok(Opened {
        key_id,
        key_state,
        token_id: token_id(&claims.jti, sha256),
        shard: claims.shd,
        issued_at,
        issued_by: issued_at + Duration::from_millis(999),
        expires_at: UnixTime::from_secs(claims.exp),
        mismatch,
    })
}

/// Other issuers choose other ids; hashed, they are uniform and of one length.
fn token_id(jti: &str, sha256: &dyn Sha256) -> TokenId {
    let hash = sha256.digest(&[jti.as_bytes()]);
    TokenId::new(std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default()))
}
