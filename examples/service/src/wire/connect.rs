//! From an origin to a stream: resolve, check each address, connect to that very one, and then TLS.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{AllowedOrigins, Origin, Proxy, Why};

/// A connection, encrypted or not.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A stream, and whether HTTP/2 was agreed on.
pub(super) struct Connected {
    pub(super) stream: Box<dyn Stream>,
    pub(super) is_h2: bool,
}

pub(super) struct Connector {
    pub(super) tls: Arc<rustls::ClientConfig>,
    pub(super) allowed: AllowedOrigins,
    pub(super) proxy: Option<Proxy>,
    /// For one address; several are tried in turn.
    pub(super) patience: Duration,
}

/// A proxy says no more than this before the tunnel.
const PROXY_HEAD: usize = 4 * 1024;
/// A name with more addresses is nobody's push service.
const MOST_ADDRESSES: usize = 8;

impl Connector {
    /// The same, but HTTP/2 is not offered.
    pub(super) fn for_http1(&self) -> Self {
        let mut tls = (*self.tls).clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (allowed, proxy, patience) = (self.allowed.clone(), self.proxy.clone(), self.patience);
        Self { tls: Arc::new(tls), allowed, proxy, patience }
    }

    pub(super) async fn connect(&self, origin: &Origin) -> Result<Connected, Why> {
        let named = self.allowed.names(origin);
        if !origin.secure && !named {
            return Err(Why::Address);
        }
        let addresses = self.addresses(origin).await?;
        let mut why = Why::Connect;
        for address in addresses {
            // What the settings name is near: nothing is gained by a proxy.
            let tcp = match self.proxy.as_ref().filter(|_| !named) {
                Some(proxy) => timeout(self.patience, tunnel(proxy, address)).await,
                None => timeout(self.patience, direct(address)).await,
            };
            match tcp {
                Ok(Ok(tcp)) => return self.secure(origin, tcp).await,
                Ok(Err(other)) => why = other,
                Err(_) => why = Why::Connect,
            }
        }
        Err(why)
    }

    /// The addresses that may be connected to. With a proxy, too: it is told the address, and not the name, or its own
    /// resolver would decide.
    async fn addresses(&self, origin: &Origin) -> Result<Vec<SocketAddr>, Why> {
        let found: Vec<SocketAddr> = match origin.host.parse::<IpAddr>() {
            Ok(literal) => vec![SocketAddr::new(literal, origin.port)],
            Err(_) => {
                let found = tokio::net::lookup_host((&*origin.host, origin.port));
                let found = timeout(self.patience, found).await.map_err(|_| Why::Resolve)?;
                found.map_err(|_| Why::Resolve)?.take(MOST_ADDRESSES).collect()
            }
        };
        if found.is_empty() {
            return Err(Why::Resolve);
        }
        let may = |address: &SocketAddr| self.allowed.allows(origin, address.ip());
        let allowed: Vec<SocketAddr> = found.into_iter().filter(may).collect();
        if allowed.is_empty() { Err(Why::Address) } else { Ok(allowed) }
    }

    async fn secure(&self, origin: &Origin, tcp: TcpStream) -> Result<Connected, Why> {
        // Requests are small, and each is written whole.
        let _ = tcp.set_nodelay(true);
        if !origin.secure {
            return Ok(Connected { stream: Box::new(tcp), is_h2: false });
        }
        let name = ServerName::try_from(origin.host.to_string()).map_err(|_| Why::Uri)?;
        let handshake = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp);
        let stream = timeout(self.patience, handshake).await.map_err(|_| Why::Tls)?.map_err(|_| Why::Tls)?;
        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Connected { stream: Box::new(stream), is_h2 })
    }
}

async fn direct(address: SocketAddr) -> Result<TcpStream, Why> {
    TcpStream::connect(address).await.map_err(|_| Why::Connect)
}

/// CONNECT (RFC 9110 §9.3.6), to the address that was checked.
async fn tunnel(proxy: &Proxy, address: SocketAddr) -> Result<TcpStream, Why> {
    let mut tcp = TcpStream::connect(&*proxy.authority).await.map_err(|_| Why::Proxy)?;
    let mut head = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n");
    if let Some(authorization) = &proxy.authorization {
        head.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
    }
    head.push_str("\r\n");
    tcp.write_all(head.as_bytes()).await.map_err(|_| Why::Proxy)?;
    // Byte by byte: what follows the head is the tunnel's.
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= PROXY_HEAD {
            return Err(Why::Proxy);
        }
        answer.push(tcp.read_u8().await.map_err(|_| Why::Proxy)?);
    }
    let status = answer.split(|byte| *byte == b' ').nth(1);
    if status.is_some_and(|status| status.first() == Some(&b'2')) { Ok(tcp) } else { Err(Why::Proxy) }
}
