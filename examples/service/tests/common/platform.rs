//! A platform on loopback that misbehaves as it is told: a login, and an API.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use reveille_example_service::platform::PlatformSettings;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What is answered.
#[derive(Clone)]
pub enum Reply {
    Json(Value),
    Status(u16),
    /// With a header.
    Header(u16, &'static str, String),
    /// After so many ms.
    Late(u64, Value),
    /// A body that does not end.
    Endless,
}

pub struct Seen {
    pub path: String,
    pub body: Bytes,
    pub at: Instant,
}

struct Script {
    /// By path, the query included: these once, in their order, …
    next: HashMap<String, Vec<Reply>>,
    /// … and then this.
    then: HashMap<String, Reply>,
    logins: Vec<Reply>,
    /// How many tokens were given out. The last one is good, unless it was taken back.
    tokens: usize,
    good: Option<usize>,
    expires_in: Value,
    seen: Vec<Seen>,
}

/// Clones are the same.
#[derive(Clone)]
pub struct LocalPlatform {
    pub origin: String,
    script: Arc<Mutex<Script>>,
}

impl LocalPlatform {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let script = Script {
            next: HashMap::new(),
            then: HashMap::new(),
            logins: Vec::new(),
            tokens: 0,
            good: None,
            expires_in: json!(3_600),
            seen: Vec::new(),
        };
        let platform = Self { origin, script: Arc::new(Mutex::new(script)) };
        let router = Router::new().fallback(answer).with_state(platform.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        platform
    }

    pub fn settings(&self) -> PlatformSettings {
        let text = format!(
            "api = \"{0}\"\nlogin = \"{0}/oauth/token\"\nclient_id = \"a client\"\nclient_secret = \"a:secret\"\n",
            self.origin
        );
        toml::from_str(&text).unwrap()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// From now on.
    pub fn says(&self, path: &str, reply: Reply) {
        self.script().then.insert(path.to_owned(), reply);
    }

    /// Once, before what it says from now on.
    pub fn says_once(&self, path: &str, reply: Reply) {
        self.script().next.entry(path.to_owned()).or_default().push(reply);
    }

    /// The login says this once, instead of a token.
    pub fn refuses(&self, reply: Reply) {
        self.script().logins.push(reply);
    }

    /// Tokens live for so long.
    pub fn expires_in(&self, secs: Value) {
        self.script().expires_in = secs;
    }

    /// No token is good any more.
    pub fn takes_back(&self) {
        self.script().good = None;
    }

    pub fn tokens(&self) -> usize {
        self.script().tokens
    }

    /// How often this path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.script().seen.iter().filter(|seen| seen.path == path).count()
    }

    pub fn bodies(&self, path: &str) -> Vec<Value> {
        let script = self.script();
        let of = script.seen.iter().filter(|seen| seen.path == path);
        of.map(|seen| serde_json::from_slice(&seen.body).unwrap_or_default()).collect()
    }

    pub fn times(&self, path: &str) -> Vec<Instant> {
        self.script().seen.iter().filter(|seen| seen.path == path).map(|seen| seen.at).collect()
    }
}

async fn answer(State(platform): State<LocalPlatform>, request: Request) -> Response {
    let path = request.uri().path_and_query().unwrap().to_string();
    let headers = request.headers().clone();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let reply = platform.decide(&path, &headers, &body);
    platform.script().seen.push(Seen { path, body, at: Instant::now() });
    match reply {
        Reply::Json(value) => axum::Json(value).into_response(),
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::Header(status, name, value) => {
            (StatusCode::from_u16(status).unwrap(), [(name, value)]).into_response()
        }
        Reply::Late(ms, value) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            axum::Json(value).into_response()
        }
        Reply::Endless => {
            let spaces = futures_util::stream::unfold((), |()| async {
                Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b' '; 8_192])), ()))
            });
            Body::from_stream(spaces).into_response()
        }
    }
}

impl LocalPlatform {
    fn decide(&self, path: &str, headers: &HeaderMap, body: &Bytes) -> Reply {
        let shown = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut script = self.script();
        if path == "/oauth/token" {
            // "a+client" would be wrong: %20 is what both encodings have in common.
            let encoded = "YSUyMGNsaWVudDphJTNBc2VjcmV0";
            assert_eq!(shown, format!("Basic {encoded}"));
            assert_eq!(&body[..], b"grant_type=client_credentials");
            if !script.logins.is_empty() {
                return script.logins.remove(0);
            }
            script.tokens += 1;
            script.good = Some(script.tokens);
            let token = format!("token-{}", script.tokens);
            return Reply::Json(json!({
                "access_token": token, "token_type": "bearer", "expires_in": script.expires_in,
            }));
        }
        if script.good.is_none_or(|good| shown != format!("Bearer token-{good}")) {
            return Reply::Status(401);
        }
        match script.next.get_mut(path).filter(|next| !next.is_empty()) {
            Some(next) => next.remove(0),
            None => script.then.get(path).cloned().unwrap_or(Reply::Status(404)),
        }
    }
}
