//! Where requests go.

use http::Uri;
use http::uri::Authority;
use reveille_payload::{InvalidText, check_text};
use thiserror::Error;

/// Why a project or its server is refused; the error of [`Project::new`] and [`Project::at`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidProject {
    /// Length or characters of the id.
    #[error(transparent)]
    Id(#[from] InvalidText),
    /// An id that starts like none.
    #[error("project is neither a project id nor a number")]
    Form,
    /// The server is not one that an access token may be sent to.
    #[error("origin is not https://host[:port], nor http on loopback")]
    Origin,
}

/// A Firebase project: its id or number, and the server that answers for it. Every request needs one; make it once.
///
/// ```
/// use reveille_fcm::Project;
/// let project = Project::new("my-project")?;
/// assert_eq!(project.send_uri(), "https://fcm.googleapis.com/v1/projects/my-project/messages:send");
/// let local = Project::at("http://127.0.0.1:8080", "my-project")?;
/// assert_eq!(local.send_uri(), "http://127.0.0.1:8080/v1/projects/my-project/messages:send");
/// assert!(Project::at("http://fcm.googleapis.com", "my-project").is_err(), "an access token never goes in the clear");
/// # Ok::<(), reveille_fcm::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    id: Box<str>,
    origin: Box<str>,
    send: Uri,
}

impl Project {
    /// Google's server.
    pub const ORIGIN: &'static str = "https://fcm.googleapis.com";
    /// Google's server for clients with a certificate (mTLS).
    pub const MTLS_ORIGIN: &'static str = "https://fcm.mtls.googleapis.com";

    /// A project at Google's server.
    ///
    /// # Errors
    /// [`InvalidProject`] if it is neither an id nor a number.
    pub fn new(id: &str) -> Result<Self, InvalidProject> {
        Self::at(Self::ORIGIN, id)
    }

    /// A project at another server: [`MTLS_ORIGIN`](Self::MTLS_ORIGIN), a proxy, a local test.
    ///
    /// # Errors
    /// [`InvalidProject`], also if the origin is not `https://host[:port]`; `http` is accepted for loopback only.
    pub fn at(origin: &str, id: &str) -> Result<Self, InvalidProject> {
        check_text("project", id, 64, "A-Z a-z 0-9 - _ . :", |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':')
        })?;
        if id.starts_with(['.', ':', '-']) {
            return Err(InvalidProject::Form);
        }
        let parsed: Uri = origin.parse().map_err(|_| InvalidProject::Origin)?;
        if !is_safe_origin(&parsed) {
            return Err(InvalidProject::Origin);
        }
        let origin = origin.trim_end_matches('/');
        let mut send: Uri =
            format!("{origin}/v1/projects/{id}/messages:send").parse().map_err(|_| InvalidProject::Origin)?;
        if origin == Self::ORIGIN {
            // A constant is cloned without counting references; every request has a clone.
            let mut parts = send.into_parts();
            parts.authority = Some(Authority::from_static("fcm.googleapis.com"));
            send = Uri::from_parts(parts).map_err(|_| InvalidProject::Origin)?;
        }
        Ok(Self { id: id.into(), origin: origin.into(), send })
    }

    /// Returns the project's id or number.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the URI of `messages:send`, to which messages go.
    #[must_use]
    pub const fn send_uri(&self) -> &Uri {
        &self.send
    }

    /// Returns the server: `https://fcm.googleapis.com`, unless another was given.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// Scheme and host, nothing behind them; `http` only to this machine.
pub(crate) fn is_safe_origin(uri: &Uri) -> bool {
    let bare = uri.path_and_query().is_none_or(|path| path == "/");
    bare && is_safe(uri)
}

/// A URI that a secret may be sent to: `https`, or `http` to this machine.
pub(crate) fn is_safe(uri: &Uri) -> bool {
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    if authority.as_str().contains('@') {
        return false;
    }
    let loopback = matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]");
    scheme == "https" || (scheme == "http" && loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_its_place_in_the_path() {
        for id in ["", "a/b", "..", "a?b", "a#b", "a b", "%2e", "é", &"x".repeat(65)] {
            assert!(Project::new(id).is_err(), "{id}");
        }
        for id in ["my-project-1", "123456789012", "example.com:project"] {
            assert!(Project::new(id).is_ok(), "{id}");
        }
    }

    #[test]
    fn texts() {
        insta::assert_snapshot!(Project::new("a b").unwrap_err(), @"project has a character at byte 1 that is not allowed; allowed: A-Z a-z 0-9 - _ . :");
        insta::assert_snapshot!(Project::new(".a").unwrap_err(), @"project is neither a project id nor a number");
        insta::assert_snapshot!(Project::at("http://h", "p").unwrap_err(), @"origin is not https://host[:port], nor http on loopback");
    }

    #[test]
    fn origins() {
        for origin in [
            "",
            "fcm.googleapis.com",
            "https://h/path",
            "https://u:p@h",
            "ftp://h",
            "http://h",
            "http://127.0.0.1.example",
        ] {
            assert!(Project::at(origin, "p").is_err(), "{origin}");
        }
        for origin in [Project::MTLS_ORIGIN, "http://localhost:1", "http://[::1]:8080", "https://h/"] {
            assert!(Project::at(origin, "p").is_ok(), "{origin}");
        }
    }
}
