//! The JSON file that the Google Cloud console gives for a service account.

use std::fmt;
use std::sync::Arc;

use http::Uri;
use reveille_core::Secret;
use reveille_crypto::key::InvalidKey;
use reveille_crypto::{CryptoProvider, KeyError, Rs256SigningKey, RsaPrivateKey};
use reveille_payload::{InvalidJson, from_json};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::secret_text::SecretText;
use crate::request::is_safe;

/// Why a credential file or a part of it is refused; the error of [`ServiceAccount`], [`Issuer`] and
/// [`Grant`](super::Grant). No text carries anything of the file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// Longer than any such file.
    #[error("credential file has {length} bytes, the limit is {limit}")]
    TooLong {
        /// How many bytes were given.
        length: usize,
        /// How many bytes are accepted.
        limit: usize,
    },
    /// Not JSON, or not an object of texts.
    #[error("credential file: {0}")]
    Json(#[from] InvalidJson),
    /// Another kind of credential.
    #[error("credential file is for {found}, expected a service account")]
    Kind {
        /// What it is for.
        found: &'static str,
    },
    /// A field is missing, empty or malformed.
    #[error("credential file: `{field}` {problem}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The private key cannot be read.
    #[error("credential file: `private_key`: {0}")]
    PrivateKey(#[from] InvalidKey),
}

/// Who asks for access tokens, and where: what an assertion says, without the key that signs it.
#[derive(Clone, PartialEq, Eq)]
pub struct Issuer {
    pub(super) client_email: Box<str>,
    pub(super) key_id: Option<Box<str>>,
    pub(super) token_uri: Uri,
}

impl Issuer {
    /// Google's token endpoint.
    pub const TOKEN_URI: &'static str = "https://oauth2.googleapis.com/token";

    /// An issuer whose key lies elsewhere, in a KMS.
    ///
    /// # Errors
    /// [`CredentialError::Field`].
    pub fn new(client_email: &str, key_id: Option<&str>) -> Result<Self, CredentialError> {
        Self::checked(client_email, key_id, Self::TOKEN_URI)
    }

    fn checked(client_email: &str, key_id: Option<&str>, token_uri: &str) -> Result<Self, CredentialError> {
        let email_ok =
            client_email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        if !email_ok || client_email.len() > 320 || !client_email.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(CredentialError::Field {
                field: "client_email",
                problem: "is not an e-mail address",
            });
        }
        if key_id.is_some_and(|id| id.len() > 256) {
            return Err(CredentialError::Field { field: "private_key_id", problem: "is too long" });
        }
        let not_safe = CredentialError::Field {
            field: "token_uri",
            problem: "is not an https URL (http is accepted on loopback only)",
        };
        let token_uri: Uri = token_uri.parse().map_err(|_| not_safe.clone())?;
        if !is_safe(&token_uri) {
            return Err(not_safe);
        }
        Ok(Self {
            client_email: client_email.into(),
            key_id: key_id.filter(|id| !id.is_empty()).map(Into::into),
            token_uri,
        })
    }

    /// The same at another token endpoint: a local test.
    ///
    /// # Errors
    /// [`CredentialError::Field`] if it is neither `https` nor on loopback.
    pub fn with_token_uri(self, token_uri: &str) -> Result<Self, CredentialError> {
        Self::checked(&self.client_email, self.key_id.as_deref(), token_uri)
    }
}

/// Only a few characters.
impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("client_email", &masked_email(&self.client_email))
            .field("key_id", &self.key_id.as_deref().map(few))
            .field("token_uri", &self.token_uri.host())
            .finish()
    }
}

/// A service account: who it is, for which project, and its private key. Read it from the file that Google's console
/// gives, and make a [`Grant`](super::Grant) of it.
///
/// Once read, only a [masked](Self::masked) form of it is ever shown.
///
/// ```
/// use reveille_fcm::ServiceAccount;
///
/// let wrong = ServiceAccount::from_json(br#"{"type":"authorized_user"}"#).unwrap_err();
/// assert!(wrong.to_string().contains("a user (`authorized_user`)"), "{wrong}");
/// ```
#[derive(Clone)]
pub struct ServiceAccount {
    project_id: Box<str>,
    issuer: Issuer,
    private_key: RsaPrivateKey,
}

/// The fields of the file that matter here; the others are read over.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct File {
    r#type: Option<String>,
    project_id: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<SecretText>,
    client_email: Option<String>,
    token_uri: Option<String>,
}

impl ServiceAccount {
    /// The longest file accepted, in bytes.
    pub const MAX_LEN: usize = 64 * 1024;

    /// Reads the JSON file that Google's console gives, of at most 64 KiB.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn from_json(json: &[u8]) -> Result<Self, CredentialError> {
        if json.len() > Self::MAX_LEN {
            return Err(CredentialError::TooLong { length: json.len(), limit: Self::MAX_LEN });
        }
        let file: File = from_json(json)?;
        match file.r#type.as_deref() {
            Some("service_account") => {}
            Some("authorized_user") => {
                return Err(CredentialError::Kind { found: "a user (`authorized_user`)" });
            }
            Some("external_account") => {
                return Err(CredentialError::Kind { found: "a federation (`external_account`)" });
            }
            Some("impersonated_service_account") => {
                return Err(CredentialError::Kind { found: "an impersonation" });
            }
            Some(_) => return Err(CredentialError::Kind { found: "something else" }),
            None => return Err(CredentialError::Field { field: "type", problem: "is missing" }),
        }
        let project_id = present(file.project_id, "project_id")?;
        let client_email = present(file.client_email, "client_email")?;
        let Some(private_key) = file.private_key else {
            return Err(CredentialError::Field { field: "private_key", problem: "is missing" });
        };
        let token_uri = file.token_uri.as_deref().unwrap_or(Issuer::TOKEN_URI);
        Ok(Self {
            project_id: project_id.into(),
            issuer: Issuer::checked(&client_email, file.private_key_id.as_deref(), token_uri)?,
            private_key: read_key(private_key.0.expose())?,
        })
    }

    /// The project that the account was made in.
    #[must_use]
    pub fn project_id(&self) -> &str {
        &self.project_id
    }

    /// Whether the address says that the account was made in another project than [`project_id`](Self::project_id): mostly two
    /// files that were mixed up, so warn whoever provisions it. It may be meant: a project can give rights to accounts of
    /// others. False for an address that names no project (`…@developer.gserviceaccount.com`).
    ///
    /// Source: "Service account types", cloud.google.com/iam/docs/service-account-types.
    ///
    /// ```
    /// use reveille_fcm::ServiceAccount;
    /// # let json = reveille_testkit::fcm::SERVICE_ACCOUNT;
    /// let account = ServiceAccount::from_json(json.as_bytes())?;
    /// assert!(!account.is_of_another_project());
    /// let mixed_up = json.replace(account.project_id(), "another-project");
    /// let mixed_up = mixed_up.replace("@another-project.iam", &format!("@{}.iam", account.project_id()));
    /// assert!(ServiceAccount::from_json(mixed_up.as_bytes())?.is_of_another_project());
    /// # Ok::<(), reveille_fcm::credential::CredentialError>(())
    /// ```
    #[must_use]
    pub fn is_of_another_project(&self) -> bool {
        named_project(&self.issuer.client_email).is_some_and(|named| !is_project(named, &self.project_id))
    }

    /// Returns who asks for tokens, without the key.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The same account at another token endpoint: a local test.
    ///
    /// # Errors
    /// [`CredentialError::Field`] if it is neither `https` nor on loopback.
    pub fn with_token_uri(mut self, token_uri: &str) -> Result<Self, CredentialError> {
        self.issuer = self.issuer.with_token_uri(token_uri)?;
        Ok(self)
    }

    /// The key, loaded by a backend. RSA is not in every backend.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load_key(&self, crypto: CryptoProvider) -> Result<Arc<dyn Rs256SigningKey>, KeyError> {
        crypto.rs256.load(&self.private_key)
    }

    /// What may be shown of it: enough to tell two apart, not enough for anything else.
    #[must_use]
    pub fn masked(&self) -> MaskedServiceAccount {
        MaskedServiceAccount {
            project_id: few(&self.project_id),
            client_email: masked_email(&self.issuer.client_email),
            private_key_id: self.issuer.key_id.as_deref().map(few),
        }
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.masked().fmt(f)
    }
}

/// A service account as it may be shown in an administrator's page and stored beside its state: the start of each
/// part, and no key. [`ServiceAccount::masked`] makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct MaskedServiceAccount {
    /// The start of the project id.
    pub project_id: String,
    /// The starts of name and host.
    pub client_email: String,
    /// The start of the key's id, if there is one.
    pub private_key_id: Option<String>,
}

/// The project in the address of an account that a user made, or of App Engine.
fn named_project(email: &str) -> Option<&str> {
    let (name, host) = email.split_once('@')?;
    match host.strip_suffix(".iam.gserviceaccount.com") {
        Some(project) => Some(project),
        None if host == "appspot.gserviceaccount.com" => Some(name),
        None => None,
    }
}

/// Project `example.com:chat` stands in addresses as `chat.example.com`.
fn is_project(named: &str, project: &str) -> bool {
    let Some((domain, id)) = project.split_once(':') else { return named == project };
    named.strip_prefix(id).and_then(|rest| rest.strip_prefix('.')) == Some(domain)
}

fn present(field: Option<String>, name: &'static str) -> Result<String, CredentialError> {
    match field {
        None => Err(CredentialError::Field { field: name, problem: "is missing" }),
        Some(text) if text.is_empty() => Err(CredentialError::Field { field: name, problem: "is empty" }),
        Some(text) => Ok(text),
    }
}

/// Reads the PEM. Secret stores that escape twice leave `\n` as two characters; that is put right.
fn read_key(pem: &str) -> Result<RsaPrivateKey, CredentialError> {
    if pem.contains("\\n") {
        let repaired = Secret::new(pem.replace("\\n", "\n"));
        return Ok(RsaPrivateKey::from_pem(repaired.expose())?);
    }
    Ok(RsaPrivateKey::from_pem(pem)?)
}

/// The first four characters of a text of at least eight; nothing of a shorter one.
fn few(text: &str) -> String {
    let shown = if text.chars().count() >= 8 { 4 } else { 0 };
    text.chars().take(shown).chain(['…']).collect()
}

fn masked_email(email: &str) -> String {
    let (name, host) = email.split_once('@').unwrap_or((email, ""));
    format!("{}@{}", few(name), few(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_in_an_address() {
        let other = |email: &str, project: &str| {
            named_project(email).is_some_and(|named| !is_project(named, project))
        };
        for (email, project) in [
            ("push@chat-1.iam.gserviceaccount.com", "chat-1"),
            ("push@chat.example.com.iam.gserviceaccount.com", "example.com:chat"),
            ("chat-1@appspot.gserviceaccount.com", "chat-1"),
            ("123-compute@developer.gserviceaccount.com", "chat-1"),
            ("somebody@example.com", "chat-1"),
            ("nothing", "chat-1"),
        ] {
            assert!(!other(email, project), "{email} {project}");
        }
        for (email, project) in [
            ("push@chat-2.iam.gserviceaccount.com", "chat-1"),
            ("push@chat-1.iam.gserviceaccount.com", "example.com:chat-1"),
            ("push@chat.example.org.iam.gserviceaccount.com", "example.com:chat"),
            ("chat-2@appspot.gserviceaccount.com", "chat-1"),
        ] {
            assert!(other(email, project), "{email} {project}");
        }
    }
}
