//! A push service that takes everything, and remembers when: TLS and HTTP/2 on loopback. Path `/p/N`: the browser of person N.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{Failure, PEOPLE};

pub struct Sink {
    pub origin: String,
    pub certificate: CertificateDer<'static>,
    pub pem: String,
    state: Arc<State>,
}

struct State {
    count: AtomicU64,
    /// When the last push for this person came.
    came: Vec<Mutex<Option<Instant>>>,
}

impl Sink {
    pub async fn start() -> Result<Self, Failure> {
        let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let certificate = identity.cert.der().clone();
        let key = PrivateKeyDer::try_from(identity.signing_key.serialize_der())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)?;
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let tls = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let origin = format!("https://localhost:{}", listener.local_addr()?.port());
        let came = (0..PEOPLE).map(|_| Mutex::new(None)).collect();
        let state = Arc::new(State { count: AtomicU64::new(0), came });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(connection(tcp, tls.clone(), Arc::clone(&shared)));
            }
        });
        Ok(Self { origin, certificate, pem: identity.cert.pem(), state })
    }

    pub fn count(&self) -> u64 {
        self.state.count.load(Relaxed)
    }

    /// When a push came for this person since the last call.
    pub fn take(&self, person: usize) -> Option<Instant> {
        self.state.came.get(person)?.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

async fn connection(tcp: TcpStream, tls: TlsAcceptor, state: Arc<State>) -> Result<(), Failure> {
    tcp.set_nodelay(true)?;
    let stream = tls.accept(tcp).await?;
    let answer = service_fn(move |request| answer(request, Arc::clone(&state)));
    let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    Ok(server.max_concurrent_streams(250).serve_connection(TokioIo::new(stream), answer).await?)
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let person = request.uri().path().strip_prefix("/p/").and_then(|text| text.parse::<usize>().ok());
    if let Some(came) = person.and_then(|person| state.came.get(person)) {
        *came.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
    let _ = request.into_body().collect().await;
    state.count.fetch_add(1, Relaxed);
    let mut response = Response::new(Empty::new());
    *response.status_mut() = http::StatusCode::CREATED;
    response.headers_mut().insert("location", http::HeaderValue::from_static("/m/1"));
    Ok(response)
}
