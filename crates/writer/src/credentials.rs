//! Credentials: what has to be signed or fetched for them, and when.

use bytes::Bytes;
use http::{Request, Response};
use reveille_core::{UnixTime, Wakeup};
use reveille_crypto::jws::SigningRequest;
use reveille_fcm::credential::{FetchId, TokenFailure};
use reveille_fcm::{self as fcm, TokenOutput};
use thiserror::Error;

use crate::Writer;

/// One credential of a [`Writer`], as its outputs name it: give it back with what was signed or fetched. An application server, an APNs key, a Firebase project's account. A number within this
/// writer, in the order in which apps were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums, reason = "there are these services and no others")]
pub enum Credential {
    /// An application server, with all its VAPID keys.
    WebPush(u16),
    /// A team's key at Apple.
    Apns(u16),
    /// A source of access tokens.
    Fcm(u16),
}

/// What a driver has to do for a credential, or may want to know: [`Writer::poll_output`] returns it. `Debug` prints no body.
#[derive(Debug)]
#[non_exhaustive]
pub enum WriterOutput {
    /// Sign this with a key that is elsewhere; then [`handle_signature`](Writer::handle_signature) or
    /// [`handle_signing_failure`](Writer::handle_signing_failure).
    Sign {
        /// Whose.
        credential: Credential,
        /// What.
        request: SigningRequest,
    },
    /// Send this to Google's token server; then [`handle_fetched`](Writer::handle_fetched) or
    /// [`handle_fetch_failure`](Writer::handle_fetch_failure).
    Fetch {
        /// Whose.
        credential: Credential,
        /// To be given back.
        fetch: FetchId,
        /// As good as a password for an hour.
        request: Fetch,
    },
    /// There is a new access token: what waited for it may be written.
    Renewed {
        /// Whose.
        credential: Credential,
        /// Its end.
        expires_at: UnixTime,
    },
    /// A fetch failed; another follows by itself. Tell the operator if the kind of the failure says so.
    Failed {
        /// Whose.
        credential: Credential,
        /// How.
        failure: TokenFailure,
    },
}

/// A request to Google's token server: send it as it is, and give the answer to
/// [`Writer::handle_fetched`](crate::Writer::handle_fetched). `Debug` shows the host.
#[allow(clippy::exhaustive_structs, reason = "a request that is not printed")]
pub struct Fetch(pub Request<Bytes>);

impl std::fmt::Debug for Fetch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fetch({:?})", self.0.uri().host())
    }
}

/// Why a signature is not used: the error of [`Writer::handle_signature`]. What was in use stays in use; look at the signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureRefused {
    /// This writer has no such credential.
    #[error("no such credential: {credential:?}")]
    NoCredential {
        /// Which.
        credential: Credential,
    },
    /// Of an application server.
    #[error(transparent)]
    WebPush(#[from] reveille_webpush::credential::SignatureRefused),
    /// Of a key at Apple.
    #[error(transparent)]
    Apns(#[from] reveille_apns::credential::SignatureRefused),
    /// Of an account at Google.
    #[error(transparent)]
    Fcm(#[from] fcm::credential::SignatureRefused),
}

impl Writer {
    /// Asks for every APNs and FCM token, so that the first push need not wait for one. Then drain
    /// [`poll_output`](Self::poll_output). Tokens of Web Push are per push service, and are asked for by the first push there.
    pub fn warm(&self, now: UnixTime) {
        for source in &self.apns {
            let _ = source.token(now);
        }
        for source in &self.fcm {
            let _ = source.token(now);
        }
    }

    /// The next thing to sign, to fetch or to know. Drain it after every [`write`](Self::write),
    /// [`read`](Self::read), [`warm`](Self::warm) and [`handle_timeout`](Self::handle_timeout). With keys that sign here,
    /// only FCM has something to do, once an hour.
    #[must_use]
    pub fn poll_output(&self) -> Option<WriterOutput> {
        for (at, server) in numbered(&self.web_push) {
            if let Some(request) = server.poll_output() {
                return Some(WriterOutput::Sign { credential: Credential::WebPush(at), request });
            }
        }
        for (at, source) in numbered(&self.apns) {
            if let Some(request) = source.poll_output() {
                return Some(WriterOutput::Sign { credential: Credential::Apns(at), request });
            }
        }
        for (at, source) in numbered(&self.fcm) {
            let credential = Credential::Fcm(at);
            while let Some(output) = source.poll_output() {
                return Some(match output {
                    TokenOutput::Sign(request) => WriterOutput::Sign { credential, request },
                    TokenOutput::Fetch { fetch, request } => {
                        WriterOutput::Fetch { credential, fetch, request: Fetch(request) }
                    }
                    TokenOutput::Ready { expires_at } => WriterOutput::Renewed { credential, expires_at },
                    TokenOutput::Failed(failure) => WriterOutput::Failed { credential, failure },
                    _ => continue,
                });
            }
        }
        None
    }

    /// A signature came from elsewhere. It is verified before it is used.
    ///
    /// # Errors
    /// [`SignatureRefused`]; what was in use stays in use.
    pub fn handle_signature(
        &self,
        credential: Credential,
        request: &SigningRequest,
        signature: &[u8],
        now: UnixTime,
    ) -> Result<(), SignatureRefused> {
        let missing = SignatureRefused::NoCredential { credential };
        match credential {
            Credential::WebPush(at) => {
                self.web_push
                    .get(usize::from(at))
                    .ok_or(missing)?
                    .handle_signature(request, signature, now)?;
            }
            Credential::Apns(at) => {
                self.apns.get(usize::from(at)).ok_or(missing)?.handle_signature(request, signature, now)?;
            }
            Credential::Fcm(at) => {
                self.fcm.get(usize::from(at)).ok_or(missing)?.handle_signature(request, signature, now)?;
            }
        }
        Ok(())
    }

    /// The signer elsewhere failed; it is asked again after its pause.
    pub fn handle_signing_failure(&self, credential: Credential, request: &SigningRequest, now: UnixTime) {
        match credential {
            Credential::WebPush(at) => {
                if let Some(server) = self.web_push.get(usize::from(at)) {
                    server.handle_failure(request, now);
                }
            }
            Credential::Apns(at) => {
                if let Some(source) = self.apns.get(usize::from(at)) {
                    source.handle_failure(request, now);
                }
            }
            Credential::Fcm(_) => {
                if let Some(source) = self.fcm_source(credential) {
                    source.handle_failure(request, now);
                }
            }
        }
    }

    /// The token server's answer. Nothing happens for credentials that fetch nothing.
    pub fn handle_fetched(
        &self,
        credential: Credential,
        fetch: FetchId,
        response: &Response<impl AsRef<[u8]>>,
        now: UnixTime,
    ) {
        if let Some(source) = self.fcm_source(credential) {
            source.handle_response(fetch, response, now);
        }
    }

    /// The token server could not be reached.
    pub fn handle_fetch_failure(&self, credential: Credential, fetch: FetchId, now: UnixTime) {
        if let Some(source) = self.fcm_source(credential) {
            source.handle_failure(fetch, now);
        }
    }

    /// Time has passed: renews what is in use and due, here or through [`poll_output`](Self::poll_output).
    pub fn handle_timeout(&self, now: UnixTime) {
        for server in &self.web_push {
            server.handle_timeout(now);
        }
        for source in &self.apns {
            source.handle_timeout(now);
        }
        for source in &self.fcm {
            source.handle_timeout(now);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do: the earliest of all credentials.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Wakeup> {
        let web_push = self.web_push.iter().filter_map(|server| server.next_wakeup());
        let apns = self.apns.iter().filter_map(|source| source.next_wakeup());
        let fcm = self.fcm.iter().filter_map(|source| source.next_wakeup());
        web_push.chain(apns).chain(fcm).min_by_key(|wakeup| wakeup.at)
    }

    pub(crate) fn fcm_source(&self, credential: Credential) -> Option<&fcm::TokenSource> {
        let Credential::Fcm(at) = credential else { return None };
        self.fcm.get(usize::from(at)).map(AsRef::as_ref)
    }
}

fn numbered<T>(list: &[T]) -> impl Iterator<Item = (u16, &T)> {
    (0..=u16::MAX).zip(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let refused = SignatureRefused::NoCredential { credential: Credential::Apns(3) };
        insta::assert_snapshot!(refused, @"no such credential: Apns(3)");
    }
}
