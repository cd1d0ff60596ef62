//! From a service account to an access token.

mod assertion;
mod check;
mod failure;
mod grant;
mod oauth;
mod service_account;
mod source;

pub use assertion::{Assertion, SCOPE_CLOUD_PLATFORM, SCOPE_MESSAGING};
pub use check::{PROBE_TOPIC, Verdict, probe_request};
pub use failure::{TokenFailure, TokenFailureKind};
pub use grant::Grant;
pub use oauth::{IssuedToken, read_token_answer};
pub use service_account::{CredentialError, Issuer, MaskedServiceAccount, ServiceAccount};
pub use source::{FetchId, RefreshPolicy, TokenOutput, TokenSource};
