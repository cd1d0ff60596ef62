//! An APNs on this machine: the testkit's service behind TLS and HTTP/2. Its first connection says GOAWAY in the middle,
//! its second one breaks, its third one takes the provider token for expired, and after that everything, as Apple's do.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use reveille_apns::DeviceToken;
use reveille_core::UnixTime;
use reveille_crypto_ring::PROVIDER;
use reveille_examples::clock;
use reveille_testkit::apns::{ApnsService, Refusal, TrustedKey};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use super::Failure;

/// After how many requests the first connection says GOAWAY, the second one breaks, and the third is of no more use.
const GOAWAY_AFTER: usize = 300;
const BREAK_AFTER: usize = 200;
const WEDGE_AFTER: usize = 100;
/// Which connection is the third.
const WEDGED: usize = 2;

pub struct LocalApns {
    pub authority: String,
    pub p8: String,
    certificate: CertificateDer<'static>,
    shared: Arc<Shared>,
}

struct Shared {
    service: Mutex<ApnsService>,
    devices: Mutex<BTreeSet<String>>,
    connections: AtomicUsize,
}

impl LocalApns {
    pub async fn start(now: UnixTime) -> Result<Self, Failure> {
        let private = PROVIDER.p256.generate()?;
        let public = *PROVIDER.es256.load(&private)?.public_key();
        let p8 = private.with_public_key(public).to_pkcs8_pem().ok_or("no PEM")?.expose().clone();

        let mut service = ApnsService::new(PROVIDER);
        service.trust(TrustedKey::new("DEF123GHIJ", "ABC123DEFG", public).for_topics(["com.example.app"]));
        for n in 0..5 {
            service.unregister(&token(n), now);
        }
        service.answer_device(&token(5), Refusal::new(400, "BadDeviceToken"));
        let shared = Arc::new(Shared {
            service: Mutex::new(service),
            devices: Mutex::default(),
            connections: AtomicUsize::new(0),
        });

        let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let certificate = identity.cert.der().clone();
        let key = PrivateKeyDer::try_from(identity.signing_key.serialize_der())?;
        let mut tls = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)?;
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let authority = format!("localhost:{}", listener.local_addr()?.port());
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(tls)), Arc::clone(&shared)));
        Ok(Self { authority, p8, certificate, shared })
    }

    /// A client's TLS that trusts this server.
    pub fn trust(&self) -> Arc<rustls::ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        // Made by this very program.
        roots.add(self.certificate.clone()).unwrap();
        let mut tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(tls)
    }

    pub fn devices(&self, count: usize) -> Vec<DeviceToken> {
        // From the last: the first push must not meet one of the dead.
        (0..count).rev().map(|n| token(n).parse().unwrap()).collect()
    }

    pub fn connections(&self) -> usize {
        self.shared.connections.load(SeqCst)
    }

    pub fn distinct_devices(&self) -> usize {
        self.shared.devices.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn token(n: usize) -> String {
    format!("{n:064x}")
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    while let Ok((tcp, _)) = listener.accept().await {
        let number = shared.connections.fetch_add(1, SeqCst);
        tokio::spawn(serve(number, tcp, tls.clone(), Arc::clone(&shared)));
    }
}

async fn serve(number: usize, tcp: TcpStream, tls: TlsAcceptor, shared: Arc<Shared>) -> Result<(), Failure> {
    let stream = tls.accept(tcp).await?;
    let (answered, enough) = (AtomicUsize::new(0), Arc::new(Notify::new()));
    let limit = [GOAWAY_AFTER, BREAK_AFTER].get(number).copied().unwrap_or(usize::MAX);
    let told = Arc::clone(&enough);
    let service = service_fn(move |request: Request<Incoming>| {
        let count = answered.fetch_add(1, SeqCst) + 1;
        if count == limit {
            told.notify_one();
        }
        answer(request, Arc::clone(&shared), number == WEDGED && count > WEDGE_AFTER)
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(100)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return Ok(ended?),
        () = enough.notified() => {}
    }
    if number == 0 {
        // GOAWAY: streams that are open are answered, new ones are not taken.
        connection.as_mut().graceful_shutdown();
        connection.await?;
    }
    // Else the connection is dropped with all its streams.
    Ok(())
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    wedged: bool,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    if wedged {
        return Ok(Refusal::new(403, "ExpiredProviderToken").response("apns-id", "").map(Full::new));
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut service = shared.service.lock().unwrap_or_else(PoisonError::into_inner);
    let response = service.handle(&Request::from_parts(parts, body), clock::now());
    let mut devices = shared.devices.lock().unwrap_or_else(PoisonError::into_inner);
    devices.extend(service.take_pushes().into_iter().map(|push| push.device));
    Ok(response.map(Full::new))
}
