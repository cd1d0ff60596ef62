//! JSON lines in, JSON lines out.

use std::fmt::Display;
use std::io::{self, BufRead as _, BufWriter, Write as _};
use std::process::ExitCode;

use reveille_crypto::base64url;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::json;

/// Why a line failed: a short word for programs, a sentence for people.
pub struct Failure {
    pub kind: &'static str,
    pub message: String,
}

impl Failure {
    pub fn new(kind: &'static str, message: impl Display) -> Self {
        Self { kind, message: message.to_string() }
    }
}

/// `map_err(failure("subscription"))`.
pub fn failure<E: Display>(kind: &'static str) -> impl Fn(E) -> Failure {
    move |error| Failure::new(kind, error)
}

/// Answers every line of standard input with one line of output, and goes on after a bad one.
pub fn for_each_line<In, Out>(mut answer: impl FnMut(In) -> Result<Out, Failure>) -> ExitCode
where
    In: DeserializeOwned,
    Out: Serialize,
{
    let mut out = BufWriter::new(io::stdout().lock());
    let mut failed = false;
    for line in io::stdin().lock().split(b'\n') {
        let unreadable = line.is_err();
        let answer = line.map_err(failure("io")).and_then(|line| answer(parse(&line)?));
        let written = match answer {
            Ok(value) => write_line(&mut out, &value),
            Err(Failure { kind, message }) => {
                failed = true;
                write_line(&mut out, &json!({"error": {"kind": kind, "message": message}}))
            }
        };
        if written.is_err() || unreadable {
            return ExitCode::FAILURE;
        }
    }
    if out.flush().is_err() || failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// One line of output for a command without input.
pub fn print_one(answer: Result<impl Serialize, Failure>) -> ExitCode {
    let mut out = io::stdout().lock();
    let (written, ok) = match answer {
        Ok(value) => (write_line(&mut out, &value), true),
        Err(Failure { kind, message }) => {
            (write_line(&mut out, &json!({"error": {"kind": kind, "message": message}})), false)
        }
    };
    if written.is_ok() && ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One JSON object.
pub fn parse<In: DeserializeOwned>(line: &[u8]) -> Result<In, Failure> {
    let text = std::str::from_utf8(line).map_err(|_| Failure::new("json", "line is not UTF-8"))?;
    // A struct would also be read from the array of its fields in order.
    if !text.trim_start().starts_with('{') {
        return Err(Failure::new("json", "line is not a JSON object"));
    }
    serde_json::from_str(text).map_err(|e: serde_json::Error| {
        // It takes every line for the first.
        let place = format!(" at line {} column {}", e.line(), e.column());
        let message = e.to_string();
        match message.strip_suffix(&place) {
            Some(message) => Failure::new("json", format!("{message} at column {}", e.column())),
            None => Failure::new("json", message),
        }
    })
}

/// Written and flushed line by line, so that the tool can sit in a pipe that asks and waits.
fn write_line(out: &mut impl io::Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Bytes as base64url without padding; padding and the standard alphabet are read too.
pub struct Base64(pub Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        base64url::decode_lenient(&text).map(Self).map_err(|e| D::Error::custom(format!("base64url: {e}")))
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url::encode(&self.0))
    }
}

/// A request as JSON, header names in lower case.
#[derive(Serialize)]
pub struct RequestJson {
    method: String,
    uri: String,
    headers: std::collections::BTreeMap<String, String>,
    body: Base64,
}

impl From<http::Request<bytes::Bytes>> for RequestJson {
    fn from(request: http::Request<bytes::Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        let headers = parts.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        Self {
            method: parts.method.to_string(),
            uri: parts.uri.to_string(),
            headers: headers.collect(),
            body: Base64(body.to_vec()),
        }
    }
}
