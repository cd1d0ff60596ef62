//! The wire: requests out, answers in, over HTTP/2 where the service speaks it.
//!
//! Endpoints come from users, so nothing is connected to but what the policy allows ([`AllowedOrigins`]), by the address
//! that was resolved and checked; redirects are answers like others; and time, connections, streams and bodies are bounded.

mod connect;
mod connection;
mod failure;
mod origin;
mod pool;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;

pub use connect::Stream;
pub use failure::{Failure, Why};
pub use origin::{AllowedOrigins, InvalidOrigin, Origin};

use connect::Connector;
use pool::Pool;

/// The bounds of a [`Wire`]. Begin with the default.
#[derive(Clone, Debug)]
pub struct WireSettings {
    /// For each of: resolving a name, one address, TLS, the handshake. Default: 5 s.
    pub connect: Duration,
    /// For a place on a connection, connecting included. Default: 8 s.
    pub place: Duration,
    /// From the request to the head of the answer. Default: 10 s.
    pub answer: Duration,
    /// For the body of the answer; what is not there then is left out. Default: 5 s.
    pub body: Duration,
    /// Bytes of an answer that are read. Default: 16 KiB.
    pub body_bytes: usize,
    /// Requests under way on one connection, if the service allows as many. Default: 200.
    pub streams: usize,
    /// Connections to one origin. Default: 8.
    pub connections: usize,
    /// Origins that are connected to. Over it, the one that is idle for longest is closed. Default: 1,000.
    pub origins: usize,
    /// Connections that nobody used for so long are closed. Default: 10 min.
    pub idle: Duration,
    /// PING, also on connections that are idle. Default: every 30 s.
    pub ping_every: Duration,
    /// How long its answer may take. Default: 10 s.
    pub ping_patience: Duration,
    /// Through which proxy. Default: none.
    pub proxy: Option<Proxy>,
}

/// A proxy that understands CONNECT. It is told addresses that were resolved and checked here.
#[derive(Clone)]
pub struct Proxy {
    /// `host:port`
    pub authority: String,
    /// The value of `Proxy-Authorization`.
    pub authorization: Option<String>,
}

/// Says nothing of the authorization.
impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("authority", &self.authority).finish_non_exhaustive()
    }
}

impl Default for WireSettings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            place: Duration::from_secs(8),
            answer: Duration::from_secs(10),
            body: Duration::from_secs(5),
            body_bytes: 16 * 1024,
            streams: 200,
            connections: 8,
            origins: 1_000,
            idle: Duration::from_secs(600),
            ping_every: Duration::from_secs(30),
            ping_patience: Duration::from_secs(10),
            proxy: None,
        }
    }
}

/// An HTTP client for push services. One for a process; cheap to share behind an `Arc`.
pub struct Wire {
    settings: WireSettings,
    connector: Connector,
    pools: Mutex<HashMap<Origin, Arc<Pool>>>,
}

impl Wire {
    /// A client that trusts the usual authorities, and these certificates besides: those of push services of one's own.
    ///
    /// # Errors
    /// If one of the certificates is none.
    pub fn new(
        settings: WireSettings,
        allowed: AllowedOrigins,
        certificates: &[rustls::pki_types::CertificateDer<'static>],
    ) -> Result<Self, rustls::Error> {
        let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        for certificate in certificates {
            roots.add(certificate.clone())?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let (patience, proxy) = (settings.connect, settings.proxy.clone());
        let connector = Connector { tls: Arc::new(tls), allowed, proxy, patience };
        Ok(Self { settings, connector, pools: Mutex::default() })
    }

    /// Sends a request and waits for its answer. Whatever the service says is an answer, a redirect as well. What met a
    /// connection that was over goes once more at once, since no byte of it left.
    ///
    /// # Errors
    /// [`Failure`] says whether the service may have seen it.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
        match self.once(request.clone()).await {
            Err(Failure::NotSent(Why::Closed)) => self.once(request).await,
            answer => answer,
        }
    }

    async fn once(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
        let origin = Origin::of(request.uri()).ok_or(Failure::NotSent(Why::Uri))?;
        let pool = self.pool(&origin)?;
        let place = pool.place(&self.connector, &self.settings).await.map_err(Failure::NotSent)?;
        let connection = &place.connection;
        let answer = connection.send(carried(request, connection.is_h2())?, self.settings.answer).await?;
        Ok(self.read(answer).await)
    }

    /// The head is the answer: a body that breaks off, takes too long or does not end is cut.
    async fn read(&self, answer: Response<Incoming>) -> Response<Bytes> {
        let (head, mut body) = answer.into_parts();
        let mut read = BytesMut::new();
        let all = async {
            while let Some(Ok(frame)) = body.frame().await {
                let Some(data) = frame.data_ref() else { continue };
                let room = self.settings.body_bytes.saturating_sub(read.len());
                read.extend_from_slice(&data[..data.len().min(room)]);
                if data.len() >= room {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(self.settings.body, all).await;
        Response::from_parts(head, read.freeze())
    }

    fn pool(&self, origin: &Origin) -> Result<Arc<Pool>, Failure> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(origin) {
            return Ok(Arc::clone(pool));
        }
        if pools.len() >= self.settings.origins {
            let idle = pools.iter().filter_map(|(origin, pool)| Some((pool.idle()?, origin.clone())));
            let longest = idle.max_by_key(|(idle, _)| *idle);
            let (_, longest) = longest.ok_or(Failure::NotSent(Why::Crowded))?;
            pools.remove(&longest);
        }
        let pool = Arc::new(Pool::new(origin.clone()));
        pools.insert(origin.clone(), Arc::clone(&pool));
        Ok(pool)
    }

    /// A connection of its own for what is no request and answer: a WebSocket, whose URI this is. It is checked as all others
    /// are, and speaks HTTP/1.1.
    ///
    /// # Errors
    /// [`Why`]
    pub async fn open(&self, uri: &http::Uri) -> Result<Box<dyn Stream>, Why> {
        let scheme = match uri.scheme_str() {
            Some("wss") => "https",
            Some("ws") => "http",
            _ => return Err(Why::Uri),
        };
        let authority = uri.authority().ok_or(Why::Uri)?.as_str();
        let alike = http::Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build();
        let origin = alike.ok().as_ref().and_then(Origin::of).ok_or(Why::Uri)?;
        Ok(self.connector.for_http1().connect(&origin).await?.stream)
    }

    /// New requests to this origin go on new connections: a service can refuse everything on one that saw an expired
    /// token (APNs does).
    pub fn reconnect(&self, uri: &http::Uri) {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = Origin::of(uri).and_then(|origin| pools.get(&origin)) {
            pool.reconnect();
        }
    }

    /// Closes what nobody uses. Call it now and then.
    pub fn sweep(&self) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|_, pool| pool.idle().is_none_or(|idle| idle < self.settings.idle));
    }

    /// Origins and connections at the moment, for metrics.
    pub fn size(&self) -> (usize, usize) {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        (pools.len(), pools.values().map(|pool| pool.connections()).sum())
    }
}

/// As the connection wants it: HTTP/1.1 names the path only, and the host in a header (RFC 9112 §3.2).
fn carried(request: Request<Bytes>, is_h2: bool) -> Result<Request<Full<Bytes>>, Failure> {
    let mut request = request.map(Full::new);
    if !is_h2 {
        let fail = || Failure::NotSent(Why::Uri);
        let uri = std::mem::take(request.uri_mut());
        let authority = uri.authority().ok_or_else(fail)?.as_str().parse().map_err(|_| fail())?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().map_err(|_| fail())?;
        request.headers_mut().insert(http::header::HOST, authority);
        *request.version_mut() = http::Version::HTTP_11;
    }
    Ok(request)
}
