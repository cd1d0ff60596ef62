//! Provider tokens: a JWT, signed with the team's key, that authorises every request (Apple, "Establishing a
//! token-based connection to APNs").

mod bearer;
mod id;
mod key;
mod tokens;

pub use bearer::BearerToken;
pub use id::{KeyId, TeamId};
pub use key::{InvalidProviderKey, ProviderKey, unsigned_provider_token};
pub use tokens::{InvalidSignature, ProviderTokens, SignRequest, SignerId, TokenPolicy};
