//! Signatures of webhooks: HMAC-SHA256, compared in constant time by the crypto provider.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};
use reveille_core::UnixTime;
use reveille_crypto::{HmacKey, base64url};
use reveille_crypto_ring::PROVIDER;
use thiserror::Error;

use super::Signed;
use super::settings::{Encoding, HookSettings, PlainSignature};
use crate::settings::{InvalidSettings, wrong};

/// A secret with less than this can be guessed.
const LEAST: usize = 16;
/// Secrets that are good at once: the new one and the old one, and one more for who is slow.
const MOST: usize = 3;
/// Signatures in one header that are looked at: whoever sends more makes us work.
const LOOKED_AT: usize = 8;

/// Why a message is not taken. The time is compared only if the signature is good, so nobody else learns anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unsigned {
    /// There is no such hook, or no signature, or another one.
    #[error("there is no hook of this name that signs like this")]
    Wrong,
    /// It is signed, but too old, or of the future.
    #[error("the time of the message is too far from ours")]
    Time,
}

#[derive(Debug)]
pub(super) struct Verifier {
    keys: Vec<Arc<dyn HmacKey>>,
    way: Way,
    tolerance_ms: u64,
}

#[derive(Debug)]
enum Way {
    Standard,
    Plain {
        header: HeaderName,
        prefix: String,
        encoding: Encoding,
        timestamp: Option<HeaderName>,
        id: Option<HeaderName>,
    },
}

impl Verifier {
    pub(super) fn new(hook: &HookSettings) -> Result<Self, InvalidSettings> {
        let path = format!("hooks: {}", hook.name);
        let wrong = |problem: String| wrong(&path, problem);
        let way = match &hook.signature {
            None => Way::Standard,
            Some(PlainSignature { header, prefix, encoding, timestamp, id }) => {
                let name = |text: &String| {
                    HeaderName::try_from(text)
                        .map_err(|_| wrong(format!("{text:?} is not the name of a header")))
                };
                Way::Plain {
                    header: name(header)?,
                    prefix: prefix.clone(),
                    encoding: *encoding,
                    timestamp: timestamp.as_ref().map(name).transpose()?,
                    id: id.as_ref().map(name).transpose()?,
                }
            }
        };
        if !(1..=MOST).contains(&hook.secrets.len()) {
            return Err(wrong(format!("give 1 to {MOST} secrets")));
        }
        let mut keys = Vec::new();
        for secret in &hook.secrets {
            let text = secret.open(&path)?;
            let bytes = match way {
                Way::Standard => {
                    let text = text.expose().strip_prefix("whsec_").unwrap_or(text.expose());
                    let decoded = base64url::decode_lenient(text);
                    decoded.map_err(|_| {
                        wrong("a secret is not base64, as Standard Webhooks has it".to_owned())
                    })?
                }
                Way::Plain { .. } => text.expose().as_bytes().to_vec(),
            };
            if bytes.len() < LEAST {
                return Err(wrong(format!("a secret has less than {LEAST} bytes")));
            }
            keys.push(PROVIDER.hmac_sha256.key(&bytes));
        }
        Ok(Self { keys, way, tolerance_ms: hook.tolerance_secs.saturating_mul(1_000) })
    }

    pub(super) fn verify<'m>(
        &self,
        headers: &'m HeaderMap,
        body: &[u8],
        now: UnixTime,
    ) -> Result<Signed<'m>, Unsigned> {
        match &self.way {
            Way::Standard => {
                let id = only(headers, "webhook-id")?;
                let time = only(headers, "webhook-timestamp")?;
                // A list: one for each secret of the sender, and perhaps some of other versions.
                let all = only(headers, "webhook-signature")?.split(' ').take(LOOKED_AT);
                let tags = all.filter_map(|one| base64url::decode_lenient(one.strip_prefix("v1,")?).ok());
                self.check(tags, &[id.as_bytes(), b".", time.as_bytes(), b".", body])?;
                self.in_time(time, now)?;
                Ok(Signed { message: Some(id) })
            }
            Way::Plain { header, prefix, encoding, timestamp, id } => {
                let shown = only(headers, header.as_str())?.strip_prefix(prefix.as_str());
                let tag = shown.and_then(|shown| match encoding {
                    Encoding::Hex => hex(shown),
                    Encoding::Base64 => base64url::decode_lenient(shown).ok(),
                });
                match timestamp {
                    Some(name) => {
                        let time = only(headers, name.as_str())?;
                        self.check(tag.into_iter(), &[time.as_bytes(), b".", body])?;
                        self.in_time(time, now)?;
                    }
                    None => self.check(tag.into_iter(), &[body])?,
                }
                let message = id.as_ref().and_then(|name| only(headers, name.as_str()).ok());
                Ok(Signed { message })
            }
        }
    }

    /// Whether one of the signatures is that of one of the keys. All of it: a short one would be easier to find.
    fn check(&self, tags: impl Iterator<Item = Vec<u8>>, parts: &[&[u8]]) -> Result<(), Unsigned> {
        for tag in tags.filter(|tag| tag.len() == 32) {
            if self.keys.iter().any(|key| key.verify(parts, &tag).is_ok()) {
                return Ok(());
            }
        }
        Err(Unsigned::Wrong)
    }

    fn in_time(&self, seconds: &str, now: UnixTime) -> Result<(), Unsigned> {
        let digits = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
        let seconds: u64 = seconds.parse().ok().filter(|_| digits).ok_or(Unsigned::Time)?;
        let differs = seconds.saturating_mul(1_000).abs_diff(now.as_millis());
        // Seconds are what was sent: what is left of one is nobody's delay.
        if differs <= self.tolerance_ms.saturating_add(999) { Ok(()) } else { Err(Unsigned::Time) }
    }
}

/// The value of a header that is there once: of two, somebody else might read the other one.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Unsigned> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(value), None) => value.to_str().map_err(|_| Unsigned::Wrong),
        _ => Err(Unsigned::Wrong),
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    // No signature is longer; `from_str_radix` would take a sign.
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret_text::SecretText;

    fn hook(signature: Option<PlainSignature>, secrets: &[&str]) -> HookSettings {
        HookSettings {
            name: "crm".to_owned(),
            secrets: secrets.iter().map(|text| SecretText::Text((*text).to_owned())).collect(),
            signature,
            form: None,
            tolerance_secs: 300,
            source: None,
        }
    }

    fn headers(all: &[(&str, &str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), value.parse().unwrap()))
            .collect()
    }

    /// The example of the specification's reference libraries.
    #[test]
    fn the_example_of_standard_webhooks() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let verifier = Verifier::new(&hook(None, &["whsec_YW5vdGhlciBzZWNyZXQgb2YgdXM=", secret])).unwrap();
        let body = br#"{"test": 2432232314}"#;
        let good = [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v2,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ];
        let now = UnixTime::from_secs(1_614_265_330);
        assert_eq!(
            verifier.verify(&headers(&good), body, now),
            Ok(Signed { message: Some("msg_p5jXN8AQM9LWM0D4loKWxJek") })
        );
        for (seconds, said) in [(300, Ok(())), (301, Err(Unsigned::Time))] {
            for now in [1_614_265_330 + seconds, 1_614_265_330 - seconds] {
                let now = UnixTime::from_secs(now);
                assert_eq!(verifier.verify(&headers(&good), body, now).map(drop), said, "{seconds}");
            }
        }
        assert_eq!(verifier.verify(&headers(&good), b"{}", now), Err(Unsigned::Wrong));
        for at in 0..3 {
            let mut without = good.to_vec();
            without.remove(at);
            assert_eq!(verifier.verify(&headers(&without), body, now), Err(Unsigned::Wrong), "{at}");
        }
        let mut twice = headers(&good);
        twice.append("webhook-timestamp", "1614265331".parse().unwrap());
        assert_eq!(verifier.verify(&twice, body, now), Err(Unsigned::Wrong), "which of the two is signed?");
    }

    #[test]
    fn plain_signatures() {
        let plain = |timestamp: Option<&str>| {
            Some(PlainSignature {
                header: "X-Hub-Signature-256".to_owned(),
                prefix: "sha256=".to_owned(),
                encoding: Encoding::Hex,
                timestamp: timestamp.map(str::to_owned),
                id: None,
            })
        };
        // The example of GitHub's documentation of its webhooks.
        let secret = "It's a Secret to Everybody";
        let verifier = Verifier::new(&hook(plain(None), &[secret])).unwrap();
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let now = UnixTime::from_secs(1);
        let verify = |shown: &str| {
            verifier.verify(&headers(&[("x-hub-signature-256", shown)]), b"Hello, World!", now).map(drop)
        };
        assert_eq!(verify(good), Ok(()));
        assert_eq!(verify(&good.to_uppercase().replace("SHA256", "sha256")), Ok(()));
        for wrong in [
            &good[7..],
            &good[..70],
            "sha256=",
            "sha1=7571",
            &good.replace('7', "8"),
            &good.replace('7', "+"),
        ] {
            assert_eq!(verify(wrong), Err(Unsigned::Wrong), "{wrong}");
        }
        // Half of a signature would be easier to find.
        assert_eq!(verify(&good[..7 + 32]), Err(Unsigned::Wrong));

        let verifier = Verifier::new(&hook(plain(Some("x-time")), &[secret])).unwrap();
        let tag = PROVIDER.hmac_sha256.key(secret.as_bytes()).sign(&[b"100.body"]);
        let shown: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        let verify = |time: &str, now| {
            let headers = headers(&[("x-hub-signature-256", &format!("sha256={shown}")), ("x-time", time)]);
            verifier.verify(&headers, b"body", UnixTime::from_secs(now)).map(drop)
        };
        assert_eq!(verify("100", 200), Ok(()));
        assert_eq!(verify("100", 500), Err(Unsigned::Time));
        assert_eq!(verify("101", 200), Err(Unsigned::Wrong), "the time is signed");
    }

    #[test]
    fn settings_that_cannot_work() {
        let wrong = |hook: HookSettings| Verifier::new(&hook).unwrap_err().to_string();
        assert_eq!(wrong(hook(None, &[])), "hooks: crm: give 1 to 3 secrets");
        assert_eq!(
            wrong(hook(None, &["whsec_!"])),
            "hooks: crm: a secret is not base64, as Standard Webhooks has it"
        );
        assert_eq!(wrong(hook(None, &["whsec_YWJj"])), "hooks: crm: a secret has less than 16 bytes");
        let read: HookSettings = toml::from_str(
            "name = \"a\"\nsecrets = [\"x\", { file = \"y\" }]\nsignature = { header = \"x-s\", encoding = \"base64\" }",
        )
        .unwrap();
        let Some(plain) = read.signature.clone() else { panic!("{read:?}") };
        assert_eq!((plain.prefix.as_str(), plain.encoding), ("sha256=", Encoding::Base64));
    }
}
