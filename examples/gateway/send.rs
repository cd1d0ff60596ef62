//! Carrying requests to push services.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reveille_core::Outcome;
use reveille_examples::clock;
use reveille_webpush::target::PublicHttps;
use reveille_webpush::{Endpoint, classify};

/// No push service says more than this.
const MAX_ANSWER: usize = 16 * 1024;

/// An HTTP client fit for endpoints that come from users: it connects to public addresses only (whatever a name
/// resolves to at this moment), follows no redirects, waits no longer than 10 s, and reads no long answers.
pub struct Sender {
    http: reqwest::Client,
}

impl Sender {
    /// The gateway's own push service has its address in its URL, so no name has to resolve to this machine.
    pub fn new() -> Result<Self, Box<dyn Error>> {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        let tls =
            rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            // A proxy would resolve names itself, past the check of addresses.
            .no_proxy()
            .dns_resolver(Arc::new(CheckedAddresses))
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self { http })
    }

    /// Sends a request and says what the answer means.
    pub async fn send(
        &self,
        endpoint: &Endpoint,
        request: http::Request<Bytes>,
    ) -> Result<Outcome, reqwest::Error> {
        let mut response = self.http.execute(request.try_into()?).await?;
        let mut body = Vec::new();
        // A body that breaks off says nothing; the status is what counts.
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                break;
            }
        }
        Ok(classify(endpoint, response.status(), response.headers(), &body, clock::now()))
    }
}

/// Resolves names to public addresses only: the half of the endpoint policy that needs the network.
struct CheckedAddresses;

impl Resolve for CheckedAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let acceptable = |address: &SocketAddr| PublicHttps.check_address(address.ip()).is_ok();
            let public: Vec<SocketAddr> = found.filter(acceptable).collect();
            if public.is_empty() {
                return Err("the name resolves to no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}
