//! The JWT profile, for verifiers that speak nothing else (RFC 7519, with the advice of RFC 8725).

pub(crate) mod claims;
mod header;
mod key;

pub(crate) use header::{key_id, strict_json};
pub use key::JwtKey;

use reveille_crypto::jws::{CompactJws, UnsignedJws};

use crate::error::IssueError;
use crate::jose::MAX_JOSE_LEN;
use crate::profile::{Draft, Opened, sealed::Format};
use crate::{Bindings, KeyId, KeyRing, Reason};

impl Format for JwtKey {
    fn write(&self, id: KeyId, draft: &Draft<'_>) -> Result<String, IssueError> {
        let header = header::JwtHeader::new(self.algorithm(), id).to_json()?;
        let jws = UnsignedJws::new(&header, &claims::to_json(draft)?);
        let signature = self.sign(jws.signing_input())?;
        let token = jws.finish(&signature);
        if token.len() > MAX_JOSE_LEN {
            return Err(IssueError::TooLong { length: token.len(), limit: MAX_JOSE_LEN });
        }
        Ok(token)
    }

    fn read(keys: &KeyRing<Self>, token: &str, expected: &Bindings<'_>) -> Result<Opened, Reason> {
        let jws = CompactJws::parse(token, MAX_JOSE_LEN).map_err(|_| Reason::Malformed)?;
        let header = header::JwtHeader::parse(jws.signing_input())?;
        let key_id = header.check_type()?;
        let (key_state, key) = keys.find(key_id).ok_or(Reason::UnknownKey)?;
        // The key decides the algorithm; the header may only agree (RFC 8725 §3.1).
        if !header.is_for(key.algorithm()) {
            return Err(Reason::WrongAlgorithm);
        }
        key.verify(jws.signing_input(), jws.signature())?;
        claims::open(jws.payload(), key.sha256(), key_id, key_state, expected)
    }
}
