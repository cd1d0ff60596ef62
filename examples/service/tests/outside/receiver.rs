//! A receiver of webhooks that behaves as a test says.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::HeaderMap;
use reveille_example_service::channels::Signer;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{OLD, SECRET};

/// What is done with a request.
#[derive(Clone, Debug)]
pub(super) enum Do {
    /// Answered with this status.
    Answer(u16),
    /// … and with a header.
    With(u16, &'static str, String),
    /// Never.
    Stall,
    /// The connection is closed.
    Reset,
    /// Answered with a body without end.
    Endless,
}

/// One request that came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

pub(super) struct Receiver {
    pub(super) origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    way: Way,
}

type Way = Arc<Mutex<Box<dyn Fn(usize, &Asked) -> Do + Send>>>;

impl Receiver {
    /// `way` gets the number of the request, from 0, and the request.
    pub(super) async fn new(way: impl Fn(usize, &Asked) -> Do + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let way: Way = Arc::new(Mutex::new(Box::new(way)));
        let (all, ways) = (Arc::clone(&asked), Arc::clone(&way));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(serve(tcp, Arc::clone(&all), Arc::clone(&ways)));
            }
        });
        Self { origin, asked, way }
    }

    pub(super) fn behave(&self, way: impl Fn(usize, &Asked) -> Do + Send + 'static) {
        *self.way.lock().unwrap() = Box::new(way);
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until there are as many.
    pub(super) async fn wait(&self, what: &str, enough: impl Fn(&[Asked]) -> bool) -> Vec<Asked> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(40) {
            let asked = self.asked();
            if enough(&asked) {
                return asked;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{what}: {:#?}", self.asked().iter().map(|asked| &asked.body).collect::<Vec<_>>());
    }
}

async fn serve(tcp: TcpStream, all: Arc<Mutex<Vec<Asked>>>, way: Way) {
    let mut stream = BufReader::new(tcp);
    while let Some(asked) = read(&mut stream).await {
        let next = {
            let mut all = all.lock().unwrap();
            let next = way.lock().unwrap()(all.len(), &asked);
            all.push(asked);
            next
        };
        let (status, header) = match next {
            Do::Answer(status) => (status, String::new()),
            Do::With(status, name, value) => (status, format!("{name}: {value}\r\n")),
            Do::Stall => return std::future::pending().await,
            Do::Reset => return,
            Do::Endless => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await;
                while stream.write_all(&[b'x'; 4_096]).await.is_ok() {}
                return;
            }
        };
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{header}\r\n");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let (mut line, mut headers) = (String::new(), HeaderMap::new());
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        let name: http::HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    let length = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some(Asked { headers, body: String::from_utf8(body).unwrap() })
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body, if each of the two secrets has signed it just now.
    pub(super) fn verified(&self) -> Value {
        let (id, seconds) = (self.header("webhook-id"), self.header("webhook-timestamp").parse().unwrap());
        let given: Vec<&str> = self.header("webhook-signature").split(' ').collect();
        for secret in [SECRET, OLD] {
            let signature = Signer::new([secret]).unwrap().signature(id, seconds, self.body.as_bytes());
            assert!(given.contains(&&*signature), "{given:?}");
        }
        assert_eq!((given.len(), self.header("idempotency-key")), (2, id));
        let body: Value = serde_json::from_str(&self.body).unwrap();
        assert!(body["timestamp"].as_str().unwrap().ends_with('Z'), "{body}");
        body
    }

    /// The name of the event.
    pub(super) fn name(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        body["type"].as_str().unwrap().to_owned()
    }
}
