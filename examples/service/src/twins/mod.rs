//! Push services on this machine, for whoever has no credentials yet, and for tests: the testkit's Web Push, APNs and FCM
//! behind TLS and HTTP/2 on loopback. They check what the real ones check, open what they take, and count it.

mod server;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_crypto::{EcPrivateKey, base64url};
use reveille_crypto_ring::PROVIDER;
use reveille_webpush::{UserAgent, UserAgentKeys};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Clock;
use state::State;

/// How the services name the account that they know.
pub const KEY_ID: &str = "ABC123DEFG";
/// See [`KEY_ID`].
pub const TEAM: &str = "DEF123GHIJ";
/// The FCM project.
pub const PROJECT: &str = "local-project";

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What has to be the same after a restart, so that yesterday's devices are still known: kept in a file of its own.
#[derive(Clone, Serialize, Deserialize)]
pub struct Saved {
    ports: [u16; 3],
    certificate: String,
    key: String,
    p8: String,
    /// Private key and secret of each browser, in the order of their subscriptions.
    browsers: Vec<(String, String)>,
    androids: u64,
    iphones: u64,
}

/// A push that one of the services took, opened as the device opens it.
#[derive(Clone, Debug)]
pub struct Received {
    /// `web_push`, `apns` or `fcm`.
    pub service: &'static str,
    /// Its endpoint or token.
    pub device: String,
    /// What is in it.
    pub data: Value,
    /// When it was taken.
    pub at: UnixTime,
}

/// The three services. Clones are the same ones; they end with the process.
#[derive(Clone)]
pub struct Twins {
    state: Arc<Mutex<State>>,
    /// Where they are: Web Push, APNs, FCM with its token server.
    pub origins: [String; 3],
    certificate: String,
    p8: String,
}

impl Twins {
    /// Starts them, as they were if there is something saved.
    ///
    /// # Errors
    /// If a port is taken that was theirs, or what is saved cannot be read.
    pub async fn start(saved: Option<Saved>, clock: Clock) -> Result<Self, Failure> {
        let saved = match saved {
            Some(saved) => saved,
            None => Saved::new()?,
        };
        let (listeners, ports) = server::listen(saved.ports).await?;
        let origins = ports.map(|port| format!("https://localhost:{port}"));
        let mut state = State::new(&saved.p8, origins.clone(), Saved { ports, ..saved.clone() }, clock)?;
        for (private, auth) in &saved.browsers {
            state.subscribe(UserAgentKeys::from_text(private, auth)?)?;
        }
        let state = Arc::new(Mutex::new(state));
        server::serve(listeners, &saved.certificate, &saved.key, &state)?;
        Ok(Self { state, origins, certificate: saved.certificate, p8: saved.p8 })
    }

    /// What to save.
    pub fn saved(&self) -> Saved {
        self.state().saved.clone()
    }

    /// The certificate that a client has to trust.
    ///
    /// # Errors
    /// If it is none.
    pub fn certificate(&self) -> Result<CertificateDer<'static>, Failure> {
        Ok(CertificateDer::from_pem_slice(self.certificate.as_bytes())?)
    }

    /// The same as PEM, for a file.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// The key that the local APNs knows, as Apple gives it.
    pub fn p8(&self) -> &str {
        &self.p8
    }

    /// A browser subscribes: what a page would send to its server.
    ///
    /// # Errors
    /// If no keys can be made.
    pub fn browser(&self) -> Result<Value, Failure> {
        let keys = UserAgentKeys::generate(PROVIDER)?;
        let saved = (
            keys.private_key().to_base64url().expose().clone(),
            base64url::encode(keys.expose_auth_secret()),
        );
        let mut state = self.state();
        state.saved.browsers.push(saved);
        state.subscribe(keys)
    }

    /// A new iPhone's tokens: for alerts, and for calls.
    pub fn iphone(&self) -> (String, String) {
        let saved = &mut self.state().saved;
        saved.iphones += 1;
        (format!("{:062x}aa", saved.iphones), format!("{:062x}bb", saved.iphones))
    }

    /// A new Android phone's token.
    pub fn android(&self) -> String {
        self.state().android()
    }

    /// All that was taken since the last call, in order. The last million are kept.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.state().received)
    }

    /// How many pushes were taken in all.
    pub fn count(&self) -> u64 {
        self.state().count
    }

    /// Every answer takes so long from now on.
    pub fn set_delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// The next requests, one each, are refused in a way that passes: 503.
    pub fn refuse(&self, requests: usize) {
        self.state().refuse = requests;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Saved {
    fn new() -> Result<Self, Failure> {
        let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let private = PROVIDER.p256.generate()?;
        let public = *PROVIDER.es256.load(&private)?.public_key();
        let p8 = private.with_public_key(public).to_pkcs8_pem().ok_or("no PEM")?.expose().clone();
        Ok(Self {
            ports: [0; 3],
            certificate: identity.cert.pem(),
            key: identity.signing_key.serialize_pem(),
            p8,
            browsers: Vec::new(),
            androids: 0,
            iphones: 0,
        })
    }
}

/// A browser with these keys; the private key may come without its public half.
fn user_agent(keys: UserAgentKeys) -> Result<UserAgent, Failure> {
    let public = match keys.public_key() {
        Some(public) => *public,
        None => {
            *PROVIDER.es256.load(&EcPrivateKey::from_bytes(keys.private_key().expose_scalar())?)?.public_key()
        }
    };
    // ring cannot load a receiver's key: that is what the portable backend is for.
    Ok(UserAgent::new(&keys.with_public_key(public), reveille_crypto_rustcrypto::PROVIDER)?)
}
