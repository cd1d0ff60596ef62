//! From a service account to an access token: [`Grant`], [`TokenSource`], and the test of credentials, [`Verdict`].

mod assertion;
mod clock;
mod failure;
mod grant;
mod oauth;
mod output;
mod secret_text;
mod service_account;
mod settings;
mod source;
mod state;
mod token;
mod verdict;

pub use assertion::{Assertion, OAuthScope};
pub use failure::{TokenFailure, TokenFailureKind};
pub use grant::Grant;
pub use oauth::{IssuedToken, read_token_answer, read_token_response};
pub use output::{FetchId, Refusal, SignatureRefused, TokenError, TokenOutput, WorkId};
pub use reveille_crypto::jws::SigningRequest;
pub use service_account::{CredentialError, Issuer, MaskedServiceAccount, ServiceAccount};
pub use settings::{InvalidSettings, TokenSettings};
pub use source::TokenSource;
pub use token::{InvalidToken, Token};
pub use verdict::{PROBE_TOPIC, Verdict, probe_request};
