//! Web Push in a WebAssembly host that offers nothing but random bytes.
//!
//! The host writes a question as JSON into memory from [`allocate`] and calls [`request`], which answers with a pointer
//! to JSON behind its length (4 bytes, little-endian).

use reveille_core::UnixTime;
use reveille_crypto::{CryptoError, CryptoProvider, SecureRandom, base64url};
use reveille_crypto_rustcrypto::{StaticRandom, provider};
use reveille_webpush::message::SizeLimit;
use reveille_webpush::{ApplicationServer, Message, Subscription, Ttl, VapidKey, VapidKeys, VapidSettings};
use serde::Deserialize;
use serde_json::{Value, json};

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Fills `length` bytes at `out`.
    fn random(out: *mut u8, length: usize);
}

#[derive(Debug)]
struct HostRandom;

impl SecureRandom for HostRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        // SAFETY: the host writes exactly these bytes.
        unsafe { random(out.as_mut_ptr(), out.len()) };
        Ok(())
    }
}

impl StaticRandom for HostRandom {
    const INSTANCE: &'static Self = &Self;
}

const PROVIDER: CryptoProvider = provider::<HostRandom>();

#[derive(Deserialize)]
struct Question {
    subscription: Subscription,
    vapid_private: String,
    payload: String,
    now_ms: UnixTime,
}

/// Memory for the host to write to; it is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(length: usize) -> *mut u8 {
    Box::leak(vec![0; length].into_boxed_slice()).as_mut_ptr()
}

/// # Safety
/// `question` points to `length` bytes from [`allocate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn request(question: *const u8, length: usize) -> *const u8 {
    // SAFETY: as the caller promises.
    let question = unsafe { std::slice::from_raw_parts(question, length) };
    let answer = answer(question).unwrap_or_else(|problem| json!({"error": problem})).to_string();
    let length = u32::try_from(answer.len()).unwrap_or(0).to_le_bytes();
    Box::leak([&length, answer.as_bytes()].concat().into_boxed_slice()).as_ptr()
}

fn answer(question: &[u8]) -> Result<Value, String> {
    let question: Question = serde_json::from_slice(question).map_err(text)?;
    let payload = base64url::decode(&question.payload).map_err(text)?;
    let key = VapidKey::from_text(&question.vapid_private, PROVIDER).map_err(text)?;
    let settings = VapidSettings::new("mailto:ops@example.com".parse().map_err(text)?);
    let server = ApplicationServer::new(PROVIDER, VapidKeys::new(key), settings);
    let message =
        Message::new_within(SizeLimit::Provider, payload, Ttl::from_secs(60).map_err(text)?).map_err(text)?;
    let request = server.request(&message, &question.subscription, question.now_ms).map_err(text)?;
    let headers: serde_json::Map<_, _> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    Ok(
        json!({"uri": request.uri().to_string(), "headers": headers, "body": base64url::encode(request.body())}),
    )
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
