//! One provider token for a key, shared by all who send.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderValue;
use reveille_core::{UnixTime, Wakeup};
use reveille_crypto::ES256_SIGNATURE_LEN;
use reveille_crypto::jws::SigningRequest;

use super::state::{Plan, State};
use super::{ProviderKey, SignatureRefused, Token, TokenError, TokenSettings};

/// The provider token of one key, to be shared by all connections and threads; make one source per key.
///
/// Several tokens of one key at the same time are what Apple answers with `TooManyProviderTokenUpdates`: one is signed
/// when it is first asked for, and another one after 50 minutes, if anybody still asks. Processes that share a key share
/// a source, too, or at least its tokens ([`Token::from_jwt`]).
///
/// ```
/// use reveille_apns::{ProviderKey, TokenSettings, TokenSource};
/// use reveille_core::UnixTime;
/// # const P8: &str = "-----BEGIN PRIVATE KEY-----\n\
/// # MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n\
/// # H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n\
/// # 7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n\
/// # -----END PRIVATE KEY-----";
///
/// let key = ProviderKey::from_p8(P8, "DEF123GHIJ".parse()?, "ABC123DEFG".parse()?, reveille_crypto_ring::PROVIDER)?;
/// let tokens = TokenSource::new(key, TokenSettings::default());
/// let now = UnixTime::from_secs(1_700_000_000);
/// let token = tokens.token(now)?; // signed here and now
/// assert_eq!(tokens.token(now + std::time::Duration::from_secs(49 * 60))?, token);
/// # Ok::<(), reveille_apns::Error>(())
/// ```
///
/// A key that is elsewhere signs in two steps:
///
/// ```
/// # use reveille_apns::credential::TokenError;
/// # use reveille_apns::{ProviderKey, TokenSettings, TokenSource};
/// # use reveille_core::UnixTime;
/// # use reveille_crypto::EcPrivateKey;
/// # use reveille_crypto_ring::PROVIDER;
/// # let kms = PROVIDER.es256.load(&PROVIDER.p256.generate()?)?;
/// # let now = UnixTime::from_secs(1_700_000_000);
/// let key = ProviderKey::remote(*kms.public_key(), "DEF123GHIJ".parse()?, "ABC123DEFG".parse()?, PROVIDER);
/// let tokens = TokenSource::new(key, TokenSettings::default());
/// // 1. Ask for a token whenever something is to be sent.
/// assert_eq!(tokens.token(now), Err(TokenError::Pending));
/// // 2. Do what it asks for, also when there was a token: it is renewed ahead of time.
/// while let Some(request) = tokens.poll_output() {
///     match kms.sign(request.signing_input()) {
///         Ok(signature) => tokens.handle_signature(&request, &signature, now)?,
///         Err(_) => tokens.handle_failure(&request, now),
///     }
/// }
/// // 3. Send.
/// let token = tokens.token(now)?;
/// // 4. Where nothing is sent for minutes and a token shall be ready all the same, call `handle_timeout` at `next_wakeup`.
/// assert_eq!(tokens.next_wakeup().map(|wakeup| wakeup.at), Some(now + std::time::Duration::from_secs(50 * 60)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Locks
/// All methods take `&self`. One lock inside is held for a look-up or an installation, and never while something is
/// signed or verified: a slow signer stops nobody who has a token. Threads that find no token at all, with a key that is
/// here, sign one each, and all of them use the one that was finished first. A panic of a signer leaves the lock usable.
///
/// # Time
/// The clock may be wrong. Tokens of up to four times are kept, so that a jump for a moment does not lose a good one; a
/// token that lies up to 20 minutes in the future is used (another would be the second within 20 minutes), one that lies
/// further ahead is not; and a clock that keeps jumping back gets [`TokenError::Clock`] instead of ever new tokens.
pub struct TokenSource {
    key: ProviderKey,
    state: Mutex<State>,
}

/// What [`TokenSource::handle_refusal`] did about a refused token, so that the sender knows whether to send again at
/// once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It is replaced: ask for a token again.
    Renewing,
    /// There is another one already, or the refused one is not of this source: ask for a token and send again.
    Replaced,
    /// It is younger than 20 minutes, so age is not its fault; it stays in use, and is replaced then. Look at the clock,
    /// the key and the environment.
    TooYoung {
        /// When the token is 20 minutes old.
        until: UnixTime,
    },
}

impl TokenSource {
    /// A source without a token; the first one is signed when it is asked for.
    #[must_use]
    pub fn new(key: ProviderKey, settings: TokenSettings) -> Self {
        Self { key, state: Mutex::new(State::new(settings)) }
    }

    /// The token to send with. With a key that is here it is signed when it is due; with one that is elsewhere a due
    /// token goes on serving, and the wish for the next one waits in [`poll_output`](Self::poll_output).
    ///
    /// # Errors
    /// [`TokenError::Pending`] if the first token, or one in place of a refused or expired one, is to be signed elsewhere;
    /// [`TokenError::Signing`] if the key that is here fails; [`TokenError::Clock`] if the clock jumps.
    pub fn token(&self, now: UnixTime) -> Result<Token, TokenError> {
        self.get(true, now)
    }

    fn get(&self, asked: bool, now: UnixTime) -> Result<Token, TokenError> {
        let signer = self.key.signer();
        // Bound, so that the lock is gone before anything is signed.
        let plan = self.state().token(signer.is_some(), asked, now);
        match (plan, signer) {
            (Plan::Use(token), _) => Ok(token),
            (Plan::Unsteady, _) => Err(TokenError::Clock),
            (Plan::Sign { old }, Some(signer)) => {
                let jws = self.key.unsigned(now);
                let signed = signer.sign(jws.signing_input()).and_then(|signature| {
                    Token::from_jwt(&jws.finish(&signature), now).map_err(|_| reveille_crypto::CryptoError)
                });
                match signed {
                    Ok(token) => Ok(self.state().signed_here(token, asked, now)),
                    Err(error) => {
                        self.state().failed_here(now);
                        old.ok_or(TokenError::Signing(error))
                    }
                }
            }
            (Plan::Wait | Plan::Sign { .. }, _) => Err(TokenError::Pending),
        }
    }

    /// What is to be signed elsewhere, if anything is: give the request and its signature to
    /// [`handle_signature`](Self::handle_signature). One request is under way at a time.
    pub fn poll_output(&self) -> Option<SigningRequest> {
        self.state().poll_output(&self.key)
    }

    /// Takes a signature: R and S, 64 bytes (RFC 7518 §3.4). It is verified before it is used.
    ///
    /// # Errors
    /// [`SignatureRefused`]. [`Length`](SignatureRefused::Length) and [`Invalid`](SignatureRefused::Invalid) count as
    /// failures of the signer, as [`handle_failure`](Self::handle_failure).
    pub fn handle_signature(
        &self,
        request: &SigningRequest,
        signature: &[u8],
        now: UnixTime,
    ) -> Result<(), SignatureRefused> {
        if !self.state().waits_for(request) {
            return Err(SignatureRefused::Unknown);
        }
        if signature.len() != ES256_SIGNATURE_LEN {
            self.handle_failure(request, now);
            return Err(SignatureRefused::Length { length: signature.len() });
        }
        if !self.key.verifies(request.signing_input(), signature) {
            self.handle_failure(request, now);
            return Err(SignatureRefused::Invalid);
        }
        let mut state = self.state();
        // Somebody else may have answered meanwhile.
        let (jwt, issued_at) = state.finish(request, signature).ok_or(SignatureRefused::Unknown)?;
        let token = Token::from_jwt(&jwt, issued_at).map_err(|_| SignatureRefused::Invalid)?;
        state.signed_elsewhere(token);
        Ok(())
    }

    /// The signer elsewhere could not sign: it is asked again after ten seconds, and one that does not answer at all after
    /// sixty ([`TokenSettings`]). The old token stays in use while it may. Nothing happens if nobody waits for the request.
    pub fn handle_failure(&self, request: &SigningRequest, now: UnixTime) {
        self.state().failed_elsewhere(request, now);
    }

    /// APNs refused a token (`RefreshCredential`): this very one, by the `authorization` of the refused request. A refusal
    /// that comes late says nothing about a newer token. Close the connection as well: after `ExpiredProviderToken` it
    /// refuses everything, also with a new token.
    pub fn handle_refusal(&self, refused: &HeaderValue, now: UnixTime) -> Refusal {
        self.state().handle_refusal(self.key.signer().is_some(), refused, now)
    }

    /// Renews a token that was used and is due, ahead of the next [`token`](Self::token): signs here, or puts the wish into
    /// [`poll_output`](Self::poll_output). Early and repeated calls do no harm.
    pub fn handle_timeout(&self, now: UnixTime) {
        let asked = self.state().is_asked();
        if asked {
            // A key that fails is asked again after its pause; who needs the token now is told by `token`.
            let _ = self.get(false, now);
        }
    }

    /// When the token in use is due, or a signer that is at work counts as lost. `None` while nothing is in use, and while
    /// something waits in [`poll_output`](Self::poll_output).
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Wakeup> {
        self.state().next_wakeup()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics under this lock, and the state is whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").field("key", &self.key).finish_non_exhaustive()
    }
}
