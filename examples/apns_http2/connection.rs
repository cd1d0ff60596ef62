//! An HTTP/2 connection: hyper over rustls.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Failure;

/// APNs answers in about a hundred bytes.
const MAX_ANSWER: usize = 16 * 1024;

pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Requests under way at once. The server's SETTINGS may allow more or fewer streams, and hyper keeps to them; what
    /// is in flight here is what a lost connection makes uncertain.
    pub const MAX_STREAMS: usize = 100;

    pub async fn open(authority: &str, tls: Arc<rustls::ClientConfig>) -> Result<Self, Failure> {
        let tcp = TcpStream::connect(authority).await?;
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_owned();
        let stream = TlsConnector::from(tls).connect(ServerName::try_from(host)?, tcp).await?;
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        // It ends with GOAWAY, with the connection, or when the last sender is dropped.
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    /// Whether another stream may be opened.
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    pub fn send(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Bytes>, Failure>> + Send + use<> {
        let mut sender = self.sender.clone();
        async move {
            sender.ready().await?;
            let response = sender.send_request(request.map(Full::new)).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
            Ok(Response::from_parts(parts, body))
        }
    }
}
