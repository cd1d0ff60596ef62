//! A caller of the API, and folders that go away.

pub mod gated;
pub mod platform;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use http::{Request, StatusCode};
use reveille_crypto::base64url;
use reveille_crypto_ring::PROVIDER;
use reveille_example_service::keys::Keys;
use reveille_example_service::wire::{AllowedOrigins, Failure, Wire, WireSettings};
use serde_json::{Value, json};

/// A folder that is deleted with the test, unless it fails.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Relaxed);
        let path = std::env::temp_dir().join(format!("reveille-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// Calls the API.
pub struct Caller {
    http: Wire,
    origin: String,
    pub key: String,
}

impl Caller {
    pub fn new(address: std::net::SocketAddr, key: &str) -> Self {
        let origin = format!("http://{address}");
        let allowed = AllowedOrigins::new([origin.as_str()]).unwrap();
        // HTTP/1.1 has one request under way on a connection.
        let settings = WireSettings { connections: 64, body_bytes: 1 << 20, ..WireSettings::default() };
        Self { http: Wire::new(settings, allowed, &[]).unwrap(), origin, key: key.to_owned() }
    }

    pub async fn call(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: impl Into<Bytes>,
    ) -> Result<(StatusCode, Value), Failure> {
        let key = format!("Bearer {}", self.key);
        let headers = [("authorization", key.as_str()), ("content-type", kind)];
        self.call_with(method, path, &headers, body.into()).await
    }

    pub async fn call_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<(StatusCode, Value), Failure> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.origin));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).unwrap();
        let response = self.http.send(request).await?;
        let text = || Value::String(String::from_utf8_lossy(response.body()).into_owned());
        let value = serde_json::from_slice(response.body()).unwrap_or_else(|_| text());
        Ok((response.status(), value))
    }

    pub async fn event(&self, id: &str, kind: &str, data: Value) -> Result<StatusCode, Failure> {
        let body = event(id, kind, data).to_string();
        Ok(self.call("POST", "/v1/events", "application/cloudevents+json", body).await?.0)
    }

    pub async fn register(&self, app: &str, device: &str, body: Value) -> StatusCode {
        let path = format!("/v1/devices/{app}/{device}");
        self.call("PUT", &path, "application/json", body.to_string()).await.unwrap().0
    }

    /// One of the metrics; `None` while nobody answers.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.call("GET", "/metrics", "text/plain", "").await.ok()?;
        let line = text
            .as_str()?
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        line?.parse().ok()
    }
}

pub fn event(id: &str, kind: &str, data: Value) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/test", "type": format!("reveille.conversation.{kind}"), "data": data,
    })
}

/// A token of a user, signed with the secret of the file of keys.
pub fn user_token(folder: &Path, claims: Value) -> String {
    let keys = Keys::open(&folder.join("keys.toml")).unwrap();
    sign(keys.user.unwrap().expose(), claims)
}

pub fn sign(secret: &[u8], claims: Value) -> String {
    let part = |text: String| base64url::encode(text.as_bytes());
    let input = format!("{}.{}", part(json!({"alg": "HS256"}).to_string()), part(claims.to_string()));
    let tag = PROVIDER.hmac_sha256.key(secret).sign(&[input.as_bytes()]);
    format!("{input}.{}", base64url::encode(&tag))
}

/// Good for a long time, here.
pub fn claims(person: &str) -> Value {
    json!({"sub": person, "aud": "reveille", "exp": 4_000_000_000_u64})
}

/// One request on a connection of its own, with any `Host` and headers at all: status, head and body.
pub async fn raw(
    address: std::net::SocketAddr,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &Value,
) -> (u16, String, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-type: application/json\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // Whoever is turned away before the end of the request may see a reset behind the answer.
    let _ = socket.read_to_string(&mut answer).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, head.to_owned(), body.to_owned())
}
