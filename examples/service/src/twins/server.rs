//! Three listeners on loopback, TLS, HTTP/2.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::Failure;
use super::state::State;

/// APNs takes 5 KB, Web Push 4 KB.
const BODY: usize = 64 * 1024;

/// The ports that they had, or any that are free.
pub(super) async fn listen(ports: [u16; 3]) -> Result<([TcpListener; 3], [u16; 3]), Failure> {
    let bind = async |port: u16| TcpListener::bind(("127.0.0.1", port)).await;
    let all = [bind(ports[0]).await?, bind(ports[1]).await?, bind(ports[2]).await?];
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(&all) {
        *port = listener.local_addr()?.port();
    }
    Ok((all, ports))
}

pub(super) fn serve(
    listeners: [TcpListener; 3],
    certificate: &str,
    key: &str,
    state: &Arc<Mutex<State>>,
) -> Result<(), Failure> {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes())?];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let tls = TlsAcceptor::from(Arc::new(tls));
    for (service, listener) in listeners.into_iter().enumerate() {
        tokio::spawn(accept(service, listener, tls.clone(), Arc::clone(state)));
    }
    Ok(())
}

async fn accept(service: usize, listener: TcpListener, tls: TlsAcceptor, state: Arc<Mutex<State>>) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        tokio::spawn(connection(service, tcp, tls.clone(), Arc::clone(&state)));
    }
}

async fn connection(
    service: usize,
    tcp: TcpStream,
    tls: TlsAcceptor,
    state: Arc<Mutex<State>>,
) -> Result<(), Failure> {
    tcp.set_nodelay(true)?;
    let stream = tls.accept(tcp).await?;
    let answer = service_fn(move |request| answer(service, request, Arc::clone(&state)));
    let mut server = http2::Builder::new(TokioExecutor::new());
    Ok(server.max_concurrent_streams(250).serve_connection(TokioIo::new(stream), answer).await?)
}

async fn answer(
    service: usize,
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let (response, delay) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.handle(service, &Request::from_parts(head, body)), state.delay)
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    Ok(response.map(Full::new))
}
