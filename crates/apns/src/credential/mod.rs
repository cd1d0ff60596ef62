//! Provider tokens: a JWT, signed with the team's key, that authorises every request (Apple, "Establishing a
//! token-based connection to APNs").

mod error;
mod id;
mod kept;
mod key;
mod settings;
mod source;
mod state;
mod token;

pub use error::{SignatureRefused, TokenError};
pub use id::{KeyId, TeamId};
pub use key::{InvalidProviderKey, ProviderKey};
pub use settings::{InvalidSettings, TokenSettings};
pub use source::{Refusal, TokenSource};
pub use token::Token;
