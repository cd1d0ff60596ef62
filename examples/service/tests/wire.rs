//! The wire against services that misbehave.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{Request, Response};
use reveille_example_service::wire::{AllowedOrigins, Failure, Proxy, Why, Wire, WireSettings};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

type Connection = h2::server::Connection<TlsStream<TcpStream>, Bytes>;
type Asked = (Request<RecvStream>, SendResponse<Bytes>);

/// An address that anybody may be pushed to.
const PUBLIC: &str = "93.184.216.34";

struct Server {
    origin: String,
    certificate: CertificateDer<'static>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Every connection is given to `serve`, with its number.
    async fn start<F>(
        protocol: &'static [u8],
        serve: impl Fn(usize, TlsStream<TcpStream>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // Under an address, too, which the tests of a proxy connect to.
        let names = ["localhost".to_owned(), PUBLIC.to_owned()];
        let identity = rcgen::generate_simple_self_signed(names).unwrap();
        let certificate = identity.cert.der().clone();
        let key = PrivateKeyDer::try_from(identity.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        tls.alpn_protocols = vec![protocol.to_vec()];
        let tls = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let number = count.fetch_add(1, SeqCst);
                let Ok(stream) = tls.accept(tcp).await else { continue };
                tokio::spawn(serve(number, stream));
            }
        });
        Self { origin, certificate, connections }
    }

    /// HTTP/2; each request is given to `answer`, with the number of its connection.
    async fn two(answer: impl Fn(usize, Asked, &mut Connection) + Send + Sync + 'static) -> Self {
        let answer = Arc::new(answer);
        Self::start(b"h2", move |number, stream| {
            let answer = Arc::clone(&answer);
            async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok(asked)) = connection.accept().await {
                    answer(number, asked, &mut connection);
                }
            }
        })
        .await
    }

    fn wire(&self, settings: WireSettings) -> Wire {
        let allowed = AllowedOrigins::new([self.origin.as_str()]).unwrap();
        Wire::new(settings, allowed, std::slice::from_ref(&self.certificate)).unwrap()
    }

    fn request(&self) -> Request<Bytes> {
        Request::post(format!("{}/push/1", self.origin)).body(Bytes::from_static(b"hello")).unwrap()
    }
}

fn ok(mut respond: SendResponse<Bytes>, body: &'static [u8]) {
    let mut stream = respond.send_response(Response::builder().status(201).body(()).unwrap(), false).unwrap();
    stream.send_data(Bytes::from_static(body), true).unwrap();
}

fn quick() -> WireSettings {
    let short = Duration::from_millis(300);
    WireSettings { answer: short, body: short, place: short, connect: short, ..WireSettings::default() }
}

fn why(result: &Result<Response<Bytes>, Failure>) -> String {
    match result {
        Ok(response) => format!("{}", response.status()),
        Err(failure) => failure.to_string(),
    }
}

#[tokio::test]
async fn many_requests_share_a_connection() {
    let server = Server::two(|_, (_, respond), _| ok(respond, b"done")).await;
    let wire = Arc::new(server.wire(WireSettings::default()));
    let all = (0..300).map(|_| {
        let (wire, request) = (Arc::clone(&wire), server.request());
        tokio::spawn(async move { wire.send(request).await.unwrap() })
    });
    for answer in futures_util::future::join_all(all).await {
        let answer = answer.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (201, b"done".as_slice()));
    }
    let connections = server.connections.load(SeqCst);
    assert!((1..=8).contains(&connections), "{connections}");
    assert_eq!(wire.size().0, 1);
}

#[tokio::test]
async fn what_the_service_did_not_look_at_was_not_sent() {
    let server = Server::two(|_, (_, mut respond), _| respond.send_reset(Reason::REFUSED_STREAM)).await;
    assert_eq!(why(&server.wire(quick()).send(server.request()).await), "not sent: closed");
    let server = Server::two(|_, (_, mut respond), _| respond.send_reset(Reason::INTERNAL_ERROR)).await;
    assert_eq!(why(&server.wire(quick()).send(server.request()).await), "no answer: broken");
}

#[tokio::test]
async fn what_was_not_sent_for_certain_goes_once_more_at_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = Server::two(move |_, (_, mut respond), _| match count.fetch_add(1, SeqCst) {
        0 => respond.send_reset(Reason::REFUSED_STREAM),
        _ => ok(respond, b""),
    })
    .await;
    assert_eq!(why(&server.wire(quick()).send(server.request()).await), "201 Created");
    assert_eq!(asked.load(SeqCst), 2);
}

#[tokio::test]
async fn after_a_goaway_there_is_another_connection() {
    let server = Server::two(|number, (_, respond), connection| {
        ok(respond, b"");
        if number == 0 {
            connection.graceful_shutdown();
        }
    })
    .await;
    let wire = server.wire(quick());
    for _ in 0..5 {
        assert_eq!(why(&wire.send(server.request()).await), "201 Created");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.connections.load(SeqCst), 2);
}

#[tokio::test]
async fn a_connection_that_breaks_may_have_carried_it() {
    let server = Server::two(|number, (_, respond), connection| match number {
        0 => connection.abrupt_shutdown(Reason::INTERNAL_ERROR),
        _ => ok(respond, b""),
    })
    .await;
    let wire = server.wire(quick());
    assert_eq!(why(&wire.send(server.request()).await), "no answer: broken");
    assert_eq!(
        why(&wire.send(server.request()).await),
        "201 Created",
        "and the next one has a new connection"
    );
}

#[tokio::test]
async fn who_stalls_stops_nobody_else() {
    let held = Arc::new(std::sync::Mutex::new(Vec::new()));
    let keep = Arc::clone(&held);
    let server = Server::two(move |_, asked, _| keep.lock().unwrap().push(asked)).await;
    let other = Server::two(|_, (_, respond), _| ok(respond, b"")).await;
    let allowed = AllowedOrigins::new([server.origin.as_str(), other.origin.as_str()]).unwrap();
    let certificates = [server.certificate.clone(), other.certificate.clone()];
    let wire = Arc::new(Wire::new(quick(), allowed, &certificates).unwrap());
    let begun = Instant::now();
    let slow: Vec<_> = (0..50)
        .map(|_| {
            let (wire, request) = (Arc::clone(&wire), server.request());
            tokio::spawn(async move { wire.send(request).await })
        })
        .collect();
    assert_eq!(why(&wire.send(other.request()).await), "201 Created");
    for slow in slow {
        assert_eq!(why(&slow.await.unwrap()), "no answer: timed_out");
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(held.lock().unwrap().len(), 50);
}

#[tokio::test]
async fn a_body_without_end_is_cut_and_the_status_counts() {
    let server = Server::two(|_, (_, mut respond), _| {
        let mut body =
            respond.send_response(Response::builder().status(410).body(()).unwrap(), false).unwrap();
        tokio::spawn(async move {
            loop {
                body.reserve_capacity(4_096);
                match std::future::poll_fn(|context| body.poll_capacity(context)).await {
                    Some(Ok(room)) if room > 0 => {
                        if body.send_data(Bytes::from(vec![b'x'; room.min(4_096)]), false).is_err() {
                            return;
                        }
                    }
                    Some(Ok(_)) => {}
                    _ => return,
                }
            }
        });
    })
    .await;
    let answer = server.wire(quick()).send(server.request()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().len()), (410, 16 * 1024));
}

#[tokio::test]
async fn a_body_that_stalls_is_cut_too() {
    let held = Arc::new(std::sync::Mutex::new(Vec::new()));
    let server = Server::two(move |_, (_, mut respond), _| {
        let mut body =
            respond.send_response(Response::builder().status(429).body(()).unwrap(), false).unwrap();
        body.send_data(Bytes::from_static(b"slow"), false).unwrap();
        held.lock().unwrap().push(body);
    })
    .await;
    let answer = server.wire(quick()).send(server.request()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (429, b"slow".as_slice()));
}

#[tokio::test]
async fn redirects_are_answers() {
    let server = Server::two(|_, (_, mut respond), _| {
        let redirect = Response::builder().status(307).header("location", "http://169.254.169.254/").body(());
        respond.send_response(redirect.unwrap(), true).unwrap();
    })
    .await;
    assert_eq!(why(&server.wire(quick()).send(server.request()).await), "307 Temporary Redirect");
    assert_eq!(server.connections.load(SeqCst), 1);
}

#[tokio::test]
async fn streams_are_bounded_by_the_service_too() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let server = Server::start(b"h2", move |_, stream| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&seen));
        async move {
            let mut connection: Connection =
                h2::server::Builder::new().max_concurrent_streams(3).handshake(stream).await.unwrap();
            while let Some(Ok((_, respond))) = connection.accept().await {
                let now = Arc::clone(&now);
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    now.fetch_sub(1, SeqCst);
                    ok(respond, b"");
                });
            }
        }
    })
    .await;
    let settings = WireSettings { connections: 1, ..WireSettings::default() };
    let wire = Arc::new(server.wire(settings));
    wire.send(server.request()).await.unwrap();
    let all = (0..40).map(|_| wire.send(server.request()));
    assert!(futures_util::future::join_all(all).await.iter().all(Result::is_ok));
    assert!(most.load(SeqCst) <= 3, "{most:?}");
}

#[tokio::test]
async fn http_1_where_there_is_no_2() {
    let server = Server::start(b"http/1.1", |_, mut stream| async move {
        let mut head = Vec::new();
        let mut buffer = [0; 1_024];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            head.extend_from_slice(&buffer[..count]);
            if head.ends_with(b"hello") {
                let text = String::from_utf8_lossy(&head).into_owned();
                assert!(
                    text.starts_with("POST /push/1 HTTP/1.1\r\n") && text.contains("host: localhost:"),
                    "{text}"
                );
                stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
                head.clear();
            }
        }
    })
    .await;
    let wire = server.wire(quick());
    for _ in 0..3 {
        let answer = wire.send(server.request()).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (201, b"ok".as_slice()));
    }
    assert_eq!(server.connections.load(SeqCst), 1, "the connection is used again");
}

#[tokio::test]
async fn only_public_addresses_and_named_origins_are_connected_to() {
    let server = Server::two(|_, (_, respond), _| ok(respond, b"")).await;
    let port = server.origin.rsplit(':').next().unwrap().to_owned();
    let nothing = Wire::new(quick(), AllowedOrigins::default(), &[]).unwrap();
    // A name that resolves to this machine, literal addresses, and the plain scheme.
    for url in [
        format!("https://localhost:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://[::1]:{port}/"),
        "https://169.254.169.254/".to_owned(),
        "https://10.0.0.1/".to_owned(),
        "http://93.184.216.34/".to_owned(),
    ] {
        let answer = nothing.send(Request::post(&url).body(Bytes::new()).unwrap()).await;
        assert_eq!(why(&answer), "not sent: address", "{url}");
    }
    let named = server.wire(quick());
    let other_port = Request::post("https://localhost:1/").body(Bytes::new()).unwrap();
    assert_eq!(why(&named.send(other_port).await), "not sent: address", "another port is another service");
    assert_eq!(server.connections.load(SeqCst), 0);
    let no_host = Request::post("/push").body(Bytes::new()).unwrap();
    assert_eq!(why(&named.send(no_host).await), "not sent: uri");
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    drop(listener);
    let wire = Wire::new(quick(), AllowedOrigins::new([origin.as_str()]).unwrap(), &[]).unwrap();
    let begun = Instant::now();
    let all = (0..200).map(|_| wire.send(Request::post(format!("{origin}/")).body(Bytes::new()).unwrap()));
    for answer in futures_util::future::join_all(all).await {
        assert!(matches!(answer, Err(Failure::NotSent(Why::Connect))), "{}", why(&answer));
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "one attempt is the answer for all");
}

#[tokio::test]
async fn silence_in_the_handshake_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let wire = Wire::new(quick(), AllowedOrigins::new([origin.as_str()]).unwrap(), &[]).unwrap();
    let answer = wire.send(Request::post(format!("{origin}/")).body(Bytes::new()).unwrap()).await;
    assert!(matches!(answer, Err(Failure::NotSent(Why::Tls | Why::Crowded))), "{}", why(&answer));
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts() {
    let server = Server::two(|_, (_, respond), _| ok(respond, b"")).await;
    let allowed = AllowedOrigins::new([server.origin.as_str()]).unwrap();
    let wire = Wire::new(quick(), allowed, &[]).unwrap();
    assert_eq!(why(&wire.send(server.request()).await), "not sent: tls");
}

/// The proxy is told the address that was checked, and never a name.
#[tokio::test]
async fn a_proxy_gets_addresses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let asked = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 1_024];
        let count = tcp.read(&mut head).await.unwrap();
        tcp.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&head[..count]).into_owned()
    });
    let proxy = Some(Proxy { authority, authorization: Some("Basic abc".to_owned()) });
    let wire = Wire::new(WireSettings { proxy, ..quick() }, AllowedOrigins::default(), &[]).unwrap();
    let address: SocketAddr = "93.184.216.34:443".parse().unwrap();
    let answer = wire.send(Request::post(format!("https://{address}/")).body(Bytes::new()).unwrap()).await;
    assert_eq!(why(&answer), "not sent: proxy");
    assert_eq!(
        asked.await.unwrap(),
        "CONNECT 93.184.216.34:443 HTTP/1.1\r\nHost: 93.184.216.34:443\r\nProxy-Authorization: Basic abc\r\n\r\n"
    );
}

/// TLS and HTTP/2 go through the tunnel, many requests through one; the service's certificate is checked, whatever the proxy
/// connects to.
#[tokio::test]
async fn a_proxy_carries_what_it_cannot_read() {
    let server = Server::two(|_, (_, respond), _| ok(respond, b"done")).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let (tunnels, near) = (Arc::new(AtomicUsize::new(0)), server.origin.replace("https://", ""));
    let count = Arc::clone(&tunnels);
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            count.fetch_add(1, SeqCst);
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(tcp.read_u8().await.unwrap());
            }
            assert!(head.starts_with(format!("CONNECT {PUBLIC}:443 ").as_bytes()));
            let mut service = TcpStream::connect(&near).await.unwrap();
            tcp.write_all(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n").await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut tcp, &mut service).await });
        }
    });
    let settings = || WireSettings {
        proxy: Some(Proxy { authority: authority.clone(), authorization: None }),
        ..quick()
    };
    let certificate = std::slice::from_ref(&server.certificate);
    let wire = Wire::new(settings(), AllowedOrigins::default(), certificate).unwrap();
    let request =
        || Request::post(format!("https://{PUBLIC}/push/1")).body(Bytes::from_static(b"hello")).unwrap();
    for _ in 0..20 {
        assert_eq!(why(&wire.send(request()).await), "201 Created");
    }
    assert_eq!(tunnels.load(SeqCst), 1);
    // Without trust in the certificate nothing is sent.
    let stranger = Wire::new(settings(), AllowedOrigins::default(), &[]).unwrap();
    assert_eq!(why(&stranger.send(request()).await), "not sent: tls");
}

/// HTTP/2 is not offered, the certificate is checked, and nothing is connected to that the settings do not name.
#[tokio::test]
async fn a_web_socket_has_a_connection_of_its_own() {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message;

    let server = Server::start(b"http/1.1", |_, stream| async move {
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let said = socket.next().await.unwrap().unwrap();
        socket.send(said).await.unwrap();
    })
    .await;
    let uri: http::Uri = server.origin.replace("https", "wss").parse().unwrap();
    let stream = server.wire(quick()).open(&uri).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(&uri, stream).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));

    let stranger = Wire::new(quick(), AllowedOrigins::new([server.origin.as_str()]).unwrap(), &[]).unwrap();
    assert_eq!(stranger.open(&uri).await.err(), Some(Why::Tls));
    let closed = Wire::new(quick(), AllowedOrigins::default(), &[]).unwrap();
    assert_eq!(closed.open(&uri).await.err(), Some(Why::Address));
    for (uri, why) in [
        ("ws://192.0.2.1/", Why::Address),
        ("wss://10.0.0.1/", Why::Address),
        ("https://push.example/", Why::Uri),
        ("/", Why::Uri),
    ] {
        assert_eq!(closed.open(&uri.parse().unwrap()).await.err(), Some(why), "{uri}");
    }
}
